"""A run's inputs and configuration on disk: what is written, and a reader that trusts nothing.

The format is that of `torch.save`: a zip of one pickle, which describes tensors, and their bytes.
Here it is read without PyTorch, because nothing may be allocated before all sizes are known.
"""

import io
import json
import math
import pickle
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..config import LARGEST, AttentionConfig
from ..devices import has_no_values
from ..errors import InputError
from ..files import writing
from ..units import human

# Version 1 may lack `checksum` and `allow_nonfinite`; version 2 has both.
VERSION = 2
MOST_VERSIONS = 10_000
EXPECTED = "a file that Trace.save wrote"
INPUTS = ("f", "b", "mask")
# What a file may take in memory: as much as files of today need, but not what no file needs.
MOST_BYTES = 2_000_000_000
MOST_TIMES = 100  # the size of the file; files of before hold expanded tensors
ALWAYS_BYTES = 100_000_000
MOST_DESCRIPTION = 100_000  # bytes of the pickle, of which we write about a thousand
LONGEST_TEXT = 100  # of a configuration's names and values, which take 15 at most
MOST_AXES = 64  # as in PyTorch

DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "BFloat16Storage": torch.bfloat16,
    "HalfStorage": torch.float16,
}


class SavedRun(NamedTuple):
    """What a file holds.

    Attributes:
        inputs: f, b and mask by name, on the CPU.
        config: the fields of the configuration, not checked yet.
        allow_nonfinite: whether f or b may hold NaN and infinity.
    """

    inputs: dict[str, Tensor]
    config: Mapping[str, Any]
    allow_nonfinite: bool


def write_run(
    path: str | PathLike[str], inputs: Mapping[str, Tensor], config: AttentionConfig
) -> None:
    """Write f, b, mask and the configuration of a run; see `Trace.save`."""
    if has_no_values(inputs["f"]):
        raise InputError("trace", "a run with values", f"one on {inputs['f'].device}")
    with writing("path", path) as file:
        inputs = {name: inputs[name].cpu().contiguous() for name in INPUTS}
        finite = all(bool(inputs[name].isfinite().all()) for name in ("f", "b"))
        contents = {
            "ctxattn_viz": VERSION,
            "config": config.to_dict(),
            **inputs,
            "allow_nonfinite": not finite,
            "checksum": _checksum(config.to_dict(), inputs),
        }
        # By way of memory: PyTorch hides what the file system says behind errors of its own.
        buffer = io.BytesIO()
        torch.save(contents, buffer)
        file.write(buffer.getbuffer())


def refuse_swapped(keys: tuple[str, ...]) -> None:
    """Raise `InputError` for a run with functions swapped in.

    Args:
        keys: of the stages that are swapped.
    """
    if keys:
        hint = "A function cannot be stored: save the run without it, and swap it in again."
        got = f"one with {', '.join(keys)} swapped"
        raise InputError("trace", "a run of the layer's own stages", got, hint)


class _Storage(NamedTuple):
    """Bytes that a file declares: what their numbers are, under which name, and how many."""

    dtype: torch.dtype
    key: str
    numel: int


class _Declared(NamedTuple):
    """A tensor that a file declares."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return math.prod(self.size) * self.storage.dtype.itemsize


class _ValuesByName(dict[str, Any]):
    """Values by name. Nothing else is looked up: the hash of nested tuples may take for ever."""

    def __setitem__(self, name: str, value: Any) -> None:
        if type(name) is not str:
            raise TypeError("a name that is no text")
        super().__setitem__(name, value)


class _Description(pickle._Unpickler):
    """Reads the pickle in a file: plain values, and what it declares instead of tensors.

    Python's own reader in C makes room for whatever length or number a pickle names; this one, in
    Python, does not. Only the instructions that `torch.save` needs are known.

    A short pickle can describe a list of lists of lists that share their parts, and takes for ever
    to print or to compare: what comes out of here has its type checked before anything else.
    """

    dispatch = {
        code[0]: pickle._Unpickler.dispatch[code[0]]
        for code in (
            *(pickle.PROTO, pickle.STOP, pickle.MARK, pickle.BINPUT, pickle.LONG_BINPUT),
            *(pickle.BINGET, pickle.LONG_BINGET, pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE),
            *(pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1, pickle.BINFLOAT),
            *(pickle.BINUNICODE, pickle.SETITEM, pickle.SETITEMS),
            *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS),
            *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
            *(pickle.GLOBAL, pickle.REDUCE, pickle.BINPERSID),
        )
    } | {pickle.EMPTY_DICT[0]: lambda self: self.append(_ValuesByName())}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        functions: dict[tuple[str, str], Callable[..., Any]] = {
            ("torch._utils", "_rebuild_tensor_v2"): _declared,
            ("collections", "OrderedDict"): lambda: None,  # hooks, of which there are none
        }
        return functions[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, numel = pid
        if not isinstance(dtype, torch.dtype) or not isinstance(key, str):
            raise TypeError("not a storage")
        return _Storage(dtype, key, _whole(numel))


def _declared(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> _Declared:
    if not isinstance(storage, _Storage):
        raise TypeError("not a storage")
    if len(size) > MOST_AXES or len(size) != len(stride):  # many multiply for ever
        raise TypeError("not a tensor")
    return _Declared(storage, _whole(offset), tuple(map(_whole, size)), tuple(map(_whole, stride)))


def _whole(number: Any) -> int:
    if type(number) is not int or not 0 <= number <= LARGEST:
        raise TypeError("not a whole number")
    return number


def read_run(path: Path, limit: int | None) -> SavedRun:
    """What a file holds; see `load_trace`. Whatever damage leads to is raised as it comes."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a FIFO would wait for ever, a device never end
        raise InputError("path", EXPECTED, f"{path}, which is not a file")
    if limit is None:
        limit = min(MOST_BYTES, max(ALWAYS_BYTES, MOST_TIMES * status.st_size))
    with zipfile.ZipFile(path) as archive:
        _check_size(path, sum(entry.file_size for entry in archive.infolist()), limit)
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        root = name.removesuffix("data.pkl")
        described = _Description(io.BytesIO(_content(archive, name, MOST_DESCRIPTION))).load()
        _check_version(path, described["ctxattn_viz"])
        _check_own_stages(path, described)
        _check_plain(described)
        declared = {name: described[name] for name in INPUTS}
        if any(type(x) is not _Declared for x in declared.values()):
            raise TypeError("not tensors")
        _check_size(path, sum(x.nbytes for x in declared.values()), limit)
        if declared["mask"].storage.dtype != declared["f"].storage.dtype:
            raise TypeError("a mask of another dtype, which would grow")
        order = f"{root}byteorder"
        if order in archive.namelist() and _content(archive, order, 10).decode() != sys.byteorder:
            raise InputError("path", EXPECTED, f"{path}, of a machine with another byte order")
        contents = {
            key: _content(archive, f"{root}data/{key}", limit)
            for key in {x.storage.key for x in declared.values()}
        }
    inputs = {name: _tensor(x, contents[x.storage.key]) for name, x in declared.items()}
    # A zip's own sums are of single entries, and files of before hold no checksum.
    checksum = _checksum(described["config"], inputs)
    if described.get("checksum", checksum) != checksum:
        raise ValueError("not the bytes that were saved")
    # A file of before does not say; whoever made that run had to allow it.
    return SavedRun(inputs, described["config"], described.get("allow_nonfinite", True))


def _check_size(path: Path, size: int, limit: int) -> None:
    if size > limit:
        raise InputError(
            "path",
            f"a trace that unpacks to at most {human(limit)}",
            f"{path}, which says {human(size)}",
            "If you know where it comes from, raise `limit=`.",
        )


def _check_version(path: Path, version: Any) -> None:
    if type(version) is not int or not 1 <= version <= MOST_VERSIONS:
        raise TypeError("no version")
    if version > VERSION:
        raise InputError(
            "path",
            f"a trace in version {VERSION} of the format",
            f"{path} in version {version}",
            "A later release of ctxattn_viz wrote it: install that one.",
        )


def _check_own_stages(path: Path, described: dict[str, Any]) -> None:
    """We write no run with functions swapped in; a file that tells of one is refused as such."""
    if "swapped" in described:
        hint = "A function cannot be stored: load the run without it, and swap it in again."
        got = f"{path}, with a stage swapped"
        raise InputError("path", "a run of the layer's own stages", got, hint)


def _check_plain(described: dict[str, Any]) -> None:
    """Of what a file holds beside tensors: what we read has the types and sizes that we write."""
    for name, kind in (("checksum", int), ("allow_nonfinite", bool)):
        if type(described.get(name)) is not kind and (
            name in described or described["ctxattn_viz"] > 1
        ):
            raise TypeError(f"no {name}")
    config = described["config"]
    if type(config) is not _ValuesByName or len(config) > len(fields(AttentionConfig)):
        raise TypeError("no configuration")
    for name, value in config.items():
        is_number = type(value) in (bool, float) or (type(value) is int and abs(value) <= LARGEST)
        is_text = type(value) is str and len(value) <= LONGEST_TEXT
        if len(name) > LONGEST_TEXT or not (is_number or is_text):
            raise TypeError("not a configuration's value")


def _content(archive: zipfile.ZipFile, name: str, most: int) -> bytearray:
    """One entry, unpacked piece by piece, however much it really holds."""
    entry = archive.getinfo(name)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("a way of packing that takes memory of its own")
    if entry.file_size > most:
        raise ValueError("too long")
    content = bytearray()
    with archive.open(entry) as source:
        while piece := source.read(1 << 20):
            content += piece
    if len(content) != entry.file_size:
        raise ValueError("cut short")
    return content


def _tensor(declared: _Declared, content: bytearray) -> Tensor:
    """A tensor out of its bytes, contiguous."""
    dtype, _, numel = declared.storage
    if numel * dtype.itemsize > len(content):
        raise ValueError("fewer bytes than declared")
    whole = torch.from_numpy(np.frombuffer(content, np.uint8)[: numel * dtype.itemsize])
    return (
        whole.view(dtype).as_strided(declared.size, declared.stride, declared.offset).contiguous()
    )


def _checksum(config: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> int:
    """CRC-32 of what a file holds: the configuration, and the bytes of f, b and mask."""
    total = zlib.crc32(json.dumps(config, sort_keys=True).encode())
    for name in INPUTS:
        values = inputs[name].contiguous().flatten().view(torch.uint8).numpy()
        total = zlib.crc32(values.data, total)
    return total
