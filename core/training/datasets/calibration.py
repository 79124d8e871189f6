"""Cameras of the data sets: where they stood, and how their lenses bend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation


@dataclass(frozen=True)
class Stand:
    """Where a camera stood.

    Attributes:
        orientation: quaternion w, x, y, z that turns camera axes into the world's.
        position: (3,) millimetres in the world.
    """

    orientation: tuple[float, float, float, float]
    position: tuple[float, float, float]

    def from_world(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) metres in the world (Z up) to camera axes (x right, y down, z forward)."""
        turn = Rotation.from_quat(np.roll(self.orientation, -1)).as_matrix()
        return (points - np.array(self.position) / 1000) @ turn


@dataclass(frozen=True)
class Lens:
    """What a camera makes of a point.

    Attributes:
        name: the camera's serial number.
        size: of its picture, pixels.
        focal: x and y, pixels.
        centre: x and y, pixels.
        radial: coefficients of r², r⁴, r⁶.
        tangential: two coefficients.
    """

    name: str
    size: Sequence[int]
    focal: Sequence[float]
    centre: Sequence[float]
    radial: Sequence[float]
    tangential: Sequence[float]

    def project(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) metres in camera axes to (..., 2) pixels, with the lens's distortion.

        Human3.6M's model: like OpenCV's, but the tangential terms are half as large and both
        coefficients serve the axis of their own place.
        """
        xy = points[..., :2] / points[..., 2:]
        square = (xy**2).sum(-1, keepdims=True)
        radial = 1 + (square ** np.arange(1, 4) * self.radial).sum(-1, keepdims=True)
        tangential = (xy * self.tangential).sum(-1, keepdims=True)
        bent = xy * (radial + tangential) + square * self.tangential
        return bent * self.focal + self.centre
