"""Joint names, skeletons and the one conversion from detected joints to the network's 17.

Left is the subject's left. Detector joints are known by name, never by a number; the names are
COCO's (``left_shoulder`` ...) plus the few listed in `EXTRA_JOINTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Skeleton:
    """A tree of named joints; ``parents[root]`` is -1 and parents come before children."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) of every bone."""
        return tuple((p, j) for j, p in enumerate(self.parents) if p >= 0)

    @property
    def mirrored(self) -> tuple[int, ...]:
        """For each joint the index of its mirror image (itself on the midline)."""
        swap = dict(zip(self.left + self.right, self.right + self.left, strict=True))
        return tuple(swap.get(j, j) for j in range(len(self.names)))


H36M = Skeleton(
    names=(
        "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
        "spine", "thorax", "neck_nose", "head", "left_shoulder", "left_elbow", "left_wrist",
        "right_shoulder", "right_elbow", "right_wrist",
    ),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    left=(4, 5, 6, 11, 12, 13),
    right=(1, 2, 3, 14, 15, 16),
)  # fmt: skip
"""The Human3.6M skeleton of 17 joints that the network gives out."""

COCO = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
"""The common ground of all detectors: COCO's 17 keypoints."""

COCO_MIRRORED = tuple(
    COCO.index(name.replace("left", "right") if "left" in name else name.replace("right", "left"))
    for name in COCO
)
"""For each of COCO's keypoints the index of its mirror image."""

EXTRA_JOINTS = (
    "neck", "head_top", "pelvis", "spine", "thorax", "neck_nose",
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
    "left_index", "left_pinky", "left_thumb", "right_index", "right_pinky", "right_thumb",
)  # fmt: skip
"""Further joints that some detectors give, used where they help (toes, hands).

``neck_nose`` is Human3.6M's joint in the middle of the head; a track that has it means the trunk as
Human3.6M does, with the highest joint of the head as ``head_top``.
"""

EXTREMITIES = ("head", "left_foot", "right_foot", "left_hand", "right_hand")
"""Parts of the body whose turning the joints alone do not tell."""

# Each of the network's input joints is the mean of these COCO joints. All must have been
# found, but for the head, where any will do: detectors drop the ear that is turned away.
_SOURCES: dict[str, tuple[str, ...]] = {
    "pelvis": ("left_hip", "right_hip"),
    "spine": ("left_hip", "right_hip", "left_shoulder", "right_shoulder"),
    "thorax": ("left_shoulder", "right_shoulder"),
    "neck_nose": ("nose",),
    "head": ("left_eye", "right_eye", "left_ear", "right_ear"),
}


def _input_matrix() -> tuple[np.ndarray, np.ndarray]:
    sources = [_SOURCES.get(name, (name,)) for name in H36M.names]
    matrix = np.array([[float(c in s) for c in COCO] for s in sources], np.float32)
    needed = np.array([1 if s == _SOURCES["head"] else len(s) for s in sources], np.float32)
    return matrix, needed


INPUT_MATRIX, INPUT_NEEDED = _input_matrix()
"""(17, 17) zeros and ones: which COCO joints make an input joint; (17,) how many it needs."""


def network_joints(
    xy: Any, confidence: Any, matrix: Any = INPUT_MATRIX, needed: Any = INPUT_NEEDED
) -> tuple[Any, Any]:
    """The network's 17 input joints from COCO's 17, the same at run time and in training.

    Works on numpy arrays and on torch tensors alike (then pass the two constants as tensors).

    Args:
        xy: (..., 17, 2) COCO joints in any planar unit, finite also where missing.
        confidence: (..., 17), 0 where a joint is missing.
        matrix: `INPUT_MATRIX` as the same kind of array.
        needed: `INPUT_NEEDED` as the same kind of array.

    Returns:
        (..., 17, 2) joints in Human3.6M order, 0 where missing, and (..., 17) their confidence,
        the mean over the joints that were found.
    """
    found = (confidence > 0) * 1.0
    count = (matrix @ found[..., None])[..., 0]
    present = (count >= needed) * 1.0
    share = present / (count + (count == 0) * 1.0)
    joints = (matrix @ (xy * found[..., None])) * share[..., None]
    return joints, (matrix @ confidence[..., None])[..., 0] * share
