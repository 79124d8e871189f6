"""Preferences of the add-on: how everything is lifted, and what a new scene begins with."""

# pyright: reportInvalidTypeForm=false
# Blender reads properties off annotations as they are, so these must not be postponed.

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import EnumProperty, StringProperty
from bpy.types import AddonPreferences

from ..retarget.character import CHARACTERS
from .defaults import Defaults
from .scene import Context, context

_ADDON = __package__.rpartition(".")[0] if __package__ else ""

DEVICES = (
    ("auto", "Automatic", "The fastest that there is"),
    ("cpu", "CPU", "Works everywhere"),
    ("cuda", "CUDA", "An NVIDIA graphics card, where onnxruntime was built for it"),
    ("directml", "DirectML", "Any graphics card on Windows, where onnxruntime was built for it"),
    ("coreml", "CoreML", "Apple's"),
)
OWN_RIGS = tuple((name, name.capitalize(), about) for name, about in CHARACTERS.items())
"""The characters that need no file, as a property's items."""

_DEFAULTS = ("rig", *Defaults.__annotations__)


def model_names(_: Any, __: Context, ___: str) -> Iterator[str]:
    """What may stand under Model: what comes with the add-on, and what is in the model folder."""
    from ..core.mixste.model import shipped_models

    yield from shipped_models()
    folder = _model_folder()
    yield from sorted(card.stem for card in folder.glob("*.json")) if folder else ()


class LIFT_TO_3D_AP_preferences(Defaults, AddonPreferences):  # noqa: N801
    """Shown under Preferences, Add-ons."""

    bl_idname = _ADDON

    device: EnumProperty(name="Device", description="What computes the lifting", items=DEVICES)
    model: StringProperty(
        name="Model",
        description="The name of a model that comes with the add-on or lies in the model folder, "
        "or an .onnx file; empty for the best that comes with it",
        search=model_names,
    )
    model_folder: StringProperty(
        name="Model Folder",
        description="Where further models lie, each an .onnx file with its card, .json, beside it",
        subtype="DIR_PATH",
    )
    rig: EnumProperty(
        name="Character", description="Who moves", items=OWN_RIGS, default="mannequin"
    )

    def draw(self, _: Context) -> None:
        """Draw the fields."""
        layout: Any = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "device")
        layout.prop(self, "model", placeholder="default")
        layout.prop(self, "model_folder")
        column = layout.column()
        column.separator()
        column.label(text="A New Scene Begins With")
        for name in _DEFAULTS:
            column.prop(self, name)


def device() -> str:
    """What computes the lifting."""
    return getattr(_preferences(), "device", "auto")


def model(name: str = "") -> str:
    """A model's name or path, the preferences' where a scene names none, as `find_model` wants."""
    name = name or getattr(_preferences(), "model", "") or "default"
    folder = _model_folder()
    if folder is not None and (folder / f"{name}.json").is_file():
        return str(folder / f"{name}.onnx")
    return bpy.path.abspath(name)


def take_defaults(settings: Any) -> None:
    """Let a scene's settings that nobody has touched be those of the preferences."""
    preferred = _preferences()
    for name in _DEFAULTS if preferred is not None else ():
        value = getattr(preferred, name)
        if not settings.is_property_set(name) and getattr(settings, name) != value:
            setattr(settings, name, value)


@persistent
def _opened(*_: object) -> None:
    for scene in bpy.data.scenes:
        found: Any = scene
        take_defaults(found.lift_to_3d)


def _model_folder() -> Path | None:
    folder = bpy.path.abspath(getattr(_preferences(), "model_folder", ""))
    return Path(folder) if folder else None


def _preferences() -> Any:
    addon = context().preferences.addons.get(_ADDON)
    return addon.preferences if addon is not None else None


def register() -> None:
    """Add the preferences; scenes take their defaults once Blender lets us at them."""
    bpy.utils.register_class(LIFT_TO_3D_AP_preferences)
    bpy.app.handlers.load_post.append(_opened)
    bpy.app.timers.register(_opened)


def unregister() -> None:
    """Take the preferences away again."""
    if bpy.app.timers.is_registered(_opened):
        bpy.app.timers.unregister(_opened)
    bpy.app.handlers.load_post.remove(_opened)
    bpy.utils.unregister_class(LIFT_TO_3D_AP_preferences)
