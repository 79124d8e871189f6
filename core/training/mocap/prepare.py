"""A folder of motion capture to packed training sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import LiftError, MotionError
from ..capture import Take, save_takes
from .acclaim import read_amc
from .bvh import read_bvh
from .fbx import read_fbx
from .joints import to_joints
from .not_read import why_not_read
from .skeletal_motion import SkeletalMotion

READERS: dict[str, Callable[[Path], list[SkeletalMotion]]] = {
    ".bvh": read_bvh,
    ".amc": read_amc,
    ".fbx": read_fbx,
}
FPS = 50.0
USUAL_FPS = 120.0
"""Of ASF/AMC, which does not say; CMU's database was captured so."""

_SLOWEST, _QUICKEST = 1.0, 10_000.0  # frames a second
_FASTEST = 15.0  # metres a second; what is faster is a glitch, or the jump from a T-pose
_SHORTEST = 1.5  # seconds
_ANKLE = 0.08  # metres above the floor


@dataclass(frozen=True)
class Prepared:
    """What became of one file, or of one of the motions in it.

    Attributes:
        path: the file.
        takes: what was made of it; several where it was cut at glitches.
        words: what was found out, or why there is nothing.
    """

    path: Path
    takes: tuple[Take, ...]
    words: str


def find_motions(folder: Path) -> list[Path]:
    """All files in a folder, and below it, that can be read, or hold capture that cannot.

    Raises:
        MotionError: there are none.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = [path for path in files if path.suffix.lower() in READERS or why_not_read(path)]
    if not found:
        kinds = ", ".join(READERS)
        raise MotionError(f"{folder}: no motion capture in it; files ending in {kinds} are read.")
    return found


def subject_of(path: Path, folder: Path) -> str:
    """Whose motion a file holds: the folder it lies in below ``folder``, or else its first word."""
    inner = path.relative_to(folder).parent
    return path.stem.split("_")[0] if inner == Path() else str(inner)


def prepare(folder: Path, scale: float | None = None, fps: float = USUAL_FPS) -> Iterable[Prepared]:
    """All takes of a folder of motion capture, motion by motion.

    A file's subject is the folder it lies in below ``folder``, or its name up to the first
    underscore. Takes are brought to 50 frames a second, cut where a joint moves faster than 15 m/s,
    put on the floor near the origin, and parts of less than 1.5 s left out. A file that cannot be
    read is said and left out.

    Args:
        folder: where from.
        scale: metres of one unit in files that do not say; guessed for each file where not given.
        fps: frames a second in files that do not say.

    Raises:
        MotionError: there is nothing to read.
    """
    for path in find_motions(folder):
        subject = subject_of(path, folder)
        try:
            motions = _read(path)
        except LiftError as error:
            yield Prepared(path, (), str(error))
            continue
        for motion in motions:
            try:
                yield _prepared(path, subject, motion, scale, fps)
            except LiftError as error:
                yield Prepared(path, (), str(error))


def _read(path: Path) -> list[SkeletalMotion]:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise MotionError(f"{path}: {why_not_read(path)}")
    return reader(path)


def _prepared(
    path: Path, subject: str, motion: SkeletalMotion, scale: float | None, usual_fps: float
) -> Prepared:
    where = f"{path} ({motion.take})" if motion.take else str(path)
    fps = motion.fps or usual_fps
    if not _SLOWEST <= fps <= _QUICKEST:
        raise MotionError(f"{where}: {fps:g} frames a second cannot be.")
    found = to_joints(motion, where, scale)
    parts = [placed(part) for part in cut_at_glitches(resampled(found.joints, fps))]
    if not parts:
        raise MotionError(f"{where}: nothing in it lasts {_SHORTEST} s without a jump.")
    name = " ".join(filter(None, [path.stem, motion.take]))
    endings = [""] if len(parts) == 1 else [f".{n}" for n in range(1, len(parts) + 1)]
    takes = tuple(
        Take(name + ending, subject, path.stem, part, FPS)
        for ending, part in zip(endings, parts, strict=True)
    )
    words = [f"{sum(map(len, parts)) / FPS:.1f} s", f"{found.preset} bones", f"unit {found.unit}"]
    if motion.fps is None:
        words.append(f"{fps:g} frames a second assumed")
    if motion.take:
        words.insert(0, motion.take)
    return Prepared(path, takes, ", ".join(words))


def check_split(subjects: set[str], held_out: Iterable[str]) -> None:
    """Refuse to hold out whom there is not, or everybody.

    Raises:
        MotionError: one of them is not there, or nobody is left.
    """
    held = set(held_out)
    if unknown := held - subjects:
        raise MotionError(f"no take is of subject {min(unknown)!r}, who was to be held out.")
    if subjects == held:
        raise MotionError("nothing is left to train on.")


def save_splits(
    takes: list[Take], held_out: Iterable[str], out: Path, about: dict[str, str]
) -> list[Path]:
    """Write ``train.npz.xz`` and, with the subjects that are held out, ``held_out.npz.xz``.

    Raises:
        MotionError: one of the files would be empty, or a subject is not there.
    """
    held = set(held_out)
    check_split({take.subject for take in takes}, held)
    written = []
    out.mkdir(parents=True, exist_ok=True)
    for name, inside in (("train", False), ("held_out", True)):
        chosen = [take for take in takes if (take.subject in held) == inside]
        if chosen:
            written.append(out / f"{name}.npz.xz")
            save_takes(chosen, written[-1], about)
    return written


def resampled(joints: np.ndarray, fps: float) -> np.ndarray:
    """(frames, 17, 3) at another rate to 50 frames a second, float32, by straight lines."""
    count = int(np.floor((len(joints) - 1) / fps * FPS + 1e-6)) + 1
    at = np.arange(count) * fps / FPS
    first = at.astype(int).clip(max=max(len(joints) - 2, 0))
    part = (at - first)[:, None, None]
    second = np.minimum(first + 1, len(joints) - 1)
    return ((1 - part) * joints[first] + part * joints[second]).astype(np.float32)


def cut_at_glitches(joints: np.ndarray) -> list[np.ndarray]:
    """The parts of a take at 50 frames a second in which nothing moves faster than a person."""
    speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(-1) * FPS
    cuts = np.flatnonzero(speed > _FASTEST) + 1
    parts = np.split(joints, cuts)
    return [part for part in parts if len(part) >= _SHORTEST * FPS]


def placed(joints: np.ndarray) -> np.ndarray:
    """(frames, 17, 3), moved so that the lowest ankle is at 0.08 m and the first pelvis near 0, 0.

    That is within half a metre, since packed files reach no farther than 32 m.
    """
    x, y = np.round(joints[0, 0, :2])
    return joints - np.array([x, y, joints[:, [3, 6], 2].min() - _ANKLE], joints.dtype)
