"""Which of a rig's bones is which: by the names that tools give, else by the rig's shape."""

from __future__ import annotations

import re

from .mapping import REQUIRED, Mapping
from .presets import Preset, is_chain, presets
from .rig import Rig
from .structure import map_by_structure

_SEPARATORS = re.compile(r"[ _.\-]+")
_NAMESPACE = re.compile(r".*[:|]")


def find_mapping(rig: Rig) -> Mapping:
    """The best guess at the rig's mapping, with its preset's name and a confidence.

    Always returns one; `mapping.check_mapping` says whether it is enough.
    """
    ranks = {preset.name: preset.rank for preset in presets()}

    def fitness(mapping: Mapping) -> tuple[int, float, int]:
        rank = -1 if mapping.missing else ranks[mapping.preset]
        return rank, mapping.confidence, _bone_count(mapping)

    best = max((fit_preset(preset, rig) for preset in presets()), key=fitness)
    if not best.missing:
        return best
    return map_by_structure(rig) or best


def fit_preset(preset: Preset, rig: Rig) -> Mapping:
    """The preset's names as far as the rig has them, whatever stands before them all.

    Names are compared without regard to case, namespaces and kinds of separators.
    """
    bones = {_plain(name): name for name in reversed(rig.bones)}
    hips = [_plain(name) for name in preset.bones["hips"]]
    before = {name[: len(name) - len(hip)] for name in bones for hip in hips if name.endswith(hip)}
    prefixes = {""} | {prefix for prefix in before if prefix.endswith("_")}
    fits = [_fit(preset, bones, prefix) for prefix in sorted(prefixes)]
    return max(fits, key=lambda mapping: (mapping.confidence, _bone_count(mapping)))


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
    return Mapping(
        bones=found,
        preset=preset.name,
        confidence=round(required * complete, 3),
        switches={bone: v for bone, v in preset.switches.items() if bone in bones.values()},
        follows={bone: v for bone, v in preset.follows.items() if bone in mapped},
        carrier=preset.carrier if preset.carrier in mapped else None,
    )
