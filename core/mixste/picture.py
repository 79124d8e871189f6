"""Input of networks trained elsewhere on Human3.6M, such as the published checkpoints.

They take x and y over half the picture's width and know neither confidence nor missing joints, so
what was not seen is filled in beforehand. Their joints are those of Human3.6M, or of detectors that
were fine-tuned on it: a track that has them gives them as they are; for others they are made from
COCO's by MHFormer's formulas (``coco_h36m``). Some were trained on COCO's keypoints themselves.
"""

from __future__ import annotations

import numpy as np

from ..skeleton import COCO, H36M
from ..track import Track

_AT = {name: i for i, name in enumerate(COCO)}
_OWN = {
    "pelvis": "pelvis", "spine": "spine", "thorax": "thorax", "neck_nose": "neck_nose",
    "head": "head_top",
}  # fmt: skip
"""Joints of Human3.6M that COCO lacks, and what a track calls them."""

_USUAL: tuple[tuple[str, dict[str, float]], ...] = (
    ("S_shoulder", {"O_shoulder": 1, "S_hip": 1, "O_hip": -1}),
    ("S_shoulder", {"S_hip": 2.2, "S_knee": -1.2}),
    ("nose", {"S_ear": 0.5, "O_ear": 0.5}),
    ("nose", {"S_ear": 1}),
    ("nose", {"S_eye": 0.45, "O_eye": 0.45, "S_shoulder": 0.05, "O_shoulder": 0.05}),
    ("nose", {"neck": 0.57, "head_top": 0.43}),
    ("S_hip", {"O_hip": 1, "S_shoulder": 0.6, "O_shoulder": -0.6}),
    ("S_hip", {"S_shoulder": 2.05, "O_shoulder": 1.45, "nose": -2.5}),
    ("nose", {"S_shoulder": 0.65, "O_shoulder": 0.65, "S_hip": -0.15, "O_hip": -0.15}),
    ("S_ear", {"O_ear": 1}),
    ("S_ear", {"nose": 1}),
    ("S_eye", {"O_eye": 1}),
    ("S_eye", {"nose": 0.78, "head_top": 0.22}),
    ("S_eye", {"nose": 1.12, "S_shoulder": -0.06, "O_shoulder": -0.06}),
    ("S_elbow", {"S_shoulder": 0.45, "S_hip": 0.55}),
    ("S_wrist", {"S_elbow": 1, "S_hip": 0.5, "S_shoulder": -0.5}),
    ("S_knee", {"S_hip": 1.85, "S_shoulder": -0.85}),
    ("S_ankle", {"S_knee": 1, "S_hip": 0.9, "S_shoulder": -0.9}),
)  # fmt: skip
"""Where a joint usually is, from others that may have been seen (S, O: its side and the other).

Limbs hang along the trunk; shares of the face are medians of detections with the top of the head.
"""


def picture_inputs(track: Track) -> np.ndarray:
    """(frames, 17, 2) float64: x in -1..1, y on the same scale, y down, Human3.6M order."""
    joints = h36m_joints(_completed(track))
    if "neck_nose" in track.joints:
        own = _seen(track, tuple(_OWN.values()))
        for i, name in enumerate(_OWN):
            j = H36M.names.index(name)
            joints[:, j] = _followed(own[:, i], joints[:, j])
    return _over_half_the_width(joints, track)


def coco_inputs(track: Track) -> np.ndarray:
    """The same, but COCO's keypoints in their own order."""
    return _over_half_the_width(_completed(track), track)


INPUTS_OF = {"picture": picture_inputs, "coco": coco_inputs}
"""What a model takes of a track, by the input that its card names."""


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


def _over_half_the_width(joints: np.ndarray, track: Track) -> np.ndarray:
    return (joints - np.array(track.size) / 2) / (track.size[0] / 2)


def _completed(track: Track) -> np.ndarray:
    """(frames, 17, 2) pixels, COCO's joints with what was not seen filled in."""
    names = (*COCO, "neck", "head_top")
    seen = _seen(track, names)
    at: dict[str, np.ndarray] = {name: seen[:, j] for j, name in enumerate(names)}
    for pattern, sources in _USUAL:
        for side, other in (("left", "right"), ("right", "left")):
            joint = pattern.replace("S_", f"{side}_")
            parts = [
                at[source.replace("S_", f"{side}_").replace("O_", f"{other}_")] * weight
                for source, weight in sources.items()
            ]
            at[joint] = _followed(at[joint], np.sum(parts, 0))
    known = [name for name in COCO if np.isfinite(at[name]).any()]
    middle = np.mean([_followed(at[name], np.zeros((track.frames, 2))) for name in known], 0)
    return np.stack([_followed(at[name], middle) for name in COCO], 1)


def _seen(track: Track, names: tuple[str, ...]) -> np.ndarray:
    """(frames, names, 2) pixels, NaN where missing."""
    xy, confidence = track.select(names)
    return np.where((confidence > 0)[..., None], xy, np.nan)


def _followed(way: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """A joint's way, where it was not seen beside a guess, as far off as before and after.

    Args:
        way, guess: (frames, 2), NaN where missing; what neither has stays missing.
    """
    off = way - guess
    known = np.flatnonzero(np.isfinite(off[:, 0]))
    if len(known):
        frames = np.arange(len(way))
        guess = guess + np.stack([np.interp(frames, known, part[known]) for part in off.T], -1)
    return np.where(np.isfinite(way), way, guess)
