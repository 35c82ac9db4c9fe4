"""Writing files so that what stands there is always the old file or the new one, never a part."""

import errno
import io
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

from .errors import InputError

EXPECTED = "the path of a file to write"
READER_TRIES = 50  # ten a second
# Paths that name a file which this process has open already.
_OPEN_ALREADY = re.compile(r"/dev/(stdin|stdout|stderr)|(?:/dev|/proc/self)/fd/([0-9]+)")


def path_of(argument: str, value: object, expected: str = EXPECTED) -> Path:
    """`value` as a path, with `~` expanded.

    Raises:
        InputError: neither text nor a path, a folder's (`x/`), or the home of a user that does not
            exist.
    """
    if not isinstance(value, (str, PathLike)):
        raise InputError(argument, expected, repr(value))
    if isinstance(value, str) and value and os.path.basename(value) in ("", "."):
        # `Path` drops these ends, and `x/` would become the file x.
        raise InputError(argument, expected, f"{value!r} ({os.strerror(errno.EISDIR)})")
    try:
        return Path(value).expanduser()
    except RuntimeError:  # whose own words are about a home directory
        raise InputError(argument, expected, f"{str(value)!r} (no such user)") from None
    except TypeError as problem:  # a path of bytes
        raise InputError(argument, expected, f"{str(value)!r} ({problem})") from None


@contextmanager
def writing(argument: str, path: str | PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write to, which takes the place of `path` when the block ends well.

    Until then it is a temporary file in the target's folder. Opening that is the check that the
    target can be written: enter the block before computing what goes in. After any exception,
    Ctrl-C too, the temporary file is gone and the target is as it was. A signal that ends the
    process without an exception (SIGKILL, and SIGTERM unless the program handles it) leaves the
    target as it was too, but may leave the temporary file, `.….tmp`.

    A symbolic link stays one, and its target is replaced. Of several hard links only the one named
    gets the new file. An old file keeps its owner, its group and its permissions, as far as the
    system lets this process set them; where the group cannot be kept, the new group and all others
    may do only what both could. Set-user-ID, set-group-ID and sticky bits, access lists and
    extended attributes are not kept. What is not a regular file (`/dev/stdout`, a FIFO, a device)
    is written to directly.

    Args:
        argument: the name of the argument, for the message.
        path: where the file shall stand; `~` is expanded.

    Raises:
        InputError: a path that no file can be written to, and whatever the file system refuses
            while writing, such as a full disk or a size limit.
    """
    named_path = path_of(argument, path)
    checked = _InputErrors(argument, str(path))
    with checked:
        old = _status(named_path)
        open_descriptor = _opened_directly(named_path, old)
        target = Path(os.path.realpath(named_path))
        if open_descriptor is None and old is not None and not os.access(target, os.W_OK):
            raise _error(errno.EACCES)  # to replace a read-only file would get around its mode
    if open_descriptor is not None:
        with _file(open_descriptor, checked) as file:
            yield file
        return
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with checked:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            # The system takes the umask off. What takes an old file's place may be secret.
            descriptor = os.open(temporary, flags, 0o666 if old is None else 0o600)
        with _file(descriptor, checked) as file:
            if old is not None:
                with checked:
                    _copy_rights(old, descriptor if os.chmod in os.supports_fd else temporary)
            yield file
            file.flush()
            with checked:
                os.fsync(descriptor)
        with checked:
            os.replace(temporary, target)
        _flush_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _copy_rights(old: os.stat_result, new: int | Path) -> None:
    """Give a file the owner, the group and the permissions of an old one, as far as allowed."""
    mode = old.st_mode & 0o777
    if hasattr(os, "chown"):
        for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
            with suppress(OSError):  # only root may give files away
                os.chown(new, owner, group)
    if os.stat(new).st_gid != old.st_gid:  # what was for that group is not for this one
        mode = mode & 0o700 | (mode >> 3 & mode & 0o007) * 0o011
    with suppress(OSError):  # some file systems keep no modes
        os.chmod(new, mode)


def _flush_folder(folder: Path) -> None:
    """Have the new name outlast a power cut, where the system can (Windows cannot)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _status(path: Path) -> os.stat_result | None:
    """What stands at a path, links followed; None where nothing does."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _opened_directly(path: Path, old: os.stat_result | None) -> int | None:
    """A descriptor of what must not be replaced; None where a regular file is to stand."""
    if match := _OPEN_ALREADY.fullmatch(str(path)):
        name, number = match.groups()
        # A duplicate shares the position: what the process prints later does not overwrite.
        return os.dup(int(number) if number else ["stdin", "stdout", "stderr"].index(name))
    if old is None or stat.S_ISREG(old.st_mode):
        return None
    if stat.S_ISDIR(old.st_mode):
        raise _error(errno.EISDIR)
    return _opened_for_a_reader(path) if stat.S_ISFIFO(old.st_mode) else os.open(path, os.O_WRONLY)


def _opened_for_a_reader(path: Path) -> int:
    """A FIFO, which cannot be opened before somebody reads it: after a while that is an error."""
    for _ in range(READER_TRIES):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as problem:
            if problem.errno != errno.ENXIO:
                raise
            time.sleep(0.1)
        else:
            os.set_blocking(descriptor, True)
            return descriptor
    raise OSError(errno.ENXIO, "a pipe that nobody reads")


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class _InputErrors:
    """In its blocks, what the system refuses becomes an `InputError` about the path."""

    def __init__(self, argument: str, path: str) -> None:
        self.argument, self.path = argument, path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, problem: BaseException | None, traceback: object) -> None:
        if isinstance(problem, (OSError, ValueError)):  # ValueError: NUL, or what is not UTF-8
            got = f"{self.path!r} ({getattr(problem, 'strerror', None) or problem})"
            raise InputError(self.argument, EXPECTED, got) from None


class _Raw(io.FileIO):
    """An open file whose refusals are `InputError`, and all other errors not."""

    def __init__(self, descriptor: int, checked: _InputErrors) -> None:
        super().__init__(descriptor, "wb")
        self._checked = checked

    def write(self, data: Any, /) -> int:
        with self._checked:
            return super().write(data)

    def close(self) -> None:
        with self._checked:
            super().close()


@contextmanager
def _file(descriptor: int, checked: _InputErrors) -> Iterator[BinaryIO]:
    """The descriptor as a buffered file; closed in any case, and flushed where the block ends."""
    with closing(_Raw(descriptor, checked)) as raw:
        file = io.BufferedWriter(raw)
        yield file
        file.flush()
