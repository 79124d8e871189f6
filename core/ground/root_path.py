"""Where the person is: the pelvis in camera metres, from how large and where the body appears.

With the focal length known, a joint at body-relative ``p`` seen along the ray ``(x, y, 1)`` gives
two equations that are linear in the pelvis ``r``: ``r_x - x r_z = x p_z - p_x``, and likewise in
y. Over a clip, with accelerations held small and standing feet held still, that is one banded
least-squares problem, solved a few times with the weight of joints that disagree taken down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from .bones import FEET

# Trust in each joint as a landmark, Human3.6M order. Detectors put nose and head elsewhere than
# the 3D skeleton does; pelvis, spine and thorax are means of others.
_TRUST = np.array([0, 0.7, 1, 1, 0.7, 1, 1, 0, 0, 0, 0, 1, 0.6, 0.4, 1, 0.6, 0.4])

# Standard deviations that balance the terms against each other: metres for a joint against its
# ray, metres a second for a standing ankle, metres for its height, metres a second squared for the
# pelvis; and how many seconds each of these errors lasts, so that more frames a second are not
# more knowledge.
_JOINT, _JOINT_LASTS = 0.04, 0.2
_ANKLE, _ANKLE_LASTS = 0.12, 0.2
_FLOOR, _FLOOR_LASTS, _STEP = 0.02, 0.3, 0.08  # ankle's height; a foot off by _STEP is elsewhere
_ANYWHERE, _LEVEL, _UPRIGHT, _ACCELERATION_LASTS = 3.0, 2.0, 8.0, 0.3

_NEAREST = 0.3  # metres in front of the camera
_ROUNDS = 5
_BAND = 8  # farthest coupling: two frames and two axes


@dataclass(frozen=True)
class Footing:
    """What is known of the ground.

    Attributes:
        up: (3,) unit vector, camera axes.
        stands: (frames, 2) probability that the left, the right foot stands still.
    """

    up: np.ndarray
    stands: np.ndarray


def rays(xy: np.ndarray, focal: float, size: tuple[int, int]) -> np.ndarray:
    """(..., 2) slopes x/z, y/z of the viewing rays of (..., 2) pixels."""
    return (xy - np.array(size) / 2) / focal


def root_path(
    joints: np.ndarray,
    rays: np.ndarray,
    confidence: np.ndarray,
    fps: float,
    footing: Footing | None = None,
) -> np.ndarray:
    """The pelvis over the clip.

    Args:
        joints: (frames, 17, 3) metres, camera axes, relative to the pelvis.
        rays: (frames, 17, 2) from `rays`.
        confidence: (frames, 17), 0 where a joint was not seen; frames that see nobody are bridged.
        fps: frames a second.
        footing: where known: feet that stand do not slide, and level motion is gentler than
            motion up and down.

    Returns:
        (frames, 3) camera metres.
    """
    trust = np.sqrt(np.clip(confidence, 0, 1)) * _TRUST
    if not (trust > 0).any():
        trust = np.ones_like(trust) * _TRUST
    rays = np.where(trust[..., None] > 0, rays, 0.0)
    weight = trust / (_JOINT**2 * max(1.0, _JOINT_LASTS * fps))
    band, pull = _motion_terms(joints, fps, footing)
    root = np.zeros((len(joints), 3))
    agreement = np.ones_like(trust)
    for turn in range(_ROUNDS):
        normal, right = _ray_terms(joints, rays, weight * agreement)
        if footing is not None and turn > 1:
            level, lift = _floor_terms(joints, root, fps, footing)
            normal, right = normal + level, right + lift
        root = _solve(band, normal, right + pull)
        root[:, 2] = np.maximum(root[:, 2], _NEAREST)
        agreement = 1 / (1 + (_misses(joints, rays, root) / (3 * _JOINT)) ** 2)
    return root


def _floor_terms(
    joints: np.ndarray, root: np.ndarray, fps: float, footing: Footing
) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 3, 3) and (frames, 3): standing ankles are all at one height, but for steps."""
    rises = joints[:, FEET] @ footing.up
    heights = rises + (root @ footing.up)[:, None]
    weight = footing.stands**2
    floor = _weighted_median(heights, weight)
    weight = weight / (1 + ((heights - floor) / _STEP) ** 2) ** 2
    weight = weight / (_FLOOR**2 * max(1.0, _FLOOR_LASTS * fps))
    level = weight.sum(1)[:, None, None] * np.outer(footing.up, footing.up)
    return level, (weight * (floor - rises)).sum(1)[:, None] * footing.up


def _weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    order = np.argsort(values, axis=None)
    total = np.cumsum(weight.ravel()[order])
    return float(values.ravel()[order][np.searchsorted(total, total[-1] / 2)])


def _misses(joints: np.ndarray, rays: np.ndarray, root: np.ndarray) -> np.ndarray:
    placed = joints + root[:, None]
    return np.linalg.norm(placed[..., :2] - rays * placed[..., 2:], axis=-1)


def _ray_terms(
    joints: np.ndarray, rays: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 3, 3) and (frames, 3): each frame's own least squares for the pelvis."""
    zero, one = np.zeros_like(weight), np.ones_like(weight)
    rows = np.stack(
        [np.stack([one, zero, -rays[..., 0]], -1), np.stack([zero, one, -rays[..., 1]], -1)], -2
    )
    targets = rays * joints[..., 2:] - joints[..., :2]
    normal = np.einsum("tj,tjki,tjkl->til", weight, rows, rows)
    return normal, np.einsum("tj,tjki,tjk->ti", weight, rows, targets)


def _motion_terms(
    joints: np.ndarray, fps: float, footing: Footing | None
) -> tuple[np.ndarray, np.ndarray]:
    """Upper band, (9, 3 frames), and right side, (frames, 3), of all that couples frames."""
    frames = len(joints)
    band, pull = np.zeros((_BAND + 1, frames, 3)), np.zeros((frames, 3))
    precision = np.eye(3) / _ANYWHERE**2
    if footing is not None:
        upright = np.outer(footing.up, footing.up)
        precision = (np.eye(3) - upright) / _LEVEL**2 + upright / _UPRIGHT**2
    _couple(band, (1, -2, 1), precision * fps**4 / max(1.0, _ACCELERATION_LASTS * fps))
    # Without enough frames or sights to fix a speed, none is assumed.
    _couple(band, (1, -1), np.eye(3) * 1e-3 * fps)
    if footing is not None and frames > 1:
        for foot, stands in zip(FEET, footing.stands.T, strict=True):
            held = np.minimum(stands[1:], stands[:-1]) ** 2
            held = held * fps**2 / (_ANKLE**2 * max(1.0, _ANKLE_LASTS * fps))
            band[_BAND, 1:] += held[:, None]
            band[_BAND, :-1] += held[:, None]
            band[_BAND - 3, 1:] -= held[:, None]
            slip = held[:, None] * np.diff(joints[:, foot], axis=0)
            pull[1:] -= slip
            pull[:-1] += slip
    return band.reshape(_BAND + 1, -1), pull


def _couple(band: np.ndarray, stencil: tuple[int, ...], precision: np.ndarray) -> None:
    """Add the square of a difference between neighbouring frames, everywhere, to the band."""
    runs = band.shape[1] - len(stencil) + 1
    if runs < 1:
        return
    for i, a in enumerate(stencil):
        for j, b in enumerate(stencil):
            for k in range(3):
                for m in range(3):
                    ahead = 3 * (j - i) + m - k
                    if ahead >= 0:
                        band[_BAND - ahead, j : j + runs, m] += a * b * precision[k, m]


def _solve(band: np.ndarray, normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    band = band.copy()
    frames = len(normal)
    for i in range(3):
        for j in range(i, 3):
            band[_BAND - (j - i), j::3] += normal[:, i, j]
    band[_BAND] += 1e-6
    return solveh_banded(band, right.reshape(-1)).reshape(frames, 3)
