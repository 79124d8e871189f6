"""A keypoint or motion file to motions, for the add-on's job; knows nothing of Blender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import LiftError
from ..core.motion import Motion
from ..core.motion_file import is_motion_file, load_motion
from ..core.pipeline import Options, people
from ..core.track import Track, notes_of
from .clip import Clip, clip_of


@dataclass(frozen=True)
class Lifted:
    """What a file gave.

    Attributes:
        motions: of every person who could be lifted; at least one.
        clips: what was seen of each of them.
        notes: what was mended, assumed or left out, a sentence each.
    """

    motions: tuple[Motion, ...]
    clips: tuple[Clip, ...]
    notes: tuple[str, ...]


def lift_file(path: Path, options: Options, progress: Callable[[float], None]) -> Lifted:
    """Lift everybody whom the options name; a person who cannot be lifted becomes a note.

    Raises:
        LiftError: nobody can be lifted.
        Cancelled: by the progress function.
    """
    if is_motion_file(path):
        motion = load_motion(path)
        return Lifted((motion,), (clip_of(motion, None, options.video),), ())
    lifted: list[tuple[Track, Motion]] = []
    everybody: list[Track] = []
    left_out: list[str] = []
    failure: LiftError | None = None
    for track, result in people(path, options, progress):
        everybody.append(track)
        if isinstance(result, LiftError):
            failure = failure or result
            left_out.append(f"Person {track.person} is left out: {result}")
        else:
            lifted.append((track, result))
    if not lifted:
        raise failure or LiftError(f"{path}: nobody can be lifted.")
    from ..core.tracks.video import find_video  # with scipy: registering does not wait for it

    found = find_video(path)
    video = options.video or (found and found.path)
    begins = [track.first_frame / track.fps for track, _ in lifted]
    clips = [
        clip_of(motion, track, video, begin - min(begins))
        for (track, motion), begin in zip(lifted, begins, strict=True)
    ]
    notes = (*notes_of(everybody), *left_out)
    return Lifted(tuple(motion for _, motion in lifted), tuple(clips), notes)
