"""Our own characters: armatures kept as data, so that they can be made anywhere.

A character's file is JSON: ``name``, ``about`` and ``bones``, each with ``name``, ``parent``
(null for none; parents come first), ``head`` and ``tail`` (metres, Z up, facing -Y), ``roll``
(radians, Blender's) and, for a body of simple limbs, ``thickness``: width along the bone's X axis
and depth along its Z axis, metres, at the head and at the tail.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import RigError, reason
from .rig import Rig
from .rotation import about, swing, unit

CHARACTERS = {
    "mannequin": "Our own jointed mannequin",
    "mixamo": "The mannequin with Mixamo's bone names",
    "rigify": "Rigify's human metarig",
}
"""Characters that need no file, and what they are."""

RIG_SUFFIXES = (".blend", ".fbx", ".glb", ".gltf", ".vrm", ".bvh")
"""Files that a character can come out of."""

FOLDER = Path(__file__).resolve().parents[1] / "presets" / "characters"


@dataclass(frozen=True)
class CharacterBone:
    """One bone of a character's file; metres, Z up, facing -Y; roll in radians."""

    name: str
    parent: str | None
    head: tuple[float, float, float]
    tail: tuple[float, float, float]
    roll: float = 0.0
    thickness: tuple[tuple[float, float], tuple[float, float]] | None = None


@dataclass(frozen=True)
class Character:
    """An armature as data."""

    name: str
    about: str
    bones: tuple[CharacterBone, ...]

    def rig(self) -> Rig:
        """The armature at rest, as Blender makes it from heads, tails and rolls."""
        index = {bone.name: i for i, bone in enumerate(self.bones)}
        head = np.array([bone.head for bone in self.bones])
        along = np.array([bone.tail for bone in self.bones]) - head
        roll = np.array([bone.roll for bone in self.bones])
        rest = np.tile(np.eye(4), (len(self.bones), 1, 1))
        rest[:, :3, :3] = bone_axes(along, roll)
        rest[:, :3, 3] = head
        return Rig(
            name=self.name,
            bones=tuple(index),
            parents=np.array([index[b.parent] if b.parent else -1 for b in self.bones]),
            rest=rest,
            lengths=np.linalg.norm(along, axis=-1),
            world=np.eye(4),
        )


def bone_axes(along: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """A bone's axes as Blender computes them, as columns of (..., 3, 3).

    Args:
        along: (..., 3) from head to tail, any length.
        roll: (...) radians.

    Returns:
        Y along the bone; X and Z turned with it the shortest way from their own axes, then rolled.
    """
    y = unit(np.asarray(along, np.float64))
    return about(y, roll) @ swing(np.array([0.0, 1.0, 0.0]), y)


def load_character(source: str | Path = "mannequin") -> Character:
    """A character of ours by name, or one from a file of the same form.

    Raises:
        RigError: no such character, or its file is damaged.
    """
    path = Path(source)
    if path.suffix != ".json":
        path = FOLDER / f"{source}.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.json")))
        raise RigError(f"There is no character '{source}': choose one of {known}.") from None
    except (OSError, ValueError) as error:
        raise RigError(f"The character file {path} cannot be read: {reason(error)}.") from error
    try:
        return _character(data)
    except (KeyError, TypeError, ValueError) as error:
        raise RigError(f"The character file {path} is damaged: {reason(error)}.") from error


def _character(data: dict[str, Any]) -> Character:
    bones: list[CharacterBone] = []
    for entry in data["bones"]:
        bone = CharacterBone(
            name=str(entry["name"]),
            parent=entry["parent"],
            head=_numbers(entry["head"], 3),
            tail=_numbers(entry["tail"], 3),
            roll=float(entry.get("roll", 0.0)),
            thickness=_thickness(entry.get("thickness")),
        )
        if bone.parent is not None and bone.parent not in {b.name for b in bones}:
            raise ValueError(f"bone '{bone.name}' comes before its parent '{bone.parent}'")
        if bone.name in {b.name for b in bones}:
            raise ValueError(f"bone '{bone.name}' is there twice")
        if math.dist(bone.head, bone.tail) < 1e-4:
            raise ValueError(f"bone '{bone.name}' has no length")
        bones.append(bone)
    return Character(str(data["name"]), str(data.get("about", "")), tuple(bones))


def _numbers(values: Any, count: int) -> Any:
    numbers = tuple(float(v) for v in values)
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{values} should be {count} numbers")
    return numbers


def _thickness(values: Any) -> Any:
    if values is None:
        return None
    head, tail = values
    return _numbers(head, 2), _numbers(tail, 2)
