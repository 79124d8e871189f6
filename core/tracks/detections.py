"""`Detections`: all that a keypoint file holds, before anybody is told from anybody."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..layouts import Layout
from .source import Source

PIXELS, UNIT, CENTRED, PERCENT = "pixels", "0..1", "-1..1", "percent"
"""What x and y count: pixels, shares of the picture's sides, those from -1 to 1, or percent."""


@dataclass(frozen=True)
class Detections:
    """One row for each person found in each frame, in the file's frame order.

    Attributes:
        format: the format's name for the user.
        layout: what the points are, without those that nothing uses.
        frame: (n,) int64, the frame's number in the file, ascending.
        xy: (n, points, 2) float32 in `units`, y down; NaN is missing.
        confidence: (n, points) float32 as the tool gives it, 0 where missing.
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
        used = [i for i, name in enumerate(layout.points) if name in layout.sources]
        layout = replace(layout, points=tuple(layout.points[i] for i in used))
        order = slice(None)
        if (np.diff(frame) < 0).any():
            order = np.argsort(frame, kind="stable")
        frame = frame[order]
        with np.errstate(over="ignore", invalid="ignore"):
            xy = points[:, used, :2][order].astype(np.float32)
            confidence = np.ones(xy.shape[:2], np.float32)
            if points.shape[-1] > 2:
                confidence = points[:, used, 2][order].astype(np.float32)
            found = np.isfinite(confidence) & (confidence > 0) & (xy != 0).any(-1)
            found &= (np.abs(xy) < 1e7).all(-1)
        xy[~found] = np.nan
        confidence[~found] = 0
        if score is not None:
            sure = np.asarray(score, np.float64)[order]
        else:
            sure = confidence.mean(1) if used else np.zeros(len(frame))
        seen = (int(frame[0]), int(frame[-1])) if len(frame) else (0, -1)
        if span is None or span[1] < span[0]:
            span = seen
        elif len(frame):
            span = (min(span[0], seen[0]), max(span[1], seen[1]))
        return Detections(
            format, layout, frame, xy, confidence, sure,
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


_HEADS = ("metadata", "meta", "info", "video", "video_info", "meta_info")
_RATES = ("fps", "FPS", "frame_rate", "framerate", "frameRate")
_SIDES = tuple((f"{of}width", f"{of}height") for of in ("", "video_", "image_", "frame_", "img_"))
_SIZES = ("size", "image_size", "img_size", "video_size", "resolution")


def rate_and_size(document: Any) -> tuple[float | None, tuple[int, int] | None]:
    """Frame rate and picture size of a JSON object or a set of arrays, under their usual names.

    They are looked for at the top and in the metadata; None for what is not there.
    """
    if not isinstance(document, Mapping):
        return None, None
    heads = [document, *(h for key in _HEADS if isinstance(h := document.get(key), Mapping))]
    rates = [number(head.get(key)) for head in heads for key in _RATES]
    sides = [(head.get(a), head.get(b)) for head in heads for a, b in _SIDES]
    pairs = [head.get(key) for head in heads for key in _SIZES]
    pairs = [p.tolist() if isinstance(p, np.ndarray) else p for p in pairs]
    sides += [(p[0], p[1]) for p in pairs if isinstance(p, list) and len(p) == 2]
    sizes = (picture_size(*pair) for pair in sides)
    rate = next((rate for rate in rates if rate and 0.1 <= rate <= 1000), None)
    return rate, next(filter(None, sizes), None)


class Rows:
    """People as they are read: a frame number, an id, a score and the points of each, packed.

    Args:
        source: the file, for what is wrong with a person.
        of: what a person's numbers are, for the same.
    """

    def __init__(self, source: Source, of: str = "keypoints") -> None:
        self.source, self.of = source, of
        self.width = 0
        self._frames, self._ids = array("q"), array("q")
        self._scores, self._numbers = array("d"), array("f")

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: int, numbers: Any, number: Any = None, score: Any = None) -> None:
        """One person.

        Args:
            frame: the frame's number.
            numbers: a list of as many numbers as everybody has; None is missing.
            number: the tool's number for the person, if it is one.
            score: how sure the tool is of the person, if it is a number.

        Raises:
            TrackError: naming frame and person, if `numbers` are others.
        """
        packed = _packed(numbers)
        self.width = self.width or len(packed)
        if len(packed) != self.width or not self.width:
            raise self.source.error(
                f"frame {frame}: {self.of} of entry {len(self)} are not {self.width} numbers."
            )
        self._numbers.extend(packed)
        self._frames.append(frame)
        whole = type(number) in (int, float) and 0 <= number < 1 << 60 and number % 1 == 0
        self._ids.append(int(number) if whole else -1)
        self._scores.append(score if type(score) in (int, float) and abs(score) < 1e9 else np.nan)

    @property
    def frame(self) -> np.ndarray:
        """(n,) frame numbers."""
        return np.frombuffer(self._frames, np.int64) if self._frames else np.empty(0, np.int64)

    @property
    def ids(self) -> np.ndarray | None:
        """(n,) the tool's numbers, -1 for none; None if it gave none."""
        ids = np.frombuffer(self._ids, np.int64) if self._ids else np.empty(0, np.int64)
        return ids if (ids >= 0).any() else None

    @property
    def score(self) -> np.ndarray | None:
        """(n,) the tool's scores; None unless everybody has one."""
        scores = np.frombuffer(self._scores) if self._scores else np.empty(0)
        return scores if np.isfinite(scores).all() else None

    def points(self, each: int = 3) -> np.ndarray:
        """(n, points, each) float32.

        Raises:
            TrackError: if that does not divide a person's numbers.
        """
        if self.width % each:
            raise self.source.error(
                f"{self.width} numbers in {self.of} are not {each} for each point."
            )
        numbers = np.frombuffer(self._numbers, np.float32) if len(self) else np.empty(0, "f4")
        return numbers.reshape(len(self), -1 if self.width else 0, each)


def _packed(numbers: Any) -> array[float]:
    """A list's numbers, NaN for None; empty where anything else is among them."""
    try:
        return array("f", numbers)
    except (TypeError, OverflowError):
        pass
    try:
        return array("f", [np.nan if number is None else number for number in numbers])
    except (TypeError, OverflowError):
        return array("f")
