"""What the camera saw, kept with the action that was made of it, and so in the .blend file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from bpy.types import Action, Object

from .clip import Clip

_KEY = "lift_to_3d_clip"
_MOST_FRAMES = 1_000_000
_UNSURE = 0.35
"""Joints that sure are off by 16 cm in the mean."""
_SHORT = 0.15  # seconds; shorter stretches are not worth looking at, shorter gaps join them


@dataclass(frozen=True)
class Kept:
    """A clip, and where it lies in the scene.

    Attributes:
        clip: what was seen.
        start_frame: scene frame of its row 0.
        rate: the scene's frame rate when it was keyed.
    """

    clip: Clip
    start_frame: int
    rate: float

    def row(self, frame: float) -> int | None:
        """The clip's row that a scene frame shows, None outside of it."""
        row = int(self.clip.rows(np.array(frame), self.start_frame, self.rate))
        return row if 0 <= row < self.clip.frames else None

    def unsure(self) -> list[tuple[int, int]]:
        """First and last scene frame of every stretch that is worth a look."""
        unsure = np.flatnonzero(self.clip.certainty < _UNSURE)
        short = _SHORT * self.clip.fps
        runs = np.split(unsure, np.flatnonzero(np.diff(unsure) > short + 1) + 1)
        rows = [(run[0], run[-1]) for run in runs if len(run) > short]
        return [tuple(round(self.start_frame + r * self.rate / self.clip.fps) for r in run)
                for run in rows]  # pyright: ignore[reportReturnType]  # fmt: skip


def keep(action: Action, clip: Clip, start_frame: int, rate: float) -> None:
    """Keep a clip with an action."""
    action[_KEY] = {
        "keypoints": np.ascontiguousarray(clip.keypoints, np.float32).ravel(),
        "joints": np.ascontiguousarray(clip.joints, np.float32).ravel(),
        "confidence": np.ascontiguousarray(clip.confidence, np.float32).ravel(),
        "size": list(clip.size),
        "focal": clip.focal,
        "fps": clip.fps,
        "video": clip.video,
        "video_frame": clip.video_frame,
        "begin": clip.begin,
        "start_frame": start_frame,
        "rate": rate,
    }


def kept_with(obj: Object) -> Kept | None:
    """The clip of the action that an armature plays, or of its topmost strip that has one."""
    for action in _actions(obj):
        if _KEY in action:
            return _read(action[_KEY])
    return None


def has_clip(obj: Object) -> bool:
    """Whether `kept_with` may find one; quick enough to be asked at each drawing."""
    return any(_KEY in action for action in _actions(obj))


def _actions(obj: Object) -> list[Action]:
    animation: Any = obj.animation_data
    if animation is None:
        return []
    strips = [strip.action for track in reversed(animation.nla_tracks) for strip in track.strips]
    return [action for action in (animation.action, *strips) if action is not None]


def _read(stored: Any) -> Kept | None:
    """None where somebody's file holds something else under our name."""
    try:
        confidence = np.array(stored["confidence"], np.float32).reshape(-1, 17)
        frames = len(confidence)
        keypoints = np.array(stored["keypoints"], np.float32).reshape(frames, 17, 2)
        joints = np.array(stored["joints"], np.float32).reshape(frames, 17, 3)
        width, height = (int(side) for side in stored["size"])
        numbers = [float(stored[key]) for key in ("focal", "fps", "rate")]
        if not 0 < frames <= _MOST_FRAMES or min(width, height, *numbers) <= 0:
            return None
        clip = Clip(
            keypoints, joints, confidence, (width, height), numbers[0], numbers[1],
            str(stored["video"]), int(stored["video_frame"]), float(stored["begin"]),
        )  # fmt: skip
        return Kept(clip, int(stored["start_frame"]), numbers[2])
    except (KeyError, TypeError, ValueError):
        return None
