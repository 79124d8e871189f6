"""CVAT XML: skeleton tracks of a video, or skeletons in single pictures.

Source: CVAT's documentation of its XML format 1.1. For video, <track id label> holds a <skeleton
frame> for each frame and that a <points label outside occluded points="x,y"> for each joint, the
frames between key frames included; for images, <image id width height> holds the skeletons. Pixels;
<original_size> has the picture's size; no frame rate. Outside is missing, occluded is half sure.

The parser builds no tree. It refuses documents that declare a DTD or entities, which CVAT never
writes and which are how small XML becomes large.
"""

from __future__ import annotations

from array import array
from xml.parsers import expat

import numpy as np

from ...layouts import named_layout
from ..detections import Detections, picture_size
from ..source import Source

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
    found = _Skeletons(source)
    found.parse()
    if not found.names:
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
    marks = np.frombuffer(found.marks).reshape(-1, 5)
    if len(found.frames) * len(found.names) > 4 * len(marks) + _SPREAD:
        raise source.error(f"its {len(found.names)} different points are no skeleton.")
    points = np.full((len(found.frames), len(found.names), 3), np.nan, np.float32)
    points[marks[:, 0].astype(int), marks[:, 1].astype(int)] = marks[:, 2:]
    seen = np.isfinite(points[..., 0]).any(1)
    ids = np.array(found.tracks)[seen]
    return Detections.build(
        NAME, named_layout(list(found.names)), np.array(found.frames)[seen], points[seen],
        ids=ids if max(ids, default=-1) >= 0 else None, size=next(iter(found.sizes), None),
        span=(min(found.frames), max(found.frames)),
    )  # fmt: skip


class _Skeletons:
    """What the parser's events add up to.

    Attributes:
        frames, tracks: each skeleton's frame, and the id of its track or -1.
        names: the points' labels, each with its number.
        marks: skeleton, point, x, y and confidence of every point that is not outside, in a row.
        sizes: the pictures' sizes.
        others: the kinds of shapes that are not in a skeleton.
    """

    def __init__(self, source: Source) -> None:
        self.frames: list[int] = []
        self.tracks: list[int] = []
        self.names: dict[str, int] = {}
        self.marks = array("d")
        self.sizes: set[tuple[int, int]] = set()
        self.others: set[str] = set()
        self._source = source
        self._path: list[str] = []
        self._facts: dict[str, str] = {}
        self._track, self._image = -1, 0

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
            self._track = _whole(has.get("id"), -1)
        elif tag == "image":
            self._image = _whole(has.get("id"), self._image + 1)
            self._add_size(has.get("width", ""), has.get("height", ""))
        elif tag == "skeleton":
            frame = _whole(has.get("frame"), self._image)
            self.frames.append(frame)
            self.tracks.append(self._track)
        elif self._path[-1:] == ["skeleton"]:
            if tag == "points":
                self._add_point(has)
        elif self._path[-1:] in (["track"], ["image"]):
            self.others.add(tag)
        self._path.append(tag)

    def _end(self, tag: str) -> None:
        self._path.pop()
        if tag == "original_size":
            self._add_size(self._facts.get("width", ""), self._facts.get("height", ""))
            self._facts = {}
        elif tag == "track":
            self._track = -1

    def _words(self, words: str) -> None:
        if self._path[-2:-1] == ["original_size"]:
            self._facts[self._path[-1]] = (self._facts.get(self._path[-1], "") + words)[:20]

    def _add_size(self, width: str, height: str) -> None:
        if size := picture_size(_whole(width.strip(), 0), _whole(height.strip(), 0)):
            self.sizes.add(size)

    def _add_point(self, has: dict[str, str]) -> None:
        joint = self.names.setdefault(has.get("label", ""), len(self.names))
        if has.get("outside") == "1":
            return
        try:
            x, y = has.get("points", "").split(",")
            place = float(x), float(y)
        except ValueError:
            raise self._source.error(
                f'frame {self.frames[-1]}: point "{has.get("label", "")[:30]}" is not x,y.'
            ) from None
        sure = 0.5 if has.get("occluded") == "1" else 1.0
        self.marks.extend((len(self.frames) - 1, joint, *place, sure))


def _whole(word: str | None, otherwise: int) -> int:
    """A whole number of up to 15 digits."""
    plain = word is not None and len(word) < 16 and word.isascii() and word.isdigit()
    return int(word) if word and plain else otherwise
