"""What an FBX file says, by ufbx: run as a script, it writes nodes and takes to its stdout.

It is a process of its own, for files come from anywhere. Also, Python's ufbx (0.0.5) hands out its
objects without counting the reference: they are counted here, and never let go.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import sys
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import ufbx

MOST_POSES = 10_000_000
"""Joints times frames that a file may hold."""
_MOST_MEMORY = 6 << 30
_SLOWEST, _FASTEST = 1, 10_000  # frames a second
_T = TypeVar("_T")


def scene(path: str) -> bytes:
    """An ``.npz`` of what the file holds, in metres with Z up, poses as (3, 4) matrices to world.

    ``world`` and ``bind``, (nodes, 3, 4), are the poses of all nodes without animation and as they
    were bound to a skin, NaN where they were not; ``take0`` ... (frames, joints, 3, 4) float32 the
    animations. ``meta`` is JSON: ``names`` and ``parents`` of the nodes, parents before children,
    which of them are ``joints``, names of the ``takes``, ``fps``.

    Raises:
        ValueError: it has no joints, or too many frames.
        ufbx.UfbxError: it is not FBX.
    """
    axes = ufbx.CoordinateAxis
    z_up = ufbx.CoordinateAxes(axes.POSITIVE_X, axes.POSITIVE_Z, axes.NEGATIVE_Y)
    file = _kept(
        ufbx.load_file(
            path,
            file_format=ufbx.FileFormat.FBX,
            ignore_geometry=True,
            ignore_embedded=True,
            inherit_mode_handling=ufbx.InheritModeHandling.HELPER_NODES,
            target_axes=z_up,
            target_unit_meters=1.0,
        )
    )
    nodes = _all(file.nodes)
    above = [_kept(node.parent) for node in nodes]
    parents = [-1 if node is None else node.typed_id for node in above]
    joints = _joints(file, nodes)
    if not joints:
        raise ValueError("it has no skeleton")
    bind = np.full((len(nodes), 3, 4), np.nan)
    for pose in _all(file.poses):
        if pose.is_bind_pose:
            for bone in _all(pose.bone_poses):
                bind[_kept(bone.bone_node).typed_id] = _matrix(bone.bone_to_world)
    fps = _kept(file.settings).frames_per_second
    if not _SLOWEST <= fps <= _FASTEST:
        raise ValueError(f"it has {fps:g} frames a second")
    stacks = _all(file.anim_stacks)
    spans = [(stack.time_end - stack.time_begin) * fps for stack in stacks]
    counts = [int(np.clip(span, 0, MOST_POSES) + 1e-3) + 1 for span in spans]
    if sum(counts) * len(joints) > MOST_POSES:
        raise ValueError(f"it has {sum(counts)} frames of {len(joints)} joints; cut it into takes")
    arrays = {"world": np.array([_matrix(node.node_to_world) for node in nodes]), "bind": bind}
    for take, (stack, count) in enumerate(zip(stacks, counts, strict=True)):
        anim, times = _kept(stack.anim), stack.time_begin + np.arange(count) / fps
        arrays[f"take{take}"] = _worlds(nodes, parents, joints, anim, times)
    if not all(np.isfinite(poses).all() for name, poses in arrays.items() if name != "bind"):
        raise ValueError("it holds numbers that are not finite")
    meta = {
        "names": [node.name for node in nodes],
        "parents": parents,
        "joints": joints,
        "takes": [stack.name for stack in stacks],
        "fps": fps,
    }
    out = io.BytesIO()
    np.savez(out, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
    return out.getvalue()


def _joints(file: ufbx.Scene, nodes: list[ufbx.Node]) -> list[int]:
    """The nodes that are bones or move a skin; where there are none, the empties."""
    kinds = [node.attrib_type for node in nodes]
    skinned = [_kept(cluster.bone_node) for cluster in _all(file.skin_clusters)]
    bones = {node.typed_id for node in skinned if node is not None}
    bones |= {i for i, kind in enumerate(kinds) if kind == ufbx.ElementType.BONE}
    return sorted(bones) or [i for i, kind in enumerate(kinds) if kind == ufbx.ElementType.EMPTY]


def _worlds(
    nodes: list[ufbx.Node],
    parents: list[int],
    joints: list[int],
    anim: ufbx.Anim,
    times: np.ndarray,
) -> np.ndarray:
    """(frames, joints, 3, 4) float32: the joints' poses at moments, seconds."""
    needed = set(joints)
    for node in reversed(range(len(nodes))):
        if node in needed and parents[node] >= 0:
            needed.add(parents[node])
    worlds = {-1: np.eye(4)}
    for node in sorted(needed):
        worlds[node] = worlds[parents[node]] @ _locals(nodes[node], anim, times)
    return np.stack([worlds[joint][:, :3].astype(np.float32) for joint in joints], 1)


def _locals(node: ufbx.Node, anim: ufbx.Anim, times: np.ndarray) -> np.ndarray:
    """(frames, 4, 4): a node in its parent."""
    moments = [node.evaluate_transform(anim, time) for time in times.tolist()]
    x, y, z, w = np.array([m.rotation for m in moments]).T
    turn = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    out = np.tile(np.eye(4), (len(moments), 1, 1))
    out[:, :3, :3] = np.moveaxis(np.array(turn), 2, 0)
    out[:, :3, :3] *= np.array([m.scale for m in moments])[:, None]
    out[:, :3, 3] = [m.translation for m in moments]
    return out


def _matrix(matrix: ufbx.Matrix) -> np.ndarray:
    return np.array([matrix.c0, matrix.c1, matrix.c2, matrix.c3]).T


def _kept(element: _T) -> _T:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(element))
    return element


def _all(elements: Iterable[_T]) -> list[_T]:
    return [_kept(element) for element in _kept(elements)]


def _bound_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # not every system has it
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


if __name__ == "__main__":
    _bound_memory()
    try:
        found = scene(sys.argv[1])
    except (ufbx.UfbxError, ValueError, MemoryError) as error:
        print(str(error) or "it needs too much memory", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)
    sys.stdout.buffer.write(found)
    sys.stdout.flush()
    os._exit(0)
