"""Facts about the camera out of a calibration that lies beside the keypoints.

Pose2Sim, Caliscope and aniposelib write a TOML with a table for each camera: ``[cam_01]`` with
``size`` and ``matrix`` (intrinsics in pixels), and others that one camera's motion does not need.
A camera is only taken if it is plain which one is meant.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from .detections import number, picture_size

_LARGEST = 1 << 20
_MOST_FILES = 50


@dataclass(frozen=True)
class Camera:
    """A calibrated camera.

    Attributes:
        path: the calibration.
        name: the camera's table in it.
        size: width and height of the pictures that it was calibrated with.
        fov: horizontal field of view in degrees.
    """

    path: Path
    name: str
    size: tuple[int, int]
    fov: float

    def fits(self, size: tuple[int, int]) -> bool:
        """Whether pictures of this size can be its own, perhaps made smaller."""
        return abs(size[0] * self.size[1] / (size[1] * self.size[0]) - 1) < 0.01


def find_camera(path: Path) -> Camera | None:
    """The camera that keypoints are from, out of a calibration beside them.

    That is a .toml in the same folder or, as Pose2Sim has it, in ``../calibration``. The camera is
    the one whose name is in the file's or folder's name (cam_01 and cam01_json) or else in that of
    the folder around it; or the only one there is, unless the names say that it is another.
    """
    path = path.absolute()
    for folder in (path.parent, path.parent.parent / "calibration"):
        cameras = [camera for file in _files(folder) for camera in _cameras(file)]
        for name in (path.stem, path.parent.name):
            words = _words(name)
            own = [camera for camera in cameras if _within(_words(camera.name), words)]
            if len(own) == 1:
                return own[0]
            if own or any(_other(_words(camera.name), words) for camera in cameras):
                return None
        if len(cameras) == 1:
            return cameras[0]
    return None


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.toml"))[:_MOST_FILES]
    except OSError:
        return []


def _cameras(path: Path) -> Iterator[Camera]:
    """The cameras in a TOML; none in one that is for something else or cannot be read."""
    try:
        if path.stat().st_size > _LARGEST:
            return
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return
    for name, table in tables.items():
        if isinstance(table, dict) and (camera := _camera(path, name, table)):
            yield camera


def _camera(path: Path, name: str, table: dict[str, Any]) -> Camera | None:
    try:
        size = picture_size(*table["size"])
        focal, focal_y = number(table["matrix"][0][0]), number(table["matrix"][1][1])
    except (KeyError, TypeError, IndexError):
        return None
    if not (size and focal and focal_y) or table.get("fisheye") or abs(focal_y / focal - 1) > 0.05:
        return None
    fov = 2 * math.degrees(math.atan(size[0] / 2 / focal))
    return Camera(path, str(table.get("name", name))[:100], size, fov) if 3 < fov < 170 else None


def _words(name: str) -> list[str | int]:
    """Words and numbers in a name: cam_01 as cam, 1."""
    found = re.findall(r"[^\W\d_]+|[0-9]{1,9}", name.lower())
    return [int(word) if word.isdigit() else word for word in found]


def _within(camera: list[str | int], words: list[str | int]) -> bool:
    ends = range(len(camera), len(words) + 1)
    return bool(camera) and any(words[end - len(camera) : end] == camera for end in ends)


def _other(camera: list[str | int], words: list[str | int]) -> bool:
    """Whether the name has the camera's word with another number, such as cam02 for cam_01."""
    if len(camera) != 2 or not isinstance(camera[1], int):
        return False
    return any(a == camera[0] and isinstance(b, int) and b != camera[1] for a, b in pairwise(words))
