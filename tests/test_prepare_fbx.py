"""FBX as motion capture: Blender writes it of a motion that is known, or that BVH has too."""

import importlib.util
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from .captured import expected, names_of, off, posed, wriggle, write_bvh
from .command_line import FACTS

bpy = pytest.importorskip("bpy", reason="needs the bpy module (pip install '.[blender]')")
if importlib.util.find_spec("ufbx") is None:
    pytest.skip("needs ufbx, which reads .fbx files", allow_module_level=True)
torch = pytest.importorskip("torch", reason="tests of training need torch")

from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.skeleton import H36M  # noqa: E402
from lift_to_3d.core.training.mocap.prepare import prepare  # noqa: E402

FPS = 50.0
HEAD = [H36M.names.index(name) for name in ("neck_nose", "head")]


def write_fbx(path: Path, motions: list[tuple], imported: dict | None = None, **settings) -> Path:
    """An FBX file of people that move as given; ``imported`` is how Blender reads their BVH."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    for angles, way in motions:
        bvh = path.with_suffix(".bvh")
        write_bvh(bvh, names_of("mixamo"), angles, way, FPS)
        into = {"global_scale": 0.01, "update_scene_fps": True} | (imported or {})
        bpy.ops.import_anim.bvh(filepath=str(bvh), **into)
        bvh.unlink()
    usual = {"bake_anim_simplify_factor": 0.0, "bake_anim_use_nla_strips": False}
    usual |= {"bake_anim_use_all_actions": False}
    bpy.ops.export_scene.fbx(filepath=str(path), **usual | settings)
    return path


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"axis_up": "Z", "axis_forward": "-Y"},
        {"axis_up": "Z", "axis_forward": "X", "global_scale": 1.0},
        {
            "apply_scale_options": "FBX_SCALE_ALL",
            "primary_bone_axis": "X",
            "secondary_bone_axis": "Y",
        },
        {"bake_space_transform": True, "armature_nodetype": "ROOT"},
    ],
)
def test_joints_are_where_the_motion_has_them(tmp_path, settings):
    motion = wriggle(100, FPS)
    write_fbx(tmp_path / "anna_walk.fbx", [motion], add_leaf_bones=True, **settings)
    [found] = prepare(tmp_path)
    assert "unit of the file" in found.words
    [take] = found.takes
    assert (take.name, take.subject, take.fps) == ("anna_walk", "anna", FPS)
    assert len(take.joints) == 100
    assert off(take.joints, turned(expected(*posed(*motion)), take.joints)) < 1e-3


@pytest.mark.parametrize(
    ("imported", "said"),
    [
        ({"target": "OBJECT"}, "unit of the file"),  # empties in place of bones
        ({"axis_up": "Z", "axis_forward": "Y"}, "unit of the file"),  # people lie in it
        ({"global_scale": 1.0}, "unit cm"),  # giants
    ],
)
def test_files_made_in_other_ways_or_wrongly(tmp_path, imported, said):
    motion = wriggle(100, FPS)
    write_fbx(tmp_path / "anna.fbx", [motion], imported, add_leaf_bones=True)
    [found] = prepare(tmp_path)
    assert said in found.words
    assert off(found.takes[0].joints, expected(*posed(*motion))) < 1e-3


def test_the_same_motion_as_fbx_and_as_bvh(tmp_path, samples):
    """What this program writes; only BVH says where the head ends."""
    words = ["convert", str(samples / "street_coco.json"), *FACTS, "--frames", "0:90"]
    words += ["--person", "1", "--to", "fbx", "bvh", "--out", str(tmp_path)]
    assert main(words) == 0
    by_kind = {found.path.suffix: found for found in prepare(tmp_path)}
    [bvh], [fbx] = by_kind[".bvh"].takes, by_kind[".fbx"].takes
    difference = np.linalg.norm(fbx.joints - bvh.joints, axis=-1)
    assert difference[:, HEAD].max() < 0.03
    assert np.delete(difference, HEAD, 1).max() < 1e-3


def test_every_take_of_a_file(tmp_path):
    """Actions that Blender keeps beside the one on show."""
    motions = [wriggle(frames, FPS, seed) for seed, frames in enumerate((150, 100))]
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    for motion in motions:
        for earlier in bpy.data.objects:
            earlier.animation_data.action.use_fake_user = True
            bpy.data.objects.remove(earlier)
        path = tmp_path / "anna.bvh"
        write_bvh(path, names_of("mixamo"), *motion, FPS)
        bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01, update_scene_fps=True)
        path.unlink()
    usual = {"add_leaf_bones": True, "bake_anim_simplify_factor": 0.0}
    bpy.ops.export_scene.fbx(filepath=str(tmp_path / "anna.fbx"), **usual)
    takes = [take for found in prepare(tmp_path) for take in found.takes]
    assert len({take.name for take in takes}) == len(takes)
    assert {take.subject for take in takes} == {"anna"}
    for motion in motions:
        same = [take for take in takes if len(take.joints) == len(motion[1])]
        assert same
        assert all(off(take.joints, expected(*posed(*motion))) < 1e-3 for take in same)


def test_everybody_in_a_file(tmp_path):
    motions = [wriggle(100, FPS, seed) for seed in (0, 1)]
    write_fbx(tmp_path / "pair.fbx", motions, add_leaf_bones=True)
    first, second = prepare(tmp_path)
    for found, motion in zip((first, second), motions, strict=True):
        [take] = found.takes
        assert off(take.joints, expected(*posed(*motion))) < 1e-3


def test_real_files_of_others(shared):
    """Unity's and Maya's CMU in centimetres, and one that says centimetres and means metres."""
    found = {found.path.stem: found for found in prepare(shared / "rigs")}
    words = {"keijiro_cmu_135_01": "mixamo bones, unit of the file",
             "m2m_cmu_91_48": "daz-cmu-bvh bones, unit cm"}  # fmt: skip
    for name, said in words.items():
        assert said in found[name].words
        joints = np.concatenate([take.joints for take in found[name].takes])
        height = joints[:, H36M.names.index("head"), 2]
        assert 1.5 < np.median(height) < 1.9, "who walks is upright"


def test_broken_files_are_said_and_the_rest_goes_on(tmp_path):
    whole = write_fbx(tmp_path / "whole.fbx", [wriggle(100, FPS)]).read_bytes()
    chance = random.Random(0)
    for number in range(6):
        damaged = bytearray(whole)
        for place in chance.sample(range(len(whole)), 40):
            damaged[place] = chance.randrange(256)
        (tmp_path / f"damaged{number}.fbx").write_bytes(damaged)
        (tmp_path / f"short{number}.fbx").write_bytes(whole[: chance.randrange(len(whole))])
    (tmp_path / "text.fbx").write_text("; FBX 7.4.0 project file\nObjects: {\n")
    (tmp_path / "empty.fbx").write_bytes(b"")
    results = {found.path.stem: found for found in prepare(tmp_path)}
    assert results["whole"].takes
    for name, found in results.items():
        if not found.takes:
            assert str(found.path) in found.words
            assert found.words.count("\n") == 0, name
    assert not any(found.takes for name, found in results.items() if name.startswith("short"))
    assert "cannot be read as FBX" in results["text"].words


def test_fbx_that_is_no_capture(tmp_path):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.export_scene.fbx(filepath=str(tmp_path / "cube.fbx"))
    angles, way = wriggle(100, FPS)
    held = {part: values[:1].repeat(100, 0) for part, values in angles.items()}
    write_fbx(tmp_path / "still.fbx", [(held, way[:1].repeat(100, 0))])
    cube, still = prepare(tmp_path)
    assert "it has no skeleton" in cube.words
    assert "nobody moves in it" in still.words


@pytest.mark.parametrize("animal", ["horse", "wolf"])
def test_animals_are_left_out(tmp_path, animal):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    getattr(bpy.ops.object, f"armature_{animal}_metarig_add")()
    for frame in (1, 100):
        bpy.context.object.location.x = frame / 100
        bpy.context.object.keyframe_insert("location", frame=frame)
    bpy.ops.export_scene.fbx(filepath=str(tmp_path / f"{animal}.fbx"))
    [found] = prepare(tmp_path)
    assert not found.takes
    assert str(found.path) in found.words


def test_without_the_package_it_is_said_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "walk.fbx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "ufbx", None)
    [found] = prepare(tmp_path)
    assert "pip install '.[train]'" in found.words


def turned(wanted: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Turned by the quarter about the vertical axis at which it is nearest."""
    quarters = [np.linalg.matrix_power(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), n)
                for n in range(4)]  # fmt: skip
    return min((wanted @ quarter for quarter in quarters), key=lambda other: off(joints, other))
