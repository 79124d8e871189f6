"""Training batches from a data set's own keypoints, cut as the published code cuts them."""

from __future__ import annotations

from statistics import median_low

import numpy as np
import torch
from torch import Tensor

from ..skeleton import COCO_MIRRORED
from .batches import Batch
from .datasets.sequence import Sequence


class DatasetWindows:
    """All windows of a data set, on the training device.

    A sequence of n frames gives ceil(n / frames) windows without overlap; they lie in its middle,
    and what they show beyond its ends is its first and last frame. Every window is there twice,
    the second time mirrored.

    Attributes:
        inputs: (windows, frames, joints, 2) keypoints, not mirrored.
        targets: (windows, frames, joints, 3) metres.
        rate: frames a second that most windows have.
    """

    def __init__(self, sequences: list[Sequence], frames: int, device: torch.device) -> None:
        inputs, targets, rates = [], [], []
        for sequence in sequences:
            index = window_index(len(sequence.xy), frames)
            inputs.append(sequence.normalised()[index])
            targets.append(sequence.joints[index])
            rates += [sequence.fps] * len(index)
        self.inputs = torch.from_numpy(np.concatenate(inputs)).float().to(device)
        self.targets = torch.from_numpy(np.concatenate(targets)).float().to(device)
        self.rate = median_low(rates)
        joints = sequences[0].skeleton.mirrored
        keypoints = COCO_MIRRORED if sequences[0].coco else joints
        self.mirrors = [torch.tensor(mirror, device=device) for mirror in (keypoints, joints)]

    def draw(self, batch: int, random: torch.Generator) -> Batch:
        """Windows drawn at random, half of them mirrored on average."""
        device = self.inputs.device
        index = torch.randint(len(self.inputs), (batch,), generator=random, device=device)
        flip = torch.rand(batch, generator=random, device=device) < 0.5
        both = (self.inputs[index], self.targets[index])
        return Batch(*(_flipped(v, flip, m) for v, m in zip(both, self.mirrors, strict=True)))


def _flipped(values: Tensor, flip: Tensor, mirror: Tensor) -> Tensor:
    mirrored = values[:, :, mirror].clone()
    mirrored[..., 0] *= -1
    return torch.where(flip[:, None, None, None], mirrored, values)


def window_index(length: int, frames: int) -> np.ndarray:
    """(windows, frames) frame numbers of the training windows of a sequence."""
    count = -(-length // frames)
    before = (count * frames - length) // 2
    return (np.arange(count * frames) - before).clip(0, length - 1).reshape(count, frames)
