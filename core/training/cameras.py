"""Virtual cameras for training and evaluation; camera axes are x right, y down, z forward."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..track import DEFAULT_FOV
from .constants import constant

_NEAREST = 1.0  # metres before a camera
_ASPECTS = (16 / 9, 9 / 16, 4 / 3, 1.0)  # width over height


@dataclass(frozen=True)
class Cameras:
    """One camera for each window.

    Attributes:
        rotation: (batch, 3, 3) world to camera.
        position: (batch, 3) where the point that is looked at lies, camera metres.
        half: (batch, 2) half the picture's width and height at distance 1 (tan of half the angle).
        focal_error: (batch,) the focal length that the user would assume, over the true one.
    """

    rotation: Tensor
    position: Tensor
    half: Tensor
    focal_error: Tensor

    def place(self, points: Tensor, centre: Tensor) -> Tensor:
        """(batch, frames, n, 3) world to camera metres; ``centre`` (batch, 3) is looked at."""
        turned = (points - centre[:, None, None]) @ self.rotation.transpose(1, 2)[:, None]
        return turned + self.position[:, None, None]

    def stepped_back(self, points: Tensor, centre: Tensor) -> Cameras:
        """The same cameras, so far back that nobody walks into them; arguments as for `place`."""
        nearest = self.place(points, centre)[..., 2].amin((1, 2))
        position = self.position.clone()
        position[:, 2] += (_NEAREST - nearest).clamp_min(0)
        return replace(self, position=position)


def random_cameras(
    batch: int, random: torch.Generator, known_focal: float = 0.5, steep: float = 0.0
) -> Cameras:
    """Cameras as people use them: any side, mostly level or looking down, any usual lens.

    Args:
        batch: how many.
        random: source of randomness.
        known_focal: share of the cameras whose field of view the user knows; for the others the
            assumed one, `DEFAULT_FOV` along the longer side, is wrong by what it happens to be.
        steep: share of the cameras that may look up or down farther than people mostly hold them.
    """
    device = random.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=random, device=device)

    def normal(mean: float, std: float) -> Tensor:
        return mean + std * torch.randn(batch, generator=random, device=device)

    def either(share: float, one: Tensor, other: Tensor) -> Tensor:
        return torch.where(uniform(0, 1) < share, one, other)

    yaw = uniform(-math.pi, math.pi)
    pitch = either(0.5, uniform(-15, 42), normal(6, 9))
    if steep:
        pitch = either(steep, uniform(-50, 70), pitch)
    pitch = pitch.deg2rad()
    roll = either(0.3, uniform(-20, 20), normal(0, 4)).deg2rad()
    aspect = constant(_ASPECTS, device)[
        torch.randint(len(_ASPECTS), (batch,), generator=random, device=device)
    ]
    longer = (uniform(28, 90).deg2rad() / 2).tan()
    half = torch.stack([longer * aspect.clamp(max=1), longer / aspect.clamp(min=1)], -1)

    filled = uniform(0.3, 0.95)
    distance = (1.7 / (2 * half[:, 1] * filled)).clamp(1.4, 14)
    sideways = uniform(-0.75, 0.75) * half[:, 0]
    upwards = uniform(-0.6, 0.6) * (1 - filled) * half[:, 1]
    position = torch.stack([sideways, upwards, torch.ones_like(distance)], -1) * distance[:, None]

    guess = (math.radians(DEFAULT_FOV) / 2, longer)
    error = either(known_focal, torch.ones(batch, device=device), guess[1] / math.tan(guess[0]))
    return Cameras(camera_rotation(yaw, pitch, roll), position, half, error)


def camera_rotation(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """World (Z up) to camera; radians, pitch > 0 looks down, roll > 0 turns the picture clockwise.

    Without any of the three the camera looks along world +Y. All (batch,); gives (batch, 3, 3).
    """
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def matrix(*rows: Tensor) -> Tensor:
        return torch.stack(rows, -1).reshape(-1, 3, 3)

    level = matrix(yaw.cos(), yaw.sin(), zero, zero, zero, -one, -yaw.sin(), yaw.cos(), zero)
    tilt = matrix(one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos())
    spin = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return spin @ tilt @ level
