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
from ..hdf5 import is_hdf5, opened, whole
from ..source import Source

NAME = "SLEAP H5"


def sniff(source: Source) -> bool:
    """Whether an HDF5 file holds the word node_names."""
    return is_hdf5(source) and b"node_names" in source.data


def read(source: Source) -> Detections:
    """Every track as a person."""
    with opened(source, "SLEAP analysis") as file:
        shape = file["tracks"].shape
        if len(shape) != 4 or shape[1] != 2:
            raise source.error(f"tracks of shape {shape} are not (tracks, 2, nodes, frames).")
        xy = whole(file["tracks"], source).astype(np.float64).transpose(0, 3, 2, 1)
        names = [_text(name) for name in file["node_names"][:1000]]
        scores = None
        if "point_scores" in file and file["point_scores"].shape == (shape[0], *shape[2:]):
            scores = whole(file["point_scores"], source).astype(np.float64).transpose(0, 2, 1)
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
