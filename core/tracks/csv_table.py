"""`CsvTable`: a CSV with any delimiter, its columns by name and as numbers."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence

import numpy as np

_BLOCK = 1 << 18
_EMPTY = ("", "nan", "none", "null", "na", "n/a", "-")
_BLANK = ' \t\r\n,;"'


class CsvTable:
    """A table of text; numbers are made of the columns that are asked for, block by block.

    Blank lines, comments (#) and Excel's ``sep=`` before the header are passed over; UTF-16 with
    its mark is understood, and so are decimal commas where another character parts the cells.

    Args:
        data: the file, or its beginning.
        header_rows: how many rows the header has.
        delimiter: what parts the cells; found out where it is not given.

    Attributes:
        header: the cells of the header, a list for each row.
    """

    def __init__(self, data: bytes, header_rows: int = 1, delimiter: str = "") -> None:
        self._data, self._body = _as_utf8(data), 0
        self._newline = b"\n" if b"\n" in self._data[:_BLOCK] else b"\r"
        lines = []
        while len(lines) < header_rows and self._body < len(self._data):
            line = self._line()
            if lines or not (line.strip(_BLANK) == "" or line.startswith(("#", "sep="))):
                lines.append(line)
        self.delimiter = delimiter or max(",;\t", key=lines[0].count if lines else "".count)
        self.header = [[cell.strip() for cell in row] for row in self._cells(lines)]

    @property
    def names(self) -> list[str]:
        """The columns' names in small letters."""
        return [name.lower() for name in self.header[0]] if self.header else []

    def column(self, *names: str) -> int | None:
        """The index of the first column that has one of these names."""
        return next((self.names.index(name) for name in names if name in self.names), None)

    def numbers(self, columns: Sequence[int], kind: type = np.float64) -> np.ndarray:
        """(rows, columns) of `kind`; NaN where a cell is empty.

        Raises:
            ValueError: naming row and column, if a cell is neither a number nor empty.
        """
        out = [np.empty((0, len(columns)), kind)]
        for rows in self._blocks():
            cells = [[(c < len(row) and row[c]) or "nan" for c in columns] for row in rows]
            try:
                numbers = np.array(cells, np.float64)
            except ValueError:
                first = sum(map(len, out)) + 1
                numbers = np.array([
                    [self._number(cell, first + i, c) for cell, c in zip(row, columns, strict=True)]
                    for i, row in enumerate(cells)
                ])  # fmt: skip
            with np.errstate(over="ignore"):
                out.append(numbers.astype(kind))
        return np.concatenate(out)

    def rows(self) -> Iterator[list[str]]:
        """All cells, row by row."""
        for rows in self._blocks():
            yield from rows

    def words(self, column: int) -> Iterator[str]:
        """A column as text."""
        return (row[column].strip() if column < len(row) else "" for row in self.rows())

    def _line(self) -> str:
        """The next line of the header."""
        end = self._data.find(self._newline, self._body) + 1 or len(self._data)
        line, self._body = self._data[self._body : end], end
        return line.decode("utf-8", "replace").strip("\r\n")

    def _blocks(self) -> Iterator[list[list[str]]]:
        at = self._body
        while at < len(self._data):
            end = self._data.find(self._newline, at + _BLOCK) + 1 or len(self._data)
            lines = self._data[at:end].decode("utf-8", "replace").splitlines()
            yield self._cells([line for line in lines if line.strip(_BLANK)])
            at = end

    def _cells(self, lines: list[str]) -> list[list[str]]:
        return list(csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True))

    def _number(self, cell: str, row: int, column: int) -> float:
        cell = cell.strip()
        if cell.lower() in _EMPTY:
            return np.nan
        try:
            return float(cell if self.delimiter == "," else cell.replace(",", "."))
        except ValueError:
            raise ValueError(
                f"row {row}, column {column + 1}: {cell[:30]!r} is not a number"
            ) from None


def _as_utf8(data: bytes) -> bytes:
    for mark, name in (
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF8, ""),
    ):
        if data.startswith(mark):
            rest = data[len(mark) :]
            return rest.decode(name, "replace").encode() if name else rest
    return data
