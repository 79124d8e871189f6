"""`Mapping`: which of a rig's bones plays which part of the body."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import RigError, reason
from .rig import Rig

_MOST_BYTES = 1 << 20
CHAINS = ("spine", "neck")
"""Parts that may be several bones, from the bottom up."""
_SINGLE = ("hips", "head")
_SIDED = ("shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
_TWISTS = ("upper_arm_twist", "forearm_twist", "thigh_twist", "shin_twist")
_REQUIRED = ("hips", "spine", "upper_arm", "forearm", "thigh", "shin")


def _with_sides(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{part}.{side}" for part in parts for side in ("L", "R"))


PARTS = (*_SINGLE, *CHAINS, *_with_sides(_SIDED), *_with_sides(_TWISTS), "root")
"""Every part that a bone may play; ``.L`` and ``.R`` are the character's left and right."""
SURE = 0.6
"""Confidence below which a mapping is a guess."""
REQUIRED = tuple(
    name for part in _REQUIRED for name in ((part,) if part in PARTS else _with_sides((part,)))
)
"""Parts without which no motion can be put on a rig."""


@dataclass(frozen=True)
class Mapping:
    """Which bones play which part.

    Attributes:
        bones: part to the names of its bones: one, or for `CHAINS` and twists several in order.
        preset: name of the preset it came from, "structure" if found by shape, "user" if chosen.
        confidence: 0..1, how sure the automatic choice is.
        switches: custom properties to be set, bone to property to value (IK to FK).
        follows: for control rigs, a bone to the bone that it moves along with, where that is not
            its parent.
        carrier: the bone that carries the whole body, None for the hips.
        copies: for control rigs, a bone (an IK control) to the bone whose turns and place it takes,
            so that the other way of moving the rig shows the same.
        hinges: "upper_arm.L", "thigh.R" ... to the axis that its elbow or knee bends about at rest,
            as the body's left, up, forward; where none is given, the rest pose tells it.
        against: what speaks against the rig's being a person's, found automatically; or "".
    """

    bones: dict[str, tuple[str, ...]]
    preset: str = "user"
    confidence: float = 1.0
    switches: dict[str, dict[str, float]] = field(default_factory=dict)
    follows: dict[str, str] = field(default_factory=dict)
    carrier: str | None = None
    copies: dict[str, str] = field(default_factory=dict)
    hinges: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    against: str = ""

    def bone(self, part: str) -> str | None:
        """The (first) bone of a part, None where the rig has none."""
        names = self.bones.get(part, ())
        return names[0] if names else None

    @property
    def missing(self) -> tuple[str, ...]:
        """The required parts that no bone plays."""
        return tuple(part for part in REQUIRED if not self.bones.get(part))

    @property
    def guessed(self) -> bool:
        """Whether it is so unsure that somebody should look at it."""
        return self.confidence < SURE


def check_mapping(mapping: Mapping, rig: Rig) -> None:
    """Raises RigError, naming them, if required parts or the mapping's bones are missing.

    Also if the rig was found to be no person's.
    """
    if mapping.against:
        raise RigError(
            f"The rig '{rig.name}' {mapping.against}: choose a person's rig, or its bones in a "
            "mapping file."
        )
    named = {bone for names in mapping.bones.values() for bone in names}
    if mapping.carrier:
        named.add(mapping.carrier)
    unknown = sorted(named - set(rig.bones))
    if unknown:
        raise RigError(
            f"The mapping names bones that the rig '{rig.name}' does not have: "
            f"{', '.join(unknown[:5])}; use a mapping made for this rig."
        )
    if mapping.missing:
        raise RigError(
            f"The rig '{rig.name}' has no {_any_of(mapping.missing)} that could be recognised: "
            "choose those bones in a mapping file, or choose another rig."
        )


def in_words(part: str) -> str:
    """A part as people say it: "left upper arm"."""
    name, _, side = part.partition(".")
    return {"L": "left ", "R": "right "}.get(side, "") + name.replace("_", " ")


def _any_of(parts: tuple[str, ...]) -> str:
    pairs = {part[:-2] for part in parts if part.endswith(".L") and part[:-2] + ".R" in parts}
    words = [
        f"{in_words(part[:-2])}s" if part[:-2] in pairs else in_words(part)
        for part in parts
        if not (part.endswith(".R") and part[:-2] in pairs)
    ]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def save_mapping(mapping: Mapping, path: str | os.PathLike[str]) -> None:
    """Writes a mapping as JSON, which `load_mapping` reads and a person may edit."""
    path = Path(path)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(mapping_as_json(mapping) + "\n", encoding="utf-8")
    temporary.replace(path)


def load_mapping(path: str | os.PathLike[str]) -> Mapping:
    """A mapping that `save_mapping` or a person wrote.

    Raises:
        RigError: the file cannot be read or is not of this form; the message says where.
    """
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large for a mapping")
        return mapping_of_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RigError(f"The mapping file {path} cannot be used: {reason(error)}.") from error


def _names(data: dict[str, Any], key: str) -> dict[str, str]:
    return {str(bone): str(other) for bone, other in data.get(key, {}).items()}


def mapping_as_json(mapping: Mapping) -> str:
    """A mapping as text."""
    data = {
        "preset": mapping.preset,
        "bones": {part: list(names) for part, names in mapping.bones.items()},
        "switches": mapping.switches,
        "follows": mapping.follows,
        "carrier": mapping.carrier,
        "copies": mapping.copies,
        "hinges": mapping.hinges,
    }
    return json.dumps(data, indent=2)


def mapping_of_json(text: str) -> Mapping:
    """A mapping out of text, its form checked.

    Raises:
        ValueError: it is not of this form; so are TypeError and AttributeError.
    """
    data: dict[str, Any] = json.loads(text)
    bones: dict[str, tuple[str, ...]] = {}
    for part, names in data.get("bones", {}).items():
        if part not in PARTS:
            raise ValueError(f"{part!r} is no part of the body, the first of them is {PARTS[0]!r}")
        names = (names,) if isinstance(names, str) else tuple(names)
        if not all(isinstance(name, str) and name for name in names):
            raise ValueError(f"part {part!r} needs names of bones")
        bones[part] = names
    if not bones:
        raise ValueError("it has no 'bones'")
    return Mapping(
        bones={part: names for part, names in bones.items() if names},
        preset=str(data.get("preset", "user")),
        switches={
            str(bone): {str(name): float(value) for name, value in values.items()}
            for bone, values in data.get("switches", {}).items()
        },
        follows=_names(data, "follows"),
        carrier=data.get("carrier"),
        copies=_names(data, "copies"),
        hinges={str(part): axis_of(values) for part, values in data.get("hinges", {}).items()},
    )


def axis_of(values: Any) -> tuple[float, float, float]:
    """Three numbers of JSON, not all zero.

    Raises:
        ValueError: they are something else.
    """
    x, y, z = (float(value) for value in values)
    if not 0 < x * x + y * y + z * z < float("inf"):
        raise ValueError(f"{values!r} is no axis")
    return x, y, z
