"""Joints fitted to their rays: what is right stays, what is wrong is mended."""

import numpy as np
import pytest
from lift_to_3d.core.reprojection import fitted
from lift_to_3d.core.skeleton import H36M

BODY = np.array([
    [0, 0, 0], [-0.1, 0, 0], [-0.1, 0.42, -0.1], [-0.1, 0.84, 0.1],
    [0.1, 0, 0], [0.1, 0.42, 0.1], [0.1, 0.84, 0.3],
    [0, -0.23, 0], [0, -0.5, 0], [0, -0.6, -0.1], [0, -0.75, 0],
    [0.17, -0.45, 0], [0.2, -0.2, 0.1], [0.22, 0.0, -0.2],
    [-0.17, -0.45, 0], [-0.435, -0.508, 0], [-0.73, -0.655, -0.147],
])  # fmt: skip
LIMBS = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]


@pytest.fixture
def scene():
    """(truth, rays) of somebody who walks across the picture for two seconds."""
    root = np.linspace([-1, 0.1, 4], [1, 0.1, 5], 60)
    camera = BODY + root[:, None]
    return np.repeat(BODY[None], 60, 0), camera[..., :2] / camera[..., 2:]


def test_a_perfect_pose_stays(scene):
    truth, rays = scene
    moved = fitted(truth, rays, np.ones((60, 17)), 30.0, 2)
    assert np.abs(moved - truth).max() < 0.005


def test_what_is_wrong_across_the_picture_is_mended(scene):
    truth, rays = scene
    wrong = truth.copy()
    wrong[:, 13, 0] += 0.1
    wrong[:, 3, 1] -= 0.05
    moved = fitted(wrong, rays, np.ones((60, 17)), 30.0, 2)
    error = np.linalg.norm(moved - truth, axis=-1)
    assert error[:, 13].mean() < 0.04
    assert error[:, 3].mean() < 0.04


def test_what_was_not_seen_keeps_its_direction(scene):
    truth, rays = scene
    wrong = truth.copy()
    wrong[:, 13, 0] += 0.1
    confidence = np.ones((60, 17))
    confidence[:, 13] = 0
    moved = fitted(wrong, rays, confidence, 30.0, 2)
    before, after = (j[:, 13] - j[:, 12] for j in (wrong, moved))
    cosine = (before * after).sum(-1) / np.linalg.norm(before, axis=-1)
    assert np.all(cosine / np.linalg.norm(after, axis=-1) > np.cos(np.radians(6)))


def test_a_bone_that_shrinks_for_a_while_gets_its_length_back(scene):
    truth, rays = scene
    wrong = truth.copy()
    wrong[20:40, 13, 2] += 0.15
    moved = fitted(wrong, rays, np.ones((60, 17)), 30.0, 2)
    before, after = (
        np.linalg.norm(j[25:35, 13] - truth[25:35, 13], axis=-1).mean() for j in (wrong, moved)
    )
    assert after < 0.7 * before


@pytest.mark.parametrize("frames", [1, 5, 60])
def test_nothing_seen_changes_nothing(scene, frames):
    truth, rays = (v[:frames] for v in scene)
    moved = fitted(truth, rays * 0, np.zeros((frames, 17)), 30.0, 2)
    assert np.allclose(moved, truth)


def test_mirror_image_gives_mirror_image(scene):
    truth, rays = scene
    random = np.random.default_rng(0)
    wrong = truth + random.normal(0, 0.03, truth.shape)
    wrong -= wrong[:, :1]
    sure = random.uniform(0.3, 1, (60, 17))
    mirror = list(H36M.mirrored)
    moved = fitted(wrong, rays, sure, 30.0, 2)
    other = fitted(
        wrong[:, mirror] * [-1, 1, 1], rays[:, mirror] * [-1, 1], sure[:, mirror], 30.0, 2
    )
    assert np.allclose(other, moved[:, mirror] * [-1, 1, 1], atol=1e-9)
