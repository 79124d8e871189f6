"""Which way up is, found twice over for clips whose camera nobody measured.

python benchmarks/agreement.py KEYPOINTS ... [--fps N] [--size WxH]

Without a truth, answers that must be the same tell something of the error: up from the first and
the second half of a clip, and from the poses of both shipped models. A camera on a tripod has a
roll near 0.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from lift_to_3d.core import pipeline
from lift_to_3d.core.clean import clean
from lift_to_3d.core.ground import ground
from lift_to_3d.core.lift import lift
from lift_to_3d.core.track import Track

MODELS = ("default", "fast")
SHORTEST = 1.0  # seconds


def ups(track: Track, model: str) -> np.ndarray:
    """(3, 3) up in camera axes: from all of the clip, its first and its second half."""
    pose = lift(track, model=model)
    half = track.frames // 2
    found = []
    for part in (slice(None), slice(half), slice(half, None)):
        joints, confidence = pose.joints[part], pose.confidence[part]
        shown = replace(track, xy=track.xy[part], confidence=track.confidence[part])
        grounded = ground(replace(pose, joints=joints, confidence=confidence), shown)
        found.append(-grounded.gravity.astype(float))
    return np.array(found)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Degrees between two directions."""
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", type=Path, help="keypoint files and folders")
    parser.add_argument("--fps", type=float)
    parser.add_argument("--size", help="picture size, as 1920x1080")
    args = parser.parse_args()
    size = None
    if args.size:
        width, height = args.size.split("x")
        size = (int(width), int(height))
    options = pipeline.Options(fps=args.fps, size=size)
    print("clip", "person", "seconds", "roll", "pitch", "models apart", "halves apart", sep=" | ")
    for path in args.inputs:
        for track in map(clean, pipeline.tracks(path, options)):
            if track.frames < SHORTEST * track.fps:
                continue
            first, second = (ups(track, model) for model in MODELS)
            x, y, z = first[0]
            print(
                path.name,
                track.person,
                f"{track.frames / track.fps:.1f}",
                f"{np.degrees(np.arctan2(x, -y)):.1f}",
                f"{np.degrees(np.arcsin(-z)):.1f}",
                f"{apart(first[0], second[0]):.1f}",
                ", ".join(f"{apart(up[1], up[2]):.1f}" for up in (first, second)),
                sep=" | ",
                flush=True,
            )


if __name__ == "__main__":
    main()
