"""BVH takes as truth for retargeting: the rig, its real turns, and the 17 joints of the motion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lift_to_3d.core.motion import Motion
from lift_to_3d.retarget.character import bone_axes
from lift_to_3d.retarget.rig import Rig

TAKES = [
    "05_12_dance", "06_15_basketball", "07_01_walk", "13_30_jumping_jacks", "14_29_sit_stand",
]  # fmt: skip

_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
_METRES = 0.01
_SPINE_SHARE = 0.475
_HEAD_TOP = 0.185
_NOSE = 0.105


@dataclass(frozen=True)
class Take:
    """One take of the Daz-friendly CMU release, metres, Z up.

    Attributes:
        rig: its skeleton as Blender would have it, with tails at the children.
        turns: (frames, bones, 3, 3) how each bone really turns away from rest.
        positions: (frames, bones, 3) where each bone begins.
        motion: the 17 joints.
    """

    rig: Rig
    turns: np.ndarray
    positions: np.ndarray
    motion: Motion

    def bone(self, name: str) -> int:
        return self.rig.bones.index(name)


def read_take(path: Path, step: int = 4) -> Take:
    """Every `step`-th frame of a take, without the first ten frames that blend from a T-pose."""
    names, parents, offsets, ends_at, channels, values, seconds = _parse(path)
    values = values[40::step]
    count = len(names)
    turns = np.zeros((len(values), count, 3, 3))
    positions = np.zeros((len(values), count, 3))
    column = 0
    for j in range(count):
        rotation, moved = np.tile(np.eye(3), (len(values), 1, 1)), np.zeros((len(values), 3))
        for channel in channels[j]:
            axis = "XYZ".index(channel[0])
            if channel.endswith("position"):
                moved[:, axis] = values[:, column]
            else:
                rotation = rotation @ _about(axis, np.radians(values[:, column]))
            column += 1
        p = parents[j]
        if p < 0:
            turns[:, j], positions[:, j] = rotation, offsets[j] + moved
        else:
            turns[:, j] = turns[:, p] @ rotation
            positions[:, j] = positions[:, p] + turns[:, p] @ (offsets[j] + 0.0)
    positions = positions * _METRES @ _Z_UP.T
    turns = _Z_UP @ turns @ _Z_UP.T
    ends = {j: np.array(end) * _METRES @ _Z_UP.T for j, end in ends_at.items()}
    rig = _rig(path.stem, names, parents, offsets * _METRES @ _Z_UP.T, ends)
    fps = 1 / (seconds * step)
    joints = _joints(rig, turns, positions).astype(np.float32)
    frames = len(joints)
    motion = Motion(
        joints=joints,
        camera_joints=joints - joints[:, :1],
        root=joints[:, 0],
        confidence=np.ones((frames, 17), np.float32),
        contacts=_contacts(joints, fps),
        gravity=np.array([0, 1, 0], np.float32),
        fps=fps,
        name=path.stem,
    )
    return Take(rig, turns, positions, motion)


def _parse(path: Path):
    head, _, data = path.read_text().partition("MOTION")
    names, parents, offsets, channels, stack = [], [], [], [], []
    ends_at = {}
    words = iter(head.split())
    ends = False
    for word in words:
        if word in ("ROOT", "JOINT"):
            parents.append(stack[-1] if stack else -1)
            names.append(next(words))
            ends = False
        elif word == "End":
            ends = True
        elif word == "{":
            stack.append(-2 if ends else len(names) - 1)
        elif word == "}":
            stack.pop()
            ends = False
        elif word == "OFFSET":
            offset = [float(next(words)) for _ in range(3)]
            if ends:
                ends_at[len(names) - 1] = offset
            else:
                offsets.append(offset)
        elif word == "CHANNELS":
            channels.append([next(words) for _ in range(int(next(words)))])
    lines = data.strip().splitlines()
    seconds = float(lines[1].split(":")[1])
    values = np.array([line.split() for line in lines[2:] if line.strip()], float)
    return names, parents, np.array(offsets), ends_at, channels, values, seconds


def _about(axis: int, angle: np.ndarray) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    out = np.zeros((len(angle), 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1
    out[:, i, i] = out[:, j, j] = c
    out[:, i, j], out[:, j, i] = -s, s
    return out


def _rig(name: str, names: list[str], parents: list[int], offsets: np.ndarray, ends: dict) -> Rig:
    heads = np.zeros_like(offsets)
    for j, p in enumerate(parents):
        heads[j] = offsets[j] + (heads[p] if p >= 0 else 0)
    along = np.zeros_like(heads)
    for j in range(len(names)):
        children = [k for k, p in enumerate(parents) if p == j]
        along[j] = heads[children].mean(0) - heads[j] if children else ends[j]
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, :3] = bone_axes(along, np.zeros(len(names)))
    rest[:, :3, 3] = heads
    lengths = np.linalg.norm(along, axis=-1)
    return Rig(name, tuple(names), np.array(parents), rest, lengths, np.eye(4))


def _joints(rig: Rig, turns: np.ndarray, positions: np.ndarray) -> np.ndarray:
    def p(name: str) -> np.ndarray:
        return positions[:, rig.bones.index(name)]

    head = turns[:, rig.bones.index("head")]
    size = (_step(rig, "rThigh", "rShin") + _step(rig, "rShin", "rFoot")) / 0.86
    hip, neck = 0.5 * (p("rThigh") + p("lThigh")), p("neck")
    top = p("head") + head[..., 2] * (_HEAD_TOP * size)
    nose = 0.5 * (neck + top) - head[..., 1] * (_NOSE * size)
    path = np.stack([hip, p("abdomen"), p("chest"), neck])
    reached = np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=-1), axis=0)
    reached = np.concatenate([np.zeros_like(reached[:1]), reached])
    at = _SPINE_SHARE * reached[-1]
    k = (at >= reached[1:-1]).sum(0)
    f = np.arange(len(at))
    share = (at - reached[k, f]) / (reached[k + 1, f] - reached[k, f])
    spine = path[k, f] + share[:, None] * (path[k + 1, f] - path[k, f])
    names = ("Shldr", "ForeArm", "Hand")
    return np.stack(
        [
            hip, p("rThigh"), p("rShin"), p("rFoot"), p("lThigh"), p("lShin"), p("lFoot"), spine,
            neck, nose, top, *(p("l" + n) for n in names), *(p("r" + n) for n in names),
        ],
        axis=1,
    )  # fmt: skip


def _step(rig: Rig, a: str, b: str) -> float:
    heads = rig.rest[:, :3, 3]
    return float(np.linalg.norm(heads[rig.bones.index(b)] - heads[rig.bones.index(a)]))


def _contacts(joints: np.ndarray, fps: float) -> np.ndarray:
    """Left and right ankle low and slow."""
    ankles = joints[:, [6, 3]]
    speed = np.linalg.norm(np.gradient(ankles, axis=0), axis=-1) * fps
    low = ankles[..., 2] < ankles[..., 2].min() + 0.06
    return (low & (speed < 0.25)).astype(np.float32)
