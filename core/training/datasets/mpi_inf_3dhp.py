"""MPI-INF-3DHP as P-STMO packs it: ``data_train_3dhp.npz`` and ``data_test_3dhp.npz``.

Under ``data`` lies {"S1 Seq1": [{camera: {"data_2d": (frames, 17, 2) pixels, "data_3d": (frames,
17, 3) millimetres in camera axes}}, fps]} for training, and {"TS1": {"data_2d", "data_3d",
"valid": (frames,)}} for the test. Joints are given out in Human3.6M order. Keypoints are the
projected truth; there are no others.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import MotionError
from .sequence import Sequence, array_of, load_nested, pixels_of, root_relative

ORDER = (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
"""Where in the files each joint of Human3.6M stands; the root is 14, the head's top 0."""

_TRAIN_SIZE = (2048, 2048)
_TEST_SIZES = {"TS5": (1920, 1080), "TS6": (1920, 1080)}
_TEST_FPS = 25.0  # the file does not say


def read(folder: Path, keypoints: str, split: str) -> Iterable[Sequence]:
    """The sequences of a split, see `open_dataset`.

    Raises:
        MotionError: ``keypoints`` is not "gt", or a sequence is not as described above.
    """
    if keypoints != "gt":
        raise MotionError("MPI-INF-3DHP's files hold no keypoints but the truth's: 'gt'.")
    path = folder / f"data_{split}_3dhp.npz"
    data, _ = load_nested(path, "data")
    yield from (_train if split == "train" else _test)(data, path)


def _train(data: dict[str, Any], path: Path) -> Iterable[Sequence]:
    for name, entry in data.items():
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], dict):
            raise MotionError(f"{path}: {name} is not a pair of cameras and frame rate.")
        subject, _, action = name.partition(" ")
        fps = _rate(entry[1], f"{path}: {name}")
        for camera, view in entry[0].items():
            yield _sequence(subject, action, str(camera), view, _TRAIN_SIZE, fps, path)


def _rate(value: Any, where: str) -> float:
    """Frames a second, which MATLAB's files may have as an array of one number."""
    try:
        rate = np.asarray(value, float).item()
    except (TypeError, ValueError):
        rate = 0.0
    if not 0 < rate < np.inf:
        raise MotionError(f"{where}: its frame rate is not a number above 0.")
    return rate


def _test(data: dict[str, Any], path: Path) -> Iterable[Sequence]:
    for name, view in data.items():
        size = _TEST_SIZES.get(name, _TRAIN_SIZE)
        yield _sequence(name, name, "", view, size, _TEST_FPS, path)


def _sequence(
    subject: str, action: str, camera: str, view: Any, size: tuple[int, int], fps: float, path: Path
) -> Sequence:
    where = f"{path}: {subject} {action} {camera}".rstrip()
    if not isinstance(view, dict):
        raise MotionError(f"{where} is not a table of data_2d and data_3d.")
    xy = pixels_of(view.get("data_2d"), 17, where)[:, ORDER]
    joints = array_of(view.get("data_3d"), (17, 3), where)[:, ORDER] / 1000
    valid = np.asarray(view.get("valid", np.ones(len(xy)))).ravel() > 0
    if not len(xy) == len(joints) == len(valid):
        raise MotionError(f"{where} has another number of frames in 2D than in 3D.")
    return Sequence(subject, action, camera, xy, root_relative(joints), size, fps, valid)
