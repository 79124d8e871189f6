"""Skeletons that rest with each bone along one axis, as much motion capture is kept in."""

from dataclasses import replace

import numpy as np
import pytest
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.mapping import check_mapping
from lift_to_3d.retarget.rig import Rig
from lift_to_3d.retarget.rotation import from_vector, to_quaternion
from lift_to_3d.retarget.solve import solve
from lift_to_3d.retarget.stance import stance_of
from scipy.spatial.transform import Rotation

from .rig_tools import MANNEQUIN, motion_of, moving_joints, posed


def along_one_axis() -> tuple[Rig, np.ndarray]:
    """The mannequin with all bones up one axis at rest, and the turns of its rest pose from there.

    Bones keep their axes, so that it is the mannequin again in these turns (bones, 3, 3).
    """
    axes, heads = MANNEQUIN.rest[:, :3, :3], MANNEQUIN.rest[:, :3, 3]
    rest = np.tile(np.eye(4), (len(heads), 1, 1))
    turns = axes.copy()
    for bone, above in enumerate(MANNEQUIN.parents):
        if above < 0:
            rest[bone, :3, 3] = heads[bone]
        else:
            rest[bone, :3, 3] = rest[above, :3, 3] + axes[above].T @ (heads[bone] - heads[above])
            turns[bone] = axes[above].T @ axes[bone]
    return replace(MANNEQUIN, rest=rest), turns


def test_a_pose_tells_how_the_bones_lie_in_a_body():
    rig, turns = along_one_axis()
    pose = dict(zip(rig.bones, to_quaternion(turns), strict=True))
    standing = replace(rig, stance=stance_of(rig, pose))
    assert np.allclose(standing.in_stance().rest, MANNEQUIN.rest)
    motion = motion_of(moving_joints(30))
    turned, heads = posed(rig, solve(motion, standing))
    expected_turns, expected = posed(MANNEQUIN, solve(motion, MANNEQUIN))
    assert np.allclose(heads, expected, atol=1e-6)
    shown = turned @ rig.rest[:, :3, :3]
    assert np.allclose(shown, expected_turns @ MANNEQUIN.rest[:, :3, :3], atol=1e-6)


@pytest.mark.parametrize("heading", [0.3, -0.6, 2.0])
def test_a_stance_faces_along_an_axis(heading):
    rig, turns = along_one_axis()
    turns[0] = from_vector(np.array([0.0, 0.0, heading])) @ turns[0]
    stance = stance_of(rig, dict(zip(rig.bones, to_quaternion(turns), strict=True)))
    there = replace(rig, stance=stance).in_stance()
    left, right = (there.rest[rig.bones.index(f"thigh.{side}"), :3, 3] for side in "LR")
    assert np.sort(abs(left - right))[:2] == pytest.approx([0.0, 0.0], abs=1e-6)


def test_who_stands_at_rest_needs_no_stance():
    pose = dict.fromkeys(MANNEQUIN.bones, np.array([1.0, 0, 0, 0]))
    assert stance_of(MANNEQUIN, pose) == {}


def test_without_a_stance_such_a_skeleton_is_no_animal():
    rig, _ = along_one_axis()
    check_mapping(find_mapping(rig), rig)


def as_bvh() -> str:
    """`along_one_axis` as a file of one frame, in which it stands; Y up, centimetres."""
    rig, turns = along_one_axis()
    to_y_up = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    numbers: list[float] = []

    def joint(bone: int) -> list[str]:
        above = rig.parents[bone]
        step = rig.rest[bone, :3, 3] - (rig.rest[above, :3, 3] if above >= 0 else 0)
        turned = turns[bone] if above >= 0 else to_y_up @ turns[bone]
        offset = 100 * (step if above >= 0 else to_y_up @ step)
        angles = Rotation.from_matrix(turned).as_euler("ZXY", degrees=True)
        numbers.extend([*(offset if above < 0 else ()), *angles])
        kids = [child for child, parent in enumerate(rig.parents) if parent == bone]
        place = "Xposition Yposition Zposition " if above < 0 else ""
        lines = [
            f"{'JOINT' if above >= 0 else 'ROOT'} {rig.bones[bone]}",
            "{",
            f"OFFSET {offset[0]} {offset[1]} {offset[2]}",
            f"CHANNELS {6 if above < 0 else 3} {place}Zrotation Xrotation Yrotation",
            *(line for child in kids for line in joint(child)),
        ]
        return [*lines, *(["End Site", "{", "OFFSET 0 5 0", "}"] if not kids else []), "}"]

    lines = ["HIERARCHY", *joint(0), "MOTION", "Frames: 1", "Frame Time: 0.0333333"]
    return "\n".join([*lines, " ".join(map(str, numbers))]) + "\n"


def test_a_file_of_such_a_skeleton_is_read_in_the_pose_of_its_first_frame(tmp_path):
    pytest.importorskip("bpy", reason="needs the bpy module")
    from lift_to_3d.blender_addon.character import load_rig
    from lift_to_3d.blender_addon.rig_reader import read_rig

    path = tmp_path / "capture.bvh"
    path.write_text(as_bvh())
    rig = read_rig(load_rig(path))
    there = rig.in_stance()
    places = (there.rest[:, :3, 3] @ rig.world[:3, :3].T)[:, 2]
    heights = dict(zip(there.bones, places, strict=True))
    ours = dict(zip(MANNEQUIN.bones, MANNEQUIN.rest[:, 2, 3], strict=True))
    for bone in ours:
        above_hips = 100 * (ours[bone] - ours["hips"])
        assert heights[bone] - heights["hips"] == pytest.approx(above_hips, abs=0.01)
