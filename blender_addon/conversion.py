"""What the button does: from the panel's settings to moving characters, in steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from math import degrees
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import LiftError
from ..core.pipeline import Options
from ..retarget.options import Retargeting
from . import preferences
from .jobs import Steps, beside, share
from .lifting import Lifted, lift_file
from .properties import ARMATURE, FILE
from .scene import translated, view_layer
from .source import reading, source_path, video_path
from .worker import lift_in_process

if TYPE_CHECKING:
    from .animate import Placing

LIFTED = 0.9
"""Where in the work Blender's scene is touched for the first time."""


def what_is_missing(settings: Any) -> str:
    """Why nothing can be lifted yet, as a sentence for the button's tooltip; empty if it can."""
    if not settings.source:
        return "Choose a keypoint file first"
    if settings.trouble:
        return settings.trouble
    if reading():
        return "The keypoints are still being read"
    if not settings.recognised:
        return "The keypoints have not been read: choose the file again"
    if settings.people and not any(person.use for person in settings.people):
        return "Choose at least one person"
    if settings.rig == ARMATURE and settings.armature is None:
        return "Choose an armature to animate"
    if settings.rig == ARMATURE and sum(person.use for person in settings.people) > 1:
        return "One armature takes one person: choose whom, or another kind of character"
    if settings.rig == FILE and not settings.rig_file:
        return "Choose a character file"
    return ""


def convert_steps(settings: Any) -> Steps[str]:
    """Lift the source and animate characters with it; one sentence about the result.

    Nothing in Blender is touched before `LIFTED`. Steps that are closed before their end, or fail,
    leave the scene as it was.

    Raises:
        LiftError: the source, the model or the rig does not do.
    """
    lift = partial(_lift, source_path(settings), options(settings))
    scene, how = settings.id_data.name, _placing(settings)
    lifted = yield from share(beside(lift), 0, LIFTED)
    if scene not in bpy.data.scenes:
        raise LiftError(f"The scene '{scene}' is gone: lift again.")
    from .animate import place_steps  # with scipy, loaded by the job
    from .rig_choice import mapping_of

    chosen = how()
    moved = yield from share(place_steps(lifted.motions, chosen, lifted.clips), LIFTED, 1)
    cannot = chosen.retargeting.cannot(chosen.mapping or mapping_of(moved[0]))
    found: Any = bpy.data.scenes[scene]
    return _show(found.lift_to_3d, moved, lifted, (*lifted.notes, *cannot))


def options(settings: Any) -> Options:
    """The settings, as the pipeline takes them. What the file says itself is left to it."""
    chosen = tuple(person.number for person in settings.people if person.use)
    everyone = len(chosen) == len(settings.people)
    return Options(
        fps=None if settings.fps_known else settings.fps,
        size=None if settings.size_known else tuple(settings.size),
        fov=degrees(settings.fov) if settings.fov_given and not settings.fov_known else None,
        video=video_path(settings),
        person="all" if everyone else chosen,
        model=preferences.model(settings.model),
        device=settings.device if settings.device != "preferences" else preferences.device(),
        mirror=settings.mirror,
        height=settings.height,
        smoothing=settings.smoothing,
    )


def _placing(settings: Any) -> Callable[[], Placing]:
    """The settings, as `animate.place_steps` takes them, once the armature is looked up again.

    While a job runs the user may undo, and what Python held of Blender's data is no longer valid.
    """
    armature = settings.armature.name if settings.armature else ""
    rig = bpy.path.abspath(settings.rig_file) if settings.rig == FILE else str(settings.rig)
    tolerance = (degrees(settings.most_degrees), settings.most_distance)
    reduce, in_scene = settings.reduce, settings.rig == ARMATURE
    retargeting = Retargeting(
        feet=settings.feet,
        hands="auto" if settings.hold_hands else "never",
        in_place=settings.in_place,
        travel=settings.travel,
    )
    rest = {
        "start_frame": settings.start_frame,
        "take_rate": settings.take_rate,
        "replace": settings.replace,
        "strip": settings.strip,
    }

    def look_up() -> Placing:
        from .animate import Placing
        from .reduction import Tolerance
        from .rig_choice import mapping_of

        obj: Any = bpy.data.objects.get(armature) if in_scene else None
        if in_scene and obj is None:
            raise LiftError(f"The armature '{armature}' is gone: choose another one.")
        return Placing(
            rig=obj or rig,
            mapping=mapping_of(obj) if in_scene else None,
            retargeting=retargeting,
            tolerance=Tolerance(*tolerance) if reduce else None,
            **rest,
        )

    return look_up


def _lift(path: Path, chosen: Options, progress: Callable[[float], None]) -> Lifted:
    if bpy.app.background:
        return lift_file(path, chosen, progress)
    lifted = lift_in_process(path, chosen, progress)
    from . import animate  # noqa: F401 - scipy loads here, where nobody waits for it

    return lifted


def _show(settings: Any, moved: list[Any], lifted: Lifted, notes: Iterable[str]) -> str:
    settings.result = moved[0]
    for obj in view_layer().objects:
        obj.select_set(obj in moved)
    view_layer().objects.active = moved[0]
    settings.view_text = ""
    frames = max(motion.frames for motion in lifted.motions)
    one = translated("1 person, {1} frames")
    text = one if len(moved) == 1 else translated("{0} people, {1} frames")
    settings.result_text = text.format(len(moved), frames)
    settings.result_notes = "\n".join(notes)
    return settings.result_text
