"""The bend of the trunk shared over the bones of a spine."""

from __future__ import annotations

import numpy as np

from .rotation import about, between, part, swing, to_vector, transpose, turn, unit

HIP_LAG = 0.45
"""How far the hips lag behind the lower trunk, as a share of the trunk's own bend.

The line from pelvis to spine joint is the middle of a bend that begins at the hips. Measured on
motion capture with true rotations: 0.35 to 0.6.
"""
_ROUNDS = 3


def tilt_hips(lower: np.ndarray, chest: np.ndarray, left: np.ndarray) -> np.ndarray:
    """The turn of the hips, from that of the line that runs from the pelvis to the spine joint.

    Args:
        lower: (frames, 3, 3) turn of the lower trunk; keeps the line through the hip joints.
        chest: (frames, 3, 3) turn of the chest.
        left: (3,) the direction from the right to the left hip joint at rest.
    """
    bend = to_vector(transpose(lower) @ chest) @ left
    return lower @ about(left, -HIP_LAG * bend)


def bend_spine(
    hips: np.ndarray, chest: np.ndarray, links: np.ndarray, goal: np.ndarray
) -> list[np.ndarray]:
    """The turns of the spine's bones, lowest first.

    Each bone turns from the hips towards the chest by its share of the length, the last one all
    the way; then those below the last lean over until the neck lies where it should.

    Args:
        hips: (frames, 3, 3) turn of the hips.
        chest: (frames, 3, 3) turn of the chest.
        links: (1 + bones, 3) at rest, from the pelvis to the first bone's head, from there to the
            next bone's, and so on; the last one from the last bone's head to the neck base.
        goal: (frames, 3) direction from pelvis to neck base.

    Returns:
        Turns (frames, 3, 3), one a bone.
    """
    lengths = np.linalg.norm(links[1:], axis=-1)
    shares = np.cumsum(lengths) / lengths.sum()
    turns = [between(hips, chest, share) for share in shares[:-1]] + [chest]
    free = links[1:-1]
    if len(free) == 0:
        return turns
    weights = np.cumsum(np.linalg.norm(free, axis=-1)) / np.linalg.norm(free, axis=-1).sum()
    fixed = turn(hips, links[0]) + turn(chest, links[-1])
    for _ in range(_ROUNDS):
        movable = np.sum([turn(t, link) for t, link in zip(turns, free, strict=False)], axis=0)
        lean = _lean(movable, fixed, goal)
        for i, weight in enumerate(weights):
            turns[i] = part(lean, weight) @ turns[i]
    return turns


def _lean(movable: np.ndarray, fixed: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """The rotation of `movable` after which `fixed + movable` points along `goal`."""
    direction = unit(goal)
    # Where the sphere about the end of `fixed`, of the radius of `movable`, meets the goal's ray.
    along = np.sum(fixed * direction, -1, keepdims=True)
    radius2 = np.sum(movable**2, -1, keepdims=True)
    gap2 = np.sum(fixed**2, -1, keepdims=True) - along**2
    reach = along + np.sqrt(np.maximum(radius2 - gap2, 0.0))
    return swing(unit(movable), unit(reach * direction - fixed))
