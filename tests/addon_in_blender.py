"""Run by `test_addon_zip` in a Blender of its own: install the zip, lift a clip, take it off again.

Its words: the zip, a keypoint file, an empty folder, and ``numpy`` to do without onnxruntime.
``BLENDER_USER_RESOURCES`` names another empty folder, so that nobody's own Blender is touched.
"""

import os
import sys
from pathlib import Path

import bpy

zip_path, sample, out, *without = sys.argv[sys.argv.index("--") + 1 :]
resources = Path(os.environ["BLENDER_USER_RESOURCES"])
module = "bl_ext.user_default.lift_to_3d"
connections: list = []


def check(what: bool, name: str) -> None:
    if not what:
        print(f"FAILED: {name}", flush=True)
        os._exit(1)
    print(f"ok: {name}", flush=True)


def registered() -> dict[str, set]:
    """All that an add-on can add to Blender and forget to take away."""
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    handlers = {k: set(map(id, value)) for k, value in lists.items() if isinstance(value, list)}
    configs = bpy.context.window_manager.keyconfigs
    keys = {
        (keymap.name, item.idname)
        for config in configs
        for keymap in config.keymaps
        for item in keymap.keymap_items
    }
    menus = {
        (menu, id(draw))
        for menu in dir(bpy.types)
        for draw in getattr(getattr(getattr(bpy.types, menu), "draw", None), "_draw_funcs", ())
    }
    properties = {
        (kind, name)
        for kind in ("Scene", "Object", "WindowManager", "Armature", "PoseBone", "Action")
        for name in dir(getattr(bpy.types, kind))
    }
    subclasses = {
        f"{kind.__name__} {c.__name__}"
        for kind in (bpy.types.Operator, bpy.types.Panel, bpy.types.UIList, bpy.types.Menu,
                     bpy.types.AddonPreferences, bpy.types.PropertyGroup, bpy.types.FileHandler)
        for c in kind.__subclasses__()
        if getattr(c, "is_registered", False)
    }  # fmt: skip
    return {
        "types": set(dir(bpy.types)), "classes": subclasses, "properties": properties,
        "menus": menus, "keys": keys, **handlers,
    }  # fmt: skip


def left_behind(before: dict[str, set]) -> list:
    return [extra for kind, there in registered().items() for extra in there - before[kind]]


sys.addaudithook(lambda event, args: connections.append(args) if event == "socket.connect" else 0)
before = registered()
bpy.ops.extensions.package_install_files(
    filepath=zip_path, repo="user_default", enable_on_install=True
)
check(module in bpy.context.preferences.addons, "installed and enabled")
check(hasattr(bpy.types.Scene, "lift_to_3d"), "registered")

# A library that this Python happens to have must not stand in for the bundled one.
sys.path[:0] = [str(path) for path in resources.glob("extensions/.local/[lL]ib/**/site-packages")]
for name in [name for name in sys.modules if name.partition(".")[0] in ("scipy", "onnxruntime")]:
    del sys.modules[name]
if without:
    sys.modules["onnxruntime"] = None  # type: ignore[assignment]

settings = bpy.context.scene.lift_to_3d
settings.source = sample
check(settings.recognised.startswith("MediaPipe-33"), f"recognised: {settings.recognised}")
check(bpy.ops.lift_to_3d.lift() == {"FINISHED"}, "lifted")
for name in ("scipy", "onnxruntime")[: 1 if without else 2]:
    where = sys.modules[name].__file__ or ""
    check(where.startswith(str(resources)), f"{name} is the bundled one")
check(settings.result.animation_data.action is not None, "animated")
for preset in ("fbx", "bvh"):
    path = Path(out, f"result.{preset}")
    bpy.ops.lift_to_3d.export(filepath=str(path), preset=preset)
    check(path.stat().st_size > 10_000, f"exported {preset}")
check(not connections, f"no network was asked for: {connections}")

for turn in ("first", "second"):
    bpy.ops.preferences.addon_disable(module=module)
    check(not left_behind(before), f"nothing left behind, {turn} time: {left_behind(before)}")
    bpy.ops.preferences.addon_enable(module=module)
    check(bool(left_behind(before)), f"registered again, {turn} time")
bpy.ops.preferences.addon_disable(module=module)
print("all done", bpy.app.version_string, flush=True)
os._exit(0)
