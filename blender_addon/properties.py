"""What the panel asks for and shows, kept in the scene and so in the .blend file."""

# pyright: reportInvalidTypeForm=false
# Blender reads properties off annotations as they are, so these must not be postponed.

from math import radians
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)
from bpy.types import Object, PropertyGroup

from . import preferences
from .defaults import CONTEXT, Defaults
from .scene import Context
from .source import recognise

ARMATURE, FILE = "ARMATURE", "FILE"

_RIGS = (
    *preferences.OWN_RIGS,
    (ARMATURE, "Armature", "An armature of this scene"),
    (FILE, "File", "A character in a .blend, .fbx, .glb, .vrm or .bvh file"),
)
_DEVICES = (
    ("preferences", "As in Preferences", "What the add-on's preferences say"),
    *preferences.DEVICES,
)


def _changed(settings: Any, _: Context) -> None:
    recognise(settings)


def _redraw(_: Any, context: Context) -> None:
    if context.area is not None:
        context.area.tag_redraw()


def _is_armature(_: Any, obj: Object) -> bool:
    return obj.type == "ARMATURE"


class LIFT_TO_3D_PG_part(PropertyGroup):  # noqa: N801
    """A line of an edited bone mapping."""

    part: StringProperty(name="Part", description="Part of the body")
    bone: StringProperty(name="Bone", description="The bone that plays this part; empty for none")


class LIFT_TO_3D_PG_mapping(PropertyGroup):  # noqa: N801
    """An armature's edited bone mapping, see `rig_choice`; ``armature.lift_to_3d``."""

    entries: CollectionProperty(type=LIFT_TO_3D_PG_part)
    active: IntProperty(name="Part", description="Part of the body")
    base: StringProperty()


class LIFT_TO_3D_PG_person(PropertyGroup):  # noqa: N801
    """A person of the source."""

    use: BoolProperty(
        name="Lift", description="Lift this person, on a character of their own", default=True
    )
    number: IntProperty()
    first: IntProperty()
    last: IntProperty()
    frames: IntProperty()


class LIFT_TO_3D_PG_settings(Defaults, PropertyGroup):  # noqa: N801
    """Everything about a conversion; ``scene.lift_to_3d``."""

    source: StringProperty(
        name="Keypoints",
        description="2D keypoint file of any tool, a folder of them such as OpenPose writes, "
        "or a motion file of ours",
        subtype="FILE_PATH",
        update=_changed,
    )
    video: StringProperty(
        name="Video",
        description="The film that the keypoints were seen in, for its frame rate and picture size",
        subtype="FILE_PATH",
        update=_changed,
    )
    fps: FloatProperty(
        name="Frame Rate",
        description="Frames a second of the keypoints",
        min=0.1,
        max=10_000,
        default=30,
        precision=3,
    )
    size: IntVectorProperty(
        name="Picture",
        description="Width and height of the picture that the keypoints were seen in",
        size=2,
        min=1,
        max=100_000,
        default=(1920, 1080),
    )
    fov_given: BoolProperty(
        name="Field of View",
        description="Give the camera's field of view. Else 60° along the picture's longer side "
        "are assumed",
        translation_context=CONTEXT,
    )
    fov: FloatProperty(
        name="Field of View",
        description="Of the camera, horizontally",
        min=radians(1),
        max=radians(170),
        default=radians(60),
        subtype="ANGLE",
        translation_context=CONTEXT,
    )
    model: StringProperty(
        name="Model",
        description="The name of a model that comes with the add-on or lies in the preferences' "
        "model folder, or an .onnx file; empty for the one of the preferences",
        search=preferences.model_names,
    )
    device: EnumProperty(name="Device", description="What computes the lifting", items=_DEVICES)
    rig: EnumProperty(name="Character", description="Who moves", items=_RIGS, default="mannequin")
    armature: PointerProperty(
        name="Armature", description="The armature to animate", type=Object, poll=_is_armature
    )
    rig_file: StringProperty(
        name="File",
        description="Character file: .blend, .fbx, .glb, .vrm or .bvh",
        subtype="FILE_PATH",
    )
    start_frame: IntProperty(
        name="Start Frame", description="Scene frame of the first frame", default=1
    )
    show_keypoints: BoolProperty(
        name="2D Keypoints",
        description="Draw what the detector saw, in the view of the recovered camera",
        default=True,
        update=_redraw,
    )
    show_joints: BoolProperty(
        name="3D Joints",
        description="Draw the lifted joints, before any character; fainter where less sure",
        update=_redraw,
    )

    recognised: StringProperty(options={"SKIP_SAVE"})
    trouble: StringProperty(options={"SKIP_SAVE"})
    notes: StringProperty(options={"SKIP_SAVE"})
    fps_known: BoolProperty()
    size_known: BoolProperty()
    fov_known: BoolProperty()
    people: CollectionProperty(type=LIFT_TO_3D_PG_person)
    active_person: IntProperty(name="Person", description="A person of the clip")
    result: PointerProperty(type=Object, poll=_is_armature)
    result_text: StringProperty()
    result_notes: StringProperty()
    view_text: StringProperty()


CLASSES = (
    LIFT_TO_3D_PG_part,
    LIFT_TO_3D_PG_mapping,
    LIFT_TO_3D_PG_person,
    LIFT_TO_3D_PG_settings,
)


def register() -> None:
    """Add the settings to every scene, and a mapping to every armature."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    types: Any = bpy.types
    types.Scene.lift_to_3d = PointerProperty(type=LIFT_TO_3D_PG_settings)
    types.Armature.lift_to_3d = PointerProperty(type=LIFT_TO_3D_PG_mapping)


def unregister() -> None:
    """Take them away again."""
    types: Any = bpy.types
    del types.Scene.lift_to_3d
    del types.Armature.lift_to_3d
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
