"""Rigs whose makers no preset knows: told by words, completed by words, or refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from lift_to_3d.commands.rigs import RigInspection
from lift_to_3d.core.errors import RigError
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.mapping import REQUIRED, check_mapping, mapping_as_json, mapping_of_json
from lift_to_3d.retarget.rig import Rig
from lift_to_3d.retarget.solve import solve
from lift_to_3d.retarget.words import map_by_words, words_of

from .disturbed_rigs import disturbed
from .rig_tools import (
    MANNEQUIN,
    at_rest_in,
    motion_of,
    moving_joints,
    parts_of,
    posed,
    renamed,
    with_chain,
    without,
)

OURS = parts_of(find_mapping(MANNEQUIN))
# Names from hips to head; of a side's limbs, from the trunk outward; and of the sides.
MAKERS: dict[str, tuple[str, str, Sequence[str]]] = {
    "0 A.D.": (
        "hip spine spine1 chest neck head",
        "shoulder_{s} arm_{s} forearm_{s} hand_{s} thigh_{s} leg_{s} foot_{s} toe_{s}",
        "LR",
    ),
    "Bip01 with arms and legs that are numbered": (
        "bip01_pelvis bip01_spine bip01_spine1 bip01_spine2 bip01_neck bip01_head",
        "bip01_{s}_arm bip01_{s}_arm1 bip01_{s}_arm2 bip01_{s}_hand "
        "bip01_{s}_leg bip01_{s}_leg1 bip01_{s}_foot bip01_{s}_toe0",
        "lr",
    ),
    "Red Eclipse": (
        "Waist Abdomen Torso Ribs Neck Head",
        "Shoulder.{s} Upperarm.{s}.01 Forearm.{s}.01 Hand.{s} "
        "Thigh.{s}.01 Shin.{s}.01 Foot.{s} Toes.{s}",
        ("Left", "Right"),
    ),
    "OptiTrack": (
        "Hip Ab Ab2 Chest Neck Head",
        "{s}Shoulder {s}UArm {s}FArm {s}Hand {s}Thigh {s}Shin {s}Foot {s}Toe",
        "LR",
    ),
    "names of joints, run together": (
        "root lowerback middleback upperback neck skull",
        "{s}collar {s}shoulder {s}elbow {s}wrist {s}hip {s}knee {s}ankle {s}toes",
        ("left", "right"),
    ),
    "MikuMikuDance": (
        "センター 上半身 上半身1 上半身2 首 頭",
        "{s}肩 {s}腕 {s}ひじ {s}手首 {s}足 {s}ひざ {s}足首 {s}つま先",
        "左右",
    ),
    "Ethan": (
        "EthanHips EthanSpine EthanSpine1 EthanSpine2 EthanNeck EthanHead",
        "Ethan{s}Shoulder Ethan{s}Arm Ethan{s}ForeArm Ethan{s}Hand "
        "Ethan{s}UpLeg Ethan{s}Leg Ethan{s}Foot Ethan{s}Toe1",
        ("Left", "Right"),
    ),
    "Xsens MVN": (
        "Pelvis L5 L3 T12 Neck Head",
        "{s}Shoulder {s}UpperArm {s}ForeArm {s}Hand {s}UpperLeg {s}LowerLeg {s}Foot {s}Toe",
        ("Left", "Right"),
    ),
    "Synty": (
        "Hips Spine_01 Spine_02 Spine_03 Neck Head",
        "Clavicle_{s} Shoulder_{s} Elbow_{s} Hand_{s} UpperLeg_{s} LowerLeg_{s} Ankle_{s} Ball_{s}",
        "LR",
    ),
    "Advanced Skeleton": (
        "Root_M Spine1_M Spine2_M Chest_M Neck_M Head_M",
        "Scapula_{s} Shoulder_{s} Elbow_{s} Wrist_{s} Hip_{s} Knee_{s} Ankle_{s} Toes_{s}",
        "LR",
    ),
    "Cascadeur": (
        "pelvis stomach stomach2 chest neck head",
        "clavicle_{s} arm_{s} forearm_{s} hand_{s} thigh_{s} calf_{s} foot_{s} toe_{s}",
        "lr",
    ),
    "German": (
        "Becken Wirbelsäule Wirbelsäule.001 Brust Hals Kopf",
        "Schulter.{s} Oberarm.{s} Unterarm.{s} Hand.{s} "
        "Oberschenkel.{s} Unterschenkel.{s} Fuß.{s} Zehen.{s}",
        "LR",
    ),
    "French": (
        "bassin colonne colonne.001 poitrine cou tête",
        "épaule.{s} bras.{s} avant_bras.{s} main.{s} cuisse.{s} jambe.{s} pied.{s} orteils.{s}",
        "GD",
    ),
    "Portuguese": (
        "Quadril Coluna Coluna1 Peito Pescoço Cabeça",
        "Ombro.{s} Braço.{s} Antebraço.{s} Mão.{s} Coxa.{s} Canela.{s} Pé.{s} Dedos.{s}",
        "ED",
    ),
    "Russian": (
        "Таз Живот Живот1 Живот2 Шея Голова",  # noqa: RUF001
        "{s}_Ключица {s}_Плечо {s}_Предплечье {s}_Кисть {s}_Бедро {s}_Голень {s}_Стопа {s}_Носок",
        ("Лев", "Прав"),
    ),
    "Chinese": (
        "骨盆 脊柱 脊柱1 胸 颈 头",
        "{s}锁骨 {s}上臂 {s}前臂 {s}手 {s}大腿 {s}小腿 {s}脚 {s}脚趾",
        "左右",
    ),
    "Korean": (
        "골반 척추 척추1 가슴 목 머리",
        "{s}쇄골 {s}위팔 {s}아래팔 {s}손 {s}허벅지 {s}종아리 {s}발 {s}발가락",
        ("왼쪽", "오른쪽"),
    ),
}
TRUNK = ("hips", "spine.01", "spine.02", "spine.03", "neck", "head")
LIMBS = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")


def made_by(maker: str) -> tuple[Rig, dict[str, str]]:
    trunk, limbs, sides = MAKERS[maker]
    names: dict[str, str] = dict(zip(TRUNK, trunk.split(), strict=True))
    for side, word in zip("LR", sides, strict=True):
        theirs = (name.format(s=word) for name in limbs.split())
        names |= dict(zip((f"{bone}.{side}" for bone in LIMBS), theirs, strict=True))
    return renamed(MANNEQUIN, names), names


@pytest.mark.parametrize("maker", MAKERS)
def test_words_tell_the_bones_of_makers_without_a_preset(maker):
    rig, names = made_by(maker)
    found = parts_of(map_by_words(rig))
    assert found == {names[bone]: OURS[bone] for bone in names}
    assert not find_mapping(rig).guessed


@pytest.mark.parametrize("maker", MAKERS)
def test_words_do_not_mind_how_somebody_stands(maker):
    fighting = {"upper_arm.L": (0.9, 0, 0.9), "forearm.L": (0, 1.5, 0), "thigh.R": (-0.9, 0, 0)}
    rig, names = made_by(maker)
    stance = renamed(resting(fighting), names)
    assert find_mapping(stance).bones == find_mapping(rig).bones


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("maker", MAKERS)
def test_words_do_not_mind_what_was_done_to_a_rig(maker, seed):
    """Twist bones, tails, skirts, IK targets ... more, toes, fingers, necks ... fewer."""
    rig, _ = made_by(maker)
    random = np.random.default_rng([seed, *maker.encode()])
    altered, parts, done = disturbed(rig, find_mapping(rig), random, named=True)
    found = {p: b for p, b in find_mapping(altered).bones.items() if "_twist" not in p}
    assert {part: found.get(part) for part in parts} == parts, done


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LUpperArm", ("l", "upper", "arm")),
        ("lupperarm", ("l", "upperarm")),
        ("rightfoot", ("right", "foot")),
        ("RFArm", ("r", "f", "arm")),
        ("bip01 l arm1", ("bip", "l", "arm")),
        ("lear", ("l", "ear")),
        ("collar", ("collar",)),
        ("shin", ("shin",)),
        ("左足ＩＫ", ("左", "足", "ik")),
        ("Fuß.L", ("fuss", "l")),
    ],
)
def test_names_fall_into_words(name, words):
    assert words_of(name)[-len(words) :] == words


def test_whoever_rests_in_a_deep_crouch_is_no_animal():
    crouch = {"spine.01": (0.5, 0, 0)}
    for side in "LR":
        crouch |= {f"thigh.{side}": (-1.9, 0, 0), f"shin.{side}": (2.4, 0, 0)}
    rig, names = made_by("0 A.D.")
    found = find_mapping(renamed(resting(crouch), names))
    assert not found.against
    assert found.bones == find_mapping(rig).bones


def test_of_bones_named_alike_the_plainest_is_taken():
    """MikuMikuDance has helpers before and beside a limb's bones: 左肩P, 左足D."""
    rig, _ = made_by("MikuMikuDance")
    for side in "左右":
        rig = with_chain(rig, f"{side}足D", "センター", [0, 0, 0.9], [0, 0, -0.4])
    before = find_mapping(rig).bones
    b, above = rig.bones.index("左肩"), rig.bones.index("上半身2")
    rig = with_bone_between(rig, "左肩", "左肩P", rig.rest[b, :3, 3])
    assert rig.parents[rig.bones.index("左肩P")] == above
    assert find_mapping(rig).bones == before
    assert before["thigh.L"] == ("左足",)


def test_bones_beside_a_limb_are_no_part_of_it():
    rig, names = made_by("0 A.D.")
    for bone, parent in (
        ("hand_ik_L", "hand_L"),
        ("arm_twist_L", "arm_L"),
        ("thumb_hand_L", "hand_L"),
    ):
        rig = with_chain(rig, bone, parent, [0.5, 0, 1], [0.1, 0, 0])
    assert parts_of(find_mapping(rig)) == {
        names.get(b, b): p for b, p in OURS.items() if b != "root"
    }


def test_arms_without_collar_bones_begin_at_the_shoulder():
    """Kinect and H-Anim call the upper arm's bone after the joint that it begins at."""
    limbs = ["Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Foot"]
    names = {
        f"{bone}.{side}": name + word
        for side, word in (("L", "Left"), ("R", "Right"))
        for bone, name in zip(LIMBS[1:], limbs, strict=True)
    }
    rig = without(renamed(MANNEQUIN, names), "clavicle.L", "clavicle.R")
    found = parts_of(map_by_words(rig))
    assert {bone: found[bone] for bone in names.values()} == {
        theirs: OURS[ours] for ours, theirs in names.items()
    }


def with_bone_between(rig: Rig, bone: str, name: str, place: np.ndarray) -> Rig:
    """A bone more between one and its parent."""
    b = rig.bones.index(bone)
    rest = rig.rest[b].copy()
    rest[:3, 3] = place
    parents = np.insert(np.where(rig.parents >= b, rig.parents + 1, rig.parents), b, 0)
    parents[b], parents[b + 1] = rig.parents[b], b
    return replace(
        rig,
        bones=(*rig.bones[:b], name, *rig.bones[b:]),
        parents=parents,
        rest=np.insert(rig.rest, b, rest, axis=0),
        lengths=np.insert(rig.lengths, b, rig.lengths[b]),
    )


def test_shape_tells_limbs_whose_bones_are_numbered():
    """As CesiumMan's: leg_joint_L_1, leg_joint_L_2 ...; mGear's have a bone for twist between."""
    limbs = {"arm": ("upper_arm", "forearm", "hand"), "leg": ("thigh", "shin", "foot", "toe")}
    names = {
        f"{bone}.{side}": f"{limb}_joint_{side}_{i}"
        for limb, bones in limbs.items()
        for i, bone in enumerate(bones)
        for side in "LR"
    }
    rig = renamed(MANNEQUIN, names)
    for side in "LR":
        knee = rig.rest[rig.bones.index(names[f"shin.{side}"]), :3, 3]
        hip = rig.rest[rig.bones.index(names[f"thigh.{side}"]), :3, 3]
        rig = with_bone_between(rig, names[f"shin.{side}"], f"leg_joint_{side}_x", (hip + knee) / 2)
    found = find_mapping(rig)
    assert {part: found.bones[part] for part in names if part in found.bones} == {
        part: (name,) for part, name in names.items()
    }


def test_sides_that_are_named_from_before_are_told_by_the_toes():
    rig, names = made_by("Ethan")
    other = {name: names[f"{bone[:-1]}R"] for bone, name in names.items() if bone.endswith(".L")}
    other |= {theirs: name for name, theirs in other.items()}
    swapped = renamed(rig, other)
    found = parts_of(find_mapping(swapped))
    assert found == {other.get(names[bone], names[bone]): OURS[bone] for bone in names}
    no_toes = without(swapped, *(names[f"toe.{side}"] for side in "LR"))
    assert find_mapping(no_toes).bone("thigh.L") == names["thigh.L"]


@pytest.mark.parametrize("holder", ["hips", None])
def test_feet_that_hang_elsewhere_go_along_with_the_shins(holder):
    """As in game rigs that are moved by their feet: these hang on the hips or on nothing."""
    parents = MANNEQUIN.parents.copy()
    for side in "LR":
        parents[MANNEQUIN.bones.index(f"foot.{side}")] = (
            MANNEQUIN.bones.index(holder) if holder else -1
        )
    apart = replace(MANNEQUIN, parents=parents)
    motion = motion_of(moving_joints(30))
    _, expected = posed(MANNEQUIN, solve(motion, MANNEQUIN))
    _, heads = posed(apart, solve(motion, apart))
    assert abs(heads - expected).max() < 1e-6
    if holder:
        assert map_by_words(apart).bones["foot.L"] == ("foot.L",)


def test_a_preset_is_completed_by_what_lies_between_its_bones():
    """Meshy counts the spine from the top; LaFAN1's toes have another name than HumanIK's."""
    mixamo = like_mixamo("Hips Spine02 Spine01 Spine neck Head", "LeftToe")
    mapping = find_mapping(mixamo)
    assert mapping.preset != "words"
    assert mapping.bones["spine"] == ("Spine02", "Spine01", "Spine")
    assert mapping.bones["toe.L"] == ("LeftToe",)


def like_mixamo(trunk: str, toe: str) -> Rig:
    names: dict[str, str] = dict(zip(TRUNK, trunk.split(), strict=True))
    for side, word in (("L", "Left"), ("R", "Right")):
        limbs = f"LeftShoulder LeftArm LeftForeArm LeftHand LeftUpLeg LeftLeg LeftFoot {toe}"
        theirs = limbs.replace("Left", word).split()
        names |= dict(zip((f"{bone}.{side}" for bone in LIMBS), theirs, strict=True))
    return renamed(MANNEQUIN, names)


def beside(rig: Rig, other: Rig) -> Rig:
    """Two rigs in one armature, the second a metre to the side."""
    moved = other.rest.copy()
    moved[:, :3, 3] += [1.0, 0, 0]
    parents = np.where(other.parents < 0, -1, other.parents + len(rig.bones))
    return replace(
        rig,
        bones=(*rig.bones, *other.bones),
        parents=np.concatenate([rig.parents, parents]),
        rest=np.concatenate([rig.rest, moved]),
        lengths=np.concatenate([rig.lengths, other.lengths]),
    )


@pytest.mark.parametrize("between", [":", "_"])
def test_of_two_characters_in_one_armature_one_is_taken_whole(between):
    mixamo = like_mixamo("Hips Spine Spine1 Spine2 Neck Head", "LeftToeBase")
    one, other = (
        renamed(mixamo, {bone: f"{who}{between}{bone}" for bone in mixamo.bones})
        for who in ("Ann", "Bob")
    )
    # Ann has no arms that anybody would know.
    one = renamed(one, {bone: f"x{i}" for i, bone in enumerate(one.bones) if "Arm" in bone})
    mapping = find_mapping(beside(one, other))
    assert not mapping.missing
    assert {name[0] for names in mapping.bones.values() for name in names} == {"B"}


def on_all_fours() -> Rig:
    """The mannequin's trunk along the ground, its arms and legs down."""
    legs = {"hips": (1.57, 0, 0), "thigh.L": (-1.57, 0, 0), "thigh.R": (-1.57, 0, 0)}
    arms = {"upper_arm.L": (-1.57, 0.8, 0), "upper_arm.R": (-1.57, -0.8, 0)}
    return resting(legs | arms)


def resting(angles: Mapping[str, Sequence[float]]) -> Rig:
    return at_rest_in(MANNEQUIN, {bone: np.array(turn) for bone, turn in angles.items()})


def test_an_animal_is_refused_whatever_its_bones_are_called():
    rig = on_all_fours()
    with pytest.raises(RigError, match="trunk across its legs"):
        check_mapping(find_mapping(rig), rig)
    nameless = renamed(rig, {bone: f"b{i}" for i, bone in enumerate(rig.bones)})
    with pytest.raises(RigError):
        check_mapping(find_mapping(nameless), nameless)


def test_whose_knees_rest_bent_backward_is_a_bird():
    legs = {f"thigh.{side}": (0.4, 0, 0) for side in "LR"}
    rig = resting(legs | {f"shin.{side}": (-0.8, 0, 0) for side in "LR"})
    with pytest.raises(RigError, match="knees bent backward"):
        check_mapping(find_mapping(rig), rig)


def test_what_is_seen_of_a_rig_says_that_it_is_no_person():
    seen = RigInspection("horse.fbx", "horse", 40, find_mapping(on_all_fours()))
    assert "NO PERSON        it rests with its trunk across its legs" in seen.table()
    assert seen.as_dict()["against"] == find_mapping(on_all_fours()).against
    assert "told by their words" in RigInspection("a", "a", 1, map_by_words(MANNEQUIN)).table()


def test_who_names_an_animals_bones_may_have_it():
    rig = on_all_fours()
    check_mapping(mapping_of_json(mapping_as_json(find_mapping(rig))), rig)


@pytest.mark.parametrize("part", ["legs", "arms"])
def test_half_a_body_is_told_what_it_lacks(part):
    rig, names = made_by("Ethan")
    lacking = LIMBS[4:] if part == "legs" else LIMBS[:4]
    rig = without(rig, *(names[f"{bone}.{side}"] for bone in lacking for side in "LR"))
    limbs = ("thigh", "shin") if part == "legs" else ("upper_arm", "forearm")
    missing = find_mapping(rig).missing
    assert set(missing) <= {f"{limb}.{side}" for limb in limbs for side in "LR"} | {"hips", "spine"}
    assert set(missing) < set(REQUIRED)
    with pytest.raises(RigError, match="no .*(thighs or shins|upper arms or forearms) that"):
        check_mapping(find_mapping(rig), rig)


def test_loose_arms_are_known_as_arms():
    """As the hands of a first-person game, which hang on nothing."""
    rig, names = made_by("Red Eclipse")
    trunk = [names[bone] for bone in TRUNK]
    legs = [names[f"{bone}.{side}"] for bone in LIMBS[4:] for side in "LR"]
    arms = without(rig, *trunk, *legs)
    with pytest.raises(RigError, match="no hips, spine, thighs or shins that"):
        check_mapping(find_mapping(arms), arms)


def test_a_spine_longer_than_the_presets_ends_below_the_shoulders():
    """MPFB's rig for Rigify: the arms hang on spine.004, which is Rigify's own lower neck."""
    numbers = ("spine", "spine.001", "spine.002", "spine.004", "spine.005", "spine.006")
    rig = renamed(
        MANNEQUIN,
        dict(zip(TRUNK, numbers, strict=True))
        | {f"clavicle.{side}": f"shoulder.{side}" for side in "LR"},
    )
    chest = MANNEQUIN.rest[MANNEQUIN.bones.index("spine.03"), :3, 3]
    place = (chest + MANNEQUIN.rest[MANNEQUIN.bones.index("spine.02"), :3, 3]) / 2
    mapping = find_mapping(with_bone_between(rig, "spine.004", "spine.003", place))
    assert mapping.preset == "rigify-metarig"
    assert mapping.bones["spine"] == ("spine.001", "spine.002", "spine.003", "spine.004")
    assert mapping.bones["neck"] == ("spine.005",)
