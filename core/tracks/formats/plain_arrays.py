"""Plain arrays in .npz or .npy: keypoints of each frame, as rtmlib and many scripts give them.

Also FreeMoCap's 2D arrays (cameras, frames, points, 2), of which the first 33 points are the body.

- ``keypoints`` (or another usual name, or the only array that fits): (frames, points, 2 or 3),
  (frames, people, points, 2 or 3) or (people, frames, points, 2 or 3); (frames, numbers) in one
  row; or an object array with (people, points, 2 or 3) for each frame, as where people come and go.
  Pixels, or shares of the picture; NaN or 0, 0 where missing; a third number is the confidence;
- ``scores`` (or ``confidence``, ``keypoint_scores``): the confidences, if they are apart;
- ``names``: the points' names. Without them the layout is known by the number of points;
- ``fps``, ``width`` and ``height`` (or ``size``), where they are known.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...layouts import LAYOUTS, Layout, named_layout
from ..detections import Detections, number, picture_size
from ..source import Source
from .mediapipe import landmarks
from .named_csv import units
from .openpose import body_25_or_25b

NAME = "plain arrays"

_POINTS = ("keypoints", "keypoints_2d", "xy", "kpts", "poses", "joints2d", "joints_2d", "")
_SCORES = ("scores", "confidence", "keypoint_scores", "conf")
_BY_POINTS = {
    len(LAYOUTS[name].points): LAYOUTS[name]
    for name in ("MPI-15", "MPII-16", "COCO-17", "COCO-18", "BODY_25", "Halpe-26",
                 "MPI-INF-3DHP-28", "MediaPipe-33", "COCO-WholeBody-133", "Halpe-136")
}  # fmt: skip
_FREEMOCAP = (33, 75, 543, 553)
_MOST_PEOPLE = 16
_SIZES = ("size", "image_size", "img_size", "resolution")
_NO_POINTS = re.compile(r"3d|world|box|score|conf|size|fps|frame|time|names")


def sniff(source: Source) -> bool:
    """Whether there is an array of points of frames, other than MediaPipe's and VideoPose3D's."""
    arrays = source.arrays
    if arrays is None or {"positions_2d", "boxes"} & set(arrays) or landmarks(arrays) is not None:
        return False
    return _find(arrays) is not None


def read(source: Source) -> Detections:
    """Every person of every frame; people of a frame are told apart later."""
    arrays = source.arrays or {}
    found = _find(arrays)
    assert found is not None
    points, notes, title = found, (), NAME
    if _is_freemocap(points):
        notes = (f"The first of {len(points)} cameras is taken.",) if len(points) > 1 else ()
        points, title = points[0][:, None, :33], "FreeMoCap npy"
    elif len(points) < min(_MOST_PEOPLE, points.shape[1]):
        points = points.swapaxes(0, 1)
    frames, people, count, each = points.shape
    layout = _layout(arrays, count, source)
    scores = next((s for k in _SCORES if (s := _regular(arrays.get(k), 3)) is not None), None)
    if scores is not None and each == 2 and scores.size == frames * people * count:
        if scores.ndim == 3 and scores.shape[0] != frames:
            scores = scores.swapaxes(0, 1)
        points = np.concatenate([points, scores.reshape(frames, people, count, 1)], -1)
    flat = points.reshape(-1, *points.shape[2:])
    if flat.shape[-1] == 3 and _is_depth(flat[..., 2]):
        raise source.error("the third number of a keypoint is no confidence; 2D is needed, not 3D.")
    if layout is None:
        layout = body_25_or_25b(np.nan_to_num(_with_third(flat)))
    frame = np.repeat(np.arange(frames), people)
    seen = (np.isfinite(flat[..., :2]) & (flat[..., :2] != 0)).any((1, 2))
    sizes = (arrays.get(key) for key in _SIZES)
    size = next((s for s in sizes if isinstance(s, np.ndarray) and s.size == 2), None)
    return Detections.build(
        title, layout, frame[seen], flat[seen], span=(0, frames - 1), units=units(flat),
        fps=number(arrays.get("fps")), notes=notes,
        size=picture_size(arrays.get("width"), arrays.get("height"))
        or (None if size is None else picture_size(*size.reshape(2).tolist())),
    )  # fmt: skip


def _find(arrays: dict[str, Any]) -> np.ndarray | None:
    """(frames, people, points, 2 or 3), or with the first two axes the other way round."""
    others = [key for key in arrays if key not in _POINTS and not _NO_POINTS.search(key.lower())]
    for key in (*_POINTS, *others):
        value = _regular(arrays.get(key), 4)
        if value is None or not value.size:
            continue
        if value.ndim == 2:
            value = _in_points(value)
        if value.ndim == 3:
            value = value[:, None]
        known = value.ndim == 4 and (
            value.shape[2] in _BY_POINTS
            or value.shape[2] == len(_names(arrays))
            or _is_freemocap(value)
        )
        if known and value.shape[3] in (2, 3):
            return value
    return None


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
        if rows.shape[1] % each == 0 and rows.shape[1] // each in _BY_POINTS:
            points = rows.reshape(len(rows), -1, each)
            if each == 3 and points.shape[1] == 33:
                return points[..., :2]
            return points[..., [0, 1, 3]] if each == 4 else points
    return rows


def _with_third(flat: np.ndarray) -> np.ndarray:
    ones = np.ones((*flat.shape[:2], 3 - flat.shape[2]), flat.dtype)
    return np.concatenate([flat, ones], -1)


def _is_freemocap(points: np.ndarray) -> bool:
    return (
        points.ndim == 4
        and points.shape[2] in _FREEMOCAP
        and points.shape[3] == 2
        and points.shape[0] < min(_MOST_PEOPLE, points.shape[1])
    )


def _is_depth(third: np.ndarray) -> bool:
    """Whether the third numbers are no confidences."""
    values = third[np.isfinite(third)]
    if not len(values):
        return False
    return bool(np.quantile(values, 0.02) < -0.01 or np.median(values) > 20)


def _names(arrays: dict[str, Any]) -> list[str]:
    """The points' names; none if there are none."""
    names = arrays.get("names")
    names = names.reshape(-1).tolist() if isinstance(names, np.ndarray) else names
    if not isinstance(names, list) or len(names) > 1000:
        return []
    return names if all(isinstance(name, str) for name in names) else []


def _layout(arrays: dict[str, Any], count: int, source: Source) -> Layout | None:
    """The layout; None for 25 points, which are told apart by where they lie."""
    if len(names := _names(arrays)) == count:
        return named_layout(names)
    if count not in _BY_POINTS:
        raise source.error(
            f"{count} points are no known layout; add their names as an array names."
        )
    return None if count == 25 else _BY_POINTS[count]
