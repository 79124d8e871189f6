"""Legs that reach a goal: two-bone inverse kinematics in closed form, and the pelvis that helps."""

from __future__ import annotations

import numpy as np

from .contact import widened
from .rotation import about, dot, swing, turn, unit

REACH = 0.9995
"""How far a leg stretches, as a share of its length."""
_BENT, _MORE = 0.96, 0.01
"""The stretch up to which a knee is bent enough, and how much more than the person's it may be."""
_YIELD = 0.15
"""Seconds over which the pelvis gives way before a leg would be too short."""


def reach(
    thigh: np.ndarray,
    shin: np.ndarray,
    hinge: np.ndarray,
    bones: tuple[np.ndarray, np.ndarray],
    goal: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The turns of thigh and shin after which the ankle lies at the goal.

    The knee bends or straightens about its own hinge, never through, then the whole leg swings.

    Args:
        thigh: (frames, 3, 3) turn of the thigh.
        shin: (frames, 3, 3) turn of the shin.
        hinge: (frames, 3) unit axis of the knee, positive is flexion.
        bones: (3,) each, at rest from hip to knee and from knee to ankle.
        goal: (frames, 3) from hip to ankle.

    Returns:
        The new turns of thigh and shin. A goal too far away is reached for.
    """
    upper, lower = turn(thigh, bones[0][None]), turn(shin, bones[1][None])
    first, second = np.linalg.norm(bones[0]), np.linalg.norm(bones[1])
    distance = np.linalg.norm(goal, axis=-1, keepdims=True)
    distance = np.clip(distance, 1.001 * abs(first - second), REACH * (first + second))
    cosine = (distance**2 - first**2 - second**2) / (2 * first * second)
    # The shin turns on a cone about the hinge: parts along the hinge, the thigh, and forward.
    along, forward = unit(upper), np.cross(hinge, unit(upper))
    direction = unit(lower)
    radius = np.sqrt(1 - dot(direction, hinge) ** 2)
    now = np.arctan2(dot(direction, forward), dot(direction, along))
    wanted = np.arccos(np.clip(cosine / np.maximum(radius, 1e-6), -1.0, 1.0))
    bent = about(hinge, (wanted - now)[:, 0])
    ankle = upper + turn(bent, lower)
    swung = swing(unit(ankle), unit(goal))
    return swung @ thigh, swung @ bent @ shin


def limits(own: np.ndarray, length: float) -> np.ndarray:
    """How far a leg may stretch (frames,): little more than the person's own, or a knee would pop.

    Args:
        own: (frames,) from the person's hip to the ankle, as large as the rig.
        length: of the rig's leg.
    """
    return length * np.clip(own / length + _MORE, _BENT, REACH)


def pelvis_drop(
    to_goals: list[np.ndarray], reaches: list[np.ndarray], up: np.ndarray, fps: float
) -> np.ndarray:
    """How far the pelvis must come down (frames,) for each leg to reach its goal.

    Args:
        to_goals: for each leg (frames, 3) from hip to the ankle's goal.
        reaches: for each leg (frames,) how far it may stretch.
        up: (3,) unit.
        fps: frames a second.
    """
    drop = np.zeros(len(to_goals[0]))
    for goal, length in zip(to_goals, reaches, strict=True):
        down = -(goal @ up)
        aside2 = np.maximum(np.sum(goal**2, -1) - down**2, 0.0)
        free = np.sqrt(np.maximum(length**2 - aside2, 0.0))
        drop = np.maximum(drop, down - free)
    return widened(drop, _YIELD, fps)
