"""Motion files: a `Motion` as ``motion.npz``, plain arrays without any pickle."""

from __future__ import annotations

import io
import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from .errors import MotionError
from .motion import FORMAT_VERSION, Motion

MAX_FRAMES = 1_000_000
"""Longer motions are refused: more than five hours at 50 frames a second."""

# Shape of every array of numbers; -1 stands for the number of frames.
_SHAPES: dict[str, tuple[int, ...]] = {
    "joints": (-1, 17, 3),
    "camera_joints": (-1, 17, 3),
    "root": (-1, 3),
    "confidence": (-1, 17),
    "contacts": (-1, 2),
    "gravity": (3,),
}
# Arrays that a file may lack, all of them together.
_OPTIONAL: dict[str, tuple[int, ...]] = {
    "extremities": (-1, 5, 3, 3),
    "extremity_confidence": (-1, 5),
}
_HEADER = 16_384
_MAX_NAME = 4096
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def save_motion(motion: Motion, path: str | Path) -> Path:
    """Write a motion file, whole or not at all.

    The arrays are those of `Motion`, as far as it has them, float32, under their own names, with
    ``fps``, ``format_version``, ``name`` and ``person``.

    Args:
        motion: what to write.
        path: the file; its folder must exist, an older file of that name is replaced.

    Returns:
        The path written.

    Raises:
        MotionError: the folder is missing, full or not to be written to.
    """
    path = Path(path)
    arrays: dict[str, Any] = {
        **{
            key: np.asarray(array, np.float32)
            for key in (*_SHAPES, *_OPTIONAL)
            if (array := getattr(motion, key)) is not None
        },
        "fps": np.float64(motion.fps),
        "format_version": np.int64(FORMAT_VERSION),
        "name": np.str_(motion.name[:_MAX_NAME]),
        "person": np.int64(motion.person),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as file:
            np.savez(file, **arrays)
        temporary.replace(path)
    except OSError as error:
        raise MotionError(f"Cannot write {path}: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def is_motion_file(path: str | Path) -> bool:
    """Whether a path is a motion file, by its content; False also where nothing can be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {"camera_joints.npy", "format_version.npy"} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def load_motion(path: str | Path) -> Motion:
    """Read a motion file.

    A file without ``name`` or ``person`` is named after itself and person 1.

    Args:
        path: a file made by `save_motion`, or by others to the same description.

    Raises:
        MotionError: no such file, not a motion file, damaged, of a newer version, or too long.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _Reader(path, archive).motion()
    except OSError as error:
        raise MotionError(f"Cannot read {path}: {error.strerror or error}.") from error
    except _DAMAGE as error:
        raise MotionError(
            f"{path} is not a motion file or is damaged ({error}); lift the track again."
        ) from error


class _Reader:
    """Reads an untrusted archive: nothing is allocated that its size or shape does not allow."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive
        self.members = set(archive.namelist())

    def motion(self) -> Motion:
        version = self.scalar("format_version")
        if version != FORMAT_VERSION:
            raise MotionError(
                f"{self.path} has motion format {version:g}, and {FORMAT_VERSION} is what can be "
                "read; use the version of Lift to 3D that wrote it."
            )
        shapes = _SHAPES | (_OPTIONAL if any(map(self.has, _OPTIONAL)) else {})
        arrays = {key: self.numbers(key, shape) for key, shape in shapes.items()}
        lengths = {key: len(arrays[key]) for key, shape in shapes.items() if shape[0] < 0}
        if len(set(lengths.values())) > 1:
            raise MotionError(f"{self.path}: the arrays differ in frames: {lengths}.")
        if not 0 < len(arrays["joints"]) <= MAX_FRAMES:
            raise MotionError(
                f"{self.path} holds {len(arrays['joints'])} frames; 1 to {MAX_FRAMES} can be read."
            )
        fps = self.scalar("fps")
        if not 0 < fps < 100_000:
            raise MotionError(f"{self.path}: 'fps' is {fps:g}, not a number of frames a second.")
        name = str(self.array("name", 4 * _MAX_NAME)) if self.has("name") else self.path.stem
        person = int(self.scalar("person")) if self.has("person") else 1
        return Motion(**arrays, fps=fps, name=name, person=max(1, person))

    def has(self, key: str) -> bool:
        return f"{key}.npy" in self.members

    def scalar(self, key: str) -> float:
        array = self.array(key, 16)
        if array.shape != () or array.dtype.kind not in "iuf" or not np.isfinite(array):
            raise MotionError(f"{self.path}: '{key}' is not a number.")
        return float(array)

    def numbers(self, key: str, shape: tuple[int, ...]) -> np.ndarray:
        array = self.array(key, 8 * math.prod(MAX_FRAMES if n < 0 else n for n in shape))
        fits = array.ndim == len(shape) and all(
            n in (-1, m) for n, m in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype.kind != "f":
            raise MotionError(
                f"{self.path}: '{key}' is {array.dtype} {array.shape}; floating-point numbers "
                f"{shape} are wanted, -1 being the frames."
            )
        if not np.isfinite(array).all():
            raise MotionError(f"{self.path}: '{key}' holds values that are not finite numbers.")
        return array.astype(np.float32)

    def array(self, key: str, limit: int) -> np.ndarray:
        """One array of at most ``limit`` bytes; its header is believed only if the bytes agree."""
        if not self.has(key):
            raise MotionError(f"{self.path} has no '{key}': not a motion file of Lift to 3D.")
        with self.archive.open(f"{key}.npy") as member:
            data = member.read(limit + _HEADER + 1)
        if len(data) > limit + _HEADER:
            raise MotionError(f"{self.path}: '{key}' is longer than {limit} bytes.")
        stream = io.BytesIO(data)
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
            raise MotionError(f"{self.path}: '{key}' is not the array that it says it is.")
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
