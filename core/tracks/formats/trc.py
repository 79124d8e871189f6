"""TRC in pixels, as Sports2D writes it for each person (..._px_person00.trc).

Source: Sports2D's process.py and the TRC form of OpenSim. Five header lines: the third has the
data rate and units, the fourth the markers' names; then frame, time, X Y Z of each marker, tab
separated. In pixels Y is down, as in the picture, and Z is 0. TRC in metres is 3D and is refused.
"""

from __future__ import annotations

import numpy as np

from ...layouts import named_layout
from ..detections import Detections, number
from ..source import Source

NAME = "TRC in pixels"


def sniff(source: Source) -> bool:
    """Whether the first line is a TRC's."""
    return source.head.startswith(b"PathFileType") and source.text is not None


def read(source: Source) -> Detections:
    """One person."""
    lines = (source.text or "").splitlines()
    if len(lines) < 6:
        raise source.error("is cut off within its header.")
    facts = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    names = [name.strip() for name in lines[3].split("\t")[2:] if name.strip()]
    rows = [line.split("\t") for line in lines[5:] if line.strip()]
    width = 2 + 3 * len(names)
    try:
        table = np.array([[float(c) if c.strip() else np.nan for c in r[:width]] for r in rows])
    except ValueError as error:
        raise source.error(f"a row holds other than numbers ({error}).") from None
    if table.ndim != 2 or table.shape[1] != width or not names:
        raise source.error(f"rows must have {width} numbers for {len(names)} markers.")
    xyz = table[:, 2:].reshape(len(table), -1, 3)
    if _is_3d(xyz):
        raise source.error(
            f"holds 3D markers in {facts.get('Units', 'metres')}; the TRC in pixels is needed."
        )
    frame = np.where(np.isfinite(table[:, 0]), table[:, 0], 0).clip(0, 1 << 53).astype(np.int64)
    rate = facts.get("DataRate", "")
    return Detections.build(
        NAME, named_layout(names), frame, xyz[..., :2],
        fps=number(float(rate)) if rate.replace(".", "", 1).isdigit() else None,
        numbered_from=0,
    )  # fmt: skip


def _is_3d(xyz: np.ndarray) -> bool:
    """Whether the third numbers vary, or all are metres."""
    values = np.abs(xyz[np.isfinite(xyz).all(-1)])
    return bool(len(values)) and bool((values[:, 2] > 1e-9).any() or np.median(values[:, :2]) < 4)
