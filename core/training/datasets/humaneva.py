"""HumanEva-I as VideoPose3D packs it: ``data_3d_humaneva15.npz``, ``data_2d_humaneva15_KEYPOINTS``.

positions_3d {"Train/S1": {"Walking 1 chunk0": (frames, 15, 3)}}, metres in the world; positions_2d
has the same keys and one array (frames, 15, 2) of pixels for each of the three cameras; metadata
say which keypoints are left and right. Where the cameras stood is known (``_STANDS``), their lenses
are not needed. The paper's table has a column
for each subject's Walking and Jog; these are the actions here, and what else there is (Box) is
trained on but not tested.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...errors import TrackError
from ...skeleton import Skeleton
from .calibration import Stand
from .sequence import Sequence, array_of, load_nested, mirrored_of, root_relative, views_of

SKELETON = Skeleton(
    names=(
        "pelvis", "thorax", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder",
        "right_elbow", "right_wrist", "left_hip", "left_knee", "left_ankle", "right_hip",
        "right_knee", "right_ankle", "head",
    ),
    parents=(-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1),
    left=(2, 3, 4, 8, 9, 10),
    right=(5, 6, 7, 11, 12, 13),
)  # fmt: skip
KEYPOINTS = {"gt": SKELETON}
SPLITS = {"train": "Train", "test": "Validate"}

_SUBJECTS = ("S1", "S2", "S3")
_TESTED = ("Walking", "Jog")
_FPS = 60.0
_SIZE = (640, 480)
_FIRST_STANDS = (
    Stand((0.424207, -0.4983646, -0.5802981, 0.4847012), (4062.227, 663.2477, 1528.397)),
    Stand((0.6503354, -0.7481602, -0.0919284, 0.0941766), (844.8131, -3805.2092, 1504.9929)),
    Stand((0.0664734, -0.0690535, 0.7416416, -0.6639132), (-797.67377, 3916.3174, 1433.6602)),
)
_SECOND_STANDS = (
    Stand((0.4214752, -0.4961493, -0.5838273, 0.4851187), (4112.9121, 626.4929, 1545.2988)),
    Stand((0.6501393, -0.7476588, -0.0954617, 0.0959808), (923.574, -3877.9243, 1504.5518)),
    Stand((0.0699353, -0.0712403, 0.7421637, -0.662742), (-781.4915, 3838.8853, 1444.9929)),
)
_STANDS = {"S1": _FIRST_STANDS, "S2": _SECOND_STANDS, "S3": _FIRST_STANDS}


def read(folder: Path, keypoints: str, split: str) -> Iterable[Sequence]:
    """The sequences of a split, see `open_dataset`; every camera is a sequence of its own."""
    truth_path = folder / "data_3d_humaneva15.npz"
    seen_path = folder / f"data_2d_humaneva15_{keypoints}.npz"
    truth, _ = load_nested(truth_path, "positions_3d")
    seen, arrays = load_nested(seen_path, "positions_2d")
    if (mirrored := mirrored_of(arrays, seen_path)) != SKELETON.mirrored:
        raise TrackError(
            f"{seen_path}: its {len(mirrored)} keypoints are not HumanEva's 15 joints, and MixSTE "
            "has a joint for every keypoint; take a file that has them, such as 'gt'."
        )
    for subject in _SUBJECTS:
        key = f"{SPLITS[split]}/{subject}"
        for action, world in truth.get(key, {}).items():
            kind = action.split(" ")[0]
            if split == "test" and kind not in _TESTED:
                continue
            where = f"{key} {action}"
            world = array_of(world, (15, 3), f"{truth_path}: {where}")
            views = views_of(
                seen.get(key, {}).get(action), 3, 15, len(world), f"{seen_path}: {where}"
            )
            for number, (stand, xy) in enumerate(zip(_STANDS[subject], views, strict=True), 1):
                yield Sequence(
                    subject=subject,
                    action=f"{kind} {subject}",
                    camera=f"C{number}",
                    xy=xy,
                    joints=root_relative(stand.from_world(world)).astype(np.float32),
                    size=_SIZE,
                    fps=_FPS,
                    valid=np.ones(len(world), bool),
                    skeleton=SKELETON,
                )
