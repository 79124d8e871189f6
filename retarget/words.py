"""Mapping by the words in bones' names, for rigs of makers whose names no preset knows.

A limb is a line of bones of one side whose words go down it as a person's do: collar, arm, elbow,
wrist. What lies between the limbs is told by the tree, so neither pose nor axes matter.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from .bone_tree import without_driven
from .chain import line_above
from .mapping import REQUIRED, Mapping
from .rig import Rig

_FILE = Path(__file__).resolve().parents[1] / "presets" / "bone_words.json"
_NAMESPACE = re.compile(r".*[:|]")
_WORD = re.compile(r"[左右]|[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+")
_EACH_WORD_MORE = 0.01
"""For a word that says nothing: of two bones alike the one that is named more plainly is taken."""


@dataclass(frozen=True)
class _Words:
    """The words of `presets/bone_words.json`, all without accents.

    Attributes:
        sides: words for left and right; then those that count where these say nothing.
        upper: words before or after "arm" and "leg".
        lower: likewise.
        beside: words of bones that go along with a limb, or with an animal's.
        head: words for the head.
        neck: for the neck.
        root: for a bone that carries all.
        limbs: of an arm and of a leg, the parts from the body outward, and how well a word names
            each.
    """

    sides: tuple[tuple[frozenset[str], frozenset[str]], ...]
    upper: frozenset[str]
    lower: frozenset[str]
    beside: frozenset[str]
    head: frozenset[str]
    neck: frozenset[str]
    root: frozenset[str]
    limbs: tuple[dict[str, dict[str, float]], ...]

    @cached_property
    def of_sides(self) -> list[str]:
        """Words for left and right that may run into others, the longest first."""
        return sorted(frozenset().union(*self.sides[0]), key=len, reverse=True)

    @cached_property
    def of_bodies(self) -> frozenset[str]:
        """Words of parts of the body, but for single letters."""
        limbs = (words for limb in self.limbs for words in limb.values())
        joined = frozenset().union(self.head, self.upper, self.lower, *limbs)
        return frozenset(word for word in joined if len(word) > 1 or not word.isascii())

    @cached_property
    def known(self) -> frozenset[str]:
        """All but those for sides."""
        return self.of_bodies | self.upper | self.lower | self.beside


@cache
def _table() -> _Words:
    data = json.loads(_FILE.read_text(encoding="utf-8"))

    def words(key: str) -> frozenset[str]:
        return frozenset(map(_without_accents, data[key]))

    weak = " where nothing else says so"
    return _Words(
        sides=((words("left"), words("right")), (words(f"left{weak}"), words(f"right{weak}"))),
        upper=words("upper"),
        lower=words("lower"),
        beside=words("beside a limb"),
        head=words("head"),
        neck=words("neck"),
        root=words("root"),
        limbs=tuple(
            {
                part: {
                    _without_accents(word): float(score)
                    for score, names in told.items()
                    for word in names
                }
                for part, told in data[limb].items()
            }
            for limb in ("arm", "leg")
        ),
    )


def _without_accents(word: str) -> str:
    """Nor with wide letters."""
    letters = unicodedata.normalize("NFKD", word)
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", kept)


_ACROSS = {"L": "R", "R": "L"}
_TOPS = {
    "arms": ("shoulder.L", "upper_arm.L", "shoulder.R", "upper_arm.R"),
    "legs": ("thigh.L", "thigh.R"),
}
_IN_A_ROW = (("upper_arm", "forearm"), ("thigh", "shin"))
_SURE = 0.9
_OPTIONAL = 10
"""Parts besides the required ones that a whole body has: neck, head, and those of the limbs."""


def side_of(name: str) -> str | None:
    """ "L" or "R" where a bone's name has a word for it."""
    words = set(words_of(name))
    for lefts, rights in _table().sides:
        left, right = bool(words & lefts), bool(words & rights)
        if left or right:
            return None if left == right else "L" if left else "R"
    return None


@cache
def words_of(name: str) -> tuple[str, ...]:
    """ "Upper_ArmLeft.001" as upper, arm, left; so is "upperarmleft"."""
    words = _WORD.findall(_without_accents(_NAMESPACE.sub("", name)))
    return tuple(part for word in words for part in _parts(word.casefold()))


def _parts(word: str) -> tuple[str, ...]:
    """A word that is several known ones run together, as those."""
    table = _table()
    if word not in table.known:
        for side in table.of_sides:
            for rest in (word.removeprefix(side), word.removesuffix(side)):
                if rest != word and (inner := _parts(rest)) and set(inner) <= table.known:
                    return side, *inner
        for end in range(len(word) - 1, 0, -1):
            if word[:end] in table.of_bodies and word[end:] in table.of_bodies:
                return word[:end], word[end:]
    return (word,)


def map_by_words(rig: Rig) -> Mapping:
    """The mapping that the words in the bones' names suggest, as far as they go.

    Where constraints move bones, those that they leave alone are looked at first.
    """
    candidates = (without_driven(rig), rig) if rig.driven else (rig,)
    found = [_map(candidate, lines) for candidate in candidates for lines in _trees(candidate)]
    best = max(found, key=lambda mapping: (-len(mapping.missing), mapping.confidence))
    if not best.missing:
        return best
    known = {part: names for mapping in found for part, names in mapping.bones.items()}
    together = replace(best, bones=known | best.bones)
    return together if together.missing else best


def are_told_apart(mapping: Mapping) -> bool:
    """Whether words tell an arm from a forearm and a thigh from a shin, and not numbers alone."""
    pairs = [(f"{a}.{s}", f"{b}.{s}") for a, b in _IN_A_ROW for s in "LR"]
    return all(
        words_of(mapping.bones[one][0]) != words_of(mapping.bones[other][0]) for one, other in pairs
    )


def _trees(rig: Rig) -> list[dict[int, list[int]]]:
    """Of each tree, its bones with the lines from its top down to them."""
    trees: dict[int, dict[int, list[int]]] = {}
    for bone in range(len(rig.bones)):
        line = [*reversed(line_above(bone, rig.parents)), bone]
        trees.setdefault(line[0], {})[bone] = line
    return list(trees.values())


def _map(rig: Rig, lines: dict[int, list[int]]) -> Mapping:
    """The mapping of one tree, as far as its words go."""
    limbs = {}
    for parts in _table().limbs:
        for side in "LR":
            limb = _limb(rig, lines, parts, side)
            limbs |= {f"{part}.{side}": bone for part, bone in limb.items()}
    both = {part: bone for part, bone in limbs.items() if part[:-1] + _ACROSS[part[-1]] in limbs}
    tops = {limb: [both[p] for p in parts if p in both] for limb, parts in _TOPS.items()}
    if not all(tops.values()):
        return Mapping({part: (rig.bones[bone],) for part, bone in limbs.items()}, "words", 0.0)
    hips = _meeting([lines[b] for bones in tops.values() for b in bones])
    chest = _meeting([lines[b] for b in tops["arms"]])
    spine = [b for b in lines[chest] if b not in lines[hips]]
    heads = [b for b in lines if side_of(rig.bones[b]) is None and _is_head(rig.bones[b])]
    heads = [b for b in heads if hips in lines[b] and not set(lines[b]) & set(both.values())]
    neck: list[int] = []
    if heads:
        neck = [b for b in lines[min(heads, key=lambda b: len(lines[b]))] if b not in lines[hips]]
    above = [b for b in neck if b not in spine]
    while (
        len(spine) > 1 and spine[-1] in neck and _table().neck & set(words_of(rig.bones[spine[-1]]))
    ):
        above.insert(0, spine.pop())
    root = lines[hips][0]
    trunk = {"hips": [hips], "spine": spine, "neck": above[:-1], "head": above[-1:]}
    if root != hips and _table().root & set(words_of(rig.bones[root])):
        trunk["root"] = [root]
    trunk |= {part: [bone] for part, bone in both.items()}
    bones = {part: tuple(rig.bones[b] for b in found) for part, found in trunk.items() if found}
    told = len(set(bones) - {"root"} - set(REQUIRED)) / _OPTIONAL
    return Mapping(bones, preset="words", confidence=round(_SURE * (0.75 + 0.25 * told), 3))


def _meeting(lines: list[list[int]]) -> int:
    """The lowest bone on all lines, of those that are not their ends."""
    common = set(lines[0]).intersection(*lines[1:]) - {line[-1] for line in lines}
    return max(common, key=lines[0].index, default=lines[0][0])


def _limb(
    rig: Rig, lines: dict[int, list[int]], parts: dict[str, dict[str, float]], side: str
) -> dict[str, int]:
    """The bones of a limb: on one line of the tree, the best that their words make.

    A foot or a hand may also hang elsewhere, as in rigs that are moved by their ends.
    """
    order = list(parts)
    best: dict[tuple[int, int], _Line] = {}
    for bone in sorted(lines, key=lambda b: len(lines[b])):
        for part, score in _scores(rig.bones[bone], parts, side):
            k = order.index(part)
            before = [best[b, j] for b in lines[bone][:-1] for j in range(k) if (b, j) in best]
            above = max(before, key=_worth, default=_Line(0, 0.0, {}))
            needed = above.needed + (f"{part}.{side}" in REQUIRED)
            best[bone, k] = _Line(needed, above.score + score, above.bones | {part: bone})
    limb = max(best.values(), key=_worth, default=_Line(0, 0.0, {})).bones
    for end in {"hand", "foot"} & set(parts) - set(limb):
        loose = [b for b, k in best if order[k] == end and best[b, k].bones == {end: b}]
        loose = [b for b in loose if not any(_in_limb(rig.bones[a]) for a in lines[b][:-1])]
        if len(loose) == 1:
            limb = limb | {end: loose[0]}
    return limb


def _in_limb(name: str) -> bool:
    parts = {part: words for limb in _table().limbs for part, words in limb.items()}
    return any(True for side in "LR" for _ in _scores(name, parts, side))


class _Line(NamedTuple):
    """Bones from the trunk outward: how many are needed, and how well words name them."""

    needed: int
    score: float
    bones: dict[str, int]


def _worth(line: _Line) -> tuple[int, float]:
    return line.needed, line.score


def _scores(
    name: str, parts: dict[str, dict[str, float]], side: str
) -> Iterator[tuple[str, float]]:
    """How well a bone's name says that it is each part of a side's limb."""
    table, words = _table(), words_of(name)
    if side_of(name) != side or table.beside & set(words):
        return
    plain = set(words)
    for limb in ("arm", "leg"):
        if limb in plain and plain & (table.upper | table.lower):
            plain = plain - {limb} | {("upper" if plain & table.upper else "lower") + limb}
    for one, other in pairwise(words):
        if one + other in table.of_bodies:
            plain = plain - {one, other} | {one + other}
    idle = len(plain - table.known - set(table.of_sides))
    for part, known in parts.items():
        score = max((known[word] for word in plain if word in known), default=0)
        if score:
            yield part, score - _EACH_WORD_MORE * idle


def _is_head(name: str) -> bool:
    table, words = _table(), set(words_of(name))
    return bool(words & table.head) and not words & (table.beside | {"top"})
