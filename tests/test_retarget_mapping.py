"""Finding out which bone is which: by name for every preset, by shape, and from the user."""

import numpy as np
import pytest
from lift_to_3d.core.errors import RigError
from lift_to_3d.retarget.character import load_character
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.mapping import (
    REQUIRED,
    Mapping,
    check_mapping,
    load_mapping,
    save_mapping,
)
from lift_to_3d.retarget.presets import is_chain, presets
from lift_to_3d.retarget.rig import Rig
from lift_to_3d.retarget.rotation import from_vector
from lift_to_3d.retarget.solve import solve

from .rig_tools import at_rest_in, motion_of, parts_of, renamed

MANNEQUIN = load_character().rig()
OURS = parts_of(find_mapping(MANNEQUIN))


def named_by(preset, before: str = "") -> Rig:
    """The mannequin with a preset's names, as many spine and neck bones as it has itself."""
    names = {}
    used: dict[str, int] = {}
    for bone, part in OURS.items():
        candidates = preset.bones.get(part, ())
        i = used.get(part, 0)
        used[part] = i + 1
        if i < len(candidates):
            names[bone] = before + candidates[i if is_chain(part) else 0]
    return renamed(MANNEQUIN, names)


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
@pytest.mark.parametrize("before", ["", "char:", "Model_"])
def test_every_preset_is_recognised_whatever_stands_before_its_names(preset, before):
    rig = named_by(preset, before)
    mapping = find_mapping(rig)
    assert not mapping.missing
    assert mapping.confidence > 0.7
    found = parts_of(mapping)
    for ours, theirs in zip(MANNEQUIN.bones, rig.bones, strict=True):
        if ours != theirs:
            assert found[theirs] == OURS[ours]


@pytest.mark.parametrize(
    ("sample", "preset"),
    [
        ("mixamorig:Hips", "mixamo"),
        ("mixamorig12:Hips", "mixamo"),
        ("mixamorig_Hips", "mixamo"),
        ("Character1_Hips", "mixamo"),
        ("Bip001 Pelvis", "biped"),
        ("Bip01_Pelvis", "biped"),
        ("m_avg_Pelvis", "smpl"),
    ],
)
def test_prefixes_met_in_the_wild(sample, preset):
    wanted = next(p for p in presets() if p.name == preset)
    rig = named_by(wanted, sample[: -len(wanted.bones["hips"][0])])
    assert sample in rig.bones
    assert find_mapping(rig).preset == preset


@pytest.mark.parametrize("facing", [0.0, 1.2, np.pi, -2.0])
@pytest.mark.parametrize("pose", [{}, {"upper_arm.L": [0, 0.8, 0], "upper_arm.R": [0, -0.8, 0]}])
def test_nameless_bones_are_told_by_their_shape(facing, pose):
    rig = at_rest_in(MANNEQUIN, pose)
    rest = rig.rest.copy()
    rest[:, :3, :] = from_vector(np.array([0, 0, facing])) @ rest[:, :3, :]
    order = [f"Bone.{i:03}" for i in range(len(rig.bones))]
    nameless = Rig("x", tuple(order), rig.parents, rest, rig.lengths, rig.world)
    mapping = find_mapping(nameless)
    assert mapping.preset == "structure"
    assert 0 < mapping.confidence < 1
    found = parts_of(mapping)
    assert {found.get(a): OURS[b] for a, b in zip(order, rig.bones, strict=True)} == {
        part: part for part in set(OURS.values())
    }


def without(rig: Rig, *gone: str) -> Rig:
    """The rig without some bones; what hung on them hangs on what they hung on."""
    parents = rig.parents.copy()
    for b in range(len(parents)):
        while parents[b] >= 0 and rig.bones[parents[b]] in gone:
            parents[b] = parents[parents[b]]
    keep = [b for b, name in enumerate(rig.bones) if name not in gone]
    place = {-1: -1} | {b: i for i, b in enumerate(keep)}
    return Rig("cut", tuple(rig.bones[b] for b in keep),
               np.array([place[parents[b]] for b in keep]), rig.rest[keep], rig.lengths[keep],
               rig.world)  # fmt: skip


def test_a_rig_without_a_spine_is_refused_in_one_sentence():
    rig = without(MANNEQUIN, "spine.01", "spine.02", "spine.03")
    with pytest.raises(RigError, match=r"^The rig 'cut' has no spine that could be recognised: "):
        solve(motion_of(np.zeros((1, 17, 3))), rig)


def test_missing_limbs_are_named():
    rig = without(MANNEQUIN, "shin.L", "foot.L", "toe.L", "forearm.R", "hand.R")
    with pytest.raises(RigError, match="right forearm or left shin"):
        check_mapping(find_mapping(rig), rig)


@pytest.mark.parametrize(
    "gone",
    [
        ("neck",),
        ("head", "neck"),
        ("clavicle.L", "clavicle.R"),
        ("toe.L", "toe.R"),
        ("foot.L", "foot.R", "toe.L", "toe.R"),
        ("hand.L",),
        ("spine.01", "spine.02"),
    ],
)
def test_rigs_with_fewer_bones_still_move(gone):
    rig = without(MANNEQUIN, *gone)
    joints = np.random.default_rng(0).normal(size=(4, 17, 3))
    bones = solve(motion_of(joints, contacts=np.ones((4, 2))), rig)
    assert np.isfinite(bones.rotations).all()
    assert not set(gone) & set(bones.bones)


def test_a_users_mapping_is_saved_and_loaded(tmp_path):
    found = find_mapping(MANNEQUIN)
    mapping = Mapping(
        found.bones, switches={"a": {"IK_FK": 1.0}}, follows={"b": "c"}, carrier="hips"
    )
    save_mapping(mapping, tmp_path / "map.json")
    assert load_mapping(tmp_path / "map.json") == mapping
    assert [path.name for path in tmp_path.iterdir()] == ["map.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be used"),
        ("[]", "cannot be used"),
        ("{}", "no 'bones'"),
        ('{"bones": {"wing": "Wing"}}', "'wing' is no part"),
        ('{"bones": {"head": [1]}}', "needs names of bones"),
    ],
)
def test_faulty_mappings_are_refused(tmp_path, text, message):
    path = tmp_path / "map.json"
    path.write_text(text)
    with pytest.raises(RigError, match=message):
        load_mapping(path)


def test_a_mapping_for_another_rig_is_refused():
    other = find_mapping(named_by(next(p for p in presets() if p.name == "mixamo")))
    with pytest.raises(RigError, match="does not have: Head"):
        solve(motion_of(np.zeros((1, 17, 3))), MANNEQUIN, other)


def test_required_parts_are_those_of_a_whole_body():
    assert {"hips", "spine", "upper_arm.L", "shin.R"} <= set(REQUIRED)
