"""`CsvTable`: a CSV with any delimiter, its columns by name and as numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

_CHUNK = 4096
_EMPTY = ("", "nan", "none", "null", "na", "n/a", "-")


class CsvTable:
    """A table of text; numbers are made of the columns that are asked for.

    Attributes:
        header: the cells of the first rows that are the header, a list for each row.
        rows: number of rows below the header.
    """

    def __init__(self, text: str, header_rows: int = 1) -> None:
        first, _, _ = text.lstrip().partition("\n")
        self.delimiter = max(",;\t", key=first.count)
        lines = text.lstrip().splitlines()
        head = csv.reader(lines[:header_rows], delimiter=self.delimiter)
        self.header = [[cell.strip() for cell in row] for row in head]
        self._lines = [line for line in lines[header_rows:] if line.strip(" \r\n\t,;")]
        self.rows = len(self._lines)

    @property
    def names(self) -> list[str]:
        """The columns' names in small letters."""
        return [name.lower() for name in self.header[0]] if self.header else []

    def column(self, *names: str) -> int | None:
        """The index of the first column that has one of these names."""
        return next((self.names.index(name) for name in names if name in self.names), None)

    def numbers(self, columns: Sequence[int]) -> np.ndarray:
        """(rows, columns) float64; NaN where a cell is empty.

        Raises:
            ValueError: naming row and column, if a cell is neither a number nor empty.
        """
        out = np.empty((self.rows, len(columns)))
        for start in range(0, self.rows, _CHUNK):
            cells = self._cells(start, columns)
            try:
                out[start : start + _CHUNK] = np.array(cells, dtype=np.float64)
            except ValueError:
                out[start : start + _CHUNK] = [
                    [
                        _number(cell, start + i, column)
                        for cell, column in zip(row, columns, strict=True)
                    ]
                    for i, row in enumerate(cells)
                ]
        return out

    def words(self, column: int) -> list[str]:
        """A column as text."""
        starts = range(0, self.rows, _CHUNK)
        return [row[0].strip() for start in starts for row in self._cells(start, [column])]

    def _cells(self, start: int, columns: Sequence[int]) -> list[list[str]]:
        chunk = io.StringIO("\n".join(self._lines[start : start + _CHUNK]))
        rows = csv.reader(chunk, delimiter=self.delimiter)
        return [[row[c] if c < len(row) else "" for c in columns] for row in rows]


def _number(cell: str, row: int, column: int) -> float:
    if cell.strip().lower() in _EMPTY:
        return np.nan
    try:
        return float(cell)
    except ValueError:
        raise ValueError(
            f"row {row + 1}, column {column + 1}: {cell[:30]!r} is not a number"
        ) from None
