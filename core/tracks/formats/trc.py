"""TRC in pixels, as Sports2D writes it for each person (..._px_person00.trc).

Source: Sports2D's process.py and the TRC form of OpenSim. Five header lines: the third has the
data rate and units, the fourth the markers' names; then frame, time, X Y Z of each marker, tab
separated. In pixels Y is down, as in the picture, and Z is 0. TRC in metres is 3D and is refused.
"""

from __future__ import annotations

import numpy as np

from ...layouts import named_layout
from ..csv_table import CsvTable
from ..detections import Detections, number
from ..source import Source

NAME = "TRC in pixels"


def sniff(source: Source) -> bool:
    """Whether the first line is a TRC's."""
    return source.head.startswith(b"PathFileType") and source.is_text


def read(source: Source) -> Detections:
    """One person."""
    table = CsvTable(source.data, header_rows=5, delimiter="\t")
    if len(table.header) < 5:
        raise source.error("is cut off within its header.")
    facts = dict(zip(table.header[1], table.header[2], strict=False))
    names = [name for name in table.header[3][2:] if name]
    try:
        numbers = table.numbers(range(2 + 3 * len(names)))
    except ValueError as error:
        raise source.error(f"{error}.") from None
    if not names or not len(numbers):
        raise source.error("has no markers, or no rows of them.")
    with np.errstate(over="ignore"):
        xyz = numbers[:, 2:].astype(np.float32).reshape(len(numbers), -1, 3)
    if _is_3d(xyz):
        raise source.error(
            f"holds 3D markers in {facts.get('Units', 'metres')}; the TRC in pixels is needed."
        )
    xy = xyz[..., :2]
    if np.nanmedian(xy[..., 1]) < 0:
        xy = xy * np.array([1, -1], np.float32)
    frame = np.where(np.isfinite(numbers[:, 0]), numbers[:, 0], 0)
    rate = facts.get("DataRate", "")
    return Detections.build(
        NAME, named_layout(names), frame.clip(0, 1 << 53).astype(np.int64), xy,
        fps=number(float(rate)) if rate.replace(".", "", 1).isdigit() else None,
        numbered_from=0,
    )  # fmt: skip


def _is_3d(xyz: np.ndarray) -> bool:
    """Whether the third numbers vary, or all are metres."""
    values = np.abs(xyz[np.isfinite(xyz).all(-1)])
    return bool(len(values)) and bool((values[:, 2] > 1e-9).any() or np.median(values[:, :2]) < 4)
