"""A sense of the feet: which of them stands.

A lifted ankle trembles by more than a standing foot may move, above all along the line of sight;
in the picture the same foot stands still. So a small network looks at both, for each foot: how
fast the ankle moves in space and in the picture, how high it is, how the body is held over it and
moves, at the moment and shortly before and after. Trained by ``core.training.ground_net``.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.special import expit

from .body import Body
from .bones import FEET, leg_length
from .mass import mass_centre
from .perceptron import answer
from .smoothing import fill_gaps, low_pass, rate

_MOMENTS = (-0.2, -0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12, 0.2)  # seconds from the frame
_HIPS = [4, 1]
_RECENT = 1.0  # seconds


def stands(body: Body, root: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Probability that a foot stands on something.

    Args:
        body: of the clip.
        root: (frames, 3) the pelvis, camera metres.
        up: (3,) unit vector, camera axes.

    Returns:
        (frames, 2) left and right foot.
    """
    return expit(answer("feet", observe(body, root, up))[..., 0])


def observe(body: Body, root: np.ndarray, up: np.ndarray) -> np.ndarray:
    """What the network is given, lengths in legs: (frames, 2, features) float32, left and right.

    The two feet are seen alike; arguments as for `stands`.
    """
    signals = np.stack(_signals(body, root, up), -1)
    frames = np.arange(len(signals))
    moments = [np.round(frames + moment * body.fps).astype(int) for moment in _MOMENTS]
    parts = [signals[np.clip(then, 0, len(signals) - 1)] for then in moments]
    return np.concatenate(parts, -1).astype(np.float32)


def _signals(body: Body, root: np.ndarray, up: np.ndarray) -> list[np.ndarray]:
    """(frames, 2) each."""
    leg = max(leg_length(body.joints), 1e-6)
    joints, root, fps = body.joints / leg, root / leg, body.fps
    ankles, hips = joints[:, FEET], joints[:, _HIPS]
    height = (ankles + root[:, None]) @ up
    lowest = low_pass(height.min(1), fps, 2.0)
    reach = max(1, round(_RECENT * fps))
    recent = minimum_filter1d(lowest, 2 * reach + 1, mode="nearest")
    steps = rate(low_pass(ankles + root[:, None], fps, 6.0), fps)
    quick = rate(low_pass(ankles + root[:, None], fps, 11.0), fps)
    travel = rate(low_pass(root, fps, 2.0), fps)
    travel = np.linalg.norm(travel - (travel @ up)[:, None] * up, axis=-1)
    rise = steps @ up
    level = np.linalg.norm(steps - rise[..., None] * up, axis=-1)
    climb, across, seen, tremble = _picture_steps(body, root, up)
    mass = mass_centre(joints)
    mass_speed = rate(low_pass((mass + root) @ up, fps, 4.0), fps)
    lean = (mass[:, None] - ankles) - ((mass[:, None] - ankles) @ up)[..., None] * up
    both = np.ones((1, 2))
    return [
        _squash(level),
        _squash(rise),
        _squash(np.linalg.norm(quick, axis=-1)),
        _squash(travel)[:, None] * both,
        _squash(climb),
        _squash(across),
        _squash(seen),
        _squash(seen)[:, ::-1],
        tremble,
        ankles @ up,
        height - height[:, ::-1],
        height - np.percentile(height.min(1), 10),
        height - recent[:, None],
        np.linalg.norm(ankles - hips, axis=-1),
        np.linalg.norm(lean, axis=-1),
        _squash(mass_speed)[:, None] * both,
        _squash(rate(mass_speed, fps) / 10)[:, None] * both,
        body.confidence[:, FEET],
    ]


def _picture_steps(body: Body, root: np.ndarray, up: np.ndarray) -> list[np.ndarray]:
    """(frames, 2) each, of the ankles as seen, at the person's distance.

    Speed up and sideways; speed, less smoothed; and how much they tremble, as a logarithm.
    """
    rays = fill_gaps(body.rays[:, FEET], body.confidence[:, FEET] > 0)
    far = root[:, None, 2:]
    steady = low_pass(rays, body.fps, 6.0)
    moved = rate(steady, body.fps) * far
    upright = up[:2] - rays * up[2]
    upright = upright / np.maximum(np.linalg.norm(upright, axis=-1, keepdims=True), 1e-6)
    climb = (moved * upright).sum(-1)
    across = np.abs(moved[..., 0] * upright[..., 1] - moved[..., 1] * upright[..., 0])
    quick = rate(low_pass(rays, body.fps, 11.0), body.fps) * far
    tremble = uniform_filter1d(
        np.linalg.norm((rays - steady) * far, axis=-1),
        2 * max(1, round(_RECENT / 2 * body.fps)) + 1,
        axis=0,
        mode="nearest",
    )
    return [climb, across, np.linalg.norm(quick, axis=-1), np.log(tremble + 1e-3)]


def _squash(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(3 * np.abs(values))
