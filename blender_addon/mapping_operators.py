"""The buttons of the bone mapping; what they do is in `rig_choice`."""

# pyright: reportInvalidTypeForm=false, reportIncompatibleMethodOverride=false
# Blender reads properties off annotations as they are, so these must not be postponed.

from typing import Any

import bpy
from bpy.props import StringProperty
from bpy.types import Operator
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..core.errors import LiftError
from ..retarget.mapping import load_mapping, save_mapping
from . import rig_choice
from .properties import ARMATURE
from .scene import Context, translated_report


def chosen_armature(context: Context) -> Any:
    """The armature that the panel is set to animate, if it is."""
    settings = context.scene.lift_to_3d
    return settings.armature if settings.rig == ARMATURE else None


class _NeedsArmature:
    @classmethod
    def poll(cls: Any, context: Context) -> bool:
        """Whether an armature is chosen."""
        found = chosen_armature(context) is not None
        if not found:
            cls.poll_message_set("Choose an armature of this scene as the character first")
        return found


class LIFT_TO_3D_OT_mapping_edit(_NeedsArmature, Operator):  # noqa: N801
    """Choose the bones yourself, beginning with those that were recognised"""

    bl_idname = "lift_to_3d.mapping_edit"
    bl_label = "Edit Mapping"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: Context) -> Any:
        """Fill the list."""
        obj = chosen_armature(context)
        try:
            rig_choice.edit(obj, rig_choice.found_mapping(obj))
        except LiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LIFT_TO_3D_OT_mapping_reset(_NeedsArmature, Operator):  # noqa: N801
    """Forget what was chosen: the bones are recognised by themselves again"""

    bl_idname = "lift_to_3d.mapping_reset"
    bl_label = "Reset Mapping"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: Context) -> Any:
        """Empty the list."""
        rig_choice.forget(chosen_armature(context))
        return {"FINISHED"}


class LIFT_TO_3D_OT_mapping_add(_NeedsArmature, Operator):  # noqa: N801
    """One more bone for this part: spines, necks and twists may have several"""

    bl_idname = "lift_to_3d.mapping_add"
    bl_label = "Add Bone"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    @classmethod
    def poll(cls: Any, context: Context) -> bool:
        """Whether the part in hand may have several."""
        obj = chosen_armature(context)
        may = obj is not None and rig_choice.can_add_bone(obj)
        if not may:
            cls.poll_message_set("Only the spine, the neck and twists may be several bones")
        return may

    def execute(self, context: Context) -> Any:
        """Add a line."""
        rig_choice.add_bone(chosen_armature(context))
        return {"FINISHED"}


class LIFT_TO_3D_OT_mapping_save(_NeedsArmature, Operator, ExportHelper):  # noqa: N801
    """Write the mapping to a file, for other scenes and for the command line"""

    bl_idname = "lift_to_3d.mapping_save"
    bl_label = "Save Mapping"

    filepath: StringProperty(subtype="FILE_PATH")
    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def execute(self, context: Context) -> Any:
        """Write it."""
        try:
            save_mapping(rig_choice.mapping_of(chosen_armature(context)), self.filepath)
        except LiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except OSError as error:
            text = translated_report("Cannot write {}: {}")
            self.report({"ERROR"}, text.format(self.filepath, error.strerror or error))
            return {"CANCELLED"}
        return {"FINISHED"}


class LIFT_TO_3D_OT_mapping_load(_NeedsArmature, Operator, ImportHelper):  # noqa: N801
    """Take the mapping from a file that was saved before"""

    bl_idname = "lift_to_3d.mapping_load"
    bl_label = "Load Mapping"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    filepath: StringProperty(subtype="FILE_PATH")
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def execute(self, context: Context) -> Any:
        """Read it."""
        try:
            rig_choice.edit(chosen_armature(context), load_mapping(self.filepath))
        except LiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (
    LIFT_TO_3D_OT_mapping_edit,
    LIFT_TO_3D_OT_mapping_reset,
    LIFT_TO_3D_OT_mapping_add,
    LIFT_TO_3D_OT_mapping_save,
    LIFT_TO_3D_OT_mapping_load,
)


def register() -> None:
    """Add the operators."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them away again."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
