"""The training loop: resumable at any step, the same from the same seed."""

from __future__ import annotations

import copy
import csv
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ..errors import ModelError
from ..mixste.model import find_model
from ..mixste.network import MixSTE
from .batches import Batch
from .constants import constant
from .export import load_weights
from .figures import draw_curve
from .losses import joint_weights, wmpjpe
from .optimizer import optimizers
from .outputs import need_folder
from .recipe import Recipe
from .sources import batch_source

_SAVE_EVERY = 120.0  # seconds
_LOOK_EVERY = 50  # updates; to look at an error makes a graphics card finish all it was given
CHECKPOINT = "checkpoint.pt"
CURVE = "curve.csv"


class Training:
    """A run in progress: network, running mean of its weights, optimizers and step number.

    Args:
        recipe: what to train; the attribute has a data set's rate and updates in it.
        data: folder of the capture or the data set that the recipe names.
        out: the run's folder; a checkpoint in it is taken up again.
        device: where to train.
        network: what is trained in place of MixSTE, see `core.training.ablations`.

    Raises:
        ModelError: the checkpoint is of another network or other data, or is damaged; the model
            that the recipe begins with does not fit, or the data; or the device is not to be had.
        MotionError: capture is damaged, or the folder cannot be written into.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Path,
        out: Path,
        device: str,
        network: nn.Module | None = None,
    ) -> None:
        self.out, self.device = out, usable_device(device)
        self.on_card = self.device.type == "cuda"
        self.look_every = _LOOK_EVERY if self.on_card else 1
        self.precision = set_precision(recipe.precision, self.device)
        self.source = batch_source(recipe, data, self.device)
        self.recipe = recipe = self.source.recipe
        self.network = (network or new_network(recipe)).to(self.device)
        self.average = copy.deepcopy(self.network)
        self.optimizers = optimizers(self.network, recipe.lr, recipe.decay, recipe.optimizer)
        self.step = 0
        need_folder(out)
        if (out / CHECKPOINT).is_file():
            self._resume()
        self.saved = self.step
        self._cut_curve()

    @property
    def finished(self) -> bool:
        """Whether the recipe has been trained to its end."""
        return self.step >= self.recipe.steps

    @property
    def _log_every(self) -> int:
        """Updates for each point of the curve; a short run has some thirty of them, too."""
        return min(_LOOK_EVERY, math.ceil(self.recipe.steps / 30))

    def run(
        self, seconds: float | None = None, report: Callable[[int, float], None] | None = None
    ) -> None:
        """Train to the recipe's end, for so many seconds or to Ctrl-C; progress is saved each time.

        The first Ctrl-C is heard between two updates, a second one at once.

        Args:
            seconds: stop after so long.
            report: called after every update, every fiftieth on a graphics card, with its number
                and its error in metres.

        Raises:
            ModelError: a loss or a weight is not finite; the last checkpoint is left as it was.
            KeyboardInterrupt: Ctrl-C, when all is saved.
        """
        with _heard_later() as interrupted:
            self._train(seconds, report, interrupted)
        if (self.out / CURVE).is_file():
            draw_curve(self.out / CURVE, self.out / "curve.png")
        if interrupted.is_set():
            raise KeyboardInterrupt

    def _train(
        self,
        seconds: float | None,
        report: Callable[[int, float], None] | None,
        interrupted: threading.Event,
    ) -> None:
        began = saved = time.monotonic()
        losses: list[torch.Tensor] = []
        errors: list[torch.Tensor] = []
        forward = torch.compile(self.network) if self.on_card else self.network
        while not self.finished:
            loss, position = self._update(forward)
            losses.append(loss)
            errors.append(position)
            stop = interrupted.is_set()
            if self.step % self.look_every and not self.finished and not stop:
                continue
            finite = torch.stack(losses).isfinite()
            if not finite.all():
                raise self._diverged(self.step - len(losses) + int(finite.int().argmin()) + 1)
            losses = []
            error = float(errors[-1])
            if report:
                report(self.step, error)
            now = time.monotonic()
            over = stop or (seconds is not None and now - began > seconds)
            saving = now - saved > _SAVE_EVERY or over or self.finished
            if saving or len(errors) >= self._log_every:
                self._log(float(torch.stack(errors).mean()))
                errors = []
            if saving:
                self._save()
                saved = now
            if over:
                break

    def _update(
        self, forward: Callable[[torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """One update; gives its loss, and its MPJPE in metres."""
        recipe = self.recipe
        seed = recipe.seed * 1_000_003 + self.step
        torch.manual_seed(seed)  # of dropout and stochastic depth
        batch = self.source.draw(torch.Generator(self.device).manual_seed(seed))
        size = recipe.step_size(self.step) / recipe.lr
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * size
            optimizer.zero_grad()
        with self.precision:
            predicted = forward(batch.inputs)
        loss, position = self._loss(predicted.float(), batch)
        loss.backward()
        if recipe.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self._follow()
        return loss.detach(), position

    def _loss(self, predicted: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        loss = self.recipe.loss(predicted, batch.targets, self.source.skeleton)
        even = constant(joint_weights("even", self.source.skeleton), self.device)
        return loss, wmpjpe(predicted.detach(), batch.targets, even)

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the running mean; early on it forgets faster, not to keep the first guesses."""
        kept = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        means: list[torch.Tensor] = [*self.average.parameters()]
        news: list[torch.Tensor] = [*self.network.parameters()]
        get_ema_multi_avg_fn(kept)(means, news, self.step)

    def _log(self, loss: float) -> None:
        path = self.out / CURVE
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "training_mpjpe_mm"])
            writer.writerow([self.step, f"{loss * 1000:.2f}"])

    def _cut_curve(self) -> None:
        """Leave out of the curve what comes after the checkpoint; it is trained again."""
        path = self.out / CURVE
        if not path.is_file():
            return
        head, *rows = path.read_text("utf-8").splitlines() or [""]
        kept = [row for row in rows if int(row.partition(",")[0]) <= self.step]
        if len(kept) < len(rows):
            part = path.with_name(CURVE + ".part")
            part.write_text("\n".join([head, *kept, ""]), "utf-8")
            part.replace(path)

    def _diverged(self, update: int) -> ModelError:
        kept = f"the checkpoint of update {self.saved} is kept" if self.saved else "nothing is kept"
        return ModelError(
            f"{self.recipe.name}: the loss or the weights are not finite from update {update} on, "
            f"and {kept}; give the recipe a smaller lr, a longer warmup or a clip, and start again."
        )

    def _save(self) -> None:
        if not all(bool(p.isfinite().all()) for p in self.network.parameters()):
            raise self._diverged(self.step)
        part = self.out / (CHECKPOINT + ".part")
        torch.save(
            {
                "recipe": json.dumps(asdict(self.recipe)),
                "input": self.source.input,
                "data": self.source.data,
                "step": self.step,
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizers": [o.state_dict() for o in self.optimizers],
            },
            part,
        )
        part.replace(self.out / CHECKPOINT)
        self.saved = self.step

    def _resume(self) -> None:
        state = load_checkpoint(self.out)
        if json.loads(state["recipe"])["network"] != asdict(self.recipe.network):
            raise ModelError(
                f"{self.out / CHECKPOINT}: it is of another network; choose another --out."
            )
        check_data(self.out, state, self.source.data)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        # A run that travelled in pieces comes without its optimizers' state.
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=False):
            first = [group["initial_lr"] for group in optimizer.param_groups]
            optimizer.load_state_dict(saved)
            for group, lr in zip(optimizer.param_groups, first, strict=True):
                group["initial_lr"] = lr  # a recipe changed since then holds


def usable_device(name: str) -> torch.device:
    """Where to train, by torch's name for it.

    Raises:
        ModelError: torch knows no such device, or there is none.
    """
    try:
        known = torch.amp.is_autocast_available(torch.device(name).type)
    except RuntimeError:
        known = False
    if not known:
        raise ModelError(f"device {name!r}: torch cannot train on any such; take cpu or cuda.")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise ModelError(
            f"device {name!r}: torch cannot compute on it here ({said}); take cpu, or install "
            "torch for this machine's graphics card."
        ) from error


def set_precision(name: str, device: torch.device) -> torch.autocast:
    """Say how float32 matrices are multiplied, and give what the network is to run in.

    Args:
        name: of `core.training.recipe.PRECISIONS`. "bfloat16": on a graphics card the network runs
            in it, and other products in TF32; "float32": everything in full.
        device: where; a CPU computes in float32 whatever is asked for.
    """
    half = device.type == "cuda" and name == "bfloat16"
    torch.set_float32_matmul_precision("high" if half else "highest")
    return torch.autocast(device.type, torch.bfloat16, enabled=half)


def load_checkpoint(folder: Path) -> dict:
    """The checkpoint of a run's folder.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise ModelError(f"{folder}: has no {CHECKPOINT}, so it is no training run.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not {"recipe", "step", "network", "average", "optimizers"} <= state.keys():
            raise ValueError("it holds something else")
        return state
    except Exception as error:  # torch reports damage by many kinds of error
        raise ModelError(
            f"{path}: not a checkpoint of a training run, or cut off; move it away to begin anew."
        ) from error


def check_data(run: Path, state: dict, data: dict[str, str] | None) -> None:
    """See that a checkpoint was trained on these data; older ones do not say on which.

    Args:
        run: folder of the run.
        state: its checkpoint.
        data: see `core.training.sources.Source`; None where it is not known.

    Raises:
        ModelError: it was trained on others.
    """
    trained = state.get("data")
    if trained and data and trained != data:
        before, now = (
            ", ".join(f"{name} ({content})" for name, content in files.items())
            for files in (trained, data)
        )
        raise ModelError(f"{run}: was trained on {before}, not on {now}; choose another --out.")


@contextmanager
def _heard_later() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, in place of stopping in the middle of an update; but only once."""
    interrupted = threading.Event()

    def note(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupted.set()

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupted
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def new_network(recipe: Recipe) -> MixSTE:
    """A network with random weights, or with those of the model that the recipe begins with.

    The published network begins with all position embeddings at zero and learns almost nothing
    for hundreds of updates, since no joint knows which one it is; ours begin apart.

    Raises:
        ModelError: that model is missing, or its network is of another size.
    """
    torch.manual_seed(recipe.seed)
    network = MixSTE(recipe.network)
    nn.init.normal_(network.Spatial_pos_embed, std=recipe.position_spread)
    nn.init.normal_(network.Temporal_pos_embed, std=recipe.position_spread)
    if recipe.start_from:
        path = find_model(recipe.start_from).onnx.with_suffix(".npz")
        before = load_weights(path, recipe.network.heads).state_dict()
        try:
            network.load_state_dict(with_window_length(before, recipe.network.frames))
        except RuntimeError as error:
            raise ModelError(
                f"{recipe.name}: begins with {recipe.start_from}, whose network is of another "
                "width, depth or input; give the recipe the same."
            ) from error
    return network


def with_window_length(weights: dict[str, torch.Tensor], frames: int) -> dict[str, torch.Tensor]:
    """Weights for windows of another length: the time embedding is interpolated."""
    embedding = weights["Temporal_pos_embed"].transpose(1, 2)
    stretched = nn.functional.interpolate(embedding, frames, mode="linear", align_corners=True)
    return {**weights, "Temporal_pos_embed": stretched.transpose(1, 2)}
