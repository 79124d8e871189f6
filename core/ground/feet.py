"""A sense of the feet: which of them stands.

A lifted ankle trembles by more than a standing foot may move, above all along the line of sight;
in the picture the same foot stands still. So a small network looks at both, for each foot: how
fast the ankle moves in space and in the picture, how high it is, how the body is held over it and
moves, at the moment and shortly before and after. Trained by ``core.training.ground_net``.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter, minimum_filter1d, uniform_filter1d
from scipy.special import expit

from .body import Body
from .bones import FEET, leg_length
from .mass import mass_centre
from .perceptron import answer
from .smoothing import fill_gaps, low_pass, rate

_MOMENTS = (-0.2, -0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12, 0.2)  # seconds from the frame
_HIPS = [4, 1]
_RECENT = 1.0  # seconds
_NEAREST = 0.1  # metres in front of the camera
_BRIEF = 0.04  # seconds: no step and no lift is as short


def stands(body: Body, root: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Probability that a foot stands on something.

    Args:
        body: of the clip.
        root: (frames, 3) the pelvis, camera metres.
        up: (3,) unit vector, camera axes.

    Returns:
        (frames, 2) left and right foot.
    """
    sensed = expit(answer("feet", observe(body, root, up))[..., 0])
    return median_filter(sensed, (2 * round(_BRIEF * body.fps) + 1, 1), mode="nearest")


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
    mass = mass_centre(joints)
    mass_speed = rate(low_pass((mass + root) @ up, fps, 4.0), fps)
    lean = (mass[:, None] - ankles) - ((mass[:, None] - ankles) @ up)[..., None] * up
    both = np.ones((1, 2))
    return [
        _squash(level),
        _squash(rise),
        _squash(np.linalg.norm(quick, axis=-1)),
        _squash(travel)[:, None] * both,
        ankles @ up,
        height - height[:, ::-1],
        height - np.percentile(height.min(1), 10),
        height - recent[:, None],
        np.linalg.norm(ankles - hips, axis=-1),
        np.linalg.norm(lean, axis=-1),
        _squash(mass_speed)[:, None] * both,
        _squash(rate(mass_speed, fps) / 10)[:, None] * both,
        body.confidence[:, FEET],
        *_picture_signals(body, root, up),
    ]


def _picture_signals(body: Body, root: np.ndarray, up: np.ndarray) -> list[np.ndarray]:
    """(frames, 2) each, of the ankles in the picture, lengths at the person's distance.

    Steps as detected and as lifted, upwards and sideways. Lifted ones err less while the detector
    is unsure, and are blunter; so also how much the detected ankles tremble and how far, at rest
    and in motion, they are from the lifted.
    """
    fps, far = body.fps, root[:, None, 2:]
    seen = fill_gaps(body.rays[:, FEET], body.confidence[:, FEET] > 0)
    ankles = body.joints[:, FEET] + root[:, None]
    placed = ankles[..., :2] / np.maximum(ankles[..., 2:], _NEAREST)
    steady, apart = low_pass(seen, fps, 6.0), seen - placed
    quick = rate(low_pass(seen, fps, 11.0), fps) * far
    quick = _squash(np.linalg.norm(quick, axis=-1))
    return [
        *_climb_and_across(rate(steady, fps) * far, seen, up),
        *_climb_and_across(rate(low_pass(placed, fps, 11.0), fps) * far, placed, up),
        quick,
        quick[:, ::-1],
        _lasting((seen - steady) * far, fps),
        _lasting(apart * far, fps),
        _lasting(rate(low_pass(apart, fps, 6.0), fps) * far, fps),
    ]


def _climb_and_across(moved: np.ndarray, rays: np.ndarray, up: np.ndarray) -> list[np.ndarray]:
    """(frames, 2) each: how much of what moves in the picture there is upwards, and sideways."""
    upright = up[:2] - rays * up[2]
    upright = upright / np.maximum(np.linalg.norm(upright, axis=-1, keepdims=True), 1e-6)
    across = np.abs(moved[..., 0] * upright[..., 1] - moved[..., 1] * upright[..., 0])
    return [_squash((moved * upright).sum(-1)), _squash(across)]


def _lasting(errors: np.ndarray, fps: float) -> np.ndarray:
    """(frames, 2) logarithm of the mean length over a second of (frames, 2, 2) errors."""
    window = 2 * max(1, round(_RECENT / 2 * fps)) + 1
    lengths = np.linalg.norm(errors, axis=-1)
    return np.log(uniform_filter1d(lengths, window, axis=0, mode="nearest") + 1e-3)


def _squash(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(3 * np.abs(values))
