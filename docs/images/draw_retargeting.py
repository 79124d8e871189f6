"""Draw one motion as it came and on several rigs, side by side: a sheet or a film.

    python docs/images/draw_retargeting.py SHEET.webp|FILM.webp [SOURCE] [--rig RIG ...]
        [--frames A:B] [--film] [--size WxH] [--turn DEGREES] [--facing DEGREES]

SOURCE is a keypoint file, a motion file or a BVH take of CMU's Daz-friendly release; the shipped
sample where none is given. Needs bpy and pillow; some seconds a second of film and rig.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
from lift_to_3d.blender_addon.animate import animate
from lift_to_3d.blender_addon.character import load_rig
from lift_to_3d.blender_addon.console import quiet
from lift_to_3d.blender_addon.render import render_character
from lift_to_3d.blender_addon.scene import current_scene, set_frame_rate
from lift_to_3d.core.ground.raised import raised
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.motion_file import is_motion_file, load_motion
from lift_to_3d.core.pipeline import Options, motions
from lift_to_3d.preview import WorldPanel
from lift_to_3d.retarget.rotation import from_vector
from PIL import Image

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "street_mediapipe.json"
GENERATED = "generated-rigify"
MOMENTS, FILM_RATE = 8, 12.0


def draw(chosen: argparse.Namespace) -> None:
    """A sheet or film of the frames A:B of the first person's motion."""
    motion = _turned(_motion(chosen.source), chosen.facing)
    first, last = chosen.frames or (0, motion.frames)
    if chosen.film:
        frames = np.arange(first, min(last, motion.frames), motion.fps / FILM_RATE).astype(int)
    elif chosen.frames:
        frames = np.linspace(first, min(last, motion.frames) - 1, MOMENTS + 2).astype(int)[1:-1]
    else:
        frames = motion.moments(MOMENTS)
    turn = chosen.turn + (motion.filmed_from or 0.0)
    panel = WorldPanel("", motion, turn)
    source = [np.asarray(panel.draw(int(f), chosen.size).picture()) for f in frames]
    rows = [source, *(_rendered(motion, rig, frames, chosen.size, turn) for rig in chosen.rig)]
    if not chosen.film:
        sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows])
        Image.fromarray(sheet).save(chosen.picture, quality=70, method=6)
        return
    film = [Image.fromarray(np.concatenate(moment, axis=1)) for moment in zip(*rows, strict=True)]
    film[0].save(
        chosen.picture, save_all=True, append_images=film[1:], duration=round(1000 / FILM_RATE),
        loop=0, quality=45, method=6,
    )  # fmt: skip


def _motion(source: Path) -> Motion:
    if source.suffix == ".bvh":
        sys.path.insert(0, str(ROOT / "tests"))
        from bvh_truth import read_take

        return read_take(source).motion
    if is_motion_file(source):
        return load_motion(source)
    return motions(source, Options(person=1))[0]


def _turned(motion: Motion, degrees: float) -> Motion:
    """The motion turned to the left about the origin, as seen from above."""
    turn = from_vector(np.array([0.0, 0.0, np.radians(degrees)]))
    axes = motion.extremities
    return replace(
        motion,
        joints=motion.joints @ turn.T.astype(motion.joints.dtype),
        extremities=None if axes is None else turn @ axes,
    )


def _rendered(
    motion: Motion, rig: str, frames: np.ndarray, size: tuple[int, int], turn: float
) -> list[np.ndarray]:
    with quiet():
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        obj = load_rig("rigify" if rig == GENERATED else rig)
        if rig == GENERATED:
            bpy.ops.pose.rigify_generate()
            obj = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o != obj)
    set_frame_rate(current_scene(), motion.fps)
    animate(obj, replace(motion, person=1))
    with tempfile.TemporaryDirectory() as folder:
        path = render_character(
            obj,
            [int(f) + 1 for f in frames],
            Path(folder, "strip.png"),
            size,
            turn=turn,
            high=np.unique(1 + raised(motion)[0]).tolist(),
        )
        strip = np.asarray(Image.open(path).convert("RGB"))
    return np.split(strip, len(frames), axis=1)


def _pair(separator: str):
    return lambda word: tuple(int(number) for number in word.split(separator))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("picture", type=Path)
    parser.add_argument("source", type=Path, nargs="?", default=SAMPLE)
    parser.add_argument("--rig", nargs="+", default=["mannequin", "mixamo", GENERATED])
    parser.add_argument("--frames", type=_pair(":"), metavar="A:B")
    parser.add_argument("--film", action="store_true")
    parser.add_argument("--size", type=_pair("x"), default=(160, 200), metavar="WxH")
    parser.add_argument("--turn", type=float, default=24.0)
    parser.add_argument("--facing", type=float, default=0.0)
    draw(parser.parse_args())
    sys.stdout.flush()
    os._exit(0)  # some Blenders hang when their interpreter ends
