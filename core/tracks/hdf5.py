"""HDF5 files from strangers: opened with clear errors, and never read beyond what they can hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import TrackError
from .source import Source

_SMALL = 32 << 20


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
        raise source.error("reading H5 files needs the package h5py (pip install h5py).") from None
    try:
        with h5py.File(source.path, "r") as file:
            yield file
    except TrackError:
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise source.error(f"is damaged or no {tool} file ({reason}).") from None


def whole(dataset: Any, source: Source) -> np.ndarray:
    """All of a dataset.

    Raises:
        TrackError: if it claims to be far larger than the file; what was never written takes no
            room in a file, and what is packed takes little.
    """
    limit = max(_SMALL, 3 * source.path.stat().st_size)
    if dataset.nbytes > limit:
        raise source.error(
            f"{dataset.name} of {dataset.nbytes >> 20} MB is far larger than the file; it is "
            "damaged or made to fill the memory."
        )
    return np.asarray(dataset)
