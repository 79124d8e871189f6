"""Run by `test_addon_zip` in a Blender of its own: install the zip, lift a clip, take it off again.

Its words: the zip, a keypoint file, an empty folder. ``BLENDER_USER_RESOURCES`` names another one,
so that nobody's own Blender is touched.
"""

import os
import sys
from pathlib import Path

import bpy

zip_path, sample, out = sys.argv[sys.argv.index("--") + 1 :]
resources = Path(os.environ["BLENDER_USER_RESOURCES"])


def check(what: bool, name: str) -> None:
    if not what:
        print(f"FAILED: {name}", flush=True)
        os._exit(1)
    print(f"ok: {name}", flush=True)


bpy.ops.extensions.package_install_files(
    filepath=zip_path, repo="user_default", enable_on_install=True
)
module = "bl_ext.user_default.lift_to_3d"
check(module in bpy.context.preferences.addons, "installed and enabled")
check(hasattr(bpy.types.Scene, "lift_to_3d"), "registered")

# A library that this Python happens to have must not stand in for the bundled one.
sys.path[:0] = [str(path) for path in resources.glob("extensions/.local/[lL]ib/**/site-packages")]
for name in [name for name in sys.modules if name.partition(".")[0] in ("scipy", "onnxruntime")]:
    del sys.modules[name]

settings = bpy.context.scene.lift_to_3d
settings.source = sample
check(settings.recognised.startswith("MediaPipe-33"), f"recognised: {settings.recognised}")
check(bpy.ops.lift_to_3d.lift() == {"FINISHED"}, "lifted")
for name in ("scipy", "onnxruntime"):
    where = sys.modules[name].__file__ or ""
    check(where.startswith(str(resources)), f"{name} is the bundled one")
check(settings.result.animation_data.action is not None, "animated")
for preset in ("fbx", "bvh"):
    path = Path(out, f"result.{preset}")
    bpy.ops.lift_to_3d.export(filepath=str(path), preset=preset)
    check(path.stat().st_size > 10_000, f"exported {preset}")

for _ in range(2):
    bpy.ops.preferences.addon_disable(module=module)
    check(not hasattr(bpy.types.Scene, "lift_to_3d"), "unregistered")
    bpy.ops.preferences.addon_enable(module=module)
bpy.ops.preferences.addon_disable(module=module)
left = [name for name in dir(bpy.types) if "lift_to_3d" in name.lower()]
check(not left, "nothing left behind")
print("all done", bpy.app.version_string, flush=True)
os._exit(0)
