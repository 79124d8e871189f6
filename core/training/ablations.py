"""The paper's ablations (tables 5 to 7) at a size that one core trains in minutes.

All runs of a study see the same number of updates and of frames, so that what differs is what the
study is about; a row may be trained from several seeds, since rows can differ by less than seeds
do. They are trained on motion capture through virtual cameras with simulated detections and
measured on people that they never saw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import ModelError, MotionError
from ..lift import lift_joints
from ..mixste.model import ModelCard
from ..mixste.network import Block, NetworkConfig
from .capture import content_of, load_takes
from .evaluate import virtual_clips
from .loop import CHECKPOINT, Training, check_data, load_checkpoint, new_network
from .losses import Loss
from .metrics import mpjpe, mpjve, p_mpjpe
from .recipe import Recipe
from .sources import capture_contents

_POSITION = Loss(joints="even", velocity=0.0)
_FULL = Loss(joints="paper", consistency=0.5, velocity=2.0)
BASE = Recipe(
    name="base",
    network=NetworkConfig(frames=27, width=32, depth=2, in_channels=3, heads=4),
    data={"train.npz.xz": 0.75, "train_more.npz.xz": 0.25},
    steps=400,
    batch=12,
    rate=(9.0, 17.5),
    lr=6e-3,
    warmup=60,
    cooldown=0.6,
    loss=_FULL,
    average=0.99,
)
_FRAME_WIDTH = 8
"""Features of a joint where a frame's joints are one token: 17 x 8 of them cost the temporal
blocks as much as 17 tokens of 32."""


@dataclass(frozen=True)
class Variant:
    """One row of a table.

    Attributes:
        name: as the row says.
        recipe: what is trained.
        alternating: spatial and temporal blocks in turn; else all spatial ones come first.
        separate: every joint's path in time is its own sequence; else a frame is one token.
        paper: the paper's MPJPE on Human3.6M with CPN's 2D, mm, and of which of its rows, where it
            is known to us.
    """

    name: str
    recipe: Recipe
    alternating: bool = True
    separate: bool = True
    paper: str = ""

    def network(self) -> nn.Module:
        """What is trained, with random weights from the recipe's seed."""
        if self.alternating and self.separate:
            return new_network(self.recipe)
        torch.manual_seed(self.recipe.seed)
        return Unmixed(self.recipe, self.alternating, self.separate)


class Unmixed(nn.Module):
    """MixSTE without alternation, without joint separation, or without either (table 5).

    Without either it is PoseFormer's encoder that answers for every frame: spatial blocks over the
    joints of a frame, then temporal blocks over frames whose joints are one token.
    """

    def __init__(self, recipe: Recipe, alternating: bool, separate: bool) -> None:
        super().__init__()
        config = recipe.network
        self.config, self.alternating, self.separate = config, alternating, separate
        width = config.width if separate else _FRAME_WIDTH
        token = width if separate else config.joints * width
        self.Spatial_patch_to_embedding = nn.Linear(config.in_channels, width)
        spread = recipe.position_spread
        self.Spatial_pos_embed = nn.Parameter(torch.randn(1, config.joints, width) * spread)
        self.Temporal_pos_embed = nn.Parameter(torch.randn(1, config.frames, token) * spread)
        self.STEblocks = nn.ModuleList(self._block(width) for _ in range(config.depth))
        self.TTEblocks = nn.ModuleList(self._block(token) for _ in range(config.depth))
        self.Spatial_norm = nn.LayerNorm(width, eps=1e-6)
        self.Temporal_norm = nn.LayerNorm(token, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3))

    def _block(self, width: int) -> Block:
        return Block(width, self.config.heads, self.config.mlp_ratio, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, joints, channels) to (batch, frames, joints, 3)."""
        h = self.Spatial_patch_to_embedding(x) + self.Spatial_pos_embed
        blocks = list(zip(self.STEblocks, self.TTEblocks, strict=True))
        if self.alternating:
            for i, (spatial, temporal) in enumerate(blocks):
                h = self._over_time(temporal, self._over_joints(spatial, h), first=i == 0)
        else:
            for spatial, _ in blocks:
                h = self._over_joints(spatial, h)
            for i, (_, temporal) in enumerate(blocks):
                h = self._over_time(temporal, h, first=i == 0)
        return self.head(h)

    def _over_joints(self, block: nn.Module, h: Tensor) -> Tensor:
        return self.Spatial_norm(block(h.flatten(0, 1))).view_as(h)

    def _over_time(self, block: nn.Module, h: Tensor, first: bool) -> Tensor:
        batch, frames, joints, width = h.shape
        tokens = h.transpose(1, 2).flatten(0, 1) if self.separate else h.flatten(2)
        if first:
            tokens = tokens + self.Temporal_pos_embed
        tokens = self.Temporal_norm(block(tokens))
        if self.separate:
            return tokens.view(batch, joints, frames, width).transpose(1, 2)
        return tokens.view(batch, frames, joints, width)


def _resized(**size: int) -> Recipe:
    network = replace(BASE.network, **size)
    frames = BASE.batch * BASE.network.frames
    return replace(BASE, network=network, batch=frames // network.frames)


def _with(loss: Loss) -> Recipe:
    return replace(BASE, loss=loss)


STUDIES: dict[str, tuple[Variant, ...]] = {
    "components": (
        Variant("seq2seq baseline", _with(_POSITION), alternating=False, separate=False),
        Variant("+ alternating", _with(_POSITION), separate=False),
        Variant("+ joint separation", _with(_POSITION)),
        Variant("+ losses", BASE),
    ),
    "losses": (
        Variant("MPJPE", _with(_POSITION)),
        Variant("WMPJPE", _with(replace(_POSITION, joints="paper"))),
        Variant("WMPJPE + TCLoss", _with(replace(_FULL, velocity=0.0))),
        Variant("WMPJPE + MPJVE", _with(replace(_FULL, consistency=0.0))),
        Variant("all", BASE),
    ),
    "depth": tuple(Variant(f"depth {n}", _resized(depth=n)) for n in (1, 2, 4)),
    "width": (
        Variant("width 16", _resized(width=16), paper="47.9 (width 128)"),
        Variant("width 32", _resized(width=32), paper="46.1 (width 256)"),
        Variant("width 64", _resized(width=64), paper="45.1 (width 512)"),
    ),
    "length": (
        Variant("9 frames", _resized(frames=9), paper="45.1 (27 frames)"),
        Variant("27 frames", _resized(frames=27), paper="42.4 (81 frames)"),
        Variant("81 frames", _resized(frames=81), paper="40.9 (243 frames)"),
    ),
}
"""The tables; the paper's rows of width and length are of larger networks than ours."""


@dataclass(frozen=True)
class Result:
    """What one row reached, the mean over its seeds; mm, see `core.training.evaluate.Score`.

    Attributes:
        name: of the row.
        parameters: of its network.
        seeds: how often it was trained.
        mpjpe: protocol 1.
        spread: standard deviation of MPJPE between the seeds; 0 for one seed.
        p_mpjpe: protocol 2.
        mpjve: velocity error, mm a frame.
    """

    name: str
    parameters: int
    seeds: int
    mpjpe: float
    spread: float
    p_mpjpe: float
    mpjve: float


def run_study(
    name: str,
    data: Path,
    test: Path,
    out: Path,
    steps: int | None = None,
    seeds: int = 1,
    report: Callable[[str, int, int], None] | None = None,
) -> list[Result]:
    """Train and measure all rows of a study; what is done already is not done again.

    Rows that were measured on another test are measured again.

    Args:
        name: one of `STUDIES`.
        data: folder of the packed capture ``train.npz.xz`` and ``train_more.npz.xz``, or one file.
        test: packed capture of other people.
        out: folder of the runs; two studies that share a run share it here.
        steps: updates of each run, in place of the study's own.
        seeds: how often each row is trained; all rows from one seed before the next seed.
        report: called with the run, how many of its updates are done, and of how many.

    Raises:
        ModelError: there is no such study, there are no seeds or updates, or ``out`` has rows that
            were trained on other data.
        MotionError: capture is missing or damaged, or ``out`` cannot be written into.
    """
    if name not in STUDIES:
        raise ModelError(f"ablation {name!r} is not known; there are {', '.join(STUDIES)}.")
    if seeds < 1:
        raise ModelError(f"{seeds} seeds: a study needs one at least.")
    if steps is not None and steps < 1:
        raise ModelError(f"{steps} updates: a row needs one at least.")
    if not data.exists():
        raise MotionError(f"{data}: no such file or folder.")
    files, folder = ({data.name: 1.0}, data.parent) if data.is_file() else (BASE.data, data)
    used = {"data": capture_contents(replace(BASE, data=files), folder), "test": content_of(test)}
    load_takes(test)  # a damaged test is said before the work
    rows = []
    for seed in range(seeds):
        for row in STUDIES[name]:
            updates = steps or row.recipe.steps
            recipe = replace(row.recipe, data=files, steps=updates, seed=seed)
            rows.append(replace(row, recipe=recipe))
    for row in rows:
        run = out / _run_name(row)
        if (run / CHECKPOINT).is_file():
            check_data(run, load_checkpoint(run), used["data"])
    measured: dict[str, list[dict[str, float]]] = {v.name: [] for v in STUDIES[name]}
    for row in rows:
        tell = partial(report, f"{row.name}, seed {row.recipe.seed}") if report else _silent
        measured[row.name].append(_trained(row, folder, test, used, out / _run_name(row), tell))
    return [_mean(row, values) for row, values in measured.items()]


def _silent(_done: int, _steps: int) -> None:
    pass


def _trained(
    variant: Variant,
    data: Path,
    test: Path,
    used: dict[str, Any],
    folder: Path,
    tell: Callable[[int, int], None],
) -> dict[str, float]:
    """Train and measure one network, unless its result of what is used lies in the folder."""
    done, steps = folder / "result.json", variant.recipe.steps
    found = json.loads(done.read_text("utf-8")) if done.is_file() else {}
    if any(found.get(key) != value for key, value in used.items()):
        training = Training(variant.recipe, data, folder, "cpu", network=variant.network())
        tell(training.step, steps)
        training.run(report=lambda step, _: tell(step, steps))
        result = measure(training.average, variant.recipe, virtual_clips(test, 1.0))
        part = done.with_name(done.name + ".part")
        found = result | used
        part.write_text(json.dumps(found), "utf-8")
        part.replace(done)
    tell(steps, steps)
    return found


def _mean(name: str, measured: list[dict[str, float]]) -> Result:
    mean = {k: float(np.mean([m[k] for m in measured])) for k in ("mpjpe", "p_mpjpe", "mpjve")}
    errors = [m["mpjpe"] for m in measured]
    return Result(
        name=name,
        parameters=int(measured[0]["parameters"]),
        seeds=len(measured),
        spread=float(np.std(errors, ddof=1)) if len(errors) > 1 else 0.0,
        **mean,
    )


def measure(network: nn.Module, recipe: Recipe, clips: Iterable) -> dict[str, float]:
    """Errors of a torch network over clips, lifted with overlapping windows and mirroring."""
    network.eval()
    card = ModelCard(
        recipe.name, recipe.network.frames, (recipe.rate[0] * recipe.rate[1]) ** 0.5, 3, "view"
    )

    def run(windows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(windows.astype(np.float32))).numpy()

    rows, lengths = [], []
    for clip in clips:
        joints, _ = lift_joints(clip.track, card, run)
        rows.append([metric(joints, clip.truth) for metric in (mpjpe, p_mpjpe, mpjve)])
        lengths.append(len(joints))
    first, second, third = np.average(rows, axis=0, weights=lengths).round(2).tolist()
    count = sum(p.numel() for p in network.parameters())
    return {"parameters": count, "mpjpe": first, "p_mpjpe": second, "mpjve": third}


def as_table(name: str, results: Sequence[Result]) -> str:
    """A study's results in Markdown, with the paper's figures where they are known."""
    papers = [variant.paper for variant in STUDIES[name]]
    known = any(papers)
    lines = [
        f"| {name} | parameters | MPJPE | spread | P-MPJPE | MPJVE |" + " paper's MPJPE |" * known,
        "| --- | --- | --- | --- | --- | --- |" + " --- |" * known,
    ]
    for result, paper in zip(results, papers, strict=True):
        lines.append(
            f"| {result.name} | {result.parameters:,} | {result.mpjpe:.1f} "
            f"| {f'{result.spread:.1f}' if result.seeds > 1 else ''} | {result.p_mpjpe:.1f} "
            f"| {result.mpjve:.2f} |" + f" {paper} |" * known
        )
    return "\n".join(lines)


def _run_name(variant: Variant) -> str:
    """A folder's name that says all that differs from the base."""
    recipe = variant.recipe
    size, loss = asdict(recipe.network), asdict(recipe.loss)
    words = [f"{k}{v}" for k, v in size.items() if v != getattr(BASE.network, k)]
    words += [f"{k}-{v}" for k, v in loss.items() if v != getattr(BASE.loss, k)]
    words += [w for w, on in (("sequential", not variant.alternating),
                              ("frames-as-tokens", not variant.separate)) if on]  # fmt: skip
    words += [f"seed{recipe.seed}"] if recipe.seed else []
    return "_".join(["base" if not words else "", *words, f"{recipe.steps}-steps"]).strip("_")
