"""The small trained networks of `ground`: layers of weights in an ``.npz``, run by numpy."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import expit

WEIGHTS = Path(__file__).parent
"""Where ``NAME.npz`` lies with ``weight0``, ``bias0``, ``weight1`` ..."""


def answer(name: str, features: np.ndarray) -> np.ndarray:
    """What the network of that name says of (..., features): (..., answers)."""
    layers = _layers(name)
    for i, (weight, bias) in enumerate(layers):
        features = features @ weight + bias
        if i < len(layers) - 1:
            features = features * expit(features)
    return features.astype(float)


@cache
def _layers(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    with np.load(WEIGHTS / f"{name}.npz", allow_pickle=False) as file:
        return [(file[f"weight{i}"], file[f"bias{i}"]) for i in range(len(file.files) // 2)]
