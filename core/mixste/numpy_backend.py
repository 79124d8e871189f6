"""The network in plain numpy, for a Blender whose Python onnxruntime has no wheel for.

Much slower than onnxruntime and the same to a rounding error; reads the weights that lie beside the
model as ``.npz``, under the names of the published state dicts.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erf

from ..errors import ModelError
from .model import Model

_AT_ONCE = 16  # windows whose attention is held in memory together


class NumpyMixSTE:
    """MixSTE (Zhang et al., CVPR 2022, eq. 2-4): (batch, frames, joints, channels) to (…, 3).

    Raises:
        ModelError: the model has no ``.npz`` beside it, or it does not hold the network.
    """

    def __init__(self, model: Model) -> None:
        path = model.onnx.with_suffix(".npz")
        try:
            with np.load(path, allow_pickle=False) as data:
                self._weights = {name: data[name].astype(np.float32) for name in data.files}
            self._heads = int(model.card.network["heads"])
            self._depth = int(model.card.network["depth"])
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"onnxruntime is not installed, and {path.name} cannot stand in ({error})."
            ) from error

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        parts = [windows[i : i + _AT_ONCE] for i in range(0, len(windows), _AT_ONCE)]
        return np.concatenate([self._forward(part.astype(np.float32)) for part in parts])

    def _forward(self, x: np.ndarray) -> np.ndarray:
        h = self._linear(x, "Spatial_patch_to_embedding") + self._weights["Spatial_pos_embed"]
        for i in range(self._depth):
            h = self._norm(self._block(h, f"STEblocks.{i}"), "Spatial_norm").swapaxes(1, 2)
            if i == 0:
                h = h + self._weights["Temporal_pos_embed"]
            h = self._norm(self._block(h, f"TTEblocks.{i}"), "Temporal_norm").swapaxes(1, 2)
        return self._linear(self._norm(h, "head.0", 1e-5), "head.1")

    def _block(self, x: np.ndarray, name: str) -> np.ndarray:
        x = x + self._attention(self._norm(x, f"{name}.norm1"), f"{name}.attn")
        hidden = self._linear(self._norm(x, f"{name}.norm2"), f"{name}.mlp.fc1")
        hidden *= 0.5 + 0.5 * erf(hidden * np.float32(np.sqrt(0.5)))  # exact GELU
        return x + self._linear(hidden, f"{name}.mlp.fc2")

    def _attention(self, x: np.ndarray, name: str) -> np.ndarray:
        *outer, tokens, width = x.shape
        qkv = self._linear(x, f"{name}.qkv").reshape(*outer, tokens, 3, self._heads, -1)
        q, k, v = np.moveaxis(qkv, (-3, -2), (0, -3))  # each (…, heads, tokens, size)
        score = q @ k.swapaxes(-1, -2) / np.float32(np.sqrt(width // self._heads))
        score = np.exp(score - score.max(-1, keepdims=True))
        mixed = (score / score.sum(-1, keepdims=True)) @ v
        return self._linear(mixed.swapaxes(-3, -2).reshape(x.shape), f"{name}.proj")

    def _norm(self, x: np.ndarray, name: str, eps: float = 1e-6) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt(np.square(x).mean(-1, keepdims=True) + np.float32(eps))
        return x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
