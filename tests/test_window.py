"""The installed zip in a real Blender with its window, on a virtual screen, worked by the mouse.

``LIFT_TO_3D_BLENDER`` names the Blenders, separated as in PATH; each may be a command with words,
such as one that runs Blender in a folder of its own. Without it, ``blender`` on the path is taken.
``LIFT_TO_3D_SHOTS`` names a folder that gets pictures of the screen.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_addon_zip import ROOT, build_addon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCREEN = "1280x960"


def blenders() -> list[list[str]]:
    named = os.environ.get("LIFT_TO_3D_BLENDER", "").split(os.pathsep)
    commands = [shlex.split(command) for command in named if command]
    found = shutil.which("blender")
    return commands or ([[found]] if found else [])


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    """A virtual screen; its name."""
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb, a virtual screen")
    read, write = os.pipe()
    words = ["-screen", "0", f"{SCREEN}x24", "+extension", "GLX", "-nolisten", "tcp"]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), *words], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            yield f":{told.readline().strip()}"
    finally:
        server.kill()
        server.wait()


def python_of(blender: list[str]) -> str:
    """The version of Python inside a Blender, ``3.11``."""
    ask = "import sys; print('PYTHON', '%d.%d' % sys.version_info[:2])"
    said = subprocess.run(
        [*blender, "-b", "--factory-startup", "--python-expr", ask],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    return next(line.split()[1] for line in said.splitlines() if line.startswith("PYTHON"))


@pytest.mark.parametrize("blender", blenders() or [None], ids=lambda b: b[-1] if b else "none")
def test_a_click_on_the_button_moves_a_character(blender, screen, samples, tmp_path):
    if blender is None:
        pytest.skip("needs a Blender executable, on the path or named in $LIFT_TO_3D_BLENDER")
    target = build_addon.Target(build_addon.this_platform(), python_of(blender), any_blender=True)
    try:
        archive = build_addon.build(target, tmp_path, ROOT / "build" / "wheels")
    except build_addon.BuildError as error:
        pytest.skip(f"the zip's wheels cannot be fetched: {error}")
    sample = shutil.copy(samples / "street_mediapipe.json", tmp_path)
    script = shutil.copy(Path(__file__).with_name("window_in_blender.py"), tmp_path)
    (tmp_path / "resources").mkdir()
    environment = {
        **os.environ,
        "DISPLAY": screen,
        "BLENDER_USER_RESOURCES": str(tmp_path / "resources"),
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    environment.pop("PYTHONPATH", None)
    width, height = SCREEN.split("x")
    look = ["--no-window-focus", "--window-geometry", "0", "0", width, height]
    process = subprocess.Popen(
        [*blender, "--factory-startup", "--enable-event-simulate", *look,
         "--python-exit-code", "1", "--python", str(script), "--", str(archive), str(sample),
         os.environ.get("LIFT_TO_3D_CHARACTER", "mannequin")],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("SHOT "):
                take_picture(screen, f"{line.split()[1]}-{Path(blender[-1]).name}")
    finally:
        process.kill()
    assert process.wait() == 0, "".join(said)[-3000:]
    assert "all done" in "".join(said)


def take_picture(screen: str, name: str) -> None:
    folder, tool = os.environ.get("LIFT_TO_3D_SHOTS"), shutil.which("import")
    if folder and tool:
        path = str(Path(folder, f"{name}.png"))
        subprocess.run([tool, "-display", screen, "-window", "root", path], check=False)
