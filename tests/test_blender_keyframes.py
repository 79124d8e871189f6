"""Motion into actions and out again: what Blender evaluates is what was given."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

bpy = pytest.importorskip("bpy", reason="needs the bpy module (pip install 'lift-to-3d[blender]')")

from lift_to_3d.blender_addon.export import export, presets  # noqa: E402
from lift_to_3d.blender_addon.keyframes import write_action  # noqa: E402
from lift_to_3d.blender_addon.rig_reader import read_rig  # noqa: E402
from lift_to_3d.blender_addon.scene import frame_rate, set_frame_rate  # noqa: E402
from lift_to_3d.core.errors import LiftError, RigError  # noqa: E402
from lift_to_3d.retarget.rig import BoneMotion, Rig  # noqa: E402

BONES = ("hips", "spine", "head", "arm.L", "leg.L")
MODES = ("QUATERNION", "AXIS_ANGLE", "XYZ", "ZYX", "XZY", "YXZ", "YZX", "ZXY")


@pytest.fixture(autouse=True)
def empty_scene():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def armature():
    """A small rig with odd rolls, a scaled and turned object, and a user's own action on it."""
    data = bpy.data.armatures.new("Rig")
    obj = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    places = [
        ("hips", None, (0, 0, 1), (0, 0.02, 1.2)),
        ("spine", "hips", (0, 0.02, 1.2), (0, 0, 1.6)),
        ("head", "spine", (0, 0, 1.6), (0, -0.05, 1.8)),
        ("arm.L", "spine", (0.1, 0, 1.5), (0.6, 0.1, 1.4)),
        ("leg.L", "hips", (0.1, 0, 0.95), (0.12, 0, 0.1)),
    ]
    for roll, (name, parent, head, tail) in enumerate(places):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail, bone.roll = head, tail, 0.4 * roll
        bone.parent = data.edit_bones.get(parent) if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.location, obj.scale = (0.3, -0.2, 0.1), (0.5, 0.5, 0.5)
    obj.rotation_euler = (0.2, 0.1, -0.7)
    bpy.context.view_layer.update()
    return obj


def tumbling(frames: int = 40, fps: float = 30.0, seed: int = 0) -> BoneMotion:
    """Every bone turns by several whole turns about wandering axes, the hips move."""
    rng = np.random.default_rng(seed)
    step = Rotation.from_rotvec(rng.normal(size=(len(BONES), 3)) * 0.12)
    turn, quaternions = Rotation.from_rotvec(rng.normal(size=(len(BONES), 3))), []
    for _ in range(frames):
        turn = step * turn
        quaternions.append(np.roll(turn.as_quat(), 1, axis=-1))
    out = np.array(quaternions)
    for i in range(1, frames):
        flip = np.sum(out[i] * out[i - 1], axis=-1) < 0
        out[i, flip] *= -1
    path = np.cumsum(rng.normal(size=(frames, 3)) * 0.02, axis=0)
    return BoneMotion(BONES, out, {"hips": path}, fps, "clip")


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


def world_pose(obj, frame: int) -> dict[str, np.ndarray]:
    bpy.context.scene.frame_set(frame)
    return {b.name: np.array(obj.matrix_world @ b.matrix) for b in obj.pose.bones}


IMPORTERS = {
    ".fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0),
    ".bvh": lambda path: bpy.ops.import_anim.bvh(
        filepath=path, rotate_mode="QUATERNION", update_scene_fps=True
    ),
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".usdc": lambda path: bpy.ops.wm.usd_import(filepath=path),
}


@pytest.mark.parametrize("preset", ["fbx", "fbx-unity", "fbx-unreal", "bvh", "bvh-motionbuilder"])
def test_files_come_back_the_same(armature, tmp_path, preset):
    set_frame_rate(bpy.context.scene, 30)
    write_action(armature, tumbling(), start_frame=1)
    truth = [world_pose(armature, frame) for frame in range(1, 41)]
    suffix = presets()[preset].suffix
    path = export(armature, tmp_path / f"clip{suffix}", preset=preset)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    IMPORTERS[suffix](str(path))
    obj = next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")
    assert frame_rate(bpy.context.scene) == pytest.approx(30)
    unit = 100 if preset == "bvh-motionbuilder" else 1
    for frame in range(1, 41):
        found = world_pose(obj, frame)
        assert set(found) == set(BONES)
        for bone, matrix in found.items():
            place = np.linalg.norm(matrix[:3, 3] / unit - truth[frame - 1][bone][:3, 3])
            assert place < 1e-4, (frame, bone, place)
    if suffix == ".fbx" and preset != "fbx-unreal":
        turn = max_angle(truth[19], world_pose(obj, 20))
        assert turn < 0.05


def max_angle(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> float:
    """Largest angle in degrees between the bones of two poses."""
    angles = []
    for bone, matrix in first.items():
        pair = [m[:3, :3] / np.linalg.norm(m[:3, :3], axis=0) for m in (matrix, second[bone])]
        angles.append(Rotation.from_matrix(pair[0] @ pair[1].T).magnitude())
    return float(np.rad2deg(max(angles)))


@pytest.mark.parametrize("preset", ["glb", "usd"])
def test_other_formats_are_written_whole(armature, tmp_path, preset):
    write_action(armature, tumbling())
    path = export(armature, tmp_path / f"clip{presets()[preset].suffix}", preset=preset)
    assert path.stat().st_size > 1000
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    IMPORTERS[path.suffix](str(path))
    assert any(o.type == "ARMATURE" for o in bpy.context.scene.objects)


def test_exporting_leaves_the_scene_alone(armature, tmp_path):
    write_action(armature, tumbling())
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.view_layer.objects.active = camera
    camera.select_set(True)
    armature.select_set(False)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 5, 9
    scene.frame_set(7)
    export(armature, tmp_path / "clip.fbx")
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (5, 9, 7)
    assert bpy.context.view_layer.objects.active == camera
    assert [o.name for o in scene.objects if o.select_get()] == ["Camera"]


def test_an_unknown_format_names_the_known_ones(armature, tmp_path):
    with pytest.raises(LiftError, match="fbx-unity"):
        export(armature, tmp_path / "clip.xyz")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_named(armature, tmp_path):
    (tmp_path / "file").write_text("")
    write_action(armature, tumbling())
    with pytest.raises(LiftError, match="Cannot write"):
        export(armature, tmp_path / "file" / "clip.bvh")


def test_bones_that_are_tied_or_turn_alone_are_told(armature):
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones["spine"].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.data.bones["head"].use_inherit_rotation = False
    rig = read_rig(armature)
    assert rig.tied == {"spine"}
    assert rig.loose == {"head"}
