"""A CSV with a column for each number of each joint, named: what everyone can write.

The header names the columns ``JOINT_x``, ``JOINT_y`` and, if there is one, ``JOINT_confidence``
(or c, conf, score, likelihood, visibility); a point or blank may stand for the underscore, and the
axis may come first (``x_JOINT``). Joints have any usual spelling of their names (left_shoulder,
LShoulder ...), or 0 .. 32 for MediaPipe's and 0 .. 16 for COCO's; a word for the unit may end a
name (``JOINT_x_px``). Optional columns: ``frame``;
``timestamp``, from which the frame rate is taken; ``person`` or ``track``. x and y are pixels, or
all of them shares of the picture's sides. MediaPipe's landmarks saved wide, and SLEAP's CSV, are
of this form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from ...layouts import named_layout
from ..csv_table import CsvTable
from ..detections import PIXELS, UNIT, Detections
from ..geometry import upright
from ..source import Source
from ..timing import rate_of_timestamps

NAME = "CSV"

FRAME = ("frame", "frame_id", "frame_idx", "frame_index", "frame_number", "framenumber", "frame_no",
         "frame_num", "frame number", "frameid", "")  # fmt: skip
TIME = ("timestamp", "time", "t", "seconds", "timestamp_ms", "time_s", "time_ms", "time_sec",
        "timestamp_s", "timestamp_sec", "time (ms)", "time (s)")  # fmt: skip
PERSON = ("person", "person_id", "track", "track_id", "id", "instance", "individual")
_SURE = ("confidence", "conf", "score", "likelihood", "visibility", "prob", "c", "v", "s")
_UNIT = re.compile(r"([ ._-]|(?=[(\[]))+[(\[]?(px|pixels?|norm|normali[sz]ed)[)\]]?$")
_LAST = re.compile(rf"(.*?)[ ._:-]*(x|y|{'|'.join(_SURE)})")
_FIRST = re.compile(rf"(x|y|{'|'.join(_SURE)})[ ._:-]*(.+)")
_NO_JOINTS = ("_loc", "bbox", "box", "center")


class Table(Protocol):
    """What is read of a table: `CsvTable` is one."""

    @property
    def names(self) -> list[str]:
        """The columns' names in small letters."""
        ...

    def column(self, *names: str) -> int | None:
        """The index of the first column that has one of these names."""
        ...

    def numbers(self, columns: Sequence[int], kind: type = np.float64) -> np.ndarray:
        """(rows, columns); NaN where a cell is empty."""
        ...

    def words(self, column: int) -> Iterable[str]:
        """A column as text."""
        ...


def sniff(source: Source) -> bool:
    """Whether the first line names x and y of at least three joints."""
    if not source.is_text or source.head[:1] in b"[{<":
        return False
    return len(joint_columns(CsvTable(source.head).names)) >= 2


def read(source: Source) -> Detections:
    """A row is a person in a frame."""
    return read_table(source, CsvTable(source.data), NAME)


def read_table(source: Source, table: Table, title: str) -> Detections:
    """The people of a table, wherever it is from.

    Args:
        title: the format's name for the user.
    """
    joints = joint_columns(table.names)
    layout = named_layout(list(joints))
    columns = [c for xyc in joints.values() for c in xyc if c is not None]
    try:
        numbers = table.numbers(columns, np.float32)
        frame = _column(table, FRAME)
        times = _column(table, TIME)
    except ValueError as error:
        raise source.error(f"{error}.") from None
    place = {column: i for i, column in enumerate(columns)}
    points = np.ones((len(numbers), len(joints), 3), np.float32)
    for j, xyc in enumerate(joints.values()):
        for axis, column in enumerate(xyc):
            if column is not None:
                points[:, j, axis] = numbers[:, place[column]]
    counted = frame is None
    frame = np.arange(len(numbers)) if frame is None else frame
    if not np.isfinite(frame).all():
        raise source.error(f"row {int(np.isfinite(frame).argmin()) + 1} has no frame number.")
    frame = np.clip(frame, -(1 << 53), 1 << 53).astype(np.int64)
    person = table.column(*PERSON)
    points[..., 2][np.isnan(points[..., 2]) & np.isfinite(points[..., 0])] = 1
    found = Detections.build(
        f"{layout.name.split('-')[0]} {title}" if layout.name.startswith("MediaPipe") else title,
        layout, frame, points, fps=None if times is None else rate_of_timestamps(frame, times),
        units=units(points),
        ids=None if person is None else words_as_numbers(table.words(person)),
        numbered_from=0 if counted else None,
    )  # fmt: skip
    return upright(found)


def units(points: np.ndarray) -> str:
    """Pixels, or shares of the picture if hardly any number is beyond 2."""
    values = np.abs(points[..., :2])
    values = values[np.isfinite(values) & (values != 0)]
    return UNIT if len(values) and np.quantile(values, 0.9) <= 2 else PIXELS


def words_as_numbers(words: Iterable[str]) -> np.ndarray:
    """A number for each different word, its own where all are numbers; -1 for the empty one."""
    known: dict[str, int] = {}
    index = np.fromiter((known.setdefault(w, len(known)) if w else -1 for w in words), np.int64)
    own = [word.removesuffix(".0") for word in known]
    if all(word.isdecimal() and len(word) < 16 for word in own):
        return np.array([*map(int, own), -1])[index]
    return index


def _column(table: Table, names: tuple[str, ...]) -> np.ndarray | None:
    index = table.column(*names)
    return None if index is None else table.numbers([index])[:, 0]


def joint_columns(names: list[str]) -> dict[str, tuple[int, int, int | None]]:
    """Columns of x, y and confidence by joint."""
    axes: dict[str, dict[str, int]] = {}
    for column, name in enumerate(names):
        name = _UNIT.sub("", name)
        last, first = _LAST.fullmatch(name), _FIRST.fullmatch(name)
        if last and last[1]:
            joint, axis = last[1], last[2]
        elif first:
            axis, joint = first[1], first[2]
        else:
            continue
        axes.setdefault(joint, {})["c" if axis in _SURE else axis] = column
    return {
        joint: (found["x"], found["y"], found.get("c"))
        for joint, found in axes.items()
        if "x" in found and "y" in found and not joint.endswith(_NO_JOINTS)
    }
