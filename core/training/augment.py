"""Other bodies and other poses from a captured one; (batch, frames, 17, 3), world metres, Z up."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..skeleton import H36M
from .constants import constant, indices

# Standard deviation of the logarithm of each bone's length, the same left and right.
_BONE_SPREAD = {
    "hip": 0.12, "knee": 0.06, "ankle": 0.06, "spine": 0.07, "thorax": 0.07, "neck_nose": 0.08,
    "head": 0.08, "shoulder": 0.10, "elbow": 0.06, "wrist": 0.06,
}  # fmt: skip
_HEIGHT_SPREAD = 0.05

# Where a limb may be turned: the joint it turns about, what turns with it, and the usual angle.
_PARTS: tuple[tuple[int, tuple[int, ...], float], ...] = (
    (0, tuple(range(7, 17)), 8.0),
    (8, (9, 10), 8.0),
    (11, (12, 13), 14.0),
    (14, (15, 16), 14.0),
    (12, (13,), 10.0),
    (15, (16,), 10.0),
    (1, (2, 3), 8.0),
    (4, (5, 6), 8.0),
    (2, (3,), 6.0),
    (5, (6,), 6.0),
)


def other_bodies(joints: Tensor, random: torch.Generator) -> Tensor:
    """The same bone directions on bodies of random proportions, one for each window."""
    batch, device = len(joints), joints.device
    stems = [name.removeprefix("left_").removeprefix("right_") for name in H36M.names]
    kinds = list(_BONE_SPREAD)
    spread = constant(tuple(_BONE_SPREAD.values()), device)
    logs = torch.randn(batch, len(kinds), generator=random, device=device) * spread
    logs = logs + torch.randn(batch, 1, generator=random, device=device) * _HEIGHT_SPREAD
    scale = logs.exp()
    out = joints.clone()
    for parent, joint in H36M.bones:
        factor = scale[:, kinds.index(stems[joint])][:, None, None]
        out[:, :, joint] = out[:, :, parent] + factor * (joints[:, :, joint] - joints[:, :, parent])
    return out


def other_poses(joints: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Limbs, head and trunk turned by small angles that stay the same throughout a window.

    Args:
        joints: (batch, frames, 17, 3).
        share: the part of the windows that is changed.
        random: source of randomness.
    """
    out = joints.clone()
    batch, device = len(joints), joints.device
    changed = torch.rand(batch, 1, generator=random, device=device) < share
    for pivot, moved, degrees in _PARTS:
        turn = torch.randn(batch, 3, generator=random, device=device) * math.radians(degrees)
        rotation = axis_angle_matrix(turn * changed)
        centre = out[:, :, pivot : pivot + 1]
        index = indices(moved, device)
        out[:, :, index] = (out[:, :, index] - centre) @ rotation.transpose(1, 2)[:, None] + centre
    return out


def mirrored(joints: Tensor, chosen: Tensor) -> Tensor:
    """Left-right mirror images of the chosen windows; ``chosen`` is (batch,) bool."""
    flipped = joints[:, :, indices(H36M.mirrored, joints.device)]
    flipped = flipped * constant((-1.0, 1.0, 1.0), joints.device)
    return torch.where(chosen[:, None, None, None], flipped, joints)


def axis_angle_matrix(turn: Tensor) -> Tensor:
    """(batch, 3) rotation vectors, radians, to (batch, 3, 3) matrices (Rodrigues)."""
    angle = turn.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    axis = turn / angle
    zero = torch.zeros_like(axis[:, 0])
    x, y, z = axis.unbind(-1)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    sin, cos = angle.sin()[..., None], angle.cos()[..., None]
    return torch.eye(3, device=turn.device) + sin * cross + (1 - cos) * (cross @ cross)
