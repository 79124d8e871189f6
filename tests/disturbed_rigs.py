"""Rigs in other poses and proportions, with bones too many or too few, mostly without names.

`disturbed` draws what is done to a rig; which bone plays which part is known from its own names.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lift_to_3d.retarget.mapping import Mapping
from lift_to_3d.retarget.rig import Rig
from lift_to_3d.retarget.rotation import from_vector, unit

from .rig_tools import at_rest_in, stretched, with_chain, without

_NEXT = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}
_GONE = {
    "toes": (0.15, ("toe.L", "toe.R")),
    "clavicles": (0.15, ("shoulder.L", "shoulder.R")),
    "neck": (0.15, ("neck",)),
}


class _Disturbed:
    """A rig on its way, in its own axes and units."""

    def __init__(self, rig: Rig, mapping: Mapping, random: np.random.Generator) -> None:
        self.rig, self.mapping, self.random = rig, mapping, random
        self.parts = {p: n for p, n in mapping.bones.items() if "_twist" not in p and p != "root"}
        self.done: list[str] = []
        self.to_rig = np.linalg.inv(rig.world[:3, :3])
        self.size = float(np.ptp((rig.rest[:, :3, 3] @ rig.world[:3, :3].T)[:, 2]))

    def chance(self, share: float, word: str) -> bool:
        """Whether to do it, and that it was done."""
        if self.random.random() >= share:
            return False
        self.done.append(word)
        return True

    def bone(self, part: str) -> str:
        return self.parts[part][0]

    def head(self, part: str) -> np.ndarray:
        return self.rig.rest[self.rig.bones.index(self.bone(part)), :3, 3]

    def way(self, x: float, y: float, z: float) -> np.ndarray:
        """A way as a share of the rig's height: world axes, in the rig's own."""
        return self.to_rig @ (self.size * np.array([x, y, z]))

    def chain(self, name: str, parent: str | None, start, step, count: int = 1) -> None:
        self.rig = with_chain(self.rig, name, parent, start, step, count)


def disturbed(
    rig: Rig, mapping: Mapping, random: np.random.Generator, named: bool = False
) -> tuple[Rig, dict[str, tuple[str, ...]], list[str]]:
    """The rig with what chance does to it, the bones of its parts, and words for what was done.

    Its bones lose their names, unless it is to stay `named`.
    """
    d = _Disturbed(rig, mapping, random)
    for change in (_pose, _proportions, _noise, _fewer_bones, _twist_bones, _extras, _roots, _axes):
        change(d)
    return (d.rig, d.parts, d.done) if named else _nameless(d)


def _pose(d: _Disturbed) -> None:
    if not d.chance(0.5, "pose"):
        return
    up = unit(d.to_rig[:, 2])
    left = d.head("thigh.L") - d.head("thigh.R")
    left = unit(left - left @ up * up)
    ahead = np.cross(left, up)
    down, apart = d.random.uniform(-0.2, 1.0), d.random.uniform(0, 0.15)
    angles = {}
    for side, sign in (("L", 1), ("R", -1)):
        arm = unit(d.head(f"forearm.{side}") - d.head(f"upper_arm.{side}"))
        angles[d.bone(f"upper_arm.{side}")] = sign * (np.arcsin(-arm @ up) - down) * ahead
        angles[d.bone(f"forearm.{side}")] = -abs(d.random.normal(0, 0.15)) * left
        angles[d.bone(f"thigh.{side}")] = sign * apart * ahead
    d.rig = at_rest_in(d.rig, angles)


def _proportions(d: _Disturbed) -> None:
    if d.chance(0.5, "proportions"):
        arms, legs = d.random.uniform(0.8, 1.25), d.random.uniform(0.75, 1.3)
        shares = {"upper_arm": arms, "forearm": arms, "thigh": legs, "shin": legs}
        d.rig = stretched(
            d.rig, {d.bone(f"{part}.{s}"): share for part, share in shares.items() for s in "LR"}
        )


def _noise(d: _Disturbed) -> None:
    if d.chance(0.3, "noise"):
        rest = d.rig.rest.copy()
        rest[:, :3, 3] += d.random.normal(0, 0.006 * d.size, (len(rest), 3)) @ d.to_rig.T
        d.rig = replace(d.rig, rest=rest)


def _fewer_bones(d: _Disturbed) -> None:
    gone: set[str] = set()
    for word, (share, parts) in _GONE.items():
        if all(part in d.parts for part in parts) and d.chance(share, f"no {word}"):
            gone |= {name for part in parts for name in d.parts.pop(part)}
    if "hand.L" in d.parts and d.chance(0.3, "no fingers"):
        hands = {d.bone("hand.L"), d.bone("hand.R")}
        below = set(hands)
        for bone, parent in zip(d.rig.bones, d.rig.parents, strict=True):
            if parent >= 0 and d.rig.bones[parent] in below:
                below.add(bone)
        gone |= below - hands
    d.rig = without(d.rig, *gone)


def _twist_bones(d: _Disturbed) -> None:
    if not d.chance(0.4, "twist bones"):
        return
    count = d.random.integers(1, 3)
    for side in "LR":
        for part, end in _NEXT.items():
            if f"{end}.{side}" in d.parts:
                start = d.head(f"{part}.{side}")
                step = 0.35 * (d.head(f"{end}.{side}") - start)
                for i in range(count):
                    bone = d.bone(f"{part}.{side}")
                    d.chain(f"twist {part}{side}{i} ", bone, start + (i + 1) * step, step)


def _extras(d: _Disturbed) -> None:
    hips, chest, head = d.bone("hips"), d.parts["spine"][-1], d.bone("head")
    middle, top, crown = d.head("hips"), d.rig.bones.index(chest), d.head("head")
    back = d.rig.rest[top, :3, 3]
    if d.chance(0.2, "tail"):
        d.chain("tail", hips, middle + d.way(0, 0.05, 0), d.way(0, 0.08, -0.05), 7)
    if d.chance(0.2, "skirt"):
        for i, angle in enumerate(np.arange(0, 2 * np.pi, np.pi / 4)):
            x, y = np.cos(angle), np.sin(angle)
            start = middle + d.way(0.08 * x, 0.08 * y, 0)
            d.chain(f"skirt{i} ", hips, start, d.way(0.02 * x, 0.02 * y, -0.12), 3)
    if d.chance(0.15, "wings"):
        for sign in (1, -1):
            start = back + d.way(0.03 * sign, 0.05, 0.05)
            d.chain(f"wing{sign} ", chest, start, d.way(0.2 * sign, 0.1, 0.1), 4)
    if "hand.R" in d.parts and d.chance(0.2, "sword"):
        d.chain("sword", d.bone("hand.R"), d.head("hand.R"), d.way(0, -0.6, 0))
    if d.chance(0.2, "cape"):
        d.chain("cape", chest, back + d.way(0, 0.08, 0.03), d.way(0, 0.01, -0.15), 4)
    if d.chance(0.3, "hair"):
        for i, angle in enumerate(d.random.uniform(0, 2 * np.pi, 6)):
            start = crown + d.way(0.05 * np.cos(angle), 0.05 * np.sin(angle), 0.08)
            d.chain(f"hair{i} ", head, start, d.way(0.01, 0.01, d.random.uniform(-0.06, 0.04)), 4)
    if d.chance(0.3, "face"):
        for i in range(20):
            place = d.random.uniform([-0.04, -0.08, 0.0], [0.04, -0.04, 0.08])
            d.chain(f"face{i} ", head, crown + d.way(*place), d.way(0, -0.01, 0))


def _roots(d: _Disturbed) -> None:
    if d.chance(0.3, "IK targets"):
        for side in "LR":
            for part in ("foot", "hand", "shin"):
                if f"{part}.{side}" in d.parts:
                    place = d.head(f"{part}.{side}")
                    d.chain(f"target {part}{side}", None, place, d.way(0, -0.06, 0))
    if d.chance(0.2, "prop"):
        d.chain("prop", None, d.head("hips") + d.way(0.6, 0, -0.3), d.way(0, 0, 0.3), 2)
    if d.chance(0.3, "root"):
        heads, hips = d.rig.rest[:, :3, 3] @ d.rig.world[:3, :3].T, d.head("hips")
        floor = d.rig.world[:3, :3] @ hips
        floor[2] = heads[:, 2].min()
        rest = np.eye(4)
        rest[:3, 3] = d.to_rig @ floor
        d.rig = replace(
            d.rig,
            bones=("a root", *d.rig.bones),
            parents=np.array([-1, *(parent + 1 for parent in d.rig.parents)]),
            rest=np.concatenate([rest[None], d.rig.rest]),
            lengths=np.append(0.1 * d.rig.lengths.max(), d.rig.lengths),
        )


def _axes(d: _Disturbed) -> None:
    """Bones as they were, rolled, or pointing anywhere; the whole turned and of another size."""
    rest, lengths, count = d.rig.rest.copy(), d.rig.lengths, len(d.rig.bones)
    kind = d.random.choice(["axes kept", "rolls", "stray axes"])
    d.done.append(str(kind))
    if kind == "rolls":
        rolls = d.random.uniform(0, 2 * np.pi, count)
        rest[:, :3, :3] = rest[:, :3, :3] @ from_vector(np.stack([0 * rolls, rolls, 0 * rolls], -1))
    if kind == "stray axes":
        rest[:, :3, :3] = from_vector(2 * d.random.normal(size=(count, 3)))
        lengths = np.full(count, 0.1 * np.median(lengths))
    world = d.rig.world.copy()
    heading = from_vector(np.array([0, 0, d.random.uniform(-np.pi, np.pi)]))
    world[:3, :3] = 10 ** d.random.uniform(-2, 2) * heading @ world[:3, :3]
    world[:3, 3] = d.random.normal(size=3)
    d.rig = replace(d.rig, rest=rest, lengths=lengths, world=world)


def _nameless(d: _Disturbed) -> tuple[Rig, dict[str, tuple[str, ...]], list[str]]:
    """Bones in another order, parents first, numbered."""
    rig, count = d.rig, len(d.rig.bones)
    depth = np.zeros(count, int)
    for bone, parent in enumerate(rig.parents):
        depth[bone] = depth[parent] + 1 if parent >= 0 else 0
    order = np.lexsort((d.random.random(count), depth))
    place = np.append(np.argsort(order), -1)
    names = {rig.bones[bone]: f"Bone.{place[bone]:03}" for bone in range(count)}
    nameless = replace(
        rig,
        bones=tuple(names[rig.bones[bone]] for bone in order),
        parents=place[rig.parents[order]],
        rest=rig.rest[order],
        lengths=rig.lengths[order],
    )
    there = {part: tuple(names[n] for n in bones) for part, bones in d.parts.items()}
    return nameless, there, d.done
