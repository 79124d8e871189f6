"""A folder of clips through `lift-to-3d convert` with one worker and with two.

python benchmarks/batch.py --clips 100 --frames 300
"""

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
    parser = argparse.ArgumentParser(description=__doc__)
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
        for jobs, threads in ((1, 1), (2, 1), (1, os.cpu_count())):
            command = [sys.executable, "-P", "-m", "lift_to_3d.cli", "convert", str(clips)]
            command += ["--fps", "30", "--size", "1768x994", "--person", "1", "--to", words.to]
            command += [
                "--jobs",
                str(jobs),
                "--out",
                str(Path(folder, f"{jobs}-{threads}")),
                "--json",
            ]
            start = time.perf_counter()
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
            assert all(json.loads(line)["status"] == "done" for line in done.stdout.splitlines())
            seconds[jobs, threads] = time.perf_counter() - start
            print(
                f"{jobs} workers of {threads} threads: {seconds[jobs, threads]:.1f} s", flush=True
            )
    print(f"two workers are {seconds[1, 1] / seconds[2, 1]:.2f} times as fast as one")


if __name__ == "__main__":
    main()
