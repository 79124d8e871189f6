"""`lift-to-3d` where Blender is at hand and the package is not installed.

    blender -b -P blender_addon/batch.py -- convert INPUT... --to fbx --out DIR
    python blender_addon/batch.py -- convert INPUT... --to fbx --out DIR

The same words and exit status as `lift-to-3d`. The package is loaded from the folder that this
file lies in, under its own name, whatever the folder is called.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from pathlib import Path

_PACKAGE = "lift_to_3d"
_ROOT = Path(__file__).resolve().parents[1]
_NEEDED = ("numpy", "scipy", "orjson")
_WANTED = (*_NEEDED, "onnxruntime")


def load_package() -> None:
    """Make the package importable as ``lift_to_3d``."""
    if _PACKAGE in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, _ROOT / "__init__.py", submodule_search_locations=[str(_ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = module
    spec.loader.exec_module(module)


def find_libraries() -> list[str]:
    """Names of the libraries that are still missing, after a look where Blender keeps ours.

    The installed add-on's wheels lie beside its repository of extensions.
    """
    if _missing(_WANTED):
        found = [str(path) for path in _ROOT.parent.parent.glob(".local/[lL]ib/**/site-packages")]
        sys.path.extend(found)
    return _missing(_NEEDED)


def words(argv: list[str]) -> list[str]:
    """The words for `lift-to-3d`: those after ``--``, or all after this file's name."""
    return argv[argv.index("--") + 1 :] if "--" in argv else argv[1:]


def run() -> int:
    """Run the command that this process was started with; its exit status."""
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [place for place in sys.path if not place or os.path.abspath(place) != here]
    if missing := find_libraries():
        print(
            f"Lift to 3D needs {', '.join(missing)}, which {sys.executable} does not have: install "
            "the add-on in this Blender, or pip install them into this Python.",
            file=sys.stderr,
        )
        return 1
    load_package()
    try:
        return importlib.import_module(f"{_PACKAGE}.cli").main(words(sys.argv))
    except Exception:  # Blender itself would go on and leave with 0
        traceback.print_exc()
        return 1


def leave(status: int) -> None:
    """End the process. Blender as a module hangs or crashes in the interpreter's own way out."""
    sys.stdout.flush()
    sys.stderr.flush()
    bpy = sys.modules.get("bpy")
    if bpy is not None and not bpy.app.binary_path:
        os._exit(status)
    sys.exit(status)


def _missing(names: tuple[str, ...]) -> list[str]:
    importlib.invalidate_caches()
    return [name for name in names if importlib.util.find_spec(name) is None]


if __name__ == "__main__":
    leave(run())
