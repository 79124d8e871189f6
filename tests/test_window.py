"""The installed zip in a real Blender with its window, on a virtual screen, worked by the mouse.

``LIFT_TO_3D_BLENDER`` names the Blenders, separated as in PATH; each may be a command with words,
such as one that runs Blender in a folder of its own. Without it, ``blender`` on the path is taken.
``LIFT_TO_3D_SHOTS`` names a folder that gets pictures of the screen, ``LIFT_TO_3D_CHARACTER`` a
character other than the mannequin. ``pytest -s`` shows how long the window was still.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lift_to_3d.core.motion_file import save_motion

from .motions import waving
from .test_addon_zip import ROOT, build_addon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WIDTH, HEIGHT, HIGH = 1280, 960, 1440
"""Of Blender's window; the high one shows all panels open."""
FRAMES, LONG = 1800, 20_000
"""Of the clip that is lifted, and of the motion that is solved and keyed at once."""
FILM = ROOT.parent / "shared" / "keypoints" / "videos" / "sports2d_demo.mp4"
"""What the sample was detected in; it is not part of the repository."""


def blenders() -> list[list[str]]:
    named = os.environ.get("LIFT_TO_3D_BLENDER", "").split(os.pathsep)
    commands = [shlex.split(command) for command in named if command]
    found = shutil.which("blender")
    return commands or ([[found]] if found else [])


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    """A virtual screen; its name."""
    read, write = os.pipe()
    words = ["-screen", "0", f"{WIDTH}x{HIGH}x24", "+extension", "GLX", "-nolisten", "tcp"]
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


if not blenders():
    pytest.skip(
        "needs a Blender executable, on the path or named in $LIFT_TO_3D_BLENDER",
        allow_module_level=True,
    )
if shutil.which("Xvfb") is None:
    pytest.skip("needs Xvfb, a virtual screen", allow_module_level=True)


@pytest.fixture(scope="module", params=blenders(), ids=lambda words: Path(words[-1]).name)
def blender(request) -> list[str]:
    return request.param


@pytest.fixture(scope="module")
def archive(blender, tmp_path_factory) -> Path:
    """The zip for a Blender."""
    target = build_addon.Target(build_addon.this_platform(), python_of(blender), any_blender=True)
    try:
        return build_addon.build(target, tmp_path_factory.mktemp("zip"), ROOT / "build" / "wheels")
    except build_addon.BuildError as error:
        pytest.skip(f"the zip's wheels cannot be fetched: {error}")


def long_clip(sample: Path, path: Path, frames: int) -> Path:
    """The sample's first person, alone, there and back again until it has so many frames."""
    clip = json.loads(sample.read_text())
    alone = [frame for frame in clip["frames"][:57] if frame["landmarks"]]
    times = -(-frames // (2 * len(alone)))
    looped = ((alone + alone[::-1]) * times)[:frames]
    clip["frames"] = [frame | {"frame": i} for i, frame in enumerate(looped)]
    path.write_text(json.dumps(clip))
    return path


@pytest.mark.parametrize("scenario", ["lift", "cancel", "interrupt", "tour"])
def test_in_its_window(scenario, blender, archive, screen, samples, tmp_path):
    clip = tmp_path / "street.json"
    if scenario == "lift":
        long_clip(samples / "street_mediapipe.json", clip, FRAMES)
    else:
        shutil.copy(samples / "street_mediapipe.json", clip)
    if scenario == "tour" and FILM.exists():
        shutil.copy(FILM, clip.with_suffix(".mp4"))
    motion = save_motion(waving(LONG), tmp_path / "waving.npz")
    words = [scenario, shutil.copy(archive, tmp_path), clip.name, motion.name]
    words = [*map(str, words), os.environ.get("LIFT_TO_3D_CHARACTER", "mannequin")]
    script = shutil.copy(Path(__file__).with_name("window_in_blender.py"), tmp_path)
    (tmp_path / "resources").mkdir()
    environment = {
        **os.environ,
        "DISPLAY": screen,
        "BLENDER_USER_RESOURCES": str(tmp_path / "resources"),
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    environment.pop("PYTHONPATH", None)
    height = HIGH if scenario == "tour" else HEIGHT
    place = map(str, (0, HIGH - height, WIDTH, height))  # from the left and the bottom
    look = ["--no-window-focus", "--window-geometry", *place]
    process = subprocess.Popen(
        [*blender, "--factory-startup", "--enable-event-simulate", *look,
         "--python-exit-code", "1", "--python", str(script), "--", *words],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            print(line, end="")
            if line.startswith("SHOT "):
                name = f"{line.split()[1]}-{Path(blender[-1]).name}"
                take_picture(screen, name, f"{WIDTH}x{height}+0+0")
        status = process.wait()
    finally:
        process.kill()
    assert status == 0, "".join(said)[-3000:]
    assert "all done" in "".join(said)


def take_picture(screen: str, name: str, part: str) -> None:
    folder, tool = os.environ.get("LIFT_TO_3D_SHOTS"), shutil.which("import")
    if folder and tool:
        path = str(Path(folder, f"{name}.png"))
        subprocess.run(
            [tool, "-display", screen, "-window", "root", "-crop", part, path], check=False
        )
