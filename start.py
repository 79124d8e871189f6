"""From a fresh clone to a result with one command; needs nothing but Python and a package index.

    python3 start.py demo       keypoints of real people to animated FBX and BVH files, and pictures
    python3 start.py test       linter, types, tests; the add-on in the oldest and newest Blender
    python3 start.py blenders   the add-on in every Blender, and with its window where there is one

They make virtual environments, in `.venv` and `build/blenders`, and install into them what they
need, once.
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

BLENDERS = {"4.2.23": (3, 11), "4.5.15": (3, 11), "5.0.1": (3, 11), "5.2.3": (3, 13)}
"""Blender's module, oldest to newest, and the Python that each is published for."""

DEMO = "blender,preview"
TEST = "blender,preview,train,dev"
IN_BLENDER = "preview,test"
NO_TESTS = 5
"""Pytest's exit status where every test was left out."""


def main(words: list[str]) -> int:
    """Run one of the jobs; its exit status."""
    jobs = {"demo": demo, "test": test, "blenders": blenders}
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
        print("  street_mediapipe.preview.mp4    the 2D keypoints and the 3D motion side by side")
        print("  street_mediapipe.png            six moments of it")
        print("  street_mediapipe.render.png     the character at four moments")
        print("  street_mediapipe.person2.*      the same of the woman who walks by")
        print("\nYour own file:")
        tool = VENV / ("Scripts/lift-to-3d.exe" if os.name == "nt" else "bin/lift-to-3d")
        print(f"  {tool.relative_to(ROOT)} convert YOUR_FILE --to fbx bvh --out out")
    return status


def test(words: list[str]) -> int:
    """Everything that must hold; further words go to pytest."""
    python = install(TEST)
    results = Results()
    results.run("Style", python, "-m", "ruff", "check", ".")
    results.run("Format", python, "-m", "ruff", "format", "--check", ".")
    results.run("Types", python, "-m", "basedpyright", "--pythonpath", python)
    results.run("Fast tests", python, "-m", "pytest", "-m", "not slow", *words)
    results.run("Slow tests", python, "-m", "pytest", "-m", "slow", *words)
    if not words:
        for version in (min(BLENDERS), max(BLENDERS)):
            test_in_blender(version, results)
    return results.tell()


def blenders(words: list[str]) -> int:
    """The add-on's tests in every version of Blender's module, and in real Blenders if any."""
    results = Results()
    for version in BLENDERS:
        test_in_blender(version, results, *words)
    window = ("-m", "pytest", "-m", "slow", "tests/test_window.py")
    results.run("With window", install(TEST), *window)
    return results.tell()


def test_in_blender(version: str, results: Results, *words: str) -> None:
    """The fast tests that use Blender, in one version of its module."""
    interpreter = find_python(*BLENDERS[version])
    if interpreter is None:
        major, minor = BLENDERS[version]
        results.skip(f"Blender {version}", f"needs Python {major}.{minor}, which is not here")
        return
    folder = ROOT / "build" / "blenders" / version
    python = install(IN_BLENDER, folder, interpreter, f"bpy=={version}")
    found = [path for name in ("addon", "blender") for path in ROOT.glob(f"tests/test_{name}*.py")]
    files = [str(path.relative_to(ROOT)) for path in sorted(found)]
    results.run(f"Blender {version}", python, "-m", "pytest", "-m", "not slow", *words, *files)


class Results:
    """What was run and how it went."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, float]] = []
        self._failed = False

    def run(self, name: str, *command: str) -> None:
        """Run a command under a heading."""
        say(name)
        started = time.monotonic()
        status = call(*command)
        if status == NO_TESTS and "pytest" in command:
            self.skip(name, "nothing of it can run here, see above")
            return
        self._failed = self._failed or status != 0
        how = "FAILED" if status else "passed"
        self._rows.append((name, how, time.monotonic() - started))

    def skip(self, name: str, reason: str) -> None:
        """Note what cannot be run here."""
        self._rows.append((name, f"skipped: {reason}", 0.0))

    def tell(self) -> int:
        """Print all; the exit status."""
        say("Summary")
        for name, how, seconds in self._rows:
            print(f"  {name:16} {how}" + (f"  {seconds:6.0f} s" if seconds else ""))
        return int(self._failed)


def install(
    extras: str,
    folder: Path | None = None,
    interpreter: str = sys.executable,
    *more: str,
) -> str:
    """The Python of an environment with the package and its extras, installed only once.

    Args:
        extras: names of the package's extras, joined by commas.
        folder: of the environment; `.venv` where not given.
        interpreter: the Python to make it from.
        more: further requirements.
    """
    folder = folder or VENV
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    there = stamp.read_text().split() if stamp.is_file() and python.is_file() else []
    if there[:1] != [interpreter]:
        make_environment(folder, interpreter)
        stamp.write_text(interpreter)
        there = []
    elif there[1:2] == [project] and set(extras.split(",")) <= set(there[2:]):
        return str(python)
    everything = ",".join(sorted({*there[2:], *extras.split(",")}))
    where = folder.relative_to(ROOT)
    say(f"Installing {everything} into {where} (Blender's module is 350 MB: some minutes, once)")
    plain = () if sys.stdout.isatty() else ("--progress-bar", "off")
    words = (*plain, *more, "--editable", f".[{everything}]")
    if call(str(python), "-m", "pip", "install", *words) != 0:
        raise SetupError(
            "The installation failed; pip says why above. Is there a network, and is there room "
            "for 3 GB? Running the same command again goes on from here."
        )
    stamp.write_text("\n".join([interpreter, project, *everything.split(",")]))
    return str(python)


def make_environment(folder: Path, interpreter: str) -> None:
    """A fresh environment of an interpreter."""
    say(f"Making a virtual environment in {folder.relative_to(ROOT)}")
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run([interpreter, "-m", "venv", str(folder)], check=False)
    if made.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise SetupError(
            "The virtual environment could not be made; Python says why above. On Debian and "
            "Ubuntu its venv module is a package of its own: sudo apt install python3-venv"
        )


def run_with_another_python(words: list[str]) -> int:
    """Start again with a Python that Blender's module exists for, if there is one."""
    for version in PYTHONS:
        found = find_python(*version)
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


def find_python(major: int, minor: int) -> str | None:
    """An interpreter of that version that runs; a name on the path may stand for none."""
    if sys.version_info[:2] == (major, minor):
        return sys.executable
    name = f"python{major}.{minor}"
    candidates = [shutil.which(name)]
    candidates += sorted(
        map(str, Path.home().glob(f".pyenv/versions/{major}.{minor}.*/bin/{name}"))
    )
    for candidate in filter(None, candidates):
        ran = subprocess.run([candidate, "-c", ""], capture_output=True, check=False)
        if ran.returncode == 0:
            return candidate
    return None


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
