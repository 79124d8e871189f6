"""A CSV whose cells hold points, as tables of Python's lists are saved.

A row is a person in a frame. Either a column has all points of a person (``keypoints``,
``landmarks`` ...), or each joint has a column of its own; a cell is JSON or what Python prints: [x,
y], (x, y, confidence), {'x': ..., 'y': ...}, lists of these, or only numbers. Other columns are as
in a CSV of numbers: ``frame``, ``timestamp``, ``person``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from ..csv_table import CsvTable
from ..detections import Detections
from ..source import Source
from . import label_studio, plain_json, ultralytics_csv

NAME = "CSV of lists"

_NUMPY = re.compile(r"\b(?:np\.float\d+|array)\(([^()]*?)(?:, dtype=\w+)?\)")
_DOT = re.compile(r"(?<=\d)\.(?!\d)")
_BLANK = re.compile(r"(?<=[\d.\]])\s+(?=[-+\d.\[])")
_JSON = {"(": "[", ")": "]", "'": '"', "None": "null", "nan": "null"}
_PYTHON = re.compile("|".join(map(re.escape, _JSON)))
_POINTS = {"keypoints", "landmarks", "pose_landmarks", "pose_keypoints", "joints", "points", "pose"}


def sniff(source: Source) -> bool:
    """Whether one of the first rows holds a person in lists."""
    if not source.is_text or source.head[:1] in b"[{<":
        return False
    if label_studio.sniff(source) or ultralytics_csv.sniff(source):
        return False
    return plain_json.has_people(_rows(source.head))


def read(source: Source) -> Detections:
    """Every row's person."""
    return plain_json.read_frames(source, _rows(source.data), None, {}, NAME)


def _rows(data: bytes) -> Iterator[dict[str, Any]]:
    """The cells of each row that hold numbers or lists, by the column's name."""
    table = CsvTable(data)
    for row in table.rows():
        cells = {
            name: value
            for name, cell in zip(table.names, row, strict=False)
            if (value := _value(cell.strip(), name in _POINTS)) is not None
        }
        points = next((cells[name] for name in _POINTS if isinstance(cells.get(name), list)), None)
        yield cells if points is None else cells | {"keypoints": points}


def _value(cell: str, is_points: bool) -> Any:
    """A cell's number or list; None for anything else."""
    text = cell
    if cell[:1] in ("(", "[", "{") or cell.startswith("array("):
        text = _PYTHON.sub(lambda found: _JSON[found[0]], _NUMPY.sub(r"\1", cell))
        text = _BLANK.sub(",", _DOT.sub("", text))
    elif is_points:
        text = f"[{','.join(re.split(r'[ ,;]+', cell))}]"
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, int | float | list | dict) else None
