"""HDF5 files from strangers: opened with clear errors, and never read beyond what they can hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import TrackError, how_to_install
from .source import Source

_SMALL = 32 << 20
_LARGEST = 1 << 30
"""Bytes that a dataset may claim if it is read in pieces."""


def is_hdf5(source: Source) -> bool:
    """Whether the file begins as HDF5."""
    return source.head.startswith(b"\x89HDF")


@contextmanager
def opened(source: Source, tool: str) -> Iterator[Any]:
    """The file, open to be read as an h5py.File.

    Raises:
        TrackError: if h5py is missing or anything in the block finds the file other than `tool`
            writes it.
    """
    try:
        import h5py  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise source.error(f"H5 files need the package h5py: {how_to_install()}.") from None
    try:
        with h5py.File(source.path, "r") as file:
            yield file
    except TrackError:
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise source.error(f"is damaged or no {tool} file ({reason}).") from None


def pieces(dataset: Any, source: Source) -> Iterator[np.ndarray]:
    """The members of a dataset's first axis, one after the other, as float32.

    Most of what such files unpack to is often empty, and need not be kept.

    Raises:
        TrackError: if the dataset claims more than any clip has.
    """
    room = _room(source)
    if dataset.nbytes > min(max(_LARGEST, room), len(dataset) * room):
        raise source.error(_far_larger(dataset))
    for i in range(len(dataset)):
        yield np.asarray(dataset[i], np.float32)


def check_room(taken: int, source: Source) -> None:
    """Refuse a file whose contents take far more room than itself.

    Raises:
        TrackError: saying so.
    """
    if taken > _room(source):
        raise source.error(
            f"unpacks to more than {taken >> 20} MB, far beyond its own size; it is damaged or "
            "made to fill the memory."
        )


def whole(dataset: Any, source: Source) -> np.ndarray:
    """All of a dataset.

    Raises:
        TrackError: if it claims to be far larger than the file; what was never written takes no
            room in a file, and what is packed takes little.
    """
    if dataset.nbytes > _room(source):
        raise source.error(_far_larger(dataset))
    return np.asarray(dataset)


def _room(source: Source) -> int:
    """Bytes that a file's contents may take."""
    return max(_SMALL, 3 * source.path.stat().st_size)


def _far_larger(dataset: Any) -> str:
    return (
        f"{dataset.name} of {dataset.nbytes >> 20} MB is far larger than the file; it is damaged "
        "or made to fill the memory."
    )
