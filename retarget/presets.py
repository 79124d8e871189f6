"""The presets of `presets/rigs`: how tools name the bones of their rigs.

A preset is JSON with ``name``, ``title``, ``sides`` (what stands for ``{side}`` on the left and on
the right), ``bones`` (part, without side, to a name or to several), and, for control rigs,
``switches``, ``follows``, ``carrier`` and ``copies`` (see `Mapping`); ``hinges`` (likewise,
those of the left), and ``rank``: of two presets that fit, the one with the higher rank is taken.
For a part that is one bone, several names are alternatives; for a chain they are its bones in
order, those that the rig has. A rig may have more before every name (a namespace,
``Character1_``); presets leave it out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..core.errors import RigError, reason
from .mapping import CHAINS, PARTS, axis_of

FOLDER = Path(__file__).resolve().parents[1] / "presets" / "rigs"
_SIDE = "{side}"
_STEMS = frozenset(part.removesuffix(".L").removesuffix(".R") for part in PARTS)
_KEYS = {
    "name", "title", "sides", "bones", "switches", "follows", "carrier", "copies", "hinges", "rank",
}  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """One tool's names: every part, with its side, to the bones that may play it, in order."""

    name: str
    title: str
    bones: dict[str, tuple[str, ...]]
    switches: dict[str, dict[str, float]] = field(default_factory=dict)
    follows: dict[str, str] = field(default_factory=dict)
    carrier: str | None = None
    copies: dict[str, str] = field(default_factory=dict)
    hinges: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    rank: int = 0


def is_chain(part: str) -> bool:
    """Whether several bones of a rig may play the part at once."""
    return part in CHAINS or part.partition(".")[0].endswith("_twist")


@cache
def presets() -> tuple[Preset, ...]:
    """All presets of the folder, by file name."""
    return tuple(load_preset(path) for path in sorted(FOLDER.glob("*.json")))


def load_preset(path: Path) -> Preset:
    """One preset, its form checked.

    Raises:
        RigError: the file cannot be read or is not of this form; the message says where.
    """
    try:
        return _preset(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RigError(f"The rig preset {path} cannot be used: {reason(error)}.") from error


def _preset(data: dict[str, Any]) -> Preset:
    unknown = set(data) - _KEYS
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}")
    for key in ("name", "title", "sides", "bones"):
        if key not in data:
            raise ValueError(f"{key!r} is missing")
    sides: dict[str, str] = dict(zip(("L", "R"), data["sides"], strict=True))
    bones: dict[str, tuple[str, ...]] = {}
    for part, names in data["bones"].items():
        if part not in _STEMS:
            raise ValueError(f"unknown part {part!r}")
        names = (names,) if isinstance(names, str) else tuple(names)
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f"part {part!r} needs a bone's name")
        if part in PARTS:
            bones[part] = names
        else:
            bones |= {f"{part}.{s}": _sided(names, word) for s, word in sides.items()}
    return Preset(
        name=str(data["name"]),
        title=str(data["title"]),
        bones=bones,
        switches=_both_sides(data.get("switches", {}), sides, lambda value, _: dict(value)),
        follows=_sided_names(data.get("follows", {}), sides),
        carrier=data.get("carrier"),
        copies=_sided_names(data.get("copies", {}), sides),
        hinges=_hinges(data.get("hinges", {})),
        rank=int(data.get("rank", 0)),
    )


def _hinges(left: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    hinges: dict[str, tuple[float, float, float]] = {}
    for limb, values in left.items():
        x, y, z = axis_of(values)
        hinges |= {f"{limb}.L": (x, y, z), f"{limb}.R": (x, -y, -z)}
    return hinges


def _sided(names: tuple[str, ...], word: str) -> tuple[str, ...]:
    if not all(_SIDE in name for name in names):
        raise ValueError(f"{names[0]!r} needs {_SIDE}")
    return tuple(name.replace(_SIDE, word) for name in names)


def _sided_names(entries: dict[str, str], sides: dict[str, str]) -> dict[str, str]:
    return _both_sides(entries, sides, lambda name, word: name.replace(_SIDE, word))


def _both_sides(entries: dict[str, Any], sides: dict[str, str], value: Any) -> dict[str, Any]:
    return {
        name.replace(_SIDE, word): value(entry, word)
        for name, entry in entries.items()
        for word in sides.values()
    }
