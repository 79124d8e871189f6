"""Which bone of an armature plays which part: as found out, or as edited in the panel.

What was edited is a list in the armature's data, ``armature.lift_to_3d``, and so goes into the
.blend file and to every object that uses the armature. An empty list means: find out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bpy.types import Object

from ..core.errors import RigError
from ..retarget.detect import find_mapping
from ..retarget.mapping import PARTS, Mapping, mapping_as_json, mapping_of_json
from ..retarget.presets import is_chain
from .rig_reader import read_rig
from .scene import armature_of

_TWIST = "_twist"

_found: dict[tuple[str, tuple[str, ...]], Mapping] = {}


def mapping_of(obj: Object) -> Mapping:
    """The edited mapping of an armature, or else the one found out.

    Raises:
        RigError: not an armature, or one without bones.
    """
    entries = _entries(obj)
    return _edited(obj, entries) if entries else found_mapping(obj)


def is_edited(obj: Object) -> bool:
    """Whether the mapping was edited."""
    return bool(_entries(obj))


def found_mapping(obj: Object) -> Mapping:
    """The mapping found out; remembered for the last armature, since panels ask at each drawing.

    Raises:
        RigError: not an armature, or one without bones.
    """
    key = (obj.name_full, tuple(bone.name for bone in armature_of(obj).bones))
    if key not in _found:
        found = find_mapping(read_rig(obj))
        _found.clear()
        _found[key] = found
    return _found[key]


def edit(obj: Object, mapping: Mapping) -> None:
    """Make a mapping the armature's own list, a line for each bone and each part without one."""
    stored = _stored(obj)
    stored.entries.clear()
    stored.base = mapping_as_json(mapping)
    for part in PARTS:
        bones = mapping.bones.get(part, ())
        for bone in bones or (() if _TWIST in part else ("",)):
            entry = stored.entries.add()
            entry.part, entry.bone = part, bone
    stored.active = 0


def forget(obj: Object) -> None:
    """Let the mapping be found out again."""
    _stored(obj).entries.clear()
    _found.clear()


def add_bone(obj: Object) -> bool:
    """One more line after the active one, if its part may be several bones; whether it may."""
    stored = _stored(obj)
    if not can_add_bone(obj):
        return False
    part = stored.entries[stored.active].part
    stored.entries.add().part = part
    stored.entries.move(len(stored.entries) - 1, stored.active + 1)
    stored.active += 1
    return True


def can_add_bone(obj: Object) -> bool:
    """Whether the active line's part may be several bones."""
    stored = _stored(obj)
    return 0 <= stored.active < len(stored.entries) and is_chain(stored.entries[stored.active].part)


def _edited(obj: Object, entries: Any) -> Mapping:
    bones: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if entry.bone and entry.part in PARTS:
            bones[entry.part] = (*bones.get(entry.part, ()), entry.bone)
    text = _stored(obj).base
    try:
        base = mapping_of_json(text)
    except (ValueError, TypeError, AttributeError) as error:
        raise RigError(f"The mapping of '{obj.name}' is damaged: reset it.") from error
    there = {name for names in bones.values() for name in names}
    follows = {bone: leader for bone, leader in base.follows.items() if bone in there}
    carrier = base.carrier if base.carrier in there else None
    return replace(
        base, bones=bones, preset="user", confidence=1.0, follows=follows, carrier=carrier
    )


def _stored(obj: Object) -> Any:
    return getattr(armature_of(obj), "lift_to_3d")  # noqa: B009


def _entries(obj: Object) -> Any:
    stored = getattr(armature_of(obj), "lift_to_3d", None)
    return () if stored is None else stored.entries
