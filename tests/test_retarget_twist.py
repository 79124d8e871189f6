"""Roll spread over twist bones, beside the limb and in line with it."""

from dataclasses import replace

import numpy as np
import pytest
from lift_to_3d.retarget.character import load_character
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.options import Retargeting
from lift_to_3d.retarget.rest_body import rest_body
from lift_to_3d.retarget.rig import Rig
from lift_to_3d.retarget.rotation import swing, to_vector, transpose, turn, unit
from lift_to_3d.retarget.solve import solve

from .rig_tools import angle_between, motion_of, moving_joints, posed, with_root
from .wild_rigs import WILD, wild_rig

UNREAL = with_root(load_character().rig())
JOINTS = {
    "upper_arm": ((11, 12), (14, 15)), "forearm": ((12, 13), (15, 16)),
    "thigh": ((4, 5), (1, 2)), "shin": ((5, 6), (2, 3)),
}  # fmt: skip


def with_bone(rig: Rig, name: str, parent: str, at: float, end: str) -> Rig:
    """The rig with a bone that lies along its parent, from a share `at` of the way to `end`."""
    p, e = rig.bones.index(parent), rig.bones.index(end)
    rest = rig.rest[p].copy()
    way = rig.rest[e, :3, 3] - rig.rest[p, :3, 3]
    rest[:3, 3] += at * way
    return replace(
        rig,
        bones=(*rig.bones, name),
        parents=np.append(rig.parents, p),
        rest=np.concatenate([rig.rest, rest[None]]),
        lengths=np.append(rig.lengths, (1 - at) * np.linalg.norm(way)),
    )


def roll(rig: Rig, turns: np.ndarray, bone: str) -> np.ndarray:
    """How far a bone is rolled (frames,), degrees, against the collar bone carried along."""
    limb, elbow = rig.bones.index("upperarm_l"), rig.bones.index("lowerarm_l")
    along = unit(rig.rest[elbow, :3, 3] - rig.rest[limb, :3, 3])[None]
    above = turns[:, rig.bones.index("clavicle_l")]
    now = turn(turns[:, limb], along)
    carried = swing(turn(above, along), now) @ above
    roll = to_vector(turns[:, rig.bones.index(bone)] @ transpose(carried))
    return np.degrees(np.sum(roll * now, axis=-1))


@pytest.mark.parametrize("at", [0.0, 0.5, 0.9])
def test_a_bone_beside_the_upper_arm_rolls_by_its_share(at):
    rig = with_bone(UNREAL, "upperarm_twist_01_l", "upperarm_l", at, "lowerarm_l")
    assert find_mapping(rig).bones["upper_arm_twist.L"] == ("upperarm_twist_01_l",)
    motion = motion_of(moving_joints())
    turns, heads = posed(rig, solve(motion, rig))
    whole = roll(rig, turns, "upperarm_l")
    assert np.abs(whole).max() > 10
    np.testing.assert_allclose(roll(rig, turns, "upperarm_twist_01_l"), at * whole, atol=1e-6)
    _, plain = posed(UNREAL, solve(motion, UNREAL))
    np.testing.assert_allclose(heads[:, :-1], plain, atol=1e-9)


def test_bones_in_line_share_the_roll_and_keep_the_elbow_in_place():
    rig = with_bone(UNREAL, "upperarm_twist_01_l", "upperarm_l", 0.5, "lowerarm_l")
    order = list(range(len(rig.bones)))
    elbow, twist = rig.bones.index("lowerarm_l"), rig.bones.index("upperarm_twist_01_l")
    order.insert(elbow, order.pop())
    place = {old: new for new, old in enumerate(order)} | {-1: -1}
    parents = rig.parents.copy()
    parents[elbow] = twist
    rig = Rig("line", tuple(rig.bones[i] for i in order),
              np.array([place[parents[i]] for i in order]), rig.rest[order], rig.lengths[order],
              rig.world)  # fmt: skip
    motion = motion_of(moving_joints())
    turns, heads = posed(rig, solve(motion, rig))
    plain_turns, plain = posed(UNREAL, solve(motion, UNREAL))
    whole = roll(UNREAL, plain_turns, "upperarm_l")
    np.testing.assert_allclose(roll(rig, turns, "upperarm_twist_01_l"), 0.75 * whole, atol=1e-6)
    for bone in UNREAL.bones:
        ours, theirs = heads[:, rig.bones.index(bone)], plain[:, UNREAL.bones.index(bone)]
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize("family", WILD)
def test_rigs_as_tools_export_them(family):
    """Known by their names; joints are where they are on the mannequin, twist bones in line."""
    rig = wild_rig(family)
    mapping = find_mapping(rig)
    assert (mapping.preset, mapping.confidence) == (family, 1.0)
    ours = rest_body(UNREAL, find_mapping(UNREAL))
    np.testing.assert_allclose(rest_body(rig, mapping).joints[:7], ours.joints[:7], atol=1e-9)
    motion = motion_of(moving_joints())
    options = Retargeting(feet="never")
    _, heads = posed(rig, solve(motion, rig, options=options))
    following = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}
    for limb, end in following.items():
        for side, (first, last) in zip("LR", JOINTS[limb], strict=True):
            a, b = (rig.bones.index(mapping.bone(f"{part}.{side}")) for part in (limb, end))
            person = unit(motion.joints[:, last] - motion.joints[:, first])
            way = heads[:, b] - heads[:, a]
            assert angle_between(unit(way), person).max() < 0.1
            for name in mapping.bones.get(f"{limb}_twist.{side}", ()):
                off = heads[:, rig.bones.index(name)] - heads[:, a]
                assert np.linalg.norm(np.cross(off, unit(way)), axis=-1).max() < 1e-3
