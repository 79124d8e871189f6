"""`Recipe`: all that decides what a training run makes; a TOML file each in ``recipes/``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ModelError, reason
from ..mixste.network import NetworkConfig
from .losses import Loss

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Attributes:
        name: of the run, its folder and the model.
        network: size of the network.
        data: packed capture files, by name in the data folder, and the share of windows from each;
            empty where a published data set is trained on.
        dataset: one of `core.training.datasets.DATASETS`, to train on its own keypoints as the
            paper does, or "" for captures through virtual cameras.
        keypoints: whose 2D of the data set, "cpn_ft_h36m_dbb", "gt" ...
        steps: updates in all.
        batch: windows an update.
        rate: lowest and highest frame rate of a training window, frames a second.
        optimizer: one of `core.training.optimizer.OPTIMIZERS`.
        lr: step size, held after the warm-up and brought down to 0 over the last part.
        decay: weight decay, with Muon that of the blocks' matrices.
        warmup: updates until the full step size.
        cooldown: share of the updates over which the step size falls.
        clip: largest norm of the gradient, 0 for any.
        shrink: factor of the step size from one epoch to the next, in place of the cooldown.
        epoch: updates of an epoch, where ``shrink`` is not 1.
        loss: what is made small.
        position_spread: standard deviation of the position embeddings at the start; published 0.
        noise: of the simulated detector, 1 is usual.
        steep: share of cameras that may look far up or down.
        other_joints: share of windows whose detector means other joints than the capture.
        average: decay of the running mean of the weights, which is what is kept.
        seed: of the initial weights and of every batch.
        sources: where the capture is from and what may be done with it, for the model's card.
        licence: of the weights, for the card.
        start_from: a shipped model, or an ``.onnx`` file with its ``.npz``, to begin with; windows
            may be of another length.
    """

    name: str
    network: NetworkConfig
    steps: int
    batch: int
    data: dict[str, float] = field(default_factory=dict)
    dataset: str = ""
    keypoints: str = "gt"
    rate: tuple[float, float] = (7.0, 25.0)
    optimizer: str = "muon"
    lr: float = 3e-3
    decay: float = 0.01
    warmup: int = 100
    cooldown: float = 0.4
    clip: float = 1.0
    shrink: float = 1.0
    epoch: int = 1
    loss: Loss = field(default_factory=Loss)
    position_spread: float = 0.5
    noise: float = 1.0
    steep: float = 0.0
    other_joints: float = 0.0
    average: float = 0.999
    seed: int = 0
    sources: tuple[str, ...] = ()
    licence: str = ""
    start_from: str = ""

    def step_size(self, step: int) -> float:
        """The step size of update ``step``, which counts from 0."""
        warm = min(1.0, (step + 1) / self.warmup)
        if self.shrink != 1:
            return self.lr * warm * self.shrink ** (step // self.epoch)
        falling = self.steps * self.cooldown
        return self.lr * warm * min(1.0, (self.steps - step) / max(falling, 1))


def read_recipe(name: str) -> Recipe:
    """A shipped recipe by name, or a TOML file.

    Raises:
        ModelError: there is none, or it has an unknown or wrong entry.
    """
    shipped = {path.stem: path for path in sorted(RECIPES.glob("*.toml"))}
    path = shipped.get(name, Path(name))
    if not path.is_file():
        known = ", ".join(shipped)
        raise ModelError(f"{name}: no such recipe; there are {known}, or give a .toml file.")
    try:
        values = tomllib.loads(path.read_text("utf-8"))
        network = NetworkConfig(**values.pop("network"))
        values["loss"] = Loss(**values.get("loss", {}))
        values["rate"] = tuple(values.get("rate", (7.0, 25.0)))
        values["sources"] = tuple(values.get("sources", ()))
        return Recipe(name=path.stem, network=network, **values)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not a recipe ({reason(error)}).") from error
