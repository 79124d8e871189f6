"""JSON of a table with a column for each number of each joint, as pandas writes it.

Source: pandas.DataFrame.to_json. The columns are named as in a CSV (`named_csv`). In any of its
orientations: a list of rows {column: number}, which may be JSON Lines; {column: [numbers]} or
{column: {row: number}}; {columns, data}. Also {joint: {x: [...], y: [...]}} and {joint: [[x, y]
...]}, a list for each joint over all frames.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from ...layouts import canonical
from ..detections import Detections
from ..json_text import LISTS, OBJECTS
from ..source import Source
from . import named_csv

NAME = "JSON table"

_LEAST, _LOOK_AT = 4, 500
_AXES = ("x", "y", "confidence")


def sniff(source: Source) -> bool:
    """Whether the columns have x and y of some joints."""
    columns = islice(_columns(source.json), _LOOK_AT)
    joints = named_csv.joint_columns([name.lower() for name, _ in columns])
    return sum(map(bool, map(canonical, joints))) >= _LEAST


def read(source: Source) -> Detections:
    """A row is a person in a frame."""
    table = _Table(source)
    if len({len(column) for column in table.columns}) > 1:
        raise source.error("its columns are not equally long.")
    return named_csv.read_table(source, table, NAME)


class _Table:
    """The columns as numbers; NaN for what is none."""

    def __init__(self, source: Source) -> None:
        document = source.json
        if isinstance(document, LISTS):
            self.names = [name.lower() for name in document[0]]
            self.columns = _transposed(document, list(document[0]))
        elif isinstance(document.get("columns"), list):
            self.names = [str(name).lower() for name in document["columns"]]
            self.columns = _transposed(document["data"], range(len(self.names)))
        else:
            listed = list(_columns(document))
            self.names = [name.lower() for name, _ in listed]
            self.columns = [array("d", map(_number, values)) for _, values in listed]

    def column(self, *names: str) -> int | None:
        return next((self.names.index(name) for name in names if name in self.names), None)

    def numbers(self, columns: Sequence[int], kind: type = np.float64) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.stack([np.frombuffer(self.columns[c]).astype(kind) for c in columns], 1)

    def words(self, column: int) -> Iterator[str]:
        return (f"{n:.15g}" if n == n else "" for n in self.columns[column])


def _transposed(rows: Iterable[Any], keys: Sequence[Any]) -> list[array[float]]:
    """Columns of rows that are objects or lists."""
    columns = [array("d") for _ in keys]
    for row in rows:
        whole = isinstance(row, dict) or (isinstance(row, list) and len(row) == len(keys))
        for column, key in zip(columns, keys, strict=True):
            value = row.get(key) if isinstance(row, dict) else row[key] if whole else None
            column.append(_number(value))
    return columns


def _columns(document: Any) -> Iterator[tuple[str, Iterable[Any]]]:
    """Names of columns, with their values where these are kept column by column."""
    if isinstance(document, LISTS):
        first = document[0] if len(document) else None
        yield from ((str(name), ()) for name in (first if isinstance(first, dict) else ()))
    elif isinstance(document, OBJECTS) and isinstance(document.get("columns"), list):
        yield from ((str(name), ()) for name in document["columns"] if "data" in document)
    elif isinstance(document, OBJECTS):
        yield from chain.from_iterable(_series(*member) for member in document.items())


def _series(name: str, values: Any) -> Iterator[tuple[str, Iterable[Any]]]:
    """The columns of one member: itself, or those of a joint."""
    if isinstance(values, OBJECTS) and isinstance(values.get("x"), LISTS):
        yield from ((f"{name}_{key}", column) for key, column in values.items())
    elif isinstance(values, OBJECTS):
        yield name, values.values()
    elif isinstance(values, LISTS) and len(values):
        first = values[0]
        if not isinstance(first, list):
            yield name, values
        elif len(first) in (2, 3) and isinstance(first[0], int | float | None):
            for axis, word in enumerate(_AXES[: len(first)]):
                yield f"{name}_{word}", _axis(values, axis)


def _axis(marks: Iterable[Any], axis: int) -> Iterator[Any]:
    return (m[axis] if isinstance(m, list) and axis < len(m) else None for m in marks)


def _number(value: Any) -> float:
    return float(value) if type(value) in (int, float) else np.nan
