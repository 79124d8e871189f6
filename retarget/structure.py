"""Mapping by shape, for rigs whose names say nothing: legs go down, arms to the sides.

The tree is cut where limbs part from the trunk; the joints of each limb are chosen among the bones
along it so that its parts are proportioned like a person's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise, product

import numpy as np

from .bone_tree import BoneTree, trees, without_driven
from .mapping import Mapping
from .rig import Rig
from .rotation import unit


@dataclass(frozen=True)
class _Limb:
    """A person's limb.

    Attributes:
        parts: their names and lengths, as shares of a leg from hip to ankle.
        share: of the first two in the whole path of its joints: from the collar bone to the last
            finger, from the hip to the toes.
        aside: how far from the body's middle it begins.
        above: how far above the hip joints it begins.
    """

    parts: dict[str, float]
    share: float
    aside: float
    above: float


_ARM = _Limb({"upper_arm": 0.34, "forearm": 0.29, "hand": 0.20}, 0.64, 0.19, 0.57)
_LEG = _Limb({"thigh": 0.50, "shin": 0.49, "foot": 0.17}, 0.83, 0.11, 0.0)
_LONGEST = 0.5
"""Of a bone beyond a limb, no more counts, as a share of a leg: swords are longer than fingers."""
_HEAD_JOINT = 0.185
"""Height of the head's joint above the shoulders, likewise."""
_MIDDLE = 0.12
"""How far from the middle a head may be, likewise."""
_INSTEP = 0.08
"""Toes begin farther from the ankle than this, likewise."""
_NECK = 0.55
"""A neck bone that begins lower than this share of the head's joint may branch, in control rigs."""
_CLOSE = 0.04
"""Bones of a neck begin farther apart than this, likewise."""
_BRANCHES = 0.5
"""For the head being where hair and face begin, or the second of two bones."""
_END_WEIGHT = 0.2
"""The last part counts for little: the last bone's length is often made up."""
_SIZE_WEIGHT, _ASIDE_WEIGHT = 0.5, 0.3
_SKIPPED, _FORKED, _KINKED = 0.1, 0.2, 3.0
"""For a bone between two joints of a limb that is none of its parts; more where others hang on it,
as on a hand, and where the limb bends there."""
_UNLIKE = 1.0
"""For the left limb's parts being longer or shorter than the right one's."""
_RAISED, _RAISED_WEIGHT = 0.25, 2.0
"""Sine of the angle from which an arm at rest is raised, or put back, more than arms are."""
_TOLD = 0.15
"""How far, as a share of a leg, all signs of where it faces must reach to be sure."""
_TOES = 0.05
"""Toes and heels of both feet lie this far from one height, at most, as a share of the rig."""
_TO_ANKLE = 0.8
"""From hip to ankle, as a share of the way to the last toe."""
_CHOICES = 8
"""Of each limb's likeliest joints, so many are compared with the other side's."""
_TOO_BAD = 2.5
_MOST_BONES = 30
"""From the trunk to the tip of a limb, with all twist bones: ropes have more, and take for ever."""
_STANDS, _STRIDE = 0.15, 0.6
"""What begins lower than this above the feet stands; so far before or behind them, likewise, it is
no part of a person's dress."""


@dataclass(frozen=True)
class _Choice:
    """Bones for a limb's parts, and how unlike a person's limb they are."""

    cost: float
    parts: dict[str, int]
    lengths: np.ndarray


def map_by_structure(rig: Rig) -> Mapping | None:
    """The mapping that the tree and the places of the bones suggest; None if they do not.

    A rig may face anywhere and lie on any of its axes. Sides are told by where it faces: toes,
    knees, elbows and the head.
    """
    best = None
    for candidate in (without_driven(rig), rig) if rig.driven else (rig,):
        for tree in trees(candidate):
            found = _map(tree)
            if found is not None and (best is None or found.confidence > best.confidence):
                best = found
            if best is not None and not best.guessed:
                return best
    return best


def _map(tree: BoneTree) -> Mapping | None:
    """The mapping of a tree that stands upright."""
    ends = tree.ends()
    feet = _feet(tree, ends)
    if feet is None or _more_feet(tree, ends, feet):
        return None
    legs_from = tree.meeting(list(feet))
    lateral = _lateral(tree, feet, legs_from)
    pelvis = _pelvis(tree, feet, legs_from)
    places = (tree.heads - pelvis) @ np.stack([lateral, [0.0, 0.0, 1.0]], -1)
    aside = places[:, 0]
    size = _leg_size(tree, feet, legs_from)
    crown = _crown(tree, tree.below(_trunk(tree, legs_from, size)), aside)
    hips = tree.meeting([*feet, crown])
    if hips < 0 or crown in feet:
        return None
    leg_paths = [tree.path(foot, legs_from) for foot in feet]
    legs = _pair([_limbs(tree, path, _LEG, size, places) for path in leg_paths])
    if legs is None:
        return None
    ahead = _ahead_of_legs(tree, [leg.parts for leg in legs], leg_paths)
    hands = _hands(tree, ends, hips, feet, size, places, ahead)
    if hands is None:
        return None
    chest = tree.meeting(list(hands))
    spine = tree.path(chest, hips)
    arm_paths = [tree.path(hand, chest) for hand in hands]
    arms = _pair([_limbs(tree, path, _ARM, size, places) for path in arm_paths])
    if not spine or arms is None:
        return None
    bones: dict[str, tuple[str, ...]] = {}

    def name(part: str, *found: int) -> None:
        bones[part] = tuple(tree.rig.bones[bone] for bone in found)

    shoulders = np.mean([tree.heads[arm.parts["upper_arm"]] for arm in arms], axis=0)
    trunk = shoulders - pelvis
    above = (tree.heads - shoulders) @ unit(trunk)
    tall = np.sqrt(size * max(np.linalg.norm(trunk), 1e-9) / _ARM.above)
    # Arms may hang on the neck, as 3ds Max's do: the spine ends below the shoulders.
    low = [bone for bone in spine if above[bone] <= 0] or spine[:1]
    begun = spine[len(low) :]
    neck = _neck(tree, [hips, *spine], begun, arm_paths, aside, above, float(tall))
    if neck:
        spine, neck = low, [*begun, *neck]
    name("hips", hips)
    name("spine", *spine)
    if neck:
        name("head", neck[-1])
    if neck[:-1]:
        name("neck", *neck[:-1])
    ahead = ahead + _ahead_of_arms(tree, [arm.parts for arm in arms], neck)
    left = np.cross([0.0, 0.0, 1.0], ahead)
    for limbs, paths in ((legs, leg_paths), (arms, arm_paths)):
        where = [tree.heads[list(limb.parts.values())].mean(0) @ left for limb in limbs]
        sides = ("L", "R") if where[0] >= where[1] else ("R", "L")
        for limb, path, side in zip(limbs, paths, sides, strict=True):
            for part, bone in limb.parts.items():
                name(f"{part}.{side}", bone)
            _name_ends(tree, path, limb.parts, side, size, name)
    costs = [limb.cost for limb in (*legs, *arms)]
    told = min(1.0, float(np.linalg.norm(ahead)) / (_TOLD * size))
    confidence = np.clip(1 - np.mean(costs) / _TOO_BAD, 0.0, 0.9) * (0.5 + 0.5 * told)
    mapping = Mapping(bones, preset="structure", confidence=round(float(confidence), 3))
    return None if mapping.missing or confidence == 0 else mapping


def _name_ends(
    tree: BoneTree, path: list[int], parts: dict[str, int], side: str, size: float, name
) -> None:
    """The collar bone before an arm; the toe after a foot, if it is no bone of the instep."""
    if "upper_arm" in parts:
        before = path[: path.index(parts["upper_arm"])]
        if before:
            name(f"shoulder.{side}", before[0])
    elif "foot" in parts:
        after = path[path.index(parts["foot"]) + 1 :]
        far = [bone for bone in after if _apart(tree, parts["foot"], bone) > _INSTEP * size]
        if after:
            name(f"toe.{side}", (far or after)[0])


def _crown(tree: BoneTree, bones: Iterable[int], aside: np.ndarray) -> int:
    """Of some bones, the highest near the middle."""
    tops = np.maximum(tree.tails[:, 2], tree.heads[:, 2]) - abs(aside)
    return max(bones, key=lambda bone: float(tops[bone]))


def _feet(tree: BoneTree, ends: list[int]) -> tuple[int, int] | None:
    """The two ends of the tree that are lowest and on different branches, best a mirrored pair."""
    if len(ends) < 2:
        return None
    heights = np.array([min(tree.heads[b, 2], tree.tails[b, 2]) for b in ends])
    tall = max(np.ptp(np.concatenate([tree.heads[:, 2], tree.tails[:, 2]])), 1e-9)
    middle = np.median(tree.heads[:, :2], axis=0)
    # A foot is not alone: one lower is a sword's, a footprint's.
    floor = np.sort(heights)[1]
    above = dict(zip(ends, (heights - floor) / tall, strict=True))
    low = [b for b in ends if above[b] < 0.1]
    best: tuple[float, tuple[int, int]] | None = None
    for a, b in combinations(low, 2):
        meeting = tree.meeting([a, b])
        if meeting < 0 or _pelvis(tree, (a, b), meeting)[2] < floor + 0.25 * tall:
            continue
        depth = len(tree.path(a, meeting)) + len(tree.path(b, meeting))
        uneven = abs(len(tree.path(a, meeting)) - len(tree.path(b, meeting)))
        centre = 0.5 * (tree.heads[a] + tree.heads[b])[:2]
        lopsided = abs((centre - middle) @ unit((tree.heads[a] - tree.heads[b])[:2])) / tall
        tips = [np.linalg.norm((tree.tails[b] - tree.heads[meeting])[:2]) for b in (a, b)]
        high = max(above[a] + above[b] - _TOES, 0.0)
        score = uneven + 5 * lopsided - 0.1 * depth - 3 * min(tips) / tall + 3 * high
        if best is None or score < best[0]:
            best = score, (a, b)
    return None if best is None else best[1]


def _more_feet(tree: BoneTree, ends: list[int], feet: tuple[int, int]) -> bool:
    """Whether another pair of limbs stands as low, a good way before or behind: an animal's."""
    legs_from = tree.meeting(list(feet))
    size = _leg_size(tree, feet, legs_from)
    lateral = _lateral(tree, feet, legs_from)
    ahead = np.cross(lateral, [0.0, 0.0, 1.0])
    floor = max(tree.heads[foot, 2] for foot in feet) + _STANDS * size
    others = [b for b in ends if tree.heads[b, 2] < floor]
    away = tree.heads[others] - 0.5 * (tree.heads[feet[0]] + tree.heads[feet[1]])
    sides = np.sign(away @ lateral)[abs(away @ ahead) > _STRIDE * size]
    return {-1.0, 1.0} <= set(sides)


def _lateral(tree: BoneTree, feet: tuple[int, int], legs_from: int) -> np.ndarray:
    """The level direction from the second leg to the first, taken where they are first apart."""
    paths = (tree.path(foot, legs_from) for foot in feet)
    pairs = zip(*paths, strict=False)
    apart = [(tree.heads[one] - tree.heads[other]) * [1.0, 1.0, 0.0] for one, other in pairs]
    wide = min(
        0.5 * max(np.linalg.norm(step) for step in apart),
        _LEG.aside * _leg_size(tree, feet, legs_from),
    )
    return unit(next(step for step in apart if np.linalg.norm(step) >= wide))


def _hands(
    tree: BoneTree,
    ends: list[int],
    hips: int,
    feet: tuple[int, int],
    size: float,
    places: np.ndarray,
    ahead: np.ndarray,
) -> tuple[int, int] | None:
    """The pair of ends of the tree, one on either side, that most look like arms."""
    legs = {bone for foot in feet for bone in tree.path(foot, hips)}
    upper = [b for b in ends if b in set(tree.below(hips)) and not legs & set(tree.path(b, hips))]
    aside = places[:, 0] - places[hips, 0]
    side = {end: max(aside[tree.path(end, hips)], key=abs) for end in upper}
    costs: dict[tuple[int, int], float] = {}

    def cost(end: int, chest: int) -> float:
        if (end, chest) not in costs:
            choices = _limbs(tree, tree.path(end, chest), _ARM, size, places)
            costs[end, chest] = np.inf
            if choices:
                raised = _raised(tree, choices[0].parts, ahead, size)
                costs[end, chest] = choices[0].cost + raised
        return costs[end, chest]

    best: tuple[float, tuple[int, int] | None] = (np.inf, None)
    for one in (end for end in upper if side[end] > 0.1 * size):
        for other in (end for end in upper if side[end] < -0.1 * size):
            apart = abs(aside[one] + aside[other]) + abs(tree.heads[one, 2] - tree.heads[other, 2])
            if apart > 0.5 * size:
                continue
            chest = tree.meeting([one, other])
            unlike = cost(one, chest) + cost(other, chest) + apart / size
            if unlike < best[0]:
                best = unlike, (one, other)
    return best[1]


def _raised(tree: BoneTree, arm: dict[str, int], ahead: np.ndarray, size: float) -> float:
    """How far an arm is up or back, more than arms are at rest: wings are."""
    first, last = (list(arm.values())[i] for i in (0, -1))
    along = unit(tree.heads[last] - tree.heads[first])
    faces = ahead / (_TOLD * size)
    back = -along @ faces / max(1.0, float(np.linalg.norm(faces)))
    return _RAISED_WEIGHT * (max(along[2] - _RAISED, 0.0) + max(back - _RAISED, 0.0))


def _leg_size(tree: BoneTree, feet: tuple[int, int], legs_from: int) -> float:
    """A leg's length: how high the hips are, or how far it is along a leg that rests bent."""
    low = min(tree.heads[foot, 2] for foot in feet)
    paths = [tree.heads[tree.path(foot, legs_from)] for foot in feet]
    along = [np.linalg.norm(np.diff(path, axis=0), axis=-1).sum() for path in paths]
    high = float(_pelvis(tree, feet, legs_from)[2])
    return max(high - low, _TO_ANKLE * min(along), 1e-9)


def _pelvis(tree: BoneTree, feet: tuple[int, int], legs_from: int) -> np.ndarray:
    """(3,) where the legs hang from; where they begin, if that is a root farther down."""
    hung = tree.heads[legs_from]
    begin = tree.heads[[tree.path(foot, legs_from)[0] for foot in feet]].mean(0)
    knees = 0.5 * (begin[2] + min(tree.heads[foot, 2] for foot in feet))
    return hung if hung[2] > knees else begin


def _trunk(tree: BoneTree, legs_from: int, size: float) -> int:
    """The uppermost bone of the tree that is not much lower than where the legs hang: no root."""
    bone = legs_from
    lowest = tree.heads[legs_from, 2] - 0.5 * size
    while (parent := int(tree.rig.parents[bone])) >= 0 and tree.heads[parent, 2] > lowest:
        bone = parent
    return bone


def _ahead_of_legs(
    tree: BoneTree, legs: list[dict[str, int]], paths: list[list[int]]
) -> np.ndarray:
    """Level, about as long as feet are: feet point forward and knees rest bent a little."""
    ahead = np.zeros(3)
    for leg, path in zip(legs, paths, strict=True):
        ahead += _bend(tree, leg, "thigh", "shin", "foot")
        if "foot" in leg:
            foot = tree.heads[leg["foot"]]
            after = path[path.index(leg["foot"]) + 1 :]
            step = (tree.heads[after[0]] if after else tree.tails[leg["foot"]]) - foot
            level = step * [1.0, 1.0, 0.0]
            # A shin that goes on, as tails that importers make up do, is no foot.
            pointed = np.linalg.norm(level) > 0.5 * np.linalg.norm(step)
            ahead += level if pointed else 0.0
    return ahead


def _ahead_of_arms(tree: BoneTree, arms: list[dict[str, int]], neck: list[int]) -> np.ndarray:
    """Level: elbows rest bent a little, a head is before its neck and a face before its head."""
    ahead = np.zeros(3)
    for arm in arms:
        ahead -= _bend(tree, arm, "upper_arm", "forearm", "hand")
    if len(neck) > 1:
        ahead = ahead + tree.heads[neck[-1]] - tree.heads[neck[0]]
    if neck:
        face = tree.heads[tree.below(neck[-1])] - tree.heads[neck[-1]]
        ahead = ahead + 0.5 * face.mean(0)
    return ahead * [1.0, 1.0, 0.0]


def _bend(tree: BoneTree, limb: dict[str, int], *names: str) -> np.ndarray:
    """Level, from the middle between a limb's ends to its knee or elbow, twice."""
    if not all(name in limb for name in names):
        return np.zeros(3)
    top, middle, end = (tree.heads[limb[name]] for name in names)
    way = end - top
    share = np.clip((middle - top) @ way / max(way @ way, 1e-18), 0.0, 1.0)
    return 2 * (middle - top - share * way) * [1.0, 1.0, 0.0]


def _limbs(
    tree: BoneTree, path: list[int], kind: _Limb, leg: float, places: np.ndarray
) -> list[_Choice]:
    """The bones at which the limb's three parts may begin, the likeliest first.

    Args:
        tree: the rig.
        path: bones of the limb, from the trunk to its end.
        kind: the limb that it may be.
        leg: a leg's length.
        places: (bones, 2) how far to the side and above the legs each bone begins.
    """
    names = list(kind.parts)
    if not 2 <= len(path) <= _MOST_BONES:
        return []
    joints = np.stack([*(tree.heads[b] for b in path), tree.tails[path[-1]]])
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)[:-1]
    reach = np.minimum(steps, _LONGEST * leg).sum()
    found = []
    for chosen in combinations(range(len(path)), min(len(path), len(names))):
        stations = joints[[*chosen, -1]]
        lengths = np.maximum(np.linalg.norm(np.diff(stations, axis=0), axis=-1), 1e-9)
        sizes = lengths / (np.array(list(kind.parts.values()))[: len(chosen)])
        first, second, last = *sizes[:2], np.clip(sizes[-1], sizes[-2] / 2, sizes[-2] * 2)
        aside, above = places[path[chosen[0]]] / leg
        high = np.clip(above / kind.above, 0.1, 2.0) if kind.above else 1.0
        size = leg * np.sqrt(max(high, 0.5))
        cover = (lengths[0] + lengths[1]) / max(reach, 1e-9) / kind.share
        away = max(abs(aside), 1e-3) / kind.aside
        cost = abs(np.log(first / second)) + _SIZE_WEIGHT * abs(np.log(max(cover, 1e-9)))
        cost += _SIZE_WEIGHT * (abs(np.log(first / size)) + abs(np.log(second / size)))
        cost += _ASIDE_WEIGHT * (abs(np.log(away)) + abs(np.log(high)))
        cost += _END_WEIGHT * abs(np.log(last / second))
        for i, j in pairwise(chosen):
            for k in range(i + 1, j):
                cost += _SKIPPED + _KINKED * _kink(joints[i], joints[k], joints[j])
                cost += _FORKED * (len(tree.children[path[k]]) > 1)
        parts = {n: path[i] for n, i in zip(names, chosen, strict=False)}
        found.append(_Choice(float(cost), parts, lengths))
    return sorted(found, key=lambda choice: choice.cost)


def _kink(start: np.ndarray, middle: np.ndarray, end: np.ndarray) -> float:
    """How far a point is off the straight way, as a share of it."""
    way = end - start
    length = max(float(np.linalg.norm(way)), 1e-9)
    return float(np.linalg.norm(np.cross(middle - start, way))) / length**2


def _pair(choices: list[list[_Choice]]) -> list[_Choice] | None:
    """One choice for each of two limbs: both likely, and alike."""

    def unlike(pair: tuple[_Choice, ...]) -> float:
        one, other = pair
        if len(one.parts) != len(other.parts):
            return one.cost + other.cost + _UNLIKE
        apart = np.abs(np.log(one.lengths / other.lengths))[:2].sum()
        return one.cost + other.cost + _UNLIKE * float(apart)

    pairs = list(product(*(limb[:_CHOICES] for limb in choices)))
    return list(min(pairs, key=unlike)) if pairs else None


def _neck(
    tree: BoneTree,
    spine: list[int],
    begun: list[int],
    arms: list[list[int]],
    aside: np.ndarray,
    above: np.ndarray,
    size: float,
) -> list[int]:
    """The bones of the neck, the head last: the one that begins where a head's joint is.

    Without those that it has `begun` with, which are among the spine's. They hang on the
    uppermost bone of the spine that has any; in control rigs not on the last.

    Args:
        tree: the rig.
        spine: its hips and spine.
        begun: bones of the neck that are among these.
        arms: each arm's bones.
        aside: how far to the side each bone begins.
        above: how far above the shoulders, along the trunk.
        size: of the body, as long as its leg should be.
    """
    others = {*spine, *(bone for path in arms for bone in tree.below(path[0]))}
    high = (above > 0.5 * _HEAD_JOINT * size) & (abs(aside) < _MIDDLE * size)
    for below in reversed(spine):
        bones = [bone for bone in tree.below(below) if high[bone] and bone not in others]
        if bones:
            break
    else:
        return []
    path = [bone for bone in tree.path(_crown(tree, bones, aside), below) if bone not in others]
    here: list[list[int]] = []
    for bone in path:
        if here and _apart(tree, here[-1][0], bone) <= _CLOSE * size:
            here[-1].append(bone)
        else:
            here.append([bone])
    first = [bones[0] for bones in here]
    heights = np.maximum(above[first], 1e-3 * size) / (_HEAD_JOINT * size)
    unlike = np.abs(np.log(heights))
    branches = [
        height > _NECK and any(len(tree.children[bone]) > 1 for bone in bones)
        for height, bones in zip(heights, here, strict=True)
    ]
    if any(branches):
        unlike = unlike[: branches.index(True) + 1]
    if any(branches) or (len(here) == 2 and not begun):
        unlike[-1] -= _BRANCHES
    head = first[int(np.argmin(unlike))]
    return path[: path.index(head) + 1]


def _apart(tree: BoneTree, one: int, other: int) -> float:
    return float(np.linalg.norm(tree.heads[one] - tree.heads[other]))
