"""The paper's losses (eq. 10-12); all (batch, frames, joints, 3) metres."""

from __future__ import annotations

import torch
from torch import Tensor

EVEN = (0.0,) + (1.0,) * 16
"""Joint weights of our own models: all alike, but for the pelvis, which is the origin."""

REFERENCE = (1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4)
"""Joint weights of the published code; the paper's text groups elbows and ankles the other way."""


def wmpjpe(predicted: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean distance, each joint with its weight (17,); with weights of 1 it is MPJPE."""
    return ((predicted - target).norm(dim=-1) * weights).mean()


def velocity_error(predicted: Tensor, target: Tensor) -> Tensor:
    """MPJVE: mean distance of the frame-to-frame differences."""
    return (predicted.diff(dim=1) - target.diff(dim=1)).norm(dim=-1).mean()


def temporal_consistency(predicted: Tensor, weights: Tensor) -> Tensor:
    """TCLoss: mean square of the frame-to-frame differences of the prediction alone."""
    return (predicted.diff(dim=1).square().sum(-1) * weights).mean() / 3


def joint_weights(weights: tuple[float, ...], device: torch.device) -> Tensor:
    """Weights as a tensor with mean 1, so that losses compare between weightings."""
    values = torch.tensor(weights, dtype=torch.float32, device=device)
    return values / values.mean()
