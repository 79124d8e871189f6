"""Finding out which bone is which: by name for every preset, by shape, and from the user."""

from dataclasses import replace

import numpy as np
import pytest
from lift_to_3d.core.errors import RigError
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.mapping import (
    REQUIRED,
    Mapping,
    check_mapping,
    load_mapping,
    mapping_of_json,
    save_mapping,
)
from lift_to_3d.retarget.presets import is_chain, presets
from lift_to_3d.retarget.rig import Rig
from lift_to_3d.retarget.rotation import from_vector, unit
from lift_to_3d.retarget.solve import solve

from .disturbed_rigs import disturbed
from .rig_tools import (
    MANNEQUIN,
    at_rest_in,
    motion_of,
    parts_of,
    renamed,
    stretched,
    with_chain,
    without,
)
from .wild_rigs import wild_rig

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


_ARMS_DOWN = {"upper_arm.L": [0, 0.8, 0], "upper_arm.R": [0, -0.8, 0]}
RESTS = {
    "T": {},
    "A": _ARMS_DOWN,
    "crouching": {
        "spine.01": [0.6, 0, 0],
        **{f"thigh.{side}": [-1.7, 0, 0] for side in "LR"},
        **{f"shin.{side}": [2.2, 0, 0] for side in "LR"},
    },
    "fists up": {
        "upper_arm.L": [0, 0.7, -1.0],
        "upper_arm.R": [0, -0.7, 1.0],
        "forearm.L": [0, 0, -1.6],
        "forearm.R": [0, 0, 1.6],
        "thigh.L": [-0.7, 0, 0],
        "shin.L": [0.9, 0, 0],
        "thigh.R": [0.25, 0, 0],
        "shin.R": [0.5, 0, 0],
    },
    "stooping": {"spine.01": [0.8, 0, 0], **_ARMS_DOWN},
}


@pytest.mark.parametrize("facing", [0.0, 1.2, np.pi, -2.0])
@pytest.mark.parametrize("pose", RESTS.values(), ids=RESTS)
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


def head_of(bone: str) -> np.ndarray:
    return MANNEQUIN.rest[MANNEQUIN.bones.index(bone), :3, 3]


def with_tail() -> Rig:
    return with_chain(MANNEQUIN, "a", "hips", head_of("hips"), [0, 0.13, -0.09], 7)


def with_skirt(down: float = 0.2, rows: int = 3) -> Rig:
    rig = MANNEQUIN
    for i, angle in enumerate(np.arange(0, 6, np.pi / 4)):
        out = np.array([np.cos(angle), np.sin(angle), 0])
        rig = with_chain(rig, f"b{i}", "hips", head_of("hips") + 0.13 * out, [0, 0, -down], rows)
    return rig


def with_a_long_skirt() -> Rig:
    return with_skirt(0.15, 5)


def with_wings() -> Rig:
    chest = head_of("spine.03")
    rig = with_chain(MANNEQUIN, "c", "spine.03", chest, [0.34, 0.17, 0.17], 4)
    return with_chain(rig, "d", "spine.03", chest, [-0.34, 0.17, 0.17], 4)


def with_ropes() -> Rig:
    chest = head_of("spine.03")
    rig = with_chain(MANNEQUIN, "i", "spine.03", chest, [0.01, 0.005, 0], 120)
    return with_chain(rig, "j", "spine.03", chest, [-0.01, 0.005, 0], 120)


def with_a_sword() -> Rig:
    return with_chain(MANNEQUIN, "e", "hand.R", head_of("hand.R"), [0, -1.1, 0])


def with_helpers() -> Rig:
    rig = MANNEQUIN
    for side in "LR":
        for bone, end in (("upper_arm", "forearm"), ("forearm", "hand"), ("shin", "foot")):
            start = head_of(f"{bone}.{side}")
            step = 0.4 * (head_of(f"{end}.{side}") - start)
            rig = with_chain(rig, f"f{bone}{side}", f"{bone}.{side}", start + step, step)
        rig = with_chain(rig, f"g{side}", None, head_of(f"foot.{side}"), [0, -0.1, 0])
        rig = with_chain(rig, f"h{side}", None, head_of(f"hand.{side}"), [0, -0.1, 0])
    return rig


def with_stray_axes() -> Rig:
    """Bones that point anywhere and are of any length, as importers leave them."""
    rest = MANNEQUIN.rest.copy()
    rest[:, :3, :3] = from_vector(np.random.default_rng(1).normal(size=(len(rest), 3)) * 2)
    return replace(MANNEQUIN, rest=rest, lengths=np.full(len(rest), 0.01))


@pytest.mark.parametrize(
    "make",
    [
        with_tail,
        with_skirt,
        with_a_long_skirt,
        with_wings,
        with_ropes,
        with_a_sword,
        with_helpers,
        with_stray_axes,
    ],
)
def test_nameless_bones_beside_the_body_are_left_alone(make):
    rig = make()
    names = {bone: f"Knochen{i:03}" for i, bone in enumerate(rig.bones)}
    found = parts_of(find_mapping(renamed(rig, names)))
    ours = {names[bone]: part for bone, part in OURS.items()}
    neck = {names["neck"], names["head"]} if make is with_stray_axes else set()
    assert {b: p for b, p in found.items() if b not in neck} == {
        b: p for b, p in ours.items() if b not in neck
    }


def test_a_nameless_neck_of_many_short_bones():
    """ARKit's neck has four."""
    rig = without(MANNEQUIN, "neck", "head")
    start, step = head_of("neck"), (head_of("head") - head_of("neck")) / 4
    rig = with_chain(rig, "neck", "spine.03", start, step, 4)
    rig = with_chain(rig, "head", "neck3", start + 4 * step, [0, 0, 0.2])
    names = {bone: f"b{i}" for i, bone in enumerate(rig.bones)}
    bones = find_mapping(renamed(rig, names)).bones
    assert bones["neck"] == tuple(names[f"neck{i}"] for i in range(4))
    assert bones["head"] == (names["head0"],)


def test_nameless_legs_that_hang_on_a_root_at_the_floor():
    rig = with_chain(MANNEQUIN, "root", None, [0, 0, 0], [0, 0, 0.2])
    order = [len(MANNEQUIN.bones), *range(len(MANNEQUIN.bones))]
    parents = np.array([-1, *MANNEQUIN.parents + 1])
    hung = ("hips", "thigh.L", "thigh.R")
    parents[[MANNEQUIN.bones.index(bone) + 1 for bone in hung]] = 0
    names = tuple(f"b{i}" for i in range(len(order)))
    rig = replace(
        rig, bones=names, parents=parents, rest=rig.rest[order], lengths=rig.lengths[order]
    )
    found = find_mapping(rig)
    theirs = dict(zip(("root0", *MANNEQUIN.bones), names, strict=True))
    assert found.bones["hips"] == (theirs["root0"],)
    assert found.bones["spine"][:2] == (theirs["hips"], theirs["spine.01"])
    for bone in ("thigh.L", "shin.R", "foot.L", "forearm.R", "head"):
        assert found.bones[bone] == (theirs[bone],)


@pytest.mark.parametrize("seed", range(40))
def test_nameless_rigs_in_any_state(seed):
    """Other poses, proportions, axes and sizes; bones missing and bones too many."""
    random = np.random.default_rng(seed)
    rig, parts, done = disturbed(MANNEQUIN, find_mapping(MANNEQUIN), random)
    found = find_mapping(rig)
    assert found.preset == "structure"
    for part in set(parts) - {"spine", "neck"}:
        assert found.bones.get(part) == parts[part], (part, done)


@pytest.mark.parametrize(
    ("family", "seed", "with_what"),
    [("daz-g8", 50, "wings"), ("daz-g8", 20, "twist bones"), ("auto-rig-pro", 16, "twist bones")],
)
def test_nameless_limbs_in_line_with_twist_bones(family, seed, with_what):
    """Wings are no arms, though straighter; more twist bones beside those are no ends of limbs."""
    random = np.random.default_rng([seed, *family.encode()])
    rig, parts, done = disturbed(wild_rig(family), find_mapping(wild_rig(family)), random)
    assert with_what in done
    found = find_mapping(rig)
    for part in {part for part in parts if "arm" in part or "hand" in part}:
        assert found.bones.get(part) == parts[part]


def test_a_nameless_hand_is_where_the_thumb_branches_off():
    """On short forearms fingers lie where a hand would."""
    rig = stretched(MANNEQUIN, {f"forearm.{side}": 0.7 for side in "LR"})
    for side in "LR":
        hand = rig.bones.index(f"hand.{side}")
        start, along = rig.rest[hand, :3, 3], unit(rig.tails[hand] - rig.rest[hand, :3, 3])
        rig = with_chain(rig, f"thumb{side}", f"hand.{side}", start, [0, -0.05, 0])
        rig = with_chain(rig, f"palm{side}", f"hand.{side}", start, 0.07 * along, 2)
    names = {bone: f"b{i}" for i, bone in enumerate(rig.bones)}
    found = find_mapping(renamed(rig, names))
    assert [found.bone(f"hand.{side}") for side in "LR"] == [names["hand.L"], names["hand.R"]]


def test_a_rig_that_looks_the_same_from_behind_is_a_guess():
    rig = without(with_stray_axes(), "toe.L", "toe.R")
    rest = rig.rest.copy()
    rest[:, 1, 3] = 0
    names = {bone: f"b{i}" for i, bone in enumerate(rig.bones)}
    found = find_mapping(renamed(replace(rig, rest=rest), names))
    assert not found.missing
    assert found.guessed
    assert not find_mapping(MANNEQUIN).guessed


def test_a_nameless_rig_that_lies_on_another_axis():
    rest = from_vector(np.array([-np.pi / 2, 0, 0])) @ MANNEQUIN.rest[:, :3]
    rest = np.concatenate([rest, MANNEQUIN.rest[:, 3:]], axis=1)
    names = {bone: f"b{i}" for i, bone in enumerate(MANNEQUIN.bones)}
    found = parts_of(find_mapping(renamed(replace(MANNEQUIN, rest=rest), names)))
    assert found == {names[bone]: part for bone, part in OURS.items()}


@pytest.mark.parametrize("tilt", [[0.4, 0.3, 1.0], [1.0, -0.5, 0], [2.0, 0.5, 3.0]])
def test_a_nameless_rig_whose_object_is_tilted(tilt):
    world = np.eye(4)
    world[:3, :3] = from_vector(np.array(tilt)) * [0.5, 0.5, 0.7]
    names = {bone: f"b{i}" for i, bone in enumerate(MANNEQUIN.bones)}
    found = parts_of(find_mapping(renamed(replace(MANNEQUIN, world=world), names)))
    assert found == {names[bone]: part for bone, part in OURS.items()}


def test_a_nameless_rig_whose_every_bone_is_moved_by_constraints():
    names = {bone: f"b{i}" for i, bone in enumerate(MANNEQUIN.bones)}
    rig = replace(renamed(MANNEQUIN, names), driven=frozenset(names.values()))
    assert parts_of(find_mapping(rig)) == {names[bone]: part for bone, part in OURS.items()}


def test_names_say_which_side_is_which_where_the_shape_does_not():
    """Seen from behind: feet that point backward are believed less than names."""
    words = {"L": "gauche", "R": "droite"}
    names = {b: f"os{i}_{words[b[-1]]}" for i, b in enumerate(MANNEQUIN.bones) if b[-2] == "."}
    names = {b: n for b, n in names.items() if b[-1] in words}
    others = {b: f"os{i}" for i, b in enumerate(MANNEQUIN.bones) if b not in names}
    rest = MANNEQUIN.rest.copy()
    for side in "LR":
        foot, toe = (MANNEQUIN.bones.index(f"{part}.{side}") for part in ("foot", "toe"))
        rest[toe, 1, 3] = 2 * rest[foot, 1, 3] - rest[toe, 1, 3]
        rest[[foot, toe], :3, :3] = from_vector(np.array([0, 0, np.pi])) @ rest[[foot, toe], :3, :3]
    rig = renamed(replace(MANNEQUIN, rest=rest), names | others)
    mapping = find_mapping(rig)
    assert mapping.preset == "structure"
    assert mapping.bone("hand.L") == names["hand.L"]
    assert mapping.bone("shin.R") == names["shin.R"]


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
        ("foot.L", "foot.R"),
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
        found.bones,
        switches={"a": {"IK_FK": 1.0}},
        follows={"b": "c"},
        carrier="hips",
        copies={"d": "e"},
        hinges={"thigh.L": (1.0, 0.0, 0.0)},
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
        ('{"bones": {"head": "Head"}, "hinges": {"thigh.L": [0, 0, 0]}}', "no axis"),
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


def test_a_bone_that_the_rig_lacks_is_named_before_what_is_missing():
    with pytest.raises(RigError, match="does not have: Nix"):
        check_mapping(mapping_of_json('{"bones": {"hips": "Nix"}}'), MANNEQUIN)


def test_required_parts_are_those_of_a_whole_body():
    assert {"hips", "spine", "upper_arm.L", "shin.R"} <= set(REQUIRED)
