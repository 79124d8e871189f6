"""The sidebar tab "Lift to 3D"."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy
from bpy.types import Panel

from ..retarget.detect import find_mapping
from .export import presets
from .operators import exportable, running_job
from .properties import ARMATURE, FILE
from .rig_reader import read_rig
from .scene import Context

_WIDTH_OF_LETTER = 7.0


class _SidebarPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Lift to 3D"


class LIFT_TO_3D_PT_main(_SidebarPanel, Panel):  # noqa: N801
    """Source, character, and the button."""

    bl_label = "Lift to 3D"

    def draw(self, context: Context) -> None:
        """Draw from what is asked first to what is done last."""
        layout: Any = self.layout
        settings = context.scene.lift_to_3d
        _draw_source(layout, settings, context)
        _draw_character(layout, settings)
        job = running_job()
        if job is None:
            row = layout.row()
            row.scale_y = 1.6
            row.operator("lift_to_3d.lift", icon="ARMATURE_DATA")
        else:
            row = layout.row(align=True)
            row.progress(factor=job.progress, text=f"{job.progress:.0%}")
            row.operator("lift_to_3d.cancel", text="", icon="CANCEL")
        _draw_result(layout, context)


class LIFT_TO_3D_PT_clip(_SidebarPanel, Panel):  # noqa: N801
    """What is known about the clip."""

    bl_label = "Clip"
    bl_parent_id = "LIFT_TO_3D_PT_main"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: Context) -> None:
        """Draw the fields; what the file says itself is shown but cannot be changed."""
        layout = _split(self.layout)
        settings = context.scene.lift_to_3d
        _known(layout, settings, "fps", settings.fps_known)
        _known(layout, settings, "size", settings.size_known)
        layout.prop(settings, "video")
        layout.prop(settings, "fov")
        layout.prop(settings, "height")


class LIFT_TO_3D_PT_motion(_SidebarPanel, Panel):  # noqa: N801
    """How it is lifted and keyed."""

    bl_label = "Motion"
    bl_parent_id = "LIFT_TO_3D_PT_main"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: Context) -> None:
        """Draw the fields."""
        layout = _split(self.layout)
        settings = context.scene.lift_to_3d
        for name in (
            "smoothing", "feet", "in_place", "start_frame", "take_rate", "replace", "model",
        ):  # fmt: skip
            layout.prop(settings, name)


class LIFT_TO_3D_PT_report(_SidebarPanel, Panel):  # noqa: N801
    """What was mended, assumed or left out."""

    bl_label = "Report"
    bl_parent_id = "LIFT_TO_3D_PT_main"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether there is anything to report."""
        settings = context.scene.lift_to_3d
        return bool(settings.notes or settings.result_notes)

    def draw(self, context: Context) -> None:
        """Draw what lifting told, or before it what reading told."""
        settings = context.scene.lift_to_3d
        for note in (settings.result_notes or settings.notes).splitlines():
            _text(self.layout, note, context, icon="DOT")


def _draw_source(layout: Any, settings: Any, context: Context) -> None:
    layout.prop(settings, "source", text="")
    if settings.trouble:
        _text(layout, settings.trouble, context, icon="ERROR")
    elif settings.recognised:
        _text(layout, settings.recognised, context, icon="CHECKMARK")
    column = _split(layout)
    if settings.people:
        column.prop(settings, "person")
        for name, known in (("fps", settings.fps_known), ("size", settings.size_known)):
            if not known:
                _known(column, settings, name, known)


def _draw_character(layout: Any, settings: Any) -> None:
    column = _split(layout)
    column.prop(settings, "rig")
    if settings.rig == FILE:
        column.prop(settings, "rig_file")
    if settings.rig == ARMATURE:
        column.prop(settings, "armature")
        if settings.armature is not None:
            mapping = find_mapping(read_rig(settings.armature))
            if mapping.missing:
                column.label(text=f"No {mapping.missing[0]} recognised", icon="ERROR")
            else:
                column.label(text=f"Recognised: {mapping.preset}", icon="CHECKMARK")


def _draw_result(layout: Any, context: Context) -> None:
    settings = context.scene.lift_to_3d
    if settings.result is not None and settings.result_text:
        layout.label(text=settings.result_text, icon="CHECKMARK")
    if exportable(context) is not None:
        row = layout.row(align=True)
        row.operator("lift_to_3d.export", text="Export FBX").preset = "fbx"
        row.operator("lift_to_3d.export", text="Export BVH").preset = "bvh"
        layout.menu("LIFT_TO_3D_MT_export", text="Export for …")


class LIFT_TO_3D_MT_export(bpy.types.Menu):  # noqa: N801
    """All export targets."""

    bl_label = "Export Character"

    def draw(self, context: Context) -> None:
        """Draw a line for each."""
        layout: Any = self.layout
        for name, preset in presets().items():
            layout.operator("lift_to_3d.export", text=preset.title).preset = name


def _split(layout: Any) -> Any:
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def _known(layout: Any, settings: Any, name: str, known: bool) -> None:
    row = layout.row()
    row.enabled = not known
    row.prop(settings, name)
    if not known:
        row.label(text="", icon="QUESTION")


def _text(layout: Any, text: str, context: Context, icon: str = "NONE") -> None:
    scale = context.preferences.system.ui_scale
    letters = max(int(context.region.width / (_WIDTH_OF_LETTER * scale)) - 8, 20)
    column = layout.column(align=True)
    for i, line in enumerate(textwrap.wrap(text, letters)):
        column.label(text=line, icon=icon if i == 0 else "BLANK1" if icon != "NONE" else "NONE")


CLASSES = (
    LIFT_TO_3D_PT_main,
    LIFT_TO_3D_PT_clip,
    LIFT_TO_3D_PT_motion,
    LIFT_TO_3D_PT_report,
    LIFT_TO_3D_MT_export,
)


def register() -> None:
    """Add the tab."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take it away again."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
