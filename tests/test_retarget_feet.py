"""Feet and hands that stand, and feet that do not: floors, roofs, steps, and those who lie."""

from dataclasses import replace

import numpy as np
import pytest
from lift_to_3d.retarget.character import bone_axes
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.options import Retargeting
from lift_to_3d.retarget.placement import leg_length
from lift_to_3d.retarget.rest_body import rest_body
from lift_to_3d.retarget.rotation import from_vector, transpose, unit
from lift_to_3d.retarget.solve import solve

from .bvh_truth import TAKES, read_take
from .rig_tools import (
    MANNEQUIN,
    at_rest_in,
    degrees,
    held_feet,
    motion_of,
    posed,
    stretched,
    without,
)


def test_a_mirrored_object_stands_on_the_foot_that_the_person_stands_on():
    world = np.diag([-1.0, 1.0, 1.0, 1.0])
    joints, contacts = held_feet()
    motion = motion_of(joints, contacts=contacts * [1, 0])
    _, heads = posed(MANNEQUIN, solve(motion, MANNEQUIN))
    mirrored = replace(MANNEQUIN, world=world)
    _, seen = posed(mirrored, solve(motion, mirrored))
    left, right = (MANNEQUIN.bones.index(f"toe.{side}") for side in "LR")
    np.testing.assert_allclose(seen[:, right] @ world[:3, :3].T, heads[:, left], atol=1e-3)
    np.testing.assert_allclose(seen[:, left] @ world[:3, :3].T, heads[:, right], atol=1e-3)


@pytest.mark.parametrize("ratio", [0.7, 0.85, 1.0, 1.2, 1.4])
def test_standing_feet_do_not_slide_on_any_legs(ratio):
    joints, contacts = held_feet()
    legs = {f"{bone}.{side}": ratio for bone, k in (("thigh", 1), ("shin", 1)) for side in "LR"}
    legs |= {f"thigh.{side}": ratio * 1.1 for side in "LR"}
    rig = stretched(MANNEQUIN, legs)
    _, heads = posed(rig, solve(motion_of(joints, contacts=contacts), rig))
    for side in "LR":
        for bone in ("foot", "toe"):
            path = heads[:, rig.bones.index(f"{bone}.{side}")]
            speed = np.linalg.norm(np.diff(path[:, :2], axis=0), axis=-1) * 30
            assert speed.mean() < 0.005
        assert abs(heads[:, rig.bones.index(f"foot.{side}"), 2] - 0.085).max() < 0.01


def test_feet_modes():
    joints, contacts = held_feet()
    rig = stretched(MANNEQUIN, {"thigh.L": 1.2, "thigh.R": 1.2})
    slides = {}
    for feet, marked in (("auto", contacts), ("always", 0 * contacts), ("never", contacts)):
        _, heads = posed(
            rig, solve(motion_of(joints, contacts=marked), rig, options=Retargeting(feet=feet))
        )
        path = heads[:, rig.bones.index("foot.L")]
        slides[feet] = np.linalg.norm(np.diff(path[:, :2], axis=0), axis=-1).mean() * 30
    assert slides["auto"] < 0.005
    assert slides["always"] < 0.5 * slides["never"]
    assert slides["never"] > 0.005


@pytest.mark.parametrize("arms", [0.8, 1.0, 1.25])
def test_resting_hands_stay_in_place_on_any_arms(arms):
    """Someone who sways on their feet, hands on a table: first they come, then they rest."""
    joints, contacts = held_feet()
    table = joints[:1, [0, 0]] + [[[0.25, -0.4, 0.15], [-0.25, -0.4, 0.15]]]
    come = np.linspace(1, 0, 30)[:, None, None] * [0, 0, 0.3]
    for side, (shoulder, elbow, wrist) in enumerate(((11, 12, 13), (14, 15, 16))):
        joints[:, wrist] = table[:, side]
        joints[:30, wrist] += come[:, 0]
        middle = 0.5 * (joints[:, shoulder] + joints[:, wrist])
        joints[:, elbow] = middle + [0, 0.02, -0.15]
    rig = stretched(MANNEQUIN, {f"{b}.{s}": arms for b in ("upper_arm", "forearm") for s in "LR"})
    motion = motion_of(joints, contacts=contacts)
    slides = {}
    for hands in ("never", "auto"):
        _, heads = posed(rig, solve(motion, rig, options=Retargeting(hands=hands)))
        wrists = heads[32:, [rig.bones.index(f"hand.{s}") for s in "LR"]]
        slides[hands] = np.linalg.norm(np.diff(wrists, axis=0), axis=-1).mean() * 30
    assert slides["auto"] < 0.005
    assert slides["never"] > 0.02


@pytest.mark.parametrize("name", [*TAKES, "13_18_boxing"])
def test_standing_feet_do_not_slide_on_real_motion(shared, name):
    """On long legs, where it is hardest: ankles and the balls of the feet, each foot."""
    motion = read_take(shared / "mocap" / "bvh_public" / f"{name}.bvh").motion
    legs = {f"{bone}.{side}": 1.4 for bone in ("thigh", "shin") for side in "LR"}
    rig = stretched(MANNEQUIN, legs)
    _, heads = posed(rig, solve(motion, rig))
    for side, contact in zip("LR", motion.contacts.T, strict=True):
        for bone in ("foot", "toe"):
            path = heads[:, rig.bones.index(f"{bone}.{side}"), :2]
            speed = np.linalg.norm(np.diff(path, axis=0), axis=-1) * motion.fps
            assert speed[(contact[1:] > 0.5) & (contact[:-1] > 0.5)].mean() < 0.005


def test_a_roof_stays_above_the_floor():
    """Who mostly stands 2 m up stands there on a character as well, and comes down to the floor."""
    joints, contacts = held_feet()
    frames = len(joints)
    roof = joints + np.array([0.0, 0.0, 2.0])
    jumps = np.tile(contacts, (3, 1))
    jumps[2 * frames - 15 : 2 * frames + 15] = 0
    motion = motion_of(np.concatenate([roof, roof, joints]), contacts=jumps)
    _, heads = posed(MANNEQUIN, solve(motion, MANNEQUIN))
    heights = heads[:, MANNEQUIN.bones.index("foot.L"), 2]
    body = rest_body(MANNEQUIN, find_mapping(MANNEQUIN))
    above = 2 * body.leg / leg_length(joints)
    assert np.allclose(heights[15 : 2 * frames - 40], 0.085 + above, atol=0.02)
    assert np.allclose(heights[2 * frames + 40 :], 0.085, atol=0.02)


def foot_ups(joints: np.ndarray, contacts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 2) how far soles face down, -1..1, and how far feet are turned against shins."""
    turns, _ = posed(MANNEQUIN, solve(motion_of(joints, contacts=contacts), MANNEQUIN))
    feet, shins = (
        turns[:, [MANNEQUIN.bones.index(f"{bone}.{s}") for s in "LR"]] for bone in ("foot", "shin")
    )
    return feet[..., 2, 2], degrees(transpose(shins) @ feet)


def test_feet_whose_bones_go_straight_down_point_ahead():
    """Importers make up their tails, along the shin."""
    rig = without(MANNEQUIN, "toe.L", "toe.R")
    rest = rig.rest.copy()
    for side in "LR":
        rest[rig.bones.index(f"foot.{side}"), :3, :3] = bone_axes(
            np.array([0, 0.1, -1.0]), np.zeros(())
        )
    body = rest_body(replace(rig, rest=rest), find_mapping(rig))
    for side, ankle in zip("LR", body.joints[[6, 3]], strict=True):
        assert unit(body.ball(side) - ankle) @ body.axes[:, 2] > 0.99


def test_who_stands_on_a_step_most_of_the_time_comes_down_to_the_floor():
    joints, contacts = held_feet()
    frames = len(joints)
    way = np.clip(np.arange(-2 * frames, frames) / 15, -1, 0)
    joints, contacts = np.tile(joints, (3, 1, 1)), np.tile(contacts, (3, 1))
    joints[..., 2] -= 0.25 * way[:, None]
    contacts[(way > -1) & (way < 0)] = 0
    _, heads = posed(MANNEQUIN, solve(motion_of(joints, contacts=contacts), MANNEQUIN))
    for side in "LR":
        height = heads[:, MANNEQUIN.bones.index(f"foot.{side}"), 2]
        assert np.allclose(height[2 * frames + 10 :], 0.085, atol=0.02)
        assert np.allclose(height[10 : 2 * frames - 25], 0.335, atol=0.03)


def test_a_foot_on_a_step_is_not_put_down_on_the_floor():
    joints, contacts = held_feet()
    joints[:, 6, 2] += 0.2
    joints[:, 5] += [0, -0.1, 0.1]
    _, heads = posed(MANNEQUIN, solve(motion_of(joints, contacts=contacts), MANNEQUIN))
    ankles = heads[:, [MANNEQUIN.bones.index(f"foot.{side}") for side in "LR"], 2]
    assert np.allclose(ankles, [0.285, 0.085], atol=0.03)


def test_a_foot_that_rests_raised_comes_down_to_the_floor():
    rig = at_rest_in(MANNEQUIN, {"thigh.L": [-1.0, 0, 0], "shin.L": [1.4, 0, 0]})
    joints, contacts = held_feet()
    _, heads = posed(rig, solve(motion_of(joints, contacts=contacts), rig))
    ankles = heads[:, [rig.bones.index(f"foot.{side}") for side in "LR"], 2]
    np.testing.assert_allclose(ankles, rig.rest[rig.bones.index("foot.R"), 2, 3], atol=0.01)


def test_who_falls_past_the_floor_of_a_roof_keeps_the_soles_down():
    joints, contacts = held_feet()
    fall = joints + np.linspace(0, -1.5, len(joints))[:, None, None] * [0, 0, 1]
    soles, _ = foot_ups(
        np.concatenate([joints, fall]) + np.array([0.0, 0.0, 2.0]),
        np.concatenate([contacts, 0 * contacts]),
    )
    assert soles.min() > 0.5


@pytest.mark.parametrize("lying", [np.pi / 2, -np.pi / 2])
def test_feet_of_those_who_lie_go_with_their_shins(lying):
    """On their backs with the toes up; else with the toes stretched, as the floor wants."""
    rest = rest_body(MANNEQUIN, find_mapping(MANNEQUIN)).joints
    down = rest @ from_vector(np.array([lying, 0, 0])).T
    down[:, 2] += 0.1 - down[:, 2].min()
    _, bent = foot_ups(np.repeat(down[None], 30, axis=0), np.ones((30, 2)))
    assert bent.max() < (20 if lying < 0 else 80)
