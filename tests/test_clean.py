"""Cleaning: what was broken is mended, what was whole is left alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lift_to_3d.core.clean import body_height, clean
from lift_to_3d.core.skeleton import COCO, H36M
from lift_to_3d.core.track import Track
from lift_to_3d.core.tracks import read

REST = np.array(
    [(0, -90), (5, -95), (-5, -95), (10, -92), (-10, -92), (25, -70), (-25, -70), (35, -35),
     (-35, -35), (45, 0), (-45, 0), (15, 0), (-15, 0), (25, 50), (-25, 50), (28, 100), (-28, 100)],
    float,
)  # fmt: skip
LEFT, RIGHT = [5, 7, 9, 11, 13, 15], [6, 8, 10, 12, 14, 16]


def moving(frames: int = 90, fps: float = 30.0, seed: int = 0) -> Track:
    """A figure of about 200 px with smooth, lively limbs and a pixel of jitter."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None, None] / fps
    phase, pace = rng.uniform(0, 6, (17, 2)), rng.uniform(1, 8, (17, 1))
    reach = np.linspace(2, 18, 17)[:, None]
    xy = [600, 400] + REST + reach * np.sin(pace * time + phase) + 40 * time * [1, 0]
    xy += rng.normal(0, 0.5, xy.shape)
    return Track(xy, np.full(xy.shape[:2], 0.8), COCO, fps, (1280, 720), name="test")


def off(track: Track, truth: Track) -> np.ndarray:
    """(frames, joints) how far from the truth, pixels; infinite where missing."""
    return np.nan_to_num(np.linalg.norm(track.xy - truth.xy, axis=-1), nan=np.inf)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.sampled_from([15.0, 30.0, 60.0]))
def test_whole_motion_is_not_touched(seed: int, fps: float):
    track = moving(seed=seed, fps=fps)
    assert np.array_equal(clean(track).xy, track.xy)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_spikes_are_mended(seed: int, length: int):
    truth = moving(seed=seed)
    rng = np.random.default_rng(seed)
    xy = truth.xy.copy()
    joint, at = rng.integers(17), rng.integers(5, 80)
    xy[at : at + length, joint] += rng.choice([-70, 70], 2)
    mended = clean(replace(truth, xy=xy))
    assert off(mended, truth).max() < 15
    assert any("Outliers" in note for note in mended.notes)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 20))
def test_swapped_sides_are_put_back(seed: int, length: int):
    truth = moving(seed=seed)
    at = int(np.random.default_rng(seed).integers(1, 60))
    xy = truth.xy.copy()
    swapped = slice(at, at + length)
    xy[swapped, LEFT], xy[swapped, RIGHT] = xy[swapped, RIGHT], truth.xy[swapped, LEFT]
    mended = clean(replace(truth, xy=xy))
    assert off(mended, truth).max() < 15, "only sides that nearly touch may stay swapped"
    assert any("swapped" in note for note in mended.notes)


@pytest.mark.parametrize("word", ["wrist", "ankle"])
def test_one_pair_that_swapped_alone_is_put_back(word: str):
    truth, pair = moving(), [COCO.index(f"{side}_{word}") for side in ("left", "right")]
    xy = truth.xy.copy()
    xy[40:46, pair] = xy[40:46, pair[::-1]]
    assert np.array_equal(clean(replace(truth, xy=xy)).xy, truth.xy)


def test_short_gaps_are_filled_and_long_ones_stay():
    truth = moving()
    xy, confidence = truth.xy.copy(), truth.confidence.copy()
    for gap, joint in ((slice(20, 23), 9), (slice(30, 75), 10)):
        xy[gap, joint], confidence[gap, joint] = np.nan, 0
    mended = clean(replace(truth, xy=xy, confidence=confidence))
    assert off(mended, truth)[20:23, 9].max() < 6
    assert (mended.confidence[20:23, 9] > 0).all()
    assert (mended.confidence[20:23, 9] < mended.confidence[19, 9]).all()
    assert np.isnan(mended.xy[30:75, 10]).all()
    assert (mended.confidence[30:75, 10] == 0).all()


def test_nothing_is_made_up_before_and_after():
    truth = moving()
    xy, confidence = truth.xy.copy(), truth.confidence.copy()
    xy[:3], confidence[:3], xy[-3:], confidence[-3:] = np.nan, 0, np.nan, 0
    mended = clean(replace(truth, xy=xy, confidence=confidence))
    assert np.isnan(mended.xy[[0, 1, 2, -3, -2, -1]]).all()


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.15, 6.0])
def test_confidence_of_any_scale_becomes_one(scale: float):
    track = moving()
    shares = np.random.default_rng(0).uniform(0.1, 1, track.confidence.shape)
    mended = clean(replace(track, confidence=scale * shares))
    reference = clean(replace(track, confidence=shares))
    assert np.allclose(mended.confidence, reference.confidence)
    assert 0.899 < np.quantile(mended.confidence, 0.9) <= 1
    assert mended.confidence.max() <= 1


def test_cleaning_twice_changes_nothing_more():
    for track in read(Path(__file__).parents[1] / "samples" / "street_mediapipe.json"):
        once = clean(track)
        twice = clean(once)
        same = np.isclose(once.xy, twice.xy, equal_nan=True).all(-1)
        assert same.mean() > 0.99


def test_body_height_follows_the_person():
    track = moving()
    assert np.allclose(body_height(track), 215, atol=40)
    assert np.allclose(body_height(replace(track, xy=3 * track.xy)), 3 * body_height(track))


def test_nobody_at_all_is_no_error():
    track = moving()
    gone = replace(track, xy=np.full_like(track.xy, np.nan), confidence=0 * track.confidence)
    assert np.isnan(clean(gone).xy).all()


def projected(position: np.ndarray, turn: float, fps: float) -> Track:
    """A capture of 50 frames a second as COCO's joints before a virtual camera."""
    at = np.arange(0, len(position) - 1, 50 / fps)
    low, share = at.astype(int), (at % 1)[:, None, None]
    position = position[low] * (1 - share) + position[low + 1] * share
    position = position - position.mean((0, 1))
    x = np.cos(turn) * position[..., 0] + np.sin(turn) * position[..., 1]
    depth = 6 + np.abs(position).max() + np.cos(turn) * position[..., 1]
    depth -= np.sin(turn) * position[..., 0]
    plane = np.stack([960 + 1200 * x / depth, 540 - 1200 * position[..., 2] / depth], -1)
    nose, head = (plane[:, H36M.names.index(name)] for name in ("neck_nose", "head"))
    face = {"nose": nose, **dict.fromkeys(COCO[1:5], (nose + head) / 2)}
    joints = [face[n] if n in face else plane[:, H36M.names.index(n)] for n in COCO]
    xy = np.stack(joints, 1)
    xy[:, 1:5] += np.array([(6, 0), (-6, 0), (12, 2), (-12, 2)])
    return Track(xy, np.full(xy.shape[:2], 0.8), COCO, fps, (1920, 1080))


@pytest.mark.parametrize("fps", [25.0, 50.0])
def test_real_motion_is_not_flattened_and_is_mended(shared: Path, fps: float):
    sys.path.insert(0, str(shared / "mocap"))
    from load_mocap import load  # pyright: ignore[reportMissingImports]

    rng = np.random.default_rng(0)
    caught, spoiled, put_back = [], [], []
    for take in load(str(shared / "mocap" / "val.npz.xz"))["takes"]:
        truth = projected(take["pos"].astype(float), rng.uniform(0, 6.3), fps)
        truth = replace(truth, xy=truth.xy + rng.normal(0, 1.5, truth.xy.shape))
        height = body_height(truth)
        assert (off(clean(truth), truth) > 0.02 * height[:, None]).mean() < 0.001
        xy, broken = truth.xy.copy(), np.zeros(truth.xy.shape[:2], bool)
        for at in range(6, truth.frames - 6, 12):
            joint = rng.integers(17)
            xy[at, joint] += rng.choice([-0.25, 0.25], 2) * height[at]
            broken[at, joint] = True
        error = off(clean(replace(truth, xy=xy)), truth) / height[:, None]
        caught.append(error[broken] < 0.08)
        spoiled.append(error[~broken] > 0.02)
        xy, swapped = truth.xy.copy(), slice(truth.frames // 2, truth.frames // 2 + 5)
        xy[swapped, LEFT], xy[swapped, RIGHT] = xy[swapped, RIGHT], truth.xy[swapped, LEFT]
        apart = np.linalg.norm(xy - truth.xy, axis=-1) > 0.08 * height[:, None]
        put_back.append((off(clean(replace(truth, xy=xy)), truth) < 1)[apart])
    assert np.concatenate(caught).mean() > 0.9
    assert np.concatenate(spoiled).mean() < 0.002
    assert np.concatenate(put_back).mean() > 0.9
