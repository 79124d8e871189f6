"""A body that moves, by forward kinematics of one's own, and BVH files of it."""

import json

import numpy as np
from lift_to_3d.core.skeleton import H36M
from scipy.spatial.transform import Rotation

from .command_line import ROOT

BODY: dict[str, tuple[str, tuple[float, float, float]]] = {
    "hips": ("", (0, 0.95, 0)),
    "thigh.L": ("hips", (0.09, 0.93, 0)),
    "shin.L": ("thigh.L", (0.09, 0.50, 0.01)),
    "foot.L": ("shin.L", (0.09, 0.08, -0.02)),
    "toe.L": ("foot.L", (0.09, 0.02, 0.12)),
    "thigh.R": ("hips", (-0.09, 0.93, 0)),
    "shin.R": ("thigh.R", (-0.09, 0.50, 0.01)),
    "foot.R": ("shin.R", (-0.09, 0.08, -0.02)),
    "toe.R": ("foot.R", (-0.09, 0.02, 0.12)),
    "spine": ("hips", (0, 1.05, 0)),
    "chest": ("spine", (0, 1.22, 0)),
    "neck": ("chest", (0, 1.45, 0)),
    "head": ("neck", (0, 1.53, 0.01)),
    "shoulder.L": ("chest", (0.04, 1.42, 0)),
    "upper_arm.L": ("shoulder.L", (0.17, 1.40, 0)),
    "forearm.L": ("upper_arm.L", (0.45, 1.40, 0)),
    "hand.L": ("forearm.L", (0.70, 1.40, 0)),
    "shoulder.R": ("chest", (-0.04, 1.42, 0)),
    "upper_arm.R": ("shoulder.R", (-0.17, 1.40, 0)),
    "forearm.R": ("upper_arm.R", (-0.45, 1.40, 0)),
    "hand.R": ("forearm.R", (-0.70, 1.40, 0)),
}
"""Parent and rest position of every bone: metres, Y up, facing +Z, arms held out."""
TIPS = {"head": (0, 0.19, 0), "toe.L": (0, 0, 0.05), "toe.R": (0, 0, 0.05),
        "hand.L": (0.08, 0, 0), "hand.R": (-0.08, 0, 0)}  # fmt: skip
AT = {
    "hip": "thigh", "knee": "shin", "ankle": "foot",
    "shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand",
}  # fmt: skip
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Turns Y up, facing +Z, to Z up, facing -Y."""


def names_of(preset: str) -> dict[str, str]:
    """What a preset calls the parts of `BODY`."""
    rig = json.loads((ROOT / "presets" / "rigs" / f"{preset}.json").read_text())
    bones = dict(rig["bones"].items() if isinstance(rig["bones"], dict) else rig["bones"])

    def first(value, place=0):
        return value if isinstance(value, str) else value[place]

    out = {}
    for part in BODY:
        stem, _, side = part.partition(".")
        word = rig["sides"][side == "R"] if side else ""
        if stem in ("spine", "chest"):
            out[part] = first(bones["spine"], ("spine", "chest").index(stem))
        else:
            out[part] = first(bones[stem]).replace("{side}", word)
    return out


def wriggle(frames: int, fps: float, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Angles in degrees for every bone, (frames, 3), and the way of the hips, slow and smooth."""
    random = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / fps
    angles = {
        part: 20 * np.sin(time * random.uniform(0.5, 2, 3) + random.uniform(0, 6, 3))
        for part in BODY
    }
    return angles, np.concatenate([0.4 * time, 0.02 * np.sin(time), 0.1 * time], 1)


def posed(angles: dict[str, np.ndarray], way: np.ndarray, order: str = "ZXY"):
    """Where every bone begins, and how it is turned, by forward kinematics of one's own."""
    heads, turns = {}, {}
    for part, (parent, rest) in BODY.items():
        turn = Rotation.from_euler(order, angles[part], degrees=True)
        if not parent:
            heads[part], turns[part] = way + rest, turn
            continue
        heads[part] = heads[parent] + turns[parent].apply(np.subtract(rest, BODY[parent][1]))
        turns[part] = turns[parent] * turn
    return heads, turns


def write_bvh(path, names, angles, way, fps, unit=0.01, axes=None, order="ZXY"):
    """A BVH file of `BODY` under the given names; ``axes`` turns what is written."""
    axes = np.eye(3) if axes is None else axes
    lines = ["HIERARCHY"]
    columns = []

    def offset(vector):
        x, y, z = axes @ np.array(vector) / unit
        return f"OFFSET {x:.6f} {y:.6f} {z:.6f}"

    def joint(part, depth):
        parent, rest = BODY[part]
        pad = "  " * depth
        moved = np.subtract(rest, BODY[parent][1]) if parent else np.zeros(3)
        channels = [] if parent else ["Xposition", "Yposition", "Zposition"]
        lines.append(f"{pad}{'JOINT' if parent else 'ROOT'} {names[part]}")
        channels += [f"{axis}rotation" for axis in order]
        lines.extend([f"{pad}{{", f"{pad}  {offset(moved)}",
                      f"{pad}  CHANNELS {len(channels)} {' '.join(channels)}"])  # fmt: skip
        if not parent:
            columns.append((way + rest) @ axes.T / unit)
        turn = axes @ Rotation.from_euler("ZXY", angles[part], degrees=True).as_matrix() @ axes.T
        columns.append(Rotation.from_matrix(turn).as_euler(order, degrees=True))
        for child in (name for name, (above, _) in BODY.items() if above == part):
            joint(child, depth + 1)
        if part in TIPS:
            lines.extend([f"{pad}  End Site", f"{pad}  {{", f"{pad}    {offset(TIPS[part])}",
                          f"{pad}  }}"])  # fmt: skip
        lines.append(f"{pad}}}")

    joint("hips", 0)
    lines += ["MOTION", f"Frames: {len(way)}", f"Frame Time: {1 / fps:.8f}"]
    rows = np.concatenate(columns, 1)
    lines += [" ".join(f"{value:.5f}" for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n")


def expected(heads, turns) -> np.ndarray:
    """The joints that follow from the bones alone: (frames, 17, 3), Z up; NaN for the spine."""
    made = {}
    for word, side in (("left", "L"), ("right", "R")):
        for joint, part in AT.items():
            made[f"{word}_{joint}"] = heads[f"{part}.{side}"]
    made["pelvis"] = (made["left_hip"] + made["right_hip"]) / 2
    made["thorax"] = heads["neck"]
    made["head"] = heads["head"] + turns["head"].apply(TIPS["head"])
    nothing = np.full_like(made["pelvis"], np.nan)
    joints = np.stack([made.get(name, nothing) for name in H36M.names], 1) @ Z_UP.T
    joints[..., 2] += 0.08 - joints[:, [3, 6], 2].min()
    return joints


def off(joints: np.ndarray, wanted: np.ndarray) -> float:
    """The largest distance, metres, of joints that are to be somewhere."""
    return float(np.nanmax(np.linalg.norm(joints - wanted, axis=-1)))
