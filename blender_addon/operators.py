"""What can be done: lift, cancel, export, import. Each is a thin shell around a plain function."""

# pyright: reportInvalidTypeForm=false, reportIncompatibleMethodOverride=false
# Blender reads properties off annotations as they are, so these must not be postponed.

from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent
from bpy.props import StringProperty
from bpy.types import FileHandler, Operator
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..core.errors import Cancelled, LiftError
from . import running
from .conversion import convert_steps, what_is_missing
from .export import export, find_preset
from .jobs import run_steps
from .scene import Context, context, redraw_sidebars, translated, translated_report
from .source import forget_jobs

SUFFIXES = (".json", ".csv", ".npz", ".npy", ".h5", ".hdf5", ".slp", ".pkl", ".txt", ".trc")
"""Of the files offered for import; what they are is found out from what is in them."""

TAB = "Lift to 3D"
"""The sidebar's tab that is ours."""

_TICK = 0.1
_MOUSE = ("MOUSEMOVE", "INBETWEEN_MOUSEMOVE", "LEFTMOUSE")

_timer: Any = None


@persistent
def stop_jobs(*_: object) -> None:
    """Cancel what runs, before the file or the add-on goes: nothing may reach another file."""
    forget_jobs()
    running.stop()
    _stop_clock()


def _start_clock(window: Any) -> None:
    global _timer
    _timer = context().window_manager.event_timer_add(_TICK, window=window)


def _stop_clock() -> None:
    """No more ticks and no more progress, whoever ended the job."""
    global _timer
    if _timer is not None:
        context().window_manager.event_timer_remove(_timer)
        _timer = None
        _write_status(None)


def _pass_on(context: Context, event: Any, job: running.Running) -> Any:
    """Nobody else may touch the scene while it is being written; only our cross may be pressed."""
    if not job.changing or (event.type in _MOUSE and _is_in_our_tab(context.window, event)):
        return {"PASS_THROUGH"}
    return {"RUNNING_MODAL"}


def _is_in_our_tab(window: Any, event: Any) -> bool:
    regions = [r for area in window.screen.areas if area.type == "VIEW_3D" for r in area.regions]
    return any(
        0 <= event.mouse_x - region.x < region.width
        and 0 <= event.mouse_y - region.y < region.height
        for region in regions
        if region.type == "UI" and region.active_panel_category == TAB
    )


def _write_status(text: str | None) -> None:
    for window in context().window_manager.windows:
        window.workspace.status_text_set(text)
    redraw_sidebars()


class LIFT_TO_3D_OT_lift(Operator):  # noqa: N801
    """Lift the keypoints to 3D and animate the character with them"""

    bl_idname = "lift_to_3d.lift"
    bl_label = "Lift to 3D"
    bl_options = {"UNDO"}  # noqa: RUF012

    _told = ""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether everything is there, and why not."""
        missing = what_is_missing(context.scene.lift_to_3d)
        if running.running() is not None:
            missing = "The last clip is still being lifted"
        if missing:
            cls.poll_message_set(missing)
        return not missing

    def execute(self, context: Context) -> Any:
        """Do it all at once, for scripts and the background."""
        try:
            text = run_steps(convert_steps(context.scene.lift_to_3d))
        except LiftError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, translated_report("Lifted {}").format(text))
        return {"FINISHED"}

    def invoke(self, context: Context, _: Any) -> Any:
        """Begin beside the main thread; `modal` goes on."""
        if bpy.app.background:
            return self.execute(context)
        running.start(convert_steps(context.scene.lift_to_3d))
        _start_clock(context.window)
        context.window_manager.modal_handler_add(self)
        redraw_sidebars()
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Any) -> Any:
        """Go on for a moment at every tick of the clock."""
        job = running.running()
        if job is None:
            _stop_clock()
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
        elif event.type != "TIMER":
            return _pass_on(context, event, job)
        try:
            done = job.advance()
        except Cancelled:
            return self._give_up({"INFO"}, "Cancelled, nothing has changed")
        except LiftError as error:
            return self._give_up({"ERROR"}, str(error))
        except BaseException:
            stop_jobs()
            raise
        if done:
            running.end()
            _stop_clock()
            self.report({"INFO"}, translated_report("Lifted {}").format(job.result))
            return {"FINISHED"}
        self._tell(f"{job.progress:.0%}")
        return {"RUNNING_MODAL"} if job.changing else {"PASS_THROUGH"}

    def cancel(self, _: Context) -> None:
        """Blender ends the operator, as when another file is opened."""
        stop_jobs()

    def _tell(self, share: str) -> None:
        """How far it is; drawn again only when that looks different, since drawing takes time."""
        if share != self._told:
            self._told = share
            _write_status(translated("Lift to 3D: {}   (Esc to cancel)").format(share))

    def _give_up(self, kind: Any, text: str) -> Any:
        running.end()
        _stop_clock()
        self.report(kind, text)
        return {"CANCELLED"}


class LIFT_TO_3D_OT_cancel(Operator):  # noqa: N801
    """Stop lifting; nothing is changed then"""

    bl_idname = "lift_to_3d.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def execute(self, _: Context) -> Any:
        """Ask the job to stop."""
        job = running.running()
        if job is not None:
            job.cancel()
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
        self.report({"INFO"}, translated_report("Wrote {}").format(written))
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
        text = translated_report("{}: press Lift to 3D in the sidebar")
        self.report({"INFO"}, text.format(Path(self.filepath).name))
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
