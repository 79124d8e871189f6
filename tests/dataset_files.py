"""Research data sets as VideoPose3D's and P-STMO's scripts write them, of made-up people.

The keypoints are projections of the truth, reckoned here one step at a time from the calibrations
that were published, so that a reader that takes another camera, joint or axis is off by far more
than a pixel.
"""

from pathlib import Path

import numpy as np
from lift_to_3d.core.skeleton import COCO, H36M
from lift_to_3d.core.training.datasets import h36m
from lift_to_3d.core.training.datasets.sequence import Sequence
from scipy.spatial.transform import Rotation

FRAMES = 12

H36M_SIDES = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
COCO_SIDES = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]
MPII_SIDES = [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]
HUMANEVA_SIDES = [[2, 3, 4, 8, 9, 10], [5, 6, 7, 11, 12, 13]]

HUMANEVA_CAMERAS = {
    "S1": [
        ([0.424207, -0.4983646, -0.5802981, 0.4847012], [4062.227, 663.2477, 1528.397]),
        ([0.6503354, -0.7481602, -0.0919284, 0.0941766], [844.8131, -3805.2092, 1504.9929]),
        ([0.0664734, -0.0690535, 0.7416416, -0.6639132], [-797.67377, 3916.3174, 1433.6602]),
    ],
    "S2": [
        ([0.4214752, -0.4961493, -0.5838273, 0.4851187], [4112.9121, 626.4929, 1545.2988]),
        ([0.6501393, -0.7476588, -0.0954617, 0.0959808], [923.574, -3877.9243, 1504.5518]),
        ([0.0699353, -0.0712403, 0.7421637, -0.662742], [-781.4915, 3838.8853, 1444.9929]),
    ],
}
"""Orientation (w, x, y, z) and millimetres of cameras C1 to C3, from VideoPose3D; its files of
HumanEva come without the lenses, for which `HUMANEVA_LENS` stands."""
HUMANEVA_LENS = ((640.0, 655.0), (318.0, 247.0))

MPI_LENSES = {
    "0": ((1497.693, 1497.103), (1024.704, 1051.394)),
    "8": ((1500.172, 1500.837), (1017.387, 1043.032)),
    "TS1": ((1500.172, 1500.837), (1017.387, 1043.032)),
    "TS5": ((1683.98345952, 1672.59370772), (939.85754016, 560.140743168)),
}
"""Focal lengths and optical centres, MPI-INF-3DHP's own."""
MPI_JOINTS = (
    "head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder",
    "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee",
    "left_ankle", "root", "spine", "head",
)  # fmt: skip


def person(joints: int, frames: int = FRAMES, seed: int = 0) -> np.ndarray:
    """Somebody's joints near the middle of the room, Z up, metres."""
    random = np.random.default_rng(seed)
    still = random.uniform([-0.5, -0.5, 0.1], [0.5, 0.5, 1.7], (joints, 3))
    moved = np.cumsum(random.normal(0, 0.01, (frames, joints, 3)), 0)
    return (still + moved).astype(np.float32)


def save_nested(path: Path, **values: object) -> None:
    """As VideoPose3D and P-STMO write them: dicts pickled into arrays without a dimension."""
    np.savez_compressed(path, **{k: np.array(v, dtype=object) for k, v in values.items()})


def seen_from(points: np.ndarray, orientation: list[float], position: list[float]) -> np.ndarray:
    """World metres to camera axes; the quaternion turns the camera's axes into the world's."""
    w, x, y, z = orientation
    turn = Rotation.from_quat([x, y, z, w]).inv()
    return turn.apply((points - np.array(position) / 1000).reshape(-1, 3)).reshape(points.shape)


def pinhole(points: np.ndarray, lens: tuple) -> np.ndarray:
    """Camera axes to pixels."""
    (fx, fy), (cx, cy) = lens
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([fx * x / z + cx, fy * y / z + cy], -1)


def project_with_distortion(point: np.ndarray, lens, stand) -> np.ndarray:
    """Human3.6M's camera, one point at a time, term by term."""
    x, y, z = seen_from(point, list(stand.orientation), list(stand.position))
    u, v = x / z, y / z
    r2 = u * u + v * v
    k1, k2, k3 = lens.radial
    px, py = lens.tangential
    factor = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + px * u + py * v
    return np.array([
        lens.focal[0] * (u * factor + px * r2) + lens.centre[0],
        lens.focal[1] * (v * factor + py * r2) + lens.centre[1],
    ])  # fmt: skip


def h36m_files(folder: Path) -> Path:
    """Two training and two test subjects, and six detectors that never err.

    VideoPose3D's ``gt`` and ``cpn_ft_h36m_dbb``; ``detectron_pt_coco`` in COCO's order;
    ``sh_pt_mpii`` in MPII's; PoseAug's ``hr``, without neck_nose and without metadata, and its
    ``gt16``, elsewhere called ``gt``.
    """
    truth, seen, coco, sixteen = {}, {}, {}, {}
    for number, subject in enumerate(("S1", "S5", "S9", "S11")):
        for table in (truth, seen, coco, sixteen):
            table[subject] = {}
        for action in ("Walking", "Walking 1", "Sitting"):
            world = person(32, FRAMES + number, seed=len(truth))
            truth[subject][action] = world
            views = [
                np.array([[project_with_distortion(p, lens, stand) for p in frame]
                          for frame in world[:, h36m.KEPT]])
                for lens, stand in h36m.cameras(subject)
            ]  # fmt: skip
            views = [np.concatenate([v, v[-1:]]).astype(np.float32) for v in views]
            seen[subject][action] = views
            coco[subject][action] = [as_coco(v) for v in views]
            sixteen[subject][action] = [np.delete(v, 9, axis=1) for v in views]
    save_nested(folder / "data_3d_h36m.npz", positions_3d=truth)
    named = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": H36M_SIDES}
    unnamed = {"num_joints": 17, "keypoints_symmetry": H36M_SIDES}
    detectron = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": COCO_SIDES}
    hourglass = {"num_joints": 16, "keypoints_symmetry": MPII_SIDES}
    smaller = {"num_joints": 16,
               "keypoints_symmetry": [[4, 5, 6, 10, 11, 12], [1, 2, 3, 13, 14, 15]]}  # fmt: skip
    for name, table, metadata in (
        ("gt", seen, unnamed),
        ("cpn_ft_h36m_dbb", seen, named),
        ("detectron_pt_coco", coco, detectron),
        ("sh_pt_mpii", sixteen, hourglass),
        ("gt16", sixteen, smaller),
    ):
        path = folder / f"data_2d_h36m_{name}.npz"
        save_nested(path, positions_2d=table, metadata=metadata)
    save_nested(folder / "data_2d_h36m_hr.npz", positions_2d=sixteen)
    return folder


def as_coco(joints: np.ndarray) -> np.ndarray:
    """COCO's keypoints in their order: limbs as they are, a face made up between neck and head."""
    nose, head = joints[:, H36M.names.index("neck_nose")], joints[:, H36M.names.index("head")]
    shares = {"nose": 0.0, "left_eye": 0.2, "right_eye": 0.3, "left_ear": 0.6, "right_ear": 0.7}
    return np.stack(
        [
            nose + shares[name] * (head - nose) if name in shares
            else joints[:, H36M.names.index(name)]
            for name in COCO
        ],
        axis=1,
    )  # fmt: skip


def humaneva_files(folder: Path) -> Path:
    """Two subjects' Walking, Jog and Box, seen by three cameras each."""
    truth = {f"{split}/{subject}": {f"{action} 1 chunk0": person(15, seed=seed)
                                    for seed, action in enumerate(("Walking", "Jog", "Box"))}
             for split in ("Train", "Validate") for subject in HUMANEVA_CAMERAS}  # fmt: skip
    seen = {
        key: {
            action: [
                pinhole(seen_from(world, *camera), HUMANEVA_LENS).astype(np.float32)
                for camera in HUMANEVA_CAMERAS[key.partition("/")[2]]
            ]
            for action, world in actions.items()
        }
        for key, actions in truth.items()
    }
    metadata = {"layout_name": "humaneva15", "num_joints": 15,
                "keypoints_symmetry": HUMANEVA_SIDES}  # fmt: skip
    save_nested(folder / "data_3d_humaneva15.npz", positions_3d=truth)
    save_nested(folder / "data_2d_humaneva15_gt.npz", positions_2d=seen, metadata=metadata)
    return folder


def mpi_files(folder: Path, fps: object = 25) -> dict[str, np.ndarray]:
    """Two cameras of training, two test subjects; gives the camera millimetres of each."""
    truth = {}
    for number, name in enumerate(MPI_LENSES):
        upright = person(17, seed=number)[..., [0, 2, 1]] * [1, -1, 1] + [0, 1, 3.5]
        truth[name] = (1000 * upright).astype(np.float32)
    views = {
        name: {"data_2d": pinhole(joints, MPI_LENSES[name]).astype(np.float32), "data_3d": joints}
        for name, joints in truth.items()
    }
    valid = np.arange(FRAMES) % 2
    test = {name: {**view, "valid": valid} for name, view in views.items() if name[0] == "T"}
    train = {"S1 Seq1": [{name: views[name] for name in ("0", "8")}, fps]}
    save_nested(folder / "data_train_3dhp.npz", data=train)
    save_nested(folder / "data_test_3dhp.npz", data=test)
    return truth


def recording(action: str, joints: np.ndarray, valid: np.ndarray) -> Sequence:
    """A sequence for which only its action, its truth and what counts matter."""
    xy = np.zeros((*joints.shape[:2], 2), np.float32)
    return Sequence("S9", action, "1", xy, joints, (1000, 1000), 50.0, valid)
