"""Peak memory of a process that lifts one clip, without torch.

python benchmarks/lifting_memory.py default
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from lift_to_3d.core.lift import lift
from lift_to_3d.core.skeleton import COCO
from lift_to_3d.core.track import Track

CLIP = 1800


def clip() -> Track:
    """A track of random keypoints."""
    xy = np.random.default_rng(0).normal(500, 150, (CLIP, 17, 2))
    return Track(xy, np.ones((CLIP, 17)), COCO, 30.0, (1000, 1000), name="clip")


def peak_memory() -> int:
    """KiB that this process held at most; Linux. What `resource` says begins with the parent's."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    lift(clip(), model=sys.argv[1], device="cpu")
    print(f"{peak_memory() / 1024:.0f} MB")
