"""Files hold the motion: read back by Blender and by other parsers, at every frame."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

bpy = pytest.importorskip("bpy", reason="needs the bpy module (pip install '.[blender]')")

from lift_to_3d.blender_addon.character import load_rig  # noqa: E402
from lift_to_3d.blender_addon.export import export, presets, skinned_meshes  # noqa: E402
from lift_to_3d.blender_addon.keyframes import write_action  # noqa: E402
from lift_to_3d.blender_addon.scene import set_frame_rate  # noqa: E402
from lift_to_3d.core.errors import LiftError  # noqa: E402

from .blender_rigs import odd_armature, tumbling  # noqa: E402
from .file_readers import READERS, facts, read  # noqa: E402

FRAMES, FIRST, FPS = 40, 11, 30.0
DEGREES, METRES = 0.05, 1e-4

IMPORTERS = {
    ".fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0),
    ".bvh": lambda path: bpy.ops.import_anim.bvh(filepath=path, rotate_mode="QUATERNION"),
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".usdc": lambda path: bpy.ops.wm.usd_import(filepath=path),
}


def empty_scene() -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    set_frame_rate(bpy.context.scene, FPS)


def animated(rig: str) -> bpy.types.Object:
    """A tumbling rig, with things around it that are not to be exported."""
    empty_scene()
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.light_add()
    bpy.ops.object.armature_add()
    obj = odd_armature() if rig == "odd" else load_rig(rig)
    bones = tuple(bone.name for bone in obj.pose.bones)
    write_action(obj, tumbling(FRAMES, FPS, bones=bones), start_frame=FIRST)
    return obj


def rest(obj) -> dict[str, np.ndarray]:
    return {name(b): np.array(obj.matrix_world @ b.bone.matrix_local) for b in obj.pose.bones}


def poses(obj, first: int, frames: int) -> dict[str, np.ndarray]:
    """Bone name to (frames, 4, 4), bone to world as Blender evaluates it."""
    out: dict[str, list[np.ndarray]] = {}
    for frame in range(first, first + frames):
        bpy.context.scene.frame_set(frame)
        for bone in obj.pose.bones:
            out.setdefault(name(bone), []).append(np.array(obj.matrix_world @ bone.matrix))
    return {bone: np.array(matrices) for bone, matrices in out.items()}


def name(bone) -> str:
    return plain(bone.name)


def plain(text: str) -> str:
    """A bone's name with only the characters that every format keeps."""
    return re.sub(r"\W", "_", text)


def turns(matrices: np.ndarray) -> np.ndarray:
    """The rotations in scaled matrices."""
    return matrices[..., :3, :3] / np.linalg.norm(matrices[..., :3, :3], axis=-2, keepdims=True)


def degrees(one: np.ndarray, other: np.ndarray) -> float:
    """Largest angle between two stacks of rotations."""
    between = one @ np.swapaxes(other, -1, -2)
    return float(np.rad2deg(Rotation.from_matrix(between.reshape(-1, 3, 3)).magnitude().max()))


def assert_same_motion(found: dict[str, np.ndarray], truth: dict[str, np.ndarray], unit=1.0):
    """Same bones, same places, and same turns since the first frame, at every frame.

    Since the first frame, because formats and parsers lay a bone's own axes differently.
    """
    assert set(found) == set(truth)
    for bone, there in truth.items():
        here = found[bone]
        assert len(here) == len(there), bone
        gap = np.linalg.norm(here[:, :3, 3] / unit - there[:, :3, 3], axis=-1)
        assert gap.max() <= METRES, (bone, gap.argmax(), gap.max())
        since = [turns(m) @ turns(m)[0].T for m in (here, there)]
        assert degrees(*since) <= DEGREES, bone


def unit_of(preset: str) -> float:
    return presets()[preset].settings.get("scale", 1.0)


def read_back(path: Path):
    empty_scene()
    IMPORTERS[path.suffix](str(path))
    return next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")


def first_frame(obj) -> int:
    return round(obj.animation_data.action.frame_range[0])


@pytest.mark.parametrize("rig", ["odd", "mannequin"])
@pytest.mark.parametrize("preset", list(presets()))
def test_blender_reads_back_what_it_evaluated(tmp_path, preset, rig):
    obj = animated(rig)
    truth, at_rest = poses(obj, FIRST, FRAMES), rest(obj)
    path = export(obj, tmp_path / f"clip{presets()[preset].suffix}", preset=preset)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    back = read_back(path)
    start, end = back.animation_data.action.frame_range
    assert round(end - start) == FRAMES - 1
    found = poses(back, first_frame(back), FRAMES)
    assert_same_motion(found, truth, unit_of(preset))
    if rig == "mannequin":  # with a body, every format keeps the rest pose too
        for bone, there in truth.items():
            turned = [turns(m) @ turns(r).T for m, r in (
                (found[bone], rest(back)[bone]), (there, at_rest[bone]))]  # fmt: skip
            assert degrees(*turned) <= DEGREES, bone


@pytest.mark.parametrize("preset", list(presets()))
def test_another_parser_reads_the_same(tmp_path, preset):
    suffix = presets()[preset].suffix
    module, _ = READERS[suffix]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module}, which reads {suffix} files")
    obj = animated("mannequin")
    truth = poses(obj, FIRST, FRAMES)
    path = export(obj, tmp_path / f"clip{suffix}", preset=preset)
    found = {plain(bone): matrices for bone, matrices in read(path, FPS).items()}
    assert_same_motion(found, truth, unit_of(preset))


@pytest.mark.parametrize("preset", ["fbx", "fbx-unity", "fbx-unreal"])
def test_an_engine_finds_units_axes_names_and_times(tmp_path, preset):
    if importlib.util.find_spec("ufbx") is None:
        pytest.skip("needs ufbx, which reads .fbx files")
    obj = animated("mannequin")
    obj.name, obj.animation_data.action.name = "hero", "jump"
    names, bones = [o.name for o in bpy.data.objects], [bone.name for bone in obj.pose.bones]
    found = facts(export(obj, tmp_path / "clip.fbx", preset=preset))
    assert [o.name for o in bpy.data.objects] == names
    assert bpy.context.scene.name == "Scene"
    assert found["fps"] == FPS
    assert found["takes"] == [["jump", pytest.approx(FIRST / FPS), pytest.approx(50 / FPS)]]
    assert found["axes"] == ["POSITIVE_X", "POSITIVE_Y", "POSITIVE_Z"]
    armature = "Armature" if preset == "fbx-unreal" else "hero"
    assert found["tops"].keys() == {armature, "mannequin body"}
    assert found["metres"] * found["tops"][armature] == pytest.approx(1)
    assert found["metres"] == (1 if preset == "fbx-unity" else 0.01)
    assert found["roots"] == ["hips"]
    assert sorted(found["bones"]) == sorted(bones)
    assert found["bound"] == len(bones)


@pytest.mark.parametrize("preset", list(presets()))
def test_only_the_chosen_armature_mesh_and_range(tmp_path, preset):
    suffix = presets()[preset].suffix
    for with_mesh in (False, True):
        obj = animated("mannequin")
        path = export(
            obj, tmp_path / f"clip{suffix}", preset=preset, with_mesh=with_mesh, frames=(15, 20)
        )
        back = read_back(path)
        start, end = back.animation_data.action.frame_range
        assert round(end - start) == 5
        kinds = [o.type for o in bpy.context.scene.objects]
        shapes = {bone.custom_shape for bone in back.pose.bones}
        meshes = [o for o in bpy.context.scene.objects if o.type == "MESH" and o not in shapes]
        assert len(meshes) == (with_mesh and suffix != ".bvh")
        assert kinds.count("ARMATURE") == 1
        assert not {"LIGHT", "CAMERA"} & set(kinds)


@pytest.mark.parametrize("rig", ["odd", "mannequin"])
def test_exporting_leaves_the_scene_alone(tmp_path, rig):
    obj = animated(rig)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = camera
    camera.select_set(True)
    scene.frame_start, scene.frame_end = 5, 9
    scene.frame_set(7)
    export(obj, tmp_path / "clip.fbx")
    bend = [modifier.show_viewport for mesh in skinned_meshes(obj) for modifier in mesh.modifiers]
    assert bend == [True] * (rig == "mannequin")
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (5, 9, 7)
    assert bpy.context.view_layer.objects.active == camera
    assert [o.name for o in scene.objects if o.select_get()] == ["Camera"]


def test_an_unknown_format_names_the_known_ones(tmp_path):
    with pytest.raises(LiftError, match="fbx-unity"):
        export(animated("odd"), tmp_path / "clip.xyz")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LiftError, match="Cannot write"):
        export(animated("odd"), tmp_path / "file" / "clip.bvh")
