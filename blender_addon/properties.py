"""What the panel asks for and shows, kept in the scene and so in the .blend file."""

# pyright: reportInvalidTypeForm=false
# Blender reads properties off annotations as they are, so these must not be postponed.

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

from .character import CHARACTERS
from .scene import Context
from .source import recognise

EVERYONE = "EVERYONE"
ARMATURE, FILE = "ARMATURE", "FILE"

_RIGS = (
    *((name, name.capitalize(), about) for name, about in CHARACTERS.items()),
    (ARMATURE, "Armature", "An armature of this scene"),
    (FILE, "File", "A character in a .blend, .fbx, .glb, .vrm or .bvh file"),
)
_SMOOTHING = (
    ("off", "Off", "The joints as they were lifted"),
    ("light", "Light", "Take out jitter, keep quick movements"),
    ("strong", "Strong", "Calm, for shaky detections"),
)
_FEET = (
    ("auto", "Automatic", "Hold feet still while they stand on the floor"),
    ("always", "Always", "Hold feet also where they only look like standing"),
    ("never", "Free", "Leave the feet as they come"),
)

# Blender does not keep the strings of a menu that is made on the fly: they must live here.
_shown_people: list[tuple[str, str, str]] = []


def _people(settings: Any, _: Context) -> list[tuple[str, str, str]]:
    _shown_people[:] = [(EVERYONE, "Everyone", "Each person on a character of their own")]
    _shown_people.extend(
        (
            str(person.number),
            f"Person {person.number}",
            f"Seen in {person.frames} frames, from frame {person.first} to {person.last}",
        )
        for person in settings.people
    )
    return _shown_people


def _changed(settings: Any, _: Context) -> None:
    recognise(settings)


def _is_armature(_: Any, obj: Object) -> bool:
    return obj.type == "ARMATURE"


class LIFT_TO_3D_PG_person(PropertyGroup):  # noqa: N801
    """A person of the source."""

    number: IntProperty()
    first: IntProperty()
    last: IntProperty()
    frames: IntProperty()


class LIFT_TO_3D_PG_settings(PropertyGroup):  # noqa: N801
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
    person: EnumProperty(name="Person", description="Who is lifted", items=_people)
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
    fov: FloatProperty(
        name="Field of View",
        description="Horizontal, of the camera; 0 if not known",
        min=0,
        max=2.97,
        default=0,
        subtype="ANGLE",
    )
    height: FloatProperty(
        name="Height",
        description="Of the person, which sets the scale of the path through the world",
        min=0.1,
        max=100,
        default=1.7,
        subtype="DISTANCE",
        unit="LENGTH",
    )
    model: StringProperty(
        name="Model",
        description="A model file (.onnx with its card beside it); empty for the one of the "
        "preferences",
        subtype="FILE_PATH",
    )
    smoothing: EnumProperty(
        name="Smoothing", description="Of the motion", items=_SMOOTHING, default="light"
    )
    feet: EnumProperty(name="Feet", description="Foot contact", items=_FEET, default="auto")
    in_place: BoolProperty(name="In Place", description="Keep the character on the spot")
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
    take_rate: BoolProperty(
        name="Use the Clip's Frame Rate",
        description="Set the scene to the frame rate of the clip. Otherwise the scene keeps its "
        "own and the motion is keyed on its frames, at the right speed",
    )
    replace: BoolProperty(
        name="Replace Earlier Result",
        description="Remove the action that was made from the same clip and person before. "
        "Actions of yours are never removed",
        default=True,
    )

    recognised: StringProperty(options={"SKIP_SAVE"})
    trouble: StringProperty(options={"SKIP_SAVE"})
    notes: StringProperty(options={"SKIP_SAVE"})
    fps_known: BoolProperty()
    size_known: BoolProperty()
    people: CollectionProperty(type=LIFT_TO_3D_PG_person)
    result: PointerProperty(type=Object, poll=_is_armature)
    result_text: StringProperty()
    result_notes: StringProperty()


CLASSES = (LIFT_TO_3D_PG_person, LIFT_TO_3D_PG_settings)


def register() -> None:
    """Add the settings to every scene."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    scene: Any = bpy.types.Scene
    scene.lift_to_3d = PointerProperty(type=LIFT_TO_3D_PG_settings)


def unregister() -> None:
    """Take the settings away again."""
    del bpy.types.Scene.lift_to_3d  # pyright: ignore[reportAttributeAccessIssue]
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
