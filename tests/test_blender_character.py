"""Characters come in whole and at rest, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs the bpy module (pip install '.[blender]')")

from lift_to_3d.blender_addon.character import load_rig  # noqa: E402
from lift_to_3d.blender_addon.export import export, skinned_meshes  # noqa: E402
from lift_to_3d.blender_addon.render import render_character  # noqa: E402
from lift_to_3d.blender_addon.rig_reader import read_rig  # noqa: E402
from lift_to_3d.blender_addon.scene import frame_rate, set_frame_rate  # noqa: E402
from lift_to_3d.blender_addon.sticks import stick_body  # noqa: E402
from lift_to_3d.core.errors import RigError  # noqa: E402
from lift_to_3d.retarget.detect import find_mapping  # noqa: E402


@pytest.fixture(autouse=True)
def empty_scene():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


def counts() -> dict[str, int]:
    kinds = ("objects", "armatures", "meshes", "actions", "scenes", "cameras", "lights", "worlds")
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


@pytest.mark.parametrize("name", ["mannequin", "mixamo"])
def test_our_characters_are_persons_with_a_body(name):
    obj = load_rig(name)
    (body,) = skinned_meshes(obj)
    rig = read_rig(obj)
    assert {group.name for group in body.vertex_groups} == set(rig.bones)
    weights = [sum(g.weight for g in vertex.groups) for vertex in body.data.vertices]
    assert np.allclose(weights, 1)
    corners = np.array([vertex.co for vertex in body.data.vertices])
    assert 1.6 < np.ptp(corners[:, 2]) < 1.9
    assert abs(corners[:, 2].min()) < 0.03
    find_mapping(rig)


def test_the_body_follows_its_bones():
    obj = load_rig("mannequin")
    (body,) = skinned_meshes(obj)
    obj.pose.bones["forearm.L"].rotation_quaternion = (0.7071068, 0, 0, 0.7071068)
    bpy.context.view_layer.update()
    evaluated = body.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    moved = np.array([v.co for v in evaluated.vertices])
    still = np.array([v.co for v in body.data.vertices])
    group = body.vertex_groups["hand.L"].index
    hand = [v.index for v in body.data.vertices if v.groups[0].group == group]
    head = [v.index for v in body.data.vertices if v.groups[0].group == 5]
    assert np.abs(moved - still)[hand].max() > 0.2
    assert np.abs(moved - still)[head].max() < 1e-6


def test_sticks_go_from_joint_to_joint_where_importers_leave_bones_pointing_anywhere(shared):
    obj = load_rig(shared / "rigs" / "keijiro_cmu_135_01.fbx")
    body = stick_body(obj)
    places = np.array([v.co for v in body.data.vertices])
    groups = np.array([v.groups[0].group for v in body.data.vertices])
    for bone, child in (("Neo_LeftUpLeg", "Neo_LeftLeg"), ("Neo_RightArm", "Neo_RightForeArm")):
        stick = places[groups == body.vertex_groups[bone].index]
        for joint in (bone, child):
            head = np.array(obj.data.bones[joint].head_local)
            assert np.linalg.norm(stick - head, axis=1).min() < 0.04 * np.ptp(places, axis=0).max()


def test_a_stick_body_has_a_head_and_hips_that_reach_the_legs(shared):
    obj = load_rig(shared / "rigs" / "m2m_mixamo_default.glb")
    body = stick_body(obj)
    places = np.array([v.co for v in body.data.vertices])
    groups = np.array([v.groups[0].group for v in body.data.vertices])
    tall = np.ptp(places, axis=0).max()

    def of(bone: str) -> np.ndarray:
        return places[groups == body.vertex_groups[bone].index]

    part = find_mapping(read_rig(obj)).bone
    for side in "LR":
        leg = np.array(obj.data.bones[part(f"thigh.{side}")].head_local)
        assert np.linalg.norm(of(part("hips")) - leg, axis=1).min() < 0.03 * tall
    assert np.ptp(of(part("head")), axis=0).min() > 0.06 * tall


@pytest.mark.parametrize(
    ("file", "size"), [("keijiro_cmu_135_01.fbx", 200_000), ("ad_cmu1_jumping_jacks.bvh", 3_000)]
)
def test_a_file_that_breaks_off_is_refused_without_a_trace(shared, tmp_path, capfd, file, size):
    whole = (shared / "rigs" / file).read_bytes()
    (tmp_path / file).write_bytes(whole[:size])
    with pytest.raises(RigError, match="cannot read the rig file") as refusal:
        load_rig(tmp_path / file)
    assert ".py" not in str(refusal.value)
    assert "Traceback" not in capfd.readouterr().err


def test_rigifys_metarig_can_be_mapped():
    obj = load_rig("rigify")
    assert len(read_rig(obj).bones) == 159
    find_mapping(read_rig(obj))


@pytest.mark.parametrize(
    ("file", "bones"),
    [
        ("m2m_mixamo_default.glb", 65),
        ("m2m_human-skeleton.glb", 53),
        ("m2m_cmu_91_48.fbx", 43),
        ("keijiro_cmu_135_01.fbx", 22),
        ("ad_cmu1_jumping_jacks.bvh", 31),
    ],
)
def test_rigs_come_out_of_files_at_rest(shared, file, bones):
    set_frame_rate(bpy.context.scene, 25)
    obj = load_rig(shared / "rigs" / file)
    assert len(read_rig(obj).bones) == bones
    assert not bpy.data.actions
    assert all(np.allclose(b.matrix_basis, np.eye(4)) for b in obj.pose.bones)
    assert frame_rate(bpy.context.scene) == 25
    find_mapping(read_rig(obj))


@pytest.mark.parametrize("suffix", ["fbx", "glb", "blend"])
def test_a_saved_character_comes_back_with_its_body(tmp_path, suffix):
    obj = load_rig("mannequin")
    path = tmp_path / f"person.{suffix}"
    if suffix == "blend":
        decoy = bpy.data.objects.new("Props", bpy.data.armatures.new("Props"))
        bpy.context.scene.collection.objects.link(decoy)
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
    else:
        export(obj, path)
    bones = set(read_rig(obj).bones)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    again = load_rig(path)
    assert set(read_rig(again).bones) == bones
    assert len(skinned_meshes(again)) == 1
    assert sum(o.type == "ARMATURE" for o in bpy.data.objects) == 1


def test_of_several_armatures_in_a_file_the_persons_is_taken(tmp_path):
    """A whip has more bones than its owner; before, the armature with most was taken."""
    load_rig("mannequin")
    owner_bones = len(read_rig(bpy.context.view_layer.objects.active).bones)
    bpy.ops.object.armature_add(enter_editmode=True)
    for _ in range(owner_bones):
        bpy.ops.armature.extrude_move(TRANSFORM_OT_translate={"value": (0, 0, 0.1)})
    bpy.ops.object.mode_set(mode="OBJECT")
    whip = bpy.context.view_layer.objects.active
    for body in [obj for obj in bpy.data.objects if obj.type == "MESH"]:
        bpy.data.objects.remove(body)
    assert len(whip.data.bones) > owner_bones
    path = tmp_path / "two.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert not find_mapping(read_rig(load_rig(path))).missing


def broken(folder: Path) -> dict[str, str]:
    (folder / "cut.fbx").write_bytes(
        b"Kaydara FBX Binary  \x00\x1a\x00\xe8\x1c\x00\x00" + b"\0" * 40
    )
    (folder / "cut.glb").write_bytes(b"glTF\x02\x00\x00\x00")
    (folder / "cut.bvh").write_text("HIERARCHY\nROOT Hips\n{\n\tOFFSET 0")
    (folder / "cut.blend").write_bytes(b"BLENDER-v405REND")
    (folder / "rig.txt").write_text("no")
    return {
        "cut.fbx": "cannot read|no armature",
        "cut.glb": "cannot read",
        "cut.bvh": "cannot read|no armature",
        "cut.blend": "cannot read|no armature",
        "rig.txt": "is no rig",
        "gone.fbx": "no rig file",
    }


def test_what_is_no_character_is_refused_and_leaves_nothing(tmp_path):
    before = counts()
    for name, reason in broken(tmp_path).items():
        with pytest.raises(RigError, match=reason):
            load_rig(tmp_path / name)
        assert counts() == before, name


def test_a_file_without_an_armature_is_refused(tmp_path):
    mesh = bpy.data.meshes.new("Cube")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Cube", mesh))
    path = tmp_path / "cube.glb"
    bpy.ops.export_scene.gltf(filepath=str(path))
    before = counts()
    with pytest.raises(RigError, match="no armature"):
        load_rig(path)
    assert counts() == before


def test_a_picture_shows_the_character_and_leaves_no_trace(tmp_path):
    obj = load_rig("mannequin")
    bpy.context.scene.frame_set(3)
    before = counts()
    path = render_character(obj, [1, 2], tmp_path / "sheet.png", (48, 64))
    assert counts() == before
    assert bpy.context.scene.frame_current == 3
    image = bpy.data.images.load(str(path))
    assert tuple(image.size) == (96, 64)
    pixels = np.array(image.pixels[:]).reshape(64, 96, 4)[..., :3]
    orange = (pixels[..., 0] > 1.6 * pixels[..., 2]).sum()
    blue = (pixels[..., 2] > 1.6 * pixels[..., 0]).sum()
    assert min(orange, blue) > 40
