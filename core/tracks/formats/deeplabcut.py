"""DeepLabCut (and Lightning Pose) CSV: three or four header rows, then a row for each frame.

Source: DeepLabCut's documentation of its output. Header rows scorer, (individuals,) bodyparts,
coords; columns x, y, likelihood for each body part. The index is the frame's number, or the
picture's path in one cell or three. Hand labels have no likelihood. Body parts have any names: a
person's are needed here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...layouts import named_layout
from ..csv_table import CsvTable
from ..detections import Detections
from ..source import Source, numbers_in_names

NAME = "DeepLabCut CSV"


def sniff(source: Source) -> bool:
    """Whether the first cells are scorer and then individuals or bodyparts."""
    if not source.head.startswith((b"scorer", b"\xef\xbb\xbfscorer")):
        return False
    header = CsvTable(source.head, 4).header
    return len(header) > 2 and header[1][0] in ("individuals", "bodyparts")


def read(source: Source) -> Detections:
    """Every individual of every frame."""
    several = CsvTable(source.head, 2).header[1][0] == "individuals"
    table = CsvTable(source.data, 4 if several else 3)
    header = table.header
    parts, coords = header[-2], header[-1]
    who = header[1] if several else [""] * len(parts)
    columns = [i for i, axis in enumerate(coords) if axis in ("x", "y", "likelihood")]
    if not columns or len({len(row) for row in header}) != 1:
        raise source.error("its header rows have no columns x and y of equal number.")
    try:
        numbers = table.numbers(columns, np.float32)
    except ValueError as error:
        raise source.error(f"{error}.") from None
    index = list(table.words(columns[0] - 1) if columns[0] else map(str, range(len(numbers))))
    named = [Column(who[c], parts[c], coords[c]) for c in columns]
    return detections(NAME, named, numbers, index, source)


class Column(NamedTuple):
    """What a column holds: whose, which body part, and x, y or likelihood."""

    individual: str
    part: str
    axis: str


def detections(
    name: str, columns: list[Column], numbers: np.ndarray, index: list[str], source: Source
) -> Detections:
    """A DeepLabCut table, whichever file it is from.

    Args:
        columns: of `numbers`.
        numbers: (rows, columns), NaN where there is none.
        index: each row's frame number or picture.
    """
    names = list(dict.fromkeys(column.part for column in columns))
    people = list(dict.fromkeys(column.individual for column in columns))
    if len(names) * len(people) > len(columns):
        raise source.error("not every individual has every body part.")
    points = np.full((len(people), len(numbers), len(names), 3), np.nan, np.float32)
    points[..., 2] = 1
    place = {column: i for i, column in enumerate(names)}
    for i, column in enumerate(columns):
        axis = {"x": 0, "y": 1, "likelihood": 2}.get(column.axis)
        if axis is not None:
            points[people.index(column.individual), :, place[column.part], axis] = numbers[:, i]
    frame = np.tile(numbers_in_names(index), len(people))
    flat = points.reshape(-1, len(names), 3)
    seen = np.isfinite(flat[..., 0]).any(1)
    ids = np.repeat(np.arange(len(people)), len(numbers))
    return Detections.build(
        name, named_layout(names), frame[seen], flat[seen],
        ids=ids[seen] if len(people) > 1 else None, numbered_from=0,
    )  # fmt: skip
