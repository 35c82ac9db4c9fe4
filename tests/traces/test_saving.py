"""A trace on disk: written whole, and read as if whoever wrote it wished us ill."""

from __future__ import annotations

import io
import os
import pickle
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.traces import saving
from tests.support.closeness import equal
from tests.support.inputs import inputs


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_saved_and_loaded_it_is_the_same_run(tmp_path: Path, dtype: torch.dtype) -> None:
    f, b, mask = (x.to(dtype) for x in inputs(n=2))
    config = cv.AttentionConfig(dialect="mmagic", softmax_scale=3.0, norm="none")
    trace = cv.trace(f, b, mask, config)
    trace.save(tmp_path / "run.trace")
    loaded = cv.load_trace(str(tmp_path / "run.trace"))
    assert loaded.config == config
    for name in ("f", "b", "mask"):
        assert torch.equal(getattr(loaded, name), getattr(trace, name))
    for key, result in trace.items():
        assert equal(loaded[key].tensor, result.tensor), key


def test_a_file_holds_inputs_not_matrices(tmp_path: Path) -> None:
    trace = cv.trace(*inputs(side=40))
    _ = trace["output"]
    assert trace["scores"].nbytes > 1_000_000
    trace.save(tmp_path / "run.trace")
    assert (tmp_path / "run.trace").stat().st_size < 150_000


def test_a_sick_run_can_be_saved_and_loaded(tmp_path: Path) -> None:
    f, b, mask = inputs()
    f[0, 0, 0, 0] = float("nan")
    trace = cv.trace(f, b, mask, allow_nonfinite=True)
    trace.save(tmp_path / "sick")
    assert equal(cv.load_trace(tmp_path / "sick")["output"].tensor, trace["output"].tensor)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_damaged_file_is_refused_wherever_it_was_hit(tmp_path: Path, dtype: torch.dtype) -> None:
    trace, path = cv.trace(*(x.to(dtype) for x in inputs())), tmp_path / "run.trace"
    trace.save(path)
    whole = path.read_bytes()
    for x in (trace.f, trace.b, trace.mask):
        at = whole.index(x.view(torch.uint8).numpy().tobytes()) + 100
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        with pytest.raises(cv.InputError, match="expected a file that Trace"):
            cv.load_trace(path)
    path.write_bytes(whole)
    assert torch.equal(cv.load_trace(path).f, trace.f)


def test_a_file_of_before_has_no_checksum_and_is_loaded(tmp_path: Path) -> None:
    trace = cv.trace(*inputs())
    trace.save(tmp_path / "now")
    held = torch.load(tmp_path / "now")
    del held["checksum"]
    torch.save(held | {"ctxattn_viz": 1}, tmp_path / "before")
    assert torch.equal(cv.load_trace(tmp_path / "before").f, trace.f)


@pytest.mark.parametrize("name", ["checksum", "allow_nonfinite", "config", "f", "mask"])
def test_a_file_of_now_says_everything(tmp_path: Path, name: str) -> None:
    """Without its checksum, a file could be given any other configuration."""
    cv.trace(*inputs()).save(tmp_path / "run")
    held = torch.load(tmp_path / "run")
    del held[name]
    torch.save(held, tmp_path / "run")
    refusal(tmp_path / "run")


# ---- what is saved ------------------------------------------------------------------------------


def test_what_is_written_is_contiguous_and_no_longer_than_needed(tmp_path: Path) -> None:
    x = torch.rand(1, 3, 1, 1).expand(1, 3, 64, 64)
    run = cv.trace(x, torch.rand(1, 8, 64, 64)[:, :3], torch.zeros(1, 1, 1, 1).expand(1, 1, 64, 64))
    run.save(tmp_path / "run")
    held = torch.load(tmp_path / "run")
    for name in ("f", "b", "mask"):
        assert held[name].is_contiguous()
        assert held[name].untyped_storage().nbytes() == held[name].nbytes
    assert torch.equal(cv.load_trace(tmp_path / "run").f, x)


def test_whoever_pickles_is_told_what_to_do_instead() -> None:
    run = cv.trace(*inputs())
    for x, name in (
        (run, "a Trace"),
        (run["scores"], "a StageResult"),
        ({"x": run}, "a Trace"),
        (cv.debug(run), "a Debugger"),
    ):
        ways: list[Callable[[], Any]] = [
            lambda x=x: torch.save(x, io.BytesIO()),
            *(lambda x=x, way=way: pickle.dumps(x, way) for way in range(6)),
        ]
        for way in ways:
            with pytest.raises(cv.InputError) as caught:
                way()
            message = str(caught.value)
            assert message.startswith(f"pickle: expected values that can be pickled, got {name}. ")
            assert "`trace.save(path)` keeps" in message


# ---- what is checked when it is read ------------------------------------------------------------


def file_of(path: Path, **changes: Any) -> Path:
    """A file as `Trace.save` writes it, but for `changes`; its checksum fits unless changed."""
    run = cv.trace(*inputs())
    held: dict[str, Any] = {"ctxattn_viz": 1, "config": run.config.to_dict()}
    held |= {"f": run.f, "b": run.b, "mask": run.mask}
    torch.save({k: v for k, v in (held | changes).items() if v is not None}, path)
    return path


def refusal(path: Path | str, **options: Any) -> str:
    """The sentence with which `load_trace` refuses."""
    with pytest.raises(cv.InputError) as caught:
        cv.load_trace(path, **options)
    message = str(caught.value)
    assert message.startswith("path: expected ")
    assert "\n" not in message
    return message


NAN, F = float("nan"), inputs()[0]
MASK = inputs()[2]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mask": MASK * 0.5}, "mask: expected 0 (known) and 1 (hole) only, got also 0.5."),
        ({"mask": MASK * NAN}, "mask: expected 0 (known) and 1 (hole) only, got also nan."),
        ({"f": F * NAN, "allow_nonfinite": False}, "f: expected finite values, got 432 NaN"),
        ({"b": F / 0, "allow_nonfinite": False}, "b: expected finite values, got 432 NaN"),
        ({"f": F[0]}, "f: expected four dimensions"),
        ({"f": F[:, :, 1:]}, "f: expected a height divisible by rate 2, got 11."),
        ({"f": F[:, :2]}, "b: expected as many channels as f, 2, got 3."),
        ({"b": F.float()}, "b: expected the dtype of f, torch.float64, got torch.float32."),
        ({"f": F[:0], "b": F[:0]}, "f: expected at least one sample"),
        ({"mask": MASK[..., 1:]}, "mask: expected b's size"),
        ({"config": {"ksize": 2}}, "ksize: expected an odd integer ≥ 1, got 2."),
        ({"config": {"nonsense": 1}}, "config: expected the fields of AttentionConfig"),
        ({"config": {"softmax_scale": NAN}}, "softmax_scale: expected a finite number, got nan."),
    ],
)
def test_what_trace_refuses_is_refused_in_a_file(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = file_of(tmp_path / "run", **changes)
    assert f"expected a file that Trace.save wrote, got {path}. {reason}" in refusal(path)


def test_a_file_of_a_later_release_says_so(tmp_path: Path) -> None:
    path = file_of(tmp_path / "run", ctxattn_viz=3, config={"a new": "field"})
    assert refusal(path) == (
        f"path: expected a trace in version 2 of the format, got {path} in version 3. "
        "A later release of ctxattn_viz wrote it: install that one."
    )


def test_a_sick_run_of_before_is_loaded(tmp_path: Path) -> None:
    assert cv.load_trace(file_of(tmp_path / "run", f=F * NAN)).f.isnan().all()


def test_a_mask_that_trace_warns_of_is_warned_of(tmp_path: Path) -> None:
    thin = torch.zeros_like(MASK)
    thin[..., 1, :] = 1
    with pytest.warns(cv.ThinHoleWarning) as caught:
        cv.load_trace(file_of(tmp_path / "run", mask=thin))
    assert caught[0].filename == __file__
    config = cv.AttentionConfig(dialect="mmagic").to_dict()
    with pytest.warns(cv.NothingValidWarning):
        cv.load_trace(file_of(tmp_path / "run", mask=MASK * 0 + 1, config=config))
    assert cv.load_trace(tmp_path / "run", "meta").device.type == "meta"


@pytest.mark.parametrize("budget", [-1, NAN, "much"])
def test_a_budget_is_checked(tmp_path: Path, budget: Any) -> None:
    with pytest.raises(cv.InputError, match="budget: expected a positive number of bytes or None"):
        cv.load_trace(file_of(tmp_path / "run"), budget=budget)


class Trap:
    """Would run code when unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("trapped",)


GARBAGE: dict[str, dict[str, Any]] = {
    "no version": {"ctxattn_viz": None},
    "a version that is no number": {"ctxattn_viz": "1"},
    "version 0": {"ctxattn_viz": 0},
    "a version of many digits": {"ctxattn_viz": 10**400},
    "no config": {"config": None},
    "no f": {"f": None},
    "a number for f": {"f": 3},
    "a list for f": {"f": [1.0]},
    "a checksum of another": {"checksum": 3},
    "a checksum in words": {"checksum": "3"},
    "finite or not in words": {"allow_nonfinite": "yes"},
    "a config that is a list": {"config": [1, 2]},
    "a config of numbers": {"config": {1: 2}},
    "a config in a config": {"config": {"ksize": {}}},
    "a config of nothing": {"config": {"shrink": None}},
    "a config of many digits": {"config": {"ksize": -(10**400)}},
    "a config of a long text": {"config": {"shrink": "x" * 1000}},
    "a config of a long name": {"config": {"x" * 1000: 1}},
    "a config of many names": {"config": dict.fromkeys(map(str, range(1000)), 1)},
    "names that are numbers": {"tags": {1: 2}},
    "whole numbers": {"f": F.long()},
    "complex numbers": {"f": F.to(torch.complex64)},
    "truth values": {"mask": MASK.bool()},
    "half a mask": {"mask": MASK.half()},
    "sparse": {"f": F.to_sparse()},
    "on meta": {"f": F.to("meta")},
    "a parameter": {"f": torch.nn.Parameter(F)},
    "code": {"title": Trap()},
}


@pytest.mark.parametrize("changes", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    message = refusal(file_of(tmp_path / "run", **changes))
    assert message == f"path: expected a file that Trace.save wrote, got {tmp_path / 'run'}."
    assert not Path("trapped").exists()


def test_what_a_later_release_may_add_is_passed_over(tmp_path: Path) -> None:
    path = file_of(tmp_path / "run", title="mine", tags={"a": [1, "x"], "b": (1, 2.5, None)})
    assert torch.equal(cv.load_trace(path).f, F)


def test_what_is_no_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        assert refusal(path).endswith(f"got {path}, which is not a file.")
    assert refusal(tmp_path / "loop").endswith("(Too many levels of symbolic links).")
    assert refusal(tmp_path / ("n" * 300)).endswith("(File name too long).")
    refusal("a\0b")
    refusal("~nosuchuser/run")
    refusal(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        cv.load_trace(tmp_path / "missing")


@pytest.mark.parametrize("kept", [0, 1, 10, 500, -100, -1])
def test_a_file_cut_short(tmp_path: Path, kept: int) -> None:
    path = file_of(tmp_path / "run")
    path.write_bytes(path.read_bytes()[:kept])
    refusal(path)


def test_the_format_before_zip_is_refused(tmp_path: Path) -> None:
    run = cv.trace(*inputs())
    held = {"ctxattn_viz": 1, "config": run.config.to_dict(), "f": F, "b": F, "mask": MASK}
    torch.save(held, tmp_path / "run", _use_new_zipfile_serialization=False)
    refusal(tmp_path / "run")


# ---- what it may take in time: parts that are shared, and so many when they are walked -----------


def shared(kind: Callable[[list[Any]], Any], part: Any = ()) -> Any:
    """10²⁵ parts in 600 bytes of a pickle."""
    for _ in range(25):
        part = kind([part] * 10)
    return part


LIST, TUPLE = shared(list), shared(tuple)
CONFIG = cv.AttentionConfig().to_dict()
NESTED: dict[str, dict[str, Any]] = {
    "the config": {"config": LIST},
    "a tuple as config": {"config": TUPLE},
    **{f"{name} in the config": {"config": {**CONFIG, name: LIST}} for name in (*CONFIG, "new")},
    **{name: {name: LIST} for name in ("ctxattn_viz", "f", "mask", "checksum", "allow_nonfinite")},
    "dicts": {"config": shared(lambda parts: dict(zip("abcdefghij", parts, strict=True)))},
}


@pytest.mark.parametrize("changes", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("version", [1, 2])
def test_shared_parts_are_never_walked(
    tmp_path: Path, changes: dict[str, Any], version: int
) -> None:
    """An 18 kB file with which load_trace never came back, and grew."""
    now = {"ctxattn_viz": 2, "checksum": 0, "allow_nonfinite": False} if version == 2 else {}
    path = file_of(tmp_path / "run", **now | changes)
    assert path.stat().st_size < 20_000
    assert refusal(path) == f"path: expected a file that Trace.save wrote, got {path}."


def test_shared_parts_of_a_later_release_are_passed_over(tmp_path: Path) -> None:
    path = file_of(tmp_path / "run", title=LIST, tags={"a": TUPLE})
    assert torch.equal(cv.load_trace(path).f, F)


ENDLESS: dict[str, bytes] = {
    # (), and 25 times: remembered, taken ten times, made a tuple; then a name in a dict
    "a name to look up": b"\x80\x02)" + (b"q\x00(" + b"h\x00" * 10 + b"t") * 25 + b"q\x00}h\x00Ns.",
    "many large sizes": (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
        b"X\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ"
        + b"\x8a\xff"
        + b"\x7f" * 255
        + b"q\x00("
        + b"h\x00" * 40_000
        + b"tq\x01h\x01tR."
    ),
}


@pytest.mark.parametrize("description", ENDLESS.values(), ids=ENDLESS)
def test_a_description_cannot_ask_for_time(description: bytes) -> None:
    with pytest.raises(TypeError, match=r"^(a name that is no text|not a tensor)$"):
        saving._Description(io.BytesIO(description)).load()


# ---- what it may take in memory -----------------------------------------------------------------


def repacked(path: Path, method: int, **contents: bytes) -> Path:
    """The same zip, packed by another method; `contents` replace what entries hold, by ending."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, contents.get(name.split("/")[-1], content))
    return path


def test_expanded_tensors_are_refused_by_their_declared_size(tmp_path: Path) -> None:
    """1.9 kB that became 1 GB."""
    x = torch.zeros(1, 1, 1, 1).expand(1, 16, 2000, 2000)
    path = file_of(tmp_path / "run", f=x, b=x, mask=x[:, :1])
    assert path.stat().st_size < 4000
    message = refusal(path)
    assert (
        f"expected a trace that unpacks to at most 100 MB, got {path}, which says 528 MB. If "
        in message
    )
    assert "at most 500 MB" in refusal(path, limit=500_000_000)
    assert torch.equal(cv.load_trace(path, limit=528_000_000).f, x)


def test_expanded_tensors_of_before_load_below_100_megabytes(tmp_path: Path) -> None:
    x = torch.rand(1, 3, 1, 1).expand(1, 3, 1600, 1600)
    path = file_of(
        tmp_path / "run", f=x, b=x, mask=torch.zeros(1, 1, 1, 1).expand(1, 1, 1600, 1600)
    )
    run = cv.load_trace(path)
    assert torch.equal(run.f, x)
    assert run.f.is_contiguous()


def test_a_zip_that_unpacks_to_much_more_is_refused(tmp_path: Path) -> None:
    path = repacked(file_of(tmp_path / "run"), zipfile.ZIP_DEFLATED, version=bytes(150_000_000))
    assert path.stat().st_size < 400_000
    assert "at most 100 MB" in refusal(path)
    assert "which says 150 MB" in refusal(path)
    assert torch.equal(cv.load_trace(path, limit=200_000_000).f, F)


def test_what_a_zip_declares_is_what_it_may_take(tmp_path: Path) -> None:
    """An entry that says 10 bytes and holds a gigabyte is read no further than it says."""
    path = repacked(file_of(tmp_path / "run"), zipfile.ZIP_DEFLATED, byteorder=bytes(50_000_000))
    data = path.read_bytes()
    size = (50_000_000).to_bytes(4, "little")
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, (6).to_bytes(4, "little")))
    refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(tmp_path: Path, method: int) -> None:
    refusal(repacked(file_of(tmp_path / "run"), method))


ENORMOUS: dict[str, bytes] = {
    "a place in memory": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "bytes": b"\x80\x04\x8e\x00\x00\x00\x00\x40\x00\x00\x00.",
    "a bytearray": b"\x80\x05\x96\x00\x00\x00\x00\x40\x00\x00\x00.",
    "text": b"\x80\x02X\xff\xff\xff\x7f.",
    "a frame": b"\x80\x04\x95\x00\x00\x00\x00\x40\x00\x00\x00.",
    "a number": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "a long description": b"\x80\x02" + b"}" * 200_000 + b".",
}


@pytest.mark.parametrize("description", ENORMOUS.values(), ids=ENORMOUS)
def test_a_description_cannot_ask_for_memory(tmp_path: Path, description: bytes) -> None:
    path = repacked(file_of(tmp_path / "run"), zipfile.ZIP_STORED, **{"data.pkl": description})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@pytest.mark.parametrize(
    "tensor",
    [
        saving._Declared(saving._Storage(torch.float64, "0", 432), 0, size, (1, 1, 1, 1))
        for size in ((10**30, 10**30, 1, 1), (2**62, 4, 1, 1), (1, 3, 2**31, 2**31))
    ],
)
def test_shapes_beyond_all_memory(tensor: Any) -> None:
    """Declared sizes are Python's numbers: they do not wrap."""
    with pytest.raises(cv.InputError, match="which says"):
        saving._check_size(Path("run"), tensor.nbytes, 10**9)


@pytest.mark.parametrize("limit", [0, -1, 1.5, "much", True])
def test_a_limit_is_a_number_of_bytes(tmp_path: Path, limit: Any) -> None:
    with pytest.raises(cv.InputError, match="limit: expected an integer ≥ 1"):
        cv.load_trace(file_of(tmp_path / "run"), limit=limit)
