"""Make the add-on's extension zips: one for each platform and each Python that Blender runs.

    python build_addon.py                                   for this machine, both Pythons
    python build_addon.py --platform all --out dist         for all platforms
    python build_addon.py --platform windows-x64 --python 3.11

Libraries that Blender lacks go in as wheels, fetched by name from the package index into
`build/wheels` once; where onnxruntime has none, the network runs in numpy. Blender's own validator
checks the zips if its module `bpy` is installed.

Some Linux distributions build Blender with a Python of their own. A zip for one of them:

    python build_addon.py --python 3.14 --any-blender
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import platform
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent

_FOLDERS = ("blender_addon", "commands", "core", "presets", "retarget")
_FILES = ("__init__.py", "cli.py", "preview.py", "LICENSE")
_LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|\.)|^core/training/|^core/mixste/(network|export|published)\.py$"
)
"""Training and torch: nothing of it runs in the add-on."""

_LIBRARIES = {
    "onnxruntime": "1.32.0", "scipy": "1.15.3", "orjson": "3.11.4", "h5py": "3.15.1",
}  # fmt: skip
"""All work with the numpy of every Blender, 1.24 in 4.2 to 2 in 5.1; numpy itself is Blender's."""

PLATFORMS = {
    "linux-x64": [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 17)]
    + ["manylinux2014_x86_64"],
    "windows-x64": ["win_amd64"],
    "macos-arm64": [f"macosx_{major}_0_arm64" for major in (14, 13, 12, 11)],
    "macos-x64": [f"macosx_{major}_x86_64" for major in ("14_0", "13_0", "12_0", "10_14", "10_15")],
}
"""Blender's name of a platform to the tags of wheels that run there."""

_WITHOUT = {"macos-x64": {"onnxruntime"}}
"""Libraries that are not published for a platform."""

PYTHONS = {"3.11": ("4.2.0", "5.1.0"), "3.13": ("5.1.0", None)}
"""The Python inside Blender, to the first Blender that has it and the first that no longer does."""

ANY_BLENDER = ("4.2.0", None)

_NEWER = {"3.14": {"scipy": "1.17.1"}}
"""What a Python needs in place of the version above."""

_MANIFEST = """\
schema_version = "1.0.0"

id = "lift_to_3d"
version = "{version}"
name = "Lift to 3D"
tagline = "2D keypoints of any tool to 3D motion on any armature"
maintainer = "Lift to 3D"
type = "add-on"
tags = ["Animation", "Import-Export", "Rigging"]
blender_version_min = "{first}"
{last}license = ["SPDX:GPL-3.0-or-later"]
copyright = ["2026 The authors of Lift to 3D"]
platforms = ["{platform}"]
wheels = [
{wheels}
]

[permissions]
files = "Read keypoints and characters, write animation files"
"""


@dataclass(frozen=True)
class Target:
    """One zip: a platform by Blender's name, and a Python, ``3.11``, whichever Blender has it."""

    platform: str
    python: str
    any_blender: bool = False


class BuildError(Exception):
    """The zip cannot be made; one sentence."""


def main(argv: list[str] | None = None) -> int:
    """Build what the words ask for; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--platform", nargs="+", default=[], choices=(*PLATFORMS, "all"))
    parser.add_argument("--python", nargs="+", default=list(PYTHONS), metavar="3.x")
    parser.add_argument("--any-blender", action="store_true", help="no matter what its makers use")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="default: dist")
    parser.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels")
    words = parser.parse_args(argv)
    platforms = words.platform or [this_platform()]
    platforms = list(PLATFORMS) if "all" in platforms else platforms
    try:
        for name in platforms:
            for python in words.python:
                path = build(Target(name, python, words.any_blender), words.out, words.wheels)
                verdict = validate(path)
                print(f"{path}  {path.stat().st_size / 1e6:.1f} MB  {verdict}")
    except BuildError as error:
        print(f"build_addon: {error}", file=sys.stderr)
        return 1
    return 0


def this_platform() -> str:
    """Blender's name of the platform that this runs on."""
    mac = "macos-arm64" if platform.machine() == "arm64" else "macos-x64"
    return {"Linux": "linux-x64", "Windows": "windows-x64"}.get(platform.system(), mac)


def build(target: Target, out: Path, wheel_folder: Path) -> Path:
    """Make one zip, the same bytes every time; its path.

    Raises:
        BuildError: a library has no wheel for the target.
    """
    wheels = fetch(target, wheel_folder)
    python = target.python.replace(".", "")
    path = out / f"lift_to_3d-{version()}-{target.platform}-py{python}.zip"
    out.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        _add(archive, "blender_manifest.toml", manifest(target, wheels).encode())
        for name in sources():
            _add(archive, name, _content(ROOT / name))
        for wheel in wheels:
            _add(archive, f"wheels/{wheel.name}", wheel.read_bytes(), zipfile.ZIP_STORED)
    part.replace(path)
    return path


def sources() -> list[str]:
    """Names of our own files that go in."""
    found = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    names = [path.relative_to(ROOT).as_posix() for path in found] + list(_FILES)
    return sorted(name for name in names if not _LEFT_OUT.search(name))


def _content(path: Path) -> bytes:
    """A file as it goes in: the weights that stand in for onnxruntime in half precision."""
    if path.suffix != ".npz" or path.parent.name != "models":
        return path.read_bytes()
    with np.load(path, allow_pickle=False) as weights:
        half = {name: weights[name].astype(np.float16) for name in weights.files}
    packed = io.BytesIO()
    np.savez(packed, **half)
    return packed.getvalue()


def version() -> str:
    """The package's version."""
    found = re.search(r'__version__ = "(.+)"', (ROOT / "__init__.py").read_text("utf-8"))
    if found is None:
        raise BuildError("__init__.py has no __version__.")
    return found[1]


def manifest(target: Target, wheels: list[Path]) -> str:
    """The text of blender_manifest.toml."""
    if not target.any_blender and target.python not in PYTHONS:
        raise BuildError(f"no Blender of its makers has Python {target.python}: --any-blender?")
    first, last = ANY_BLENDER if target.any_blender else PYTHONS[target.python]
    return _MANIFEST.format(
        version=version(),
        platform=target.platform,
        first=first,
        last=f'blender_version_max = "{last}"\n' if last else "",
        wheels=",\n".join(f'  "./wheels/{wheel.name}"' for wheel in wheels),
    )


def fetch(target: Target, folder: Path) -> list[Path]:
    """The wheels of a target, from the package index unless they are there already.

    Raises:
        BuildError: a library has none for the target.
    """
    place = folder / f"{target.platform}-py{target.python}"
    done = place / "complete.txt"
    libraries = _LIBRARIES | _NEWER.get(target.python, {})
    without = _WITHOUT.get(target.platform, set())
    wanted = [f"{name}=={at}" for name, at in libraries.items() if name not in without]
    if not (done.is_file() and done.read_text("utf-8").split() == wanted):
        for old in place.glob("*.whl"):
            old.unlink()
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        words += ["--only-binary=:all:", "--dest", str(place), "--python-version", target.python]
        words += [word for tag in PLATFORMS[target.platform] for word in ("--platform", tag)]
        ran = subprocess.run([*words, *wanted], capture_output=True, text=True, check=False)
        if ran.returncode:
            reason = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise BuildError(f"no wheels for {target.platform}, Python {target.python}: {reason}")
        done.write_text("\n".join(wanted), "utf-8")
    return sorted(place.glob("*.whl"))


def validate(path: Path) -> str:
    """What Blender's own validator says of a zip.

    Raises:
        BuildError: it is not valid.
    """
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        return "not validated: bpy is not installed"
    places = Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    ran = subprocess.run(
        [sys.executable, str(next(places)), "validate", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise BuildError(f"{path.name} is not valid: {(ran.stdout + ran.stderr).strip()}")
    return "valid"


def _add(
    archive: zipfile.ZipFile, name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED
) -> None:
    entry = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, compress_type=method)


if __name__ == "__main__":
    sys.exit(main())
