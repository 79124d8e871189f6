"""What can be done: lift, cancel, export, import. Each is a thin shell around a plain function."""

# pyright: reportInvalidTypeForm=false, reportIncompatibleMethodOverride=false
# Blender reads properties off annotations as they are, so these must not be postponed.

from functools import partial
from math import degrees
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import StringProperty
from bpy.types import FileHandler, Operator
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..core.errors import Cancelled, LiftError
from ..core.pipeline import Options
from ..retarget.options import Retargeting
from . import preferences
from .export import export, find_preset
from .jobs import Job
from .lifting import Lifted, lift_file
from .properties import ARMATURE, EVERYONE, FILE
from .scene import Context, redraw_sidebars
from .source import forget_jobs, source_path, video_path

if TYPE_CHECKING:
    from .animate import Placing

SUFFIXES = (".json", ".csv", ".npz", ".npy", ".h5", ".hdf5", ".slp", ".pkl", ".txt", ".trc")
"""Of the files offered for import; what they are is found out from what is in them."""

_TICK = 0.1

_job: Job[Lifted] | None = None


def running_job() -> Job[Lifted] | None:
    """The lifting job that runs now, if one does."""
    return _job


@persistent
def stop_jobs(*_: object) -> None:
    """Cancel what runs, before the file or the add-on goes: nothing may reach another file."""
    global _job
    forget_jobs()
    if _job is not None:
        _job.cancel()
        _job.wait(5)
    _job = None


def options(settings: Any) -> Options:
    """The settings, as the pipeline takes them. What the file says itself is left to it."""
    return Options(
        fps=None if settings.fps_known else settings.fps,
        size=None if settings.size_known else tuple(settings.size),
        fov=degrees(settings.fov) or None,
        video=video_path(settings),
        person="all" if settings.person == EVERYONE else int(settings.person),
        model=bpy.path.abspath(settings.model) or preferences.model(),
        device=preferences.device(),
        height=settings.height,
        smoothing=settings.smoothing,
    )


def placing(settings: Any) -> "Placing":
    """The settings, as `animate.place` takes them."""
    from .animate import Placing

    rigs = {ARMATURE: settings.armature, FILE: bpy.path.abspath(settings.rig_file)}
    return Placing(
        rig=rigs.get(settings.rig, settings.rig),
        start_frame=settings.start_frame,
        retargeting=Retargeting(feet=settings.feet, in_place=settings.in_place),
        take_rate=settings.take_rate,
        replace=settings.replace,
    )


def what_is_missing(settings: Any) -> str:
    """Why nothing can be lifted yet, as a sentence for the button's tooltip; empty if it can."""
    if not settings.source:
        return "Choose a keypoint file first"
    if settings.trouble:
        return settings.trouble
    if settings.rig == ARMATURE and settings.armature is None:
        return "Choose an armature to animate"
    if settings.rig == FILE and not settings.rig_file:
        return "Choose a character file"
    return ""


def show_result(settings: Any, lifted: Lifted) -> None:
    """Put the motions into the scene and say so in the panel.

    Raises:
        LiftError: with the scene as it was.
    """
    from .animate import place  # with scipy, which registering does not wait for

    moved = place(lifted.motions, placing(settings), lifted.starts)
    settings.result = moved[0]
    frames = max(motion.frames for motion in lifted.motions)
    who = "1 person" if len(moved) == 1 else f"{len(moved)} people"
    settings.result_text = f"{who}, {frames} frames"
    settings.result_notes = "\n".join(lifted.notes)


class LIFT_TO_3D_OT_lift(Operator):  # noqa: N801
    """Lift the keypoints to 3D and animate the character with them"""

    bl_idname = "lift_to_3d.lift"
    bl_label = "Lift to 3D"
    bl_options = {"UNDO"}  # noqa: RUF012

    _timer: Any = None

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether everything is there, and why not."""
        if _job is not None:
            cls.poll_message_set("The last clip is still being lifted")
            return False
        missing = what_is_missing(context.scene.lift_to_3d)
        if missing:
            cls.poll_message_set(missing)
        return not missing

    def execute(self, context: Context) -> Any:
        """Do it all at once, for scripts and the background."""
        settings = context.scene.lift_to_3d
        return self._finish(_make_job(settings), settings)

    def invoke(self, context: Context, _: Any) -> Any:
        """Begin beside the main thread; `modal` goes on."""
        global _job
        if bpy.app.background:
            return self.execute(context)
        _job = _make_job(context.scene.lift_to_3d)
        _job.start()
        manager = context.window_manager
        self._timer = manager.event_timer_add(_TICK, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Any) -> Any:
        """Show how far it is; end when the job has ended."""
        job = _job
        if job is None:
            self._tidy(context)
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
        if event.type != "TIMER":
            return {"RUNNING_MODAL"} if event.type == "ESC" else {"PASS_THROUGH"}
        if job.running and not job.cancelled:
            context.workspace.status_text_set(f"Lift to 3D: {job.progress:.0%}   (Esc to cancel)")
            redraw_sidebars()
            return {"PASS_THROUGH"}
        self._tidy(context)
        return self._finish(job, context.scene.lift_to_3d)

    def cancel(self, context: Context) -> None:
        """Blender ends the operator, as when another file is opened."""
        stop_jobs()
        self._tidy(context)

    def _tidy(self, context: Context) -> None:
        global _job
        _job = None
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        context.workspace.status_text_set(None)
        redraw_sidebars()

    def _finish(self, job: Job[Lifted], settings: Any) -> Any:
        try:
            lifted = job.result() if job.started else job.run()
            show_result(settings, lifted)
        except Cancelled:
            self.report({"INFO"}, "Cancelled, nothing has changed")
            return {"CANCELLED"}
        except LiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Lifted {settings.result_text}")
        return {"FINISHED"}


class LIFT_TO_3D_OT_cancel(Operator):  # noqa: N801
    """Stop lifting; nothing is changed then"""

    bl_idname = "lift_to_3d.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, _: Context) -> Any:
        """Ask the job to stop."""
        if _job is not None:
            _job.cancel()
        return {"FINISHED"}


class LIFT_TO_3D_OT_export(Operator, ExportHelper):  # noqa: N801
    """Write the animated character, and the meshes it moves, to a file"""

    bl_idname = "lift_to_3d.export"
    bl_label = "Export Character"

    filepath: StringProperty(subtype="FILE_PATH")
    preset: StringProperty(default="fbx", options={"HIDDEN"})
    filename_ext = ""

    @classmethod
    def description(cls, _: Context, properties: Any) -> str:
        """What the target is for."""
        preset = find_preset(properties.preset)
        return f"{preset.title}. {preset.description}"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether there is something to export."""
        found = exportable(context) is not None
        if not found:
            cls.poll_message_set("Lift something first, or choose an animated armature")
        return found

    def invoke(self, context: Context, event: Any) -> Any:
        """Ask for the file's name, the character's to begin with."""
        self.filename_ext = find_preset(self.preset).suffix
        obj = exportable(context)
        if obj is not None and not self.filepath:
            self.filepath = bpy.path.clean_name(obj.name) + self.filename_ext
        return ExportHelper.invoke(self, context, event)

    def execute(self, context: Context) -> Any:
        """Write it."""
        obj = exportable(context)
        try:
            suffix = find_preset(self.preset).suffix
            path = bpy.path.ensure_ext(bpy.path.abspath(self.filepath), suffix)
            written = export(obj, path, preset=self.preset)
        except LiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Wrote {written}")
        return {"FINISHED"}


def exportable(context: Context) -> Any:
    """The armature to export: the last result, else the active one."""
    result = context.scene.lift_to_3d.result
    if result is not None and result.name in context.view_layer.objects:
        return result
    active = context.object
    return active if active is not None and active.type == "ARMATURE" else None


class LIFT_TO_3D_OT_import(Operator, ImportHelper):  # noqa: N801
    """Take 2D keypoints of any tool, to be lifted to 3D"""

    bl_idname = "lift_to_3d.import_keypoints"
    bl_label = "Import 2D Keypoints"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    filepath: StringProperty(subtype="FILE_PATH")
    filter_glob: StringProperty(
        default=";".join(f"*{suffix}" for suffix in SUFFIXES), options={"HIDDEN"}
    )

    def invoke(self, context: Context, event: Any) -> Any:
        """Take a file that was dropped; ask for one otherwise."""
        if self.filepath:
            return self.execute(context)
        return ImportHelper.invoke(self, context, event)

    def execute(self, context: Context) -> Any:
        """Make it the panel's source and show the panel."""
        context.scene.lift_to_3d.source = self.filepath
        if context.area is not None and context.area.type == "VIEW_3D":
            context.space_data.show_region_ui = True
        self.report({"INFO"}, f"{Path(self.filepath).name}: press Lift to 3D in the sidebar")
        return {"FINISHED"}


class LIFT_TO_3D_FH_keypoints(FileHandler):  # noqa: N801
    """Keypoint files that are dropped into a 3D view."""

    bl_idname = "LIFT_TO_3D_FH_keypoints"
    bl_label = "2D Keypoints"
    bl_import_operator = "lift_to_3d.import_keypoints"
    bl_file_extensions = ";".join(SUFFIXES)

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        """In 3D views only."""
        return context.area is not None and context.area.type == "VIEW_3D"


def _make_job(settings: Any) -> Job[Lifted]:
    return Job(partial(lift_file, source_path(settings), options(settings)))


def _menu(menu: Any, _: Context) -> None:
    menu.layout.operator("lift_to_3d.import_keypoints", text="2D Keypoints (Lift to 3D)")


CLASSES = (
    LIFT_TO_3D_OT_lift,
    LIFT_TO_3D_OT_cancel,
    LIFT_TO_3D_OT_export,
    LIFT_TO_3D_OT_import,
    LIFT_TO_3D_FH_keypoints,
)


def register() -> None:
    """Add the operators and the entry in File, Import."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.TOPBAR_MT_file_import.append(_menu)
    bpy.app.handlers.load_pre.append(stop_jobs)


def unregister() -> None:
    """Take them away again; a running job is cancelled."""
    stop_jobs()
    bpy.app.handlers.load_pre.remove(stop_jobs)
    bpy.types.TOPBAR_MT_file_import.remove(_menu)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
