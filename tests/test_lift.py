"""Views, windows and lifting, with the shipped model."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lift_to_3d.core.confidence import SIGNS, calibrate, expected_error
from lift_to_3d.core.errors import ModelError, TrackError
from lift_to_3d.core.lift import bridged, lift, lift_joints
from lift_to_3d.core.mixste.model import ModelCard, find_model, read_card, write_card
from lift_to_3d.core.mixste.view import from_view, to_view, view_rotation
from lift_to_3d.core.mixste.windows import cut_windows
from lift_to_3d.core.skeleton import COCO, H36M, network_joints
from lift_to_3d.core.track import Track

SIZE = (1920, 1080)


def walking_track(frames: int, fps: float = 30.0, size: tuple[int, int] = SIZE) -> Track:
    """Somebody who swings arms and legs while crossing the picture."""
    t = np.arange(frames) / fps
    body = {
        "nose": (0, -0.72), "left_eye": (0.03, -0.76), "right_eye": (-0.03, -0.76),
        "left_ear": (0.07, -0.74), "right_ear": (-0.07, -0.74),
        "left_shoulder": (0.18, -0.5), "right_shoulder": (-0.18, -0.5),
        "left_elbow": (0.22, -0.22), "right_elbow": (-0.22, -0.22),
        "left_wrist": (0.24, 0.02), "right_wrist": (-0.24, 0.02),
        "left_hip": (0.1, 0.0), "right_hip": (-0.1, 0.0),
        "left_knee": (0.1, 0.42), "right_knee": (-0.1, 0.42),
        "left_ankle": (0.1, 0.84), "right_ankle": (-0.1, 0.84),
    }  # fmt: skip
    xy = np.array([body[name] for name in COCO])[None].repeat(frames, 0)
    swing = 0.15 * np.sin(2 * np.pi * t)
    for i, name in enumerate(COCO):
        if name.endswith(("wrist", "ankle")):
            xy[:, i, 0] += swing if name.startswith("left") else -swing
    xy[..., 0] += 0.3 * t[:, None] - 0.1
    xy = xy * size[1] * 0.4 + np.array(size) / 2
    return Track(xy, np.full(xy.shape[:2], 0.9), COCO, fps, size, name="walk")


angles = st.floats(-0.9, 0.9)


@given(angles, angles)
def test_view_rotation_turns_the_ray_to_the_axis(x, y):
    axis = np.array([[x, y, 1.0]]) / np.linalg.norm([x, y, 1.0])
    rotation = view_rotation(axis)[0]
    assert np.allclose(rotation @ axis[0], [0, 0, 1])
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) > 0


@given(st.integers(0, 1000), angles, angles)
def test_view_is_what_a_camera_turned_to_the_person_sees(seed, x, y):
    random = np.random.default_rng(seed)
    middle = np.array([x, y, 1.0]) * 5
    body = random.normal(0, 0.3, (1, 4, 17, 3)) + middle
    inputs, axis = to_view(body[..., :2] / body[..., 2:], np.ones((1, 4, 17)))
    turned = body @ view_rotation(axis)[0].T
    expected = turned[..., :2] / turned[..., 2:]
    scale = (inputs[..., :2] * expected).sum() / (expected**2).sum()
    assert np.allclose(inputs[..., :2], expected * scale, atol=1e-9)
    assert np.allclose(from_view(turned, axis), body)
    spread = inputs[..., :2] - inputs[..., :2].mean(2, keepdims=True)
    assert np.isclose((spread**2).sum(-1).mean(), 1)


@given(
    st.integers(1, 400), st.sampled_from([5.0, 12.0, 24.0, 29.97, 60.0, 120.0]),
    st.sampled_from([9, 27, 243]), st.sampled_from([0.0, 0.5]),
)  # fmt: skip
def test_windows_cover_every_frame_and_blend_back(length, fps, frames, overlap):
    windows = cut_windows(length, fps, frames, 12.5, overlap)
    clip = np.arange(length, dtype=float)[:, None] ** 2
    assert windows.index.min() >= 0
    assert windows.index.max() < length
    assert np.allclose(windows.blend(clip[windows.index]), clip)
    stride = np.diff(windows.index, axis=1)
    inner = (windows.weight[:, 1:] > 0) & (windows.weight[:, :-1] > 0)
    assert (stride[inner] == max(1, round(fps / 12.5))).all()


@pytest.mark.parametrize("frames", [1, 2, 26, 27, 100])
def test_any_length_gives_as_many_frames(frames):
    pose = lift(walking_track(frames))
    assert pose.joints.shape == (frames, 17, 3)
    assert np.isfinite(pose.joints).all()
    assert np.abs(pose.joints[:, 0]).max() == 0


def test_somebody_upright_is_lifted_upright_and_the_right_way_round():
    joints = lift(walking_track(60)).joints.mean(0)
    at = {name: joints[i] for i, name in enumerate(H36M.names)}
    assert at["head"][1] < at["pelvis"][1] < at["left_ankle"][1]
    assert 1.2 < at["left_ankle"][1] - at["head"][1] < 2.0
    assert at["left_shoulder"][0] > at["right_shoulder"][0]
    facing = np.cross(at["left_hip"] - at["right_hip"], at["thorax"] - at["pelvis"])
    assert at["neck_nose"] @ facing > at["thorax"] @ facing


def test_picture_size_and_place_do_not_matter():
    small = lift(walking_track(40, size=(640, 360))).joints
    large = lift(walking_track(40, size=(3840, 2160))).joints
    assert np.abs(small - large).max() < 1e-3


def test_mirror_image_is_lifted_as_mirror_image():
    track = walking_track(40)
    mirror = [COCO.index(n.replace("left", "#").replace("right", "left").replace("#", "right"))
              for n in COCO]  # fmt: skip
    xy = track.xy[:, mirror] * [-1, 1] + [SIZE[0], 0]
    other = lift(Track(xy, track.confidence, COCO, 30.0, SIZE, name="mirror"), flip=True).joints
    expected = lift(track, flip=True).joints[:, list(H36M.mirrored)] * [-1, 1, 1]
    assert np.abs(other - expected).max() < 1e-4


def test_missing_joints_do_not_spoil_the_others():
    track = walking_track(60)
    xy, confidence = track.xy.copy(), track.confidence.copy()
    wrist = COCO.index("left_wrist")
    xy[20:40, wrist], confidence[20:40, wrist] = np.nan, 0
    gap = lift(Track(xy, confidence, COCO, 30.0, SIZE, name="gap")).joints
    whole = lift(track).joints
    rest = [i for i, n in enumerate(H36M.names) if not n.startswith("left_")]
    assert np.isfinite(gap).all()
    assert np.linalg.norm(gap - whole, axis=-1)[:, rest].mean() < 0.03


def test_long_gaps_go_from_pose_to_pose():
    joints = np.zeros((40, 17, 3))
    joints[:10, 13, 0], joints[10:30, 13, 0], joints[30:, 13, 0] = 0.2, 9.0, 0.6
    seen = np.ones(40, bool)
    seen[10:30] = False
    filled = bridged(joints, seen, 5)[:, 13, 0]
    assert (np.diff(filled) >= 0).all()
    assert filled[19] < 0.4 < filled[20]
    assert np.array_equal(bridged(joints, seen, 20), joints)


def test_input_joints_are_means_of_what_was_found():
    xy = np.arange(34.0).reshape(17, 2)
    confidence = np.ones(17)
    confidence[[COCO.index("left_ear"), COCO.index("left_hip")]] = 0
    joints, sure = network_joints(xy, confidence)
    head = [xy[COCO.index(n)] for n in ("left_eye", "right_eye", "right_ear")]
    assert np.allclose(joints[10], np.mean(head, 0))
    assert sure[0] == 0
    assert not joints[0].any()
    assert np.allclose(joints[1], xy[COCO.index("right_hip")])


def test_coco_input_is_the_keypoints_themselves_and_mirrored_as_such():
    """A network that puts each limb where it is seen does so in the mirror image, too."""
    track = walking_track(9)
    limbs = sorted(set(COCO) & set(H36M.names))
    seen, placed = ([names.index(n) for n in limbs] for names in (COCO, H36M.names))
    given = []

    def run(windows):
        given.append(windows)
        out = np.zeros((*windows.shape[:2], 17, 3))
        out[:, :, placed, :2] = windows[:, :, seen]
        return out

    card = ModelCard("limbs", 9, 30.0, 2, "coco")
    alone = lift_joints(track, card, run, flip=False)[0]
    assert np.allclose((given[0][0] + [1, 1080 / 1920]) * 1920 / 2, track.xy)
    both = lift_joints(track, card, run, flip=True)[0]
    assert len(given) == 3
    assert np.allclose(alone, both)


def test_nobody_to_lift_is_said():
    track = walking_track(5)
    nobody = Track(track.xy * np.nan, track.confidence * 0, COCO, 30.0, SIZE, name="empty")
    with pytest.raises(TrackError, match="empty.*nobody"):
        lift(nobody)
    heels = replace(nobody, xy=track.xy[:, :1], confidence=track.confidence[:, :1])
    with pytest.raises(TrackError, match="nobody"):
        lift(replace(heels, joints=("left_heel",)))


def test_cancelling_stops_at_once():
    class StopError(Exception):
        pass

    def stop(_: float) -> None:
        raise StopError

    with pytest.raises(StopError):
        lift(walking_track(200), progress=stop)


def test_unknown_models_and_devices_are_said():
    with pytest.raises(ModelError, match="nosuch.*default"):
        find_model("nosuch")
    with pytest.raises(ModelError, match="nodevice.*cpu"):
        lift(walking_track(3), device="nodevice")


def test_fast_and_default_agree_about_a_walk():
    track = walking_track(120)
    quick, best = (lift(track, model=name).joints for name in ("fast", "default"))
    assert 0 < np.linalg.norm(quick - best, axis=-1).mean() < 0.06


def test_expected_errors_are_learned_from_known_ones():
    random = np.random.default_rng(0)
    found = random.normal(size=(400, 17, SIGNS))
    usual, weights = random.uniform(0.05, 0.2, 17), np.array([0.4, 0.1, 0.3, -0.9, -0.2])
    error = usual * np.exp(found @ weights)
    joint_errors, sign_weights = calibrate(found, error * np.exp(random.normal(0, 0.1, (400, 17))))
    assert np.allclose(sign_weights, weights, atol=0.06)
    learned = expected_error(found, joint_errors, sign_weights)
    assert np.median(np.abs(learned / error - 1)[:, 1:]) < 0.06


def test_confidence_falls_where_the_detector_doubts():
    track = walking_track(90)
    wrist = COCO.index("left_wrist")
    unsure = track.confidence.copy()
    unsure[30:60, wrist] = 0.2
    sure, doubted = (
        lift(Track(track.xy, values, COCO, 30.0, SIZE, name="walk")).confidence[:, 13]
        for values in (track.confidence, unsure)
    )
    assert (doubted[35:55] < sure[35:55]).all()


def test_a_card_without_its_network_is_said(tmp_path):
    card = replace(read_card(find_model("fast").card_path), network_of="other")
    write_card(card, tmp_path / "alone.json")
    with pytest.raises(ModelError, match=r"other\.onnx is missing"):
        find_model(str(tmp_path / "alone.onnx"))


NO_FRAMES = '{"name": "x", "frames": 0, "rate": 1, "in_channels": 3, "input": "view"}'


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', NO_FRAMES])
def test_damaged_cards_are_said(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ModelError, match=r"x\.json"):
        read_card(path)
