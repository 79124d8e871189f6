"""Pose + Track → Motion: root path, gravity, floor, contacts, smoothing, constant bones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..errors import MotionError
from ..motion import Motion, Pose
from ..skeleton import COCO, network_joints
from ..track import Track
from .bones import assemble, bone_lengths, directions
from .contacts import foot_contacts
from .floor import floor_height, world_axes
from .gravity import body_axis, given_up
from .root_path import rays, root_path
from .smoothing import fill_gaps, level, low_pass, smooth

__all__ = ["ground"]


def ground(
    pose: Pose,
    track: Track,
    *,
    height: float = 1.70,
    smoothing: str = "light",
    camera_up: Sequence[float] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Motion:
    """Put a lifted pose into a world with a floor.

    Args:
        pose: root-relative camera metres, one row for every frame of the track.
        track: the 2D keypoints that were lifted, with focal length and picture size.
        height: of the person, metres, from floor to crown; sets the scale of everything.
        smoothing: "off", "light" or "strong".
        camera_up: (3,) direction of up in camera axes (x right, y down, z forward) where the user
            knows better; estimated from the motion if None.
        progress: called with 0..1; may raise `core.errors.Cancelled`.

    Raises:
        MotionError: pose and track differ in frames, nothing to stand on, or a bad option.
    """
    _check(pose, track, height)
    amount = level(smoothing)
    report = progress or (lambda _: None)

    seen = (pose.confidence > 0) & np.isfinite(pose.joints).all(-1)
    raw = np.where(seen[..., None], pose.joints.astype(float), 0.0)
    raw = fill_gaps(raw, seen)
    lengths = bone_lengths(raw, seen * 1.0, height)
    turned = smooth(directions(raw), pose.fps, amount)
    joints = assemble(directions(assemble(turned, np.ones(17))), lengths)
    report(0.3)

    xy, found = track.select(COCO)
    xy, confidence = network_joints(np.nan_to_num(xy), found)
    root = root_path(joints, rays(xy, track.focal, track.size), confidence, pose.fps)
    if amount:
        root = low_pass(root, pose.fps, amount.quick / 2)
    report(0.6)

    up = body_axis(joints, pose.confidence) if camera_up is None else given_up(camera_up)
    start = max(1, round(0.3 * pose.fps))
    axes = world_axes(joints[:start], up)
    world = (joints + root[:, None]) @ axes.T
    contacts = foot_contacts(world, pose.fps)
    world -= (*world[0, 0, :2], floor_height(world, contacts))
    report(1.0)
    return Motion(
        joints=world.astype(np.float32),
        camera_joints=pose.joints,
        root=root.astype(np.float32),
        confidence=pose.confidence,
        contacts=contacts.astype(np.float32),
        gravity=(-up).astype(np.float32),
        fps=pose.fps,
        name=pose.name,
        person=pose.person,
    )


def _check(pose: Pose, track: Track, height: float) -> None:
    if len(pose.joints) != track.frames or not track.frames:
        raise MotionError(
            f"The pose has {len(pose.joints)} frames and its track {track.frames}; lift the track "
            "that is to be grounded."
        )
    if not 0.3 <= height <= 3.0:
        raise MotionError(f"A height of {height:g} m is not a person's; give metres, 0.3 to 3.")
