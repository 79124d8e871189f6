"""The axis that a knee or elbow bends about, also where the limb is straight.

The plane of a bent limb gives its hinge; of a straight one it says nothing, and there naive
methods spin. Here the hinge of a whole clip is found at once: an angle about the upper bone,
measured from a natural axis, weighed by how far the limb is bent, smooth in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from .rotation import about, dot, reject, swing, turn, unit

NATURAL_WEIGHT = np.sin(np.radians(6.0)) ** 2
"""Weight of the natural axis: that of a limb bent by 6 degrees."""
SMOOTHING = 0.05
"""Seconds over which the hinge of a limb bent by a right angle is smoothed."""
STRONG_BEND = np.sin(np.radians(30.0))
"""Sine of the bend from which a limb's plane is believed even against its neighbours."""


@dataclass(frozen=True)
class KnownHinge:
    """A rig's hinge that is not quite at right angles to the limb's bones.

    Attributes:
        natural: (3,) the axis, in trunk axes, where the upper bone points in its natural direction.
        slant: the cosines of its angles to the upper and to the lower bone.
        most: the largest angle from the limb's plane at which it is looked for, that at rest.
    """

    natural: np.ndarray
    slant: tuple[float, float]
    most: float

    @classmethod
    def of(
        cls,
        axis: np.ndarray,
        upper: np.ndarray,
        lower: np.ndarray,
        direction: np.ndarray,
        trunk: np.ndarray,
    ) -> KnownHinge:
        """From a rest pose: unit vectors (3,), and the trunk's axes (3, 3)."""
        slant = (float(axis @ upper), float(axis @ lower))
        natural = trunk.T @ swing(upper, direction) @ unit(reject(axis, upper))
        at_rest = cls(natural, slant, np.pi / 2)._off_plane(upper[None], lower[None])
        return cls(natural, slant, abs(float(at_rest[0])))

    def squared(self, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """The lower bone's direction (frames, 3), turned about the upper until the plane of both is
        at right angles to the hinge."""
        return turn(about(upper, self._off_plane(upper, lower)), lower)

    def _off_plane(self, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Angles (frames,) about the upper bone from the plane's normal to the hinge."""
        cosine = np.sum(upper * lower, axis=-1)
        sine = np.sqrt(np.maximum(1 - cosine**2, 1e-12))
        first, second = self.slant
        share = (first * cosine - second) / (sine * np.sqrt(1 - first**2))
        return np.clip(np.arcsin(np.clip(share, -1.0, 1.0)), -self.most, self.most)


def hinge_axis(
    upper: np.ndarray,
    lower: np.ndarray,
    body: np.ndarray,
    rest_direction: np.ndarray,
    rest_hinge: np.ndarray,
    doubt: float,
    most: float,
    fps: float,
) -> np.ndarray:
    """The unit axis about which the lower bone bends by a positive angle, every frame.

    Args:
        upper: (frames, 3) unit direction of the upper bone.
        lower: (frames, 3) unit direction of the lower bone.
        body: (frames, 3, 3) axes of the part of the trunk that the limb hangs on.
        rest_direction: (3,) in body axes, where the upper bone naturally points.
        rest_hinge: (3,) in body axes, its natural hinge there; elsewhere it is carried along by
            the smallest rotation.
        doubt: bend in radians up to which the limb's plane says nothing.
        most: angle in radians from the natural axis beyond which no limb bends.
        fps: frames a second.

    Returns:
        (frames, 3) at right angles to `upper`. Where the limb is bent the wrong way a little, the
        axis is kept, so that the bend about it is negative.
    """
    local = turn(np.swapaxes(body, -1, -2), upper)
    natural = turn(body @ swing(rest_direction, unit(local)), rest_hinge)
    across = np.cross(upper, natural)
    normal = np.cross(upper, lower)
    sine = np.linalg.norm(normal, axis=-1)
    # As a complex number: the angle from the natural axis.
    measured = dot(normal, natural)[:, 0] + 1j * dot(normal, across)[:, 0]
    weight = np.maximum(sine**2 - np.sin(doubt) ** 2, 0.0)
    measured = measured / np.maximum(sine, 1e-9)
    weight = np.where(measured.real < np.cos(most), 0.0, weight)
    mean = _smooth(weight, weight * measured, fps)
    agrees = (measured * mean.conj()).real >= 0
    believed = np.where(agrees | (sine > STRONG_BEND), weight, 0.0)
    if (believed < weight).any():
        mean = _smooth(believed, believed * measured, fps)
    angle = _steady_angle(mean, measured, believed, fps)[:, None]
    return unit(reject(np.cos(angle) * natural + np.sin(angle) * across, upper))


def _smooth(weight: np.ndarray, weighted: np.ndarray, fps: float) -> np.ndarray:
    """Complex z of least sum |z - measured|^2 weight + |z - 1|^2 natural + stiffness |dz|^2."""
    return _steady(weight + NATURAL_WEIGHT, weighted + NATURAL_WEIGHT, fps)


def _steady_angle(
    mean: np.ndarray, measured: np.ndarray, weight: np.ndarray, fps: float
) -> np.ndarray:
    """Angles (frames,) near those of `mean`, likewise, but smooth as angles.

    Where a limb turns over while it is straight, `mean` passes by zero and its angle jumps.
    """
    direction = mean / np.maximum(np.abs(mean), 1e-9)
    near = np.unwrap(np.angle(direction))
    seen, natural = (near + np.angle(z * direction.conj()) for z in (measured, 1.0))
    return _steady(weight + NATURAL_WEIGHT, weight * seen + NATURAL_WEIGHT * natural, fps)


def _steady(diagonal: np.ndarray, target: np.ndarray, fps: float) -> np.ndarray:
    """The z (frames,) of least sum diagonal |z - target / diagonal|^2 + stiffness |dz|^2."""
    if len(target) == 1:
        return target / diagonal
    stiffness = (SMOOTHING * fps) ** 2
    diagonal = diagonal + stiffness
    diagonal[1:-1] += stiffness
    banded = np.stack([diagonal, np.full(len(target), -stiffness)])
    solved = solveh_banded(banded, np.stack([target.real, target.imag], -1), lower=True)
    return solved[:, 0] + 1j * solved[:, 1] if np.iscomplexobj(target) else solved[:, 0]


def straighten(upper: np.ndarray, lower: np.ndarray, hinge: np.ndarray, least: float) -> np.ndarray:
    """The lower bone's unit direction with a bend about its hinge of the sine `least`, at least."""
    forward = np.cross(hinge, upper)
    bend = dot(lower, forward)
    return unit(lower - np.minimum(bend - least, 0.0) * forward)
