"""The sidebar tab "Lift to 3D": panels from what is asked first to what is done last."""

# pyright: reportIncompatibleMethodOverride=false
# The published stubs of draw_item and ours name the arguments differently.

from __future__ import annotations

import textwrap
from typing import Any

import bpy
from bpy.types import Menu, Panel, UIList

from ..core.errors import LiftError
from ..core.track import DEFAULT_FOV
from ..retarget.mapping import in_words
from ..retarget.presets import presets as rig_presets
from . import rig_choice
from .defaults import CONTEXT
from .export import presets
from .mapping_operators import chosen_armature
from .operators import TAB, exportable
from .properties import ARMATURE, FILE
from .review import lifted_characters
from .running import Running, running
from .scene import Context, translated
from .source import reading

_WIDTH_OF_LETTER = 6.5
_BY = {"structure": "by its shape", "words": "by words in its names"}
"""How a rig is recognised that no preset names."""


class _SidebarPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    layout: Any

    def open_layout(self) -> Any:
        """The layout, greyed out while the scene is being written."""
        job = running()
        self.layout.enabled = job is None or not job.changing
        return self.layout


class LIFT_TO_3D_UL_people(UIList):  # noqa: N801
    """The people of a clip, with a tick for those who are lifted."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property) -> None:
        """Draw one of them."""
        row = layout.row(align=True)
        row.prop(item, "use", text="")
        row.label(text=translated("Person {}").format(item.number))
        seen = row.row()
        seen.alignment = "RIGHT"
        seen.label(text=f"{item.first}-{item.last}")


class LIFT_TO_3D_UL_parts(UIList):  # noqa: N801
    """The parts of the body, each with its bone."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property) -> None:
        """Draw one of them."""
        armature = chosen_armature(context)
        split = layout.split(factor=0.42)
        split.label(text=_short(item.part))
        if armature is not None:
            split.prop_search(item, "bone", armature.data, "bones", text="", icon="NONE")


class LIFT_TO_3D_PT_source(_SidebarPanel, Panel):  # noqa: N801
    """What is lifted."""

    bl_label = "Source"

    def draw(self, context: Context) -> None:
        """Draw the file, what was recognised, and what must still be asked."""
        layout = self.open_layout()
        settings = context.scene.lift_to_3d
        layout.prop(settings, "source", text="")
        if reading():
            layout.label(text="Reading…", icon="TIME")
        elif settings.trouble:
            _text(layout, settings.trouble, context, icon="ERROR")
        elif settings.recognised:
            _text(layout, settings.recognised, context, icon="CHECKMARK")
        if len(settings.people) > 1:
            layout.template_list(
                "LIFT_TO_3D_UL_people", "", settings, "people", settings, "active_person",
                rows=min(len(settings.people), 5), sort_lock=True,
            )  # fmt: skip
        column = _split(layout)
        if settings.people:
            for name, known in (("fps", settings.fps_known), ("size", settings.size_known)):
                if not known:
                    _known(column, settings, name, known)


class LIFT_TO_3D_PT_video(_SidebarPanel, Panel):  # noqa: N801
    """What is known about the film and the camera."""

    bl_label = "Video and Camera"
    bl_parent_id = "LIFT_TO_3D_PT_source"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: Context) -> None:
        """Draw the fields; what the file says itself is shown but cannot be changed."""
        column = _split(self.open_layout())
        settings = context.scene.lift_to_3d
        column.prop(settings, "video")
        _known(column, settings, "fps", settings.fps_known)
        _known(column, settings, "size", settings.size_known)
        if settings.fov_known:
            _known(column, settings, "fov", known=True)
        else:
            row = column.row(heading="Field of View", heading_ctxt=CONTEXT)
            row.prop(settings, "fov_given", text="")
            if settings.fov_given:
                row.prop(settings, "fov", text="")
            else:
                row.label(text=translated("{:g}° assumed").format(DEFAULT_FOV))
        column.prop(settings, "height")


class LIFT_TO_3D_PT_lift(_SidebarPanel, Panel):  # noqa: N801
    """What lifts it."""

    bl_label = "Lifting"
    bl_parent_id = "LIFT_TO_3D_PT_source"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: Context) -> None:
        """Draw the fields."""
        column = _split(self.open_layout())
        settings = context.scene.lift_to_3d
        column.prop(settings, "model", placeholder="As in Preferences")
        for name in ("device", "mirror", "smoothing"):
            column.prop(settings, name)


class LIFT_TO_3D_PT_character(_SidebarPanel, Panel):  # noqa: N801
    """Who moves."""

    bl_label = "Character"

    def draw(self, context: Context) -> None:
        """Draw the choice, and what was recognised of it."""
        settings = context.scene.lift_to_3d
        column = _split(self.open_layout())
        column.prop(settings, "rig")
        if settings.rig == FILE:
            column.prop(settings, "rig_file")
        if settings.rig == ARMATURE:
            column.prop(settings, "armature")
        if (obj := chosen_armature(context)) is not None:
            text, icon = _recognised(obj)
            _text(column, text, context, icon)


class LIFT_TO_3D_PT_mapping(_SidebarPanel, Panel):  # noqa: N801
    """Which bone is which."""

    bl_label = "Bone Mapping"
    bl_parent_id = "LIFT_TO_3D_PT_character"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether an armature is chosen."""
        return chosen_armature(context) is not None

    def draw(self, context: Context) -> None:
        """Draw the list, or the button that begins it."""
        layout = self.open_layout()
        obj = chosen_armature(context)
        if rig_choice.is_edited(obj):
            stored = obj.data.lift_to_3d
            layout.template_list(  # over the whole width: the names of bones are long
                "LIFT_TO_3D_UL_parts", "", stored, "entries", stored, "active",
                rows=8, sort_lock=True,
            )  # fmt: skip
            row = layout.row(align=True)
            row.operator("lift_to_3d.mapping_add", icon="ADD")
            row.operator("lift_to_3d.mapping_reset", text="Reset", icon="LOOP_BACK")
        else:
            layout.operator("lift_to_3d.mapping_edit", icon="GREASEPENCIL")
        row = layout.row(align=True)
        row.operator("lift_to_3d.mapping_load", text="Load", icon="IMPORT")
        row.operator("lift_to_3d.mapping_save", text="Save", icon="EXPORT")


class LIFT_TO_3D_PT_motion(_SidebarPanel, Panel):  # noqa: N801
    """How it moves."""

    bl_label = "Motion"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: Context) -> None:
        """Draw the fields."""
        column = _split(self.open_layout())
        settings = context.scene.lift_to_3d
        column.prop(settings, "feet")
        column.prop(settings, "hold_hands")
        column.separator()
        column.prop(settings, "in_place")
        row = column.row()
        row.enabled = not settings.in_place
        row.prop(settings, "travel")


class LIFT_TO_3D_PT_keys(_SidebarPanel, Panel):  # noqa: N801
    """How it is keyed."""

    bl_label = "Keyframes"
    bl_parent_id = "LIFT_TO_3D_PT_motion"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: Context) -> None:
        """Draw the fields."""
        column = _split(self.open_layout())
        settings = context.scene.lift_to_3d
        column.prop(settings, "start_frame")
        column.prop(settings, "take_rate")
        column.separator()
        column.prop(settings, "replace")
        column.prop(settings, "strip")
        column.separator()
        column.prop(settings, "reduce")
        limits = column.column()
        limits.enabled = settings.reduce
        limits.prop(settings, "most_degrees")
        limits.prop(settings, "most_distance")


class LIFT_TO_3D_PT_go(_SidebarPanel, Panel):  # noqa: N801
    """The button."""

    bl_label = "Lift to 3D"

    def draw(self, context: Context) -> None:
        """Draw the button, or how far it is."""
        layout: Any = self.layout
        row = layout.row(align=True)
        row.scale_y = 1.6
        job = running()
        if job is None:
            row.operator("lift_to_3d.lift", icon="ARMATURE_DATA")
        else:
            _draw_progress(row, job)
            _draw_cancel(row)


class LIFT_TO_3D_PT_result(_SidebarPanel, Panel):  # noqa: N801
    """What came of it."""

    bl_label = "Result"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether there is anything."""
        return bool(lifted_characters(context.scene))

    def draw(self, context: Context) -> None:
        """Draw what was made, and the ways of looking at it."""
        layout = self.open_layout()
        settings = context.scene.lift_to_3d
        if settings.result_text:
            layout.label(text=settings.result_text, icon="CHECKMARK")
        layout.operator("lift_to_3d.camera", icon="VIEW_CAMERA")
        if settings.view_text:
            layout.label(text=settings.view_text, icon="CON_CAMERASOLVER")
        row = layout.row(align=True)
        row.label(text="Frames to Check")
        row.operator("lift_to_3d.unsure", text="", icon="TRIA_LEFT").backwards = True
        row.operator("lift_to_3d.unsure", text="", icon="TRIA_RIGHT").backwards = False
        column = layout.column(heading="Show")
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "show_keypoints")
        column.prop(settings, "show_joints")


class LIFT_TO_3D_PT_report(_SidebarPanel, Panel):  # noqa: N801
    """What was mended, assumed or left out."""

    bl_label = "Report"
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
            _text(self.open_layout(), note, context, icon="DOT")


class LIFT_TO_3D_PT_export(_SidebarPanel, Panel):  # noqa: N801
    """Where it goes."""

    bl_label = "Export"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether there is something to export."""
        return exportable(context) is not None

    def draw(self, context: Context) -> None:
        """Draw the common targets, and the menu of all."""
        layout = self.open_layout()
        row = layout.row(align=True)
        row.operator("lift_to_3d.export", text="FBX").preset = "fbx"
        row.operator("lift_to_3d.export", text="BVH").preset = "bvh"
        layout.menu("LIFT_TO_3D_MT_export", text="Export for …")


class LIFT_TO_3D_MT_export(Menu):  # noqa: N801
    """All export targets."""

    bl_label = "Export Character"

    def draw(self, context: Context) -> None:
        """Draw a line for each."""
        layout: Any = self.layout
        for name, preset in presets().items():
            layout.operator("lift_to_3d.export", text=preset.title).preset = name


def _short(part: str) -> str:
    """A part as narrow lists have room for it: "Upper Arm L"."""
    name, _, side = part.partition(".")
    return f"{translated(name.replace('_', ' ').title())} {side}".rstrip()


def _recognised(obj: Any) -> tuple[str, str]:
    """What is known of an armature's bones, and an icon for it."""
    try:
        mapping = rig_choice.mapping_of(obj)
    except LiftError as error:
        return str(error), "ERROR"
    if mapping.missing:
        part = in_words(mapping.missing[0])
        return translated("No bone for the {}: set it in Bone Mapping").format(part), "ERROR"
    if rig_choice.is_edited(obj):
        return translated("Your own mapping"), "CHECKMARK"
    titles = {preset.name: preset.title for preset in rig_presets()}
    if mapping.against:
        return translated("No person: it {}").format(mapping.against), "ERROR"
    title = titles.get(mapping.preset) or translated(_BY.get(mapping.preset, _BY["structure"]))
    if mapping.guessed:
        return translated("Guessed {}: check Bone Mapping").format(title), "QUESTION"
    text = translated("Recognised: {}, {:.0%} sure").format(title, mapping.confidence)
    return text, "CHECKMARK"


def _draw_progress(row: Any, job: Running) -> None:
    text = translated("Lifting {:.0%}").format(job.progress)
    row.progress(factor=job.progress, text=text)


def _draw_cancel(row: Any) -> None:
    row.operator("lift_to_3d.cancel", text="", icon="CANCEL")


def _header(header: Any, _: Context) -> None:
    """Progress in the 3D view's header, for those whose sidebar is closed."""
    if (job := running()) is not None:
        row = header.layout.row(align=True)
        row.ui_units_x = 8
        _draw_cancel(row)  # first, since a narrow header is cut off on the right
        _draw_progress(row, job)


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
    LIFT_TO_3D_UL_people,
    LIFT_TO_3D_UL_parts,
    LIFT_TO_3D_PT_source,
    LIFT_TO_3D_PT_video,
    LIFT_TO_3D_PT_lift,
    LIFT_TO_3D_PT_character,
    LIFT_TO_3D_PT_mapping,
    LIFT_TO_3D_PT_motion,
    LIFT_TO_3D_PT_keys,
    LIFT_TO_3D_PT_go,
    LIFT_TO_3D_PT_result,
    LIFT_TO_3D_PT_report,
    LIFT_TO_3D_PT_export,
    LIFT_TO_3D_MT_export,
)


def register() -> None:
    """Add the tab, and progress in the header."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.VIEW3D_HT_header.append(_header)


def unregister() -> None:
    """Take them away again."""
    bpy.types.VIEW3D_HT_header.remove(_header)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
