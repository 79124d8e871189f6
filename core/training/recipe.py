"""`Recipe`: all that decides what a training run makes; a TOML file each in ``recipes/``."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ModelError, reason
from ..mixste.network import NetworkConfig
from ..skeleton import H36M
from .datasets import find_dataset
from .losses import JOINT_WEIGHTS, Loss
from .optimizer import OPTIMIZERS

RECIPES = Path(__file__).parent / "recipes"
PRECISIONS = ("bfloat16", "float32")
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
}
"""How the types of fields are written in a file, and called."""
_LIMITS: tuple[tuple[str, Callable[[float], bool], str], ...] = (
    ("lr shrink mlp_ratio", lambda value: 0 < value < math.inf, "above 0"),
    (
        "decay clip position_spread noise position consistency velocity",
        lambda value: 0 <= value < math.inf,
        "0 or more",
    ),
    (
        "cooldown average steep other_joints dropout drop_path",
        lambda value: 0 <= value <= 1,
        "from 0 to 1",
    ),
    ("warmup epoch", lambda value: value >= 1, "1 at least"),
)
"""Entries, what their values may be, and that in words."""
_OF_THE_DATA = ("data", "keypoints", "sources", "licence")  # what another data set makes void


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
        keypoints: whose 2D of the data set, "cpn_ft_h36m_dbb", "gt" ...; in a file, where it is
            left out, the data set's usual one.
        steps: updates in all.
        epochs: of a data set, in place of ``steps``: how often each window is seen, itself and
            mirrored.
        batch: windows an update; a file may say ``batch_frames`` instead, and as many windows are
            taken as these frames fill.
        rate: lowest and highest frame rate of a window of capture, frames a second; windows of a
            data set have its own.
        optimizer: one of `core.training.optimizer.OPTIMIZERS`.
        lr: step size, held after the warm-up and brought down to 0 over the last part.
        decay: weight decay, with Muon that of the blocks' matrices.
        warmup: updates until the full step size.
        cooldown: share of the updates over which the step size falls.
        clip: largest norm of the gradient, 0 for any.
        shrink: factor of the step size from one epoch to the next, in place of the cooldown.
        epoch: updates of an epoch, where ``shrink`` is not 1; ``epochs`` says it, too.
        loss: what is made small.
        position_spread: standard deviation of the position embeddings at the start; published 0.
        noise: of the simulated detector, 1 is usual.
        steep: share of cameras that may look far up or down.
        other_joints: share of windows whose detector means other joints than the capture.
        average: decay of the running mean of the weights, which is what is kept.
        precision: one of `PRECISIONS`, what a graphics card computes in; a CPU has float32 alone.
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
    epochs: int = 0
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
    precision: str = "bfloat16"
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


_Made = TypeVar("_Made", Recipe, NetworkConfig, Loss)


def read_recipe(
    name: str, dataset: str = "", keypoints: str = "", frames: int | None = None
) -> Recipe:
    """A shipped recipe by name, or a TOML file.

    A file's tables ``[datasets.NAME]`` hold the entries that are others for that data set. Joints
    and channels of the network may be left out: they are those of the data.

    Args:
        name: of the recipe, or the file's path.
        dataset: to train on in place of what the recipe names.
        keypoints: whose 2D, likewise.
        frames: of a window, likewise.

    Raises:
        ModelError: there is none, or it has an unknown or wrong entry.
        MotionError: there is no such data set.
    """
    shipped = {path.stem: path for path in sorted(RECIPES.glob("*.toml"))}
    path = shipped.get(name, Path(name))
    if not path.is_file():
        known = ", ".join(shipped)
        raise ModelError(f"{name}: no such recipe; there are {known}, or give a .toml file.")
    try:
        values = tomllib.loads(path.read_text("utf-8"))
        for_sets = values.pop("datasets", {})
        if dataset and dataset != values.get("dataset"):
            values = {k: v for k, v in values.items() if k not in _OF_THE_DATA}
            values["dataset"] = dataset
        if keypoints and not values.get("dataset"):
            raise ModelError(
                f"{name}: learns from motion capture; keypoints are of a data set, which --dataset "
                "names."
            )
        special = for_sets.get(values.get("dataset"), {})
        if "network" not in values:
            raise ValueError("it has no table [network]")
        size = values.pop("network") | special.pop("network", {})
        values |= special
        if keypoints:
            values["keypoints"] = keypoints
        if frames is not None:
            size["frames"] = frames
        return _recipe(path.stem, values, size)
    except (OSError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{name}: not a recipe ({reason(error)}).") from error


def _recipe(name: str, values: dict[str, Any], size: dict[str, Any]) -> Recipe:
    """A recipe of a file's entries; ValueError says what is wrong with them."""
    dataset = values.get("dataset", "")
    if dataset:
        values.setdefault("keypoints", next(iter(find_dataset(dataset).keypoints)))
    elif found := values.keys() & {"keypoints", "epochs"}:
        raise ValueError(f"{min(found)} are of a data set, and it names none")
    joints, channels = _joints_and_channels(dataset, values.get("keypoints", ""))
    size = {"joints": joints, "in_channels": channels} | size
    network = _made(NetworkConfig, size, " under [network]")
    if min(network.heads, network.width) < 1:
        raise ValueError("heads and width are 1 at least")
    if network.width % network.heads:
        raise ValueError(f"{network.heads} heads do not divide its width, {network.width}")
    if "batch_frames" in values:
        values["batch"] = max(1, values.pop("batch_frames") // max(1, network.frames))
    if "epochs" in values:
        values.setdefault("steps", 0)
    values["loss"] = _made(Loss, values.get("loss", {}), " under [loss]")
    values |= {key: tuple(values[key]) for key in ("rate", "sources") if key in values}
    recipe = _made(Recipe, values, "", name=name, network=network)
    if min(network.frames, network.depth, recipe.batch, recipe.steps or recipe.epochs) < 1:
        raise ValueError("frames, depth, batch and steps are 1 at least")
    for entry, value, known in (
        ("joints", recipe.loss.joints, JOINT_WEIGHTS),
        ("precision", recipe.precision, PRECISIONS),
        ("optimizer", recipe.optimizer, OPTIMIZERS),
    ):
        if value not in known:
            raise ValueError(f"{entry} {value!r} is none of {', '.join(known)}")
    if (
        {*map(type, recipe.rate)} - {int, float}
        or len(recipe.rate) != 2
        or not 0 < recipe.rate[0] <= recipe.rate[1] < math.inf
    ):
        raise ValueError("rate is two numbers above 0, the lower one first")
    if not all(0 < share < math.inf for share in recipe.data.values()):
        raise ValueError("the shares under [data] are above 0")
    return recipe


def _made(kind: type[_Made], values: dict[str, Any], where: str, **fixed: Any) -> _Made:
    """A dataclass of a file's entries; ValueError says what is wrong with them."""
    known = {f.name: f for f in fields(kind) if f.name not in fixed}
    for entry, value in values.items():
        if entry not in known:
            near = get_close_matches(entry, known, 1)
            hint = f"; is {near[0]} meant?" if near else ""
            raise ValueError(f"there is no entry {entry}{where}{hint}")
        types, words = _KINDS.get(str(known[entry].type), ((type(value),), ""))
        if type(value) not in types:
            raise ValueError(f"{entry}{where} is {words}, not {value!r}")
        for entries, fits, words in _LIMITS:
            if entry in entries.split() and not fits(value):
                raise ValueError(f"{entry}{where} is {words}, not {value}")
    needed = (n for n, f in known.items() if f.default is f.default_factory is MISSING)
    if missing := [entry for entry in needed if entry not in values]:
        raise ValueError(f"{' and '.join(missing)}{where} must be given")
    return kind(**values, **fixed)


def _joints_and_channels(dataset: str, keypoints: str) -> tuple[int, int]:
    """What data usually give a network: joints, and numbers a joint; capture is "".

    Raises:
        MotionError: there is no such data set.
    """
    if not dataset:
        return len(H36M.names), 3
    return len(find_dataset(dataset).skeleton(keypoints).names), 2
