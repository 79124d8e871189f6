"""Retargeting onto real rigs inside Blender: what Blender shows is what was meant."""

import json
from dataclasses import replace

import numpy as np
import pytest
from lift_to_3d.cli import main
from lift_to_3d.core.errors import RigError
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.motion_file import save_motion
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.frames import SIDES, joint
from lift_to_3d.retarget.mapping import Mapping
from lift_to_3d.retarget.options import Retargeting
from lift_to_3d.retarget.placement import place
from lift_to_3d.retarget.presets import presets
from lift_to_3d.retarget.rest_body import rest_body
from lift_to_3d.retarget.rotation import transpose, unit
from lift_to_3d.retarget.solve import solve

from .rig_tools import angle_between, body_joints, degrees, motion_of, moving_joints, posed

bpy = pytest.importorskip("bpy", reason="needs the bpy module")

from lift_to_3d.blender_addon.character import load_rig  # noqa: E402
from lift_to_3d.blender_addon.keyframes import write_action  # noqa: E402
from lift_to_3d.blender_addon.rig_reader import read_rig  # noqa: E402

RIGS = {
    "mpfb_rig.mixamo.json": ("mixamo", "mixamorig:Hips"),
    "mpfb_rig.game_engine.json": ("unreal", "pelvis"),
    "m2m_mixamo_default.glb": ("mixamo", "mixamorig_Hips"),
    "m2m_human-skeleton.glb": ("rigify-deform", "DEF-hips"),
    "m2m_cmu_91_48.fbx": ("daz-cmu-bvh", "hip"),
    "keijiro_cmu_135_01.fbx": ("mixamo", "Neo_Hips"),
    "ad_cmu1_jumping_jacks.bvh": ("max-cmu-bvh", "Hips"),
}
VRM = next(preset for preset in presets() if preset.name == "vrm")
LIMBS = [
    ("upper_arm", "forearm", "shoulder", "elbow"),
    ("forearm", "hand", "elbow", "wrist"),
    ("thigh", "shin", "hip", "knee"),
    ("shin", "foot", "knee", "ankle"),
]


@pytest.fixture(autouse=True)
def _empty_scene():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30


def imported(path):
    """The armature in a rig's file."""
    if path.suffix == ".glb":
        bpy.ops.import_scene.gltf(filepath=str(path))
    elif path.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path))
    elif path.suffix == ".bvh":
        bpy.ops.import_anim.bvh(filepath=str(path))
    else:
        return built(json.loads(path.read_text()))
    return next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")


def built(data):
    """The armature of one of MPFB's rig files, which have heads, tails and rolls."""
    bones = data.get("bones", data)
    armature = bpy.data.armatures.new("rig")
    obj = bpy.data.objects.new("rig", armature)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for name, bone in bones.items():
        made = armature.edit_bones.new(name)
        made.head, made.tail = bone["head"]["default_position"], bone["tail"]["default_position"]
        made.roll = bone["roll"]
    for name, bone in bones.items():
        if bone["parent"]:
            armature.edit_bones[name].parent = armature.edit_bones[bone["parent"]]
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def heads_at(obj, frame: int) -> dict[str, np.ndarray]:
    """Where Blender puts every bone's head, armature space."""
    bpy.context.scene.frame_set(frame)
    return {bone.name: np.array(bone.matrix)[:3, 3] for bone in obj.pose.bones}


def limb_errors(heads, mapping, joints) -> list[float]:
    """Angles, degrees, between the limbs as Blender shows them and as the person holds them."""
    errors = []
    for bone, following, start, end in LIMBS:
        for side in SIDES:
            names = mapping.bone(f"{bone}.{side}"), mapping.bone(f"{following}.{side}")
            shown = unit(heads[names[1]] - heads[names[0]])
            meant = unit(joint(joints, end, side)[0] - joint(joints, start, side)[0])
            errors.append(float(angle_between(shown, meant)))
    return errors


def check(obj, motion: Motion, shown_by=None, mapping=None) -> None:
    rig = read_rig(obj)
    mapping = mapping or find_mapping(rig)
    bones = solve(motion, rig, mapping, options=Retargeting(feet="never"))
    write_action(obj, bones, switches=mapping.switches)
    joints, _ = place(motion.joints, rest_body(rig, mapping))
    for k in (0, 20, 50):
        heads = heads_at(obj, k + 1)
        assert max(limb_errors(heads, shown_by or mapping, joints[k : k + 1])) < 0.1
        if shown_by is None:
            _, expected = posed(rig, bones)
            meant = dict(zip(rig.bones, expected[k], strict=True))
            size = rest_body(rig, mapping).leg
            assert max(np.linalg.norm(heads[b] - meant[b]) for b in heads) < 1e-4 * size


def test_constraints_that_would_hide_the_keys_are_let_go_while_they_play():
    obj = load_rig("mannequin")
    constraint = obj.pose.bones["shin.L"].constraints.new("IK")
    constraint.target, constraint.subtarget, constraint.chain_count = obj, "hand.R", 2
    other = obj.pose.bones["toe.R"].constraints.new("LIMIT_ROTATION")
    for _ in range(2):  # what the first action lets go, the second does, too
        check(obj, motion_of(moving_joints()))
        assert read_rig(obj).driven == {"shin.L"}
    constraint.influence = 1
    bpy.context.scene.frame_set(1)
    assert constraint.influence == 0
    assert other.influence == 1
    assert not constraint.mute


@pytest.mark.parametrize("file", RIGS)
def test_real_rigs(shared, file):
    obj = imported(shared / "rigs" / file)
    preset, hips = RIGS[file]
    mapping = find_mapping(read_rig(obj))
    assert (mapping.preset, mapping.bone("hips")) == (preset, hips)
    assert mapping.confidence >= 0.9
    check(obj, motion_of(moving_joints()))


@pytest.mark.parametrize("file", RIGS)
def test_identity_on_real_rigs(shared, file):
    rig = read_rig(imported(shared / "rigs" / file))
    body = rest_body(rig, find_mapping(rig))
    # The rig's own joints, upright, metres, facing -Y.
    joints = body.joints @ body.axes @ np.array([[1, 0, 0], [0, 0, 1.0], [0, -1, 0]])
    motion = motion_of(np.repeat(joints[None], 3, axis=0))
    bones = solve(motion, rig, options=Retargeting(feet="never"))
    angles = 2 * np.degrees(np.arcsin(np.linalg.norm(bones.rotations[..., 1:], axis=-1)))
    feet = [i for i, name in enumerate(bones.bones) if not _is_foot(name, rig)]
    assert angles[:, feet].max() < 1e-3


@pytest.mark.parametrize("file", ["ad_cmu1_jumping_jacks.bvh", "m2m_cmu_91_48.fbx"])
def test_limbs_turn_as_in_the_animation_of_the_file(shared, file):
    """Where joints are tells no more; how elbows and knees were made is what the preset says."""
    obj = imported(shared / "rigs" / file)
    rig = read_rig(obj)
    turns, heads = shown(obj, rig)
    joints = body_joints(rig, turns, heads) @ rig.world[:3, :3].T
    ours, _ = posed(rig, solve(motion_of(joints), rig, options=Retargeting(feet="never")))
    mapping = find_mapping(rig)
    for bone, *_ in LIMBS:
        for side in SIDES:
            b = rig.bones.index(mapping.bone(f"{bone}.{side}"))
            assert np.median(degrees(transpose(turns[:, b]) @ ours[:, b])) < 4


def shown(obj, rig) -> tuple[np.ndarray, np.ndarray]:
    """Every bone's turn from rest (frames, bones, 3, 3) and head in the armature's animation."""
    first, last = (int(frame) for frame in obj.animation_data.action.frame_range)
    poses = []
    for frame in range(first, last + 1):
        bpy.context.scene.frame_set(frame)
        poses.append([np.array(obj.pose.bones[bone].matrix) for bone in rig.bones])
    poses = np.array(poses)
    axes = poses[..., :3, :3] / np.linalg.norm(poses[..., :3, :3], axis=-2, keepdims=True)
    return axes @ transpose(rig.rest[:, :3, :3]), poses[..., :3, 3]


def _is_foot(name: str, rig) -> bool:
    mapping = find_mapping(rig)
    return name in {mapping.bone(f"{part}.{side}") for part in ("foot", "toe") for side in SIDES}


@pytest.fixture
def rigify():
    """Rigify's metarig, and the rig that it generates from it."""
    bpy.ops.preferences.addon_enable(module="rigify")
    try:
        bpy.ops.object.armature_basic_human_metarig_add()
        metarig = bpy.context.object
        bpy.ops.pose.rigify_generate()
        yield metarig, next(o for o in bpy.data.objects if o.type == "ARMATURE" and o != metarig)
    finally:
        bpy.ops.preferences.addon_disable(module="rigify")


def test_rigify_metarig_and_generated_rig(rigify):
    metarig, rig = rigify
    motion = motion_of(moving_joints())
    mapping = find_mapping(read_rig(metarig))
    assert (mapping.preset, mapping.bone("hips")) == ("rigify-metarig", "spine")
    check(metarig, motion)

    mapping = find_mapping(read_rig(rig))
    assert (mapping.preset, mapping.carrier) == ("rigify", "torso")
    assert mapping.switches["thigh_parent.L"]["IK_FK"] == 1
    check(rig, motion, shown_by=_Deform())
    check_ik(rig, motion)


def test_a_generated_rigify_rig_is_known_by_its_shape_alone(rigify):
    _, rig = rigify
    mapping = mapping_without_names(read_rig(rig))
    check(rig, motion_of(moving_joints()), shown_by=_Deform(), mapping=mapping)


def mapping_without_names(rig) -> Mapping:
    """What is found where no name says anything, in the rig's own names."""
    names = {bone: f"b{i}" for i, bone in enumerate(rig.bones)}
    nameless = replace(
        rig,
        bones=tuple(names.values()),
        driven=frozenset(names[bone] for bone in rig.driven),
        options={names[bone]: options for bone, options in rig.options.items()},
    )
    found = find_mapping(nameless)
    assert found.preset == "structure"
    back = {name: bone for bone, name in names.items()}
    return replace(
        found,
        bones={part: tuple(back[n] for n in bones) for part, bones in found.bones.items()},
        switches={back[bone]: options for bone, options in found.switches.items()},
    )


def check_ik(rig, motion: Motion) -> None:
    """Switched to IK the rig shows the same, but for knees and elbows, which its poles turn."""
    bones = ("shin", "foot", "forearm", "hand")
    shown = {}
    for switch in (1.0, 0.0):
        for curve in rig.animation_data.action.fcurves:
            if curve.data_path.endswith('["IK_FK"]'):
                curve.keyframe_points[0].co[1] = switch
                curve.update()
        frames = [heads_at(rig, k) for k in (1, 21, 51)]
        names = [f"DEF-{bone}.{side}" for bone in bones for side in SIDES]
        shown[switch] = np.array([[heads[name] for name in names] for heads in frames])
    apart = np.linalg.norm(shown[0.0] - shown[1.0], axis=-1).reshape(3, 4, 2)
    assert apart[:, [1, 3]].max() < 0.001  # feet and hands, metres
    assert apart[:, [0, 2]].max() < 0.03  # knees and elbows


class _Deform:
    """A generated rig's deform bones: what the mesh sees."""

    @staticmethod
    def bone(part: str) -> str:
        return f"DEF-{part}"


def test_a_mapping_goes_out_to_a_file_and_back_in_from_the_shell(tmp_path, capsys):
    mapping, clip = tmp_path / "mapping.json", tmp_path / "clip.npz"
    assert main(["inspect", "mixamo", "--json", "--save-mapping", str(mapping)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["preset"], told["confidence"], told["missing"]) == ("mixamo", 1.0, [])
    assert told["mapping"]["hand.L"] == ["mixamorig:LeftHand"]

    edited = json.loads(mapping.read_text())
    edited["bones"]["spine"] = ["mixamorig:Spine2"]
    mapping.write_text(json.dumps(edited))
    save_motion(motion_of(moving_joints()), clip)
    words = ["retarget", str(clip), "--rig", "mixamo", "--to", "bvh", "--out", str(tmp_path)]
    assert main([*words, "--mapping", str(mapping)]) == 0
    bpy.context.scene.frame_set(30)
    pose = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE").pose.bones
    assert pose["mixamorig:Spine1"].matrix_basis.is_identity
    assert not pose["mixamorig:Spine2"].matrix_basis.is_identity


def test_a_mapping_that_cannot_be_read_fails_in_one_sentence(tmp_path, capsys):
    clip = save_motion(motion_of(moving_joints()), tmp_path / "clip.npz")
    words = ["retarget", str(clip), "--to", "bvh", "--out", str(tmp_path)]
    assert main([*words, "--mapping", str(tmp_path / "none.json")]) == 1
    assert "none.json cannot be used" in capsys.readouterr().err


def vrm_file(path, version: int) -> dict[str, str]:
    """The mannequin as a VRM with names that say nothing; its parts' new names."""
    obj = load_rig("mannequin")
    glb = path.with_suffix(".glb")
    bpy.ops.export_scene.gltf(filepath=str(glb), export_format="GLB", export_animations=False)
    data = glb.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    told = json.loads(data[20 : 20 + length])
    parts = find_mapping(read_rig(obj)).bones
    human = {part: names for part, names in VRM.bones.items() if part in parts}
    nodes = {node["name"]: i for i, node in enumerate(told["nodes"])}
    bones = {
        name: nodes[bone]
        for part, names in human.items()
        for name, bone in zip(names, parts[part], strict=False)
    }
    for i in bones.values():
        told["nodes"][i]["name"] = f"node_{i}_\u9aa8"
    if version == 1:
        body = {"humanBones": {name: {"node": i} for name, i in bones.items()}}
        told["extensions"] = {"VRMC_vrm": {"specVersion": "1.0", "humanoid": body}}
    else:
        body = {"humanBones": [{"bone": name, "node": i} for name, i in bones.items()]}
        told["extensions"] = {"VRM": {"humanoid": body}}
    text = json.dumps(told).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    size = (20 + len(text) + len(rest)).to_bytes(4, "little")
    path.write_bytes(data[:8] + size + len(text).to_bytes(4, "little") + b"JSON" + text + rest)
    return {name: f"node_{i}_\u9aa8" for name, i in bones.items()}


@pytest.mark.parametrize("version", [0, 1])
def test_a_vrm_file_says_which_bone_is_which(tmp_path, version):
    names = vrm_file(tmp_path / "hero.vrm", version)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30
    obj = load_rig(tmp_path / "hero.vrm")
    mapping = find_mapping(read_rig(obj))
    assert (mapping.preset, mapping.confidence) == ("vrm", 1.0)
    assert mapping.bones["spine"] == tuple(names[b] for b in ("spine", "chest", "upperChest"))
    assert mapping.bone("forearm.R") == names["rightLowerArm"]
    check(obj, motion_of(moving_joints()))


def under_a_turned_parent(obj):
    empty = bpy.data.objects.new("set", None)
    bpy.context.scene.collection.objects.link(empty)
    empty.location, empty.scale = (3, -2, 1), (2, 2, 2)
    empty.rotation_euler = (0, 0, 1.2)
    obj.parent, obj.scale, obj.location = empty, (0.01, 0.01, 0.01), (0.5, 0, 0)
    bpy.context.view_layer.update()


def with_every_rotation_mode(obj):
    modes = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")
    for i, bone in enumerate(obj.pose.bones):
        bone.rotation_mode = modes[i % len(modes)]


def with_locks_and_loose_inheritance(obj):
    for bone in obj.pose.bones:
        bone.lock_rotation = bone.lock_location = (True, True, True)
    for i, bone in enumerate(obj.data.bones):
        bone.inherit_scale = ("NONE", "FULL", "ALIGNED")[i % 3]
        bone.use_inherit_rotation = i % 4 != 1


def posed_before(obj):
    for bone in obj.pose.bones:
        bone.rotation_quaternion = (0.9, 0.3, 0.1, 0.2)
    obj.data.pose_position = "POSE"


def with_locations_along_other_axes(obj):
    for bone in obj.data.bones:
        bone.use_local_location = False


def below_a_lying_bone_and_along_its_axes(obj):
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    root = obj.data.edit_bones.new("root")
    root.head, root.tail, root.roll = (0, 0, 0), (0.3, 0.2, 0.1), 0.7
    obj.data.edit_bones["hips"].parent = root
    bpy.ops.object.mode_set(mode="OBJECT")
    with_locations_along_other_axes(obj)


@pytest.mark.parametrize(
    "change",
    [
        under_a_turned_parent,
        with_every_rotation_mode,
        with_locks_and_loose_inheritance,
        posed_before,
        with_locations_along_other_axes,
        below_a_lying_bone_and_along_its_axes,
    ],
)
def test_rigs_as_animators_leave_them(change):
    obj = load_rig("mannequin")
    change(obj)
    bpy.context.view_layer.update()
    before = left_alone(obj)
    check(obj, motion_of(moving_joints()))
    assert left_alone(obj) == before


def left_alone(obj) -> list:
    """What must not be changed about a rig: its place, its bones and how they are set."""
    bones = [
        (b.name, b.parent and b.parent.name, *b.matrix_local.row[0], *b.tail_local, b.inherit_scale,
         b.use_inherit_rotation, b.use_connect, b.use_local_location)
        for b in obj.data.bones
    ]  # fmt: skip
    pose = [(b.rotation_mode, *b.lock_rotation, len(b.constraints)) for b in obj.pose.bones]
    return [*bones, *pose, obj.parent, *obj.matrix_world.row[0], *obj.scale]


def test_a_linked_rig_moves_by_its_library_override(tmp_path):
    library = tmp_path / "rig.blend"
    rig = load_rig("mannequin")
    name = rig.name
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30
    with bpy.data.libraries.load(str(library), link=True) as (_, here):
        here.objects = [name]
    linked = here.objects[0]
    motion = motion_of(moving_joints())
    with pytest.raises(RigError, match="make a library override"):
        write_action(linked, solve(motion, read_rig(linked)))
    mine = linked.override_create()
    bpy.context.scene.collection.objects.link(mine)
    check(mine, motion)
