"""Where a training run's batches come from: captures through virtual cameras, or a data set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from ..skeleton import H36M, Skeleton
from .batches import Batch, load_capture, random_batch
from .dataset_batches import DatasetWindows
from .datasets import open_dataset, skeletons
from .recipe import Recipe

Draw = Callable[[torch.Generator], Batch]
"""A batch that depends on nothing but the generator."""


def batch_source(recipe: Recipe, data: Path, device: torch.device) -> Draw:
    """What draws the batches of a recipe, with all data on the training device.

    Raises:
        MotionError: capture is missing or damaged.
        TrackError: the data set is.
    """
    frames = recipe.network.frames
    if recipe.dataset:
        sequences = open_dataset(recipe.dataset, data, recipe.keypoints, "train")
        windows = DatasetWindows(sequences, frames, skeleton_of(recipe), device)
        return partial(windows.draw, recipe.batch)
    captures = [load_capture(data / name, weight, device) for name, weight in recipe.data.items()]
    return partial(
        random_batch,
        captures,
        recipe.batch,
        frames,
        recipe.rate,
        recipe.noise,
        steep=recipe.steep,
        other_joints=recipe.other_joints,
    )


def skeleton_of(recipe: Recipe) -> Skeleton:
    """The joints that a recipe's network gives out."""
    return skeletons(recipe.dataset) if recipe.dataset else H36M
