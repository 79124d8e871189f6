"""From a fresh clone to a result with one command; needs nothing but Python and a package index.

    python3 start.py demo     keypoints of real people to animated FBX and BVH files, and pictures
    python3 start.py test     linter, types and all tests

Both make a virtual environment in `.venv` and install into it what they need, once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHONS = ((3, 11), (3, 13))
"""The Pythons for which Blender's module is published."""

DEMO = "blender,preview"
TEST = "blender,preview,train,dev"


def main(words: list[str]) -> int:
    """Run one of the jobs; its exit status."""
    jobs = {"demo": demo, "test": test}
    if len(words) < 2 or words[1] not in jobs:
        print(__doc__)
        return 2
    if sys.version_info[:2] not in PYTHONS:
        return run_with_another_python(words)
    try:
        return jobs[words[1]](words[2:])
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 1


class SetupError(Exception):
    """What stops us, and what to do about it."""


def demo(_: list[str]) -> int:
    """The main job on the shipped sample."""
    python = install(DEMO)
    out = ROOT / "out"
    sample = ROOT / "samples" / "street_mediapipe.json"
    say(f"Lifting {sample.relative_to(ROOT)} (real detections of two people in a street)")
    words = ["--rig", "mannequin", "--to", "fbx", "bvh", "mp4", "png", "render", "--out", str(out)]
    status = call(python, "-P", "-m", "lift_to_3d.cli", "convert", str(sample), *words)
    if status == 0:
        say(f"Done. Everything is in {out}")
        print("  street_mediapipe.fbx, .bvh      the mannequin, moving: import it into Blender")
        print("  street_mediapipe.mp4, .png      the 2D keypoints and the 3D motion side by side")
        print("  street_mediapipe.render.png     the character at four moments")
        print("\nYour own file:")
        tool = VENV / ("Scripts/lift-to-3d.exe" if os.name == "nt" else "bin/lift-to-3d")
        print(f"  {tool.relative_to(ROOT)} convert YOUR_FILE --to fbx bvh --out out")
    return status


def test(words: list[str]) -> int:
    """Everything that must hold; further words go to pytest."""
    python = install(TEST)
    checks = (
        ("Style", ("-m", "ruff", "check", ".")),
        ("Format", ("-m", "ruff", "format", "--check", ".")),
        ("Types", ("-m", "basedpyright", "--pythonpath", python)),
        ("Fast tests", ("-m", "pytest", "-m", "not slow", *words)),
        ("Slow tests", ("-m", "pytest", "-m", "slow", *words)),
    )
    results = []
    for name, command in checks:
        say(name)
        started = time.monotonic()
        status = call(python, *command)
        if name == "Slow tests" and status == 5:  # pytest found none
            status = 0
        results.append((name, status, time.monotonic() - started))
    say("Summary")
    for name, status, seconds in results:
        print(f"  {name:12} {'passed' if status == 0 else 'FAILED'}  {seconds:6.0f} s")
    return 1 if any(status for _, status, _ in results) else 0


def install(extras: str) -> str:
    """The Python of `.venv`, with the package and its extras; nothing is done when all is there."""
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = VENV / "installed.txt"
    version = ".".join(map(str, sys.version_info[:2]))
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    there = stamp.read_text().split() if stamp.is_file() and python.is_file() else []
    if there[:1] != [version]:
        make_environment(python)
        stamp.write_text(version)
        there = []
    elif there[1:2] == [project] and set(extras.split(",")) <= set(there[2:]):
        return str(python)
    everything = ",".join(sorted({*there[2:], *extras.split(",")}))
    say(f"Installing {everything} into .venv (Blender's module is 350 MB: some minutes, once)")
    plain = () if sys.stdout.isatty() else ("--progress-bar", "off")
    status = call(str(python), "-m", "pip", "install", *plain, "--editable", f".[{everything}]")
    if status != 0:
        raise SetupError(
            "The installation failed; pip says why above. Is there a network, and is there room "
            "for 3 GB? Running the same command again goes on from here."
        )
    stamp.write_text(" ".join([version, project, *everything.split(",")]))
    return str(python)


def make_environment(python: Path) -> None:
    """A fresh `.venv` of this Python."""
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupError(
            "This Python comes without the venv module. On Debian and Ubuntu: "
            f"sudo apt install python{version}-venv"
        ) from None
    say("Making a virtual environment in .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(f"The virtual environment could not be made: {error}") from None
    if not python.is_file():
        raise SetupError(f"The virtual environment has no {python}.")


def run_with_another_python(words: list[str]) -> int:
    """Start again with a Python that Blender's module exists for, if there is one."""
    for major, minor in PYTHONS:
        found = shutil.which(f"python{major}.{minor}")
        if found:
            say(f"Going on with {found}")
            return call(found, *words)
    have = ".".join(map(str, sys.version_info[:3]))
    print(
        f"This is Python {have}; Blender's module exists for Python 3.11 and 3.13. Install one of "
        f"them and start this with it: python3.11 {' '.join(words)}",
        file=sys.stderr,
    )
    return 1


def call(*command: str) -> int:
    """Run a command here, showing what it says; its exit status."""
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise


def say(text: str) -> None:
    """A heading."""
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
