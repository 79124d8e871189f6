"""Preferences of the add-on: how everything is lifted, whatever the scene."""

# pyright: reportInvalidTypeForm=false
# Blender reads properties off annotations as they are, so these must not be postponed.

from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy.types import AddonPreferences

from .scene import Context, context

_ADDON = __package__.rpartition(".")[0] if __package__ else ""

DEVICES = (
    ("auto", "Automatic", "The fastest that there is"),
    ("cpu", "CPU", "Works everywhere"),
    ("cuda", "CUDA", "An NVIDIA graphics card, where onnxruntime was built for it"),
    ("directml", "DirectML", "Any graphics card on Windows, where onnxruntime was built for it"),
    ("coreml", "CoreML", "Apple's"),
)


class LIFT_TO_3D_AP_preferences(AddonPreferences):  # noqa: N801
    """Shown under Preferences, Add-ons."""

    bl_idname = _ADDON

    device: EnumProperty(name="Device", description="What computes the lifting", items=DEVICES)
    model: StringProperty(
        name="Model",
        description="A model file (.onnx with its card beside it); empty for the one that comes "
        "with the add-on",
        subtype="FILE_PATH",
    )

    def draw(self, _: Context) -> None:
        """Draw the fields."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "device")
        layout.prop(self, "model")


def device() -> str:
    """What computes the lifting."""
    return getattr(_preferences(), "device", "auto")


def model() -> str:
    """The model to lift with where the scene names none."""
    return bpy.path.abspath(getattr(_preferences(), "model", "")) or "default"


def _preferences() -> Any:
    addon = context().preferences.addons.get(_ADDON)
    return addon.preferences if addon is not None else None


def register() -> None:
    """Add the preferences."""
    bpy.utils.register_class(LIFT_TO_3D_AP_preferences)


def unregister() -> None:
    """Take the preferences away again."""
    bpy.utils.unregister_class(LIFT_TO_3D_AP_preferences)
