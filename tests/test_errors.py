"""Each bad input has its own sentence: the argument, what was expected, what came."""

import copy
import importlib
import multiprocessing
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.errors import OutOfGridError, UnknownKeyError

X = torch.rand(1, 3, 8, 8)
HOLE = torch.zeros(1, 1, 8, 8)

Call = Callable[..., Any]
ENTRANCES: list[Call] = [
    cv.trace,
    cv.steps,
    cv.contextual_attention,
    lambda f, b, mask=None, config=None: cv.ContextualAttention(config)(f, b, mask),
]

BAD_SHAPES: dict[str, tuple[tuple[Any, ...], str]] = {
    "rank of f": (
        (X[0], X),
        "f: expected four dimensions (n, c, height, width), got a (3, 8, 8) tensor. "
        "One picture: `f[None]` (or `f.unsqueeze(0)`).",
    ),
    "rank of b": (
        (X, X[0, 0]),
        "b: expected four dimensions (n, c, height, width), got a (8, 8) tensor. "
        "One grey picture: `b[None, None]`.",
    ),
    "rank of mask": (
        (X, X, HOLE[0, 0]),
        "mask: expected four dimensions (1 or n, 1, height, width), got a (8, 8) tensor. "
        "One mask: `mask[None, None]`.",
    ),
    "channels of mask": (
        (X, X, X),
        "mask: expected four dimensions (1 or n, 1, height, width), got a (1, 3, 8, 8) tensor. "
        "A picture of a mask: `mask[:, :1]` is its first channel.",
    ),
    "channels": ((X, X[:, :2]), "b: expected as many channels as f, 3, got 2."),
    "samples": ((X.repeat(2, 1, 1, 1), X), "b: expected as many samples as f, 2, got 1."),
    "height of f": (
        (X[:, :, 1:], X),
        "f: expected a height divisible by rate 2, got 7. Crop to 6 or pad to 8.",
    ),
    "width of b": (
        (X, X[..., 3:]),
        "b: expected a width divisible by rate 2, got 5. Crop to 4 or pad to 6.",
    ),
    "empty f": (
        (X[:0], X[:0]),
        "f: expected at least one sample, channel, row and column, got a (0, 3, 8, 8) tensor.",
    ),
    "empty b": (
        (X, X[..., :0]),
        "b: expected at least one sample, channel, row and column, got a (1, 3, 8, 0) tensor.",
    ),
    "empty mask": (
        (X, X, HOLE[:, :, :0]),
        "mask: expected at least one sample, row and column, got a (1, 1, 0, 8) tensor.",
    ),
    "integers": (
        ((X * 255).byte(), X),
        "f: expected floating-point values (float64, float32, bfloat16 or float16), got "
        "torch.uint8. A uint8 picture becomes one by `x / 127.5 - 1`.",
    ),
    "complex": (
        (X, X + 0j),
        "b: expected floating-point values (float64, float32, bfloat16 or float16), got "
        "torch.complex64.",
    ),
    "dtypes": (
        (X, X.double()),
        "b: expected the dtype of f, torch.float32, got torch.float64.",
    ),
    "devices": ((X, X.to("meta")), "b: expected the device of f, cpu, got meta."),
    "device of mask": (
        (X, X, HOLE.to("meta")),
        "mask: expected the device of f and b, cpu, got meta.",
    ),
    "size of mask": (
        (X, X, HOLE[..., :4, :4]),
        "mask: expected b's size (8, 8) or a whole multiple of it, got (4, 4). It has the size of "
        "the matching grid, b's over rate 2: "
        "`mask.repeat_interleave(2, 2).repeat_interleave(2, 3)` fits.",
    ),
    "mask larger one way only": (
        (X, X, HOLE.repeat(1, 1, 2, 1)),
        "mask: expected b's size (8, 8) or a whole multiple of it, got (16, 8).",
    ),
    "samples of mask": (
        (X, X, HOLE.repeat(2, 1, 1, 1)),
        "mask: expected 1 sample or as many as b, 1, got 2.",
    ),
    "sparse": (
        (X.to_sparse(), X),
        "f: expected a dense tensor, got torch.sparse_coo. `f.to_dense()` makes one.",
    ),
    "array": (
        (np.zeros((1, 3, 8, 8)), X),
        "f: expected a torch.Tensor, got ndarray. `torch.from_numpy(f)` makes one.",
    ),
    "nothing": ((X, None), "b: expected a torch.Tensor, got NoneType."),
    "mask no tensor": ((X, X, 0), "mask: expected a torch.Tensor or None, got int."),
    "config no config": (
        (X, X, None, {"ksize": 3}),
        "config: expected an AttentionConfig, got dict.",
    ),
}


@pytest.mark.parametrize("enter", ENTRANCES, ids=["trace", "steps", "function", "layer"])
@pytest.mark.parametrize(("arguments", "message"), BAD_SHAPES.values(), ids=[*BAD_SHAPES])
def test_what_shapes_and_types_tell(enter: Call, arguments: tuple, message: str) -> None:
    with pytest.raises(cv.InputError) as caught:
        enter(*arguments)
    assert str(caught.value) == message


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
@pytest.mark.parametrize("enter", ENTRANCES, ids=["trace", "steps", "function", "layer"])
def test_nested_tensors_are_refused_whatever_their_layout(enter: Call, layout: Any) -> None:
    nested = torch.nested.nested_tensor([X[0], X[0, :, :4]], layout=layout)
    for name, arguments in {
        "f": (nested, X),
        "b": (X, nested),
        "mask": (X, X, nested),
    }.items():
        with pytest.raises(cv.InputError, match=f"^{name}: expected a dense tensor.* a nested one"):
            enter(*arguments)
    with pytest.raises(cv.InputError, match="got a nested one"):
        cv.compare(cv.trace(X, X), {"output": nested})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.jit's own
def test_scripting_the_layer_is_refused_in_a_sentence() -> None:
    with pytest.raises(cv.UnsupportedError, match=r"torch\.jit\.script cannot read the layer"):
        torch.jit.script(torch.nn.Sequential(cv.ContextualAttention()))


@pytest.mark.parametrize("value", [np.array([3]), np.array([1, 2]), torch.tensor(3.0), np.bool_(1)])
@pytest.mark.parametrize(
    "call",
    [
        lambda x: cv.AttentionConfig(rate=x),
        lambda x: cv.samples.rectangle((x, 8), 0, 0, 1, 1),
        lambda x: cv.trace(*[torch.rand(1, 3, 8, 8)] * 2).query(x, 0),
        lambda x: cv.trace(*[torch.rand(1, 3, 8, 8)] * 2).query(0, 0).best(x),
    ],
)
def test_what_is_no_whole_number_whatever_holds_it(call: Call, value: Any) -> None:
    with pytest.raises(cv.InputError, match="expected"):
        call(value)


def test_a_run_without_values_is_neither_saved_nor_compared(
    trace: cv.Trace, tmp_path: Path
) -> None:
    empty = cv.trace(trace.f.to("meta"), trace.b.to("meta"))
    for act in (
        lambda: empty.save(tmp_path / "run.pt"),
        lambda: cv.compare(empty, trace),
        lambda: cv.compare(trace, empty),
    ):
        with pytest.raises(cv.InputError, match="expected a run with values, got one on meta"):
            act()


@pytest.mark.parametrize("key", [["scores"], {}, 0, None])
def test_whatever_is_no_key_of_a_stage(trace: cv.Trace, key: Any) -> None:
    with pytest.raises(KeyError, match="expected one of"):
        trace[key]


def test_what_came_is_shortened_in_every_message() -> None:
    long = "x" * 100_000
    problem = cv.InputError(f"named[{long!r}]", "a name", repr(long), f"`{long}` does it.")
    assert len(str(problem)) < 1600
    assert "got 'xxx" in str(problem)
    assert str(problem).count("…") == 3
    assert str(pickle.loads(pickle.dumps(problem))) == str(problem)
    assert problem.got.endswith("x'")
    with pytest.raises(cv.InputError) as caught:
        cv.samples.photograph(long)
    assert len(str(caught.value)) < 600


def test_the_warning_of_pictures_is_public_and_can_be_sent() -> None:
    warning = pickle.loads(pickle.dumps(cv.PictureWarning("x: white")))
    assert isinstance(warning, UserWarning)
    assert str(warning) == "x: white"


def spoilt(value: float) -> torch.Tensor:
    x = X.clone()
    x[0, 1, 2, 5] = value  # a pixel that shrinking keeps
    return x


def half_masked(value: float) -> torch.Tensor:
    mask = HOLE.clone()
    mask[..., 2:6, 2:6] = value
    return mask


BAD_VALUES: dict[str, tuple[tuple[Any, ...], str]] = {
    "NaN": (
        (spoilt(float("nan")), X),
        "f: expected finite values, got 1 NaN or infinite, the first at (0, 1, 2, 5). "
        "To examine them all the same: allow_nonfinite=True.",
    ),
    "infinity": (
        (X, spoilt(-float("inf"))),
        "b: expected finite values, got 1 NaN or infinite, the first at (0, 1, 2, 5). "
        "To examine them all the same: allow_nonfinite=True.",
    ),
    "grey mask": (
        (X, X, half_masked(0.5)),
        "mask: expected 0 (known) and 1 (hole) only, got also 0.5.",
    ),
    "mask of a PNG": (
        (X, X, half_masked(255).byte()),
        "mask: expected 0 (known) and 1 (hole) only, got also 255.",
    ),
    "NaN in a mask": (
        (X, X, half_masked(float("nan"))),
        "mask: expected 0 (known) and 1 (hole) only, got also nan.",
    ),
}


@pytest.mark.parametrize("enter", ENTRANCES[:2], ids=["trace", "steps"])
@pytest.mark.parametrize(("arguments", "message"), BAD_VALUES.values(), ids=[*BAD_VALUES])
def test_what_only_values_tell(enter: Call, arguments: tuple, message: str) -> None:
    with pytest.raises(cv.InputError) as caught:
        enter(*arguments)
    assert str(caught.value) == message


def test_the_function_and_the_layer_do_not_look_at_values() -> None:
    """It would stall a GPU: NaN goes in, NaN comes out."""
    assert cv.contextual_attention(spoilt(float("nan")), X).isnan().any()
    assert cv.ContextualAttention()(X, spoilt(float("inf")))[0].isnan().any()


@pytest.fixture(scope="module")
def trace() -> cv.Trace:
    return cv.trace(X, X.roll(1, 3), half_masked(1))


LOOKS: dict[str, tuple[Callable[[cv.Trace], Any], type[Exception], str]] = {
    "stage": (
        lambda t: t["score"],
        UnknownKeyError,
        "stage: expected one of downsampled_f, downsampled_b, downsampled_mask, matching_patches, "
        "paste_patches, valid, scores, fused_rows, fused_scores, attention, output, offsets, flow, "
        "got 'score'.",
    ),
    **{
        name: (
            lambda t, ask=ask: ask(t)("score"),
            UnknownKeyError,
            "stage: expected one of " + ", ".join(cv.stages.BY_KEY) + ", got 'score'.",
        )
        for name, ask in {
            "stage computed": lambda t: t.computed,
            "stage's cost": lambda t: t.cost,
            "stage's layout": lambda t: t.layout,
        }.items()
    },
    "stage of a query": (
        lambda t: t.query(0, 0)["output"],
        UnknownKeyError,
        "stage: expected one of valid, scores, fused_rows, fused_scores, attention, got 'output'.",
    ),
    "half a match": (
        lambda t: t.query(0, 0).best(1.5),
        cv.InputError,
        "count: expected an integer ≥ 1, got 1.5.",
    ),
    "no match": (
        lambda t: t.query(0, 0).best(0),
        cv.InputError,
        "count: expected an integer ≥ 1, got 0.",
    ),
    "fewer of a pixel": (
        lambda t: t.pixel(0, 0).terms[0].best(-1),
        cv.InputError,
        "count: expected an integer ≥ 1, got -1.",
    ),
    "row": (
        lambda t: t.query(4, 0),
        OutOfGridError,
        "row: expected an integer from 0 to 3, got 4.",
    ),
    "column": (
        lambda t: t.query(0, -1),
        OutOfGridError,
        "col: expected an integer from 0 to 3, got -1.",
    ),
    "half a row": (
        lambda t: t.query(0.5, 0),
        cv.InputError,
        "row: expected an integer from 0 to 3, got 0.5.",
    ),
    "sample": (
        lambda t: t.query(0, 0, sample=1),
        OutOfGridError,
        "sample: expected an integer from 0 to 0, got 1.",
    ),
    "pixel's row": (
        lambda t: t.pixel(8, 0),
        OutOfGridError,
        "row: expected an integer from 0 to 7, got 8.",
    ),
    "pixel's column": (
        lambda t: t.pixel(0, 8),
        OutOfGridError,
        "col: expected an integer from 0 to 7, got 8.",
    ),
    "pixel's sample": (
        lambda t: t.pixel(0, 0, sample=-1),
        OutOfGridError,
        "sample: expected an integer from 0 to 0, got -1.",
    ),
    "flow's dialect": (
        lambda t: cv.flow_like(t, "mmagic"),
        cv.InputError,
        "dialect: expected one of 'tensorflow', 'pytorch', got 'mmagic'.",
    ),
}


@pytest.mark.parametrize(("look", "kind", "message"), LOOKS.values(), ids=[*LOOKS])
def test_what_does_not_exist(
    trace: cv.Trace, look: Callable[[cv.Trace], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        look(trace)
    assert str(caught.value) == message


def test_errors_are_also_what_python_calls_them(trace: cv.Trace) -> None:
    """`except KeyError`, `except IndexError`, and `in` work as on any mapping or sequence."""
    with pytest.raises(KeyError):
        trace["score"]
    with pytest.raises(IndexError):
        trace.query(0, 99)
    with pytest.raises(ValueError, match="channels"):
        cv.trace(X, X[:, :1])
    assert "score" not in trace
    assert trace.get("score") is None


@pytest.mark.parametrize("budget", [0, -1, "1GB", True, float("nan")])
def test_a_budget_is_a_number_of_bytes(budget: Any) -> None:
    with pytest.raises(cv.InputError) as caught:
        cv.trace(X, X, budget=budget)
    expected = f"budget: expected a positive number of bytes or None, got {budget!r}."
    assert str(caught.value) == expected


def test_a_file_that_is_no_trace(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    torch.save({"weights": X}, tmp_path / "model")
    for name in ("text", "model"):
        with pytest.raises(cv.InputError) as caught:
            cv.load_trace(tmp_path / name)
        said = f"path: expected a file that Trace.save wrote, got {tmp_path / name}."
        assert str(caught.value) == said
    with pytest.raises(FileNotFoundError):
        cv.load_trace(tmp_path / "missing")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", torch.device("cuda", 99), 3.5])
def test_a_device_that_is_not_there(tmp_path: Path, device: Any) -> None:
    """Said of the device, and not of the file."""
    cv.trace(X, X).save(tmp_path / "run")
    for name in ("run", "missing"):
        with pytest.raises(cv.InputError) as caught:
            cv.load_trace(tmp_path / name, device)
        said = f"device: expected an available device, got {str(device)!r}."
        assert str(caught.value) == said


def test_any_device_that_is_there(tmp_path: Path) -> None:
    cv.trace(X, X).save(tmp_path / "run")
    for device in ("cpu", torch.device("cpu"), "meta", cv.default_device()):
        assert cv.load_trace(tmp_path / "run", device).device.type == torch.device(device).type


WRITERS: dict[str, Callable[[cv.Trace, Any], Any]] = {
    "Trace.save": lambda t, path: t.save(path),
    "save_page": cv.save_page,
    "Debugger.save_page": lambda t, path: cv.debug(t).save_page(path),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=[*WRITERS])
def test_a_path_that_cannot_be_written(trace: cv.Trace, tmp_path: Path, write: Call) -> None:
    missing = str(tmp_path / "nope" / "x")
    for path, got in (
        (tmp_path, f"{str(tmp_path)!r} (Is a directory)"),
        (missing, f"{missing!r} (No such file or directory)"),
        ("", "'' (Is a directory)"),
        (None, "None"),
        (3, "3"),
    ):
        with pytest.raises(cv.InputError) as caught:
            write(trace, path)
        assert str(caught.value) == f"path: expected the path of a file to write, got {got}."
    assert not [*tmp_path.iterdir()]
    for _ in range(2):  # over the one before, too
        write(trace, tmp_path / "x")
        assert (tmp_path / "x").stat().st_size > 1000


@pytest.mark.parametrize("show", [cv.debug, lambda t: cv.save_page(t, "page.html")])
def test_what_is_no_trace_is_named_by_type_and_shape(show: Call) -> None:
    for x, got in ((X, "a (1, 3, 8, 8) tensor"), (None, "NoneType"), (X.numpy(), "ndarray")):
        with pytest.raises(cv.InputError) as caught:
            show(x)
        assert str(caught.value) == f"trace: expected what ctxattn_viz.trace returned, got {got}."
    on_meta = cv.trace(X.to("meta"), X.to("meta"))
    with pytest.raises(cv.InputError) as caught:
        show(on_meta)
    assert str(caught.value) == "trace: expected a run with values, got one on meta."


def test_an_option_that_does_not_exist(trace: cv.Trace, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'titel'"):
        cv.debug(trace, titel="x")
    with pytest.raises(TypeError, match="unexpected keyword argument 'at_once'"):
        cv.save_page(trace, tmp_path / "page.html", at_once=False)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"foreground_mask": "nonsense"}, "foreground_mask: expected None, as queries='all', got "),
        ({"foreground_mask": HOLE}, "queries='all', got a (1, 1, 8, 8) tensor."),
        ({"rest": "copy"}, "rest: expected None, as queries='all', got 'copy'."),
        ({"rest": ""}, "rest: expected one of 'copy', 'zero', got ''."),
    ],
    ids=str,
)
def test_what_only_the_hole_takes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(cv.InputError) as caught:
        cv.contextual_attention(X, X, HOLE, **options)
    assert message in str(caught.value)


# ---- errors travel ------------------------------------------------------------------------------


def exceptions_of_ours() -> list[type[BaseException]]:
    """Every exception and warning that the package defines, wherever."""
    for module in pkgutil.walk_packages(cv.__path__, "ctxattn_viz."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
        for subclass in kind.__subclasses__():
            yield subclass
            yield from below(subclass)

    ours = {kind for kind in below(BaseException) if kind.__module__.startswith("ctxattn_viz")}
    return sorted(ours, key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", exceptions_of_ours(), ids=lambda kind: kind.__name__)
def test_every_exception_survives_pickle_and_copy(kind: type[BaseException]) -> None:
    if issubclass(kind, cv.InputError):
        problem: BaseException = kind("f", "a good one", torch.float32, "Do better.")
        assert str(problem) == "f: expected a good one, got torch.float32. Do better."
    else:
        problem = kind("a sentence")
        assert str(problem) == "a sentence"
    problem.add_note("and a note")
    copies = [pickle.loads(pickle.dumps(problem, way)) for way in range(6)]
    for other in (*copies, copy.copy(problem), copy.deepcopy(problem)):
        assert type(other) is kind
        assert str(other) == str(problem)
        assert (other.args, vars(other)) == (problem.args, vars(problem))


def test_what_came_need_not_be_able_to_travel() -> None:
    problem = cv.InputError("f", "a good one", lambda: 1)
    assert str(pickle.loads(pickle.dumps(problem))) == str(problem)


@pytest.mark.slow
def test_an_error_comes_back_from_a_process_pool() -> None:
    """It used to end the pool's reader: the pool then waited for ever."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for _ in range(2):
            with pytest.raises(cv.InputError, match="f: expected a torch"):
                pool.apply_async(cv.trace, (None, None)).get(timeout=100)
