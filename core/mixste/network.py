"""MixSTE (Zhang et al., CVPR 2022) in torch, with the state-dict layout of the published files.

Spatial blocks (STE) attend over the joints of one frame, temporal blocks (TTE) over the frames of
one joint, in turn. The published code differs from the paper's text in places; the network here is
the one whose weights were published: pre-norm blocks, one shared norm after every spatial and one
after every temporal block, position embeddings that are plain parameters.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own abbreviation)
from torch import Tensor, nn


@dataclass(frozen=True)
class NetworkConfig:
    """Size of a network; the defaults are the paper's.

    Attributes:
        frames: length of a window, T.
        width: features of a token, C.
        depth: number of spatial blocks, and of temporal blocks.
        in_channels: 2 for x, y; 3 with confidence.
        joints: tokens a frame.
        heads: attention heads, which must divide ``width``.
        mlp_ratio: hidden features of a block's perceptron as a multiple of ``width``.
        drop_path: greatest rate of stochastic depth, rising linearly with depth.
        dropout: of what every attention and perceptron adds; the paper's, not the published code's.
    """

    frames: int = 243
    width: int = 512
    depth: int = 8
    in_channels: int = 2
    joints: int = 17
    heads: int = 8
    mlp_ratio: float = 2.0
    drop_path: float = 0.0
    dropout: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a model card or a checkpoint."""
        return asdict(self)


FEW_TOKENS = 32
"""On a graphics card fused attention works on 64 tokens or more at a time, needed or not."""


class Attention(nn.Module):
    """Multi-head self-attention over the second axis, softmax(q kᵀ / sqrt(d)) v (eq. 2-4)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        if x.is_cuda and tokens <= FEW_TOKENS:
            scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
            mixed = scores.softmax(-1).to(v.dtype) @ v
        else:
            mixed = F.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """A pre-norm transformer block with stochastic depth at rate ``drop_path``, and dropout."""

    def __init__(
        self, width: int, heads: int, mlp_ratio: float, drop_path: float, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, int(width * mlp_ratio))
        self.drop_path = drop_path
        self.dropout = dropout

    def _dropped(self, x: Tensor) -> Tensor:
        if self.training and self.dropout:
            x = F.dropout(x, self.dropout)
        if not self.training or self.drop_path == 0:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device, dtype=x.dtype) >= self.drop_path
        return x * kept / (1 - self.drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._dropped(self.attn(self.norm1(x)))
        return x + self._dropped(self.mlp(self.norm2(x)))


class MixSTE(nn.Module):
    """The whole network: (batch, frames, joints, in_channels) to (batch, frames, joints, 3).

    What goes in is normalised by the caller; what comes out is in metres, camera axes,
    root-relative. The number of frames must be the configured one.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        width, depth = config.width, config.depth
        rates = [config.drop_path * i / max(depth - 1, 1) for i in range(depth)]
        # The names below are those of the published state dicts.
        self.Spatial_patch_to_embedding = nn.Linear(config.in_channels, width)
        self.Spatial_pos_embed = nn.Parameter(torch.zeros(1, config.joints, width))
        self.Temporal_pos_embed = nn.Parameter(torch.zeros(1, config.frames, width))
        self.STEblocks = nn.ModuleList(
            Block(width, config.heads, config.mlp_ratio, rate, config.dropout) for rate in rates
        )
        self.TTEblocks = nn.ModuleList(
            Block(width, config.heads, config.mlp_ratio, rate, config.dropout) for rate in rates
        )
        self.Spatial_norm = nn.LayerNorm(width, eps=1e-6)
        self.Temporal_norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3))

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, joints, channels = x.shape
        width = self.config.width
        h = self.Spatial_patch_to_embedding(x.reshape(batch * frames, joints, channels))
        h = h + self.Spatial_pos_embed
        for i, (spatial, temporal) in enumerate(zip(self.STEblocks, self.TTEblocks, strict=True)):
            h = self.Spatial_norm(spatial(h))
            h = h.reshape(batch, frames, joints, width).transpose(1, 2)
            h = h.reshape(batch * joints, frames, width)
            if i == 0:
                h = h + self.Temporal_pos_embed
            h = self.Temporal_norm(temporal(h))
            h = h.reshape(batch, joints, frames, width).transpose(1, 2)
            h = h.reshape(batch * frames, joints, width)
        return self.head(h).reshape(batch, frames, joints, 3)
