"""SLEAP analysis H5: tracks (tracks, 2, nodes, frames), node_names, track_names, point_scores.

Source: SLEAP's documentation of its analysis export. NaN is missing; pixels; no frame rate, no
size; point_scores and instance_scores are in newer files only. Nodes have any names: a person's
are needed here. Needs h5py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layouts import named_layout
from ..detections import Detections
from ..source import Source

NAME = "SLEAP H5"

_MOST = 200_000_000


def sniff(source: Source) -> bool:
    """Whether an HDF5 file holds the words tracks and node_names."""
    return source.head.startswith(b"\x89HDF") and b"node_names" in source.data


def read(source: Source) -> Detections:
    """Every track as a person."""
    try:
        import h5py  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise source.error("reading H5 files needs the package h5py (pip install h5py).") from None
    try:
        with h5py.File(source.path, "r") as file:
            data: Any = file
            shape = data["tracks"].shape
            if len(shape) != 4 or shape[1] != 2 or int(np.prod(shape)) > _MOST:
                raise source.error(f"tracks of shape {shape} are not (tracks, 2, nodes, frames).")
            xy = np.asarray(data["tracks"], np.float64).transpose(0, 3, 2, 1)
            names = [_text(name) for name in data["node_names"][:1000]]
            scores = None
            if "point_scores" in data and data["point_scores"].shape == (shape[0], *shape[2:]):
                scores = np.asarray(data["point_scores"], np.float64).transpose(0, 2, 1)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise source.error(f"is damaged or no SLEAP analysis file ({error}).") from None
    if len(names) != xy.shape[2]:
        raise source.error(f"has {len(names)} node_names for {xy.shape[2]} nodes.")
    sure = np.ones(xy.shape[:3]) if scores is None else scores
    points = np.concatenate([xy, sure[..., None]], -1)
    people, frames = points.shape[:2]
    flat = points.reshape(people * frames, *points.shape[2:])
    seen = np.isfinite(flat[..., 0]).any(1)
    ids = np.repeat(np.arange(people), frames)
    return Detections.build(
        NAME, named_layout(names), np.tile(np.arange(frames), people)[seen], flat[seen],
        ids=ids[seen], span=(0, frames - 1),
    )  # fmt: skip


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
