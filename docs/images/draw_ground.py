"""Draw takes of motion capture as they were, and as they come back from a simulated detector.

    python docs/images/draw_ground.py PICTURE.webp CAPTURE.npz.xz TAKE ... [--model NAME]

Each take is filmed by a random camera, detected with noise, cleaned, lifted and grounded. Rows: the
keypoints, the motion, the capture (contacts as labelled by speed and height). Needs pillow and
torch.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from lift_to_3d.benchmarks.ground import contact_labels, true_height, yaw
from lift_to_3d.core.ground import ground
from lift_to_3d.core.mixste.backend import open_backend
from lift_to_3d.core.mixste.model import find_model
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.training.capture import load_takes
from lift_to_3d.core.training.ground_clips import Clip, film, lifted
from lift_to_3d.preview import Panel, PicturePanel, WorldPanel
from PIL import Image

MOMENTS, SIZE, SEED = 5, (132, 190), 3


def rows(clip: Clip, motion: Motion) -> list[Panel]:
    """The views of one take, one above the other."""
    relative = clip.world - clip.world[:, :1]
    world = clip.world - (*clip.world[0, 0, :2], 0.0)
    world = world @ yaw(motion.joints - motion.joints[:, :1], relative)
    labels = contact_labels(clip.world, motion.fps)
    truth = replace(
        motion,
        joints=world.astype(np.float32),
        contacts=labels.astype(np.float32),
        confidence=np.ones_like(motion.confidence),
    )
    return [PicturePanel("", clip.track), WorldPanel("", motion, 60.0), WorldPanel("", truth, 60.0)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("capture", type=Path)
    parser.add_argument("takes", nargs="+", help="names of takes")
    parser.add_argument("--model", default="default")
    chosen = parser.parse_args()
    model = find_model(chosen.model)
    run = open_backend(model, "cpu")
    takes = {take.name: take for take in load_takes(chosen.capture)}
    columns = []
    for name in chosen.takes:
        clip, pose = lifted(film(takes[name], np.random.default_rng(SEED), 1.0), model.card, run)
        motion = ground(pose, clip.track, height=true_height(clip.world))
        panels = rows(clip, motion)
        for frame in np.linspace(0, motion.frames - 1, MOMENTS + 2).astype(int)[1:-1]:
            pictures = [np.asarray(panel.draw(int(frame), SIZE).picture()) for panel in panels]
            columns.append(np.concatenate(pictures))
    Image.fromarray(np.concatenate(columns, axis=1)).save(chosen.picture, quality=70, method=6)


if __name__ == "__main__":
    main()
