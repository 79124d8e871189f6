"""Looking at the result: against the video, and at the frames that are worth a look."""

# pyright: reportInvalidTypeForm=false, reportIncompatibleMethodOverride=false
# Blender reads properties off annotations as they are, so these must not be postponed.

from math import isnan
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty
from bpy.types import Operator

from ..core.errors import LiftError
from .kept import has_clip, kept_with
from .scene import Context, translated, translated_report, view_layer
from .source import footage_path


def lifted_characters(scene: Any) -> list[Any]:
    """The scene's armatures that play something we lifted."""
    return [obj for obj in scene.objects if obj.type == "ARMATURE" and has_clip(obj)]


def see_against_video(scene: Any) -> str:
    """Make the camera, with the film behind the characters; what to tell about it.

    The active character is the one that stands on its person; where the floor was taken wrongly,
    as of somebody on a roof, others may stand elsewhere.

    Raises:
        LiftError: nothing was lifted, or the film cannot be read.
    """
    from .camera import make_camera, show_video  # with scipy, which registering does not wait for

    settings = scene.lift_to_3d
    characters = lifted_characters(scene)
    active = view_layer().objects.active
    chosen: Any = active if active in characters else characters[0]
    camera, view = make_camera(chosen)
    kept = kept_with(chosen)
    assert kept is not None
    size = max(kept.clip.size)
    error = "" if isnan(view.error) else f"{view.error:.0f} px, {view.error / size:.1%}"
    settings.view_text = translated("Reprojection error: {}").format(error) if error else ""
    video = footage_path(settings) or (Path(kept.clip.video) if kept.clip.video else None)
    if video is None:
        return "No video is known: choose it under Video and Camera to see it behind"
    show_video(camera, kept, video)
    if not error:
        return "The camera is made"
    return translated_report("'{}' stands on its person: {} off").format(chosen.name, error)


def next_unsure(scene: Any, backwards: bool = False) -> int | None:
    """The first frame of the next stretch that is worth a look, round to the first again."""
    begins = sorted(
        {
            first
            for obj in lifted_characters(scene)
            if (kept := kept_with(obj)) is not None
            for first, _ in kept.unsure()
        }
    )
    if not begins:
        return None
    now = scene.frame_current
    if backwards:
        return next((frame for frame in reversed(begins) if frame < now), begins[-1])
    return next((frame for frame in begins if frame > now), begins[0])


class _NeedsResult:
    @classmethod
    def poll(cls: Any, context: Context) -> bool:
        """Whether anything was lifted in this scene."""
        found = bool(lifted_characters(context.scene))
        if not found:
            cls.poll_message_set("Lift something first")
        return found


class LIFT_TO_3D_OT_camera(_NeedsResult, Operator):  # noqa: N801
    """See the characters before the video, from where it was filmed."""

    bl_idname = "lift_to_3d.camera"
    bl_label = "See Against Video"
    bl_description = (
        "Make a camera where the filming one stood, with the video behind the characters, and look "
        "through it. The scene's resolution becomes that of the video"
    )
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: Context) -> Any:
        """Make it, and look through it where this was pressed."""
        try:
            text = see_against_video(context.scene)
        except LiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if context.area is not None and context.area.type == "VIEW_3D":
            context.space_data.region_3d.view_perspective = "CAMERA"
        self.report({"INFO"}, text)
        return {"FINISHED"}


class LIFT_TO_3D_OT_unsure(_NeedsResult, Operator):  # noqa: N801
    """Go to the next frames where the lifting is not sure of itself"""

    bl_idname = "lift_to_3d.unsure"
    bl_label = "Next Frame to Check"

    backwards: BoolProperty(name="Backwards", description="Go to the one before")

    def execute(self, context: Context) -> Any:
        """Go there."""
        frame = next_unsure(context.scene, self.backwards)
        if frame is None:
            self.report({"INFO"}, "No frames stand out: the lifting is sure of all of them")
            return {"CANCELLED"}
        context.scene.frame_set(frame)
        return {"FINISHED"}


CLASSES = (LIFT_TO_3D_OT_camera, LIFT_TO_3D_OT_unsure)


def register() -> None:
    """Add the operators."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them away again."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
