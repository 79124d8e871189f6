"""The paper's network once more, as plain as it can be written, as the truth for ours.

Every attention is spelt out head by head (eq. 2-4), every block in the order of the published
network; it reads the same state dict. Also the slow side of ``benchmarks/lifting.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]


def _norm(x: Tensor, w: Weights, name: str, eps: float = 1e-6) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / (variance + eps).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]


def _linear(x: Tensor, w: Weights, name: str) -> Tensor:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def _attention(x: Tensor, w: Weights, name: str, heads: int) -> Tensor:
    width = x.shape[-1]
    size = width // heads
    q, k, v = _linear(x, w, f"{name}.qkv").split(width, dim=-1)
    mixed = []
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        score = q[..., part] @ k[..., part].transpose(-1, -2) / math.sqrt(size)
        mixed.append(torch.softmax(score, -1) @ v[..., part])
    return _linear(torch.cat(mixed, -1), w, f"{name}.proj")


def _block(x: Tensor, w: Weights, name: str, heads: int) -> Tensor:
    x = x + _attention(_norm(x, w, f"{name}.norm1"), w, f"{name}.attn", heads)
    hidden = _linear(_norm(x, w, f"{name}.norm2"), w, f"{name}.mlp.fc1")
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    return x + _linear(hidden, w, f"{name}.mlp.fc2")


def naive_mixste(x: Tensor, w: Weights, heads: int = 8) -> Tensor:
    """(batch, frames, joints, channels) to (batch, frames, joints, 3)."""
    h = _linear(x, w, "Spatial_patch_to_embedding") + w["Spatial_pos_embed"]
    depth = len({name.split(".")[1] for name in w if name.startswith("STEblocks.")})
    for i in range(depth):
        h = _norm(_block(h, w, f"STEblocks.{i}", heads), w, "Spatial_norm")
        h = h.transpose(1, 2)
        if i == 0:
            h = h + w["Temporal_pos_embed"]
        h = _norm(_block(h, w, f"TTEblocks.{i}", heads), w, "Temporal_norm").transpose(1, 2)
    return _linear(_norm(h, w, "head.0", 1e-5), w, "head.1")
