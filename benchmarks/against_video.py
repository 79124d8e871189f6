"""How far characters are off the people they were made of, seen from the camera that was found.

    python benchmarks/against_video.py CLIP... [--fps 30] [--size 1920x1080]

For each person of each keypoint file: the median distance between the mannequin's joints and the
keypoints, and the person's median height in the picture, both in pixels. Rate and size are for
those files that do not tell them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import bpy
import numpy as np
from lift_to_3d.blender_addon.animate import Placing, place
from lift_to_3d.blender_addon.camera import make_camera
from lift_to_3d.blender_addon.lifting import lift_file
from lift_to_3d.core.pipeline import Options


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--fps", type=float, default=None)
    parser.add_argument("--size", default=None)
    words = parser.parse_args()
    size = tuple(int(side) for side in words.size.split("x")) if words.size else None
    for path in words.clips:
        measure(path, Options(fps=words.fps, size=size))


def measure(path: Path, options: Options) -> None:
    """One line for each person of a clip."""
    lifted = lift_file(path, options, lambda _: None)
    for motion, clip in zip(lifted.motions, lifted.clips, strict=True):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        (character,) = place([motion], Placing(take_rate=True), [clip])
        _, view = make_camera(character)
        ys = clip.keypoints[np.isfinite(clip.keypoints[..., 1]).any(axis=1), :, 1]
        height = np.median(np.nanmax(ys, axis=1) - np.nanmin(ys, axis=1))
        print(
            f"{path.name} person {motion.person}: {view.error:.0f} px of {height:.0f} px",
            flush=True,
        )


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # some versions of Blender's module hang when Python ends
