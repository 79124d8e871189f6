"""`Detections`: all that a keypoint file holds, before anybody is told from anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from ..errors import TrackError
from ..layouts import Layout

PIXELS, UNIT, CENTRED, PERCENT = "pixels", "0..1", "-1..1", "percent"
"""What x and y count: pixels, shares of the picture's sides, those from -1 to 1, or percent."""


@dataclass(frozen=True)
class Detections:
    """One row for each person found in each frame, in the file's frame order.

    Attributes:
        format: the format's name for the user.
        layout: what the points are.
        frame: (n,) int64, the frame's number in the file, ascending.
        xy: (n, points, 2) float64 in `units`, y down; NaN is missing.
        confidence: (n, points) float64 as the tool gives it, 0 where missing.
        score: (n,) float64, how sure the tool is of the person; the mean confidence if not given.
        ids: (n,) int64, the tool's number for the person, -1 for none; None if it gives none.
        span: first and last frame that the file covers, whether or not anybody is in them.
        units: one of `PIXELS`, `UNIT`, `CENTRED`, `PERCENT`.
        fps: frames a second, where the file says so.
        size: picture width and height, where the file says so.
        fov: the camera's horizontal field of view in degrees, where it is known.
        numbered_from: the number of the clip's first frame, None where the file cannot tell.
        notes: what the reader found, a sentence each, for the user.
    """

    format: str
    layout: Layout
    frame: np.ndarray
    xy: np.ndarray
    confidence: np.ndarray
    score: np.ndarray
    ids: np.ndarray | None = None
    span: tuple[int, int] = (0, -1)
    units: str = PIXELS
    fps: float | None = None
    size: tuple[int, int] | None = None
    numbered_from: int | None = 0
    notes: tuple[str, ...] = field(default=())
    fov: float | None = None

    @property
    def frames(self) -> int:
        """Number of frames from the file's first to its last."""
        return self.span[1] - self.span[0] + 1

    @staticmethod
    def build(
        format: str,
        layout: Layout,
        frame: Sequence[int] | np.ndarray,
        points: np.ndarray,
        *,
        score: Sequence[float] | np.ndarray | None = None,
        ids: Sequence[int] | np.ndarray | None = None,
        span: tuple[int, int] | None = None,
        units: str = PIXELS,
        fps: float | None = None,
        size: tuple[int, int] | None = None,
        numbered_from: int | None = 0,
        notes: tuple[str, ...] = (),
    ) -> Detections:
        """Sort by frame and mark what is missing, in one way for all readers.

        Args:
            points: (n, points, 3) x, y, confidence, or (n, points, 2) where there is none, which
                makes it 1. A point is missing if any number is not finite, if x and y are both 0,
                or if the confidence is not above 0.

        The others are as the attributes. `span` is widened to hold all of `frame`.
        """
        frame = np.asarray(frame, np.int64)
        points = np.asarray(points, np.float64)
        order = np.argsort(frame, kind="stable")
        frame, points = frame[order], points[order]
        xy = points[..., :2].copy()
        confidence = points[..., 2].copy() if points.shape[-1] > 2 else np.ones(xy.shape[:2])
        with np.errstate(invalid="ignore"):
            found = np.isfinite(points).all(-1) & (confidence > 0) & (xy != 0).any(-1)
            found &= (np.abs(xy) < 1e7).all(-1)
        xy[~found] = np.nan
        confidence[~found] = 0
        if score is None:
            score = confidence.mean(1)
        seen = (int(frame[0]), int(frame[-1])) if len(frame) else (0, -1)
        if span is None or span[1] < span[0]:
            span = seen
        elif len(frame):
            span = (min(span[0], seen[0]), max(span[1], seen[1]))
        return Detections(
            format, layout, frame, xy, confidence, np.asarray(score, np.float64)[order],
            None if ids is None else np.asarray(ids, np.int64)[order],
            span, units, fps, size, numbered_from, notes,
        )  # fmt: skip


def number(value: Any) -> float | None:
    """A number above 0, also of an array of one; None for anything else."""
    if isinstance(value, np.ndarray):
        value = value.item() if value.size == 1 else None
    return float(value) if type(value) in (int, float) and 0 < value < 1e6 else None


def picture_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Width and height as whole numbers; None if either is no size."""
    sides = number(width), number(height)
    return (round(sides[0]), round(sides[1])) if sides[0] and sides[1] else None


def field_numbers(entries: list[dict[str, Any]], key: str) -> list[float] | None:
    """The number that each entry has under `key`; None if one of them has none."""
    values = [entry.get(key) for entry in entries]
    good = all(type(value) in (int, float) and abs(value) < 1 << 60 for value in values)  # pyright: ignore[reportArgumentType]
    return cast(list[float], values) if good else None


def rectangular(rows: list, width: int, where: str) -> np.ndarray:
    """Lists of numbers of one length as an array (n, width).

    Raises:
        TrackError: naming `where` if a row has another length or holds anything but numbers.
    """
    try:
        array = np.array(rows, np.float64) if rows else np.empty((0, width))
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.shape != (len(rows), width):
        bad = next((i for i, row in enumerate(rows) if not _numbers(row, width)), 0)
        raise TrackError(f"{where}: entry {bad} does not hold {width} numbers.")
    return array


def stacked(people: list[list[list[float]]], where: str) -> np.ndarray:
    """Lists of points [[x, y] ...] or [[x, y, c] ...] as (n, points, 2 or 3).

    Raises:
        TrackError: naming `where`, if people have different numbers of points or no numbers.
    """
    try:
        array = np.array(people, np.float64) if people else np.empty((0, 17, 2))
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.ndim != 3 or array.shape[-1] not in (2, 3):
        raise TrackError(
            f"{where}: the keypoints of all people must be as many pairs or triples of numbers."
        )
    return array


def _numbers(row: object, width: int) -> bool:
    return (
        isinstance(row, list | tuple)
        and len(row) == width
        and all(isinstance(v, int | float) or v is None for v in row)
    )
