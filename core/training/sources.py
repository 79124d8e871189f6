"""Where a training run's batches come from: captures through virtual cameras, or a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from ..errors import ModelError
from ..skeleton import H36M, Skeleton
from .batches import Batch, load_capture, random_batch
from .dataset_batches import DatasetWindows
from .datasets import open_dataset, skeletons
from .recipe import Recipe, joints_and_channels

Draw = Callable[[torch.Generator], Batch]
"""A batch that depends on nothing but the generator."""


def batch_source(recipe: Recipe, data: Path, device: torch.device) -> tuple[Recipe, Draw]:
    """What draws the batches of a recipe, with all data on the training device.

    Returns:
        The recipe, in which a data set's frame rate and epochs now stand; and what draws.

    Raises:
        ModelError: the recipe's network takes something else than the data give, or it names none.
        MotionError: capture is missing or damaged.
        TrackError: the data set is.
    """
    network, given = recipe.network, joints_and_channels(recipe.dataset)
    if (network.joints, network.in_channels) != given:
        raise ModelError(
            f"{recipe.name}: its network takes {network.joints} joints of {network.in_channels} "
            f"numbers, but {recipe.dataset or 'motion capture'} gives {given[0]} of {given[1]}; "
            "leave joints and in_channels out of the recipe."
        )
    if recipe.dataset:
        sequences = open_dataset(recipe.dataset, data, recipe.keypoints, "train")
        windows = DatasetWindows(sequences, network.frames, skeleton_of(recipe), device)
        return _of_dataset(recipe, windows), partial(windows.draw, recipe.batch)
    if not recipe.data:
        raise ModelError(
            f"{recipe.name}: names no capture; add a [data] table, or give one packed file as the "
            "data."
        )
    captures = [load_capture(data / name, weight, device) for name, weight in recipe.data.items()]
    return recipe, partial(
        random_batch,
        captures,
        recipe.batch,
        network.frames,
        recipe.rate,
        recipe.noise,
        steep=recipe.steep,
        other_joints=recipe.other_joints,
    )


def _of_dataset(recipe: Recipe, windows: DatasetWindows) -> Recipe:
    recipe = replace(recipe, rate=(windows.rate, windows.rate))
    if not recipe.epochs:
        return recipe
    epoch = -(-2 * len(windows.inputs) // recipe.batch)
    return replace(recipe, epoch=epoch, steps=recipe.epochs * epoch)


def skeleton_of(recipe: Recipe) -> Skeleton:
    """The joints that a recipe's network gives out."""
    return skeletons(recipe.dataset) if recipe.dataset else H36M
