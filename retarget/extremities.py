"""Head, feet and hands as the motion says that they are turned, where it does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..core.motion import Motion
from ..core.skeleton import EXTREMITIES
from .frames import SIDES, Frames, joint
from .placement import Ground
from .rest_body import RestBody
from .rotation import between, columns, reject, swing, transpose, turn, unit

_UNKNOWN, _KNOWN = 0.15, 0.4
"""Confidence up to which a part is not believed, and from which it is altogether."""
_CHANGE = 0.1
"""Seconds over which belief comes and goes."""
_FEWEST = 4
"""Fingers that make a palm."""
_NAMES = ("head", "foot.L", "foot.R", "hand.L", "hand.R")


@dataclass(frozen=True)
class Seen:
    """Turns away from rest (frames, 3, 3) as seen, and belief in them (frames,), 0..1."""

    turn: np.ndarray
    belief: np.ndarray

    def over(self, other: np.ndarray) -> np.ndarray:
        """The turn as far as it is believed, the other one (frames, 3, 3) for the rest."""
        if not self.belief.any():
            return other
        return between(other, self.turn, self.belief)


def seen_extremities(
    motion: Motion, ground: Ground, body: RestBody, rest: Frames
) -> dict[str, Seen]:
    """What the motion says of "head", "foot.L", "foot.R", "hand.L" and "hand.R".

    Args:
        motion: in world axes.
        ground: how these lie in armature space.
        body: the rig at rest.
        rest: its frames.
    """
    axes, confidence = motion.extremities, motion.extremity_confidence
    if axes is None or confidence is None:
        nothing = Seen(np.eye(3)[None], np.zeros(motion.frames))
        return dict.fromkeys(_NAMES, nothing)
    axes = ground.turn @ np.asarray(axes, np.float64)
    order = list(range(len(EXTREMITIES)))
    if np.linalg.det(ground.turn) < 0:  # seen in a mirror, left is right
        axes, order = axes @ np.diag([-1.0, 1.0, 1.0]), [0, 2, 1, 4, 3]
    belief = np.clip((confidence - _UNKNOWN) / (_KNOWN - _UNKNOWN), 0.0, 1.0)
    belief = gaussian_filter1d(belief, _CHANGE * motion.fps, axis=0, mode="nearest")
    at_rest = {"head": rest["head"][0]}
    for side in SIDES:
        at_rest[f"foot.{side}"] = rest_foot(body, side)
        at_rest[f"hand.{side}"] = rest_hand(body, side)
    return {
        name: Seen(axes[:, i] @ transpose(at_rest[name]), belief[:, i])
        for name, i in zip(_NAMES, order, strict=True)
    }


def rest_foot(body: RestBody, side: str) -> np.ndarray:
    """(3, 3) axes of a foot at rest, left, up and forward, as it would stand."""
    up, ankle = body.axes[:, 1], joint(body.joints[None], "ankle", side)[0]
    ahead = unit(reject(body.ball(side) - ankle, up))
    return columns(np.cross(up, ahead), up, ahead)


def rest_hand(body: RestBody, side: str) -> np.ndarray:
    """(3, 3) axes of a hand at rest: forward along the fingers, up on its back.

    Fingers tell where the palm is; without them a hand that is stretched out to the side has it
    below, and takes it along when it is let down.
    """
    elbow, wrist = (joint(body.joints[None], name, side)[0] for name in ("elbow", "wrist"))
    forward = unit(wrist - elbow)
    aside = body.axes[:, 0] * (1.0 if side == "L" else -1.0)
    back = turn(swing(aside, forward), body.axes[:, 1])
    hand = body.index(f"hand.{side}")
    if hand is not None:
        along = unit(body.tail_of(hand) - wrist)
        forward = along if along @ forward > 0.5 else forward
        fingers = body.rig.rest[body.rig.parents == hand, :3, 3] - wrist
        if len(fingers) >= _FEWEST:
            flat = np.linalg.svd(fingers)[2][2]
            flat = flat * np.sign(flat @ back)
            back = flat if flat @ back > 0.5 else back
    back = unit(reject(back, forward))
    return columns(np.cross(back, forward), back, forward)
