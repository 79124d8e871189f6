"""Layouts: orders, names of any spelling, and joints that are made of others."""

from __future__ import annotations

import numpy as np
import pytest
from lift_to_3d.core.layouts import (
    BODY_25,
    COCO_17,
    HALPE_26,
    KNOWN_JOINTS,
    LAYOUTS,
    MEDIAPIPE_33,
    MPII_16,
    canonical,
    named_layout,
)
from lift_to_3d.core.skeleton import COCO

LIMBS = COCO[5:]
COUNTS = {
    "COCO-17": 17, "COCO-18": 18, "BODY_25": 25, "BODY_25B": 25, "BODY_135": 135, "Halpe-26": 26,
    "Halpe-68": 68, "Halpe-136": 136, "COCO-WholeBody-133": 133, "MediaPipe-33": 33, "MPI-15": 15,
    "MPII-16": 16, "H36M-17": 17, "MPI-INF-3DHP-17": 17, "MPI-INF-3DHP-28": 28, "HumanEva-15": 15,
    "CrowdPose-14": 14, "AIC-14": 14, "PoseTrack18-17": 17,
}  # fmt: skip


def test_every_layout_has_its_number_of_points():
    assert {name: len(layout.points) for name, layout in LAYOUTS.items()} == COUNTS


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_limbs_and_a_head(name: str):
    layout = LAYOUTS[name]
    assert set(LIMBS) <= set(layout.joints) <= KNOWN_JOINTS
    assert "nose" in layout.joints
    assert {"left_ear", "left_eye"} & set(layout.joints)
    assert bool(layout.note) == bool(layout.made)
    named = [point for point in layout.points if point]
    assert len(named) == len(set(named))
    for weights in layout.made.values():
        assert sum(weights.values()) == pytest.approx(1)


def test_points_are_where_the_tools_put_them():
    assert BODY_25.points.index("right_wrist") == 4
    assert BODY_25.points.index("left_big_toe") == 19
    assert HALPE_26.points.index("left_heel") == 24
    assert MEDIAPIPE_33.points.index("right_ankle") == 28
    assert MEDIAPIPE_33.points.index("left_big_toe") == 31
    assert LAYOUTS["COCO-WholeBody-133"].points.index("left_index") == 91 + 5
    assert LAYOUTS["Halpe-136"].points.index("right_thumb") == 115 + 2


def test_a_made_joint_lies_on_its_line_and_is_as_sure_as_its_worst_source():
    xy = np.zeros((1, 16, 2))
    xy[0, MPII_16.points.index("head_top")] = 100, 200
    confidence = np.full((1, 16), 0.9)
    confidence[0, MPII_16.points.index("neck")] = 0.4
    out, sure = MPII_16.convert(xy, confidence)
    nose = MPII_16.joints.index("nose")
    assert out[0, nose] == pytest.approx(0.43 * np.array([100, 200]))
    assert sure[0, nose] == 0.4
    xy[0, MPII_16.points.index("neck")] = np.nan
    confidence[0, MPII_16.points.index("neck")] = 0
    out, sure = MPII_16.convert(xy, confidence)
    assert np.isnan(out[0, nose]).all()
    assert sure[0, nose] == 0


@pytest.mark.parametrize(
    ("spelling", "joint"),
    [
        ("LShoulder", "left_shoulder"), ("l_shoulder", "left_shoulder"),
        ("left-shoulder", "left_shoulder"), ("Left Shoulder", "left_shoulder"),
        ("shoulderLeft", "left_shoulder"), ("RIGHT_FOOT_INDEX", "right_big_toe"),
        ("R_Hip", "right_hip"), ("MidHip", "pelvis"), ("Nose", "nose"), ("tailbase", ""),
        ("LSmallToe", "left_small_toe"), ("rightEar", "right_ear"), ("bowl", ""),
    ],
)  # fmt: skip
def test_spellings(spelling: str, joint: str):
    assert canonical(spelling) == joint


def test_a_hand_is_a_wrist_only_where_there_is_none():
    assert named_layout(["LHand", "LWrist"]).points == ("LHand (unused)", "left_wrist")
    assert named_layout(["LHand", "LFoot"]).points == ("left_wrist", "left_ankle")


def test_names_find_the_layout():
    assert named_layout(COCO).name == COCO_17.name
    assert named_layout([p.upper() for p in reversed(COCO)]).name == COCO_17.name
    assert named_layout([*LIMBS, "neck", "head"]).made
