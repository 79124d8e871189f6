"""`ground` against motions whose truth is known: a walk made by formula, and real capture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lift_to_3d.core.errors import Cancelled, MotionError
from lift_to_3d.core.ground import ground
from lift_to_3d.core.ground.floor import raise_sunk
from lift_to_3d.core.motion import Pose
from lift_to_3d.core.skeleton import COCO, H36M
from lift_to_3d.core.track import Track
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

FPS, SIZE, FOV = 50.0, (1920, 1080), 60.0
FEET = [6, 3]
LENGTHS = np.array(
    [
        0,
        0.1,
        0.42,
        0.42,
        0.1,
        0.42,
        0.42,
        0.24,
        0.26,
        0.17,
        0.16,
        0.16,
        0.28,
        0.24,
        0.16,
        0.28,
        0.24,
    ]
)
STATURE = 1.675  # what those bones make, standing as people stand


def walk(frames: int = 200, speed: float = 1.0) -> np.ndarray:
    """(frames, 17, 3) world metres: a person walks along -Y on straight standing legs.

    Each foot stands for half of a cycle of one second and swings for the other half.
    """
    time = np.arange(frames) / FPS
    step = speed * 0.5
    joints = np.zeros((frames, 17, 3))
    pelvis = np.stack([0 * time, -speed * time, 0.9 + 0 * time], 1)
    joints[:, 0] = pelvis
    for hip, side, phase in ((1, -1, 0.0), (4, 1, 0.5)):
        joints[:, hip] = pelvis + (0.1 * side, 0, 0)
        cycle = time + phase
        part = cycle % 1
        swing = np.clip((part - 0.5) * 2, 0, 1)
        along = 2 * step * (np.floor(cycle) + (swing - np.sin(2 * np.pi * swing) / (2 * np.pi)))
        ankle = np.stack([0 * time + 0.1 * side, step * phase * 2 - along, 0 * time], 1)
        ankle[:, 1] += -step / 2
        ankle[:, 2] = 0.08 + 0.1 * np.sin(np.pi * swing) ** 2
        middle = (joints[:, hip] + ankle) / 2
        reach = np.linalg.norm(ankle - joints[:, hip], axis=1)
        bend = np.sqrt(np.maximum(0.42**2 - (reach / 2) ** 2, 0))
        joints[:, hip + 1] = middle + np.stack([0 * bend, -bend, 0 * bend], 1)
        joints[:, hip + 2] = ankle
    joints[:, 7] = pelvis + (0, 0, 0.24)
    joints[:, 8] = pelvis + (0, -0.02, 0.5)
    joints[:, 9] = pelvis + (0, -0.13, 0.63)
    joints[:, 10] = pelvis + (0, -0.04, 0.76)
    for shoulder, side in ((14, -1), (11, 1)):
        joints[:, shoulder] = joints[:, 8] + (0.16 * side, 0, 0)
        joints[:, shoulder + 1] = joints[:, shoulder] + (0.02 * side, 0.02, -0.28)
        joints[:, shoulder + 2] = joints[:, shoulder + 1] + (0, -0.05, -0.24)
    return joints


def camera(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) world to camera; degrees, positive pitch looks down."""
    level = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    turn = Rotation.from_euler("z", yaw, degrees=True).as_matrix()
    tilt = Rotation.from_euler("zx", [roll, pitch], degrees=True).as_matrix()
    return tilt @ level @ turn


def film(world: np.ndarray, view: np.ndarray, away: float = 7.0) -> tuple[Pose, Track, np.ndarray]:
    """Pose and track without any error, and the true (frames, 17, 3) camera metres."""
    seen = (world - world[:, 0].mean(0)) @ view.T + (0, 0, away)
    track = Track(
        np.full((len(world), 17, 2), np.nan), np.zeros((len(world), 17)), COCO, FPS, SIZE, fov=FOV
    )
    for c, name in enumerate(COCO):
        if name in H36M.names:
            joint = seen[:, H36M.names.index(name)]
            track.xy[:, c] = joint[:, :2] / joint[:, 2:] * track.focal + np.array(SIZE) / 2
            track.confidence[:, c] = 1.0
    pose = Pose((seen - seen[:, :1]).astype(np.float32), np.ones(seen.shape[:2], np.float32), FPS)
    return pose, track, seen


def degrees_between(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def bone_spread(joints: np.ndarray) -> float:
    lengths = np.linalg.norm(joints - joints[:, list(H36M.parents)], axis=-1)[:, 1:]
    return float(np.ptp(lengths, axis=0).max())


VIEWS = [(0, 0, 0), (40, 20, -10), (120, 35, 12), (200, -8, 5), (290, 15, 15)]


@pytest.mark.parametrize("angles", VIEWS)
def test_a_walk_is_put_back_in_the_world(angles):
    world, view = walk(), camera(*angles)
    pose, track, seen = film(world, view)
    motion = ground(pose, track, height=STATURE)
    assert degrees_between(-motion.gravity, view[:, 2]) < 5
    assert np.linalg.norm(motion.root - seen[:, 0], axis=1).mean() < 0.15
    travelled = motion.joints[-1, 0] - motion.joints[0, 0]
    true = world[-1, 0] - world[0, 0]
    np.testing.assert_allclose(np.linalg.norm(travelled[:2]), np.linalg.norm(true), rtol=0.05)
    assert travelled[1] < -0.95 * np.linalg.norm(travelled)  # walked the way it faces: -Y
    assert np.abs(motion.joints[0, 0, :2]).max() < 1e-4
    ankles = motion.joints[:, FEET, 2]
    assert abs(np.percentile(ankles, 5) - 0.08) < 0.04
    assert motion.joints[..., 2].min() > 0.0


@pytest.mark.parametrize("angles", VIEWS)
def test_feet_stand_when_they_stand(angles):
    world = walk()
    pose, track, _ = film(world, camera(*angles))
    motion = ground(pose, track, height=STATURE)
    speed = np.linalg.norm(np.gradient(world[:, FEET], 1 / FPS, axis=0), axis=-1)
    stands = (speed < 0.3) & (world[:, FEET, 2] < 0.13)
    found = motion.contacts > 0.5
    right = (found & stands).sum()
    assert 2 * right / (2 * right + (found != stands).sum()) > 0.85
    held = found[1:] & found[:-1]
    slide = np.linalg.norm(np.diff(motion.joints[:, FEET, :2], axis=0), axis=-1) * FPS
    assert np.median(slide[held]) < 0.1


def test_camera_up_overrides():
    view = camera(30, 25, -14)
    pose, track, _ = film(walk(), view)
    motion = ground(pose, track, height=STATURE, camera_up=3 * view[:, 2])
    np.testing.assert_allclose(-motion.gravity, view[:, 2], atol=1e-6)
    np.testing.assert_allclose(motion.joints[:, 0, 2], 0.9, atol=0.03)


def test_scale_is_the_height():
    pose, track, _ = film(walk(), camera(30, 10, 0))
    for height in (1.2, STATURE, 1.9):
        grown = replace(pose, joints=pose.joints * 0.37)
        motion = ground(grown, track, height=height)
        thigh = np.linalg.norm(motion.joints[0, 2] - motion.joints[0, 1])
        assert thigh == pytest.approx(0.42 * height / STATURE, rel=0.03)


@pytest.mark.parametrize("smoothing", ["off", "light", "strong"])
def test_bones_are_constant_and_noise_is_lowered(smoothing):
    rng = np.random.default_rng(0)
    pose, track, _ = film(walk(), camera(60, 10, 5))
    shaken = replace(
        pose, joints=(pose.joints + rng.normal(0, 0.005, pose.joints.shape)).astype(np.float32)
    )
    motion = ground(shaken, track, height=STATURE, smoothing=smoothing)
    assert bone_spread(motion.joints) < 1e-4

    def jerk(joints: np.ndarray) -> float:
        return float(np.linalg.norm(np.diff(joints - joints[:, :1], 3, axis=0), axis=-1).mean())

    ratio = jerk(motion.joints) / jerk(shaken.joints)
    assert ratio > 0.5 if smoothing == "off" else ratio < 0.15


def test_fast_hands_stay_fast():
    """An arm is thrown up within a quarter of a second."""
    world = walk()
    angle = 1.5 * np.exp(-(((np.arange(200) - 100) / 7) ** 2))
    throw = Rotation.from_rotvec(angle[:, None] * np.array([1.0, 0, 0])).as_matrix()
    for joint in (15, 16):
        world[:, joint] = world[:, 14] + np.einsum(
            "tij,tj->ti", throw, world[:, joint] - world[:, 14]
        )
    pose, track, _ = film(world, camera(60, 10, 5))
    motion = ground(pose, track, height=STATURE)

    def peak(joints: np.ndarray) -> float:
        wrist = joints[:, 16] - joints[:, 0]
        return float(np.linalg.norm(np.diff(wrist, axis=0), axis=1).max() * FPS)

    assert peak(world) > 4
    assert peak(motion.joints) == pytest.approx(peak(world), rel=0.05)


def test_gaps_are_bridged():
    view = camera(30, 10, 0)
    pose, track, seen = film(walk(), view)
    gap = slice(80, 105)
    pose.joints[gap], pose.confidence[gap] = np.nan, 0
    track.xy[gap], track.confidence[gap] = np.nan, 0
    motion = ground(pose, track, height=STATURE)
    assert np.isfinite(motion.joints).all()
    assert np.isfinite(motion.camera_joints).all()  # a motion file takes nothing else
    assert np.linalg.norm(motion.root - seen[:, 0], axis=1)[gap].max() < 0.4
    assert np.abs(np.diff(motion.joints[:, 0], axis=0)).max() < 0.1
    assert not motion.confidence[gap].any()
    assert motion.contacts[gap].max() < 0.05, "who was not seen does not stand"


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_short_clips(frames):
    pose, track, _ = film(walk(frames), camera(30, 10, 0))
    for smoothing in ("off", "light", "strong"):
        motion = ground(pose, track, height=STATURE, smoothing=smoothing)
        assert motion.joints.shape == (frames, 17, 3)
        assert np.isfinite(motion.joints).all()


def test_nobody_sinks():
    """Not even where up is wrong by far, as the user may give it."""
    world = walk(120, speed=0.0)
    pose, track, _ = film(world, camera(30, 15, 0))
    motion = ground(pose, track, height=STATURE, camera_up=camera(30, 45, 25)[:, 2])
    assert motion.joints[..., 2].min() >= 0.0299
    deep = world.copy()
    deep[50:60, :, 2] -= 0.3
    raised = raise_sunk(deep, FPS)
    assert raised[..., 2].min() >= 0.0299
    np.testing.assert_array_equal(raised[:25], deep[:25])
    assert np.abs(np.diff(raised[:, 0, 2] - deep[:, 0, 2])).max() < 0.05


def test_legs_never_seen():
    pose, track, seen = film(walk(60), camera(20, 5, 0))
    legs = [c for c, name in enumerate(COCO) if "knee" in name or "ankle" in name]
    track.xy[:, legs], track.confidence[:, legs] = np.nan, 0
    pose.confidence[:, [2, 3, 5, 6]] = 0
    motion = ground(pose, track, height=STATURE)
    assert np.linalg.norm(motion.root - seen[:, 0], axis=1).mean() < 0.5
    assert np.linalg.norm(motion.joints[0, 2] - motion.joints[0, 1]) == pytest.approx(0.42, rel=0.1)


def test_nobody_seen_is_an_error():
    pose, track, _ = film(walk(20), camera(0, 0, 0))
    with pytest.raises(MotionError, match="Nobody"):
        ground(replace(pose, confidence=pose.confidence * 0), track)


def test_a_leap_is_not_pulled_down():
    """Both feet are off the floor for half a second; nothing may stand there."""
    world = walk(150, speed=0.0)
    flight = np.clip((np.arange(150) - 60) / 25, 0, 1)
    world[..., 2] += gaussian_filter1d(0.5 * 9.81 * 0.25 * flight * (1 - flight), 2)[:, None]
    pose, track, _ = film(world, camera(60, 15, 5))
    motion = ground(pose, track, height=STATURE)
    rise = world[:, 0, 2] - world[0, 0, 2]
    np.testing.assert_allclose(motion.joints[:, 0, 2] - motion.joints[0, 0, 2], rise, atol=0.06)
    assert motion.contacts[68:78].max() < 0.3


def test_who_comes_down_from_a_roof_is_on_the_floor_below():
    """Most of the clip is on the roof; both the roof and the ground are stood on."""
    world = walk(300, speed=0.0)
    time = np.arange(300) / FPS
    fall = np.clip(9.81 / 2 * np.clip(time - 4, 0, None) ** 2, 0, 2.0)
    world[..., 2] += (2.0 - gaussian_filter1d(fall, 2))[:, None]
    pose, track, _ = film(world, camera(60, 5, 5), away=9)
    motion = ground(pose, track, height=STATURE)
    np.testing.assert_allclose(motion.joints[:, 0, 2], world[:, 0, 2], atol=0.12)
    assert motion.contacts[20:180].mean() > 0.45  # it treads: one foot at a time
    assert motion.contacts[210:225].max() < 0.5
    assert motion.contacts[260:].mean() > 0.45


def test_bad_options_are_named():
    pose, track, _ = film(walk(10), camera(0, 0, 0))
    with pytest.raises(MotionError, match="Smoothing 'none'"):
        ground(pose, track, smoothing="none")
    with pytest.raises(MotionError, match="height of 170"):
        ground(pose, track, height=170)
    with pytest.raises(MotionError, match="no direction"):
        ground(pose, track, camera_up=(0, 0, 0))
    short = replace(track, xy=track.xy[:9], confidence=track.confidence[:9])
    with pytest.raises(MotionError, match="10 frames and its track 9"):
        ground(pose, short)


def test_progress_rises_and_may_cancel():
    pose, track, _ = film(walk(30), camera(0, 0, 0))
    calls: list[float] = []
    ground(pose, track, progress=calls.append)
    assert calls == sorted(calls)
    assert calls[-1] == 1.0

    def stop(_: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        ground(pose, track, progress=stop)


def real_capture(shared: Path) -> tuple[Pose, Track, np.ndarray]:
    """The reference skeleton in a real, tilted camera, that camera's own 2D, and its up."""
    folder = shared / "keypoints" / "real3d" / "pose2sim_balancing"
    with np.load(folder / "cam01_reference_camera_space.npz") as file:
        at = dict(zip(file["names"].tolist(), file["xyz"].transpose(1, 0, 2), strict=True))
        up, matrix, size = file["R"][:, 2], file["K"], tuple(int(n) for n in file["size"])
        fps = float(file["fps"])
    short = {"hip": "Hip", "knee": "Knee", "ankle": "Ankle"}
    short |= {"shoulder": "Shoulder", "elbow": "Elbow", "wrist": "Wrist"}
    at |= {
        f"{side}_{name}": at[side[0].upper() + marker]
        for side in ("left", "right")
        for name, marker in short.items()
    }
    at["pelvis"] = (at["left_hip"] + at["right_hip"]) / 2
    at |= {"thorax": at["Neck"], "neck_nose": at["Nose"], "head": at["Head"]}
    at["spine"] = (at["pelvis"] + at["thorax"]) / 2
    joints = np.stack([at[name] for name in H36M.names], 1)
    fov = float(np.degrees(2 * np.arctan(size[0] / 2 / matrix[0, 0])))
    xy = np.full((len(joints), 17, 2), np.nan)
    with np.load(folder / "cam01_mediapipe_heavy.npz") as file:
        seen = file["landmarks"][..., :2] * (float(file["width"]), float(file["height"]))
    order = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
    xy = seen[:, order].astype(float)
    track = Track(xy, np.ones(xy.shape[:2]), COCO, fps, size, fov=fov)
    relative = (joints - joints[:, :1]).astype(np.float32)
    return Pose(relative, np.ones(relative.shape[:2], np.float32), fps), track, up


def test_real_camera_that_hangs_askew(shared):
    """Rolled 13 degrees and looking down; the man leans far forward on one leg."""
    pose, track, up = real_capture(shared)
    motion = ground(pose, track, height=1.75)
    assert degrees_between(-motion.gravity, up) < 5
    standing = motion.joints[motion.contacts[:, 0] > 0.5, 6, 2]
    assert len(standing) > 30
    np.testing.assert_allclose(standing, 0.08, atol=0.06)
