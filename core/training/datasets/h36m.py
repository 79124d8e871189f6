"""Human3.6M as VideoPose3D packs it: ``data_3d_h36m.npz`` and ``data_2d_h36m_KEYPOINTS.npz``.

The first holds positions_3d {subject: {action: (frames, 32, 3)}}, metres in the world; the second
positions_2d {subject: {action: [(frames, 17, 2) for each camera]}}, pixels, of which there may be
some frames more than of the truth, and metadata that say which keypoints are left and right. The
cameras are in neither; they are the data set's own, and stand in ``h36m_cameras.json``.

By the metadata a file's keypoints are Human3.6M's 17 joints, the 16 of them without neck_nose that
HRNet's have (the truth then has 16, too), or COCO's 17.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from ...errors import MotionError, TrackError
from ...skeleton import COCO_MIRRORED, H36M, Skeleton
from .calibration import Lens, Stand
from .sequence import Sequence, array_of, load_nested, mirrored_of, root_relative, views_of

HRNET = "hr"
SPLITS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Which of the 32 recorded joints are the 17 of everybody's evaluation."""

SIXTEEN = Skeleton(
    names=tuple(name for name in H36M.names if name != "neck_nose"),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14),
    left=(4, 5, 6, 10, 11, 12),
    right=(1, 2, 3, 13, 14, 15),
)
"""The joints that are trained and measured with HRNet's keypoints."""

KEYPOINTS = {
    "cpn_ft_h36m_dbb": H36M,
    "gt": H36M,
    "detectron_ft_h36m": H36M,
    "detectron_pt_coco": H36M,
    HRNET: SIXTEEN,
}

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
    seen, arrays = load_nested(seen_path, "positions_2d")
    if keypoints == HRNET and "metadata" not in arrays:  # as PoseAug's file goes about
        mirrored = SIXTEEN.mirrored
    else:
        mirrored = mirrored_of(arrays, seen_path)
    if mirrored not in (H36M.mirrored, SIXTEEN.mirrored, COCO_MIRRORED):
        raise TrackError(
            f"{seen_path}: its {len(mirrored)} keypoints are not Human3.6M's 17 joints, nor the "
            "16 of them without neck_nose, nor COCO's 17; MixSTE has a joint for every keypoint."
        )
    skeleton = SIXTEEN if mirrored == SIXTEEN.mirrored else H36M
    kept = [joint for joint, name in zip(KEPT, H36M.names, strict=True) if name in skeleton.names]
    for subject in SPLITS[split]:
        for action, world in truth.get(subject, {}).items():
            where = f"{subject} {action}"
            world = array_of(world, (32, 3), f"{truth_path}: {where}")[:, kept]
            views = views_of(
                seen.get(subject, {}).get(action),
                4,
                len(mirrored),
                len(world),
                f"{seen_path}: {where}",
            )
            for (lens, stand), xy in zip(cameras(subject), views, strict=True):
                yield Sequence(
                    subject=subject,
                    action=action.split(" ")[0],
                    camera=lens.name,
                    xy=xy,
                    joints=root_relative(stand.from_world(world)).astype(np.float32),
                    size=(lens.size[0], lens.size[1]),
                    fps=_FPS,
                    valid=np.ones(len(world), bool),
                    focal=(lens.focal[0], lens.focal[1], lens.centre[0], lens.centre[1]),
                    skeleton=skeleton,
                    coco=mirrored == COCO_MIRRORED,
                )
