"""The arrows in a row: a keypoint file to each person's motion.

read -> clean -> lift -> ground. The shell, the batch and the add-on all call this. The stages are
imported when they run: what they need takes seconds to load, and `--help` must not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import LiftError
from .motion import Motion
from .track import Track

if TYPE_CHECKING:
    from .tracks.reading import Frames, Person

Progress = Callable[[float], None]

# Where in the work on a clip reading ends, and in that on a person lifting.
_READ, _LIFTED = 0.1, 0.8


@dataclass(frozen=True)
class Options:
    """What may be said about a clip; every default is found out or assumed.

    Attributes:
        fps: frames a second; None takes it from the file or the video.
        size: picture width and height in pixels; None likewise.
        fov: horizontal field of view of the camera in degrees; None when not known.
        video: the film the keypoints were seen in, for its rate and size.
        person: "all", "largest", "longest", the number of one person, or several numbers.
        frames: first frame, and the frame after the last, as numbered in the file.
        raw: lift the track as it is, without cleaning it first.
        model: a shipped model's name, or a model file.
        device: "auto", "cpu", "cuda" ...
        mirror: lift the mirror image, too: twice the work, a little more exact; None as the
            model's card says.
        height: the person's height in metres, which sets the scale of the world.
        smoothing: "off", "light" or "strong".
        camera_up: the direction up in camera axes (x right, y down, z forward), where known.
    """

    fps: float | None = None
    size: tuple[int, int] | None = None
    fov: float | None = None
    video: Path | None = None
    person: Person = "all"
    frames: Frames | None = None
    raw: bool = False
    model: str = "default"
    device: str = "auto"
    mirror: bool | None = None
    height: float = 1.70
    smoothing: str = "light"
    camera_up: tuple[float, float, float] | None = None


def tracks(path: Path, options: Options, progress: Progress | None = None) -> list[Track]:
    """The people in a keypoint file or folder.

    Raises:
        TrackError: the file cannot be read or holds nobody.
    """
    from .tracks import read

    return read(
        path,
        fps=options.fps,
        size=options.size,
        fov=options.fov,
        video=options.video,
        person=options.person,
        frames=options.frames,
        progress=progress,
    )


def motion(track: Track, options: Options, progress: Progress | None = None) -> Motion:
    """One cleaned track's motion in the world.

    Raises:
        LiftError: the track, the model or the options do not do.
    """
    from .ground import ground
    from .lift import lift

    lifting = part(progress, 0, _LIFTED)
    pose = lift(
        track,
        model=options.model,
        device=options.device,
        flip=options.mirror,
        progress=lifting,
    )
    return ground(
        pose,
        track,
        height=options.height,
        smoothing=options.smoothing,
        camera_up=options.camera_up,
        progress=part(progress, _LIFTED, 1),
    )


def people(
    path: Path, options: Options, progress: Progress | None = None
) -> Iterator[tuple[Track, Motion | LiftError]]:
    """Every person in a keypoint file or folder: the track as it was lifted, and the motion.

    A person who cannot be lifted comes with the error in place of a motion; the others go on.

    Args:
        path: a keypoint file or folder of any known format.
        options: what is known about the clip and how to lift it.
        progress: called with 0..1; may raise `Cancelled`.

    Raises:
        TrackError: the file cannot be read or holds nobody.
    """
    from .clean import clean

    found = tracks(path, options, part(progress, 0, _READ))
    step = (1 - _READ) / len(found)
    for i, track in enumerate(found):
        start = _READ + step * i
        result: Motion | LiftError
        try:
            track = track if options.raw else clean(track)
            result = motion(track, options, part(progress, start, start + step))
        except LiftError as error:
            result = error
        yield track, result


def motions(path: Path, options: Options, progress: Progress | None = None) -> list[Motion]:
    """The motion of every person in a keypoint file or folder; arguments as for `people`.

    Raises:
        LiftError: the file cannot be read, or a person in it cannot be lifted.
    """
    lifted: list[Motion] = []
    for _, result in people(path, options, progress):
        if isinstance(result, LiftError):
            raise result
        lifted.append(result)
    return lifted


def part(progress: Progress | None, start: float, end: float) -> Progress:
    """A stage's own 0..1, told as the part of the whole between `start` and `end`."""
    if progress is None:
        return lambda _: None
    return lambda done: progress(start + (end - start) * done)
