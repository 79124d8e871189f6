"""SLEAP analysis H5: tracks (tracks, 2, nodes, frames), node_names, track_names, point_scores.

Source: SLEAP's documentation of its analysis export. NaN is missing; pixels; no frame rate, no
size; point_scores and instance_scores are in newer files only. Nodes have any names: a person's
are needed here. Needs h5py.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import Any

import numpy as np

from ...layouts import named_layout
from ..detections import Detections
from ..hdf5 import check_room, is_hdf5, opened, pieces
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
        names = [_text(name) for name in file["node_names"][:1000]]
        if len(names) != shape[2]:
            raise source.error(f"has {len(names)} node_names for {shape[2]} nodes.")
        scores: Iterable[np.ndarray | None] = repeat(None)
        if "point_scores" in file and file["point_scores"].shape == (shape[0], *shape[2:]):
            scores = pieces(file["point_scores"], source)
        tracks = pieces(file["tracks"], source)
        seen: list[tuple[np.ndarray, np.ndarray]] = []
        for xy, sure in zip(tracks, scores, strict=False):
            seen.append(_seen(xy, sure))
            check_room(sum(points.nbytes for _, points in seen), source)
    ids = np.repeat(np.arange(len(seen)), [len(frames) for frames, _ in seen])
    return Detections.build(
        NAME, named_layout(names), np.concatenate([frames for frames, _ in seen]),
        np.concatenate([points for _, points in seen]), ids=ids, span=(0, shape[3] - 1),
    )  # fmt: skip


def _seen(xy: np.ndarray, scores: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The frames in which a track is there, and its points in them: (frames, nodes, 2 or 3)."""
    parts = xy if scores is None else np.concatenate([xy, scores[None]])
    there = np.flatnonzero(np.isfinite(xy[0]).any(0))
    return there, parts[..., there].transpose(2, 1, 0)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
