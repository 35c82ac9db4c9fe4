"""Writing is atomic: the old file or the new one, never a part, and one sentence where it fails."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.cli import main
from ctxattn_viz.files import writing

OLD = b"what stood here before"
NEW = b"new " * 50_000


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").write_bytes(OLD)
    return tmp_path / "target"


def write(path: Path | str, data: bytes = NEW) -> None:
    with writing("path", path) as file:
        file.write(data)


def fail(path: Path, problem: BaseException, before: Callable[[], object] = lambda: None) -> None:
    """Write half of a file, do what `before` does, and fail."""
    with writing("path", path) as file:
        file.write(NEW)
        before()
        raise problem


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run_python(code: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, timeout=120, **options)


def test_the_new_file_is_whole_and_alone(target: Path) -> None:
    with writing("path", target) as file:
        file.write(NEW[:9])
        file.flush()
        assert target.read_bytes() == OLD
        file.write(NEW[9:])
    assert target.read_bytes() == NEW
    assert names(target.parent) == ["target"]


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_any_exception_leaves_what_was_there(
    target: Path, problem: type[BaseException], tmp_path: Path
) -> None:
    for path in (target, tmp_path / "new"):
        with pytest.raises(problem):
            fail(path, problem())
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["target"]


def test_opening_is_the_check_and_comes_first(tmp_path: Path) -> None:
    with pytest.raises(cv.InputError), writing("path", tmp_path / "nope" / "x"):
        pytest.fail("computed before the path was checked")
    seen: list[str] = []
    with pytest.raises(RuntimeError):
        fail(tmp_path / "x", RuntimeError(), lambda: seen.extend(names(tmp_path)))
    assert len(seen) == 1  # the temporary file, in the target's folder


# ---- links, modes -------------------------------------------------------------------------------


def test_a_link_stays_a_link(target: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, second = tmp_path / "elsewhere" / "link", tmp_path / "second"
    link.symlink_to("../target")
    second.symlink_to(link)
    write(second)
    assert second.is_symlink()
    assert os.readlink(link) == "../target"
    assert target.read_bytes() == NEW
    assert names(tmp_path / "elsewhere") == ["link"]


def test_a_link_to_nothing_makes_its_target_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(RuntimeError):
        fail(tmp_path / "link", RuntimeError())
    assert names(tmp_path) == ["link"]
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == NEW


def test_another_writer_between_check_and_end_loses_nothing(tmp_path: Path) -> None:
    """The check of before removed what another process had written meanwhile."""
    with pytest.raises(RuntimeError):
        fail(tmp_path / "x", RuntimeError(), lambda: (tmp_path / "x").write_bytes(OLD))
    assert (tmp_path / "x").read_bytes() == OLD


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o000])
def test_a_new_file_has_the_mode_that_open_gives(
    tmp_path: Path, umask: Callable[[int], int], mask: int
) -> None:
    umask(mask)
    write(tmp_path / "x")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask


def test_no_set_user_id_bit_is_given_to_new_content(target: Path) -> None:
    target.chmod(0o6755)
    write(target, b"")  # writing something takes them off, except for some
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_an_old_file_keeps_its_owner_and_group(target: Path) -> None:
    os.chown(target, 65534, 65533)
    target.chmod(0o640)
    with writing("path", target) as file:
        beside = next(path for path in target.parent.iterdir() if path != target)
        assert (beside.stat().st_uid, beside.stat().st_gid) == (65534, 65533)
        file.write(NEW)
    status = target.stat()
    assert (status.st_uid, status.st_gid) == (65534, 65533)
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert target.read_bytes() == NEW


@pytest.mark.parametrize(("mode", "kept"), [(0o640, 0o600), (0o664, 0o644), (0o604, 0o600)])
def test_what_was_for_another_group_is_not_for_this_one(
    target: Path, monkeypatch: pytest.MonkeyPatch, mode: int, kept: int
) -> None:
    target.chmod(mode)
    monkeypatch.setattr(os, "chown", refusing(errno.EPERM))
    real = os.stat

    def of_another_group(path: Any, **options: Any) -> os.stat_result:
        fields = list(real(path, **options))
        fields[5] += not isinstance(path, int)  # st_gid
        return os.stat_result(fields)

    monkeypatch.setattr(os, "stat", of_another_group)
    write(target)
    monkeypatch.undo()
    assert stat.S_IMODE(target.stat().st_mode) == kept
    assert target.read_bytes() == NEW


def test_of_hard_links_only_the_one_named_gets_the_new_file(target: Path, tmp_path: Path) -> None:
    os.link(target, tmp_path / "other")
    write(target)
    assert target.read_bytes() == NEW
    assert (tmp_path / "other").read_bytes() == OLD


def test_the_folder_is_flushed_after_the_file(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[bool] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        flushed.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write(target)
    assert flushed == [False, True]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o777])
def test_an_old_file_keeps_its_mode(target: Path, mode: int) -> None:
    target.chmod(mode)
    with writing("path", target) as file:
        beside = next(path for path in target.parent.iterdir() if path != target)
        assert stat.S_IMODE(beside.stat().st_mode) == mode  # from the start: it may be secret
        file.write(NEW)
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_a_read_only_file_is_not_got_around(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may always
    with pytest.raises(cv.InputError, match=r"target' \(Permission denied\)\.$"):
        write(target)


# ---- what is not a file -------------------------------------------------------------------------

TO_STDOUT = """
import sys
from ctxattn_viz.files import writing
print("before", flush=True)
with writing("path", sys.argv[1]) as file:
    file.write(b"page\\n")
print("after")
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/dev/stdout", "/proc/self/fd/1"])
def test_standard_output_is_written_directly(path: str, tmp_path: Path) -> None:
    assert run_python(TO_STDOUT, path).stdout == b"before\npage\nafter\n"
    with (tmp_path / "sent").open("wb") as sent:
        words = [sys.executable, "-c", TO_STDOUT, path]
        subprocess.run(words, stdout=sent, check=True, timeout=120)
    assert (tmp_path / "sent").read_bytes() == b"before\npage\nafter\n"
    assert names(tmp_path) == ["sent"]


def test_a_pipe_and_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write(tmp_path / "pipe")
    reader.join(timeout=60)
    assert got == [NEW]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    write("/dev/null")
    with pytest.raises(cv.InputError, match=r"path: .*'/dev/full' \(No space left on device\)\.$"):
        write("/dev/full")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert names(tmp_path) == ["pipe"]


def test_a_pipe_that_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctxattn_viz.files.READER_TRIES", 2)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(cv.InputError, match=r"path: .*\(a pipe that nobody reads\)\.$"):
        write(tmp_path / "pipe")


# ---- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nope/x", "No such file or directory"),
        ("target/x", "Not a directory"),
        (".", "Is a directory"),
        ("n" * 300, "File name too long"),
        ("a\0b", "embedded null byte"),
        ("lone \ud800", "surrogates not allowed"),
        ("loop", "Too many levels of symbolic links"),
        ("/proc/x", "No such file or directory"),
        ("~nosuchuser/x", "no such user"),
    ],
)
def test_a_path_that_cannot_be_written_is_one_sentence(
    target: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str
) -> None:
    monkeypatch.chdir(target.parent)
    Path("loop").symlink_to("loop")
    with pytest.raises(cv.InputError) as caught:
        write(path)
    message = str(caught.value)
    assert message.startswith(f"path: expected the path of a file to write, got {path!r:.140}")
    assert reason in message
    assert message.encode()  # can be printed
    assert names(target.parent) == ["loop", "target"]


@pytest.mark.parametrize("end", ["/", "//", "/.", "/./"])
def test_what_names_a_folder_is_no_file(
    target: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """`x/` was written to x."""
    monkeypatch.chdir(target.parent)
    RUN.save("run")
    with pytest.raises(cv.InputError, match=r"'run.*' \(Is a directory\)\.$"):
        cv.load_trace(f"run{end}")
    for name in ("target", "new"):
        for writer in WRITERS.values():
            with pytest.raises(cv.InputError, match=rf"'{name}{end}' \(Is a directory\)\.$"):
                writer(f"{name}{end}")  # type: ignore[arg-type]
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["run", "target"]


def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    write(tmp_path / ("n" * 255))
    assert names(tmp_path) == ["n" * 255]


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    run = cv.trace(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))
    assert cv.save_page(run, "~/page.html") == tmp_path / "page.html"
    run.save("~/run.trace")
    assert torch.equal(cv.load_trace("~/run.trace").f, run.f)
    assert names(tmp_path) == ["page.html", "run.trace"]


def refusing(number: int) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize(
    ("function", "number"),
    [
        ("open", errno.EACCES),
        ("open", errno.EROFS),
        ("fsync", errno.ENOSPC),
        ("fsync", errno.EIO),
        ("replace", errno.EISDIR),
    ],
)
def test_what_the_system_refuses_is_a_sentence(
    target: Path, monkeypatch: pytest.MonkeyPatch, function: str, number: int
) -> None:
    monkeypatch.setattr(os, function, refusing(number))
    with pytest.raises(cv.InputError) as caught:
        write(target)
    expected = f"path: expected the path of a file to write, got {str(target)!r} "
    assert str(caught.value) == expected + f"({os.strerror(number)})."
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["target"]


def test_errors_of_the_block_stay_what_they_are(target: Path) -> None:
    for problem in (
        OSError(errno.ENOSPC, "another file"),
        ValueError("x"),
        cv.InputError("a", "b", 1),
    ):
        with pytest.raises(type(problem)) as caught, writing("path", target):
            raise problem
        assert caught.value is problem


@pytest.fixture
def size_limit() -> Iterator[int]:
    """No file may grow beyond this, in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    yield 3000
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


RUN = cv.trace(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))
WRITERS: dict[str, Callable[[Path], Any]] = {
    "Trace.save": RUN.save,
    "save_page": lambda path: cv.save_page(RUN, path),
    "Debugger.save_page": lambda path: cv.debug(RUN).save_page(path),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_a_size_limit_leaves_the_old_file(
    target: Path, size_limit: int, writer: Callable[[Path], Any]
) -> None:
    with pytest.raises(cv.InputError, match=r"target' \(File too large\)\.$"):
        writer(target)
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["target"]


def test_the_command_line_says_it_in_a_sentence(
    target: Path, size_limit: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--size", "16", "-o", str(target)]) == 2
    written = capsys.readouterr().err
    assert written.endswith("(File too large).\n")
    assert written.startswith("ctxattn-viz: --output: expected the path of a file to write, got ")
    assert target.read_bytes() == OLD


# ---- killed, and raced --------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from ctxattn_viz.files import writing
with writing("path", sys.argv[1]) as file:
    file.write(b"half of the new file")
    file.flush()
    os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_killed_while_writing(target: Path, number: signal.Signals) -> None:
    assert run_python(KILLED, target, int(number)).returncode == -number
    assert target.read_bytes() == OLD
    write(target)  # the stray temporary file is in nobody's way
    assert target.read_bytes() == NEW


@pytest.mark.slow
def test_interrupted_while_writing(target: Path) -> None:
    assert run_python(KILLED, target, int(signal.SIGINT)).returncode == -signal.SIGINT
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["target"]


@pytest.mark.slow
def test_ended_by_a_signal_that_the_program_handles(target: Path) -> None:
    handled = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
    assert run_python(handled + KILLED, target, int(signal.SIGTERM)).returncode == 3
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["target"]


def test_two_writers_and_a_reader(target: Path) -> None:
    texts = [bytes([65 + k]) * 300_000 for k in range(2)]
    writers = [
        threading.Thread(target=lambda text=text: [write(target, text) for _ in range(20)])
        for text in texts
    ]
    for writer in writers:
        writer.start()
    seen = {target.read_bytes()}
    while any(writer.is_alive() for writer in writers):
        seen.add(target.read_bytes())
    assert target.read_bytes() in texts
    assert seen <= {OLD, *texts}
    assert names(target.parent) == ["target"]


def test_a_page_that_cannot_be_encoded_leaves_the_old_file(target: Path) -> None:
    with pytest.raises(cv.InputError, match="title: expected text without lone surrogates"):
        cv.save_page(RUN, target, title="lone \ud800")
    with pytest.raises(cv.InputError, match="python: expected text without lone surrogates"):
        cv.save_page(RUN, target, python="lone \udcff")
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["target"]
