"""Plain arrays in .npz or .npy: keypoints of each frame, as rtmlib and many scripts give them.

Also FreeMoCap's 2D arrays (cameras, frames, points, 2), of which the first 33 points are the body.

- ``keypoints`` (or another usual name, or the only array that fits): (frames, points, 2 or 3),
  (frames, people, points, 2 or 3) or (people, frames, points, 2 or 3); (frames, numbers) in one
  row; or an object array with (people, points, 2 or 3) for each frame, as where people come and go.
  Pixels, or shares of the picture; NaN or 0, 0 where missing; a third number is the confidence.
  MoveNet's answers, (frames, 1, 1, 17, 3) and (frames, 1, 6, 56), have y before x;
- ``scores`` (or ``confidence``, ``keypoint_scores``): the confidences, if they are apart;
- ``names``: the points' names. Without them the layout is known by the number of points;
- ``fps``, ``width`` and ``height`` (or ``size``), where they are known.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...layouts import Layout, named_layout
from ..detections import Detections, rate_and_size
from ..geometry import COUNTS, exchanged, is_3d, layout_of, upright
from ..source import Source
from .mediapipe import landmarks
from .named_csv import units

NAME = "plain arrays"

_POINTS = ("keypoints", "keypoints_2d", "xy", "kpts", "poses", "joints2d", "joints_2d", "")
_SCORES = ("scores", "confidence", "keypoint_scores", "conf")
_FREEMOCAP = (33, 75, 543, 553)
_MOST_PEOPLE = 16
_NO_POINTS = re.compile(r"3d|xyz|world|box|score|conf|size|fps|frame|time|names")
_PERSON = 17 * 3 + 5
"""Numbers of a person in MoveNet's answers for several: y, x, score of the joints, and a box."""


def sniff(source: Source) -> bool:
    """Whether there is an array of points of frames, other than MediaPipe's and VideoPose3D's."""
    arrays = source.arrays
    if arrays is None or {"positions_2d", "boxes"} & set(arrays) or landmarks(arrays) is not None:
        return False
    return _find(arrays) is not None


def read(source: Source) -> Detections:
    """Every person of every frame; people of a frame are told apart later."""
    arrays = source.arrays or {}
    points = _find(arrays)
    assert points is not None
    notes, title = (), NAME
    y_first = points.ndim == 5
    points = points.reshape(len(points), *points.shape[-3:])
    if _is_freemocap(points):
        notes = (f"The first of {len(points)} cameras is taken.",) if len(points) > 1 else ()
        points, title = points[0][:, None, :33], "FreeMoCap npy"
    elif len(points) < min(_MOST_PEOPLE, points.shape[1]):
        points = points.swapaxes(0, 1)
    frames, people, count, each = points.shape
    scores = next((s for k in _SCORES if (s := _regular(arrays.get(k), 3)) is not None), None)
    if scores is not None and each == 2 and scores.size == frames * people * count:
        if scores.ndim == 3 and scores.shape[0] != frames:
            scores = scores.swapaxes(0, 1)
        points = np.concatenate([points, scores.reshape(frames, people, count, 1)], -1)
    flat = points.reshape(-1, *points.shape[2:])
    if flat.shape[-1] == 3 and is_3d(flat, units(flat)):
        raise source.error("the third number of a keypoint is no confidence; 2D is needed, not 3D.")
    layout = _layout(arrays, flat, source)
    frame = np.repeat(np.arange(frames), people)
    seen = (np.isfinite(flat[..., :2]) & (flat[..., :2] != 0)).any((1, 2))
    fps, size = rate_and_size(arrays)
    built = Detections.build(
        title, layout, frame[seen], flat[seen], span=(0, frames - 1), units=units(flat),
        fps=fps, size=size, notes=notes,
    )  # fmt: skip
    return exchanged(built) if y_first else upright(built)


def _find(arrays: dict[str, Any]) -> np.ndarray | None:
    """(frames, people, points, 2 or 3), or with the first two axes the other way round.

    MoveNet's come with an axis of 1 before the people.
    """
    others = [key for key in arrays if key not in _POINTS and not _NO_POINTS.search(key.lower())]
    for key in (*_POINTS, *others):
        value = _regular(arrays.get(key), 4)
        if value is None or not value.size:
            continue
        if (raw := _movenet(value)) is not None:
            return raw
        if value.ndim == 2:
            value = _in_points(value)
        if value.ndim == 3:
            value = value[:, None]
        known = value.ndim == 4 and (
            value.shape[2] in COUNTS
            or value.shape[2] == len(_names(arrays))
            or _is_freemocap(value)
        )
        if known and value.shape[3] in (2, 3):
            return value
    return None


def _movenet(value: np.ndarray) -> np.ndarray | None:
    """(frames, 1, people, 17, 3) if the array is MoveNet's answers as they come."""
    if value.ndim == 5 and value.shape[1:3] == (1, 1) and value.shape[3:] == (17, 3):
        return value
    several = (
        value.ndim in (3, 4) and value.shape[-1] == _PERSON and value.shape[1:-2] in ((), (1,))
    )
    if not several:
        return None
    return value[..., :51].reshape(len(value), 1, value.shape[-2], 17, 3)


def _regular(value: Any, axes: int) -> np.ndarray | None:
    """Numbers as an array; people who come and go, frame by frame, as NaN where there are fewer."""
    if isinstance(value, np.ndarray) and value.ndim > 1 and value.dtype.kind == "O":
        try:
            return value.astype(np.float32)
        except (TypeError, ValueError):
            return None
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return value
    if not isinstance(value, list | np.ndarray) or np.ndim(value[:0]) != 1:
        return None
    frames: list[np.ndarray] = []
    for frame in value:
        frame = np.empty(0) if isinstance(frame, list) and not frame else frame
        if not isinstance(frame, np.ndarray) or frame.dtype.kind not in "fiu":
            return None
        frames.append(frame)
    frames = [f[None] if f.ndim == axes - 2 else f for f in frames]
    shapes = {f.shape[1:] for f in frames if f.size}
    most = max((len(f) for f in frames if f.size), default=0)
    if len(shapes) != 1 or len(shape := shapes.pop()) != axes - 2:
        return None
    if len(frames) * most > 4 * sum(map(len, frames)) + 10_000:
        return None
    out = np.full((len(frames), most, *shape), np.nan, np.float32)
    for row, frame in zip(out, frames, strict=True):
        if frame.size:
            row[: len(frame)] = frame
    return out


def _in_points(rows: np.ndarray) -> np.ndarray:
    """(frames, numbers) as (frames, points, 2 or 3); as they are if that cannot be.

    Of MediaPipe's 33 points, three numbers are x, y and a depth.
    """
    for each in (3, 2, 4):
        if rows.shape[1] % each == 0 and rows.shape[1] // each in COUNTS:
            points = rows.reshape(len(rows), -1, each)
            if each == 3 and points.shape[1] == 33:
                return points[..., :2]
            return points[..., [0, 1, 3]] if each == 4 else points
    return rows


def _is_freemocap(points: np.ndarray) -> bool:
    return (
        points.ndim == 4
        and points.shape[2] in _FREEMOCAP
        and points.shape[3] == 2
        and points.shape[0] < min(_MOST_PEOPLE, points.shape[1])
    )


def _names(arrays: dict[str, Any]) -> list[str]:
    """The points' names; none if there are none."""
    names = arrays.get("names")
    names = names.reshape(-1).tolist() if isinstance(names, np.ndarray) else names
    if not isinstance(names, list) or len(names) > 1000:
        return []
    return names if all(isinstance(name, str) for name in names) else []


def _layout(arrays: dict[str, Any], flat: np.ndarray, source: Source) -> Layout:
    """By the points' names, or by their number and where they lie."""
    count = flat.shape[1]
    if len(names := _names(arrays)) == count:
        return named_layout(names)
    layout = layout_of(flat)
    if layout is None:
        raise source.error(
            f"{count} points are no known layout; add their names as an array names."
        )
    return layout
