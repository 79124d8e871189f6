"""The paper's losses (eq. 10-12); all (batch, frames, joints, 3) metres.

Paper and published code differ: in whether the position error is squared, and in which joints
count how much. `Loss` has either; what a recipe means is in ``recipes/*.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..errors import ModelError
from ..skeleton import H36M, Skeleton
from .constants import constant

TORSO, HEAD, MIDDLE, END = 1.0, 1.5, 2.5, 4.0
"""Weights of the paper's groups of joints (section 4.2)."""

_GROUPS = {
    "neck_nose": HEAD, "head": HEAD, "knee": MIDDLE, "elbow": MIDDLE, "ankle": END, "wrist": END,
}  # fmt: skip
_PUBLISHED: dict[int, tuple[float, ...]] = {
    17: (1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4),
    16: (1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4),
    15: (1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4),
}
"""The published code's, by the number of joints. It weighs joints by their place, so HumanEva's 15
get these although their order is another than the weights seem made for."""
JOINT_WEIGHTS = ("even", "paper", "reference")


@dataclass(frozen=True)
class Loss:
    """What training makes small: a weighted sum of three terms.

    Attributes:
        joints: "even", all joints alike but for the root, which is the origin; "paper", by the
            groups of the text; "reference", by their place, as in the published code.
        squared: whether distances are squared, as eq. 10 has it; the code takes them as they are.
        position: weight of WMPJPE.
        consistency: weight of TCLoss, the paper's lambda_t.
        velocity: weight of MPJVE, the paper's lambda_m.
        times_itself: the published code's ``loss.backward(loss.detach())``: the gradient of half
            the square, so that steps shrink with the loss.
    """

    joints: str = "even"
    squared: bool = False
    position: float = 1.0
    consistency: float = 0.0
    velocity: float = 0.5
    times_itself: bool = False

    def __call__(self, predicted: Tensor, target: Tensor, skeleton: Skeleton = H36M) -> Tensor:
        """The loss, a scalar to call ``backward`` on."""
        weights = constant(joint_weights(self.joints, skeleton), predicted.device)
        loss = self.position * wmpjpe(predicted, target, weights, self.squared)
        if self.consistency:
            loss = loss + self.consistency * temporal_consistency(predicted, weights)
        if self.velocity:
            loss = loss + self.velocity * velocity_error(predicted, target)
        return loss * loss / 2 if self.times_itself else loss


def wmpjpe(predicted: Tensor, target: Tensor, weights: Tensor, squared: bool = False) -> Tensor:
    """Mean distance, or its square, each joint with its weight; with weights of 1 it is MPJPE."""
    error = predicted - target
    return ((error.square().sum(-1) if squared else error.norm(dim=-1)) * weights).mean()


def velocity_error(predicted: Tensor, target: Tensor) -> Tensor:
    """MPJVE: mean distance of the frame-to-frame differences; 0 for a single frame."""
    return _mean((predicted.diff(dim=1) - target.diff(dim=1)).norm(dim=-1))


def temporal_consistency(predicted: Tensor, weights: Tensor) -> Tensor:
    """TCLoss: mean square of the prediction's frame-to-frame differences; 0 for a single frame."""
    return _mean(predicted.diff(dim=1).square().sum(-1) * weights) / 3


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(values.numel(), 1)


def joint_weights(name: str, skeleton: Skeleton = H36M) -> tuple[float, ...]:
    """The weight of every joint; "even" has mean 1, so that losses compare between skeletons.

    Raises:
        ModelError: no weights have this name.
    """
    parts = [joint.removeprefix("left_").removeprefix("right_") for joint in skeleton.names]
    if name == "even":
        count = len(parts)
        return (0.0,) + (count / (count - 1),) * (count - 1)
    if name == "paper":
        return tuple(_GROUPS.get(part, TORSO) for part in parts)
    if name == "reference":
        return _PUBLISHED[len(parts)]
    raise ModelError(f"joint weights {name!r} are not known; there are {', '.join(JOINT_WEIGHTS)}.")
