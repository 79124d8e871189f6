"""Ultralytics YOLO-pose CSV: the answers of ``to_csv()``, one after the other.

Source: Ultralytics engine/results.py. Columns name, class, confidence, box, track_id and keypoints,
the last as Python writes a dict: {'x': [...], 'y': [...], 'visible': [...]}, 17 of each. One answer
is one picture: a clip needs a column ``frame``, or the rows' own numbers, which versions with
pandas write first and which begin at 0 in each frame, or the header again before each frame; or a
folder with a file for each frame, whose number is in the file's name.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import orjson

from ...layouts import COCO_17
from ..csv_table import CsvTable
from ..detections import Detections, Rows
from ..source import Source, numbers_in_names
from .named_csv import FRAME, units

NAME = "Ultralytics CSV"

_FRAME = tuple(filter(None, FRAME))
_COUNTED = (
    "The rows do not say of which frame they are: a frame begins where they count from 0 again or "
    "the header is repeated, and frames in which nobody was found are left out."
)
_LOOK_AT = 3
_NEEDED = {"class", "confidence", "box", "keypoints"}


def sniff(source: Source) -> bool:
    """Whether the columns are those of Ultralytics; of a folder, in files of one frame each."""
    if source.is_folder:
        first = [Source(path) for path in source.files_named(".csv")[:_LOOK_AT]]
        first = [file for file in first if file.head.strip()]
        return bool(first) and all(sniff(file) and _is_one_frame(file) for file in first)
    if not source.is_text or b"keypoints" not in source.head.lstrip(b'"\r\n').partition(b"\n")[0]:
        return False
    return set(CsvTable(source.head).names) >= _NEEDED


def read(source: Source) -> Detections:
    """A row is a person in a frame."""
    rows = Rows(source, "keypoints x, y and visible")
    told = ()
    if source.is_folder:
        files = source.files_named(".csv")
        numbers = numbers_in_names([path.name for path in files]).tolist()
        for path, number in zip(files, numbers, strict=True):
            for _, keypoints, track in _people(Source(path)):
                rows.add(number, keypoints, track)
        span = (min(numbers), max(numbers))
    else:
        for number, keypoints, track in _people(source):
            rows.add(number, keypoints, track)
        if not _says_frame(source):
            told = (_COUNTED,)
            if len(rows) > 1 and not np.any(rows.frame):
                raise source.error(
                    'its rows do not say of which frame they are; add a column "frame".'
                )
        span = None
    if rows.width not in (0, 51):
        raise source.error(f"{rows.width} numbers in keypoints are not 17 x, y and visible.")
    points = rows.points(17).transpose(0, 2, 1)
    return Detections.build(
        NAME, COCO_17, rows.frame, points, units=units(points), ids=rows.ids, span=span,
        numbered_from=0 if told else None, notes=told,
    )  # fmt: skip


def _says_frame(source: Source) -> bool:
    return CsvTable(source.head).column(*_FRAME) is not None


def _is_one_frame(source: Source) -> bool:
    """Whether all rows are of one picture."""
    return not _says_frame(source) and len({number for number, _, _ in _people(source)}) < 2


def _people(source: Source) -> Iterator[tuple[int, list[float], int | None]]:
    """Frame, numbers and track of each row; frame 0 where nothing says another."""
    table = CsvTable(source.data)
    column = {name: table.column(name) for name in ("keypoints", "track_id")}
    stated = table.column(*_FRAME)
    counting = table.column("") if stated is None else stated
    answers = first = 0
    for i, row in enumerate(table.rows()):
        cell = {name: row[c] for name, c in column.items() if c is not None and c < len(row)}
        marks = cell.get("keypoints", "")
        if marks == "keypoints":
            answers += 1
            continue
        number = answers
        if counting is not None:
            number = _whole(row[counting], i, source)
            if stated is None:
                first += number == 0
                number = first - 1
        track = cell.get("track_id", "").removesuffix(".0")
        yield number, _numbers(marks, i, source), int(track) if track.isdecimal() else None


def _numbers(cell: str, row: int, source: Source) -> list[float]:
    """All x, all y, all confidences of a cell."""
    try:
        marks = orjson.loads(cell.replace("'", '"').replace("None", "null").replace("nan", "null"))
        sure = marks.get("visible") or [1.0] * 17
        return [*marks["x"], *marks["y"], *sure]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise source.error(f"row {row + 1}: {cell[:30]!r} are no keypoints.") from None


def _whole(cell: str, row: int, source: Source) -> int:
    try:
        return int(float(cell))
    except (ValueError, OverflowError):
        raise source.error(f"row {row + 1} has no frame number.") from None
