"""Plain arrays in .npz or .npy: keypoints of each frame, as rtmlib and many scripts give them.

Also FreeMoCap's 2D arrays (cameras, frames, points, 2), of which the first 33 points are the body.

- ``keypoints`` (or ``xy``, ``kpts``, ``poses``, ``joints2d``; the only array of an .npy):
  (frames, points, 2 or 3) or (frames, people, points, 2 or 3), pixels, NaN or 0, 0 where missing;
  a third number is the confidence;
- ``scores`` (or ``confidence``, ``keypoint_scores``): the confidences, if they are apart;
- ``names``: the points' names. Without them 17 points are COCO's, 26 Halpe's, 33 MediaPipe's,
  133 COCO-WholeBody's, 136 Halpe's;
- ``fps``, ``width`` and ``height``, where they are known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layouts import LAYOUTS, MEDIAPIPE_33, Layout, named_layout
from ..detections import Detections, number, picture_size
from ..source import Source
from .named_csv import units

NAME = "plain arrays"

_POINTS = ("keypoints", "keypoints_2d", "xy", "kpts", "poses", "joints2d", "joints_2d", "")
_SCORES = ("scores", "confidence", "keypoint_scores", "conf")
_BY_POINTS = {17: "COCO-17", 18: "COCO-18", 25: "BODY_25", 26: "Halpe-26", 33: "MediaPipe-33",
              133: "COCO-WholeBody-133", 136: "Halpe-136"}  # fmt: skip
_FREEMOCAP = (33, 75, 543, 553)


def sniff(source: Source) -> bool:
    """Whether there is an array of points of frames, other than MediaPipe's (frames, 33, n)."""
    found = None if source.arrays is None else _find(source.arrays)
    return found is not None and not (found.ndim == 3 and found.shape[1] == 33)


def read(source: Source) -> Detections:
    """Every person of every frame; people of a frame are told apart later."""
    arrays = source.arrays or {}
    points = _find(arrays)
    assert points is not None
    notes: tuple[str, ...] = ()
    title = NAME
    if _is_freemocap(points):
        if len(points) > 1:
            notes = (f"The first of {len(points)} cameras is taken.",)
        points, title = points[0][:, None, :33], "FreeMoCap npy"
    elif points.ndim == 3:
        points = points[:, None]
    layout = MEDIAPIPE_33 if points.shape[2] == 33 else _layout(arrays, points.shape[2], source)
    frames, people = points.shape[:2]
    scores = next((arrays[key] for key in _SCORES if isinstance(arrays.get(key), np.ndarray)), None)
    if scores is not None and scores.size == frames * people * points.shape[2]:
        scores = scores.reshape(points.shape[:3])
        points = np.concatenate([points[..., :2], scores[..., None]], -1)
    flat = points.reshape(-1, *points.shape[2:])
    if flat.shape[-1] == 3 and _is_depth(flat[..., 2]):
        raise source.error("the third number of a keypoint is no confidence; 2D is needed, not 3D.")
    frame = np.repeat(np.arange(frames), people)
    seen = (np.isfinite(flat[..., :2]) & (flat[..., :2] != 0)).any((1, 2))
    return Detections.build(
        title, layout, frame[seen], flat[seen], span=(0, frames - 1), units=units(flat),
        fps=number(arrays.get("fps")), notes=notes,
        size=picture_size(arrays.get("width"), arrays.get("height")),
    )  # fmt: skip


def _find(arrays: dict[str, Any]) -> np.ndarray | None:
    for key in _POINTS:
        value = arrays.get(key)
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
            good = value.ndim in (3, 4) and value.shape[-1] in (2, 3) and value.size
            if good and (
                value.shape[-2] in _BY_POINTS or "names" in arrays or _is_freemocap(value)
            ):
                return value
    return None


def _is_freemocap(points: np.ndarray) -> bool:
    return (
        points.ndim == 4
        and points.shape[2] in _FREEMOCAP
        and points.shape[3] == 2
        and points.shape[0] < min(16, points.shape[1])
    )


def _is_depth(third: np.ndarray) -> bool:
    """Whether the third numbers are no confidences."""
    values = third[np.isfinite(third)]
    if not len(values):
        return False
    return bool(np.quantile(values, 0.02) < -0.01 or np.median(values) > 20)


def _layout(arrays: dict[str, Any], count: int, source: Source) -> Layout:
    names = arrays.get("names")
    if isinstance(names, np.ndarray) and names.size == count:
        return named_layout([str(name) for name in names.reshape(-1)])
    if count not in _BY_POINTS:
        raise source.error(
            f"{count} points are no known layout; add their names as an array names."
        )
    return LAYOUTS[_BY_POINTS[count]]
