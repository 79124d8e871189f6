"""Array files (.npy, .npz) from strangers: bounded, and without running what is pickled in them.

numpy's own reader executes pickles if it is allowed to and allocates what a header claims. Here
the size is checked against the bytes that are there, and pickles go through an unpickler that
knows numbers, words, lists, dicts and arrays, and nothing else.
"""

from __future__ import annotations

import ast
import io
import math
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import TrackError

_SMALL = 32 << 20
"""Bytes that a file's arrays may take, whatever its own size."""
_MANY = 1 << 18
"""Numbers above which an array is kept in single precision, which is plenty for pixels."""
_PIECE = 1 << 20
"""Bytes that are unpacked at once."""
_KINDS = frozenset("biufSU")


def load_arrays(path: Path) -> dict[str, Any]:
    """All arrays of a file by name; that of an .npy under ``""``.

    Pickled arrays come as nested lists, dicts and arrays.

    Raises:
        TrackError: naming the file and the array, if it is damaged, unpacks to far more than its
            own size, or holds pickled objects other than plain data.
    """
    size = path.stat().st_size
    arrays: dict[str, Any] = {}
    room = max(_SMALL, 3 * size)
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as stream:
                return {"": _parse(stream, size, "", room)[0]}
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".npy"):
                    name = member.filename[:-4]
                    with archive.open(member) as stream:
                        arrays[name], taken = _parse(stream, member.file_size, name, room)
                    room -= taken
        return arrays
    except _ArrayError as refused:
        raise TrackError(f"{path}: {refused}") from None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        raise TrackError(f"{path}: is damaged and cannot be unpacked.") from None


class _ArrayError(ValueError):
    """What is wrong with one array."""


def _parse(stream: IO[bytes], size: int, name: str, room: int) -> tuple[Any, int]:
    """The array in an .npy of `size` bytes, which may take `room` bytes, and how many it takes."""
    label = f'array "{name}"' if name else "the array"
    try:
        dtype, shape, fortran, left = _header(stream, size)
        count = math.prod(shape)
        if dtype.hasobject:
            _check_room(left, room)
            value = unpickled(stream.read())
            whole = isinstance(value, np.ndarray) and not value.shape
            return (value.item() if whole else value), left
        if dtype.kind not in _KINDS or not dtype.itemsize:
            raise _ArrayError(f"{label} is not made of numbers.")
        if count * dtype.itemsize > left:
            raise _ArrayError(f"{label} claims {count} numbers, more than the file holds.")
        kept = np.dtype(np.float32) if dtype.kind == "f" and count > _MANY else dtype
        _check_room(count * kept.itemsize, room)
        flat = _numbers(stream, dtype, count, kept)
        return flat.reshape(shape, order="F" if fortran else "C"), flat.nbytes
    except (_ArrayError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:
        raise _ArrayError(f"{label} is damaged ({type(error).__name__}).") from None


def _check_room(needed: int, room: int) -> None:
    if needed > room:
        raise _ArrayError(
            f"unpacks to {needed >> 20} MB, far beyond its own size; it is damaged or made to fill "
            "the memory."
        )


def _header(stream: IO[bytes], size: int) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    """dtype, shape, Fortran order and how many bytes of numbers follow (NEP 1)."""
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY":
        raise ValueError("no array")
    wide = start[6] >= 2
    (length,) = struct.unpack("<I", stream.read(4)) if wide else struct.unpack("<H", stream.read(2))
    if length > 10_000:
        raise ValueError("header")
    fields = ast.literal_eval(stream.read(length).decode("utf-8" if wide else "latin1"))
    shape = fields["shape"]
    if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
        raise ValueError("shape")
    left = size - (12 if wide else 10) - length
    return np.dtype(fields["descr"]), shape, bool(fields["fortran_order"]), left


def _numbers(stream: IO[bytes], dtype: np.dtype, count: int, kept: np.dtype) -> np.ndarray:
    """(count,) of type `kept`, read in pieces."""
    flat = np.empty(count, kept)
    step = max(1, _PIECE // dtype.itemsize)
    with np.errstate(over="ignore"):
        for at in range(0, count, step):
            many = min(step, count - at)
            flat[at : at + many] = np.frombuffer(stream.read(many * dtype.itemsize), dtype, many)
    return flat


class _DType:
    """What a pickled numpy dtype stands for."""

    def __init__(self, code: str, *_flags: object) -> None:
        self.dtype = np.dtype(code)
        if self.dtype.kind not in _KINDS | {"O"}:
            raise _ArrayError(f"holds pickled numbers of kind {code}.")

    def __setstate__(self, state: tuple) -> None:
        if state[1] in "<>" and self.dtype.kind != "O":
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array(list):
    """A pickled array until `_plain` makes it one; the claimed shape must fit the data."""

    value: Any = None

    def __setstate__(self, state: tuple) -> None:
        _version, shape, kind, fortran, raw = state
        dtype = kind.dtype
        if dtype.kind == "O":
            if math.prod(shape) != len(raw):
                raise _ArrayError("holds a pickled array that claims another size than it has.")
            self.value = np.empty(len(raw), object)
            seen: dict[int, Any] = {}
            for i, item in enumerate(raw):
                self.value[i] = _plain(item, seen)
        else:
            raw = raw.encode("latin1") if isinstance(raw, str) else raw
            self.value = np.frombuffer(raw, dtype)
        self.value = self.value.reshape(shape, order="F" if fortran else "C")


def _reconstruct(*_args: object) -> _Array:
    return _Array()


def _scalar(kind: _DType, raw: bytes | str) -> Any:
    raw = raw.encode("latin1") if isinstance(raw, str) else raw
    return np.frombuffer(raw, kind.dtype, 1)[0].item()


def _encode(text: str, _encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): _DType,
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _encode,
    **{
        (f"numpy.{core}.multiarray", word): stand_in
        for core in ("core", "_core")
        for word, stand_in in (("_reconstruct", _reconstruct), ("scalar", _scalar))
    },
}


class _Unpickler(pickle._Unpickler):  # pyright: ignore[reportAttributeAccessIssue]
    """The unpickler written in Python: its memory grows with the data, not with what is claimed."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _ArrayError(
                f"holds pickled code ({module}.{name}), which is not run; "
                "save plain arrays instead."
            )
        return _ALLOWED[module, name]


def unpickled(data: bytes) -> Any:
    """What is pickled, as numbers, words, lists, dicts and arrays; nothing in it is run.

    Raises:
        ValueError: if it is damaged or holds anything else.
    """
    try:
        return _plain(_Unpickler(io.BytesIO(data)).load(), {})
    except _ArrayError:
        raise
    except Exception as error:
        raise _ArrayError(f"holds damaged pickled data ({type(error).__name__}).") from None


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    """Arrays in place of their stand-ins, all the way down; what is shared is done once."""
    if isinstance(value, _Array):
        return value.value
    if not isinstance(value, dict | list | tuple):
        return value
    if id(value) not in seen:
        if isinstance(value, dict):
            seen[id(value)] = {key: _plain(item, seen) for key, item in value.items()}
        else:
            seen[id(value)] = [_plain(item, seen) for item in value]
    return seen[id(value)]
