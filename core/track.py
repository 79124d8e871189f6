"""`Track`: one person's 2D keypoints over a clip, as a detector saw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

DEFAULT_FOV = 60.0
"""Field of view along the picture's longer side, degrees, where nobody knows better."""


@dataclass(frozen=True)
class Track:
    """One person in one clip.

    Attributes:
        xy: (frames, joints, 2) float64, pixels, origin top left, x right, y down; NaN is missing.
        confidence: (frames, joints) float64, 0..1, 0 where missing.
        joints: name of every joint (`core.skeleton.COCO` and `EXTRA_JOINTS`).
        fps: frames a second.
        size: picture width and height in pixels.
        fps_source: where `fps` is from: "file", "video", "user" or "assumed".
        size_source: likewise for `size`.
        fov: horizontal field of view in degrees, None when not known.
        name: the clip's name: the file's or folder's without its last suffix.
        person: 1 for the clip's first person, 2 ...
        first_frame: number, in the file, of the frame in row 0.
        notes: what was found, mended or assumed, a sentence each, for the user.
        numbered_from: number, in the file, of the clip's first frame: 0, or 1 where tools count
            from 1. Row 0 shows frame ``first_frame - numbered_from`` of the video.
    """

    xy: np.ndarray
    confidence: np.ndarray
    joints: tuple[str, ...]
    fps: float
    size: tuple[int, int]
    fps_source: str = "file"
    size_source: str = "file"
    fov: float | None = None
    name: str = ""
    person: int = 1
    first_frame: int = 0
    notes: tuple[str, ...] = field(default=())
    numbered_from: int = 0

    @property
    def frames(self) -> int:
        """Number of frames, with those in which the person was not seen."""
        return len(self.xy)

    @property
    def focal(self) -> float:
        """Focal length in pixels, from `fov` or, where unknown, `DEFAULT_FOV`."""
        width, height = self.size
        side, fov = (width, self.fov) if self.fov else (max(width, height), DEFAULT_FOV)
        return side / 2 / math.tan(math.radians(fov) / 2)

    def select(self, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The named joints: (frames, len(names), 2) and (frames, len(names)).

        A joint that the track does not have is NaN with confidence 0.
        """
        xy = np.full((self.frames, len(names), 2), np.nan)
        confidence = np.zeros((self.frames, len(names)))
        for i, name in enumerate(names):
            if name in self.joints:
                j = self.joints.index(name)
                xy[:, i], confidence[:, i] = self.xy[:, j], self.confidence[:, j]
        return xy, confidence


def notes_of(people: Sequence[Track]) -> list[str]:
    """What is to be told of the people of a clip: what all share once, the rest by person."""
    shared = [note for note in people[0].notes if all(note in track.notes for track in people)]
    return shared + [
        f"Person {track.person}: {note}"
        for track in people
        for note in track.notes
        if note not in shared
    ]
