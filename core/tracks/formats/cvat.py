"""CVAT XML: skeleton tracks of a video, or skeletons in single pictures.

Source: CVAT's documentation of its XML format 1.1, and files of CVAT 2 and Datumaro 1.13. For
video, <track id label> holds a <skeleton frame> for each frame and that a <points label outside
occluded points="x,y"> for each joint, the frames between key frames included; for images, <image id
name width height> holds the skeletons, in any order. Where there are no skeletons, a person is one
<points points="x,y;x,y;..."> with all joints, as Datumaro writes it, or as many <points> as joints
with one group_id. Pixels; <original_size> has the picture's size; no frame rate. Outside is
missing, occluded is half sure.

The parser builds no tree. It refuses documents that declare a DTD or entities, which CVAT never
writes and which are how small XML becomes large.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np

from ...layouts import named_layout
from ..detections import Detections, picture_size
from ..source import Source, numbers_in_names

NAME = "CVAT XML"

_CHUNK = 1 << 20
"""Bytes that are parsed at once; none of CVAT's elements is as long."""
_DEEPEST = 50
_SPREAD = 1_000_000
"""Numbers that a table of skeletons may have beyond four for each point in the file."""


def sniff(source: Source) -> bool:
    """Whether it is XML with annotations."""
    start = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"<") and b"<annotations" in start


def read(source: Source) -> Detections:
    """Every skeleton of every track."""
    found = _Parser(source)
    found.parse()
    people = found.skeletons if found.skeletons.names else found.loose
    if not people.names:
        other = ", ".join(sorted(found.others)) or "nothing"
        raise source.error(
            f"has no skeletons (but {other}); draw people as skeletons whose points have the "
            "joints' names."
        )
    if len(found.sizes) > 1:
        raise source.error(
            f"its pictures have {len(found.sizes)} different sizes: single pictures, not the "
            "frames of a clip."
        )
    if len(found.tasks) > 1:
        raise source.error(
            f"holds {len(found.tasks)} tasks of a project, each with frames of its own; export "
            "one task."
        )
    marks = np.frombuffer(people.marks).reshape(-1, 5)
    if len(people.frames) * len(people.names) > 4 * len(marks) + _SPREAD:
        raise source.error(f"its {len(people.names)} different points are no skeleton.")
    points = np.full((len(people.frames), len(people.names), 3), np.nan, np.float32)
    points[marks[:, 0].astype(int), marks[:, 1].astype(int)] = marks[:, 2:]
    seen = np.isfinite(points[..., 0]).any(1)
    frames, ids = np.array(people.frames), np.array(people.ids)[seen]
    span = int(frames.min()), int(frames.max())
    if found.images:
        numbers = numbers_in_names(found.images)
        frames, span = numbers[frames], (int(numbers.min()), int(numbers.max()))
    return Detections.build(
        NAME, named_layout(list(people.names)), frames[seen], points[seen],
        ids=ids if max(ids, default=-1) >= 0 else None, size=next(iter(found.sizes), None),
        span=span, numbered_from=None if found.images else 0,
    )  # fmt: skip


@dataclass(frozen=True)
class _People:
    """What the parser's events add up to.

    Attributes:
        frames, ids: each person's frame, and the id of their track or -1.
        names: the points' labels, each with its number.
        marks: person, point, x, y and confidence of every point that is not outside, in a row.
    """

    frames: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    marks: array[float] = field(default_factory=lambda: array("d"))

    def add(self, frame: int, track: int) -> int:
        """One more person, and their row."""
        self.frames.append(frame)
        self.ids.append(track)
        return len(self.frames) - 1


class _Parser:
    """Goes through the file.

    Attributes:
        skeletons: the people drawn as skeletons.
        loose: those drawn as points that are in no skeleton.
        images: the pictures' names; none where the frames are those of tracks.
        sizes: the pictures' sizes.
        tasks: the tasks of a project that anything is from.
        others: the kinds of other shapes.
    """

    def __init__(self, source: Source) -> None:
        self.skeletons, self.loose = _People(), _People()
        self.images: list[str] = []
        self.sizes: set[tuple[int, int]] = set()
        self.tasks: set[str] = set()
        self.others: set[str] = set()
        self._source = source
        self._path: list[str] = []
        self._facts: dict[str, str] = {}
        self._groups: dict[tuple[int, str], int] = {}
        self._track: dict[str, str] = {}

    def parse(self) -> None:
        """Go through the file."""
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._words
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        text = self._source.data
        try:
            for start in range(0, len(text), _CHUNK):
                chunk = text[start : start + _CHUNK]
                if len(chunk) == _CHUNK and b">" not in chunk:
                    raise self._source.error("an element is longer than 1 MB.")
                parser.Parse(chunk)
                self._source.report(start / len(text))
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = expat.errors.messages[error.code]
            raise self._source.error(
                f"is not valid XML at line {error.lineno} ({reason})."
            ) from None

    def _refuse(self, *_declared: object) -> None:
        raise self._source.error("declares a document type or entities, which CVAT does not write.")

    def _start(self, tag: str, has: dict[str, str]) -> None:
        if len(self._path) >= _DEEPEST:
            raise self._source.error(f"elements lie more than {_DEEPEST} deep.")
        if tag == "track":
            self._track = has
            self.tasks.add(has.get("task_id", ""))
        elif tag == "image":
            self.images.append(has.get("name") or has.get("id", ""))
            self.tasks.add(has.get("task_id", ""))
            self._add_size(has.get("width", ""), has.get("height", ""))
        elif tag == "skeleton":
            self.skeletons.add(self._frame(has), _whole(self._track.get("id"), -1))
        elif self._path[-1:] == ["skeleton"]:
            if tag == "points":
                self._add_point(self.skeletons, len(self.skeletons.frames) - 1, has)
        elif self._path[-1:] in (["track"], ["image"]):
            if tag == "points":
                self._add_loose(has)
            else:
                self.others.add(tag)
        self._path.append(tag)

    def _end(self, tag: str) -> None:
        self._path.pop()
        if tag == "original_size":
            self._add_size(self._facts.get("width", ""), self._facts.get("height", ""))
            self._facts = {}
        elif tag == "track":
            self._track = {}

    def _words(self, words: str) -> None:
        if self._path[-2:-1] == ["original_size"]:
            self._facts[self._path[-1]] = (self._facts.get(self._path[-1], "") + words)[:20]

    def _add_size(self, width: str, height: str) -> None:
        if size := picture_size(_whole(width.strip(), 0), _whole(height.strip(), 0)):
            self.sizes.add(size)

    def _frame(self, has: dict[str, str]) -> int:
        """The frame that a shape of a track says, or the place of its picture."""
        return len(self.images) - 1 if self.images else _whole(has.get("frame"), 0)

    def _add_loose(self, has: dict[str, str]) -> None:
        """All points of a person, or one point of those with the same group."""
        places = has.get("points", "").split(";")
        if len(places) > 1:
            row = self.loose.add(self._frame(has), _whole(self._track.get("id"), -1))
            for i, place in enumerate(places):
                self._add_point(self.loose, row, has | {"label": str(i + 1), "points": place})
            return
        group = has.get("group_id", self._track.get("group_id", ""))
        key = self._frame(has), group
        if key not in self._groups:
            self._groups[key] = self.loose.add(key[0], _whole(group, -1))
        label = self._track.get("label", "")
        self._add_point(self.loose, self._groups[key], {"label": label} | has)

    def _add_point(self, people: _People, row: int, has: dict[str, str]) -> None:
        label = has.get("label", "")
        joint = people.names.setdefault(label, len(people.names))
        if has.get("outside") == "1":
            return
        try:
            x, y = has.get("points", "").split(",")
            place = float(x), float(y)
        except ValueError:
            raise self._source.error(
                f'frame {people.frames[row]}: point "{label[:30]}" is not x,y.'
            ) from None
        sure = 0.5 if has.get("occluded") == "1" else 1.0
        people.marks.extend((row, joint, *place, sure))


def _whole(word: str | None, otherwise: int) -> int:
    """A whole number of up to 15 digits."""
    plain = word is not None and len(word) < 16 and word.isascii() and word.isdigit()
    return int(word) if word and plain else otherwise
