"""Up as the feet have it, on bodies whose balance is known."""

import numpy as np
import pytest
from lift_to_3d.core.ground.bones import FEET
from lift_to_3d.core.ground.mass import mass_centre
from lift_to_3d.core.ground.support import settled
from scipy.spatial.transform import Rotation

from .motions import STANDING

FRAMES, FPS = 50, 25.0
BOTH, LEFT = np.ones((FRAMES, 2)), np.tile([1.0, 0.0], (FRAMES, 1))
UP = np.array([0.0, 0.0, 1.0])
SOLE = 0.07  # metres from the ankle ahead to the middle of the foot


def held_over(place: np.ndarray, joints: np.ndarray = STANDING) -> np.ndarray:
    """(frames, 17, 3): all but the ankles moved, until the mass is over the (2,) place."""
    joints = joints.copy()
    others = np.setdiff1d(np.arange(17), FEET)
    for _ in range(20):
        joints[others, :2] += place - mass_centre(joints[None])[0, :2]
    return np.tile(joints, (FRAMES, 1, 1))


def off(up: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(up @ UP, -1, 1))))


def leaning(degrees: float, axis: str) -> np.ndarray:
    """What votes say that are wrong by so much."""
    return Rotation.from_euler(axis, degrees, degrees=True).apply(UP)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_who_stands_on_one_foot_is_in_balance_over_its_middle(axis: str):
    joints = held_over(STANDING[6, :2] + (0, -SOLE))
    assert off(settled(leaning(8, axis), joints, LEFT, FPS)) < 2.5


@pytest.mark.parametrize("aside", [-0.06, 0.06])
def test_who_stands_on_two_feet_is_in_balance_somewhere_between_them(aside: float):
    joints = held_over(STANDING[FEET, :2].mean(0) + (aside, -SOLE))
    assert off(settled(leaning(8, "x"), joints, BOTH, FPS)) < 3.5


def test_who_starts_to_run_leans_into_it():
    """Half a g forward: in balance the mass is ahead of the feet."""
    joints = held_over(STANDING[6, :2] + (0, -SOLE))
    lean = Rotation.from_euler("x", np.degrees(np.arctan(0.5)), degrees=True)
    middle = joints[0, 6] + (0, -SOLE, -0.08)
    joints = lean.apply((joints - middle).reshape(-1, 3)).reshape(joints.shape) + middle
    times = np.arange(FRAMES) / FPS
    joints[..., 1] -= 0.5 * 0.5 * 9.81 * (times[:, None] - times.mean()) ** 2
    still = joints - (joints[:, 6] - joints[:1, 6])[:, None]
    assert off(settled(UP, joints, LEFT, FPS)) < 6 < off(settled(UP, still, LEFT, FPS))


def test_who_sits_is_not_stood_up():
    seated = STANDING.copy()
    seated[np.setdiff1d(np.arange(17), [2, 3, 5, 6]), 1:] += (0.45, -0.45)
    joints = np.tile(seated, (FRAMES, 1, 1))
    assert off(settled(UP, joints, BOTH, FPS)) < 2


def test_places_where_feet_stood_lie_level():
    joints = held_over(STANDING[FEET, :2].mean(0) + (0, -SOLE))
    joints = joints + np.linspace(0, 3, FRAMES)[:, None, None] * (0, -1, 0)
    assert off(settled(leaning(8, "x"), joints, BOTH, FPS)) < 1


def test_feet_that_never_stand_leave_up_as_it_is():
    votes = leaning(8, "x")
    joints = held_over(STANDING[6, :2])
    np.testing.assert_allclose(settled(votes, joints, 0 * BOTH, FPS), votes)
