"""Which of a rig's bones is which: by the names that tools give, by words, else by shape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np

from .chain import line_above
from .mapping import REQUIRED, Mapping
from .presets import Preset, is_chain, presets
from .rig import Rig
from .rotation import unit
from .structure import map_by_structure
from .words import are_told_apart, map_by_words, side_of

_SEPARATORS = re.compile(r"[ _.\-]+")
_OTHER = {".L": ".R", ".R": ".L"}
_LEG = ("thigh", "shin", "foot", "toe")
_NAMESPACE = re.compile(r".*[:|]")
_UPRIGHT = 0.5
"""Cosine: a person's trunk goes on from the legs, an animal's is across them."""
_POINTING = 0.4
"""Cosine: so far toes point ahead, at least."""
_STRAIGHT = 0.01
"""How far a straight leg's knee is before it, at most, as a share."""
_BENT = 0.35
"""Sine: so far a bird's knee is bent backward, at least."""


def find_mapping(rig: Rig) -> Mapping:
    """The best guess at the rig's mapping, with its preset's name and a confidence.

    What the rig's file says goes before names, these before words in names, and words before
    shape. Always returns one; `mapping.check_mapping` says whether it is enough.
    """
    rig = rig.in_stance()
    found = _find(rig)
    if found.missing:
        return found
    body = _Posture(found, rig)
    if body.like_an_animal():
        return replace(found, against="rests with its trunk across its legs, as animals do")
    if body.like_a_bird():
        return replace(found, against="rests with its knees bent backward, as birds do")
    return _sides_exchanged(found) if body.faces_backward() else found


def stands(rig: Rig, mapping: Mapping) -> bool:
    """Whether a rig rests with its trunk going on from its legs."""
    return not mapping.missing and _Posture(mapping, rig).is_upright()


class _Posture:
    """A rig at rest, in armature space: unit vectors of the trunk and to the left.

    And how upright the trunk is in the world, as a cosine.
    """

    def __init__(self, mapping: Mapping, rig: Rig) -> None:
        heads = dict(zip(rig.bones, rig.rest[:, :3, 3], strict=True))
        self.at = {p: heads[names[0]] for p, names in mapping.bones.items() if names[0] in heads}
        tails = dict(zip(rig.bones, rig.tails, strict=True))
        ends = {f"foot.{side}": tails[mapping.bones[f"shin.{side}"][0]] for side in "LR"}
        self.at = ends | self.at
        self.has_toes = {"toe.L", "toe.R"} <= set(self.at)
        hips, shoulders = map(self._both, ("thigh", "upper_arm"))
        self.trunk = unit((shoulders - hips).mean(0))
        self.lean = float(unit(rig.world[:3, :3] @ self.trunk)[2])
        self.left = unit(hips[0] - hips[1] + shoulders[0] - shoulders[1])

    def like_an_animal(self) -> bool:
        """Whether the trunk is across legs that go the same way, and not upright above them.

        A person may rest crouched or seated. Skeletons of motion capture may rest with each bone
        along one axis: that says nothing.
        """
        return abs(self._legs_along_trunk()) < _UPRIGHT and self.lean < _UPRIGHT

    def is_upright(self) -> bool:
        """Whether the trunk goes on from legs that go the same way."""
        return self._legs_along_trunk() < -_UPRIGHT

    def _legs_along_trunk(self) -> float:
        """Cosine between the trunk and the legs; 1 where these go different ways."""
        legs = unit(self._both("foot") - self._both("thigh"))
        parallel = legs[0] @ legs[1] > _UPRIGHT
        return float(self.trunk @ unit(legs.mean(0))) if parallel else 1.0

    def like_a_bird(self) -> bool:
        """Whether toes point ahead of legs whose knees are bent the other way."""
        if not self.has_toes:
            return False
        hips, knees, ankles, toes = map(self._both, ("thigh", "shin", "foot", "toe"))
        ahead = unit(toes - ankles) @ np.cross(self.left, self.trunk)
        bent = np.cross(unit(knees - hips), unit(ankles - knees)) @ self.left
        return bool((np.abs(ahead) > _POINTING).all() and (bent * np.sign(ahead) < -_BENT).all())

    def faces_backward(self) -> bool:
        """Whether toes say that left and right are named as seen from before, and knees agree."""
        if not self.has_toes:
            return False
        hips, knees, ankles, toes = map(self._both, ("thigh", "shin", "foot", "toe"))
        backward = np.cross(self.trunk, self.left)
        bends = (knees - 0.5 * (hips + ankles)).mean(0) @ backward
        straight = _STRAIGHT * np.linalg.norm(ankles - hips)
        return bool((unit(toes - ankles) @ backward > _POINTING).all() and bends > -straight)

    def _both(self, part: str) -> np.ndarray:
        return np.stack([self.at[f"{part}.{side}"] for side in "LR"])


def _find(rig: Rig) -> Mapping:
    said = _said(rig)
    if not said.missing:
        return said
    ranks = {preset.name: preset.rank for preset in presets()}

    def fitness(mapping: Mapping) -> tuple[int, float, int]:
        rank = -1 if mapping.missing else ranks[mapping.preset]
        return rank, mapping.confidence, _bone_count(mapping)

    best = max((fit_preset(preset, rig) for preset in presets()), key=fitness)
    by_words = map_by_words(rig)
    if not best.missing:
        return _chest_of_neck(_filled(best, by_words), rig)
    by_shape = map_by_structure(rig)
    numbered = not by_words.missing and not are_told_apart(by_words)
    if numbered and by_shape is not None and not by_shape.guessed:
        return replace(_sided_by_names(by_shape), switches=_known_switches(rig))
    if not by_words.missing:
        whole = by_words if by_shape is None else _filled(by_words, by_shape)
        return replace(whole, switches=_known_switches(rig))
    if by_shape is None:
        return min(best, by_words, key=lambda mapping: len(mapping.missing))
    return replace(_sided_by_names(by_shape), switches=_known_switches(rig))


def _filled(mapping: Mapping, other: Mapping) -> Mapping:
    """A mapping by names with the bones that only the other one has, if both agree on the limbs.

    Control rigs are left alone: what their bones hang on says little.
    """
    if other.missing or mapping.follows or mapping.copies or mapping.carrier:
        return mapping
    limbs = [part for part in REQUIRED if not is_chain(part) and part != "hips"]
    if any(mapping.bones[part] != other.bones[part] for part in limbs):
        return mapping
    bones = dict(mapping.bones)
    for part, names in other.bones.items():
        taken = {name for own, them in bones.items() if own != part for name in them}
        if set(names) >= set(bones.get(part, ())) and not taken & set(names):
            bones[part] = names
    return replace(mapping, bones=bones)


def _chest_of_neck(mapping: Mapping, rig: Rig) -> Mapping:
    """Bones of a preset's neck that both arms hang on, below the shoulders, belong to the spine.

    MPFB's rig for Rigify has one bone more in its spine than Rigify's own, and numbers all alike.
    """
    arms = [rig.bones.index(mapping.bones[f"upper_arm.{side}"][0]) for side in "LR"]
    heads, shoulders = rig.rest[:, :3, 3], rig.rest[arms, :3, 3].mean(0)
    up = unit(shoulders - heads[rig.bones.index(mapping.bones["hips"][0])])
    both = set.intersection(*(set(line_above(arm, rig.parents)) for arm in arms))
    neck = [rig.bones.index(name) for name in mapping.bones.get("neck", ())]
    low = [bone for bone in neck if bone in both and (heads[bone] - shoulders) @ up < 0]
    if not low:
        return mapping
    more = tuple(rig.bones[bone] for bone in low)
    rest = tuple(rig.bones[bone] for bone in neck if bone not in low)
    return replace(
        mapping, bones=mapping.bones | {"spine": mapping.bones["spine"] + more, "neck": rest}
    )


def _known_switches(rig: Rig) -> dict[str, dict[str, float]]:
    """The custom properties of a rig's bones that some preset sets, as that does."""
    values = {
        name: value
        for preset in presets()
        for options in preset.switches.values()
        for name, value in options.items()
    }
    switches = {
        bone: {name: values[name] for name in names if name in values}
        for bone, names in rig.options.items()
    }
    return {bone: options for bone, options in switches.items() if options}


def _said(rig: Rig) -> Mapping:
    """The mapping of a rig whose file names its human bones."""
    vrm = next(preset for preset in presets() if preset.name == "vrm")
    there = {bone: name for bone, name in rig.humanoid.items() if name in rig.bones}
    bones: dict[str, tuple[str, ...]] = {}
    for part, names in vrm.bones.items():
        found = tuple(there[name] for name in names if name in there)
        if found:
            bones[part] = found if is_chain(part) else found[:1]
    return Mapping(bones, preset=vrm.name)


def _sided_by_names(mapping: Mapping) -> Mapping:
    """Left and right exchanged where the bones' names say that they are the other way round.

    Arms and legs each by themselves: whoever rests in a fighter's stance may have crossed them.
    """
    votes = {True: 0, False: 0}
    for part, names in mapping.bones.items():
        if part[-2:] in _OTHER:
            sides = [side_of(name) for name in names]
            vote = ("L" in sides) - ("R" in sides)
            votes[part.startswith(_LEG)] += vote if part.endswith(".L") else -vote
    bones = {
        _across(part) if votes[part.startswith(_LEG)] < 0 else part: names
        for part, names in mapping.bones.items()
    }
    return replace(mapping, bones=bones)


def _across(part: str) -> str:
    return part[:-2] + _OTHER.get(part[-2:], part[-2:])


def _sides_exchanged(mapping: Mapping) -> Mapping:
    return replace(mapping, bones={_across(part): n for part, n in mapping.bones.items()})


def fit_preset(preset: Preset, rig: Rig) -> Mapping:
    """The preset's names as far as the rig has them, whatever stands before them all.

    Names are compared without regard to case, namespaces and kinds of separators.
    """
    spaces = dict.fromkeys(_space(name) for name in rig.bones)
    fits = []
    for space in spaces:
        bones = {_plain(name): name for name in reversed(rig.bones) if _space(name) == space}
        fits += [_fit(preset, bones, prefix) for prefix in sorted(_prefixes(preset, bones))]
    best = max(fits, key=lambda mapping: (mapping.confidence, _bone_count(mapping)))
    return replace(best, bones=_limbs_from_their_tops(best.bones, rig))


@cache
def _space(name: str) -> str:
    """The namespace before a bone's name: one of several characters in one armature."""
    space = _NAMESPACE.match(name)
    return space[0] if space else ""


def _prefixes(preset: Preset, bones: Iterable[str]) -> set[str]:
    """What stands before a preset's name of the hips, nothing among it."""
    hips = [_plain(name) for name in preset.bones["hips"]]
    before = {name[: len(name) - len(hip)] for name in bones for hip in hips if name.endswith(hip)}
    return {""} | {prefix for prefix in before if prefix.endswith("_")}


def _limbs_from_their_tops(
    parts: dict[str, tuple[str, ...]], rig: Rig
) -> dict[str, tuple[str, ...]]:
    """Where a limb's bone hangs on twist bones of its own, the limb begins with these."""
    parts = dict(parts)
    for part in [part for part in parts if "_twist." in part]:
        limb = part.replace("_twist", "")
        if limb not in parts:
            continue
        above, bone = [], int(rig.parents[rig.bones.index(parts[limb][0])])
        while bone >= 0 and rig.bones[bone] in parts[part]:
            above.insert(0, rig.bones[bone])
            bone = int(rig.parents[bone])
        if above:
            others = (name for name in parts[part] if name not in above)
            parts[part] = (*above[1:], *parts[limb], *others)
            parts[limb] = (above[0],)
    return parts


@cache
def _plain(name: str) -> str:
    return _SEPARATORS.sub("_", _NAMESPACE.sub("", name)).casefold()


def _bone_count(mapping: Mapping) -> int:
    return sum(len(names) for names in mapping.bones.values())


def _fit(preset: Preset, bones: dict[str, str], prefix: str) -> Mapping:
    found: dict[str, tuple[str, ...]] = {}
    for part, candidates in preset.bones.items():
        present = (bones.get(prefix + _plain(name)) for name in candidates)
        names = tuple(dict.fromkeys(name for name in present if name))
        if names:
            found[part] = names if is_chain(part) else names[:1]
    counted = [part for part in preset.bones if not part.partition(".")[0].endswith("_twist")]
    complete = sum(part in found for part in counted) / len(counted)
    required = sum(part in found for part in REQUIRED) / len(REQUIRED)
    mapped = {name for names in found.values() for name in names}
    copies = {
        bone: other
        for bone, other in preset.copies.items()
        if bone in bones.values() and other in mapped
    }
    return Mapping(
        bones=found,
        preset=preset.name,
        confidence=round(required * complete, 3),
        switches={bone: v for bone, v in preset.switches.items() if bone in bones.values()},
        follows={bone: v for bone, v in preset.follows.items() if bone in mapped | set(copies)},
        carrier=preset.carrier if preset.carrier in mapped else None,
        copies=copies,
        hinges=preset.hinges,
    )
