"""Retargeting: exactness on known rigs, and against the true rotations of motion capture."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lift_to_3d.core.errors import Cancelled, MotionError
from lift_to_3d.core.skeleton import H36M
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.options import Retargeting
from lift_to_3d.retarget.rest_body import rest_body
from lift_to_3d.retarget.rotation import from_vector, swing, to_vector, transpose, turn, unit
from lift_to_3d.retarget.solve import solve

from .bvh_truth import TAKES, read_take
from .rig_tools import (
    MANNEQUIN,
    angle_between,
    at_rest_in,
    degrees,
    held_feet,
    motion_of,
    moving_joints,
    posed,
    rolled,
    with_root,
)

LIMBS = [
    (f"{a}.{s}", f"{b}.{s}")
    for a, b in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
    for s in "LR"
]
A_POSE = {"upper_arm.L": [0, 0.8, 0], "upper_arm.R": [0, -0.8, 0]}
ODD_POSE = {
    "upper_arm.L": [0.3, 1.2, 0.4],
    "forearm.L": [0, 0, -0.9],
    "upper_arm.R": [-0.5, -0.4, 0.2],
    "thigh.L": [-0.7, 0, 0.1],
    "shin.L": [1.0, 0, 0],
    "thigh.R": [0.2, 0.1, 0],
}
FREE = Retargeting(feet="never")
BENT_BACKWARD = {"forearm.L": [0.0, 0.0, 0.12], "forearm.R": [0.0, 0.0, -0.12]}
RESTS = {"T": {}, "A": A_POSE, "odd": ODD_POSE, "elbows bent backward": BENT_BACKWARD}


def limb_directions(rig, turns, heads) -> np.ndarray:
    mapping = find_mapping(rig)
    bones = [[rig.bones.index(mapping.bone(part)) for part in pair] for pair in LIMBS]
    return np.stack([unit(heads[:, b] - heads[:, a]) for a, b in bones], axis=1)


def joint_directions(joints: np.ndarray) -> np.ndarray:
    pairs = [(11, 12), (14, 15), (12, 13), (15, 16), (4, 5), (1, 2), (5, 6), (2, 3)]
    return np.stack([unit(joints[:, b] - joints[:, a]) for a, b in pairs], axis=1)


@pytest.mark.parametrize("rest", RESTS)
def test_a_rig_at_rest_stays_at_rest(rest):
    rig = at_rest_in(MANNEQUIN, RESTS[rest])
    joints = np.repeat(rest_body(rig, find_mapping(rig)).joints[None], 5, axis=0)
    # Odd poses have no foot on the floor; contacts would rightly lay it down.
    bones = solve(motion_of(joints, contacts=np.ones((5, 2)) * (rest != "odd")), rig)
    turns, heads = posed(rig, bones)
    assert degrees(turns).max() < 1e-3
    assert np.abs(heads - rig.rest[:, :3, 3]).max() < 1e-6


@pytest.mark.parametrize("rest", RESTS)
def test_limbs_point_where_the_persons_do_from_any_rest_pose(rest):
    rig = at_rest_in(MANNEQUIN, RESTS[rest])
    joints = moving_joints()
    turns, heads = posed(rig, solve(motion_of(joints), rig, options=FREE))
    error = angle_between(limb_directions(rig, turns, heads), joint_directions(joints))
    assert error.max() < 1e-3


def test_the_pose_does_not_depend_on_the_rest_pose():
    motion = motion_of(moving_joints())
    turns, _ = posed(MANNEQUIN, solve(motion, MANNEQUIN, options=FREE))
    rig = at_rest_in(MANNEQUIN, A_POSE)
    other, _ = posed(rig, solve(motion, rig, options=FREE))
    axes, other_axes = turns @ MANNEQUIN.rest[:, :3, :3], other @ rig.rest[:, :3, :3]
    assert degrees(transpose(axes) @ other_axes).max() < 1.5


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_bone_rolls_change_nothing(seed):
    rig = rolled(MANNEQUIN, np.random.default_rng(seed).uniform(-3, 3, len(MANNEQUIN.bones)))
    contacts = np.tile([1.0, 0.0], (60, 1))
    motion = motion_of(moving_joints(), contacts=contacts)
    turns, heads = posed(MANNEQUIN, solve(motion, MANNEQUIN))
    rolled_turns, rolled_heads = posed(rig, solve(motion, rig))
    np.testing.assert_allclose(rolled_turns, turns, atol=1e-9)
    np.testing.assert_allclose(rolled_heads, heads, atol=1e-9)


@pytest.mark.parametrize("told", [False, True])
def test_a_mirrored_motion_gives_the_mirrored_pose(told):
    mapping = TOLD if told else None
    joints = moving_joints()
    contacts = np.zeros((60, 2))
    contacts[10:40, 0] = 1
    flip = np.diag([-1.0, 1.0, 1.0])
    mirrored = (joints @ flip)[:, list(H36M.mirrored)]
    turns, _ = posed(MANNEQUIN, solve(motion_of(joints, contacts=contacts), MANNEQUIN, mapping))
    motion = motion_of(mirrored, contacts=contacts[:, ::-1])
    other, _ = posed(MANNEQUIN, solve(motion, MANNEQUIN, mapping))
    swap = {"L": "R", "R": "L"}
    partner = [
        MANNEQUIN.bones.index(n[:-1] + swap[n[-1]]) if n[-2:] in (".L", ".R") else i
        for i, n in enumerate(MANNEQUIN.bones)
    ]
    assert degrees(transpose(flip @ other[:, partner] @ flip) @ turns).max() < 1e-3


TOLD = replace(
    find_mapping(MANNEQUIN),
    hinges={
        "upper_arm.L": (-0.1, -0.86, 0.5), "upper_arm.R": (-0.1, 0.86, -0.5),
        "thigh.L": (0.97, 0.1, 0.2), "thigh.R": (0.97, -0.1, -0.2),
    },
)  # fmt: skip


def test_limbs_bend_about_the_axes_that_they_are_told():
    """What is told is carried along by the upper and by the lower bone alike, and joints come as
    they do without."""
    joints = moving_joints()
    turns, heads = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN, TOLD, FREE))
    error = angle_between(limb_directions(MANNEQUIN, turns, heads), joint_directions(joints))
    assert error.max() < 1e-3
    plain, _ = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN, options=FREE))
    for upper, axis in rest_body(MANNEQUIN, TOLD).hinges().items():
        lower = upper.replace("upper_arm", "forearm").replace("thigh", "shin")
        bones = [MANNEQUIN.bones.index(bone) for bone in (upper, lower)]
        ours, theirs = (
            np.median(angle_between(*(turn(t[:, bone], axis[None]) for bone in bones)))
            for t in (turns, plain)
        )
        assert ours < 0.5 * theirs


def test_a_rig_whose_hinges_are_told_stays_at_rest():
    joints = np.repeat(rest_body(MANNEQUIN, TOLD).joints[None], 5, axis=0)
    turns, _ = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN, TOLD, FREE))
    assert degrees(turns).max() < 1e-3


def test_a_hinge_along_its_limb_is_of_another_rest_pose():
    motion = motion_of(moving_joints())
    turns, _ = posed(MANNEQUIN, solve(motion, MANNEQUIN))
    told = replace(TOLD, hinges={"upper_arm.L": (1.0, -0.5, 0.0)})
    other, _ = posed(MANNEQUIN, solve(motion, MANNEQUIN, told))
    np.testing.assert_array_equal(other, turns)


def test_knees_and_elbows_never_bend_backward():
    random = np.random.default_rng(3)
    joints = moving_joints(frames=90)
    joints += random.normal(0, 0.03, joints.shape)
    # Legs that are pushed through by the noise again and again.
    joints[:, 2] = 0.5 * (joints[:, 1] + joints[:, 3]) + random.normal(0, 0.02, (90, 3))
    joints[:, 15] = 0.5 * (joints[:, 14] + joints[:, 16]) + random.normal(0, 0.02, (90, 3))
    rig = MANNEQUIN
    turns, _ = posed(rig, solve(motion_of(joints), rig, options=FREE))
    hinges = {"thigh": [1, 0, 0], "upper_arm": [0, 0, -1]}
    for upper, lower, side in (("thigh", "shin", "R"), ("upper_arm", "forearm", "R")):
        a, b = rig.bones.index(f"{upper}.{side}"), rig.bones.index(f"{lower}.{side}")
        axis = np.array(hinges[upper], float) * (-1 if (upper, side) == ("upper_arm", "R") else 1)
        bend = to_vector(transpose(turns[:, a]) @ turns[:, b]) @ axis
        assert np.degrees(bend.min()) > -5.0  # the rest pose's own bend, and noise to the side


def test_straight_limbs_do_not_spin():
    frames = 120
    joints = np.repeat(rest_body(MANNEQUIN, find_mapping(MANNEQUIN)).joints[None], frames, axis=0)
    joints = joints + np.random.default_rng(0).normal(0, 0.003, joints.shape)
    turns, _ = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN, options=FREE))
    limbs = [MANNEQUIN.bones.index(bone) for bone, _ in LIMBS]
    assert degrees(transpose(turns[:-1, limbs]) @ turns[1:, limbs]).max() < 8


def test_quaternions_are_unit_and_continuous():
    bones = solve(motion_of(moving_joints(frames=240)), MANNEQUIN)
    np.testing.assert_allclose(np.linalg.norm(bones.rotations, axis=-1), 1, atol=1e-9)
    assert (np.sum(bones.rotations[1:] * bones.rotations[:-1], axis=-1) > 0).all()


@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
@pytest.mark.parametrize("turned", [0.0, 1.0, np.pi])
def test_objects_that_are_scaled_moved_and_turned(scale, turned):
    """The same rig through another object matrix does the same thing in the world."""
    world = np.eye(4)
    world[:3, :3] = scale * from_vector(np.array([0, 0, turned]))
    world[:3, 3] = [3.0, -2.0, 0.5]
    rig = replace(MANNEQUIN, world=world)
    joints = moving_joints()
    turns, heads = posed(rig, solve(motion_of(joints), rig))
    plain_turns, plain_heads = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN))
    np.testing.assert_allclose(turns, plain_turns, atol=1e-9)
    np.testing.assert_allclose(heads, plain_heads, atol=1e-9)


@pytest.mark.parametrize("forward", [[0, 1, 0], [1, 0, 0], [-1, 0, 0]])
def test_rigs_that_face_elsewhere_start_where_they_face(forward):
    turned = swing(np.array([0.0, -1.0, 0.0]), np.array(forward, float))
    rest = MANNEQUIN.rest.copy()
    rest[:, :3, :] = turned @ rest[:, :3, :]
    rig = replace(MANNEQUIN, rest=rest)
    joints = moving_joints()
    _turns, heads = posed(rig, solve(motion_of(joints), rig))
    _, plain = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN))
    np.testing.assert_allclose(heads, plain @ turned.T, atol=1e-9)


def test_a_mirrored_object_moves_as_the_person_does():
    world = np.diag([-1.0, 1.0, 1.0, 1.0])
    rig = replace(MANNEQUIN, world=world)
    joints = moving_joints()
    _, heads = posed(rig, solve(motion_of(joints), rig, options=FREE))
    seen = heads @ world[:3, :3].T
    left_hand = seen[:, rig.bones.index("hand.R")]  # seen in a mirror, the right hand is the left
    assert np.linalg.norm(left_hand - joints[:, 13], axis=-1).mean() < 0.05


def test_in_place_and_travel_on_the_root():
    joints = moving_joints(frames=120)
    still = solve(motion_of(joints), MANNEQUIN, options=Retargeting(in_place=True))
    _, heads = posed(MANNEQUIN, still)
    hips = heads[:, MANNEQUIN.bones.index("hips")]
    assert np.linalg.norm(hips[:, :2], axis=-1).max() < 0.15
    _, free = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN))
    np.testing.assert_allclose(hips[:, 2], free[:, MANNEQUIN.bones.index("hips"), 2], atol=1e-9)

    rig = with_root(MANNEQUIN)
    moved = solve(motion_of(joints), rig, options=Retargeting(travel="root"))
    _, carried = posed(rig, moved)
    np.testing.assert_allclose(carried[:, 1:], free, atol=1e-9)
    assert np.ptp(carried[:, 0], axis=0)[:2].max() > 0.4


def test_a_root_that_is_not_there_is_told():
    bare, rooted = find_mapping(MANNEQUIN), find_mapping(with_root(MANNEQUIN))
    on_root = Retargeting(travel="root")
    assert "no root bone" in on_root.cannot(bare)[0]
    assert on_root.cannot(rooted) == replace(on_root, in_place=True).cannot(bare) == ()
    assert Retargeting().cannot(bare) == ()


@pytest.mark.parametrize("in_place", [False, True])
def test_where_and_how_a_motion_starts_is_chosen(in_place):
    """Turned to the left and put elsewhere, in world metres, whatever the object's matrix is."""
    world = np.eye(4)
    world[:3, :3] = 0.01 * from_vector(np.array([0, 0, 2.0]))
    world[:3, 3] = [3.0, -2.0, 0.0]
    rig = replace(MANNEQUIN, world=world)
    motion = motion_of(moving_joints())
    placed = {}
    for name, chosen in (("plain", {}), ("chosen", {"facing": 90.0, "start": (2.0, -1.0)})):
        options = Retargeting(in_place=in_place, **chosen)
        _, heads = posed(rig, solve(motion, rig, options=options))
        placed[name] = heads @ world[:3, :3].T
    quarter = from_vector(np.array([0, 0, np.pi / 2]))
    np.testing.assert_allclose(
        placed["chosen"], placed["plain"] @ quarter.T + [2, -1, 0], atol=1e-9
    )


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="feet is 'sometimes'"):
        Retargeting(feet="sometimes")


def test_bones_that_do_not_inherit_rotation_and_hips_that_are_tied_to_a_root():
    joints = moving_joints()
    plain = with_root(MANNEQUIN)
    loose, tied = frozenset({"clavicle_l", "calf_r", "head"}), frozenset({"pelvis"})
    rig = replace(plain, loose=loose, tied=tied)
    turns, heads = posed(rig, solve(motion_of(joints), rig))
    expected_turns, expected = posed(plain, solve(motion_of(joints), plain))
    np.testing.assert_allclose(turns, expected_turns, atol=1e-9)
    np.testing.assert_allclose(heads[:, 1:], expected[:, 1:], atol=1e-9)


@pytest.mark.parametrize("name", TAKES)
def test_positions_to_rotations_and_back_on_real_motion(shared, name):
    """At equal proportions the joints come back, and bones are turned as they were."""
    take = read_take(shared / "mocap" / "bvh_public" / f"{name}.bvh")
    turns, heads = posed(take.rig, solve(take.motion, take.rig))
    bones = {1: "rThigh", 2: "rShin", 3: "rFoot", 4: "lThigh", 5: "lShin", 6: "lFoot", 8: "neck",
             11: "lShldr", 12: "lForeArm", 13: "lHand", 14: "rShldr", 15: "rForeArm", 16: "rHand",
             }  # fmt: skip
    index = [take.bone(bone) for bone in bones.values()]
    error = np.linalg.norm(heads[:, index] - take.motion.joints[:, list(bones)], axis=-1)
    assert np.median(error) < 0.005

    pairs = [("rShldr", "rForeArm"), ("lForeArm", "lHand"), ("rThigh", "rShin"), ("chest", "neck")]
    angles = []
    for a, b in pairs:
        ours = heads[:, take.bone(b)] - heads[:, take.bone(a)]
        true = take.positions[:, take.bone(b)] - take.positions[:, take.bone(a)]
        angles.append(angle_between(ours, true))
    assert np.median(angles) < 1.0

    for bones, most in (
        (("Collar", "Shldr"), 5),
        (("Collar", "Shldr", "ForeArm"), 5),
        (("hip", "Thigh"), 4),
    ):
        errors = [twist_errors(take, turns, side, bones) for side in "lr"]
        ours, naive = np.median(errors, axis=(0, 2))
        assert ours < min(naive, most)
    head = take.bone("head")
    assert np.median(degrees(transpose(take.turns[:, head]) @ turns[:, head])) < 6


def twist_errors(take, turns, side: str, bones: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Errors in orientation, degrees: of ours, and of the true bone carried without any twist.

    That one begins with the true turn of the first of the bones.
    """
    chain = [take.bone(bone if bone == "hip" else side + bone) for bone in bones]
    carried = take.turns[:, chain[0]]
    for b in chain[1:]:
        child = next(i for i, p in enumerate(take.rig.parents) if p == b)
        along = unit(take.rig.rest[child, :3, 3] - take.rig.rest[b, :3, 3])[None]
        carried = swing(turn(carried, along), turn(take.turns[:, b], along)) @ carried
    true = transpose(take.turns[:, chain[-1]])
    return degrees(true @ turns[:, chain[-1]]), degrees(true @ carried)


@pytest.mark.parametrize(
    ("name", "feet"),
    [*((name, feet) for name in TAKES for feet in ("auto", "never")), ("13_18_boxing", "auto")],
)
def test_no_flips_on_real_motion(shared, name, feet):
    """From frame to frame no bone turns 2 degrees more than the person's fastest.

    Of hands and feet only where they begin is known: they go on from forearms and shins, and are
    measured against these, too. So is the abdomen, which joins the hips to the chest.
    """
    take = read_take(shared / "mocap" / "bvh_public" / f"{name}.bvh")
    turns, _ = posed(take.rig, solve(take.motion, take.rig, options=Retargeting(feet=feet)))
    guides = {"abdomen": ("hip", "chest")}
    for side in "lr":
        guides |= {f"{side}Hand": (f"{side}ForeArm",), f"{side}Foot": (f"{side}Shin",)}
        guides |= {f"{side}{b}": () for b in ("Collar", "Shldr", "ForeArm", "Thigh", "Shin")}
    guides |= dict.fromkeys(("hip", "chest", "neck", "head"), ())

    def fastest(turns: np.ndarray, bone: str) -> float:
        b = take.bone(bone)
        return degrees(transpose(turns[:-1, b]) @ turns[1:, b]).max()

    for bone, others in guides.items():
        allowed = max(fastest(take.turns, other) for other in (bone, *others))
        assert fastest(turns, bone) < allowed + 2, bone


def test_ten_thousand_frames_in_linear_time():
    def seconds(frames: int) -> float:
        motion = motion_of(np.tile(moving_joints(100), (frames // 100, 1, 1)))
        start = time.process_time()
        solve(motion, MANNEQUIN)
        return time.process_time() - start

    seconds(100)
    assert seconds(10_000) < 2.0


@pytest.mark.parametrize("frames", [1, 2])
def test_very_short_motions(frames):
    for feet in ("auto", "always", "never"):
        motion = motion_of(moving_joints()[:frames], contacts=np.ones((frames, 2)))
        bones = solve(motion, MANNEQUIN, options=Retargeting(feet=feet))
        assert np.isfinite(bones.rotations).all()


def test_bad_motions_are_refused():
    with pytest.raises(MotionError, match="no frames"):
        solve(motion_of(moving_joints()[:0]), MANNEQUIN)
    joints = moving_joints()
    joints[3, 5] = np.nan
    with pytest.raises(MotionError, match="without a position"):
        solve(motion_of(joints), MANNEQUIN)


def test_progress_is_reported_and_can_stop_it():
    seen = []
    solve(motion_of(moving_joints()), MANNEQUIN, progress=seen.append)
    assert seen[0] == 0
    assert seen[-1] == 1
    assert seen == sorted(seen)

    def stop(_):
        raise Cancelled

    with pytest.raises(Cancelled):
        solve(motion_of(moving_joints()), MANNEQUIN, progress=stop)


def test_knees_that_were_lifted_backward_do_not_turn_the_legs_over():
    joints, _ = held_feet()
    hip, knee, ankle = joints[:, 1], joints[:, 2], joints[:, 3]
    way = unit(ankle - hip)
    off = (knee - hip) - np.sum((knee - hip) * way, axis=-1, keepdims=True) * way
    joints[:, 2] -= 2.2 * np.sin(np.linspace(0, np.pi, len(joints)))[:, None] ** 2 * off
    turns, _ = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN, options=FREE))
    thigh = turns[:, MANNEQUIN.bones.index("thigh.R")]
    assert degrees(transpose(thigh[:-1]) @ thigh[1:]).max() < 5
    assert degrees(thigh).max() < 45


def test_arms_that_turn_over_while_they_are_straight_take_their_time():
    """An elbow bent by 14 degrees that is straight for a moment, and then bent the other way."""
    frames = 60
    joints = np.repeat(rest_body(MANNEQUIN, find_mapping(MANNEQUIN)).joints[None], frames, axis=0)
    forearm = np.linalg.norm(joints[0, 13] - joints[0, 12])
    bend = 0.25 * np.clip((np.arange(frames) - 30) / 6, -1, 1)
    joints[:, 13] = joints[:, 12] + forearm * np.stack([np.cos(bend), np.sin(bend), 0 * bend], -1)
    turns, _ = posed(MANNEQUIN, solve(motion_of(joints), MANNEQUIN, options=FREE))
    arm = turns[:, MANNEQUIN.bones.index("upper_arm.L")]
    assert degrees(transpose(arm[:-1]) @ arm[1:]).max() < 15
