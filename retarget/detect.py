"""Which of a rig's bones is which: by the names that tools give, else by the rig's shape."""

from __future__ import annotations

from .mapping import REQUIRED, Mapping
from .presets import Preset, is_chain, presets
from .rig import Rig


def find_mapping(rig: Rig) -> Mapping:
    """The best guess at the rig's mapping, with its preset's name and a confidence.

    Always returns one; `check_mapping` says whether it is enough.
    """
    found = [fit_preset(preset, rig) for preset in presets()]
    ranks = {preset.name: preset.rank for preset in presets()}
    return max(found, key=lambda m: (not m.missing, ranks[m.preset], m.confidence, len(m.bones)))


def fit_preset(preset: Preset, rig: Rig) -> Mapping:
    """The preset's names as far as the rig has them."""
    names = _Names(rig)
    fits = [_fit(preset, names, prefix) for prefix in preset.prefixes]
    return max(fits, key=lambda mapping: mapping.confidence)


class _Names:
    """A rig's bone names, found exactly or else without regard to case and namespace."""

    def __init__(self, rig: Rig) -> None:
        self._exact = {name: name for name in rig.bones}
        self._loose = {_plain(name): name for name in reversed(rig.bones)}

    def get(self, name: str) -> str | None:
        return self._exact.get(name) or self._loose.get(_plain(name))


def _plain(name: str) -> str:
    return name.rpartition(":")[2].rpartition("|")[2].casefold()


def _fit(preset: Preset, names: _Names, prefix: str) -> Mapping:
    bones: dict[str, tuple[str, ...]] = {}
    for part, candidates in preset.bones.items():
        found = tuple(
            dict.fromkeys(name for c in candidates if (name := names.get(prefix + c)) is not None)
        )
        if found:
            bones[part] = found if is_chain(part) else found[:1]
    required = [part for part in REQUIRED if part in preset.bones]
    hits = sum(part in bones for part in required) / max(len(required), 1)
    complete = len(bones) / len(preset.bones)
    present = {name for chain in bones.values() for name in chain}
    return Mapping(
        bones=bones,
        preset=preset.name,
        confidence=round(hits * (0.5 + 0.5 * complete), 3),
        switches={b: v for b, v in preset.switches.items() if names.get(b)},
        follows={b: v for b, v in preset.follows.items() if b in present},
    )
