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
from .joints import to_joints
from .skeletal_motion import SkeletalMotion

READERS: dict[str, Callable[[Path], SkeletalMotion]] = {".bvh": read_bvh, ".amc": read_amc}
FPS = 50.0

_FASTEST = 15.0  # metres a second; what is faster is a glitch, or the jump from a T-pose
_SHORTEST = 1.5  # seconds


@dataclass(frozen=True)
class Prepared:
    """What became of one file.

    Attributes:
        path: the file.
        takes: what was made of it; several where it was cut at glitches.
        words: what was found out, or why there is nothing.
    """

    path: Path
    takes: tuple[Take, ...]
    words: str


def find_motions(folder: Path) -> list[Path]:
    """All files in a folder, and below it, that can be read.

    Raises:
        MotionError: there are none.
    """
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in READERS and p.is_file())
    if not found:
        kinds = ", ".join(READERS)
        raise MotionError(f"{folder}: no motion capture in it; files ending in {kinds} are read.")
    return found


def prepare(folder: Path, scale: float | None = None) -> Iterable[Prepared]:
    """All takes of a folder of motion capture, file by file.

    A file's subject is the folder it lies in below ``folder``, or its name up to the first
    underscore. Takes are brought to 50 frames a second, cut where a joint moves faster than 15 m/s
    and parts of less than 1.5 s left out. A file that cannot be read is said and left out.

    Args:
        folder: where from.
        scale: metres of one unit in all files; guessed for each file where not given.

    Raises:
        MotionError: there is nothing to read.
    """
    for path in find_motions(folder):
        try:
            motion = READERS[path.suffix.lower()](path)
            found = to_joints(motion, str(path), scale)
        except LiftError as error:
            yield Prepared(path, (), str(error))
            continue
        inner = path.relative_to(folder).parent
        subject = path.stem.split("_")[0] if inner == Path() else str(inner)
        parts = cut_at_glitches(resampled(found.joints, motion.fps))
        endings = [""] if len(parts) == 1 else [f".{n}" for n in range(1, len(parts) + 1)]
        takes = tuple(
            Take(path.stem + ending, subject, path.stem, part, FPS)
            for ending, part in zip(endings, parts, strict=True)
        )
        seconds = sum(map(len, parts)) / FPS
        yield Prepared(path, takes, f"{seconds:.1f} s, {found.preset} bones, unit {found.unit}")


def save_splits(
    takes: list[Take], held_out: Iterable[str], out: Path, about: dict[str, str]
) -> list[Path]:
    """Write ``train.npz.xz`` and, with the subjects that are held out, ``held_out.npz.xz``.

    Raises:
        MotionError: one of the files would be empty, or a subject is not there.
    """
    held = set(held_out)
    unknown = held - {take.subject for take in takes}
    if unknown:
        raise MotionError(f"no take is of subject {sorted(unknown)[0]!r}, who was to be held out.")
    written = []
    out.mkdir(parents=True, exist_ok=True)
    for name, inside in (("train", False), ("held_out", True)):
        chosen = [take for take in takes if (take.subject in held) == inside]
        if not chosen and not inside:
            raise MotionError("nothing is left to train on.")
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
