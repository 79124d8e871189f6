"""What a network costs: numbers of parameters and of multiplications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Of one network, the mirror image not counted.

    Attributes:
        parameters: trained numbers.
        macs: multiply-accumulates a frame, in linear layers and in attention.
    """

    parameters: int
    macs: int

    def __str__(self) -> str:
        return f"{self.parameters / 1e6:.2f} M parameters, {self.macs / 1e6:.1f} M MACs a frame"


def cost_of(network: dict[str, Any]) -> Cost:
    """The cost of a MixSTE from its size, the ``network`` of a model card.

    Published figures differ: 572 M a frame at the paper's size counts linear layers alone.

    Raises:
        KeyError: the card does not say the network's size.
    """
    width, depth, frames = network["width"], network["depth"], network["frames"]
    joints, channels = network.get("joints", 17), network["in_channels"]
    hidden = int(width * network.get("mlp_ratio", 2.0))
    matrices = 4 * width**2 + 2 * width * hidden
    biases = 5 * width + hidden + 4 * width  # linear layers, and the block's two norms
    ends = (channels + 1) * width + (joints + frames) * width + 6 * width + 3 * width + 3
    attention = 2 * joints * width + 2 * frames * width
    per_joint = 2 * depth * matrices + depth * attention + (channels + 3) * width
    return Cost(2 * depth * (matrices + biases) + ends, joints * per_joint)
