"""Inputs become clips: a file, a folder that is one clip (OpenPose), or a folder of clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import TrackError

_SUFFIXES = frozenset(
    (".json", ".csv", ".tsv", ".npz", ".npy", ".h5", ".hdf5", ".trc", ".pose", ".xml", ".slp")
)
_DEEPEST = 16


@dataclass(frozen=True)
class Clip:
    """One clip to work on.

    Attributes:
        path: the file or folder.
        folder: where it lay below the folder that was asked for; results keep that place.
    """

    path: Path
    folder: Path = Path()

    @property
    def stem(self) -> str:
        """The name of its results: the file's or folder's without its last suffix."""
        return self.path.resolve().stem


def find_clips(inputs: list[Path], leave_out: Path | None = None) -> Iterator[Clip]:
    """All clips in the inputs, in order; what is no folder of clips stands for itself.

    Args:
        inputs: files and folders.
        leave_out: the folder of the results, never looked into for inputs.
    """
    results = leave_out.resolve() if leave_out else None
    for path in inputs:
        below = [] if _is_clip(path) else list(_inside(path, Path(), results))
        yield from below or [Clip(path)]


def _is_clip(path: Path) -> bool:
    from ..core.tracks.formats import find_format
    from ..core.tracks.source import Source

    if not path.is_dir():
        return True
    try:
        find_format(Source(path))
    except TrackError:
        return False
    return True


def _inside(folder: Path, below: Path, leave_out: Path | None) -> Iterator[Clip]:
    if len(below.parts) > _DEEPEST:
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.resolve() == leave_out:
            continue
        if path.is_dir():
            clips = [Clip(path, below)] if _is_clip(path) else ()
            yield from clips or _inside(path, below / path.name, leave_out)
        elif path.suffix.lower() in _SUFFIXES:
            yield Clip(path, below)
