"""A folder of clips through `lift-to-3d convert` with one worker and with two.

    python benchmarks/batch.py --clips 100 --frames 300

Seconds by the clock, and seconds of processor that the workers used: on a machine that is busy with
something else the clock says little, while processor seconds that grow with the number of workers
tell of work done twice or of workers in each other's way.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lift_to_3d.commands.benchmark import repeat, write_coco
from lift_to_3d.core.pipeline import Options, tracks

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "street_mediapipe.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--to", default="fbx")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clips = Path(folder, "clips")
        clips.mkdir()
        track = repeat(tracks(SAMPLE, Options(person=1))[0], words.frames)
        for i in range(words.clips):
            write_coco(track, clips / f"clip{i:03}.json")
        seconds = {}
        for jobs in (1, 2):
            options = ["--to", words.to, "--jobs", str(jobs), "--out", str(Path(folder, f"{jobs}"))]
            seconds[jobs], cpu = convert(clips, options)
            print(f"{jobs} workers: {seconds[jobs]:.1f} s, {cpu:.1f} processor seconds", flush=True)
    print(f"two workers are {seconds[1] / seconds[2]:.2f} times as fast as one")


def convert(clips: Path, options: list[str]) -> tuple[float, float]:
    """(seconds by the clock, processor seconds) that a batch took; every clip must be done."""
    command = [sys.executable, "-P", "-m", "lift_to_3d.cli", "convert", str(clips), "--json"]
    command += ["--fps", "30", "--size", "1768x994", "--person", "1", *options]
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    wall, after = time.perf_counter() - started, os.times()
    assert all(json.loads(line)["status"] == "done" for line in done.stdout.splitlines())
    cpu = sum(after[2:4]) - sum(before[2:4])
    return wall, cpu


if __name__ == "__main__":
    main()
