"""Recordings on their way to the page: small, whole where it counts, of the query that is kept."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.debugger.opening import page_of
from ctxattn_viz.debugger.payload import build
from ctxattn_viz.debugger.recordings import WHOLE, Packer, pack, part_of
from ctxattn_viz.debugger.state import initial_state
from ctxattn_viz.debugger.step_in import opening_query, opening_recordings, stored_recording
from ctxattn_viz.recording.readings import Meaning
from ctxattn_viz.recording.stage_calls import WHOLE_LAYER
from ctxattn_viz.stages import STAGES
from tests.support.page import state_of

pytestmark = pytest.mark.recordings

MOST = 1_000_000  # bytes that recordings may add to a page of 64×64 cells
KEYS = [*(stage.key for stage in STAGES), WHOLE_LAYER]
Stored = dict[str, Any]


def photograph(size: int) -> Tensor:
    photo = cv.samples.photograph("chelsea", size=size)
    return torch.nn.functional.interpolate(photo, (size, size))


@pytest.fixture(scope="module")
def run() -> cv.Trace:
    x = photograph(32)
    mask = cv.samples.rectangle((32, 32), 8, 8, 10, 10)
    return cv.trace(x, x, mask)


def array(stored: Stored, value: dict[str, Any]) -> np.ndarray:
    """A value's numbers, or the part of them that was kept."""
    shape = value["slice"]["shape"] if value["slice"] else value["shape"]
    return np.frombuffer(stored["arrays"][value["array"]], "<f4").reshape(shape)


def values_of(stored: Stored, expression: str) -> list[dict[str, Any]]:
    recording = stored["recording"]
    steps = [step for step in recording["steps"] if step["expression"] == expression]
    return [recording["values"][step["value"]] for step in steps]


# ---- packing ------------------------------------------------------------------------------------


def scaled(x: Tensor, times: int) -> Tensor:
    y = x * times
    y += 1
    return y.sum()


def test_steps_and_values_are_the_recordings() -> None:
    stored = pack(cv.record(scaled, torch.tensor([1.0, 2.0]), 3), title="scaled")
    recording = stored["recording"]
    assert json.loads(json.dumps(recording, allow_nan=False)) == recording
    assert [step["expression"] for step in recording["steps"]] == ["x * times", "y += 1", "y.sum()"]
    last = recording["steps"][-1]
    assert dict(last["locals"]) == {"x": 0, "times": "3", "y": 2}
    assert recording["steps"][1]["changed"] == ["y"]
    assert [array(stored, value).tolist() for value in recording["values"]] == [
        [1, 2],
        [3, 6],
        [4, 7],
        11,
    ]
    assert recording["values"][0]["name"] == "x"
    (source,) = recording["sources"]
    assert source["text"].splitlines()[last["line"] - source["first_line"]].endswith("y.sum()")
    assert recording["bytes"] == 2 * 3 * 4 + 4


def test_what_went_wrong_is_the_last_line_of_the_exception() -> None:
    def wrong(x: Tensor) -> Tensor:
        return (x + 1) @ torch.ones(3)

    recording = pack(cv.record(wrong, torch.ones(2)), title="wrong")["recording"]
    assert recording["error"].startswith("RuntimeError: ")
    assert recording["steps"][0]["expression"] == "x + 1"
    assert pack(cv.record(scaled, torch.ones(2), 3), title="")["recording"]["error"] is None


def test_the_same_numbers_are_sent_once() -> None:
    def twice(x: Tensor) -> Tensor:
        return x.clone() + x.reshape(2, 2).reshape(4)

    stored = pack(cv.record(twice, torch.ones(4)), title="")
    assert len(stored["arrays"]) == 2
    assert stored["recording"]["bytes"] == 2 * 16


@pytest.mark.parametrize(
    ("x", "numbers"),
    [
        (torch.tensor([True, False]), [1, 0]),
        (torch.tensor([3, -4]), [3, -4]),
        (torch.tensor([3 + 4j]), [5]),
        (torch.tensor([1.5], dtype=torch.bfloat16), [1.5]),
        (torch.tensor([math.nan, -math.inf]), [math.nan, -math.inf]),
        (torch.tensor([1.0, 2.0, 3.0])[::2], [1, 3]),
        (torch.tensor(7), 7),
    ],
)
def test_numbers_of_any_kind_become_float32(x: Tensor, numbers: Any) -> None:
    stored = pack(cv.record(lambda x: x, x), title="")
    (content,) = stored["arrays"] or [b""]
    np.testing.assert_array_equal(np.frombuffer(content, "<f4").reshape(np.shape(numbers)), numbers)


def meaning(*axes: str, picture: str = "plain", row: int | None = None) -> Meaning:
    return Meaning(axes, "", picture, None, row)


@pytest.mark.parametrize(
    ("shape", "means", "start", "part"),
    [
        # The kept query's row, whole.
        ((1, 9, 4096), meaning("n", "Q", "L", row=4), [0, 4, 0], [1, 1, 4096]),
        # The patch of the best match, and of a table of them its column.
        ((4096, 3, 3), meaning("L", "k", "k", picture="patches"), [7, 0, 0], [1, 3, 3]),
        ((1, 27, 4096), meaning("n", "c·k·k", "L", picture="background"), [0, 0, 7], [1, 27, 1]),
        # Of a picture as many rows around the place as there is room for.
        ((3, 128, 128), meaning("c", "H", "W", picture="picture"), [0, 25, 0], [3, 10, 128]),
        # Of what nobody knows, the first.
        ((100, 100), meaning("?", "?"), [0, 0], [40, 100]),
        # Never more than there is room for.
        ((2, 5000), meaning("n", "c"), [0, 0], [2, 2048]),
    ],
)  # fmt: skip
def test_of_a_large_tensor_the_part_that_counts_is_kept(
    shape: tuple[int, ...], means: Meaning, start: list[int], part: list[int]
) -> None:
    assert part_of(shape, means, {"L": 7, "H": 30}, 4096) == (start, part)


def test_a_part_says_where_it_lies_and_holds_these_numbers() -> None:
    x = torch.rand(1, 9, 4096)
    packer = Packer(whole=WHOLE)
    recording = cv.record(lambda x: x, x)
    data = packer.value(recording.values[0], meaning("n", "Q", "L", row=4))
    assert data["slice"] == {"axis_start": [0, 4, 0], "shape": [1, 1, 4096]}
    assert data["minimum"] == float(x.min()), "of all of it"
    (content,) = packer.arrays
    assert content == x[0, 4].numpy().tobytes()
    small = Packer(whole=x.numel() * 4)
    assert small.value(recording.values[0], meaning("n", "Q", "L", row=4))["slice"] is None
    one_row = Packer(whole=x.numel() * 4, one_row=True)
    assert one_row.value(recording.values[0], meaning("n", "Q", "L", row=4))["slice"] is not None


# ---- stages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", KEYS)
def test_each_stage_is_recorded_at_a_query(stage: str, run: cv.Trace) -> None:
    stored = stored_recording(run, stage, (4, 5))
    recording = stored["recording"]
    assert (recording["stage"], recording["query"], recording["sample"]) == (stage, [4, 5], 0)
    assert recording["title"].endswith(" at query (4, 5)")
    assert all(recording["beside"].values())
    assert recording["error"] is None
    assert all(value["array"] is not None for value in recording["values"])
    for value in recording["values"]:
        assert math.prod(array(stored, value).shape) * 4 <= WHOLE
    assert not any(step["gap"] for step in recording["steps"])


def test_the_row_of_a_step_is_the_traces(run: cv.Trace) -> None:
    stored = stored_recording(run, "attention", (4, 5))
    last = stored["recording"]["values"][stored["recording"]["steps"][-1]["value"]]
    row = run.query(4, 5).attention
    assert (last["picture"], last["grid"]) == ("background", [*row.shape])
    np.testing.assert_allclose(array(stored, last).reshape(row.shape), row.numpy(), rtol=1e-5)


def test_a_sample_is_recorded_by_itself() -> None:
    seed = torch.Generator().manual_seed(3)
    f, b = torch.rand(2, 2, 3, 8, 8, generator=seed)
    run = cv.trace(f, b)
    flows = run["flow"].tensor
    row, column = (flows[0] != flows[1]).any(dim=0).nonzero()[0].tolist()
    for sample in (0, 1):
        stored = stored_recording(run, "scores", (row, column), sample)
        last = stored["recording"]["values"][stored["recording"]["steps"][-1]["value"]]
        expected = run.query(row, column, sample=sample).scores
        np.testing.assert_allclose(array(stored, last).ravel(), expected.numpy().ravel(), rtol=1e-5)
        flow = stored_recording(run, "flow", (row, column), sample)
        last = flow["recording"]["values"][flow["recording"]["steps"][-1]["value"]]
        assert array(flow, last)[0, :, 0, 0].tolist() == flows[sample, :, row, column].tolist()


def test_the_patch_of_the_best_match_is_kept_of_many() -> None:
    run = cv.trace(photograph(64), photograph(64))
    stored = stored_recording(run, "scores", (4, 5))
    best = run.query(4, 5).best(1)[0].index
    (squares,) = values_of(stored, "lifted(matching_patches).square()")
    assert squares["slice"]["axis_start"][1] == best
    expected = run["matching_patches"][0, best].square()
    np.testing.assert_allclose(array(stored, squares)[0, 0], expected.numpy(), rtol=1e-6)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.key)
def test_the_line_of_pytorch_stands_in_the_code(stage: cv.Stage, root: Path) -> None:
    module = stage.function.__module__.replace(".", "/")
    folder = root / "ctxattn_viz" / "stages"
    texts = [(root / f"{module}.py"), folder / "downsampling.py", folder / "patch_extraction.py"]
    assert any(stage.torch in " ".join(text.read_text().split()) for text in texts)
    assert stage.paper
    assert "(" in stage.torch


# ---- a saved page -------------------------------------------------------------------------------


def test_a_page_holds_each_stage_and_the_whole_layer_at_its_query(run: cv.Trace) -> None:
    page = state_of(page_of(run, query=(3, 4)).decode())
    recordings = page["recordings"]
    assert [stored["recording"]["stage"] for stored in recordings] == KEYS
    assert {tuple(stored["recording"]["query"]) for stored in recordings} == {(3, 4)}
    again = stored_recording(run, "fused_scores", (3, 4))
    (stored,) = (each for each in recordings if each["recording"]["stage"] == "fused_scores")
    assert stored["arrays"] == again["arrays"]
    assert stored["recording"] == json.loads(json.dumps(again["recording"]))


def test_the_recordings_of_64_by_64_cells_take_less_than_a_megabyte() -> None:
    """The code and the numbers of a photograph, at a query inside the hole, as text in the file."""
    x = photograph(128)
    mask = cv.samples.rectangle((128, 128), 40, 40, 40, 40)
    page = page_of(cv.trace(x, x, mask), query=(25, 25)).decode()
    packed = page.partition('id="ctxattn-packed">')[2].partition("<")[0]
    assert 100_000 < len(packed) < MOST


def test_a_page_without_a_query_steps_into_the_one_that_it_shows() -> None:
    """The hole's cell nearest to its middle (frontend/state/home.ts), or the middle of f."""
    f = torch.rand(2, 3, 16, 24)
    mask = torch.zeros(2, 1, 16, 24)
    mask[0, :, 4:8, 4:16] = 1
    holes = cv.trace(f, f, mask)
    state = initial_state(build(holes), holes)
    assert opening_query(holes, state | {"query": [3, 4], "pixel": [0, 0]}) == (3, 4)
    assert opening_query(holes, state | {"pixel": [9, 2]}) == (4, 1)
    cells = holes["downsampled_mask"][0, 0].nonzero().double()
    distances = (cells - cells.mean(dim=0)).norm(dim=1)
    assert opening_query(holes, state) == tuple(cells[distances.argmin()].int().tolist())
    assert opening_query(holes, state | {"sample": 1}) == (4, 6), "nothing is missing there"
    other = cv.trace(f, torch.rand(2, 3, 8, 8), torch.ones(1, 1, 8, 8))
    assert opening_query(other, initial_state(build(other), other)) == (4, 6), "a hole of b alone"
    own = torch.zeros(1, 1, 16, 24)
    own[..., 14:, 22:] = 1
    state = initial_state(build(other, foreground_mask=own), other)
    assert opening_query(other, state) == (7, 11)


def test_every_stage_is_recorded_where_only_the_queries_axis_has_a_size() -> None:
    """25 queries enter two passes of fusion with fuse_k 5, and nothing else is as long."""
    f = torch.rand(1, 3, 16, 32)
    mask = torch.zeros(1, 1, 16, 32)
    mask[..., 2:7, 3:26] = 1
    run = cv.trace(f, f, mask, cv.AttentionConfig(fuse_k=5))
    recordings = opening_recordings(run, initial_state(build(run), run, query=(4, 6)))
    assert len(recordings) == len(STAGES) + 1


# ---- the message --------------------------------------------------------------------------------


class Asked:
    """A debugger and what it answers."""

    def __init__(self, run: cv.Trace, monkeypatch: pytest.MonkeyPatch) -> None:
        self.debugger = cv.debug(run)
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(
            self.debugger, "send", lambda content, buffers=(): self.sent.append((content, buffers))
        )

    def __call__(self, **content: Any) -> tuple[dict[str, Any], list[bytes]]:
        data = {"method": "custom", "content": {"kind": "step_in", **content}}
        self.debugger._handle_msg({"content": {"data": data}, "buffers": []})
        return self.sent[-1]


@pytest.fixture
def asked(run: cv.Trace, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(run, monkeypatch)


def test_the_kernel_steps_into_a_stage_when_the_page_asks(asked: Asked, run: cv.Trace) -> None:
    answer, buffers = asked(number=7, stage="scores", query=[4, 5])
    expected = stored_recording(run, "scores", (4, 5))
    assert answer == {"kind": "recording", "number": 7, "recording": expected["recording"]}
    assert buffers == expected["arrays"]


def test_it_steps_with_the_settings_and_the_hole_on_screen(asked: Asked) -> None:
    asked.debugger.softmax_scale = 2.0
    answer, _ = asked(number=1, stage="attention", query=[4, 5])
    (scaled,) = (
        step
        for step in answer["recording"]["steps"]
        if step["expression"] == "fused_scores * keep * config.softmax_scale"
    )
    assert scaled["operands"][1] == "2.0"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"stage": "nonsense", "query": [0, 0]}, "stage: expected one of 'downsampled_f'"),
        ({"query": [0, 0]}, "stage: expected one of"),
        ({"stage": "scores"}, "query: expected (row, column), got None."),
        ({"stage": "scores", "query": [99, 0]}, "query row: expected"),
        ({"stage": "scores", "query": "ab"}, "query: expected (row, column)"),
    ],
)
def test_what_cannot_be_stepped_into_is_said_in_a_sentence(
    content: dict[str, Any], reason: str, asked: Asked
) -> None:
    answer, buffers = asked(number=3, **content)
    assert (answer["kind"], answer["number"], buffers) == ("no_recording", 3, [])
    assert answer["reason"].startswith(reason)
    assert "\n" not in answer["reason"]


def test_a_wish_without_a_number_is_refused(asked: Asked) -> None:
    answer, _ = asked(stage="scores", query=[0, 0])
    assert answer["kind"] == "refused"
