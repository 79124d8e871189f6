"""Run by `test_window` in a real Blender with its window: use the add-on as a person does.

Its words: what to try (one of `SCENARIOS`), the zip, a keypoint file, a long motion file, which
comes to the solving and keying at once, and a character. The mouse and the keys are Blender's own
simulated ones, whose events go the same way as real ones. ``SHOT name`` on a line of its own asks
for a picture of the screen.
"""

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bpy
import numpy as np

scenario_name, zip_path, sample, motion, character = sys.argv[sys.argv.index("--") + 1 :]
TAB, LIFT, CANCEL = "Lift to 3D", "bpy.ops.lift_to_3d.lift(", "bpy.ops.lift_to_3d.cancel("
CAMERA = "bpy.ops.lift_to_3d.camera("
ADDON = "bl_ext.user_default.lift_to_3d"
PATIENCE = 400.0
SHORTEST = 0.25  # seconds of processor time in which a cancelled job must be gone
LONGEST = 0.1  # seconds of processor time that the main thread may need between two drawings
KINDS = ("objects", "armatures", "meshes", "materials", "actions", "cameras", "images")
Steps = Iterator[float]


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def leave(status: int) -> None:
    sys.stdout.flush()
    os._exit(status)


def check(holds: bool, what: str) -> None:
    say(f"{'ok' if holds else 'FAILED'}: {what}")
    if not holds:
        leave(1)


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def view() -> bpy.types.Area:
    return max((a for a in window().screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width)


def region(kind: str) -> bpy.types.Region:
    return next(region for region in view().regions if region.type == kind)


def in_view(kind: str = "WINDOW") -> object:
    return bpy.context.temp_override(window=window(), area=view(), region=region(kind))


def settings() -> object:
    return window().scene.lift_to_3d


def job() -> object:
    """What runs now."""
    return importlib.import_module(f"{ADDON}.blender_addon.running").running()


def event(kind: str, value: str, x: int = 0, y: int = 0) -> None:
    window().event_simulate(type=kind, value=value, x=x, y=y)


def under_mouse() -> str:
    """The call that the button under the mouse makes."""
    manager = bpy.context.window_manager
    manager.clipboard = ""
    with in_view("UI"):
        if bpy.ops.ui.copy_python_command_button.poll():
            bpy.ops.ui.copy_python_command_button()
    return manager.clipboard


def until(condition: Callable[[], bool], what: str) -> Steps:
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > PATIENCE:
            check(False, f"waited in vain until {what}")
        yield 0.02
    say(f"ok: {what} ({time.monotonic() - started:.1f} s)")


def find_button(call: str, rows: Sequence[int] = ()) -> Iterator:
    """Where in the sidebar the mouse is on a button that makes a call: in the middle or right."""
    sidebar = region("UI")
    right = sidebar.x + sidebar.width
    for y in rows or range(sidebar.y + sidebar.height - 4, sidebar.y, -6):
        for x in range(right - 35, right - 55, -5) if rows else (right - sidebar.width // 2,):
            event("MOUSEMOVE", "NOTHING", x, y)
            yield 0.02
            event("MOUSEMOVE", "NOTHING", x + 1, y)
            yield 0.05
            if under_mouse().startswith(call):
                say(f"ok: {call} is at {x}, {y}")
                return x, y if rows else y - 6
    check(False, f"no button in the sidebar calls {call}")
    return None


def press(place: tuple[int, int]) -> Steps:
    x, y = place
    for kind, value, at in (
        ("MOUSEMOVE", "NOTHING", x - 1),
        ("MOUSEMOVE", "NOTHING", x),
        ("LEFTMOUSE", "PRESS", x),
    ):
        event(kind, value, at, y)
        yield 0.05


def click(place: tuple[int, int]) -> Steps:
    yield from press(place)
    event("LEFTMOUSE", "RELEASE", *place)


def tab_is_open() -> bool:
    view().spaces.active.show_region_ui = True
    try:
        region("UI").active_panel_category = TAB
    except (AttributeError, TypeError):  # not drawn yet
        return False
    region("UI").tag_redraw()
    return True


def install(before_drawn: Callable[[], None] = lambda: None) -> Steps:
    """The add-on from its zip, its tab open, the source recognised."""
    bpy.ops.extensions.package_install_files(
        filepath=zip_path, repo="user_default", enable_on_install=True
    )
    before_drawn()
    for obj in list(bpy.context.scene.objects):  # the cube, the lamp and the camera
        bpy.data.objects.remove(obj)
    yield from until(tab_is_open, "the sidebar shows our tab")
    yield from choose(sample)


def choose(path: str) -> Steps:
    settings().rig = character
    settings().source = path
    yield from until(lambda: len(settings().people) > 0, f"{Path(path).name} is recognised")


def picture(name: str) -> Steps:
    """A picture of the screen, once everything is drawn."""
    for area in window().screen.areas:
        area.tag_redraw()
    yield 2.0
    say(f"SHOT {name}")
    yield 2.0


def press_lift() -> Steps:
    yield from click((yield from find_button(LIFT)))
    yield from until(lambda: job() is not None, "a job runs")


def clocks() -> np.ndarray:
    """Seconds on the clock, and of the main thread's processor time."""
    return np.array([time.monotonic(), time.thread_time()])


class Pulse:
    """Has the sidebar drawn all the time, and notes what lies between two drawings.

    The view itself, which Blender draws anew when something in it has moved, is timed apart: drawn
    by software it takes longer than everything else together.
    """

    def __init__(self) -> None:
        self._phase = ""
        self._last = self._view = self._view_began = np.zeros(2)  # by the clock, processor
        self._gaps: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self._handlers = [
            (bpy.types.SpaceView3D.draw_handler_add(call, (), kind, moment), kind)
            for call, kind, moment in (
                (self._drawn, "UI", "POST_PIXEL"),
                (self._view_begins, "WINDOW", "PRE_VIEW"),
                (self._view_ends, "WINDOW", "POST_PIXEL"),
            )
        ]
        self._running = True
        self._ticks: list[tuple[float, float]] = []
        self._measure_ticks()
        bpy.app.timers.register(self._again)

    def begin(self, phase: str) -> None:
        self._phase = phase

    def stop(self) -> None:
        self._running = False
        for handler, kind in self._handlers:
            bpy.types.SpaceView3D.draw_handler_remove(handler, kind)
        for phase, gaps in self._gaps.items():
            wall, view = max((gap[0], view[0]) for gap, view in gaps)
            ours, used = np.max([gap - view for gap, view in gaps], axis=0)
            say(
                f"GAPS {phase}: {len(gaps)} drawings, at most {1000 * wall:.0f} ms apart, "
                f"{1000 * view:.0f} ms of it the view; without the view at most "
                f"{1000 * ours:.0f} ms, {1000 * used:.0f} ms of the main thread's processor time"
            )
            check(used < LONGEST, f"{phase}: at most {LONGEST} s between two drawings")
        slowest = [f"{1000 * used:.0f} ms at {at:.1%}" for used, at in sorted(self._ticks)[-5:]]
        say(f"TICKS {len(self._ticks)} of ours, the slowest: {', '.join(slowest)}")

    def _measure_ticks(self) -> None:
        running = importlib.import_module(f"{ADDON}.blender_addon.running").Running
        advance = running.advance

        def measured(job) -> bool:
            started = time.thread_time()
            try:
                return advance(job)
            finally:
                self._ticks.append((time.thread_time() - started, job.progress))

        running.advance = measured

    def _again(self) -> float | None:
        if not self._running:
            return None
        region("UI").tag_redraw()
        if job() is not None:
            self._phase = "writing" if job().changing else "lifting"
        elif self._phase == "writing":
            self._phase = "result"
        return 0.03

    def _view_begins(self) -> None:
        self._view_began = clocks()

    def _view_ends(self) -> None:
        self._view = self._view + clocks() - self._view_began

    def _drawn(self) -> None:
        now = clocks()
        if self._phase:
            self._gaps.setdefault(self._phase, []).append((now - self._last, self._view))
        self._last, self._view = now, np.zeros(2)


def state() -> dict[str, object]:
    """What a job that was given up must leave as it was."""
    scene = window().scene
    found = {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in KINDS}
    found["scene"] = (scene.frame_start, scene.frame_end, scene.frame_current)
    found["rate"] = (scene.render.fps, scene.render.fps_base)
    active = window().view_layer.objects.active
    found["active"] = active.name if active else None
    found["told"] = (settings().result_text, settings().result)
    found["read"] = (settings().source, settings().recognised, len(settings().people))
    return found


def check_same(before: dict[str, object], what: str) -> None:
    now = state()
    other = {kind: (before[kind], now[kind]) for kind in now if now[kind] != before[kind]}
    check(not other, f"{what} {other or ''}")


def workers() -> int:
    """How many processes of ours lift."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_text()
            found += parent == os.getpid() and "worker.py" in words
    return found


def nobody_lifts() -> Steps:
    yield from until(lambda: workers() == 0, "nobody lifts any more")


def lift() -> Steps:
    """The button moves a character, the window stays alive, and undo takes it back at once."""
    yield from install()
    yield from picture("source")
    before = state()
    place = yield from find_button(LIFT)
    pulse = Pulse()
    yield 0.5
    pulse.begin("nothing runs")
    yield 2.0
    yield from click(place)
    yield 1.0
    say("SHOT lifting")
    yield from until(lambda: settings().result is not None, "the character is there")
    yield 2.0
    pulse.begin("nothing runs, the view drawn anew")
    for _ in range(5):
        view().tag_redraw()
        yield 0.3
    pulse.stop()
    data = settings().result.animation_data
    keyed = bool(data and data.action and data.action.frame_range[1] > 50)
    check(keyed, f"keyframes {tuple(data.action.frame_range)} in '{data.action.name}'")
    bpy.context.scene.frame_set(round(sum(data.action.frame_range) / 2))
    with in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_orbit(angle=0.3, type="ORBITUP")
        bpy.ops.view3d.view_all()
    yield from picture("result")
    after = state()
    window().scene.frame_set(before["scene"][2])
    with in_view():
        bpy.ops.ed.undo()
    yield 0.5
    check_same(before, "one undo takes the result back")
    with in_view():
        bpy.ops.ed.redo()
    yield 0.5
    again = state()
    check(all(again[kind] == after[kind] for kind in KINDS), "redo brings it again")


def cancel() -> Steps:
    """Esc and the cross give up in every phase, at once, and nothing has changed."""
    yield from install()
    right = 0
    for source, phases in ((sample, (0.0, 0.3)), (motion, (0.9, 0.93, 0.96, 0.98))):
        yield from choose(source)
        yield 0.5
        place = yield from find_button(LIFT)
        before = state()
        for by in ("esc", "cross"):
            for phase in phases:
                yield from click(place)
                yield from until(lambda: job() is not None, "a job runs")
                if by == "cross" and not right:
                    right, _ = yield from find_button(CANCEL, (place[1],))
                yield from until_at(phase)
                yield from give_up(by, (right, place[1]), f"{by} at {job().progress:.1%}")
                check_same(before, "the scene is as it was")
                yield from nobody_lifts()


def until_at(phase: float) -> Steps:
    yield from until(lambda: job() is None or job().progress > phase, f"it is at {phase:.0%}")
    check(job() is not None, "the job is not done yet")


def give_up(by: str, cross: tuple[int, int], what: str) -> Steps:
    running = importlib.import_module(f"{ADDON}.blender_addon.running")
    end, ended = running.end, []
    running.end = lambda: (ended.append(clocks()), end())
    if by == "cross":
        yield from press(cross)
    started = clocks()
    if by == "esc":
        event("ESC", "PRESS")
    else:
        event("LEFTMOUSE", "RELEASE", *cross)
    yield from until(lambda: job() is None, "the job is gone")
    running.end = end
    took, used = ended[0] - started
    check(used < SHORTEST, f"given up by {what} after {took:.2f} s, {used:.2f} s of processor time")
    if by == "esc":
        event("ESC", "RELEASE")
    yield 0.2


def interrupt() -> Steps:
    """Undo, another file, the add-on going and coming: none of them harms or is harmed."""
    yield from install()
    yield from press_lift()
    yield from until_at(0.1)
    with in_view():
        bpy.ops.ed.undo_push(message="something else")
        bpy.ops.ed.undo()
    yield from until(lambda: job() is None, "after an undo the job comes to its end")
    check(settings().result is not None, "after an undo the character is there")

    for source, phase in ((sample, 0.1), (motion, 0.96)):
        yield from choose(source)
        yield from press_lift()
        yield from until_at(phase)
        bpy.ops.wm.read_homefile(use_factory_startup=True)
        yield 1.0
        check(job() is None, "another file ends the job")
        check(len(bpy.data.actions) == 0, "nothing gets into the other file")
        yield from nobody_lifts()
        yield from until(tab_is_open, "the sidebar shows our tab")

    for source, phase in ((sample, 0.1), (motion, 0.96)):
        yield from choose(source)
        before = state()
        yield from press_lift()
        yield from until_at(phase)
        bpy.ops.preferences.addon_disable(module=ADDON)
        yield 1.0
        check(not hasattr(bpy.types.Scene, "lift_to_3d"), "the add-on is gone")
        yield from nobody_lifts()
        bpy.ops.preferences.addon_enable(module=ADDON)
        yield from until(tab_is_open, "the sidebar shows our tab")
        check_same(before, "the scene is as it was")

    yield from choose(sample)
    yield from press_lift()
    yield from until_at(0.1)
    say("all done, quits while it lifts")
    with in_view():
        bpy.ops.wm.quit_blender()


def open_all_panels() -> None:
    """Our panels, open from their first drawing on."""
    panel = importlib.import_module(f"{ADDON}.blender_addon.panel")
    panel.unregister()
    for cls in panel.CLASSES:
        if "DEFAULT_CLOSED" in getattr(cls, "bl_options", ()):
            cls.bl_options = cls.bl_options - {"DEFAULT_CLOSED"}
    panel.register()


def tour() -> Steps:
    """What there is to see: every panel, the film behind, what is drawn over it, the curve."""
    yield from install(open_all_panels)
    for person in settings().people:
        person.use = person.number == 2
    yield from picture("panels")
    place = yield from find_button(LIFT)
    yield from click(place)
    yield from until(lambda: settings().result is not None, "the character is there")
    scene = window().scene
    scene.frame_set(scene.frame_end // 2 - 5)
    with in_view():
        bpy.ops.view3d.view_all()
    yield from picture("lifted")

    yield from click((yield from find_button(CAMERA)))
    space = view().spaces.active
    yield from until(lambda: space.region_3d.view_perspective == "CAMERA", "the camera looks")
    background = scene.camera.data.background_images
    check(len(background) == (Path(sample).with_suffix(".mp4").exists()), "the film is behind")
    check("px" in settings().view_text, settings().view_text)
    with in_view():
        bpy.ops.view3d.view_center_camera()
    yield from picture("video")
    settings().show_joints = True
    scene.camera.data.show_background_images = False
    yield from picture("joints")

    settings().rig, settings().armature = "ARMATURE", settings().result
    with in_view():
        bpy.ops.lift_to_3d.mapping_edit()
    check(len(settings().armature.data.lift_to_3d.entries) > 15, "the mapping is a list")
    yield from picture("mapping")

    settings().source = ""
    yield 0.5
    yield from find_button(LIFT)
    yield from picture("grey")

    languages = {"de_DE": {("*", "{} frames"): "{} Bilder", ("*", "Lift to 3D"): "Heben"}}
    bpy.app.translations.register("window test", languages)
    bpy.context.preferences.view.language = "de_DE"
    yield from choose(sample)
    check("230 Bilder" in settings().recognised, f"translated: {settings().recognised}")
    yield from picture("german")
    bpy.context.preferences.view.language = "en_US"

    area = view()
    area.ui_type = "FCURVES"
    area.spaces.active.dopesheet.filter_text = "confidence"
    with bpy.context.temp_override(window=window(), area=area, region=area.regions[-1]):
        bpy.ops.graph.view_all()
    yield from picture("confidence")
    area.ui_type = "VIEW_3D"

    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Lift to 3D"
    area.ui_type = "PREFERENCES"
    bpy.ops.preferences.addon_expand(module=ADDON)
    yield from picture("preferences")


SCENARIOS = {"lift": lift, "cancel": cancel, "interrupt": interrupt, "tour": tour}

bpy.context.preferences.view.show_splash = False
steps = SCENARIOS[scenario_name]()


def step() -> float:
    try:
        return next(steps)
    except StopIteration:
        say(f"all done {bpy.app.version_string}")
        leave(0)
    except Exception as error:
        import traceback

        say(traceback.format_exc())
        say(f"FAILED: {type(error).__name__}: {error}")
        leave(1)
    raise AssertionError


bpy.app.timers.register(step, first_interval=1.0, persistent=True)
