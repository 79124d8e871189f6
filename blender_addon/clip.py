"""`Clip`: what the camera saw of one person; knows nothing of Blender."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.motion import Motion
from ..core.track import DEFAULT_FOV, Track

_ASSUMED_SIZE = (1920, 1080)


@dataclass(frozen=True)
class Clip:
    """One person of a clip as seen and as lifted, to be looked at beside the character.

    Attributes:
        keypoints: (frames, 17, 2) float32, pixels, Human3.6M order as the network took them; NaN is
            missing, all of them where only a motion file is known.
        joints: (frames, 17, 3) float32, lifted, camera metres (x right, y down, z forward).
        confidence: (frames, 17) float32, 0..1, of the lifted joints.
        size: picture width and height in pixels.
        focal: focal length in pixels.
        fps: frames a second.
        video: the film's path or an image of its sequence, empty where not known.
        video_frame: frame of the video, counted from 0, that row 0 shows.
        begin: seconds that row 0 comes after the first row of the earliest person.
    """

    keypoints: np.ndarray
    joints: np.ndarray
    confidence: np.ndarray
    size: tuple[int, int]
    focal: float
    fps: float
    video: str = ""
    video_frame: int = 0
    begin: float = 0.0

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.joints)

    @property
    def certainty(self) -> np.ndarray:
        """(frames,) 0..1, how sure each frame is: the mean of its joints."""
        return self.confidence.mean(axis=1)

    def rows(self, frames: np.ndarray, start_frame: float, rate: float) -> np.ndarray:
        """The nearest row for each scene frame, of a clip that begins at one; may be outside."""
        return np.round((np.asarray(frames) - start_frame) * self.fps / rate).astype(int)


def clip_of(motion: Motion, track: Track | None, video: Path | None, begin: float = 0.0) -> Clip:
    """What was seen of a motion; of one without a track only its camera is assumed."""
    keypoints = np.full((motion.frames, 17, 2), np.nan, np.float32)
    size, focal, first = _ASSUMED_SIZE, 0.0, 0
    if track is not None:
        from ..core.lift import network_rays  # with scipy, which registering does not wait for

        rays, seen = network_rays(track)
        size, focal, first = track.size, track.focal, track.first_frame - track.numbered_from
        pixels = rays * focal + np.array(size) / 2
        keypoints = np.where(seen[..., None] > 0, pixels, np.nan).astype(np.float32)
    return Clip(
        keypoints=keypoints,
        joints=motion.camera_joints + motion.root[:, None],
        confidence=motion.confidence,
        size=size,
        focal=focal or max(size) / 2 / np.tan(np.radians(DEFAULT_FOV) / 2),
        fps=motion.fps,
        video=str(video or ""),
        video_frame=first,
        begin=begin,
    )
