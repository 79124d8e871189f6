"""Muon for the blocks' matrices, AdamW for everything else.

Muon (K. Jordan, 2024) steps along the orthogonalised momentum. torch has it too, but
orthogonalises in bfloat16, one matrix after another, which costs more than the network itself on a
CPU without bfloat16. Here matrices of one shape go through in float32 together.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import ModelError

OPTIMIZERS = ("muon", "adam", "adamw")
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


def orthogonalised(matrices: Tensor) -> Tensor:
    """(n, rows, columns) with all singular values pushed near 1 by a Newton-Schulz iteration."""
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(_ITERATIONS):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, with decoupled weight decay.

    The step of a matrix is scaled by 0.2 sqrt(max(rows, columns)), which gives it the size of an
    AdamW step, so that both may share one learning rate.
    """

    def __init__(
        self, matrices: list[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.0
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of all matrices; a ``closure`` is not used."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape.setdefault(matrix.shape, []).append(matrix)
            for shape, matrices in by_shape.items():
                size = 0.2 * max(shape) ** 0.5 * group["lr"]
                steps = orthogonalised(torch.stack([self._direction(m, group) for m in matrices]))
                for matrix, step in zip(matrices, steps, strict=True):
                    matrix.mul_(1 - group["lr"] * group["decay"]).sub_(step, alpha=size)

    def _direction(self, matrix: nn.Parameter, group: dict[str, float]) -> Tensor:
        assert matrix.grad is not None
        state = self.state[matrix]
        if not state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum = state["momentum"].lerp_(matrix.grad, 1 - group["momentum"])
        return matrix.grad.lerp(momentum, group["momentum"])


def optimizers(
    network: nn.Module, lr: float, decay: float, kind: str = "muon"
) -> list[torch.optim.Optimizer]:
    """The optimizers of a network.

    "muon" makes two: Muon for the blocks' matrices, and AdamW for all the rest. "adam" is the
    paper's, "adamw" that of the published code. On a graphics card Adam's updates are fused.

    Raises:
        ModelError: ``kind`` is none of `OPTIMIZERS`.
    """
    if kind not in OPTIMIZERS:
        raise ModelError(f"optimizer {kind!r} is not known; there are {', '.join(OPTIMIZERS)}.")
    fused = next(network.parameters()).is_cuda
    chosen: list[torch.optim.Optimizer]
    if kind == "muon":
        chosen = _muon(network, lr, decay, fused)
    elif kind == "adam":
        chosen = [torch.optim.Adam(network.parameters(), lr=lr, weight_decay=decay, fused=fused)]
    else:
        chosen = [torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=decay, fused=fused)]
    for group in (g for optimizer in chosen for g in optimizer.param_groups):
        group["initial_lr"] = group["lr"]
    return chosen


def _muon(network: nn.Module, lr: float, decay: float, fused: bool) -> list[torch.optim.Optimizer]:
    named = dict(network.named_parameters())
    matrices = [p for n, p in named.items() if p.ndim == 2 and "blocks" in n]
    others = [p for n, p in named.items() if p.ndim != 2 or "blocks" not in n]
    return [
        Muon(matrices, lr=lr, decay=decay),
        torch.optim.AdamW(others, lr=0.15 * lr, betas=(0.9, 0.98), weight_decay=0.0, fused=fused),
    ]
