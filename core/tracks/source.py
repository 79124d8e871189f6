"""`Source`: a file or folder of the user's, opened once and looked at by every format's `sniff`."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import TrackError
from .arrays import load_arrays
from .json_text import parse_json

Progress = Callable[[float], None] | None

_LARGEST_FILE = 4 << 30
_LARGEST_FOLDER = 1_000_000
_HEAD = 1 << 17
_DIGITS = re.compile(r"\d+")
_UPLOAD = re.compile(r"(^|[/\\=])[0-9a-f]{8}-")
"""What Label Studio puts before the name of a picture."""


class Source:
    """What lies at a path. Nothing is trusted: sizes are bounded, nothing in it is executed.

    Attributes:
        path: the file or folder.
        progress: called with 0..1 while a long read goes on; may raise to stop it.
    """

    def __init__(self, path: str | Path, progress: Progress = None) -> None:
        self.path = Path(path)
        self.progress = progress
        try:
            self.is_folder = self.path.is_dir()
            if not self.is_folder and not self.path.is_file():
                raise TrackError(f"{self.path}: there is no such file or folder.")
        except OSError as error:
            raise TrackError(f"{self.path}: cannot be opened ({error.strerror}).") from None

    @property
    def name(self) -> str:
        """The file's or folder's name without its last suffix."""
        return self.path.resolve().stem

    @cached_property
    def files(self) -> list[Path]:
        """A folder's own files (links to nowhere and hidden ones left out), in natural order."""
        if not self.is_folder:
            return []
        try:
            found = []
            for path in self.path.iterdir():
                if not path.name.startswith("."):
                    found.append(path)
                if len(found) > _LARGEST_FOLDER:
                    raise TrackError(f"{self.path}: more than {_LARGEST_FOLDER} files.")
        except OSError as error:
            raise TrackError(f"{self.path}: cannot be listed ({error.strerror}).") from None
        return sorted(found, key=lambda path: natural_key(path.name))

    def files_named(self, suffix: str) -> list[Path]:
        """A folder's files that end in `suffix` (small letters), in natural order."""
        return [path for path in self.files if path.name.lower().endswith(suffix)]

    @cached_property
    def head(self) -> bytes:
        """The file's first 128 kB; nothing of a folder."""
        if self.is_folder:
            return b""
        with self._open() as stream:
            return stream.read(_HEAD)

    @cached_property
    def data(self) -> bytes:
        """The whole file."""
        if self.is_folder:
            return b""
        if self.path.stat().st_size > _LARGEST_FILE:
            raise TrackError(f"{self.path}: more than 4 GB; cut it into shorter clips.")
        with self._open() as stream:
            return stream.read()

    @property
    def is_text(self) -> bool:
        """Whether it is a file of characters, UTF-8 or with a mark that says UTF-16."""
        marked = self.head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return bool(self.head) and (marked or b"\0" not in self.head)

    @cached_property
    def json(self) -> Any:
        """The file's JSON (`json_text.parse_json`); None where it does not look like JSON.

        Raises:
            TrackError: if it begins as JSON and is not.
        """
        start = self.head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        return parse_json(self.data, self.path) if start in (b"[", b"{") else None

    @cached_property
    def arrays(self) -> dict[str, Any] | None:
        """The arrays of an .npz, or of an .npy under the name ``""``; None for other files."""
        if self.is_folder or not self.head.startswith((b"PK\x03\x04", b"\x93NUMPY")):
            return None
        return load_arrays(self.path)

    def report(self, share: float) -> None:
        """Tell how far the read has come, 0..1."""
        if self.progress:
            self.progress(share)

    def error(self, message: str) -> TrackError:
        """A `TrackError` that names this file."""
        return TrackError(f"{self.path}: {message}")

    def _open(self) -> Any:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise self.error(f"cannot be opened ({error.strerror}).") from None


def natural_key(name: str) -> tuple[tuple[str, int], ...]:
    """Sorts ``f2`` before ``f10``."""
    parts = re.split(r"(\d+)", name)
    digits = [int(d[:18]) for d in parts[1::2]] + [-1]
    return tuple(zip(parts[0::2], digits, strict=True))


def numbers_in_names(names: Sequence[str]) -> np.ndarray:
    """Frame numbers out of file names: the last run of digits that is not the same in all.

    Where the names do not all hold such a number, the names are counted in natural order from 0.
    The eight letters that Label Studio puts before a name are no number.

    Returns:
        (names,) int64; equal names have equal numbers.
    """
    if all(map(_UPLOAD.search, names)):
        names = [_UPLOAD.sub(r"\1", name) for name in names]
    groups = [[int(d[:18]) for d in _DIGITS.findall(name)] for name in names]
    if groups and len({len(g) for g in groups}) == 1 and groups[0]:
        table = np.array(groups, np.int64)
        kinds = len(set(names))
        for column in table.T[::-1]:
            if len(np.unique(column)) == kinds:
                return column
    ranks = {name: i for i, name in enumerate(sorted(set(names), key=natural_key))}
    return np.array([ranks[name] for name in names], np.int64)
