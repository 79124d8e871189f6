"""From a keypoint file to tracks: sniff, read, scale to pixels, tell people apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import TrackError
from ..skeleton import COCO
from ..track import Track
from .camera import find_camera
from .detections import CENTRED, PERCENT, PIXELS, UNIT, Detections
from .formats import read_any
from .people import People, find_people, trunk_seen
from .source import Progress, Source
from .video import Video, find_video, probe

Person = int | tuple[int, ...] | Literal["all", "largest", "longest"]
Frames = tuple[int | None, int | None]

ASSUMED_FPS = 30.0
_PICTURES = (
    (320, 240), (480, 360), (640, 360), (640, 480), (854, 480), (960, 540),
    (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160), (7680, 4320),
)  # fmt: skip
_SPARSE = 100
"""Frame numbers with fewer than one frame in so many are no clip's."""
_MOST_PEOPLE = 500
_LOOK_AT = 20_000
"""Detections that are looked at to tell where joints lie."""
_LIMBS = COCO[5:]


def read(
    path: str | Path,
    *,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
    fov: float | None = None,
    video: str | Path | None = None,
    person: Person = "all",
    frames: Frames | None = None,
    progress: Progress = None,
) -> list[Track]:
    """The people in a keypoint file or folder, each as a track.

    Args:
        path: a file or folder in any format of `core.tracks.formats`; its content decides which.
        fps: frames a second; goes before what a video or the file says.
        size: picture width and height in pixels; likewise.
        fov: horizontal field of view of the camera in degrees, where it is known; goes before
            what a calibration beside the file says (`camera.find_camera`).
        video: the clip that the keypoints are of; gives `fps` and `size`. A video of the same name
            beside the file is found by itself.
        person: ``"all"``, 1 for the most prominent person, 2 ..., ``"largest"`` in the picture, or
            ``"longest"`` seen.
        frames: first frame and the one after the last, as the file numbers them; None is open.
            People keep the numbers that they have in the whole file.
        progress: called with 0..1.

    Returns:
        Tracks in the order of the people's prominence (size x frames x confidence), each from the
        frame where the person is first seen to where they are last seen; frames in between without
        them are NaN. ``notes`` tell what was assumed and left out.

    Raises:
        TrackError: if the file cannot be read or holds nobody who can be lifted.
    """
    found, told = detections(
        path, fps=fps, size=size, fov=fov, video=video, progress=_part(progress, 0.0, 0.8)
    )
    return tracks_of(
        found, told, path, person=person, frames=frames, progress=_part(progress, 0.8, 1.0)
    )


class Told(dict[str, str]):
    """Where ``fps`` and ``size`` are from: "file", "video", "user" or "assumed"."""


def detections(
    path: str | Path,
    *,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
    fov: float | None = None,
    video: str | Path | None = None,
    progress: Progress = None,
) -> tuple[Detections, Told]:
    """Everything that a file holds, in pixels, with a frame rate and a picture size.

    The arguments are those of `read`.
    """
    _check_options(fps, size)
    source = Source(path, progress)
    found = read_any(source)
    if not len(found.frame):
        raise source.error(
            f"{found.format} without a single person in {max(found.frames, 0)} frames."
        )
    _check_crowd(found, source)
    _check_joints(found, source)
    _check_flat(found, source)
    clip = probe(video) if video else find_video(source.path)
    found = _with_base(found, clip)
    found = _with_camera(found, fov, size or (clip and clip.size), source)
    found, told = _with_picture(found, fps, size, clip, source)
    return _consecutive(found), told


def tracks_of(
    found: Detections,
    told: Told,
    path: str | Path,
    *,
    person: Person = "all",
    frames: Frames | None = None,
    progress: Progress = None,
) -> list[Track]:
    """The people in a file's detections, as `read` gives them."""
    source = Source(path)
    assert found.fps is not None
    people = find_people(found, found.fps)
    _, there = within(found, people, frames, source)
    tracks = []
    for i, (number, rows) in enumerate(there.items()):
        if progress:
            progress(i / len(there))
        tracks.append(_track(found, rows, told, source.name, number))
    if not tracks or all(track.frames < 2 for track in tracks):
        frame = tracks[0].first_frame if tracks else found.span[0]
        folder = "" if source.is_folder else "; if each frame has a file, give their folder"
        raise source.error(f"has 1 frame only (number {frame}); a motion needs at least 2{folder}.")
    tracks = [
        replace(track, notes=found.notes + people.notes + track.notes)
        for track in tracks
        if track.frames > 1
    ]
    return _choose(tracks, person, source)


def within(
    found: Detections, people: People, frames: Frames | None, source: Source
) -> tuple[tuple[int, int], dict[int, np.ndarray]]:
    """The frames that are wanted, and the rows in them of everybody who is there, by number.

    Raises:
        TrackError: if nobody is.
    """
    wanted = frames or (None, None)
    first = found.span[0] if wanted[0] is None else max(wanted[0], found.span[0])
    last = found.span[1] if wanted[1] is None else min(wanted[1] - 1, found.span[1])
    there = {
        number: part
        for number, rows in enumerate(people.rows, 1)
        if len(part := rows[(found.frame[rows] >= first) & (found.frame[rows] <= last)])
    }
    if frames and not there:
        said = ":".join("" if n is None else str(n) for n in frames)
        raise source.error(
            f"has nobody in frames {said}; it covers {found.span[0]}:{found.span[1] + 1}."
        )
    return (first, last), there


def _part(progress: Progress, start: float, end: float) -> Progress:
    return progress and (lambda share: progress(start + share * (end - start)))


def _check_options(fps: float | None, size: tuple[int, int] | None) -> None:
    if fps is not None and not 0.1 <= fps <= 10_000:
        raise TrackError(f"{fps} frames a second is no frame rate; give one above 0, such as 30.")
    if size is not None and not all(1 <= side <= 100_000 for side in size):
        raise TrackError(f"{size[0]}x{size[1]} is no picture size; give one such as 1920x1080.")


def _check_crowd(found: Detections, source: Source) -> None:
    """Refuse more people in a frame than any detector gives."""
    frames, count = np.unique(found.frame, return_counts=True)
    if count.max() > _MOST_PEOPLE:
        raise source.error(
            f"{count.max()} people in frame {frames[count.argmax()]}; at most {_MOST_PEOPLE} can "
            "be told apart. Do its rows say of which frame they are?"
        )


def _check_joints(found: Detections, source: Source) -> None:
    """Refuse what has neither shoulders nor hips: an animal's skeleton, a face, a hand."""
    if trunk_seen(found, np.arange(len(found.frame))):
        return
    seen = {found.layout.points[i] for i in np.flatnonzero((found.confidence > 0).any(0))}
    missing = _plain([name for name in _LIMBS if name not in seen])
    if not set(_LIMBS) & set(found.layout.joints):
        raise source.error(
            f"its skeleton is not a person's{found.layout.note}, these joints are missing: "
            f"{missing}; docs/formats.md says which names are understood."
        )
    raise source.error(
        f"these joints are never seen: {missing}; a person cannot be lifted without shoulders "
        "or hips."
    )


def _check_flat(found: Detections, source: Source) -> None:
    """Refuse 3D positions in metres around the body or the ground, whose depth was left out."""
    if found.units == UNIT and (np.nanquantile(_some(found.xy), 0.25, axis=(0, 1)) < 0).all():
        raise source.error(
            "its x and y lie around 0, as 3D positions in metres do (MediaPipe's world "
            "landmarks); the landmarks in the picture are needed."
        )


def _turned(track: Track) -> bool:
    """Whether the person's trunk lies across the picture nearly all the time."""
    ends, _ = track.select((*COCO[5:7], *COCO[11:13]))
    trunk = ends[:, 2:].mean(1) - ends[:, :2].mean(1)
    trunk = trunk[np.isfinite(trunk).all(1)]
    return len(trunk) > 10 and bool((np.abs(trunk[:, 0]) > 1.5 * np.abs(trunk[:, 1])).mean() > 0.9)


def _with_base(found: Detections, clip: Video | None) -> Detections:
    """Tell whether the first frame is number 0 or 1 where the format itself does not say."""
    if found.numbered_from is not None:
        return found
    first, last = found.span
    one = clip is not None and clip.frames is not None and last == clip.frames
    return replace(found, numbered_from=1 if one or (first == 1 and clip is None) else 0)


def _with_camera(
    found: Detections, fov: float | None, size: tuple[int, int] | None, source: Source
) -> Detections:
    """Field of view, and size where nothing else has it, from a calibration beside the file."""
    camera = find_camera(source.path)
    if camera is None:
        return replace(found, fov=fov)
    size = size or found.size
    where = f"of camera {camera.name} in {camera.path.name}"
    if size and not camera.fits(size):
        note = (
            f"The calibration {where} is for {camera.size[0]}x{camera.size[1]} pictures, "
            f"not {size[0]}x{size[1]}: it is not used."
        )
        return replace(found, fov=fov, notes=(*found.notes, note))
    facts = [] if fov else [f"field of view ({camera.fov:.1f} degrees)"]
    facts += [] if size else [f"picture size ({camera.size[0]}x{camera.size[1]})"]
    note = f"From the calibration {where}: {' and '.join(facts)}."
    notes = (*found.notes, note) if facts else found.notes
    return replace(found, fov=fov or camera.fov, size=found.size or camera.size, notes=notes)


def _with_picture(
    found: Detections,
    fps: float | None,
    size: tuple[int, int] | None,
    clip: Video | None,
    source: Source,
) -> tuple[Detections, Told]:
    """Frame rate and size from the user, the video, the file, or assumed, and all in pixels."""
    told = Told()
    notes = list(found.notes)
    if clip is not None:
        notes.append(
            f"Frame rate and size are looked up in {clip.path.name}{_against(found, clip)}"
        )
    for key, given, seen, stored in (
        ("fps", fps, clip and clip.fps, found.fps),
        ("size", size, clip and clip.size, found.size),
    ):
        told[key] = "user" if given else "video" if seen else "file" if stored else "assumed"
    fps = fps or (clip and clip.fps) or found.fps
    size = size or (clip and clip.size) or found.size
    if fps is None:
        fps = ASSUMED_FPS
        notes.append(
            f"The frame rate is not in the file: {fps:g} frames a second are assumed "
            "(--fps or --video sets it)."
        )
    if size is None:
        size = _guess_size(found)
        what = "guessed from where the joints lie" if found.units == PIXELS else "assumed"
        notes.append(
            f"The picture size is not in the file: {size[0]}x{size[1]} is {what} "
            "(--size or --video sets it)."
        )
    width, height = size
    scale = np.array([width, height], np.float64)
    xy = found.xy
    if found.units == UNIT:
        xy = xy * scale
    elif found.units == PERCENT:
        xy = xy * (scale / 100)
    elif found.units == CENTRED:
        xy = (xy + 1) * (scale / 2)
    outside = np.nanquantile(np.abs(_some(xy) - scale / 2) / scale, 0.9)
    if outside > 1 and told["size"] != "assumed":
        notes.append(
            f"Most joints lie outside the {width}x{height} picture: is this the size of the clip "
            "that the keypoints are of?"
        )
    elif found.units == PIXELS and told["size"] != "assumed" and _is_turned(found, size):
        notes.append(
            f"Joints lie outside the {width}x{height} picture and inside {height}x{width}: was "
            "the film upright, or lying?"
        )
    return (
        replace(found, xy=xy, units=PIXELS, fps=fps, size=(width, height), notes=tuple(notes)),
        told,
    )


def _against(found: Detections, clip: Video) -> str:
    """What the file says of itself, where its video says something else."""
    said = []
    if found.fps and abs(found.fps - clip.fps) > 0.02 * clip.fps:
        said.append(f"{found.fps:g} frames a second, not {clip.fps:g}")
    if found.size and found.size != clip.size:
        said.append("{}x{}, not {}x{}".format(*found.size, *clip.size))
    return (
        f", though the file says {' and '.join(said)}: is it the film of this clip?"
        if said
        else "."
    )


def _is_turned(found: Detections, size: tuple[int, int]) -> bool:
    """Whether a picture as wide as this one is high would hold the joints, and this does not."""
    seen = _some(found.xy)[_some(found.confidence) > 0.5]
    if not len(seen):
        return False
    inside, turned = (
        (seen < 1.02 * np.array(sides)).all(-1).mean() for sides in (size, size[::-1])
    )
    return bool(inside < 0.95 and turned > 0.995)


def _some(xy: np.ndarray) -> np.ndarray:
    """Rows enough to tell where joints lie."""
    return xy[:: max(1, len(xy) // _LOOK_AT)]


def _guess_size(found: Detections) -> tuple[int, int]:
    """The smallest usual picture that holds nearly all joints; full HD for shares of a picture."""
    if found.units != PIXELS:
        return 1920, 1080
    extent = np.nanquantile(_some(found.xy).reshape(-1, 2), 0.995, axis=0)
    pictures = sorted(
        (*_PICTURES, *((height, width) for width, height in _PICTURES)),
        key=lambda wh: wh[0] * wh[1],
    )
    for picture in pictures:
        if (extent <= 1.02 * np.array(picture)).all():
            return picture
    width, height = np.ceil(extent / 2).astype(int) * 2
    return int(width), int(height)


def _consecutive(found: Detections) -> Detections:
    """Frames numbered in equal steps, such as every fifth, or not as a clip's, one by one."""
    unique = np.unique(found.frame)
    first, span = int(unique[0]), int(unique[-1] - unique[0])
    step = int(np.gcd.reduce(np.diff(unique))) if len(unique) >= 5 else 1
    if span > _SPARSE * len(unique) + 10_000 or step > _SPARSE:
        return replace(
            found,
            frame=np.searchsorted(unique, found.frame),
            span=(0, len(unique) - 1),
            numbered_from=0,
            notes=(
                *found.notes,
                f"The frame numbers {first} to {first + span} are not a clip's: the "
                f"{len(unique)} frames are taken one after the other.",
            ),
        )
    if step == 1 or found.fps is None:
        return found
    return replace(
        found,
        frame=(found.frame - first) // step,
        span=(0, span // step),
        fps=found.fps / step,
        numbered_from=0,
        notes=(
            *found.notes,
            f"Only one frame in {step} is in the file: {found.fps:g} frames a second "
            f"become {found.fps / step:g}.",
        ),
    )


def _track(found: Detections, rows: np.ndarray, told: Told, name: str, person: int) -> Track:
    """One person's rows as a track with a row for each frame."""
    assert found.fps is not None
    assert found.size is not None
    mine = slice(None) if len(rows) == len(found.frame) else rows
    joints_xy, joints_confidence = found.layout.convert(found.xy[mine], found.confidence[mine])
    first, last = int(found.frame[rows[0]]), int(found.frame[rows[-1]])
    joints = found.layout.joints
    xy, confidence = joints_xy, joints_confidence
    if len(rows) < last - first + 1:
        xy = np.full((last - first + 1, len(joints), 2), np.nan)
        confidence = np.zeros(xy.shape[:2])
        at = found.frame[rows] - first
        xy[at], confidence[at] = joints_xy, joints_confidence
    notes = list(joint_notes(found, mine))
    track = Track(
        xy, confidence, joints, found.fps, found.size, told["fps"], told["size"], found.fov, name,
        person, first, (), found.numbered_from or 0,
    )  # fmt: skip
    if found.ids is not None and len(kinds := np.unique(found.ids[rows])) == 1 and kinds[0] >= 0:
        notes.append(f"The file's number for this person is {kinds[0]}.")
    if _turned(track):
        notes.append(
            "The person lies across the picture throughout: if the camera was turned on its side, "
            "turn the video and detect again; if y stands before x in the file, exchange them."
        )
    return replace(track, notes=tuple(notes))


def joint_notes(found: Detections, rows: np.ndarray | slice) -> tuple[str, ...]:
    """What is to be told of the joints in some rows: how some are made, which are never seen."""
    points = found.layout.points
    seen = {points[i] for i in np.flatnonzero((found.confidence[rows] > 0).any(0))}
    seen |= {name for name, sources in found.layout.made.items() if seen.issuperset(sources)}
    never = [name for name in COCO if name not in seen]
    told = f"Never seen: {_plain(never)}. What is lifted there is made up."
    return tuple(note for note in (found.layout.note, told if never else "") if note)


def _plain(names: list[str]) -> str:
    """Joint names for people, left and right together."""
    words, listed = [name.replace("_", " ") for name in names], []
    for word in words:
        side, _, part = word.partition(" ")
        other = {"left": "right", "right": "left"}.get(side)
        if other is None or f"{other} {part}" not in words:
            listed.append(word)
        elif side == "left":
            listed.append({"foot": "feet"}.get(part, f"{part}s"))
    return ", ".join(listed)


def _choose(tracks: list[Track], person: Person, source: Source) -> list[Track]:
    if person == "all":
        return tracks
    if person == "largest":
        return [max(tracks, key=_mean_size)]
    if person == "longest":
        return [max(tracks, key=lambda t: int((t.confidence > 0).any(1).sum()))]
    wanted = person if isinstance(person, tuple) else (person,)
    there = {track.person: track for track in tracks}
    if missing := [number for number in wanted if number not in there]:
        raise source.error(
            f"there is no person {missing[0]} here, only {', '.join(map(str, there))}."
        )
    return [there[number] for number in sorted(wanted)]


def _mean_size(track: Track) -> float:
    seen = track.xy[(track.confidence > 0).any(1)]
    return float(np.mean(np.nanmax(seen, 1) - np.nanmin(seen, 1)))
