"""The research data sets that lifters are compared on, one module each.

Their owners do not let anybody pass them on: users bring the files that VideoPose3D's and P-STMO's
scripts make. These hold pickles, which are read without running anything (`core.tracks.arrays`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import MotionError
from ...skeleton import H36M, Skeleton
from . import h36m, humaneva, mpi_inf_3dhp
from .sequence import Sequence


@dataclass(frozen=True)
class DataSet:
    """A data set as it is read.

    Attributes:
        read: (folder, keypoints, split) to its sequences.
        keypoints: whose 2D there is, the usual one first, and which joints go with it.
    """

    read: Callable[[Path, str, str], Iterable[Sequence]]
    keypoints: dict[str, Skeleton]

    def skeleton(self, keypoints: str) -> Skeleton:
        """The joints that go with keypoints; with those of others, the usual ones."""
        return self.keypoints.get(keypoints, next(iter(self.keypoints.values())))


DATASETS: dict[str, DataSet] = {
    "h36m": DataSet(h36m.read, h36m.KEYPOINTS),
    "3dhp": DataSet(mpi_inf_3dhp.read, {"gt": H36M}),
    "humaneva": DataSet(humaneva.read, humaneva.KEYPOINTS),
}


def find_dataset(name: str) -> DataSet:
    """A data set by its name.

    Raises:
        MotionError: there is none of this name.
    """
    if name not in DATASETS:
        raise MotionError(f"data set {name!r} is not known; there are {', '.join(DATASETS)}.")
    return DATASETS[name]


def open_dataset(name: str, folder: Path, keypoints: str, split: str) -> list[Sequence]:
    """All sequences of a data set; they have the same skeleton and the same kind of keypoints.

    Args:
        name: one of `DATASETS`.
        folder: where its files lie, under their usual names.
        keypoints: whose 2D, part of the file's name.
        split: "train" or "test".

    Raises:
        MotionError: there is no such data set, or nothing of this split is in its files.
        TrackError: a file is missing, damaged or not of the format.
    """
    sequences = list(find_dataset(name).read(folder, keypoints, split))
    if not sequences:
        raise MotionError(f"{folder}: no sequence of the {split} split of {name} is in its files.")
    return sequences
