"""Ultralytics YOLO-pose CSV: the answers of ``to_csv()``, one after the other.

Source: Ultralytics engine/results.py. Columns name, class, confidence, box, track_id and keypoints,
the last as Python writes a dict: {'x': [...], 'y': [...], 'visible': [...]}, 17 of each. One answer
is one picture: a clip needs a column ``frame``, or the rows' own numbers, which versions with
pandas write first and which begin at 0 in each frame.
"""

from __future__ import annotations

import numpy as np
import orjson

from ...layouts import COCO_17
from ..csv_table import CsvTable
from ..detections import Detections, rectangular
from ..source import Source
from .named_csv import FRAME, units

NAME = "Ultralytics CSV"

_FRAME = tuple(filter(None, FRAME))
_COUNTED = (
    "The rows do not say of which frame they are: a frame begins where they count from 0 again, "
    "and frames in which nobody was found are left out."
)
_NEEDED = {"class", "confidence", "box", "keypoints"}


def sniff(source: Source) -> bool:
    """Whether the columns are those of Ultralytics."""
    if source.text is None or b"keypoints" not in source.head.partition(b"\n")[0]:
        return False
    return set(CsvTable(source.text[: 1 << 17]).names) >= _NEEDED


def read(source: Source) -> Detections:
    """A row is a person in a frame."""
    assert source.text is not None
    header, *lines = source.text.lstrip().splitlines()
    table = CsvTable("\n".join([header, *(line for line in lines if line != header)]))
    column = table.column("keypoints")
    assert column is not None
    rows = [_numbers(cell, i, source) for i, cell in enumerate(table.words(column))]
    points = rectangular(rows, 51, str(source.path)).reshape(len(rows), 3, 17).transpose(0, 2, 1)
    points = np.ascontiguousarray(points)
    track = table.column("track_id")
    try:
        ids = None if track is None else np.nan_to_num(table.numbers([track])[:, 0], nan=-1)
        frame = _frames(table, source)
    except ValueError as error:
        raise source.error(f"{error}.") from None
    counted = table.column(*_FRAME) is None
    return Detections.build(
        NAME, COCO_17, frame, points, units=units(points),
        ids=None if ids is None else ids.clip(-1, 1 << 53).astype(np.int64),
        numbered_from=0 if counted else None, notes=(_COUNTED,) if counted else (),
    )  # fmt: skip


def _numbers(cell: str, row: int, source: Source) -> list[float]:
    """All x, all y, all confidences of a cell."""
    try:
        marks = orjson.loads(cell.replace("'", '"').replace("None", "null").replace("nan", "null"))
        sure = marks.get("visible") or [1.0] * 17
        return [*marks["x"], *marks["y"], *sure]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise source.error(f"row {row + 1}: {cell[:30]!r} are no keypoints.") from None


def _frames(table: CsvTable, source: Source) -> np.ndarray:
    stated = table.column(*_FRAME)
    column = table.column("") if stated is None else stated
    if column is None:
        raise source.error('its rows do not say of which frame they are; add a column "frame".')
    numbers = table.numbers([column])[:, 0]
    if not np.isfinite(numbers).all():
        raise source.error(f"row {int(np.isfinite(numbers).argmin()) + 1} has no frame number.")
    if stated is None:
        return np.cumsum(numbers == 0) - 1
    return numbers.clip(0, 1 << 53).astype(np.int64)
