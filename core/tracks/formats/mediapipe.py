"""MediaPipe Pose: landmarks as people save them, in .npz, .npy or JSON, one person or several.

Source: MediaPipe's pose landmark documentation. MediaPipe has no file format; all of these hold 33
landmarks x, y (shares of the picture's sides), z, visibility[, presence] for each frame:

- npz or npy: (frames, 33, 2 to 5) or (frames, people, 33, 3 to 5), NaN where nobody was found;
  ``fps``, ``width``, ``height``;
- JSON: a list of frames, or {"frames": [...], "fps", "width", "height"}. A frame is its landmarks
  or an object with them under ``landmarks``, ``pose_landmarks`` or ``poseLandmarks``; these are 33
  points, a list of people with 33 points each, or nothing. A point is an object or a list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layouts import MEDIAPIPE_33
from ..detections import PIXELS, UNIT, Detections, Rows, rate_and_size
from ..json_text import LISTS, OBJECTS, JsonList
from ..source import Source
from ..timing import rate_of_timestamps

NAME = "MediaPipe"

_KEYS = ("landmarks", "pose_landmarks", "poseLandmarks")
_ARRAYS = ("landmarks", "pose_landmarks", "keypoints", "pose", "")
_POINTS = 33


def sniff(source: Source) -> bool:
    """Whether arrays or JSON hold 33 landmarks a frame."""
    if source.arrays is not None:
        return landmarks(source.arrays) is not None
    frames = _frames(source.json)
    return frames is not None and any(_people(frame) for frame in frames[:1000])


def read(source: Source) -> Detections:
    """Every person of every frame."""
    if source.arrays is not None:
        return _read_arrays(source.arrays)
    return _read_json(source)


def landmarks(arrays: dict[str, Any]) -> np.ndarray | None:
    """(frames, people, 33, 2 to 5)."""
    for name in _ARRAYS:
        value = arrays.get(name)
        if (
            isinstance(value, np.ndarray)
            and value.dtype.kind == "f"
            and value.ndim in (3, 4)
            and value.shape[-2] == _POINTS
            and (2 if value.ndim == 3 else 3) <= value.shape[-1] <= 5
        ):
            return value if value.ndim == 4 else value[:, None]
    return None


def _read_arrays(arrays: dict[str, Any]) -> Detections:
    marks = landmarks(arrays)
    assert marks is not None
    frame, person = np.nonzero(np.isfinite(marks).any((2, 3)))
    points = _xyc(marks[frame, person])
    fps, size = rate_and_size(arrays)
    return Detections.build(
        NAME, MEDIAPIPE_33, frame, points, span=(0, len(marks) - 1), units=_units(points),
        fps=fps, size=size,
    )  # fmt: skip


def _read_json(source: Source) -> Detections:
    document = source.json
    listed = _frames(document)
    assert listed is not None
    rows = Rows(source)
    at_times: list[int] = []
    times: list[float] = []
    first, last = 1 << 60, 0
    for position, frame in enumerate(listed):
        if position % 4096 == 0:
            source.report(position / len(listed))
        at = _frame_number(frame, position)
        first, last = min(first, at), max(last, at)
        if (stamp := _timestamp(frame)) is not None:
            at_times, times = [*at_times[:1], at], [*times[:1], stamp]
        for person in _people(frame):
            rows.add(at, [n for mark in person for n in _point(mark, source, at)])
    points = rows.points()
    fps, size = rate_and_size(document)
    return Detections.build(
        NAME, MEDIAPIPE_33, rows.frame, points, span=(first, last), units=_units(points),
        fps=fps or rate_of_timestamps(at_times, times), size=size,
    )  # fmt: skip


def _timestamp(frame: Any) -> float | None:
    for key in ("timestamp", "timestamp_ms", "time", "time_ms"):
        value = frame.get(key) if isinstance(frame, dict) else None
        if type(value) in (int, float):
            return value
    return None


def _frames(document: Any) -> list | JsonList | None:
    """The list of frames in a document."""
    if isinstance(document, OBJECTS):
        document = next((document[k] for k in ("frames", *_KEYS) if document.get(k)), None)
    return document if isinstance(document, LISTS) and len(document) else None


def _frame_number(frame: Any, position: int) -> int:
    if isinstance(frame, dict):
        for key in ("frame", "frame_id", "frame_index", "frame_number"):
            value = frame.get(key)
            if isinstance(value, int) and 0 <= value < 1 << 40:
                return value
    return position


def _people(frame: Any) -> list[list]:
    """The people of one frame: lists of 33 points."""
    if isinstance(frame, dict):
        frame = next((frame[key] for key in _KEYS if key in frame), None)
    if isinstance(frame, dict):
        return _people(frame.get("landmark"))
    if not isinstance(frame, list) or not frame:
        return []
    if len(frame) == _POINTS and _is_point(frame[0]):
        return [frame]
    people = [p.get("landmarks") if isinstance(p, dict) else p for p in frame]
    return [p for p in people if isinstance(p, list) and len(p) == _POINTS and _is_point(p[0])]


def _is_point(mark: Any) -> bool:
    if isinstance(mark, dict):
        return "x" in mark and "y" in mark and "name" not in mark
    return isinstance(mark, list) and 2 <= len(mark) <= 5 and not isinstance(mark[0], list | dict)


def _point(mark: Any, source: Source, frame: int) -> tuple[float, float, float]:
    try:
        if isinstance(mark, dict):
            seen = mark.get("visibility", mark.get("presence", 1.0))
            return float(mark["x"]), float(mark["y"]), float(seen)
        return float(mark[0]), float(mark[1]), float(mark[3]) if len(mark) > 3 else 1.0
    except (KeyError, IndexError, TypeError, ValueError):
        raise source.error(f"frame {frame}: a landmark has no numbers x and y.") from None


def _xyc(marks: np.ndarray) -> np.ndarray:
    """x, y and visibility; 1 where there is none."""
    seen = marks[..., 3] if marks.shape[-1] > 3 else np.ones(marks.shape[:2])
    return np.stack([marks[..., 0], marks[..., 1], seen], -1)


def _units(points: np.ndarray) -> str:
    values = np.abs(points[..., :2][np.isfinite(points[..., :2])])
    return PIXELS if len(values) and np.median(values) > 4 else UNIT
