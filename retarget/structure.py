"""Mapping by shape, for rigs whose names say nothing: legs go down, arms to the sides.

The tree is cut where limbs part from the trunk; the joints of each limb are chosen among the bones
along it so that its parts are proportioned like a person's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

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
    """

    parts: dict[str, float]
    share: float
    aside: float


_ARM = _Limb({"upper_arm": 0.34, "forearm": 0.29, "hand": 0.20}, 0.64, 0.19)
_LEG = _Limb({"thigh": 0.50, "shin": 0.49, "foot": 0.17}, 0.83, 0.11)
_HEAD_TO_NECK = 1.9
"""Height from head joint to crown over that from neck base to head joint."""
_END_WEIGHT = 0.2
"""The last part counts for little: the last bone's length is often made up."""
_SIZE_WEIGHT, _ASIDE_WEIGHT = 0.5, 0.3
_SKIPPED = 0.1
"""For a bone between two joints of a limb that is none of its parts."""
_TOO_BAD = 2.5


@dataclass(frozen=True)
class _Tree:
    """A rig's bones as points: heads and tails (bones, 3) along left, up, forward or back."""

    rig: Rig
    children: list[list[int]]
    heads: np.ndarray
    tails: np.ndarray

    def below(self, bone: int) -> list[int]:
        """The bone and all under it."""
        found = [bone]
        for b in found:
            found.extend(self.children[b])
        return found

    def path(self, bone: int, top: int) -> list[int]:
        """The bones from below `top` down to `bone`."""
        path = []
        while bone not in (top, -1):
            path.append(bone)
            bone = int(self.rig.parents[bone])
        return path[::-1]

    def meeting(self, bones: list[int]) -> int:
        """The lowest bone in the tree above (or equal to) all of them, -1 if there is none."""
        lines = [[-1, *self.path(bone, -1)] for bone in bones]
        common = -1
        for step in zip(*lines, strict=False):
            if len(set(step)) > 1:
                break
            common = step[0]
        return common


def map_by_structure(rig: Rig) -> Mapping | None:
    """The mapping that the tree and the places of the bones suggest; None if they do not.

    Sides are told by where the toes point, so a rig may face anywhere as long as it is upright.
    """
    tree = _tree(rig)
    ends = [bone for bone in range(len(rig.bones)) if not tree.children[bone]]
    feet = _feet(tree, ends)
    if feet is None:
        return None
    legs_from = tree.meeting(list(feet))
    lateral = _lateral(tree, feet, legs_from)
    aside = (tree.heads - tree.heads[legs_from]) @ lateral
    tops = np.maximum(tree.tails[:, 2], tree.heads[:, 2])
    crown = int(np.argmax(tops - abs(aside)))
    hips = tree.meeting([*feet, crown])
    if hips < 0 or crown in feet:
        return None
    hands = _hands(tree, [end for end in ends if end != crown], hips, feet, lateral)
    if hands is None:
        return None
    chest = tree.meeting(list(hands))
    spine = tree.path(chest, hips)
    if not spine:
        return None
    size = _leg_size(tree, feet, hips)
    bones: dict[str, tuple[str, ...]] = {}
    costs = []

    def name(part: str, *found: int) -> None:
        bones[part] = tuple(rig.bones[bone] for bone in found)

    name("hips", hips)
    name("spine", *spine)
    _name_head(tree, chest, crown, hands, name)
    for leg, side in zip(feet, _sides(tree, feet, legs_from, lateral), strict=True):
        cost, found = _limb(tree, tree.path(leg, legs_from), _LEG, size, aside)
        costs.append(cost)
        for part, bone in found.items():
            name(f"{part}.{side}", bone)
        toes = tree.path(leg, found["foot"]) if "foot" in found else []
        if toes:
            name(f"toe.{side}", toes[0])
    left = lateral if _sides(tree, feet, legs_from, lateral)[0] == "L" else -lateral
    for arm in hands:
        path = tree.path(arm, chest)
        side = "L" if (tree.heads[path] - tree.heads[chest]).mean(0) @ left > 0 else "R"
        cost, found = _limb(tree, path, _ARM, size, aside)
        costs.append(cost)
        for part, bone in found.items():
            name(f"{part}.{side}", bone)
        before = path[: path.index(found["upper_arm"])] if "upper_arm" in found else []
        if before:
            name(f"shoulder.{side}", before[-1])
    confidence = float(np.clip(1 - np.mean(costs) / _TOO_BAD, 0.0, 0.9))
    mapping = Mapping(bones, preset="structure", confidence=round(confidence, 3))
    return None if mapping.missing or confidence == 0 else mapping


def _tree(rig: Rig) -> _Tree:
    world = rig.world
    children: list[list[int]] = [[] for _ in rig.bones]
    for bone, parent in enumerate(rig.parents):
        if parent >= 0:
            children[parent].append(bone)
    heads, tails = rig.rest[:, :3, 3], rig.tails
    return _Tree(rig, children, heads @ world[:3, :3].T, tails @ world[:3, :3].T)


def _feet(tree: _Tree, ends: list[int]) -> tuple[int, int] | None:
    """The two ends of the tree that are lowest and on different branches, best a mirrored pair."""
    heights = np.array([min(tree.heads[b, 2], tree.tails[b, 2]) for b in ends])
    tall = np.ptp(np.concatenate([tree.heads[:, 2], tree.tails[:, 2]]))
    middle = np.median(tree.heads[:, :2], axis=0)
    low = [b for b, h in zip(ends, heights, strict=True) if h < heights.min() + 0.12 * tall]
    best: tuple[float, tuple[int, int]] | None = None
    for a, b in combinations(low, 2):
        meeting = tree.meeting([a, b])
        if meeting < 0 or tree.heads[meeting, 2] < heights.min() + 0.25 * tall:
            continue
        depth = len(tree.path(a, meeting)) + len(tree.path(b, meeting))
        uneven = abs(len(tree.path(a, meeting)) - len(tree.path(b, meeting)))
        centre = 0.5 * (tree.heads[a] + tree.heads[b])[:2]
        lopsided = abs((centre - middle) @ unit((tree.heads[a] - tree.heads[b])[:2])) / tall
        tips = [np.linalg.norm((tree.tails[b] - tree.heads[meeting])[:2]) for b in (a, b)]
        score = uneven + 5 * lopsided - 0.1 * depth - 3 * min(tips) / tall
        if best is None or score < best[0]:
            best = score, (a, b)
    return None if best is None else best[1]


def _lateral(tree: _Tree, feet: tuple[int, int], legs_from: int) -> np.ndarray:
    """The level direction from the second leg to the first, taken where they are first apart."""
    paths = (tree.path(foot, legs_from) for foot in feet)
    pairs = zip(*paths, strict=False)
    apart = [(tree.heads[one] - tree.heads[other]) * [1.0, 1.0, 0.0] for one, other in pairs]
    widest = max(np.linalg.norm(step) for step in apart)
    return unit(next(step for step in apart if np.linalg.norm(step) >= 0.5 * widest))


def _hands(
    tree: _Tree, ends: list[int], hips: int, feet: tuple[int, int], lateral: np.ndarray
) -> tuple[int, int] | None:
    """The pair of ends of the tree, one on either side, that most look like arms."""
    legs = {bone for foot in feet for bone in tree.path(foot, hips)}
    upper = [b for b in ends if b in set(tree.below(hips)) and not legs & set(tree.path(b, hips))]
    size = _leg_size(tree, feet, hips)
    aside = (tree.heads - tree.heads[hips]) @ lateral
    side = {end: max(aside[tree.path(end, hips)], key=abs) for end in upper}
    costs: dict[tuple[int, int], float] = {}

    def cost(end: int, chest: int) -> float:
        if (end, chest) not in costs:
            costs[end, chest] = _limb(tree, tree.path(end, chest), _ARM, size, aside)[0]
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


def _leg_size(tree: _Tree, feet: tuple[int, int], hips: int) -> float:
    low = min(tree.heads[foot, 2] for foot in feet)
    return max(float(tree.heads[hips, 2] - low), 1e-9)


def _sides(
    tree: _Tree, feet: tuple[int, int], legs_from: int, lateral: np.ndarray
) -> tuple[str, str]:
    """ "L" and "R" for the two feet: feet point forward, and left is where forward says.

    Where a rig has no toes its knees, which rest bent a little, tell as much.
    """
    forward = np.zeros(3)
    for foot in feet:
        path = tree.path(foot, legs_from)
        points = np.stack([*(tree.heads[b] for b in path), tree.tails[foot]])
        low = points[points[:, 2] < points[:, 2].min() + 0.3 * np.ptp(points[:, 2])]
        high = points[points[:, 2] >= low[0, 2]]
        forward += low[-1] - low[0] + 2 * (high.mean(0) - 0.5 * (high[0] + high[-1]))
    left = np.cross([0.0, 0.0, 1.0], forward)
    return ("L", "R") if left @ lateral >= 0 else ("R", "L")


def _limb(
    tree: _Tree, path: list[int], kind: _Limb, size: float, aside: np.ndarray
) -> tuple[float, dict[str, int]]:
    """The bones at which the limb's three parts begin, and how unlike a person's they are.

    Args:
        tree: the rig.
        path: bones of the limb, from the trunk to its end.
        kind: the limb that it may be.
        size: a leg's length.
        aside: (bones,) how far to the side each bone begins.
    """
    names = list(kind.parts)
    if len(path) < 2:
        return 2 * _TOO_BAD, {}
    joints = np.stack([*(tree.heads[b] for b in path), tree.tails[path[-1]]])
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    reach = np.concatenate([[0.0], np.cumsum(steps)])
    total = reach[-2]
    best: tuple[float, dict[str, int]] = (2 * _TOO_BAD, {})
    for chosen in combinations(range(len(path)), min(len(path), len(names))):
        lengths = np.linalg.norm(np.diff(joints[[*chosen, -1]], axis=0), axis=-1)
        sizes = np.maximum(lengths, 1e-9) / (np.array(list(kind.parts.values()))[: len(chosen)])
        first, second, last = *sizes[:2], sizes[-1]
        cover = (lengths[0] + lengths[1]) / max(total, 1e-9) / kind.share
        away = max(abs(aside[path[chosen[0]]]), 1e-3 * size) / size / kind.aside
        cost = abs(np.log(first / second)) + _SIZE_WEIGHT * abs(np.log(max(cover, 1e-9)))
        cost += _SIZE_WEIGHT * (abs(np.log(first / size)) + abs(np.log(second / size)))
        cost += _ASIDE_WEIGHT * abs(np.log(away)) + _END_WEIGHT * abs(np.log(last / second))
        cost += _SKIPPED * (chosen[-1] - chosen[0] + 1 - len(chosen))
        if cost < best[0]:
            best = float(cost), {n: path[i] for n, i in zip(names, chosen, strict=False)}
    return best


def _name_head(tree: _Tree, chest: int, crown: int, hands: tuple[int, int], name) -> None:
    """The neck and head: above the chest, the head where a head's joint is."""
    arms = {bone for hand in hands for bone in tree.path(hand, chest)}
    path = [bone for bone in tree.path(crown, chest) if bone not in arms]
    if not path:
        return
    heights = tree.heads[path, 2]
    tops = (tree.tails[crown, 2], heights[-1])

    def unlike(i: int) -> float:
        neck = max(heights[i] - heights[0], 1e-9)
        return min(abs(np.log(max(top - heights[i], 1e-9) / neck / _HEAD_TO_NECK)) for top in tops)

    at = min(range(1, len(path)), key=unlike) if len(path) > 1 else 0
    name("head", path[at])
    if at:
        name("neck", *path[:at])
