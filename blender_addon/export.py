"""One armature, and the meshes it moves, to a file, by the presets in ``presets/exports``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import bpy
from bpy.types import ArmatureModifier, Object

from ..core.errors import LiftError, RigError
from .scene import armature_of, current_scene, view_layer

_SKINNED_WRITER = "wm.usd_export"  # takes the skin from what it evaluates

_PRESETS = Path(__file__).resolve().parents[1] / "presets" / "exports"


@dataclass(frozen=True)
class Preset:
    """An export target.

    Attributes:
        name: as it is asked for, ``fbx`` or ``fbx-unity``.
        title: for people.
        description: what it is for.
        suffix: of the file, with its dot.
        writer: ``bvh`` for our own, else one of Blender's operators, ``module.name``.
        settings: arguments of the writer.
        armature: the armature object's name in the file; its own where empty.
    """

    name: str
    title: str
    description: str
    suffix: str
    writer: str
    settings: dict[str, Any]
    armature: str = ""


@cache
def presets() -> dict[str, Preset]:
    """All export targets by name."""
    found = {}
    for path in sorted(_PRESETS.glob("*.json")):
        found[path.stem] = Preset(path.stem, **json.loads(path.read_text("utf-8")))
    return found


def find_preset(name: str) -> Preset:
    """The export target of a name.

    Raises:
        LiftError: there is none; the message lists those there are.
    """
    known = presets()
    if name not in known:
        raise LiftError(f"'{name}' is no export format: choose one of {', '.join(known)}.")
    return known[name]


def export(
    obj: Object,
    path: str | os.PathLike[str],
    *,
    preset: str | None = None,
    frames: tuple[int, int] | None = None,
    with_mesh: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Write an armature's motion; the scene, its selection and frame stay as they were.

    Args:
        obj: an armature of the current scene.
        path: the file; written under another name first, so that it is whole or not there.
        preset: name of an export target; the one named as the path's suffix where not given.
        frames: first and last scene frame; those of the armature's action where not given.
        with_mesh: take along the meshes that the armature deforms.
        progress: called with 0..1 where the writer allows it.

    Returns:
        The path.

    Raises:
        LiftError: unknown target, unwritable path, or the exporter's own complaint.
        RigError: not an armature of this scene.
    """
    target = Path(path)
    chosen = find_preset(preset or target.suffix[1:].lower())
    armature_of(obj)
    if obj.name not in view_layer().objects:
        raise RigError(f"'{obj.name}' is not in the current scene's view layer.")
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    objects = [obj, *(skinned_meshes(obj) if with_mesh else [])]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with (
                _named(obj, chosen.armature),
                _only(objects, frames or action_frames(obj)) as (start, end),
                nullcontext() if chosen.writer == _SKINNED_WRITER else _unskinned(obj),
            ):
                if chosen.writer == "bvh":
                    from .bvh import write_bvh  # with scipy, which registering does not wait for

                    write_bvh(obj, part, start, end, progress=progress, **chosen.settings)
                else:
                    _call_operator(chosen, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise LiftError(f"Cannot write '{target}': {error.strerror or error}.") from error
    return target


def action_frames(obj: Object) -> tuple[int, int]:
    """First and last whole frame of the armature's action, or the scene's where it has none."""
    action = obj.animation_data and obj.animation_data.action
    if not action:
        return current_scene().frame_start, current_scene().frame_end
    start, end = action.frame_range
    return round(start), round(end)


def skinned_meshes(obj: Object) -> list[Object]:
    """The meshes of the view layer that the armature deforms."""
    view_layer().update()  # it may not know yet what was linked or removed
    return [
        other
        for other in view_layer().objects
        if other.type == "MESH"
        and any(isinstance(m, ArmatureModifier) and m.object == obj for m in other.modifiers)
    ]


def _call_operator(preset: Preset, path: Path) -> None:
    module, name = preset.writer.split(".")
    operator = getattr(getattr(bpy.ops, module), name)
    known = operator.get_rna_type().properties
    settings = {
        key: set(value) if isinstance(value, list) else value
        for key, value in preset.settings.items()
        if key in known
    }
    try:
        operator(filepath=str(path), **settings)
    except RuntimeError as error:
        raise LiftError(f"{preset.title} export failed: {error}") from error
    if not path.is_file():
        raise LiftError(f"{preset.title} export wrote nothing: see Blender's console.")


@contextmanager
def _unskinned(obj: Object) -> Iterator[None]:
    """The armature's meshes not bent at every frame: the files hold them at rest, with weights."""
    bending = [
        modifier
        for mesh in skinned_meshes(obj)
        for modifier in mesh.modifiers
        if isinstance(modifier, ArmatureModifier)
        and modifier.show_viewport
        and not modifier.is_property_readonly("show_viewport")
    ]
    try:
        for modifier in bending:
            modifier.show_viewport = False
        yield
    finally:
        for modifier in bending:
            modifier.show_viewport = True


@contextmanager
def _named(obj: Object, name: str) -> Iterator[None]:
    """The armature under a name, and the scene, whose name an FBX take gets, under the clip's."""
    action = obj.animation_data and obj.animation_data.action
    scene = current_scene()
    with (
        _called(obj, name or obj.name, bpy.data.objects),
        _called(scene, action.name if action else scene.name, bpy.data.scenes),
    ):
        yield


@contextmanager
def _called(item: Any, name: str, everyone: Any) -> Iterator[None]:
    """An item under a name, which whoever has it now lends."""
    before, owner = item.name, everyone.get(name)
    if item.library or owner == item or (owner and owner.library):
        yield
        return
    try:
        if owner:
            owner.name = f"{name}.lent"
        item.name = name
        yield
    finally:
        item.name = before
        if owner:
            owner.name = name


@contextmanager
def _only(objects: list[Object], frames: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Only these objects selected, the first active, and the scene's range set; then undone."""
    scene, layer = current_scene(), view_layer()
    selected = [obj for obj in layer.objects if obj.select_get()]
    active = layer.objects.active
    before = scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe
    hidden = [obj for obj in objects if obj.hide_get()]
    try:
        for obj in hidden:
            obj.hide_set(False)
        for obj in selected:
            obj.select_set(False)
        for obj in objects:
            obj.select_set(True)
        layer.objects.active = objects[0]
        scene.frame_start, scene.frame_end = frames
        yield frames
    finally:
        scene.frame_start, scene.frame_end = before[:2]
        scene.frame_set(before[2], subframe=before[3])
        for obj in objects:
            obj.select_set(False)
        for obj in hidden:
            obj.hide_set(True)
        for obj in selected:
            obj.select_set(True)
        layer.objects.active = active
