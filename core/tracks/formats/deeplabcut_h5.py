"""DeepLabCut H5: the table of its CSV as pandas stores it, under the key df_with_missing.

Source: DeepLabCut's documentation of its output; pandas' HDFStore, in both of its layouts. Results
are a "table", whose columns are named in the pickled attribute values_block_0_kind; hand labels
are "fixed", with the columns' names in block0_items_level0 ... and block0_items_label0 ... .
Columns and index are those of the CSV. Needs h5py. Nothing pickled is run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import unpickled
from ..detections import Detections
from ..hdf5 import is_hdf5, opened, whole
from ..source import Source
from .deeplabcut import Column, detections

NAME = "DeepLabCut H5"

_KEY = "df_with_missing"


def sniff(source: Source) -> bool:
    """Whether an HDF5 file holds the word df_with_missing."""
    return is_hdf5(source) and _KEY.encode() in source.data


def read(source: Source) -> Detections:
    """Every individual of every frame."""
    with opened(source, "DeepLabCut") as file:
        group = file[_KEY]
        read_group = _table if "table" in group else _fixed
        names, numbers, index = read_group(group, source)
    if len({len(name) for name in names}) != 1 or len(names[0]) not in (3, 4):
        raise source.error("its columns are not scorer, (individuals,) bodyparts and coords.")
    columns = [Column(name[-3] if len(name) == 4 else "", *name[-2:]) for name in names]
    if numbers.ndim != 2 or numbers.shape != (len(index), len(columns)):
        raise source.error(f"has {numbers.shape} numbers for {len(columns)} columns.")
    return detections(NAME, columns, numbers.astype(np.float64), index, source)


Table = tuple[list[tuple[str, ...]], np.ndarray, list[str]]


def _table(group: Any, source: Source) -> Table:
    """The columns' names, the numbers, and each row's frame or picture as a word."""
    table = group["table"]
    names = unpickled(bytes(table.attrs["values_block_0_kind"]))
    rows = whole(table, source)
    names = [tuple(str(word) for word in name) for name in names]
    return names, rows["values_block_0"], _words(rows["index"])


def _fixed(group: Any, source: Source) -> Table:
    levels = _levels(group, "block0_items", source)
    if "axis1" in group:
        index = _words(whole(group["axis1"], source))
    else:
        index = ["/".join(path) for path in _levels(group, "axis1", source)]
    return levels, whole(group["block0_values"], source), index


def _levels(group: Any, axis: str, source: Source) -> list[tuple[str, ...]]:
    """The names along an axis of several levels, each a list of words and a number for each row."""
    count = min(int(group.attrs[f"{axis}_nlevels"]), 10)
    parts = []
    for level in range(count):
        words = _words(whole(group[f"{axis}_level{level}"], source))
        parts.append([words[i] for i in whole(group[f"{axis}_label{level}"], source).tolist()])
    return list(zip(*parts, strict=True))


def _words(values: np.ndarray) -> list[str]:
    listed = values.tolist()
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in listed]
