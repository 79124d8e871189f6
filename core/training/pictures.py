"""The paper's figures 3 to 6, of any evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..skeleton import Skeleton
from .metrics import joint_errors

if TYPE_CHECKING:
    from ..mixste.network import MixSTE

_BARS, _BAR = 15, 10  # of figure 3, mm
_TRUTH, _OURS = "0.6", "tab:red"
_UNSEEN = 0.25  # how solid a bone is drawn that nobody saw
_POSES = 4


@dataclass(frozen=True)
class Shown:
    """One lifted recording.

    Attributes:
        name: of the recording.
        joints: (frames, joints, 3) metres, camera axes, the errors those that are measured.
        target: likewise, the truth; NaN where nothing is measured.
        keypoints: (frames, joints, 2), y down, any unit; NaN where missing.
        frames: (frames,) int, their numbers in the recording.
    """

    name: str
    joints: np.ndarray
    target: np.ndarray
    keypoints: np.ndarray
    frames: np.ndarray


def draw_evaluation(
    shown: list[Shown], skeleton: Skeleton, folder: Path, measure: str = "MPJPE"
) -> list[Path]:
    """Draw errors and poses of an evaluation as PNGs; gives the files.

    Args:
        shown: what was lifted, at least one frame of it measured.
        skeleton: of the joints.
        folder: made if it is not there.
        measure: what the errors are called.
    """
    folder.mkdir(parents=True, exist_ok=True)
    errors = np.concatenate([joint_errors(s.joints, s.target) for s in shown])
    errors = errors[np.isfinite(errors).any(1)]
    draw: dict[str, tuple[tuple[float, float], Callable[[Any], None]]] = {
        "distribution": ((7, 3.5), lambda f: _distribution(f, np.nanmean(errors, 1), measure)),
        "joints": ((7, 3.5), lambda f: _by_joint(f, errors, skeleton, measure)),
        "poses": ((11, 6), lambda f: _poses(f, shown, skeleton)),
    }
    return [_saved(folder / f"{name}.png", *how) for name, how in draw.items()]


def draw_attention(network: MixSTE, window: np.ndarray, skeleton: Skeleton, folder: Path) -> Path:
    """Draw where the blocks of a network look, as a PNG.

    Args:
        network: in torch, since the maps do not come out of the ONNX file.
        window: (frames, joints, channels) what the network takes.
        skeleton: of the joints.
        folder: where to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spatial, temporal = attention_maps(network, window)
    size = (3 * len(spatial) + 1.2, 6 if len(temporal[0]) > 1 else 3)
    return _saved(
        folder / "attention.png", size, lambda f: _attention(f, spatial, temporal, skeleton)
    )


def attention_maps(network: MixSTE, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Attention of every block over one window, the mean over heads.

    Returns:
        (depth, joints, joints), the mean over frames, and (depth, frames, frames), the mean over
        joints. Rows look at columns and sum to 1.
    """
    import torch

    maps: list[np.ndarray] = []

    def keep(module: Any, inputs: tuple[torch.Tensor, ...]) -> None:
        [x] = inputs
        batch, tokens, width = x.shape
        q, k, _ = module.qkv(x).reshape(batch, tokens, 3, module.heads, -1).unbind(2)
        logits = torch.einsum("bihd,bjhd->bhij", q, k) / (width // module.heads) ** 0.5
        maps.append(logits.softmax(-1).mean((0, 1)).numpy())

    blocks = [*zip(network.STEblocks, network.TTEblocks, strict=True)]
    hooks = [block.attn.register_forward_pre_hook(keep) for pair in blocks for block in pair]  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    try:
        with torch.no_grad():
            network.eval()(torch.from_numpy(window[None].astype(np.float32)))
    finally:
        for hook in hooks:
            hook.remove()
    return np.stack(maps[0::2]), np.stack(maps[1::2])


def _saved(path: Path, size: tuple[float, float], draw: Callable[[Any], None]) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure)
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=110)
    part.replace(path)
    return path


def _distribution(figure: Any, errors: np.ndarray, measure: str) -> None:
    """Figure 3: how many frames have how large an error; wider bars where most are very large."""
    widths = 1 + int(np.percentile(errors, 75) // (_BARS * _BAR))
    edges = [*range(0, (_BARS + 1) * _BAR * widths, _BAR * widths)]
    counts = np.histogram(errors, bins=[*edges, np.inf])[0] / len(errors) * 100
    labels = [*(f"{a}-{b}" for a, b in pairwise(edges)), f"> {edges[-1]}"]
    axes = figure.add_subplot()
    bars = axes.bar(labels, counts)
    axes.bar_label(bars, fmt="%.1f", fontsize=8)
    axes.margins(y=0.1)
    axes.set(xlabel=f"{measure} of a frame, mm", ylabel="share of the frames, %")
    mean, median = errors.mean(), np.median(errors)
    axes.set_title(
        f"{len(errors)} frames, their mean {mean:.1f} mm, median {median:.1f} mm", fontsize=9
    )
    axes.tick_params(axis="x", labelsize=8, rotation=45)


def _by_joint(figure: Any, errors: np.ndarray, skeleton: Skeleton, measure: str) -> None:
    """Figure 4: the mean error of every joint, and between which errors half of the frames lie.

    Where few frames have large errors, that half lies below the mean.
    """
    axes = figure.add_subplot()
    measured = np.flatnonzero(np.isfinite(errors).any(0))
    errors = errors[:, measured]
    mean, (low, high) = np.nanmean(errors, 0), np.nanpercentile(errors, (25, 75), axis=0)
    names = [skeleton.names[joint].replace("_", " ") for joint in measured]
    axes.bar(names, mean, color="tab:blue", alpha=0.7, label="mean of all frames")
    axes.vlines(range(len(names)), low, high, color="0.2", label="the middle half of the frames")
    axes.set(ylabel=f"{measure}, mm")
    figure.legend(loc="outside upper right", ncols=2, fontsize=8)
    axes.tick_params(axis="x", rotation=60, labelsize=8)


def _attention(figure: Any, spatial: np.ndarray, temporal: np.ndarray, skeleton: Skeleton) -> None:
    """Figure 5: joints that look at joints; below, where there are several, frames at frames."""
    several = len(temporal[0]) > 1
    grid = figure.subplots(1 + several, len(spatial), squeeze=False)
    names = [name.replace("_", " ") for name in skeleton.names]
    for depth, (axes, joints) in enumerate(zip(grid[0], spatial, strict=True), 1):
        _map(figure, axes, joints)
        axes.set(title=f"spatial block {depth}", xticks=range(len(names)), yticks=[])
        axes.set_xticklabels(names, rotation=90, fontsize=6)
    grid[0, 0].set_yticks(range(len(names)), names, fontsize=6)
    if several:
        for depth, (axes, frames) in enumerate(zip(grid[1], temporal, strict=True), 1):
            _map(figure, axes, frames)
            axes.set(title=f"temporal block {depth}", xlabel="frame looked at")
        grid[1, 0].set_ylabel("frame that looks")


def _map(figure: Any, axes: Any, weights: np.ndarray) -> None:
    bar = figure.colorbar(axes.imshow(weights, cmap="viridis", vmin=0), ax=axes, shrink=0.8)
    bar.ax.tick_params(labelsize=7)


def _poses(figure: Any, shown: list[Shown], skeleton: Skeleton) -> None:
    """Figure 6: poses from the best to the worst of the frames' errors, beside the truth.

    What the detector did not see is faint.
    """
    from matplotlib.ticker import MaxNLocator

    errors = [joint_errors(s.joints, s.target) for s in shown]
    measured = [np.flatnonzero(np.isfinite(e).any(1)) for e in errors]
    owner = np.repeat(np.arange(len(shown)), [len(frames) for frames in measured])
    row = np.concatenate(measured)
    error = np.concatenate([np.nanmean(e[m], 1) for e, m in zip(errors, measured, strict=True)])
    ranked = np.argsort(error)
    shares = np.linspace(0.1, 0.9, _POSES)
    chosen = ranked[(shares * (len(ranked) - 1)).astype(int)]
    for column, (share, pick) in enumerate(zip(shares, chosen, strict=True), 1):
        one, at = shown[owner[pick]], row[pick]
        flat = figure.add_subplot(2, _POSES, column, aspect="equal")
        flat.invert_yaxis()
        flat.set_axis_off()
        solid = figure.add_subplot(2, _POSES, _POSES + column, projection="3d")
        flat.plot(*one.keypoints[at].T, ".", color="tab:blue")
        for parent, joint in skeleton.bones:
            flat.plot(*one.keypoints[at][[parent, joint]].T, color="tab:blue")
        seen = np.isfinite(one.keypoints[at]).all(-1)
        for pose, colour, words in ((one.target, _TRUTH, "truth"), (one.joints, _OURS, "lifted")):
            for number, bone in enumerate(skeleton.bones):
                x, y, z = pose[at][list(bone)].T
                alpha = 1 if colour == _TRUTH or seen[list(bone)].all() else _UNSEEN
                label = None if number else words
                solid.plot(x, z, -y, color=colour, alpha=alpha, lw=2, label=label)
        flat.set_title(f"{one.name}, frame {one.frames[at]}", fontsize=8)
        solid.set_title(f"{error[pick]:.0f} mm, worse than {share:.0%}", fontsize=8)
        solid.set_box_aspect((1, 1, 1), zoom=1.15)
        both = np.concatenate([one.target[at], one.joints[at]])
        shape = both @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
        low, high = np.nanmin(shape, 0), np.nanmax(shape, 0)
        centre, reach = (low + high) / 2, (high - low).max() * 0.55
        limits = np.stack([centre - reach, centre + reach], 1)
        solid.set(xlim=limits[0], ylim=limits[1], zlim=limits[2])
        for axis, middle in zip((solid.xaxis, solid.yaxis, solid.zaxis), centre, strict=True):
            ticks = MaxNLocator(4).tick_values(middle - reach, middle + reach)
            axis.set_ticks(ticks[np.abs(ticks - middle) < 0.85 * reach])  # else corners have two
            axis.set_major_formatter("{x:g} m")
        solid.tick_params(labelsize=6, pad=0)
        solid.view_init(elev=12, azim=-50)
    named = figure.axes[-1].get_legend_handles_labels()
    for line in figure.legend(*named, loc="outside lower center", ncols=2).get_lines():
        line.set_alpha(1)
