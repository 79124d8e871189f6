"""JSON from strangers, parsed piece by piece: a long file never becomes a tree of objects at once.

A parsed number takes ten times the room of its text. A large list or object therefore only learns
where its members are, and parses them when they are asked for, a bundle at a time.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import numpy as np
import orjson

from ..errors import TrackError

_PIECE = 1 << 18
"""Characters that are parsed at once; texts up to this size become ordinary lists and dicts."""
_CHUNK = 1 << 20
_MOST_MEMBERS = 1_000_000
_KEY = re.compile(rb'\s*("(?:[^"\\]|\\.)*")\s*:', re.DOTALL)
_ESCAPED = re.compile(rb"\\[\s\S]")
_MARKS = np.isin(np.arange(256), list(b'[]{}",'))
_DEPTH = np.zeros(256, np.int8)
_DEPTH[list(b"[{")], _DEPTH[list(b"]}")] = 1, -1


def parse_json(data: bytes, path: Path) -> Any:
    """JSON, also with the NaN and Infinity that Python writes; several values in a row as a list.

    Returns:
        What `orjson.loads` gives, but for large lists, which come as `JsonList`, and large objects,
        which come as `JsonObject`.

    Raises:
        TrackError: naming `path`, if it is empty, truncated or no JSON; for what is large, not
            before the member is asked for.
    """
    text = _Text(data, path)
    start, end = (3 if data.startswith(b"\xef\xbb\xbf") else 0), len(data)
    if not data[start : start + _CHUNK].strip() and not data[start:].strip():
        raise TrackError(f"{path}: is empty.")
    if end <= _PIECE:
        try:
            return text.loads(start, end)
        except TrackError:
            values = text.values(start, end)
            if len(values) < 2:
                raise
            return list(values)
    values = text.values(start, end)
    return values if len(values) > 1 else text.value(start, end)


class JsonList(Sequence):
    """A long list; every way through it parses its members anew.

    Args:
        edges: where each member ends, and before that the place where the first begins.
        gap: characters between members: 1, the comma, or 0 for values side by side.
    """

    def __init__(self, text: _Text, edges: np.ndarray, gap: int = 1) -> None:
        self._text, self._edges, self._gap = text, edges, gap

    def __len__(self) -> int:
        return len(self._edges) - 1

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            part = self._edges[start : max(start, stop) + 1]
            return list(JsonList(self._text, part, self._gap))
        at = range(len(self))[index]
        return self._text.value(int(self._edges[at]) + self._gap, int(self._edges[at + 1]))

    def __iter__(self) -> Iterator[Any]:
        at = 0
        while at < len(self):
            start = int(self._edges[at]) + self._gap
            ahead = self._edges[at + 1 : at + _PIECE]
            count = int(np.searchsorted(ahead, start + _PIECE))
            if count and self._gap:
                yield from self._text.loads(start, int(ahead[count - 1]), listed=True)
            else:
                yield self[at]
                count = 1
            at += count


class JsonObject(Mapping):
    """A long object; its large members are kept, the small ones parsed when asked for."""

    def __init__(self, text: _Text, edges: np.ndarray) -> None:
        if len(edges) > _MOST_MEMBERS:
            raise TrackError(f"{text.path}: an object of {len(edges)} members is no clip.")
        self._text = text
        self._spans = dict(text.member(a + 1, b) for a, b in pairwise(edges.tolist()))
        self._large: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __getitem__(self, key: str) -> Any:
        if key in self._large:
            return self._large[key]
        start, end = self._spans[key]
        value = self._text.value(start, end)
        if end - start > _PIECE:
            self._large[key] = value
        return value


LISTS = (list, JsonList)
OBJECTS = (dict, JsonObject)
"""What a parsed list and a parsed object may be."""


class _Text:
    """The bytes of a file, and where things are in it."""

    def __init__(self, data: bytes, path: Path) -> None:
        self.data, self.path = data, path

    def value(self, start: int, end: int) -> Any:
        """The one value that lies between two places."""
        while self.data[start : start + 1].isspace():
            start += 1
        while self.data[end - 1 : end].isspace():
            end -= 1
        brackets = self.data[start : start + 1] + self.data[end - 1 : end]
        if end - start <= _PIECE or brackets not in (b"[]", b"{}"):
            return self.loads(start, end)
        edges = self._edges(start, end)
        if len(edges) == 2 and not self.data[start + 1 : end - 1].strip():
            return self.loads(start, end)
        return JsonList(self, edges) if brackets == b"[]" else JsonObject(self, edges)

    def values(self, start: int, end: int) -> JsonList:
        """The lists and objects that stand side by side, as in JSON Lines.

        Raises:
            TrackError: if the last does not end.
        """
        ends = self._edges(start, end, outside=True) + np.uint32(1)
        after = int(ends[-1]) if len(ends) else start
        if self.data[after:end].strip():
            raise self.error("unexpected content", after)
        return JsonList(self, np.append(np.uint32(start), ends), gap=0)

    def loads(self, start: int, end: int, listed: bool = False) -> Any:
        """Parse a part of the text; ``listed`` if it is members of a list.

        Raises:
            TrackError: naming file, line and column.
        """
        piece = self.data[start:end]
        piece = b"[%b]" % piece if listed else piece
        try:
            return orjson.loads(piece)
        except orjson.JSONDecodeError as error:
            reason = error
        if b"NaN" in piece or b"Infinity" in piece:
            try:
                return json.loads(piece)
            except (ValueError, RecursionError):
                pass
        raise self.error(reason.msg, min(start + reason.pos - listed, end))

    def error(self, reason: str, at: int) -> TrackError:
        """What is wrong at a place, for the user."""
        line = self.data.count(b"\n", 0, at) + 1
        column = at - self.data.rfind(b"\n", 0, at)
        cut = "; it seems to be cut off" if at >= len(self.data) - 1 else ""
        return TrackError(
            f"{self.path}: is not valid JSON at line {line}, column {column} ({reason}){cut}."
        )

    def member(self, start: int, end: int) -> tuple[str, tuple[int, int]]:
        """The key of an object's member, and where its value is."""
        found = _KEY.match(self.data, start, end)
        if found is None:
            raise self.error("a member without a key", start)
        return self.loads(found.start(1), found.end(1)), (found.end(), end)

    def _edges(self, start: int, end: int, outside: bool = False) -> np.ndarray:
        """Where the list or object between two places opens, its commas, and where it closes.

        With ``outside``, where each list or object that begins there closes.
        """
        found = array("I")
        depth, quoted, escape = 0, 0, b""
        for at in range(start, end, _CHUNK):
            chunk = escape + self.data[at : min(at + _CHUNK, end)]
            offset = at - len(escape)
            chunk = _ESCAPED.sub(b"__", chunk) if b"\\" in chunk else chunk
            escape = b"\\" if chunk.endswith(b"\\") else b""
            text = np.frombuffer(chunk, np.uint8)
            places = np.flatnonzero(_MARKS[text])
            kinds = text[places]
            within = (np.cumsum(kinds == ord('"')) + quoted) & 1
            quoted = int(within[-1]) if len(within) else quoted
            free = (kinds != ord('"')) & (within == 0)
            places, kinds = places[free], kinds[free]
            step = _DEPTH[kinds]
            deep = np.cumsum(step, dtype=np.int64) + depth
            depth = int(deep[-1]) if len(deep) else depth
            edge = (deep == 0) & (step == -1)
            if not outside:
                edge |= (deep == 1) & (step >= 0)
            found.frombytes((places[edge] + offset).astype(np.uint32).tobytes())
        if depth or quoted:
            raise self.error("unexpected end of data", end - 1)
        return np.frombuffer(found, np.uint32)
