"""A CSV or text of numbers alone, without a header: what ``numpy.savetxt`` and short scripts write.

A row is a person in a frame: x, y or x, y, confidence of every point, or MediaPipe's x, y, z and
perhaps visibility. Before them may be the frame's number, or frame and person, where the first
columns count. The points are known by their number and where they lie. Commas, semicolons, tabs or
blanks part the numbers.
"""

from __future__ import annotations

import numpy as np

from ..csv_table import CsvTable
from ..detections import Detections
from ..geometry import COUNTS, is_3d, layout_of, upright
from ..source import Source
from .named_csv import units

NAME = "CSV without a header"

_MOST_PEOPLE = 20
_MEDIAPIPE = 33


def sniff(source: Source) -> bool:
    """Whether the first row is numbers, as many as some layout has."""
    if not source.is_text or source.head[:1] in b"[{<":
        return False
    return bool(_forms(len(_first(_table(source.head)))))


def read(source: Source) -> Detections:
    """A row is a person in a frame."""
    table = _table(source.data)
    first = _first(table)
    try:
        numbers = np.vstack([[first], table.numbers(range(len(first)))])
    except ValueError as error:
        raise source.error(f"{error}.") from None
    form = next((form for form in _forms(len(first)) if _fits(numbers, *form)), None)
    if form is None:
        raise source.error(
            f"its rows of {len(first)} numbers are those of no known layout; add a header that "
            "names the columns (docs/formats.md)."
        )
    before, each = form
    points = numbers[:, before:].reshape(len(numbers), -1, each).astype(np.float32)
    if points.shape[1] == _MEDIAPIPE and each > 2:
        points = points[..., [0, 1, 3][: each - 1]]
    if points.shape[2] == 3 and is_3d(points, units(points)):
        raise source.error("every third number is no confidence; 2D is needed, not 3D.")
    layout = layout_of(points)
    assert layout is not None
    count = numbers[:, :before].astype(np.int64)
    found = Detections.build(
        NAME, layout, count[:, 0] if before else np.arange(len(numbers)), points,
        ids=count[:, 1] if before == 2 else None, units=units(points),
        numbered_from=None if before else 0,
    )  # fmt: skip
    return upright(found)


def _table(data: bytes) -> CsvTable:
    """The table, its first row as header; blanks part the cells where nothing else does."""
    table = CsvTable(data)
    return table if table.header and len(table.header[0]) > 1 else CsvTable(data, delimiter=" ")


def _first(table: CsvTable) -> list[float]:
    """The first row's numbers, without what a comma at its end leaves; empty if not all are."""
    cells = table.header[0] if table.header else []
    try:
        return [float(cell or "nan") for cell in (cells if all(cells[-1:]) else cells[:-1])]
    except ValueError:
        return []


def _forms(width: int) -> list[tuple[int, int]]:
    """(columns before the points, numbers of each point) that rows of so many numbers may have."""
    return [
        (before, each)
        for before in (2, 1, 0)
        for each in (3, 2, 4)
        if width > before
        and (width - before) % each == 0
        and (count := (width - before) // each) in COUNTS
        and (each < 4 or count == _MEDIAPIPE)
    ]


def _fits(numbers: np.ndarray, before: int, each: int) -> bool:
    """Whether the first columns count, and every third number is a confidence if it is to be."""
    if before:
        count = numbers[:, :before]
        if not ((count >= 0) & (count < 1 << 50) & (count % 1 == 0)).all():
            return False
        if (np.diff(count[:, 0]) < 0).any() or count[-1, 0] == count[0, 0]:
            return False
        if before == 2 and len(np.unique(count[:, 1])) > _MOST_PEOPLE:
            return False
    points = numbers[:, before:].reshape(len(numbers), -1, each)
    third = points[..., 2:3][np.isfinite(points[..., 2:3])]
    if each != 3 or points.shape[1] == _MEDIAPIPE or not len(third):
        return True
    return bool(np.quantile(third, 0.9) <= max(2.0, np.nanquantile(points[..., :2], 0.05)))
