"""Motion into actions and out again: what Blender evaluates is what was given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

bpy = pytest.importorskip("bpy", reason="needs the bpy module (pip install '.[blender]')")

from lift_to_3d.blender_addon.keyframes import MARK, action_steps, write_action  # noqa: E402
from lift_to_3d.blender_addon.reduction import Tolerance  # noqa: E402
from lift_to_3d.blender_addon.rig_reader import read_rig  # noqa: E402
from lift_to_3d.blender_addon.scene import frame_rate, set_frame_rate  # noqa: E402
from lift_to_3d.core.errors import RigError  # noqa: E402
from lift_to_3d.retarget.rig import BoneMotion, Rig  # noqa: E402

from .blender_rigs import BONES, odd_armature, tumbling  # noqa: E402

MODES = ("QUATERNION", "AXIS_ANGLE", "XYZ", "ZYX", "XZY", "YXZ", "YZX", "ZXY")


@pytest.fixture(autouse=True)
def empty_scene():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def armature():
    return odd_armature()


def expected(rig: Rig, motion: BoneMotion, frame: int) -> np.ndarray:
    """(bones, 4, 4) bone to armature, by forward kinematics in numpy."""
    out = np.empty((len(rig.bones), 4, 4))
    for i, bone in enumerate(rig.bones):
        basis = np.eye(4)
        if bone in motion.bones:
            quaternion = motion.rotations[frame, motion.bones.index(bone)]
            basis[:3, :3] = Rotation.from_quat(np.roll(quaternion, -1)).as_matrix()
        if bone in motion.locations:
            basis[:3, 3] = motion.locations[bone][frame]
        parent = rig.parents[i]
        local = rig.rest[i] if parent < 0 else np.linalg.inv(rig.rest[parent]) @ rig.rest[i]
        out[i] = (local if parent < 0 else out[parent] @ local) @ basis
    return out


def evaluated(obj, rig: Rig, frame: float) -> np.ndarray:
    bpy.context.scene.frame_set(int(frame // 1), subframe=frame % 1)
    return np.array([obj.pose.bones[bone].matrix for bone in rig.bones])


@pytest.mark.parametrize("mode", MODES)
def test_blender_evaluates_the_motion_in_every_rotation_mode(armature, mode):
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    set_frame_rate(bpy.context.scene, 30)
    motion, rig = tumbling(), read_rig(armature)
    write_action(armature, motion, start_frame=11)
    for frame in range(40):
        found = evaluated(armature, rig, 11 + frame)
        np.testing.assert_allclose(found, expected(rig, motion, frame), atol=2e-5)
        assert [b.rotation_mode for b in armature.pose.bones] == [mode] * 5


@pytest.mark.parametrize("mode", MODES)
def test_curves_have_no_flips_between_frames(armature, mode):
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    set_frame_rate(bpy.context.scene, 30)
    motion, rig = tumbling(), read_rig(armature)
    write_action(armature, motion)
    for frame in range(39):
        middle = evaluated(armature, rig, 1 + frame + 0.5)
        near = (expected(rig, motion, frame) + expected(rig, motion, frame + 1)) / 2
        assert np.abs(middle - near).max() < (0.05 if mode in MODES[:2] else 0.25)


def test_a_clip_of_another_rate_keeps_its_speed_on_whole_frames(armature):
    set_frame_rate(bpy.context.scene, 24)
    motion, rig = tumbling(61, fps=30.0), read_rig(armature)
    action = write_action(armature, motion, start_frame=1)
    assert tuple(action.frame_range) == (1, 49)
    for second in (0.5, 1.0, 2.0):
        found = evaluated(armature, rig, 1 + second * 24)
        np.testing.assert_allclose(found, expected(rig, motion, int(second * 30)), atol=2e-5)


@pytest.mark.parametrize("fps", [23.976, 24, 29.97, 30000 / 1001, 50, 59.94, 120, 7.5, 0.5])
def test_the_scene_takes_any_rate(fps):
    set_frame_rate(bpy.context.scene, fps)
    assert frame_rate(bpy.context.scene) == pytest.approx(fps, rel=1e-6)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", "XYZ"])
@pytest.mark.parametrize(("degrees", "distance"), [(1.0, 0.01), (0.2, 1.0), (90.0, 0.002)])
def test_reduced_keys_keep_within_the_bound_at_every_frame(armature, mode, degrees, distance):
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    set_frame_rate(bpy.context.scene, 30)
    motion = smooth_motion(200)
    rig = read_rig(armature)
    action = write_action(armature, motion, tolerance=Tolerance(degrees, distance))
    counts = [len(curve.keyframe_points) for curve in curves_of(action)]
    assert max(counts) < 200
    assert sum(counts) < 0.7 * 200 * len(counts)
    tails = np.array([[0, length, 0, 1] for length in rig.lengths])[..., None]
    for frame in range(200):
        found = rig.world @ evaluated(armature, rig, 1 + frame)
        truth = rig.world @ expected(rig, motion, frame)
        turned = (rotation_of(found) * rotation_of(truth).inv()).magnitude()
        assert np.degrees(turned).max() <= degrees
        for ends in ((found - truth)[..., :3, 3], ((found - truth) @ tails)[:, :3, 0]):
            assert np.linalg.norm(ends, axis=-1).max() <= distance


def rotation_of(matrices: np.ndarray) -> Rotation:
    return Rotation.from_matrix(
        matrices[:, :3, :3] / np.linalg.norm(matrices[:, :3, :3], axis=1)[:, None]
    )


def smooth_motion(frames: int) -> BoneMotion:
    """Bones swing with a few slow waves each, the hips wander."""
    rng = np.random.default_rng(3)
    time = np.arange(frames)[:, None, None] / 30
    waves = [
        rng.normal(size=(len(BONES), 3)) * np.sin(rate * time + rng.uniform(0, 6, (len(BONES), 3)))
        for rate in (1.3, 3.1, 7.0)
    ]
    turns = Rotation.from_rotvec(0.4 * np.sum(waves, axis=0).reshape(-1, 3))
    quaternions = np.roll(turns.as_quat(), 1, axis=-1).reshape(frames, len(BONES), 4)
    for i in range(1, frames):
        quaternions[i, np.sum(quaternions[i] * quaternions[i - 1], axis=-1) < 0] *= -1
    path = np.concatenate([time[:, 0], np.sin(time[:, 0]), 0 * time[:, 0]], axis=-1)
    return BoneMotion(BONES, quaternions, {"hips": path}, 30.0, "clip")


def curves_of(action) -> list:
    if not hasattr(action, "slots"):
        return list(action.fcurves)
    return list(action.layers[0].strips[0].channelbag(action.slots[0]).fcurves)


def test_confidence_is_a_curve_at_the_speed_of_the_motion(armature):
    set_frame_rate(bpy.context.scene, 60)
    sure = np.linspace(0.2, 0.8, 31)
    action = write_action(armature, tumbling(31), confidence=sure)
    bpy.context.scene.frame_set(31)
    assert armature["Lift confidence"] == pytest.approx(0.5)
    assert [c.data_path for c in curves_of(action)].count('["Lift confidence"]') == 1


def test_an_nla_strip_plays_the_motion_and_is_replaced_like_an_action(armature):
    set_frame_rate(bpy.context.scene, 30)
    motion, rig = tumbling(), read_rig(armature)
    mine = bpy.data.actions.new("walk")
    armature.animation_data_create().action = mine
    write_action(armature, motion, start_frame=11, strip=True)
    assert armature.animation_data.action is None
    again = write_action(armature, motion, start_frame=11, strip=True, replace=True)
    assert set(bpy.data.actions) == {mine, again}
    (track,) = armature.animation_data.nla_tracks
    (strip,) = track.strips
    assert (strip.action, strip.frame_start, strip.frame_end) == (again, 11, 50)
    for frame in (0, 17, 39):
        found = evaluated(armature, rig, 11 + frame)
        np.testing.assert_allclose(found, expected(rig, motion, frame), atol=2e-5)


@pytest.mark.parametrize("steps", [1, 5])
def test_writing_that_is_given_up_leaves_everything_as_it_was(armature, steps):
    mine = bpy.data.actions.new("walk")
    armature.animation_data_create().action = mine
    writing = action_steps(armature, tumbling())
    while next(writing) < 0.1 * steps:
        pass
    writing.close()
    assert list(bpy.data.actions) == [mine]
    assert armature.animation_data.action == mine


def test_the_users_actions_stay(armature):
    mine = bpy.data.actions.new("walk")
    armature.animation_data_create().action = mine
    first = write_action(armature, tumbling())
    assert mine.use_fake_user
    again = write_action(armature, tumbling(seed=1), replace=True)
    assert set(bpy.data.actions) == {mine, again}
    assert again.name == "clip"
    armature.animation_data.action = mine
    last = write_action(armature, tumbling(), replace=True)
    assert set(bpy.data.actions) == {mine, again, last}
    assert first != last


@pytest.mark.parametrize("again", [True, False])
def test_bones_that_only_an_earlier_action_moved_go_back_to_rest(armature, again):
    whole = tumbling()
    earlier = write_action(armature, whole).name
    bpy.context.scene.frame_set(20)
    part = replace(whole, bones=whole.bones[:1], rotations=whole.rotations[:, :1])
    later = write_action(armature, part, replace=again)
    assert len(bpy.data.actions) == (1 if again else 2)
    assert again or bpy.data.actions[earlier] != later
    bpy.context.scene.frame_set(21)
    for bone in armature.pose.bones:
        at_rest = np.allclose(bone.matrix_basis, np.eye(4), atol=1e-6)
        assert at_rest == (bone.name not in (*part.bones, *part.locations)), bone.name


def test_bones_that_the_users_action_moved_stay(armature):
    whole = tumbling()
    del write_action(armature, whole)[MARK]
    bpy.context.scene.frame_set(20)
    posed = {bone.name: np.array(bone.matrix_basis) for bone in armature.pose.bones}
    part = replace(whole, bones=whole.bones[:1], rotations=whole.rotations[:, :1])
    write_action(armature, part, replace=True)
    for bone in armature.pose.bones[1:]:
        np.testing.assert_allclose(bone.matrix_basis, posed[bone.name])


def test_a_refused_motion_changes_nothing(armature):
    other = BoneMotion(("tail",), np.tile([1.0, 0, 0, 0], (3, 1, 1)))
    with pytest.raises(RigError, match="tail"):
        write_action(armature, other)
    assert not bpy.data.actions
    assert armature.animation_data is None


def test_a_rig_is_read_parents_first_whatever_its_pose(armature):
    before = read_rig(armature)
    write_action(armature, tumbling())
    bpy.context.scene.frame_set(20)
    after = read_rig(armature)
    np.testing.assert_array_equal(before.rest, after.rest)
    assert all(parent < i for i, parent in enumerate(after.parents))
    np.testing.assert_allclose(after.world[:3, 3], (0.3, -0.2, 0.1), atol=1e-6)


def test_an_empty_armature_is_refused():
    obj = bpy.data.objects.new("Bare", bpy.data.armatures.new("Bare"))
    with pytest.raises(RigError, match="no bones"):
        read_rig(obj)


def test_bones_that_are_tied_or_turn_alone_are_told(armature):
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones["spine"].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.data.bones["head"].use_inherit_rotation = False
    rig = read_rig(armature)
    assert rig.tied == {"spine"}
    assert rig.loose == {"head"}
