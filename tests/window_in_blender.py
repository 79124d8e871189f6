"""Run by `test_window` in a real Blender with its window: use the add-on as a person does.

Its words: the zip, a keypoint file, and the character. The mouse is Blender's own simulated one,
whose events go the same way as a real one's. ``SHOT name`` on a line of its own asks for a picture
of the screen.
"""

import os
import sys
import time
from collections.abc import Iterator

import bpy

zip_path, sample, character = sys.argv[sys.argv.index("--") + 1 :]
TAB, BUTTON = "Lift to 3D", "bpy.ops.lift_to_3d.lift("
PATIENCE = 240.0


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def leave(status: int) -> None:
    sys.stdout.flush()
    os._exit(status)


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def view() -> bpy.types.Area:
    return max((a for a in window().screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width)


def sidebar() -> bpy.types.Region:
    return next(region for region in view().regions if region.type == "UI")


def mouse(kind: str, value: str, x: int, y: int) -> None:
    window().event_simulate(type=kind, value=value, x=x, y=y)


def under_mouse() -> str:
    """The call that the button under the mouse makes."""
    manager = bpy.context.window_manager
    manager.clipboard = ""
    with bpy.context.temp_override(window=window(), area=view(), region=sidebar()):
        if bpy.ops.ui.copy_python_command_button.poll():
            bpy.ops.ui.copy_python_command_button()
    return manager.clipboard


def until(condition, what: str) -> Iterator[float]:
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > PATIENCE:
            say(f"FAILED: waited in vain until {what}")
            leave(1)
        yield 0.1
    say(f"ok: {what}")


def tab_is_open() -> bool:
    view().spaces.active.show_region_ui = True
    try:
        sidebar().active_panel_category = TAB
    except (AttributeError, TypeError):  # not drawn yet
        return False
    sidebar().tag_redraw()
    return True


def scenario() -> Iterator[float]:
    bpy.ops.extensions.package_install_files(
        filepath=zip_path, repo="user_default", enable_on_install=True
    )
    settings = bpy.context.scene.lift_to_3d
    settings.source = sample
    settings.rig = character
    for obj in list(bpy.context.scene.objects):  # the cube, the lamp and the camera
        bpy.data.objects.remove(obj)
    yield from until(tab_is_open, "the sidebar shows our tab")
    yield 2.0
    say("SHOT source")
    yield 2.0

    region, found = sidebar(), False
    x = region.x + region.width // 2
    for y in range(region.y + region.height - 4, region.y, -6):
        mouse("MOUSEMOVE", "NOTHING", x, y)
        yield 0.02
        mouse("MOUSEMOVE", "NOTHING", x + 1, y)
        yield 0.05
        if under_mouse().startswith(BUTTON):
            found = True
            break
    if not found:
        say("FAILED: no button in the sidebar lifts")
        leave(1)
    say(f"ok: the button is at {x}, {y}")
    mouse("LEFTMOUSE", "PRESS", x, y - 6)
    yield 0.2
    mouse("LEFTMOUSE", "RELEASE", x, y - 6)
    yield 0.5
    say("SHOT lifting")
    yield from until(lambda: settings.result is not None, "the character is there")
    data = settings.result.animation_data
    if not (data and data.action and data.action.frame_range[1] > 50):
        say("FAILED: it has no keyframes")
        leave(1)
    say(f"ok: keyframes {tuple(data.action.frame_range)} in '{data.action.name}'")
    bpy.context.scene.frame_set(round(sum(data.action.frame_range) / 2))
    with bpy.context.temp_override(window=window(), area=view(), region=view().regions[-1]):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_orbit(angle=0.3, type="ORBITUP")
        bpy.ops.view3d.view_all()
    yield 3.0
    say("SHOT result")
    yield 3.0
    say(f"all done {bpy.app.version_string}")
    leave(0)


bpy.context.preferences.view.show_splash = False
steps = scenario()


def step() -> float:
    try:
        return next(steps)
    except Exception as error:
        say(f"FAILED: {type(error).__name__}: {error}")
        leave(1)
        raise


bpy.app.timers.register(step, first_interval=1.0)
