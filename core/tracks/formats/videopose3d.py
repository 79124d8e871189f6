"""VideoPose3D: data_2d_custom_*.npz and what its infer_video scripts write before that.

Source: VideoPose3D DOCUMENTATION.md, prepare_data_2d_custom.py, infer_video.py and
infer_video_d2.py. A data set has positions_2d {video: {action: [(frames, joints, 2) pixels]}} and
metadata {layout_name, video_metadata {video: {w, h}}}, without confidences and with its gaps
already filled. An inference file has keypoints[frame][1], (people, 4, 17) with rows x, y, logit,
probability, and metadata {w, h}. All of it is pickled inside; see `core.tracks.arrays`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layouts import COCO_17, H36M_17, HUMANEVA_15, Layout
from ..detections import Detections, picture_size
from ..source import Source

NAME = "VideoPose3D npz"

_LAYOUTS = {"coco": COCO_17, "h36m": H36M_17, "humaneva15": HUMANEVA_15}


def sniff(source: Source) -> bool:
    """Whether an archive holds positions_2d, or boxes and keypoints."""
    arrays = source.arrays
    return arrays is not None and (
        isinstance(arrays.get("positions_2d"), dict)
        or ("boxes" in arrays and "keypoints" in arrays)
    )


def read(source: Source) -> Detections:
    """The one clip of a data set, or every person of an inference file."""
    assert source.arrays is not None
    if "positions_2d" in source.arrays:
        return _read_data_set(source, source.arrays)
    return _read_inference(source, source.arrays)


def _read_data_set(source: Source, arrays: dict[str, Any]) -> Detections:
    metadata = _dict(arrays.get("metadata"))
    clips = [
        (video, action, cameras)
        for video, actions in arrays["positions_2d"].items()
        for action, cameras in _dict(actions).items()
    ]
    if len(clips) != 1:
        named = ", ".join(f"{video} {action}" for video, action, _ in clips[:4])
        raise source.error(
            f"holds {len(clips)} clips ({named}{', ...' if len(clips) > 4 else ''}); "
            "save one of them in a file of its own."
        )
    video, action, cameras = clips[0]
    layout = _LAYOUTS.get(str(metadata.get("layout_name", "coco")))
    if layout is None:
        raise source.error(f"layout_name {metadata.get('layout_name')!r} is not known.")
    people = [_clip(positions, layout, source, f"{video} {action}") for positions in _list(cameras)]
    size = _dict(_dict(metadata.get("video_metadata")).get(video))
    frames = max(map(len, people), default=0)
    return Detections.build(
        NAME, layout,
        np.concatenate([np.arange(len(p)) for p in people]) if people else [],
        np.concatenate(people) if people else np.empty((0, len(layout.points), 2)),
        ids=np.repeat(np.arange(len(people)), [len(p) for p in people]),
        span=(0, frames - 1), size=picture_size(size.get("w"), size.get("h")),
        notes=("The file has no confidences and its gaps are filled already.",),
    )  # fmt: skip


def _clip(positions: Any, layout: Layout, source: Source, where: str) -> np.ndarray:
    if (
        not isinstance(positions, np.ndarray)
        or positions.dtype.kind != "f"
        or positions.ndim != 3
        or positions.shape[1:] not in ((len(layout.points), 2), (len(layout.points), 3))
    ):
        raise source.error(f"positions_2d of {where} are not (frames, {len(layout.points)}, 2).")
    return positions


def _read_inference(source: Source, arrays: dict[str, Any]) -> Detections:
    frames: list[int] = []
    rows: list[np.ndarray] = []
    listed = _list(arrays["keypoints"])
    for i, frame in enumerate(listed):
        people = _list(frame)[1] if len(_list(frame)) > 1 else None
        if not isinstance(people, np.ndarray) or not people.size:
            continue
        if people.ndim != 3 or people.shape[1:] != (4, 17) or people.dtype.kind != "f":
            raise source.error(f"keypoints of frame {i} are not (people, 4, 17).")
        frames += [i] * len(people)
        rows.append(people)
        if len(frames) * 17 * 4 > 2e8:
            raise source.error("holds more people than a clip can have.")
    points = np.concatenate(rows) if rows else np.empty((0, 4, 17))
    size = _dict(arrays.get("metadata"))
    return Detections.build(
        NAME, COCO_17, frames, points[:, [0, 1, 3]].transpose(0, 2, 1),
        span=(0, len(listed) - 1), size=picture_size(size.get("w"), size.get("h")),
    )  # fmt: skip


def _dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Any:
    listed = isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return value if listed else []
