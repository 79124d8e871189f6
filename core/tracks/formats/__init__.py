"""One module for each tool's file format.

A module has ``NAME`` (for the user), ``sniff(source) -> bool``, which looks at the content and
never at the name, and ``read(source) -> Detections``. Adding a format is adding such a module.
A file belongs to one format: a test holds every sample against every ``sniff``.
"""

from __future__ import annotations

import csv
import importlib
import pkgutil
import re
from typing import Protocol, cast

from ..detections import Detections
from ..source import Source


class Format(Protocol):
    """What a module in this package offers."""

    NAME: str

    def sniff(self, source: Source) -> bool:
        """Whether this format made the file."""
        ...

    def read(self, source: Source) -> Detections:
        """Everything in the file; raises `TrackError` where it cannot."""
        ...


_LAST = "plain_json"

FORMATS: tuple[Format, ...] = tuple(
    cast(Format, importlib.import_module(f".{name}", __name__))
    for name in sorted(
        (m.name for m in pkgutil.iter_modules(__path__)), key=lambda n: (n == _LAST, n)
    )
)
"""Every format, by module name; what takes the rest is asked last."""

_OTHERS = {
    rb"\x1f\x8b": "packed with gzip; unpack it first",
    rb"\x80": "a Python pickle, which is never opened; save the keypoints as .npy, .npz or JSON",
    rb"Kaydara FBX|; FBX |glTF|BLENDER": "a character or a scene, not keypoints; a character "
    "goes to --rig",
    rb"HIERARCHY": "3D motion (BVH) already, not 2D keypoints",
    rb"(?s).{4}ftyp|RIFF.{4}AVI |\x1aE\xdf\xa3": "a video; find its keypoints with a detector "
    "(OpenPose, MediaPipe, RTMPose, ...) first and give these; the video goes to --video",
    rb"(\s|#[^\n]*\n)*\[[\w.-]+\]\s+(#[^\n]*\n\s*)*[\w.-]+\s*=": "a TOML file, such as a camera "
    "calibration; leave it beside the keypoints, where it is found, and give the keypoints",
    rb"(?s)(\0{4}|\xcd\xcc[\xccL][=>]).{4,200}XYC": "a binary .pose file (of sign language tools); "
    "open it with the pose-format package and save the body's points as plain .npz or CSV",
}
"""How other files begin, and what they are."""

_SURPRISES = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError,
    MemoryError, OSError, csv.Error,
)  # fmt: skip
"""What strange content can set off beyond what the readers foresee."""


def read_any(source: Source) -> Detections:
    """Everything in a file or folder of any format.

    Raises:
        TrackError: if no format knows it, or what is in it is not as its format has it.
    """
    form = None
    try:
        form = find_format(source)
        return form.read(source)
    except _SURPRISES as error:
        name = form.NAME if form else "any known format"
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise source.error(f"is damaged, or not quite {name} ({reason}).") from error


def find_format(source: Source) -> Format:
    """The format of a file or folder.

    Raises:
        TrackError: if nothing knows it.
    """
    for mark, what in _OTHERS.items():
        if re.match(mark, source.head):
            raise source.error(f"is {what}.")
    for form in FORMATS:
        if form.sniff(source):
            return form
    if source.is_folder:
        inside = [path.name for path in source.files if path.is_dir()]
        if not source.files:
            raise source.error("the folder is empty.")
        if inside:
            raise source.error(
                "the folder holds no keypoint files itself; give one of the folders in it "
                f"({', '.join(inside[:5])}{', ...' if len(inside) > 5 else ''})."
            )
        raise source.error("no file in this folder is in a keypoint format that is known here.")
    if not source.head.strip():
        raise source.error("is empty.")
    if source.head.startswith(b"PK"):
        raise source.error(
            "is an archive without keypoint arrays; unpack it and give what is in it."
        )
    raise source.error(
        "is in no keypoint format that is known here; docs/formats.md lists them and a plain "
        "CSV that always works."
    )
