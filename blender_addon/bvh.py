"""An armature's evaluated motion as a BVH file: Y up, world space, one rotation order.

Blender's own exporter writes the armature's Z-up space and knows nothing of the object's scale,
while the tools that read such files take them as Y up and in one unit. A joint's rest frame is
the world's, so its rotation is the bone's turn away from the rest pose.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from bpy.types import Object
from scipy.spatial.transform import Rotation

from ..retarget.rig import Rig
from . import channels
from .rig_reader import read_rig
from .scene import current_scene, frame_rate, pose_of

_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def write_bvh(
    obj: Object,
    path: Path,
    frame_start: int,
    frame_end: int,
    *,
    scale: float = 1.0,
    order: str = "ZXY",
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write the frames from start to end, both included, as the scene plays them.

    Bones without a parent move as well as turn; where there are several, they hang on one more
    joint, named ``root``, that stays at the origin.

    Args:
        obj: an armature of the current scene.
        path: the file to write.
        frame_start: first scene frame.
        frame_end: last scene frame.
        scale: file units in a metre.
        order: the rotation channels as they are written, each turning the axes of the next.
        progress: called with 0..1 while frames are evaluated.
    """
    rig = read_rig(obj)
    rest = _to_file(rig.world @ rig.rest, scale)
    pose = _to_file(_sample(obj, rig, frame_start, frame_end, progress), scale)
    turned = _turns(pose) @ _turns(rest).transpose(0, 2, 1)
    local = turned.copy()
    inner = np.flatnonzero(rig.parents >= 0)
    local[:, inner] = turned[:, rig.parents[inner]].transpose(0, 1, 3, 2) @ turned[:, inner]

    hierarchy, sequence = _hierarchy(rig, rest, order)
    angles = _angles(local, order)
    columns = [
        angles[:, i] if rig.parents[i] >= 0 else np.hstack([pose[:, i, :3, 3], angles[:, i]])
        for i in sequence
    ]
    if np.sum(rig.parents < 0) > 1:
        columns.insert(0, np.zeros((len(pose), 6)))
    seconds = 1 / frame_rate(current_scene())
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{hierarchy}MOTION\nFrames: {len(pose)}\nFrame Time: {seconds:.8f}\n")
        np.savetxt(file, np.hstack(columns), fmt="%.6f")


def _sample(
    obj: Object, rig: Rig, start: int, end: int, progress: Callable[[float], None] | None
) -> np.ndarray:
    """(frames, bones, 4, 4) bone to world."""
    scene, bones = current_scene(), pose_of(obj).bones
    current, subframe = scene.frame_current, scene.frame_subframe
    order = [bones.find(name) for name in rig.bones]
    frames = end - start + 1
    flat = np.empty(len(order) * 16, np.float32)
    out = np.empty((frames, len(order), 4, 4))
    try:
        for i in range(frames):
            scene.frame_set(start + i)
            bones.foreach_get("matrix", flat)
            by_bone = flat.reshape(-1, 4, 4).transpose(0, 2, 1)
            out[i] = np.array(obj.matrix_world) @ by_bone[order]
            if progress is not None:
                progress((i + 1) / frames)
    finally:
        scene.frame_set(current, subframe=subframe)
    return out


def _to_file(matrices: np.ndarray, scale: float) -> np.ndarray:
    out = matrices.copy()
    out[..., :3, :] = _Y_UP @ matrices[..., :3, :]
    out[..., :3, 3] *= scale
    return out


def _turns(matrices: np.ndarray) -> np.ndarray:
    """The rotations in scaled matrices."""
    axes = matrices[..., :3, :3]
    return axes / np.linalg.norm(axes, axis=-2, keepdims=True)


def _angles(matrices: np.ndarray, order: str) -> np.ndarray:
    """(frames, bones, 3, 3) rotations to (frames, bones, 3) degrees in the written order."""
    shape = matrices.shape[:2]
    xyzw = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_quat()
    xyz = channels.to_euler(np.roll(xyzw, 1, axis=-1).reshape(*shape, 4), order[::-1])
    return np.rad2deg(xyz[..., ["XYZ".index(axis) for axis in order]])


def _hierarchy(rig: Rig, rest: np.ndarray, order: str) -> tuple[str, list[int]]:
    """The file's first part and the bones in the order in which it names them."""
    heads = rest[:, :3, 3]
    tails = heads + rest[:, :3, 1] * rig.lengths[:, None]
    children: dict[int, list[int]] = {}
    for bone, parent in enumerate(rig.parents):
        children.setdefault(int(parent), []).append(bone)
    turn = " ".join(f"{axis}rotation" for axis in order)
    move = f"CHANNELS 6 Xposition Yposition Zposition {turn}"
    lines: list[str] = []
    sequence: list[int] = []

    def joint(bone: int, depth: int) -> None:
        sequence.append(bone)
        parent = rig.parents[bone]
        offset = heads[bone] - heads[parent] if parent >= 0 else np.zeros(3)
        name = "_".join(rig.bones[bone].split())
        opened(name, depth, offset, f"CHANNELS 3 {turn}" if parent >= 0 else move)
        for child in children.get(bone, []):
            joint(child, depth + 1)
        if bone not in children:
            opened(None, depth + 1, tails[bone] - heads[bone])
            lines.append("\t" * (depth + 1) + "}")
        lines.append("\t" * depth + "}")

    def opened(name: str | None, depth: int, offset: np.ndarray, keyed: str = "") -> None:
        tabs = "\t" * depth
        kind = "End Site" if name is None else f"{'JOINT' if depth else 'ROOT'} {name}"
        lines.extend([tabs + kind, tabs + "{"])
        lines.append(tabs + "\tOFFSET " + " ".join(f"{value:.6f}" for value in offset))
        if keyed:
            lines.append(f"{tabs}\t{keyed}")

    roots = children[-1]
    if len(roots) == 1:
        joint(roots[0], 0)
    else:
        opened("root", 0, np.zeros(3), move)
        for bone in roots:
            joint(bone, 1)
        lines.append("}")
    return "HIERARCHY\n" + "\n".join(lines) + "\n", sequence
