"""The person in camera space: gaps filled, bones of one length, smoothed; and how to place it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import MotionError
from ..motion import Pose
from ..skeleton import COCO, network_joints
from ..track import Track
from .bones import assemble, bone_lengths, directions
from .root_path import Footing, rays, root_path
from .smoothing import fill_gaps, level, smooth


@dataclass(frozen=True)
class Body:
    """A body whose place is still to be found.

    Attributes:
        joints: (frames, 17, 3) metres, camera axes, relative to the pelvis.
        rays: (frames, 17, 2) slopes of the viewing rays of the 17 joints as detected.
        confidence: (frames, 17) of those.
        fps: frames a second.
    """

    joints: np.ndarray
    rays: np.ndarray
    confidence: np.ndarray
    fps: float

    def path(self, footing: Footing | None = None) -> np.ndarray:
        """(frames, 3) the pelvis, camera metres."""
        return root_path(self.joints, self.rays, self.confidence, self.fps, footing)


def body_of(pose: Pose, track: Track, height: float, smoothing: str) -> Body:
    """Make the lifted pose one body of constant bones; arguments as for `ground`.

    Raises:
        MotionError: nobody is seen, or no such level of smoothing.
    """
    seen = (pose.confidence > 0) & np.isfinite(pose.joints).all(-1)
    if not seen.any():
        raise MotionError(
            f"Nobody is seen in any frame of '{pose.name}'; there is nothing to lift."
        )
    raw = fill_gaps(np.nan_to_num(pose.joints.astype(float)), seen)
    turned = smooth(directions(raw), pose.fps, level(smoothing))
    turned = directions(assemble(turned, np.ones(len(turned[0]))))
    joints = assemble(turned, bone_lengths(raw, seen * 1.0, height))
    xy, found = track.select(COCO)
    xy, confidence = network_joints(np.nan_to_num(xy), found)
    return Body(joints, rays(xy, track.focal, track.size), confidence, pose.fps)
