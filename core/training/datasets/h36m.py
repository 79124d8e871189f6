"""Human3.6M as VideoPose3D packs it: ``data_3d_h36m.npz`` and ``data_2d_h36m_KEYPOINTS.npz``.

The first holds positions_3d {subject: {action: (frames, 32, 3)}}, metres in the world; the second
positions_2d {subject: {action: [(frames, 17, 2) for each camera]}}, pixels, of which there may be
some frames more than of the truth. The cameras are in neither; they are the data set's own, and
stand in ``h36m_cameras.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from ...errors import MotionError
from .calibration import Lens, Stand
from .sequence import Sequence, array_of, load_nested, root_relative

KEYPOINTS = ("cpn_ft_h36m_dbb", "gt", "detectron_ft_h36m", "hrnet")
SPLITS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Which of the 32 recorded joints are the 17 of everybody's evaluation."""

_FPS = 50.0
_CAMERAS = Path(__file__).with_name("h36m_cameras.json")


@cache
def cameras(subject: str) -> tuple[tuple[Lens, Stand], ...]:
    """The four cameras of a subject, in the order of the files.

    Raises:
        MotionError: the subject has none; only seven have published motion.
    """
    constants = json.loads(_CAMERAS.read_text("utf-8"))
    if subject not in constants["stands"]:
        raise MotionError(f"Human3.6M: no cameras are known for subject {subject!r}.")
    lenses = [Lens(**lens) for lens in constants["lenses"]]
    stands = [Stand(tuple(s[:4]), tuple(s[4:])) for s in constants["stands"][subject]]
    return tuple(zip(lenses, stands, strict=True))


def read(folder: Path, keypoints: str, split: str) -> Iterable[Sequence]:
    """The sequences of a split, see `open_dataset`; every camera is a sequence of its own."""
    truth_path = folder / "data_3d_h36m.npz"
    seen_path = folder / f"data_2d_h36m_{keypoints}.npz"
    truth, _ = load_nested(truth_path, "positions_3d")
    seen, _ = load_nested(seen_path, "positions_2d")
    for subject in SPLITS[split]:
        for action, world in truth.get(subject, {}).items():
            where = f"{subject} {action}"
            world = array_of(world, (32, 3), f"{truth_path}: {where}")[:, KEPT]
            views = seen.get(subject, {}).get(action)
            if not isinstance(views, list) or len(views) != 4:
                raise MotionError(f"{seen_path}: {where} is missing, or is not of four cameras.")
            for (lens, stand), xy in zip(cameras(subject), views, strict=True):
                label = f"{seen_path}: {where}, camera {lens.name}"
                pixels = array_of(xy, (17, 2), label)
                if len(pixels) < len(world):
                    raise MotionError(f"{label}: has fewer frames than the {len(world)} in 3D.")
                yield Sequence(
                    subject=subject,
                    action=action.split(" ")[0],
                    camera=lens.name,
                    xy=pixels[: len(world)],
                    joints=root_relative(stand.from_world(world)).astype(np.float32),
                    size=(lens.size[0], lens.size[1]),
                    fps=_FPS,
                    valid=np.ones(len(world), bool),
                    focal=(lens.focal[0], lens.focal[1], lens.centre[0], lens.centre[1]),
                )
