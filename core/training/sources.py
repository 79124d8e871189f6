"""Where a training run's batches come from: captures through virtual cameras, or a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from ..errors import ModelError
from ..skeleton import H36M, Skeleton
from .batches import Batch, load_capture, random_batch
from .capture import content_of
from .dataset_batches import DatasetWindows
from .datasets import open_dataset
from .recipe import Recipe

Draw = Callable[[torch.Generator], Batch]
"""A batch that depends on nothing but the generator."""


@dataclass(frozen=True)
class Source:
    """What a network is trained on.

    Attributes:
        recipe: in which a data set's frame rate and epochs now stand.
        draw: its batches.
        data: what it is: the names of capture files, or the data set with its keypoints, and what
            tells their content from another's.
        skeleton: of the joints that the network gives out.
        input: what it takes, see `core.mixste.model.ModelCard`.
    """

    recipe: Recipe
    draw: Draw
    data: dict[str, str]
    skeleton: Skeleton = H36M
    input: str = "view"


def batch_source(recipe: Recipe, data: Path, device: torch.device) -> Source:
    """What a recipe is trained on, with all data on the training device.

    Raises:
        ModelError: the recipe's network takes something else than the data give, or it names none,
            or the capture that it names is not there.
        MotionError: capture is damaged.
        TrackError: the data set is.
    """
    frames = recipe.network.frames
    if recipe.dataset:
        sequences = open_dataset(recipe.dataset, data, recipe.keypoints, "train")
        skeleton, coco = sequences[0].skeleton, sequences[0].coco
        _check(recipe, len(skeleton.names), 2)
        windows = DatasetWindows(sequences, frames, device)
        draw = partial(windows.draw, recipe.batch)
        name = f"{recipe.dataset} with the keypoints {recipe.keypoints}"
        known = {name: f"{sum(len(s.xy) for s in sequences)} frames"}
        kind = "coco" if coco else "picture"
        return Source(_of_dataset(recipe, windows), draw, known, skeleton, kind)
    _check(recipe, len(H36M.names), 3)
    known = capture_contents(recipe, data)
    captures = [load_capture(data / name, weight, device) for name, weight in recipe.data.items()]
    draw = partial(
        random_batch,
        captures,
        recipe.batch,
        frames,
        recipe.rate,
        recipe.noise,
        steep=recipe.steep,
        other_joints=recipe.other_joints,
    )
    return Source(recipe, draw, known)


def capture_contents(recipe: Recipe, folder: Path) -> dict[str, str]:
    """The capture files that a recipe names, and what tells their content from another's.

    Raises:
        ModelError: it names none, or one of them is not in the folder.
    """
    if not recipe.data:
        raise ModelError(
            f"{recipe.name}: names no capture; add a [data] table, or give one packed file as the "
            "data."
        )
    if missing := [name for name in recipe.data if not (folder / name).is_file()]:
        raise ModelError(
            f"{folder}: has no {' and no '.join(missing)}, which {recipe.name} is trained on; give "
            "one packed file as the data to train on that alone."
        )
    return {name: content_of(folder / name) for name in recipe.data}


def _check(recipe: Recipe, joints: int, channels: int) -> None:
    """That the network takes what the data give."""
    network = recipe.network
    if (network.joints, network.in_channels) != (joints, channels):
        data = f"{recipe.dataset} with {recipe.keypoints}" if recipe.dataset else "motion capture"
        raise ModelError(
            f"{recipe.name}: its network takes {network.joints} joints of {network.in_channels} "
            f"numbers, but {data} gives {joints} of {channels}; write joints = {joints} and "
            f"in_channels = {channels} under [network]."
        )


def _of_dataset(recipe: Recipe, windows: DatasetWindows) -> Recipe:
    recipe = replace(recipe, rate=(windows.rate, windows.rate))
    if not recipe.epochs:
        return recipe
    epoch = -(-2 * len(windows.inputs) // recipe.batch)
    return replace(recipe, epoch=epoch, steps=recipe.epochs * epoch)
