"""A sense of balance: where is up.

Every frame offers directions that have to do with up: the trunk, the legs, the centre of mass over
each ankle and wrist, its velocity and acceleration. A small network sees only how these lie to one
another, which is the same however the camera is held, and says how much of each makes up. So the
answer turns with the body, and cannot learn a camera by heart. ``core.training.ground_net`` trains
it.
"""

from __future__ import annotations

import numpy as np

from .bones import FEET, leg_length
from .mass import mass_centre
from .perceptron import answer
from .smoothing import low_pass, rate

CLUES = 17
"""Number of directions that a frame offers."""

_LEFT, _RIGHT = [4, 11], [1, 14]
_ENDS = [*FEET, 13, 16]  # ankles and wrists: what a body is held up by
_MOMENTS = (-0.3, -0.16, -0.06, 0.0, 0.06, 0.16, 0.3)  # seconds from the frame


def votes(joints: np.ndarray, root: np.ndarray, fps: float) -> np.ndarray:
    """Each frame's vote for up.

    Args:
        joints: (frames, 17, 3) metres relative to the pelvis, camera axes.
        root: (frames, 3) the pelvis, camera metres.
        fps: frames a second.

    Returns:
        (frames, 3) camera axes, the surer the longer; see `gravity.fused`.
    """
    features, directions = observe(joints, root, fps)
    return np.einsum("tk,tki->ti", answer("balance", features), directions)


def observe(joints: np.ndarray, root: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """What the network is given; arguments as for `votes`.

    Returns:
        (frames, features) float32, the same in any axes; (frames, 17, 3) float32, the directions
        to be weighted, in the axes of the joints.
    """
    leg = max(leg_length(joints), 1e-6)
    joints, root = joints / leg, root / leg
    directions, speeds = _clues(joints, root, fps)
    first, second = np.triu_indices(CLUES)
    products = np.einsum("tki,tli->tkl", directions, directions)[:, first, second]
    features = [np.sign(products) * np.log1p(2 * np.abs(products))]
    stance = directions[:, 6:10]
    for moment in _MOMENTS:
        then = np.arange(len(joints)) + moment * fps
        then = np.clip(np.round(then).astype(int), 0, len(joints) - 1)
        features.append(np.log1p(3 * speeds[then]))
        if moment:
            features.append(np.einsum("tki,ti->tk", stance[then], directions[:, 0]))
            features.append((stance[then] ** 2).sum(-1))
    return np.concatenate(features, 1).astype(np.float32), directions.astype(np.float32)


def _clues(joints: np.ndarray, root: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 17, 3) directions, lengths in legs, and (frames, 4) speeds of ankles and wrists."""
    trunk = joints[:, 8] - joints[:, 0]
    left, forward = _sideways(joints, trunk)
    mass = mass_centre(joints)
    velocity = low_pass(rate(low_pass(mass + root, fps, 4.0), fps), fps, 4.0)
    acceleration = low_pass(rate(velocity, fps), fps, 2.5)
    steps = rate(low_pass(joints[:, _ENDS] + root[:, None], fps, 6.0), fps)
    directions = [
        trunk,
        2 * (joints[:, 10] - joints[:, 8]),
        *(2 * (joints[:, a] - joints[:, b]) for a, b in ((4, 5), (1, 2), (5, 6), (2, 3))),
        *(mass - joints[:, end] for end in _ENDS),
        forward,
        left,
        acceleration / 10,
        velocity,
        steps[:, 0],
        steps[:, 1],
        _unit(root),
    ]
    return np.stack(directions, 1), np.linalg.norm(steps, axis=-1)


def _sideways(joints: np.ndarray, trunk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors to the subject's left and forward, square to the trunk."""
    trunk = _unit(trunk)
    across = (joints[:, _LEFT] - joints[:, _RIGHT]).sum(1)
    left = _unit(across - trunk * (across * trunk).sum(-1, keepdims=True))
    return left, np.cross(left, trunk)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
