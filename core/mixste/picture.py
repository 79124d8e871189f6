"""Input of networks trained elsewhere on Human3.6M, such as the published checkpoints.

They take x and y over half the picture's width and know neither confidence nor missing joints, so
what was not seen is filled in beforehand. Their joints are those of detectors that were fine-tuned
on Human3.6M; the formulas that make them from COCO's are MHFormer's (``coco_h36m``).
"""

from __future__ import annotations

import numpy as np

from ..skeleton import COCO, H36M
from ..track import Track

_AT = {name: i for i, name in enumerate(COCO)}


def picture_inputs(track: Track) -> np.ndarray:
    """(frames, 17, 2) float64: x in -1..1, y on the same scale, y down, Human3.6M order."""
    xy, confidence = track.select(COCO)
    xy = _filled(np.where((confidence > 0)[..., None], xy, np.nan))
    return h36m_joints((xy - np.array(track.size) / 2) / (track.size[0] / 2))


def h36m_joints(coco: np.ndarray) -> np.ndarray:
    """(..., 17, 2) COCO's joints to Human3.6M's, y down, any unit."""

    def mean(*names: str) -> np.ndarray:
        return np.mean([coco[..., _AT[name], :] for name in names], axis=0)

    nose, eyes = coco[..., _AT["nose"], :], mean("left_eye", "right_eye")
    hips, shoulders = mean("left_hip", "right_hip"), mean("left_shoulder", "right_shoulder")
    thorax = shoulders + (nose - shoulders) / 3
    spine = (hips + shoulders) / 2
    spine[..., 0] += 2 * (spine[..., 0] - (hips + thorax)[..., 0] / 2)
    thorax[..., 1] -= (eyes - nose)[..., 1] * 2 / 3
    head = mean("left_eye", "right_eye", "left_ear", "right_ear")
    head[..., 1] = 2 * eyes[..., 1] - nose[..., 1]
    made = {
        "pelvis": hips, "spine": spine, "thorax": thorax, "head": head,
        "neck_nose": nose - (nose - shoulders) / 4,
    }  # fmt: skip
    joints = [made[n] if n in made else coco[..., _AT[n], :] for n in H36M.names]
    return np.stack(joints, axis=-2)


def _filled(xy: np.ndarray) -> np.ndarray:
    """Missing joints interpolated in time; one never seen is put in the middle of the others."""
    out = xy.copy()
    seen = np.isfinite(xy).all(-1)
    frames = np.arange(len(xy))
    for j in np.flatnonzero(seen.any(0)):
        for axis in range(2):
            out[:, j, axis] = np.interp(frames, frames[seen[:, j]], xy[seen[:, j], j, axis])
    known = seen.any(0)
    out[:, ~known] = out[:, known].mean(1, keepdims=True)
    return out
