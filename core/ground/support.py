"""Up as the feet have it.

The votes of `balance` look at moments. Over a clip more is known: the places where feet stood lie
level, and what the ground gives, a force against gravity and for the mass's acceleration, comes
from within a foot and goes through the centre of mass, or the body would tumble. Both are linear in
up, so that with the votes they make one small least-squares problem.
"""

from __future__ import annotations

import numpy as np

from .bones import FEET, leg_length
from .mass import mass_centre
from .smoothing import low_pass, rate

_ROUNDS = 3
_FEW = 10.0  # frames of standing below which nothing is levelled
# Trust in level ground and in balance against trust in the votes.
_LEVELLING, _BALANCING = 12.0, 6.0
# Lengths in legs.
_OFF_LEVEL = 0.06  # a foot that is off the others' level by this counts half
_SOLE, _AHEAD = 0.09, 0.08  # the middle of the sole below and ahead of the ankle
_OFF_MIDDLE = 0.06  # about which the force wanders, as a standard deviation
_TUMBLING = 0.1  # off the support by this, something else is likely to hold the body: counts half
_SITS, _UPRIGHT = 0.75, 1.0  # height of the mass from which, and up to which, feet carry it more
_GRAVITY = 11.0  # legs a second squared
_FREE_FALL = 0.3  # share of gravity below which the ground carries nothing
_KNEES, _HIPS = [5, 2], [4, 1]


def settled(up: np.ndarray, joints: np.ndarray, stands: np.ndarray, fps: float) -> np.ndarray:
    """Turn up a little, so that feet stood on level ground and the body was in balance over them.

    Steps and ladders are not bent to a plane, and who sits or leans on something is not stood up:
    what is far off hardly counts.

    Args:
        up: (3,) unit vector, camera axes.
        joints: (frames, 17, 3) camera metres.
        stands: (frames, 2) probability that the left, the right foot stands.
        fps: frames a second.

    Returns:
        (3,) unit vector.
    """
    joints = joints / max(leg_length(joints), 1e-6)
    mass = mass_centre(joints)
    velocity = low_pass(rate(low_pass(mass, fps, 4.0), fps), fps, 4.0)
    acceleration = low_pass(rate(velocity, fps), fps, 2.5)
    turned = up
    for _ in range(_ROUNDS):
        level = _level(turned, joints[:, FEET], stands)
        carried, pull = _balance(turned, joints, stands, mass, acceleration)
        turned = np.linalg.solve(np.eye(3) + level + carried, up + pull)
        turned /= np.linalg.norm(turned)
    return turned


def _level(up: np.ndarray, ankles: np.ndarray, stands: np.ndarray) -> np.ndarray:
    """(3, 3): how far the places where feet stood spread, those at one level above all."""
    weight, places = stands.ravel() ** 2, ankles.reshape(-1, 3)
    total = weight.sum()
    if total < _FEW:
        return np.zeros((3, 3))
    heights = (places - weight @ places / total) @ up
    near = weight / (1 + (heights / _OFF_LEVEL) ** 2)
    spread = places - near @ places / near.sum()
    return _LEVELLING / total * (spread * near[:, None]).T @ spread


def _balance(
    up: np.ndarray,
    joints: np.ndarray,
    stands: np.ndarray,
    mass: np.ndarray,
    acceleration: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(3, 3) and (3,): normal equations for the up that has the body in balance.

    On two feet the force comes from anywhere between them.
    """
    flat = np.eye(3) - np.outer(up, up)
    ankles = joints[:, FEET]
    share = stands / np.maximum(stands.sum(1, keepdims=True), 1e-6)
    across = (joints[:, _HIPS[0]] - joints[:, _HIPS[1]])[:, None]
    ahead = np.cross(across, joints[:, _KNEES] - ankles) @ flat
    ahead /= np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-6)
    support = (share[..., None] * (ankles + _AHEAD * ahead)).sum(1) - _SOLE * up
    lever = mass - support
    height = lever @ up
    reach = height / np.maximum(1 + acceleration @ up / _GRAVITY, _FREE_FALL)
    lever = lever - acceleration * (reach / _GRAVITY)[:, None]  # in balance it is reach times up

    between = (ankles[:, 0] - ankles[:, 1]) @ flat
    loose = share.prod(1) / 3  # of the line between the feet, squared, is its variance there
    loose = loose / (_OFF_MIDDLE**2 + loose * (between**2).sum(1))
    precise = flat - loose[:, None, None] * between[:, :, None] * between[:, None, :]
    off = np.einsum("ti,tij,tj->t", lever, precise, lever)
    trust = stands.max(1) ** 2 * np.clip((height - _SITS) / (_UPRIGHT - _SITS), 0, 1)
    trust *= _BALANCING / len(joints) / (1 + off / _TUMBLING**2)
    normal = np.einsum("t,tij->ij", trust * reach**2, precise)
    return normal, np.einsum("t,tij,tj->i", trust * reach, precise, lever)
