"""The senses of `ground` on captured takes, and on what must not matter to them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lift_to_3d.core.ground import balance, feet, ground, perceptron
from lift_to_3d.core.ground.body import Body, body_of
from lift_to_3d.core.ground.bones import FEET
from lift_to_3d.core.ground.gravity import upwards
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.training.capture import Take, load_takes
from lift_to_3d.core.training.ground_clips import Clip, film
from lift_to_3d.core.training.ground_net import Perceptron, save
from scipy.spatial.transform import Rotation


@pytest.fixture(scope="module")
def takes(shared: Path) -> dict[str, Take]:
    """Motions of people that the senses were not trained on."""
    return {take.name: take for take in load_takes(shared / "mocap" / "test_public.npz.xz")}


def seen(take: Take, seed: int = 0) -> tuple[Clip, Motion]:
    """The take before a random camera, and what `ground` makes of its captured pose."""
    clip = film(take, np.random.default_rng(seed))
    return clip, ground(clip.pose, clip.track, height=1.60)


def body_and_path(take: Take) -> tuple[Body, np.ndarray, np.ndarray]:
    clip = film(take, np.random.default_rng(0))
    body = body_of(clip.pose, clip.track, 1.60, "light")
    return body, body.path(), clip.up


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def test_turning_the_axes_turns_the_votes(takes):
    body, path, _ = body_and_path(takes["06_01"])
    turn = Rotation.from_euler("xyz", [40, -70, 110], degrees=True).as_matrix()
    votes = balance.votes(body.joints, path, body.fps)
    turned = balance.votes(body.joints @ turn.T, path @ turn.T, body.fps)
    np.testing.assert_allclose(turned, votes @ turn.T, atol=2e-3 * np.abs(votes).max())


def test_a_rolled_picture_leaves_the_feet_as_they_are(takes):
    body, path, up = body_and_path(takes["06_01"])
    roll = Rotation.from_euler("z", 65, degrees=True).as_matrix()
    rolled = Body(body.joints @ roll.T, body.rays @ roll[:2, :2].T, body.confidence, body.fps)
    np.testing.assert_allclose(
        feet.stands(rolled, path @ roll.T, roll @ up), feet.stands(body, path, up), atol=2e-3
    )


def test_the_feet_of_a_mirrored_walk_change_sides(takes):
    body, path, up = body_and_path(takes["06_01"])
    other = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]
    mirror = np.array([-1.0, 1.0, 1.0])
    mirrored = Body(
        body.joints[:, other] * mirror,
        body.rays[:, other] * mirror[:2],
        body.confidence[:, other],
        body.fps,
    )
    np.testing.assert_allclose(
        feet.stands(mirrored, path * mirror, up * mirror)[:, ::-1],
        feet.stands(body, path, up),
        atol=0.1,
    )


def test_feet_do_not_flicker_with_the_detector(takes):
    body, path, up = body_and_path(takes["06_01"])
    trembling = body.rays + np.random.default_rng(0).normal(size=body.rays.shape) * 0.006
    stood = feet.stands(Body(body.joints, trembling, body.confidence, body.fps), path, up) > 0.5
    for foot in stood.T:
        turns = np.flatnonzero(np.diff(foot.astype(int)))
        assert len(turns) > 4
        assert np.diff(turns).min() > 2


def test_networks_saved_together_answer_with_their_mean(tmp_path, monkeypatch):
    torch.manual_seed(0)
    rows = 3 + 2 * torch.randn(50, 7)
    nets = [Perceptron([rows], 2).eval() for _ in range(3)]
    save(nets, tmp_path / "three.npz")
    monkeypatch.setattr(perceptron, "WEIGHTS", tmp_path)
    with torch.no_grad():
        mean = torch.stack([net(rows) for net in nets]).mean(0).numpy()
    np.testing.assert_allclose(perceptron.answer("three", rows.numpy()), mean, atol=1e-5)


def test_votes_that_are_off_the_others_count_less():
    """Upright for most of the clip; then a handstand, of which each moment is surer."""
    upright, upside_down = np.array([0.5, -4.5, -1.5]), np.array([1.5, 7.5, 1.0])
    votes = np.repeat([upright, upside_down], [60, 40], axis=0)
    assert degrees(upwards(votes), upright / np.linalg.norm(upright)) < 5


def test_who_says_nothing_leaves_the_camera_upright():
    assert degrees(upwards(np.zeros((50, 3))), np.array([0.0, -1.0, 0.0])) < 15


@pytest.mark.parametrize("seed", range(3))
def test_a_captured_walk_stands_where_it_stands(takes, seed):
    clip, motion = seen(takes["06_01"], seed)
    ankles = clip.world[:, FEET]
    speed = np.linalg.norm(np.gradient(ankles, 1 / motion.fps, axis=0), axis=-1)
    stood = (speed < 0.25) & (ankles[..., 2] < ankles[..., 2].min() + 0.05)
    found = motion.contacts > 0.5
    assert found[stood].mean() > 0.9
    assert found[speed > 1.0].mean() < 0.03
    assert degrees(-motion.gravity, clip.up) < 5


@pytest.mark.parametrize("name", ["14_07", "85_01", "85_02"])
def test_nobody_stands_in_the_air(takes, name):
    """Jumps, and jumps with a somersault."""
    clip, motion = seen(takes[name])
    flying = clip.world[:, FEET, 2].min(1) > 0.25
    assert flying.sum() > 5
    assert (motion.contacts[flying] > 0.5).mean() < 0.1


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("14_33", "climbs a ladder"),
        ("14_21", "climbs steps"),
        ("14_30", "sits"),
        ("14_29", "sits and swings the legs"),
        ("85_05", "stands on the hands"),
        ("85_06", "lies, kicks up"),
    ],
)
def test_the_body_stays_as_high_as_it_was(takes, name, what):
    """Nobody who climbs, sits or lies is dragged to the floor, nor lifted off it."""
    clip, motion = seen(takes[name])
    off = motion.joints[:, 0, 2] - clip.world[:, 0, 2]
    assert np.percentile(np.abs(off), 90) < 0.15, what
    assert motion.joints[..., 2].min() > 0.0


def test_steps_and_rungs_are_no_floor(takes):
    clip, motion = seen(takes["14_33"])
    high = clip.world[:, FEET, 2] > 0.3
    assert high.sum() > 100
    assert motion.contacts[high].max() < 0.5
