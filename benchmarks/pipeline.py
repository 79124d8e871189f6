"""1,800 frames of JSON to FBX and BVH, split by stage: the figures of docs/measurements.md.

python benchmarks/pipeline.py
"""

import sys
from pathlib import Path

from lift_to_3d.cli import main

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "street_mediapipe.json"

if __name__ == "__main__":
    sys.exit(main(["benchmark", str(SAMPLE), *sys.argv[1:]]))
