"""What somebody might write who uses the package: every public name, with annotations.

`mypy --strict` checks it and a test runs it.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import ctxattn_viz as cv


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """A photograph, the same with a hole filled coarsely, and the hole."""
    photo = cv.samples.photograph("chelsea", size=32).to(cv.default_device())
    rows, columns = photo.shape[2:]
    mask = cv.samples.rectangle((rows, columns), top=8, left=8, height=6, width=6).to(photo.device)
    return photo, cv.samples.coarse_fill(photo, mask), mask


def attend(f: Tensor, mask: Tensor) -> Tensor:
    config = cv.AttentionConfig(dialect="pytorch", softmax_scale=5.0).replace(rate=2)
    y: Tensor = cv.contextual_attention(f, f, mask, config, queries="hole")
    layer: cv.ContextualAttention = cv.ContextualAttention(config)
    output, flow = layer(f, f, mask)
    summary: cv.AttentionSummary = cv.attention_summary(f, f, mask, config)
    assert flow.shape[1] == 3
    assert torch.equal(summary.output, output)
    return y


def look(run: cv.Trace) -> list[str]:
    """Of a run: its stages, one query's row, one pixel's ledger."""
    first: cv.Stage = cv.STAGES[0]
    result: cv.StageResult = run[first.key]
    numbers: cv.Summary = result.summary
    row: cv.QueryRow = run.query(4, 4)
    match: cv.Match = row.best(1)[0]
    ledger: cv.PixelLedger = run.pixel(9, 9)
    term: cv.PixelTerm = ledger.terms[0]
    gradient: cv.Gradient = run.gradient(pixel=(9, 9), channel=0)
    assert gradient.f.shape == run.f.shape[1:]
    cells: cv.Cells = run.cells()
    remarks: cv.Remarks = run.facts
    remark: cv.Remark = remarks[0]
    places: list[tuple[int, int]] = run.where(lambda cell: cell.best_share > 0.5)
    assert len(places) == int((cells.best_share > 0.5).sum())
    doubt: Tensor = run.map("margin")
    assert doubt.shape == cells.margin.shape
    assert remark.key in [each.key for each in (*remarks, *run.findings)]
    flow: Tensor = cv.flow_like(run, "tensorflow")
    assert flow.ndim == 4
    keys: list[str] = [stage.key for stage in cv.steps(run.f, run.b, run.mask)]
    assert keys == [stage.key for stage in cv.stages.STAGES]
    return [str(numbers), f"{match.row}, {match.col}: {match.weight:.2f}", str(term.contribution)]


def is_my_port_right(run: cv.Trace, port: Callable[[Tensor, Tensor, Tensor], Tensor]) -> bool:
    comparison: cv.Comparison = cv.compare(
        reference=run, other={"output": port(run.f, run.b, run.mask)}
    )
    difference: cv.StageDifference | None = comparison.first
    return difference is None


def what_if(run: cv.Trace) -> list[str]:
    differences: list[str] = []
    for name, variant in cv.variants.ALL.items():
        other: cv.Trace = cv.trace(run.f, run.b, run.mask, run.config, swap=variant.swap)
        changed = (other["output"].tensor - run["output"].tensor).abs().max()
        differences.append(f"{variant.question} {name}: {float(changed):.2f}")
    return differences


def price(run: cv.Trace) -> float:
    profile: cv.Profile = cv.profile(run.f, run.b, run.mask, run.config, runs=1)
    cost: cv.Cost = profile["scores"]
    ceilings: cv.Ceilings = profile.ceilings
    return cost.seconds * ceilings.operations


def show(run: cv.Trace, folder: Path) -> Path:
    debugger: cv.Debugger = cv.debug(run, query=(3, 4), stage="scores", title="mine")
    debugger.close()
    figure: cv.Figure = cv.figures.query(run, 4, 4)
    figure.savefig(folder / "query.png")
    strip: cv.Figure = cv.figures.filmstrip(run, "fused_scores", query=(4, 4))
    assert len(strip.axes) == 6
    return cv.save_page(run, folder / "page.html", pixel=(1, 2), sample=0)


def step_through(f: Tensor) -> list[str]:
    recording: cv.Recording = cv.record(cv.contextual_attention, f, f, memory_budget=10_000_000)
    with cv.record() as block:
        _ = f * 2
    step: cv.RecordedStep = block.steps[0]
    value: cv.RecordedValue | None = block.made(step)
    source: cv.RecordedSource = recording.sources[recording.steps[0].source]
    call: cv.RecordedCall = recording.calls[0]
    assert value is not None
    assert value.shape == f.shape
    view: cv.StepView = cv.step_into(cv.contextual_attention, f, f)
    view.close()
    cv.look(f).close()
    return [step.expression, source.name, str(call.depth)]


def learn() -> list[str]:
    def mine(patches: Tensor) -> Tensor:
        return patches

    feedback: cv.Feedback = cv.exercises.check("mask_validity", mine)
    drawing: cv.Drawing | None = feedback.drawing
    cv.exercises.lines("mask_validity")
    ordered: cv.Feedback = cv.exercises.check_order("mask_validity", [3, 1, 2])
    port: cv.FaultyPort = cv.exercises.faulty_port(3, shows="scores")
    view: cv.StepView = cv.exercises.step_into("mask_validity", mine)
    view.close()
    return [feedback.headline, ordered.headline, repr(drawing), repr(port)]


def match_on_features(photo: Tensor) -> Tensor:
    encoder: cv.Encoder = cv.features.load()
    mine, losses = cv.features.train([cv.samples.photograph("brick", size=96)], steps=1)
    features: Tensor = encoder(photo)
    assert mine(photo).shape == features.shape
    assert len(losses) == 1
    return features


def what_can_go_wrong(run: cv.Trace, path: Path) -> list[str]:
    problems: list[str] = []
    calls: list[Callable[[], object]] = [
        lambda: cv.trace(run.f, run.b[:, :2]),
        lambda: run["score"],
        lambda: run.query(99, 0),
        lambda: cv.trace(run.f, run.b, budget=1)["scores"],
    ]
    for call in calls:
        try:
            call()
        except (cv.UnknownKeyError, cv.OutOfGridError, cv.UnknownOptionError) as problem:
            problems.append(problem.argument)
        except cv.InputError as problem:
            problems.append(problem.expected)
        except (cv.BudgetError, cv.UnsupportedError) as problem:
            problems.append(str(problem))
    kinds: list[type[Warning]] = [
        cv.ChannelsLastWarning,
        cv.MaskWarning,
        cv.NothingValidWarning,
        cv.PictureWarning,
        cv.ThinHoleWarning,
    ]
    with warnings.catch_warnings():
        for kind in kinds:
            warnings.simplefilter("ignore", kind)
        run.save(path)
        again: cv.Trace = cv.load_trace(path)
    return [*problems, repr(again)]


def main(folder: Path) -> None:
    photo, coarse, mask = inputs()
    run: cv.Trace = cv.trace(coarse, coarse, mask)
    print(cv.samples.psnr(attend(coarse, mask), photo, mask))
    print(*look(run), sep="\n")
    print(is_my_port_right(run, cv.contextual_attention), price(run) > 0)
    print(*step_through(coarse), *what_if(run), sep="\n")
    print(match_on_features(photo).shape)
    print(show(run, folder).name, *learn(), sep="\n")
    print(*what_can_go_wrong(run, folder / "run.pt"), sep="\n")
