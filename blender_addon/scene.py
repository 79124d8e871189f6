"""The current scene, its frame rate, and armatures as the type checker knows them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import bpy
from bpy.types import Action, Armature, Object, Pose, Scene, ViewLayer

from ..core.errors import RigError

translated: Any = bpy.app.translations.pgettext_iface
"""A label of ours in the user's language, before anything is filled in."""
translated_report: Any = bpy.app.translations.pgettext_rpt
"""Likewise a report; Blender itself translates those in which nothing is filled in."""

Context = Any
"""`bpy.types.Context`; its published type stub takes every attribute for a method."""


def context() -> Context:
    """Blender's current context."""
    return bpy.context


def current_scene() -> Scene:
    """The scene that the user sees, or that a file opened with."""
    return context().scene


def view_layer() -> ViewLayer:
    """The view layer that the user sees."""
    return context().view_layer


def frame_rate(scene: Scene) -> float:
    """Frames a second."""
    return scene.render.fps / scene.render.fps_base


def set_frame_rate(scene: Scene, fps: float) -> None:
    """Set a scene's rate, also to one such as 30000/1001."""
    nominal = max(round(fps), 1)
    scene.render.fps = nominal
    scene.render.fps_base = float(Fraction(nominal) / Fraction(fps))


def armature_of(obj: Object) -> Armature:
    """An armature object's data.

    Raises:
        RigError: the object is not an armature.
    """
    if not isinstance(obj.data, Armature):
        raise RigError(f"'{obj.name}' is not an armature: choose an armature as the rig.")
    return obj.data


def pose_of(obj: Object) -> Pose:
    """An armature object's pose.

    Raises:
        RigError: the object is not an armature.
    """
    armature_of(obj)
    pose = obj.pose
    if pose is None:
        raise RigError(f"'{obj.name}' has no pose yet: link it to a scene first.")
    return pose


@dataclass(frozen=True)
class Picked:
    """What the user has selected, and works on in which mode."""

    active: Object | None
    selected: tuple[Object, ...]
    mode: Any


def picked() -> Picked:
    """What is picked now."""
    layer = view_layer()
    active = layer.objects.active
    selected = tuple(obj for obj in layer.objects if obj.select_get())
    return Picked(active, selected, active.mode if active is not None else "OBJECT")


def pick(wanted: Picked) -> None:
    """Pick it again."""
    layer = view_layer()
    layer.update()  # it may still list what has been removed
    for obj in layer.objects:
        obj.select_set(obj in wanted.selected)
    layer.objects.active = wanted.active
    if wanted.active is not None and wanted.active.mode != wanted.mode:
        bpy.ops.object.mode_set(mode=wanted.mode)


def everything() -> set[Any]:
    """All data of the file."""
    data: Any = bpy.data
    return set(data.user_map())


def take_back(before: set[Any]) -> None:
    """Remove all data that is newer than `everything` was."""
    data: Any = bpy.data
    data.batch_remove(everything() - before)


def redraw_sidebars() -> None:
    """Draw the 3D views' sidebars and headers again, and only these: the views are slow."""
    for window in context().window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type in ("UI", "HEADER"):
                        region.tag_redraw()


def actions_of(obj: Object) -> list[Action]:
    """What an object plays: its action and those of its NLA strips."""
    animation = obj.animation_data
    if animation is None:
        return []
    strips = [strip.action for track in animation.nla_tracks for strip in track.strips]
    return [action for action in (animation.action, *strips) if action is not None]


def channel_bags(action: Action) -> list[Any]:
    """What holds an action's curves and groups: before Blender 4.4 the action itself."""
    if not hasattr(action, "layers"):
        return [action]
    strips: list[Any] = [strip for layer in action.layers for strip in layer.strips]
    return [bag for strip in strips for bag in strip.channelbags]
