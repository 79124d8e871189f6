"""The presets: their form, and our own characters as Blender makes them."""

import json

import numpy as np
import pytest
from lift_to_3d.core.errors import RigError
from lift_to_3d.retarget import character, presets
from lift_to_3d.retarget.character import Character, bone_axes, load_character
from lift_to_3d.retarget.mapping import PARTS, REQUIRED
from lift_to_3d.retarget.presets import is_chain, load_preset

CHARACTERS = sorted(path.stem for path in character.FOLDER.glob("*.json"))
RIGS = sorted(presets.FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_rig_presets_are_complete(path):
    preset = load_preset(path)
    assert preset.name == path.stem
    assert set(REQUIRED) <= set(preset.bones) <= set(PARTS)
    names = [bones[0] for part, bones in preset.bones.items() if not is_chain(part)]
    assert len(set(names)) == len(names)
    known = {bone for bones in preset.bones.values() for bone in bones}
    assert set(preset.copies.values()) <= known
    known |= set(preset.copies)
    assert set(preset.follows) | set(preset.follows.values()) <= known
    assert preset.carrier is None or preset.carrier in known


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bones": {"tail": "Tail"}}, "unknown part 'tail'"),
        ({"bones": {"hand": "Hand"}}, "needs {side}"),
        ({"bones": {"head": []}}, "needs a bone's name"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"sides": ["L"]}, "zip"),
    ],
)
def test_faulty_rig_presets_are_refused(tmp_path, change, message):
    path = tmp_path / "rig.json"
    good = {"name": "x", "title": "X", "sides": ["L", "R"], "bones": {"head": "Head"}}
    path.write_text(json.dumps(good | change))
    with pytest.raises(RigError, match=message):
        load_preset(path)


@pytest.mark.parametrize("name", CHARACTERS)
def test_characters_are_symmetric_and_stand_on_the_floor(name):
    figure = load_character(name)
    bones = {bone.name: bone for bone in figure.bones}
    for bone in figure.bones:
        if bone.name.endswith(".L"):
            other = bones[bone.name[:-1] + "R"]
            np.testing.assert_allclose(np.array(bone.head) * [-1, 1, 1], other.head, atol=1e-9)
            np.testing.assert_allclose(np.array(bone.tail) * [-1, 1, 1], other.tail, atol=1e-9)
            assert bone.roll == pytest.approx(-other.roll)
    heights = [point[2] for bone in figure.bones for point in (bone.head, bone.tail)]
    assert 0 <= min(heights) < 0.03
    assert 1.5 < max(heights) < 2.0


@pytest.mark.parametrize("name", CHARACTERS)
def test_characters_rest_as_blender_makes_them(name):
    made = in_blender(load_character(name))
    np.testing.assert_allclose(load_character(name).rig().rest, made, atol=1e-5)


def test_bone_axes_are_blenders_for_any_direction_and_roll():
    random = np.random.default_rng(0)
    along = random.normal(size=(40, 3))
    along[:6] = [[0, -1, 0], [0, 1, 0], [0, 0, -1], [1e-4, -1, 0], [0, -1, 1e-3], [0.02, -1, 0.01]]
    roll = random.uniform(-3, 3, 40)
    bones = tuple(
        character.CharacterBone(f"b{i}", None, (0, 0, 0), tuple(map(float, a)), float(r))
        for i, (a, r) in enumerate(zip(along, roll, strict=True))
    )
    made = in_blender(Character("test", "", bones))
    # Blender works in single precision, and loosely where a bone points along -Y.
    np.testing.assert_allclose(bone_axes(along, roll), made[:, :3, :3], atol=2e-3)


def in_blender(figure: Character) -> np.ndarray:
    """(bones, 4, 4) the rest matrices that Blender computes for the character."""
    bpy = pytest.importorskip("bpy", reason="needs the bpy module")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    armature = bpy.data.armatures.new("test")
    obj = bpy.data.objects.new("test", armature)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in figure.bones:
        made = armature.edit_bones.new(bone.name)
        made.head, made.tail, made.roll = bone.head, bone.tail, bone.roll
        if bone.parent:
            made.parent = armature.edit_bones[bone.parent]
    bpy.ops.object.mode_set(mode="OBJECT")
    return np.array([armature.bones[bone.name].matrix_local for bone in figure.bones])


BONE = '{"name": "a", "parent": %s, "head": [0, 0, 0], "tail": [0, 0, %s]}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ('{"name": "x"}', "damaged"),
        ('{"name": "x", "bones": [' + BONE % ('"b"', 1) + "]}", "before its parent"),
        ('{"name": "x", "bones": [' + BONE % ("null", 0) + "]}", "no length"),
    ],
)
def test_faulty_characters_are_refused(tmp_path, text, message):
    path = tmp_path / "figure.json"
    path.write_text(text)
    with pytest.raises(RigError, match=message):
        load_character(path)


def test_an_unknown_character_names_the_known_ones():
    with pytest.raises(RigError, match="mannequin"):
        load_character("nobody")
