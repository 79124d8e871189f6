"""Constant tensors on the training device, copied there once.

A copy from the host makes a graphics card finish all that it was given first. Whatever an update
needs again and again is therefore asked for here, and so are lists of joints that index a tensor.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

Values = tuple[float, ...] | tuple[tuple[float, ...], ...]


@cache
def constant(values: Values, device: torch.device) -> Tensor:
    """Numbers as float32, (n,) or (n, m)."""
    return torch.tensor(values, dtype=torch.float32, device=device)


@cache
def indices(values: tuple[int, ...], device: torch.device) -> Tensor:
    """(n,) int64, to index with."""
    return torch.tensor(values, dtype=torch.int64, device=device)
