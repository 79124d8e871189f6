"""A keypoint or motion file to motions, for the add-on's job; knows nothing of Blender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import LiftError
from ..core.motion import Motion
from ..core.motion_file import is_motion_file, load_motion
from ..core.pipeline import Options, people


@dataclass(frozen=True)
class Lifted:
    """What a file gave.

    Attributes:
        motions: of every person who could be lifted; at least one.
        starts: seconds into the clip at which each motion begins; 0 for the earliest.
        notes: what was mended, assumed or left out, a sentence each.
    """

    motions: tuple[Motion, ...]
    starts: tuple[float, ...]
    notes: tuple[str, ...]


def lift_file(path: Path, options: Options, progress: Callable[[float], None]) -> Lifted:
    """Lift everybody whom the options name; a person who cannot be lifted becomes a note.

    Raises:
        LiftError: nobody can be lifted.
        Cancelled: by the progress function.
    """
    if is_motion_file(path):
        return Lifted((load_motion(path),), (0.0,), ())
    motions: list[Motion] = []
    begins: list[float] = []
    notes: dict[str, None] = {}
    failure: LiftError | None = None
    for track, result in people(path, options, progress):
        if isinstance(result, LiftError):
            failure = failure or result
            notes[f"Person {track.person} is left out: {result}"] = None
        else:
            motions.append(result)
            begins.append(track.first_frame / track.fps)
            notes.update(dict.fromkeys(track.notes))
    if not motions:
        raise failure or LiftError(f"{path}: nobody can be lifted.")
    starts = tuple(begin - min(begins) for begin in begins)
    return Lifted(tuple(motions), starts, tuple(notes))
