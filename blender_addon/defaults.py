"""The settings that a user wants the same every time: in the preferences, and in each scene."""

# pyright: reportInvalidTypeForm=false
# Blender reads properties off annotations as they are, so these must not be postponed.

from math import radians

from bpy.props import BoolProperty, EnumProperty, FloatProperty

CONTEXT = "Lift to 3D"
"""Of words that Blender translates as something else: Light (the lamp), Always, Field of View."""

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
_TRAVEL = (
    ("hips", "Hips", "The hips carry the way over the floor"),
    ("root", "Root Bone", "The rig's root bone carries it, as game engines want; hips if none"),
)


class Defaults:
    """Properties for the class of the preferences and for that of the scene's settings."""

    height: FloatProperty(
        name="Height",
        description="Of the person, which sets the scale of the path through the world",
        min=0.1,
        max=100,
        default=1.7,
        subtype="DISTANCE",
        unit="LENGTH",
    )
    mirror: BoolProperty(
        name="Mirror Image",
        description="Lift the mirror image, too, and take the mean: twice the work, a little more "
        "exact",
        default=True,
    )
    smoothing: EnumProperty(
        name="Smoothing",
        description="Of the motion",
        items=_SMOOTHING,
        default="light",
        translation_context=CONTEXT,
    )
    feet: EnumProperty(
        name="Feet",
        description="Foot contact",
        items=_FEET,
        default="auto",
        translation_context=CONTEXT,
    )
    hold_hands: BoolProperty(
        name="Hold Hands Still", description="Keep hands in place while they rest on something"
    )
    in_place: BoolProperty(name="In Place", description="Keep the character on the spot")
    travel: EnumProperty(
        name="Root Motion", description="What carries the way over the floor", items=_TRAVEL
    )
    take_rate: BoolProperty(
        name="Clip's Rate",
        description="Set the scene to the frame rate of the clip. Otherwise the scene keeps its "
        "own and the motion is keyed on its frames, at the right speed",
    )
    replace: BoolProperty(
        name="Replace Earlier",
        description="Remove the action that was made from the same clip and person before. "
        "Actions of yours are never removed",
        default=True,
    )
    strip: BoolProperty(
        name="NLA Strip",
        description="Put the action on an NLA track of its own; none is active then",
    )
    reduce: BoolProperty(
        name="Reduce Keys",
        description="Leave out keys as long as no bone, at any frame, is further off than allowed. "
        "Otherwise every frame has a key",
    )
    most_degrees: FloatProperty(
        name="Max Angle",
        description="How far any bone may be turned away from the full motion",
        subtype="ANGLE",
        default=radians(1),
        min=radians(0.001),
        max=radians(45),
    )
    most_distance: FloatProperty(
        name="Max Distance",
        description="How far the head or tail of any bone may be from the full motion",
        subtype="DISTANCE",
        unit="LENGTH",
        default=0.005,
        min=0.00001,
        max=1,
        precision=4,
    )
