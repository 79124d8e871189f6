"""A run in pieces that travel, between a machine that is lent for minutes and the one at home.

Weights go as float16, and the optimizers' state stays behind: a third of a checkpoint. A run that
is taken up from pieces is therefore not the same to the last bit as one that was never cut.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import ModelError, reason
from .loop import CHECKPOINT, CURVE, check_data, load_checkpoint

SIZE = 15 << 20
"""Bytes of a piece at most."""


def leave(run: Path, folder: Path, size: int = SIZE) -> list[Path]:
    """Write a run's state into a folder as ``RUN.json`` and ``RUN.HASH.0``, ``RUN.HASH.1`` ...

    The ``.json``, which says what pieces belong together, is put in its place when all are there;
    only then the pieces of runs before are removed, since a run needs none. Other files stay.

    Args:
        run: folder of the run.
        folder: made if it is not there.
        size: bytes of a piece at most.

    Raises:
        ModelError: the run has no checkpoint.
    """
    state = load_checkpoint(run)
    curve = run / CURVE
    small = {
        **{name: value for name, value in state.items() if name != "optimizers"},
        "network": _as(torch.float16, state["network"]),
        "average": _as(torch.float16, state["average"]),
        "curve": curve.read_text("utf-8") if curve.is_file() else "",
    }
    buffer = io.BytesIO()
    torch.save(small, buffer)
    data = buffer.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    before = [piece for about in _abouts(folder) for piece in (about, *_pieces(about))]
    whole = _hash(data)
    written = []
    for number, start in enumerate(range(0, len(data), size)):
        written.append(folder / f"{run.name}.{whole[:8]}.{number}")
        written[-1].write_bytes(data[start : start + size])
    about = {"step": small["step"], "pieces": len(written), "sha256": whole}
    written.append(folder / f"{run.name}.json")
    part = folder / f"{run.name}.json.part"
    part.write_text(json.dumps(about) + "\n", "utf-8")
    part.replace(written[-1])
    for piece in {*before} - {*written}:
        piece.unlink(missing_ok=True)
    return written


def take_up(folder: Path, out: Path) -> list[Path]:
    """Put the runs that lie in a folder in pieces where `core.training.loop` goes on with them.

    A run that has come further in ``out`` is left as it is.

    Args:
        folder: of pieces; may be missing.
        out: folder of all runs.

    Returns:
        The folders of the runs that were taken up.

    Raises:
        ModelError: a piece is missing or damaged, or the run in ``out`` was trained on other data.
    """
    taken = []
    for about in _abouts(folder):
        run = out / about.stem
        state = _joined(about)
        if (run / CHECKPOINT).is_file():
            here = load_checkpoint(run)
            check_data(run, here, state.get("data"))
            if here["step"] >= state["step"]:
                continue
        run.mkdir(parents=True, exist_ok=True)
        (run / CURVE).write_text(state.pop("curve"), "utf-8")
        for weights in ("network", "average"):
            state[weights] = _as(torch.float32, state[weights])
        part = run / (CHECKPOINT + ".part")
        torch.save({**state, "optimizers": []}, part)
        part.replace(run / CHECKPOINT)
        taken.append(run)
    return taken


def _abouts(folder: Path) -> list[Path]:
    """The files that say what pieces belong together; other JSON is none of ours."""
    return [path for path in sorted(folder.glob("*.json")) if b'"sha256"' in path.read_bytes()]


def _pieces(about: Path) -> list[Path]:
    values = json.loads(about.read_text("utf-8"))
    stem = f"{about.stem}.{values['sha256'][:8]}"
    return [about.with_name(f"{stem}.{number}") for number in range(values["pieces"])]


def _joined(about: Path) -> dict[str, Any]:
    try:
        data = b"".join(piece.read_bytes() for piece in _pieces(about))
        if _hash(data) != json.loads(about.read_text("utf-8"))["sha256"]:
            raise ValueError("they do not belong together, or one is damaged")
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{about}: its pieces cannot be put together ({reason(error)})."
        ) from error


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _as(kind: torch.dtype, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.to(kind) for name, value in weights.items()}
