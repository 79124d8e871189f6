"""Pose + Track → Motion: root path, gravity, floor, contacts, smoothing, constant bones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..errors import MotionError
from ..motion import Motion, Pose
from ..track import Track
from .balance import votes
from .body import body_of
from .contacts import floor_contacts
from .extremities import extremity_axes
from .feet import stands
from .floor import floor_heights, raise_sunk, world_axes
from .gravity import given_up, upwards
from .root_path import Footing
from .support import settled

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
        MotionError: pose and track differ in frames, or a bad option.
    """
    _check(pose, track, height)
    report = progress or (lambda _: None)
    body = body_of(pose, track, height, smoothing)
    report(0.3)
    root = body.path()
    known = (pose.confidence > 0).any(1)  # elsewhere the pose is made up and says nothing
    voted = upwards(votes(body.joints, root, body.fps)[known])
    up = voted if camera_up is None else given_up(camera_up)
    report(0.5)
    standing = stands(body, root, up) * known[:, None]
    if camera_up is None:
        placed = body.joints + body.path(Footing(up, standing))[:, None]
        up = settled(up, placed, standing, body.fps)
    report(0.7)
    root = body.path(Footing(up, standing))
    report(0.9)

    start = max(1, round(0.3 * body.fps))
    axes = world_axes(body.joints[:start], up)
    world = (body.joints + root[:, None]) @ axes.T
    floor, most = floor_heights(world, standing, body.fps)
    world -= (*world[0, 0, :2], floor)
    contacts = floor_contacts(world, standing, most - floor, body.fps)
    world = raise_sunk(world, body.fps)
    turned, seen = extremity_axes(body.joints, root, track, up, contacts, height)
    report(1.0)
    return Motion(
        joints=world.astype(np.float32),
        camera_joints=np.nan_to_num(pose.joints).astype(np.float32),
        root=root.astype(np.float32),
        confidence=pose.confidence,
        contacts=contacts.astype(np.float32),
        gravity=(-up).astype(np.float32),
        fps=pose.fps,
        name=pose.name,
        person=pose.person,
        extremities=(axes @ turned).astype(np.float32),
        extremity_confidence=seen.astype(np.float32),
    )


def _check(pose: Pose, track: Track, height: float) -> None:
    if len(pose.joints) != track.frames or not track.frames:
        raise MotionError(
            f"The pose has {len(pose.joints)} frames and its track {track.frames}; lift the track "
            "that is to be grounded."
        )
    if not 0.3 <= height <= 3.0:
        raise MotionError(f"A height of {height:g} m is not a person's; give metres, 0.3 to 3.")
