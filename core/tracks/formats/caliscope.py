"""Caliscope (once pyxy3d): xy CSV with one row for each landmark that a camera sees.

Source: Caliscope's recordings. Columns sync_index, port (later cam_id), frame_index, frame_time
(seconds), point_id (later keypoint_id), img_loc_x, img_loc_y in pixels. Points 0 to 32 are
MediaPipe's body; hands and face have higher numbers. There are no confidences: what is not seen
has no row.
"""

from __future__ import annotations

import numpy as np

from ...layouts import MEDIAPIPE_33
from ..csv_table import CsvTable
from ..detections import Detections
from ..source import Source
from ..timing import rate_of_timestamps

NAME = "Caliscope CSV"

_CAMERA, _POINT = ("port", "cam_id", "camera"), ("point_id", "keypoint_id")


def sniff(source: Source) -> bool:
    """Whether the first line has Caliscope's columns."""
    if not source.is_text or b"img_loc_x" not in source.head[:4096]:
        return False
    table = CsvTable(source.head)
    return table.column(*_POINT) is not None and table.column("sync_index") is not None


def read(source: Source) -> Detections:
    """The first camera's body landmarks."""
    table = CsvTable(source.data)
    camera = table.column(*_CAMERA)
    wanted = [table.column(name) for name in ("sync_index", "img_loc_x", "img_loc_y")]
    wanted += [table.column(*_POINT), table.column("frame_time")]
    columns = [column for column in (*wanted, camera) if column is not None]
    if None in wanted[:4]:
        raise source.error("lacks one of sync_index, point_id, img_loc_x, img_loc_y.")
    try:
        numbers = dict(zip(columns, table.numbers(columns).T, strict=True))
    except ValueError as error:
        raise source.error(f"{error}.") from None
    frame, x, y, point, time = (None if c is None else numbers[c] for c in wanted)
    assert frame is not None
    assert point is not None
    assert x is not None
    assert y is not None
    notes: tuple[str, ...] = ()
    body = np.isfinite(frame) & (point >= 0) & (point < 33)
    if camera is not None:
        cameras = np.unique(numbers[camera][body])
        if len(cameras) > 1:
            notes = (f"Camera {cameras[0]:g} of {len(cameras)} is taken.",)
        body &= numbers[camera] == cameras[0] if len(cameras) else body
    frames, row = np.unique(frame[body].astype(np.int64), return_inverse=True)
    points = np.full((len(frames), 33, 2), np.nan, np.float32)
    points[row.reshape(-1), point[body].astype(int)] = np.stack([x, y], -1)[body]
    rate = None if time is None else rate_of_timestamps(frame[body], time[body])
    return Detections.build(NAME, MEDIAPIPE_33, frames, points, fps=rate, notes=notes)
