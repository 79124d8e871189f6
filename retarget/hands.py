"""Hands of which only the wrist is known: how they roll, and holding still those that rest."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_opening, gaussian_filter1d

from .chain import point_path
from .contact import contact_runs, hold
from .frames import SIDES, Frames, joint
from .leg import reach
from .rest_body import RestBody
from .rotation import about, dot, swing, turn
from .trunk import Turns

_RESTS = 0.12
"""Speed below which a hand is at rest, legs a second."""
_AT_LEAST = 0.3
"""Seconds: what is shorter is a turning point."""
_ROLLS = 0.1
"""Seconds over which a hand rolls along with its forearm."""


def steady_roll(forearm: np.ndarray, fps: float) -> np.ndarray:
    """What a hand turns (frames, 3, 3) away from its forearm to leave out sudden rolls.

    The elbow of a nearly straight arm may roll over in a moment; there the wrist takes it up.

    Args:
        forearm: (frames, 3, 3) its frame: hinge, along, forward.
        fps: frames a second.
    """
    hinge, along = forearm[..., 0], forearm[..., 1]
    carried = turn(swing(along[:-1], along[1:]), hinge[:-1])
    sine, cosine = dot(np.cross(carried, hinge[1:]), along[1:]), dot(carried, hinge[1:])
    roll = np.concatenate([[0.0], np.cumsum(np.arctan2(sine, cosine))])
    steady = gaussian_filter1d(roll, _ROLLS * fps, mode="nearest")
    return about(along, steady - roll)


def hold_hands(
    turns: Turns,
    frames: Frames,
    joints: np.ndarray,
    pelvis: np.ndarray,
    body: RestBody,
    parents: np.ndarray,
    fps: float,
) -> Turns:
    """The turns of arms whose hands stay in place while the person's are at rest.

    Args:
        turns: (frames, 3, 3) of the bones that turn.
        frames: of the person's parts.
        joints: (frames, 17, 3) the person, as large as the rig.
        pelvis: (frames, 3) the middle of the rig's hip joints.
        body: the rig at rest.
        parents: who moves along with whom.
        fps: frames a second.
    """
    hips = body.chain("hips")[0]
    found: Turns = {}
    for side in SIDES:
        upper, lower = (body.index(f"{part}.{side}") for part in ("upper_arm", "forearm"))
        assert upper is not None
        assert lower is not None
        shoulder, elbow, wrist = (
            joint(body.joints[None], name, side)[0] for name in ("shoulder", "elbow", "wrist")
        )
        known = (body.joints[0], hips, pelvis)
        start = point_path(shoulder, int(parents[upper]), known, body.rig, turns, parents)
        arm = turn(turns[upper], (elbow - shoulder)[None])
        arm = arm + turn(turns[lower], (wrist - elbow)[None])
        runs = _rests(joint(joints, "wrist", side), body.leg, fps)
        held = start + arm
        for first, end in runs:
            held[first:end] = held[first:end].mean(0)
        goal = hold(start + arm, held, runs, fps) - start
        found[upper], found[lower] = reach(
            turns[upper],
            turns[lower],
            frames[f"upper_arm.{side}"][..., 0],
            (elbow - shoulder, wrist - elbow),
            goal,
        )
    return found


def _rests(wrist: np.ndarray, leg: float, fps: float) -> list[tuple[int, int]]:
    """First frame, and frame after the last, of every rest of a wrist (frames, 3)."""
    if len(wrist) < 2:
        return []
    speed = np.linalg.norm(np.gradient(wrist, axis=0), axis=-1) * fps
    slow = binary_opening(speed < _RESTS * leg, np.ones(max(1, round(_AT_LEAST * fps))))
    return contact_runs(slow.astype(np.float64), fps)
