"""Heads, feet and hands from the keypoints on them, through a camera, and on to the bones."""

from dataclasses import replace

import numpy as np
import pytest
from lift_to_3d.core.ground.extremities import extremity_axes
from lift_to_3d.core.motion_file import load_motion, save_motion
from lift_to_3d.core.skeleton import COCO, EXTREMITIES, H36M
from lift_to_3d.core.track import Track
from lift_to_3d.core.tracks import read
from lift_to_3d.retarget.character import load_character
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.extremities import rest_foot, rest_hand
from lift_to_3d.retarget.options import Retargeting
from lift_to_3d.retarget.rest_body import rest_body
from lift_to_3d.retarget.rotation import from_vector, to_vector, transpose
from lift_to_3d.retarget.solve import solve

from .rig_tools import angle_between, motion_of, moving_joints, posed
from .test_ground import real_capture

FPS, SIZE, UP = 30.0, (1920, 1080), np.array([0.0, -1.0, 0.0])
CAMERA = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
# A person who is not the one in the code: another face, longer feet, smaller hands.
NOTED = {
    "nose": ("head", (0, -0.02, 0.12)),
    **{f"{s}_eye": ("head", (k * 0.03, 0.02, 0.095)) for s, k in (("left", 1), ("right", -1))},
    **{f"{s}_ear": ("head", (k * 0.076, -0.005, 0.0)) for s, k in (("left", 1), ("right", -1))},
}
for side, k in (("left", 1), ("right", -1)):
    NOTED |= {
        f"{side}_heel": (f"{side}_foot", (0, -0.065, -0.05)),
        f"{side}_big_toe": (f"{side}_foot", (-0.035 * k, -0.08, 0.18)),
        f"{side}_small_toe": (f"{side}_foot", (0.045 * k, -0.08, 0.13)),
        f"{side}_index": (f"{side}_hand", (-0.025 * k, 0.0, 0.08)),
        f"{side}_pinky": (f"{side}_hand", (0.03 * k, 0.0, 0.07)),
        f"{side}_thumb": (f"{side}_hand", (-0.04 * k, -0.015, 0.045)),
    }
HOLDERS = {"head": "head", "left_foot": "left_ankle", "right_foot": "right_ankle",
           "left_hand": "left_wrist", "right_hand": "right_wrist"}  # fmt: skip
JOINTS = {n: i for i, n in enumerate(H36M.names)}


def filmed(turned: dict[str, np.ndarray], names, noise: float = 0.0, facing: float = 0.6):
    """Someone who stands, head, feet and hands turned by rotation vectors, and the track of it.

    Returns the joints, the root, the axes that are true, in camera axes, and the track.
    """
    frames = len(next(iter(turned.values())))
    rig = load_character().rig()
    body = rest_body(rig, find_mapping(rig))
    to_camera = CAMERA @ from_vector(np.array([0, 0, facing]))
    joints = np.repeat((body.joints - body.joints[0])[None] @ to_camera.T, frames, axis=0)
    root = np.tile([0.2, 0.1, 4.0], (frames, 1))
    rest = {"head": body.axes} | {
        f"{side}_{part}": find(body, side[0].upper())
        for side in ("left", "right")
        for part, find in (("foot", rest_foot), ("hand", rest_hand))
    }
    true = np.stack([to_camera @ from_vector(turned[n]) @ rest[n] for n in EXTREMITIES], axis=1)
    random = np.random.default_rng(0)
    track = Track(
        np.zeros((frames, len(names), 2)), np.ones((frames, len(names))), names, FPS, SIZE
    )
    for i, name in enumerate(names):
        if name in NOTED:
            part, place = NOTED[name]
            held = joints[:, JOINTS[HOLDERS[part]]]
            point = root + held + true[:, EXTREMITIES.index(part)] @ np.array(place)
        else:
            point = root + joints[:, JOINTS[name]]
        track.xy[:, i] = point[:, :2] / point[:, 2:] * track.focal + np.array(SIZE) / 2
    track.xy[:] += random.normal(0, noise, track.xy.shape)
    return joints, root, true, track


def waves(size, frames: int = 90) -> np.ndarray:
    t = np.linspace(0, 4 * np.pi, frames)
    return np.stack([a * np.sin(t + p) for a, p in zip(size, (0, 1, 2), strict=True)], axis=-1)


def degrees(rotation: np.ndarray) -> np.ndarray:
    return np.degrees(np.linalg.norm(to_vector(rotation), axis=-1))


# World axes: turned down or sideways, tilted, turned aside.
TURNED = {
    "head": waves((0.3, 0.1, 0.7)),
    "left_foot": waves((0.05, 0.02, 0.6)),
    "right_foot": waves((0.05, 0.02, -0.4)),
    "left_hand": waves((0.6, 0.1, 0.1)),
    "right_hand": waves((-0.6, 0.1, 0.1)),
}
ALL = (*COCO, *(name for name in NOTED if name not in COCO))


@pytest.mark.parametrize("facing", [0.0, 0.6, -1.2])
def test_parts_are_turned_as_they_were_filmed(facing):
    joints, root, true, track = filmed(TURNED, ALL, noise=2.0, facing=facing)
    axes, confidence = extremity_axes(joints, root, track, UP, np.ones((90, 2)), 1.70)
    np.testing.assert_allclose(
        transpose(axes) @ axes, np.broadcast_to(np.eye(3), axes.shape), atol=1e-9
    )
    assert (confidence == 1).all()
    errors = np.median(degrees(transpose(true) @ axes), axis=0)
    moved = [np.median(degrees(from_vector(TURNED[name]))) for name in EXTREMITIES]
    assert (errors[:3] < 12).all()
    assert (errors[3:] < 20).all()
    assert (errors < 0.7 * np.array(moved)).all()


def test_without_keypoints_on_them_feet_and_hands_are_not_known():
    joints, root, _, track = filmed(TURNED, COCO)
    axes, confidence = extremity_axes(joints, root, track, UP, np.ones((90, 2)), 1.70)
    assert (confidence[:, 0] == 1).all()
    assert (confidence[:, 1:] == 0).all()
    assert np.isfinite(axes).all()


def test_a_part_that_is_lost_for_a_while_turns_on_calmly():
    joints, root, _, track = filmed(TURNED, ALL)
    track.xy[30:50] = np.nan
    track.confidence[30:50] = 0
    axes, confidence = extremity_axes(joints, root, track, UP, np.ones((90, 2)), 1.70)
    assert (confidence[30:50] == 0).all()
    assert degrees(transpose(axes[:-1]) @ axes[1:]).max() < 15


def test_extremities_go_through_a_motion_file(tmp_path):
    motion = turned_motion()
    again = load_motion(save_motion(motion, tmp_path / "motion.npz"))
    np.testing.assert_allclose(again.extremities, motion.extremities, atol=1e-6)
    np.testing.assert_array_equal(again.extremity_confidence, motion.extremity_confidence)
    plain = replace(motion, extremities=None, extremity_confidence=None)
    assert load_motion(save_motion(plain, tmp_path / "plain.npz")).extremities is None


def turned_motion(belief: float = 1.0, frames: int = 60):
    """The mannequin moving, its head, feet and hands turned somehow."""
    axes = from_vector(
        np.random.default_rng(1).normal(0, 0.5, (1, 5, 3)) + np.zeros((frames, 5, 1))
    )
    confidence = np.full((frames, 5), belief, np.float32)
    motion = motion_of(moving_joints(frames))
    upright = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])  # left, up, forward of -Y
    return replace(motion, extremities=axes @ upright, extremity_confidence=confidence)


@pytest.mark.parametrize("mirrored", [False, True])
def test_bones_are_turned_as_the_motion_says(mirrored):
    rig = load_character().rig()
    if mirrored:
        rig = replace(rig, world=np.diag([-1.0, 1.0, 1.0, 1.0]))
    motion = turned_motion()
    turns, _ = posed(rig, solve(motion, rig, options=Retargeting(feet="never")))
    body = rest_body(rig, find_mapping(rig))
    world, flip = rig.world[:3, :3], np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
    for i, name in enumerate(EXTREMITIES):
        side, _, part = name.rpartition("_")
        bone_side = {"": "", "left": "LR"[mirrored], "right": "RL"[mirrored]}[side]
        rest = {"head": lambda: body.axes, "foot": lambda s=bone_side: rest_foot(body, s),
                "hand": lambda s=bone_side: rest_hand(body, s)}[part]()  # fmt: skip
        bone = rig.bones.index(f"{part}.{bone_side}" if side else part)
        assert (
            degrees(
                transpose(motion.extremities[:, i]) @ world @ turns[:, bone] @ rest @ flip
            ).max()
            < 1e-3
        )


def test_what_is_not_believed_changes_nothing():
    rig = load_character().rig()
    told = solve(turned_motion(belief=0.0), rig)
    plain = solve(motion_of(moving_joints()), rig)
    np.testing.assert_allclose(told.rotations, plain.rotations, atol=1e-12)


def test_a_forearm_without_twist_bones_takes_half_of_its_hands_roll():
    rig = load_character().rig()
    forearm, hand = rig.bones.index("forearm.L"), rig.bones.index("hand.L")
    along = rig.rest[forearm, :3, 1]
    motion = motion_of(moving_joints())
    plain, _ = posed(rig, solve(motion, rig))
    rest = rest_hand(rest_body(rig, find_mapping(rig)), "L")
    axes = np.zeros((60, 5, 3, 3)) + np.eye(3)
    axes[:, 3] = plain[:, forearm] @ from_vector(along * np.radians(60)) @ rest
    confidence = np.tile([0, 0, 0, 1.0, 0], (60, 1))
    rolled = replace(motion, extremities=axes, extremity_confidence=confidence)
    turns, _ = posed(rig, solve(rolled, rig))
    roll = (
        to_vector(transpose(plain[:, forearm]) @ turns[:, [forearm, hand]].swapaxes(0, 1)) @ along
    )
    np.testing.assert_allclose(
        np.degrees(roll), np.array([[30.0], [60.0]]) + np.zeros((2, 60)), atol=1
    )


@pytest.mark.parametrize("name", ["cam01_json", "cam01_mediapipe_heavy.npz"])
def test_what_real_detectors_see_is_near_the_truth(shared, name):
    """A man on one leg, from the side: far ear and far foot are no more than guessed."""
    folder = shared / "keypoints" / "real3d" / "pose2sim_balancing"
    pose, _, up = real_capture(shared)
    with np.load(folder / "cam01_reference_camera_space.npz") as file:
        at = dict(zip(file["names"].tolist(), file["xyz"].transpose(1, 0, 2), strict=True))
    root = (at["RHip"] + at["LHip"]) / 2
    true = [at["Nose"] - (at["Neck"] + at["Head"]) / 2]
    true += [(at[s + "BigToe"] + at[s + "SmallToe"]) / 2 - at[s + "Heel"] for s in "LR"]
    track = max(read(folder / name), key=lambda t: t.confidence.mean() * t.frames)
    stands = np.tile([1.0, 0.0], (track.frames, 1))
    blind = replace(track, confidence=np.zeros_like(track.confidence))
    errors = []
    for given in (track, blind):
        axes, _ = extremity_axes(pose.joints, root, given, up, stands, 1.75)
        forward = axes[:, :3, :, 2].swapaxes(0, 1)
        errors.append(np.median(angle_between(forward, np.stack(true)), axis=1))
    seen, expected = errors
    assert seen[0] < 12  # the expected one is the true one here
    assert (seen[1:] < 0.6 * expected[1:]).all()
