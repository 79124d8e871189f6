"""Draw one motion as it came and on several rigs, side by side: a sheet or a film.

    python docs/images/draw_retargeting.py PICTURE.png|FILM.mp4 [KEYPOINTS_OR_MOTION [FIRST:LAST]]

The shipped sample where no file is given. Needs bpy, pillow and imageio-ffmpeg, and takes minutes.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import bpy
import imageio_ffmpeg
import numpy as np
from lift_to_3d.blender_addon.animate import animate
from lift_to_3d.blender_addon.character import load_rig
from lift_to_3d.blender_addon.console import quiet
from lift_to_3d.blender_addon.render import render_character
from lift_to_3d.blender_addon.scene import current_scene, set_frame_rate
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.motion_file import is_motion_file, load_motion
from lift_to_3d.core.pipeline import Options, motions
from lift_to_3d.preview import WorldPanel
from PIL import Image

SAMPLE = Path(__file__).parents[2] / "samples" / "street_mediapipe.json"
GENERATED = "what Rigify generates"
RIGS = ("mannequin", "mixamo", GENERATED)
TURN = 24.0
"""Degrees to the side from which the renders are made."""
MOMENTS, SHEET_SIZE = 8, (160, 200)
FILM_SIZE, FILM_RATE = (176, 224), 12.0


def draw(picture: Path, source: Path, first: int, last: int | None) -> None:
    """A sheet or film, by its suffix, of frames `first` to `last` of the first person's motion."""
    motion = (
        load_motion(source) if is_motion_file(source) else motions(source, Options(person=1))[0]
    )
    last = motion.frames - 1 if last is None else last
    if picture.suffix == ".png":
        frames = np.linspace(first, last, MOMENTS + 2).round().astype(int)[1:-1]
        rows = [np.concatenate(row, axis=1) for row in _all(motion, frames, SHEET_SIZE)]
        Image.fromarray(np.concatenate(rows)).quantize(160).save(picture, optimize=True)
        return
    frames = np.arange(first, last + 1, motion.fps / FILM_RATE).astype(int)
    columns = _all(motion, frames, FILM_SIZE)
    film = imageio_ffmpeg.write_frames(
        str(picture),
        (FILM_SIZE[0] * len(columns), FILM_SIZE[1]),
        fps=FILM_RATE,
        quality=None,
        output_params=["-crf", "28", "-preset", "slow", "-movflags", "+faststart"],
    )
    film.send(None)
    for pictures in zip(*columns, strict=True):
        film.send(np.ascontiguousarray(np.concatenate(pictures, axis=1)).tobytes())
    film.close()


def _all(motion: Motion, frames: np.ndarray, size: tuple[int, int]) -> list[list[np.ndarray]]:
    return [_source(motion, frames, size), *(_rendered(motion, rig, frames, size) for rig in RIGS)]


def _source(motion: Motion, frames: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
    panel = WorldPanel("", motion, TURN)
    return [np.asarray(panel.draw(int(f), size).picture()) for f in frames]


def _rendered(
    motion: Motion, rig: str, frames: np.ndarray, size: tuple[int, int]
) -> list[np.ndarray]:
    with quiet():
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        obj = load_rig("rigify") if rig == GENERATED else load_rig(rig)
        if rig == GENERATED:
            bpy.ops.pose.rigify_generate()
            obj = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o != obj)
    set_frame_rate(current_scene(), motion.fps)
    animate(obj, replace(motion, person=1))
    with tempfile.TemporaryDirectory() as folder:
        path = render_character(obj, [int(f) + 1 for f in frames], Path(folder, "strip.png"), size)
        strip = np.asarray(Image.open(path).convert("RGB"))
    return np.split(strip, len(frames), axis=1)


if __name__ == "__main__":
    words = sys.argv[1:]
    start, _, end = (words[2] if len(words) > 2 else "0:").partition(":")
    chosen = Path(words[1]) if len(words) > 1 else SAMPLE
    draw(Path(words[0]), chosen, int(start), int(end) if end else None)
