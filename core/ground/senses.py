"""A small network's sense of balance: where is up, and which foot bears weight.

It looks at one frame and its neighbours within a third of a second, in axes fixed to the trunk, so
that the answer turns with the body however the camera is held. Trained by
``core.training.ground_net``; here it is two matrix products a layer.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

OFFSETS = (-0.32, -0.16, -0.06, 0.0, 0.06, 0.16, 0.32)
"""Moments looked at, seconds from the frame itself."""

WEIGHTS = Path(__file__).with_name("senses.npz")
"""The trained layers: ``weight0``, ``bias0``, ``weight1`` ..."""

_LEFT, _RIGHT = [4, 11], [1, 14]


def trunk_axes(joints: np.ndarray) -> np.ndarray:
    """(frames, 3, 3), rows: the subject's left, up along the trunk, forward; right-handed.

    Args:
        joints: (frames, 17, 3) in any axes.
    """
    trunk = _unit(joints[:, 8] - joints[:, 0])
    across = (joints[:, _LEFT] - joints[:, _RIGHT]).sum(1)
    left = _unit(across - trunk * (across * trunk).sum(-1, keepdims=True))
    return np.stack([left, trunk, np.cross(left, trunk)], 1)


def observe(joints: np.ndarray, root: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """What the network sees of every frame.

    Args:
        joints: (frames, 17, 3) metres relative to the pelvis, camera axes.
        root: (frames, 3) the pelvis, camera metres.
        fps: frames a second.

    Returns:
        (frames, features) float32, and (frames, 3, 3) the trunk's axes as `trunk_axes` gives them.
    """
    frames = len(joints)
    axes = trunk_axes(joints)
    scale = np.linalg.norm(np.diff(joints[:, [1, 2, 3]], axis=1), axis=-1).sum(1).mean()
    placed = np.concatenate([joints[:, 1:], root[:, None]], 1) / max(float(scale), 1e-6)
    seen = []
    for offset in OFFSETS:
        moments = np.clip(np.arange(frames) + offset * fps, 0, frames - 1)
        before = np.minimum(moments.astype(int), max(frames - 2, 0))
        share = (moments - before)[:, None, None]
        after = np.minimum(before + 1, frames - 1)
        then = placed[before] * (1 - share) + placed[after] * share
        then[:, -1] -= placed[:, -1]
        if offset == 0.0:
            then = then[:, :-1]
        seen.append(np.einsum("tij,tkj->tki", axes, then).reshape(frames, -1))
    ray = _unit(root)
    seen.append(np.einsum("tij,tj->ti", axes, ray))
    return np.concatenate(seen, 1).astype(np.float32), axes


def sense(joints: np.ndarray, root: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Each frame's vote for up, and its feet.

    Args:
        joints: (frames, 17, 3) metres relative to the pelvis, camera axes.
        root: (frames, 3) the pelvis, camera metres.
        fps: frames a second.

    Returns:
        (frames, 3) votes for up in camera axes, the surer the longer, to be summed over the clip;
        (frames, 2) probability that the left and the right foot stands on something.
    """
    values, axes = observe(joints, root, fps)
    layers = _layers()
    for i, (weight, bias) in enumerate(layers):
        values = values @ weight + bias
        if i < len(layers) - 1:
            values = values / (1 + np.exp(-values))
    votes = np.einsum("tij,ti->tj", axes, values[:, :3])
    return votes, 1 / (1 + np.exp(-values[:, 3:]))


@cache
def _layers() -> list[tuple[np.ndarray, np.ndarray]]:
    with np.load(WEIGHTS, allow_pickle=False) as file:
        count = len(file.files) // 2
        return [
            (file[f"weight{i}"].astype(np.float32), file[f"bias{i}"].astype(np.float32))
            for i in range(count)
        ]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
