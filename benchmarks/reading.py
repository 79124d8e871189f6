"""Seconds and memory for reading and cleaning long keypoint files.

    python benchmarks/reading.py [FRAMES]

Writes an AlphaPose file, a COCO results file (100,000 frames of one person) and an OpenPose folder
(a tenth of that in files) into a temporary folder, and reads each in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from lift_to_3d.core.clean import clean
from lift_to_3d.core.tracks import read

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "street_coco.json"


def long_motion(frames: int) -> np.ndarray:
    """(frames, 17, 3): the sample's second person to and fro, with jitter."""
    track = read(SAMPLE, person=2)[0]
    there = track.xy[~np.isnan(track.xy).any((1, 2))]
    loop = np.concatenate([there, there[::-1]])
    xy = np.resize(loop, (frames, 17, 2)) + np.random.default_rng(0).normal(0, 1, (frames, 17, 2))
    return np.concatenate([xy, np.full((frames, 17, 1), 0.9)], -1).round(3)


def write_files(folder: Path, frames: int) -> list[Path]:
    """The three inputs."""
    motion = long_motion(frames)
    rows = motion.reshape(frames, -1).tolist()
    alphapose, coco, openpose = (folder / n for n in ("alphapose.json", "coco.json", "openpose"))
    alphapose.write_text(json.dumps([
        {"image_id": f"{i}.jpg", "category_id": 1, "keypoints": row, "score": 2.9,
         "box": [0.0, 0.0, 100.0, 200.0], "idx": [0.0]} for i, row in enumerate(rows)
    ]))  # fmt: skip
    coco.write_text(json.dumps([
        {"image_id": i, "category_id": 1, "keypoints": row, "score": 0.9}
        for i, row in enumerate(rows)
    ]))  # fmt: skip
    openpose.mkdir()
    for i, row in enumerate(rows[: frames // 10]):
        document = {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": row}]}
        (openpose / f"clip_{i:012d}_keypoints.json").write_text(json.dumps(document))
    return [alphapose, coco, openpose]


def peak_of_this_process() -> float:
    """MB, as Linux counts them; not those of the process that started this one."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def measure(path: Path) -> None:
    """Read and clean one input and print what it took."""
    times = [(time.perf_counter(), time.process_time())]
    tracks = read(path)
    times.append((time.perf_counter(), time.process_time()))
    frames = sum(clean(track).frames for track in tracks)
    times.append((time.perf_counter(), time.process_time()))
    reading, cleaning = np.diff(times, axis=0)
    peak = peak_of_this_process()
    print(
        f"{path.name:15} {frames:>7} frames  read {reading[0]:5.2f} s ({reading[1]:.2f} s of CPU)  "
        f"clean {cleaning[0]:5.2f} s ({cleaning[1]:.2f})  peak {peak:.0f} MB"
    )


def main() -> None:
    """Write the inputs, measure each."""
    if len(sys.argv) == 3:
        measure(Path(sys.argv[2]))
        return
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        for path in write_files(Path(folder), frames):
            subprocess.run([sys.executable, __file__, "measure", str(path)], check=True)


if __name__ == "__main__":
    main()
