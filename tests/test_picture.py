"""Input of networks trained elsewhere: from every layout, Human3.6M's joints where it has them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lift_to_3d.core.layouts import LAYOUTS, named_layout
from lift_to_3d.core.mixste.picture import picture_inputs
from lift_to_3d.core.skeleton import COCO, H36M
from lift_to_3d.core.track import Track
from lift_to_3d.core.training.capture import load_takes

from .motions import waving
from .test_lift import SIZE, walking_track

TURNS = np.arange(0, 360, 45)
TALL = 1145 / 5 * 1.6 / 500
"""How high a person is in the pictures below, as the networks measure."""
FACE = COCO[:5]
MMPOSE_H36M = (
    "root", "right_hip", "right_knee", "right_foot", "left_hip", "left_knee", "left_foot",
    "spine", "thorax", "neck_base", "head", "left_shoulder", "left_elbow", "left_wrist",
    "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip


def points_of(joints: np.ndarray) -> dict[str, np.ndarray]:
    """Every point that layouts name, (frames, 3) each, from captured joints (frames, 17, 3)."""
    at = {name: joints[:, j] for j, name in enumerate(H36M.names)}
    low, nose, top = at["thorax"], at["neck_nose"], at["head"]
    up = (top - low) / np.linalg.norm(top - low, axis=-1, keepdims=True)
    ahead = nose - (low + top) / 2
    ahead -= (ahead * up).sum(-1, keepdims=True) * up
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    left = np.cross(up, ahead)
    at |= {"nose": nose, "head_top": top, "neck": low + 0.23 * (top - low)}
    for side, way in (("left", left), ("right", -left)):
        at[f"{side}_eye"] = nose + 0.035 * up - 0.02 * ahead + 0.032 * way
        at[f"{side}_ear"] = nose + 0.01 * up - 0.105 * ahead + 0.075 * way
    return at


def seen(points: np.ndarray, turn: float) -> np.ndarray:
    """(..., 3) world metres, Z up, in a picture of 1000 x 1000 pixels from 5 m away."""
    x, y, z = np.moveaxis(points, -1, 0)
    angle = np.radians(turn)
    depth = 5 + np.sin(angle) * x + np.cos(angle) * y
    across = np.cos(angle) * x - np.sin(angle) * y
    return 500 + 1145 * np.stack([across / depth, (1 - z) / depth], -1)


def as_track(at: dict[str, np.ndarray], layout: str, turn: float) -> Track:
    found = LAYOUTS[layout]
    if layout == "HumanEva-15":  # its head is the middle, at the ears
        at = at | {"head": (at["left_ear"] + at["right_ear"]) / 2}
    points = np.stack([at.get(name, at["pelvis"]) for name in found.points], 1)
    xy, confidence = found.convert(seen(points, turn), np.ones(points.shape[:2]))
    return Track(xy, confidence, found.joints, 50.0, (1000, 1000), name=layout)


def errors(joints: np.ndarray, layout: str) -> np.ndarray:
    """(17,) mean distance from Human3.6M's joints over all turns, in heights of the body."""
    at = points_of(joints)
    off = [
        picture_inputs(as_track(at, layout, turn)) - (seen(joints, turn) / 500 - 1)
        for turn in TURNS
    ]
    return np.linalg.norm(off, axis=-1).mean((0, 1)) / TALL


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_joints_of_human36m(layout: str):
    off = errors(waving().joints - [0.5, 0, 0], layout)
    assert off.max() < (1e-6 if layout == "H36M-17" else 0.07), H36M.names[off.argmax()]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_joints_of_captured_people(layout: str, shared: Path):
    takes = load_takes(shared / "mocap" / "val.npz.xz")[::6]
    off = np.mean(
        [errors((t.joints - t.joints[:, :1] * [1, 1, 0])[::20], layout) for t in takes], 0
    )
    assert off.max() < (1e-6 if layout == "H36M-17" else 0.07), H36M.names[off.argmax()]


def without(track: Track, names: tuple[str, ...], frames: slice = slice(None)) -> Track:
    """A track whose detector never saw some joints, in some of the frames."""
    xy, confidence = track.xy.copy(), track.confidence.copy()
    for name in names:
        xy[frames, track.joints.index(name)] = np.nan
        confidence[frames, track.joints.index(name)] = 0
    return replace(track, xy=xy, confidence=confidence)


@pytest.mark.parametrize(
    "names", [FACE[1:3], FACE[:3], FACE[1:], FACE[3:], (FACE[1], FACE[3]), FACE]
)
def test_a_face_that_is_never_seen_is_put_on_the_head(names: tuple[str, ...]):
    at = points_of(waving().joints - [0.5, 0, 0])
    for turn in TURNS:
        track = as_track(at, "COCO-17", turn)
        off = picture_inputs(without(track, names)) - picture_inputs(track)
        assert np.linalg.norm(off, axis=-1).max() < 0.07 * TALL


def test_a_face_that_turns_away_goes_with_the_body():
    track = walking_track(90)
    whole = picture_inputs(track)
    away = picture_inputs(without(track, FACE, slice(20, None)))
    assert np.abs(away - whole).max() < 0.01


@pytest.mark.parametrize(
    ("names", "above"),
    [
        (("left_ankle", "right_ankle"), ("left_knee", "left_ankle")),
        (COCO[11:], ("left_shoulder", "left_hip", "left_knee", "left_ankle")),
        (("left_elbow", "left_wrist"), ("left_shoulder", "left_elbow", "left_wrist")),
    ],
)
def test_limbs_that_are_never_seen_hang_down(names: tuple[str, ...], above: tuple[str, ...]):
    inputs = picture_inputs(without(walking_track(20), names))
    down = inputs[:, [H36M.names.index(name) for name in above], 1]
    assert (np.diff(down, axis=1) > 0.05).all()


def test_hips_that_are_never_seen_are_narrower_than_the_shoulders():
    inputs = picture_inputs(without(walking_track(20), COCO[11:]))
    sides = [[H36M.names.index(f"{side}_{part}") for side in ("left", "right")]
             for part in ("hip", "shoulder")]  # fmt: skip
    hips, shoulders = (inputs[:, pair, 0] @ [1, -1] for pair in sides)
    assert np.allclose(hips, 0.6 * shoulders)


def test_joints_of_human36m_that_are_missing_for_a_while_are_followed():
    at = points_of(waving().joints)
    track = as_track(at, "H36M-17", 0)
    gap = picture_inputs(without(track, ("thorax", "head_top"), slice(10, 20)))
    assert np.abs(gap - picture_inputs(track)).max() < 0.005


def test_mmposes_names_of_human36m_are_its_joints():
    layout = named_layout(MMPOSE_H36M)
    assert {"neck_nose", "head_top", "thorax", "spine", "pelvis", "nose"} <= set(layout.joints)
    points = seen(waving().joints, 0)
    xy, confidence = layout.convert(points, np.ones(points.shape[:2]))
    track = Track(xy, confidence, layout.joints, 30.0, (1000, 1000))
    assert np.allclose(picture_inputs(track) * 500 + 500, points)


def test_picture_input_is_the_published_normalisation():
    """x is over half the width, y on the same scale; made joints lie where Human3.6M has them."""
    track = walking_track(3)
    inputs = picture_inputs(track)
    wrist = COCO.index("left_wrist")
    width, height = SIZE
    expected = track.xy[:, wrist] / width * 2 - [1, height / width]
    assert np.allclose(inputs[:, H36M.names.index("left_wrist")], expected)
    at = dict(zip(H36M.names, inputs[0], strict=True))
    assert at["head"][1] < at["neck_nose"][1] < at["thorax"][1] < at["spine"][1] < at["pelvis"][1]


def test_picture_input_fills_what_was_not_seen():
    track = walking_track(21)
    xy, confidence = track.xy.copy(), track.confidence.copy()
    xy[8:12, 9], confidence[8:12, 9] = np.nan, 0
    xy[:, 3], confidence[:, 3] = np.nan, 0
    filled = picture_inputs(Track(xy, confidence, COCO, 30.0, SIZE, name="gap"))
    assert np.isfinite(filled).all()
    assert np.abs(filled - picture_inputs(track))[:, 13].max() < 0.02
