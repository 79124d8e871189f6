"""Exported files read by parsers that know nothing of Blender: joints in Blender's world.

Each reader takes a path and a frame rate and gives `Read`: the name of every joint to its matrix at
every frame, (frames, 4, 4), in metres with Z up. `read` runs one in a process of its own, since
Blender has some of their libraries inside, in other versions.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Read = dict[str, np.ndarray]

_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
"""Y up to Z up."""

_ALIVE: list[Any] = []
"""The scene that facts are of: their names do not outlive it."""


def read_fbx(path: Path, fps: float) -> Read:
    """By ufbx, which evaluates an FBX as its SDK does."""
    import ufbx

    axes = ufbx.CoordinateAxis
    up = ufbx.CoordinateAxes(right=axes.POSITIVE_X, up=axes.POSITIVE_Z, front=axes.NEGATIVE_Y)
    scene = ufbx.load_file(str(path), target_axes=up, target_unit_meters=1.0)
    assert scene.settings.frames_per_second == fps
    start, end = scene.anim.time_begin, scene.anim.time_end
    frames = range(round(start * fps), round(end * fps) + 1)
    moments = [scene.evaluate(scene.anim, frame / fps) for frame in frames]  # ufbx wants them alive
    out: dict[str, list[np.ndarray]] = {}
    for moment in moments:
        for node in moment.nodes:
            if node.bone is not None:
                m = node.node_to_world
                columns = [(c.x, c.y, c.z) for c in (m.c0, m.c1, m.c2, m.c3)]
                out.setdefault(node.name, []).append(np.vstack([np.array(columns).T, [0, 0, 0, 1]]))
    return {name: np.array(matrices) for name, matrices in out.items()}


def fbx_facts(path: Path) -> dict[str, Any]:
    """What an engine's importer looks at besides the motion: units, axes, names, times."""
    import ufbx

    scene = ufbx.load_file(str(path))
    _ALIVE.append(scene)
    nodes, settings = list(scene.nodes), scene.settings
    tops = [node for node in nodes if node.node_depth == 1]
    bones = [node for node in nodes if node.bone is not None]
    return {
        "metres": settings.unit_meters,
        "axes": [settings.axes.right.name, settings.axes.up.name, settings.axes.front.name],
        "fps": settings.frames_per_second,
        "takes": [[t.name, t.time_begin, t.time_end] for t in list(scene.anim_stacks)],
        "tops": {node.name: node.local_transform.scale.x for node in tops},
        "roots": [bone.name for bone in bones if bone.parent.bone is None],
        "bones": [bone.name for bone in bones],
        "bound": sum(bone.bind_pose is not None for bone in bones),
    }


def read_bvh(path: Path, fps: float) -> Read:
    """By bvhio; whether the file is in metres is for the caller to know."""
    import bvhio

    file = bvhio.readAsBvh(str(path))
    assert np.isclose(1 / file.FrameTime, fps, rtol=1e-5)
    root = bvhio.convertBvhToHierarchy(file.Root)
    out: dict[str, list[np.ndarray]] = {}
    for frame in range(file.FrameCount):
        root.loadPose(frame)
        for joint, _, _ in root.layout():
            out.setdefault(joint.Name, []).append(_Z_UP @ np.array(joint.SpaceWorld))
    return {name: np.array(matrices) for name, matrices in out.items()}


def read_gltf(path: Path, fps: float) -> Read:
    """By pygltflib; only keys are looked at, so what is between them does not matter."""
    from pygltflib import GLTF2
    from scipy.spatial.transform import Rotation

    file = GLTF2().load(str(path))
    assert file is not None
    blob = np.frombuffer(file.binary_blob(), np.uint8)
    wide = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}

    def values(accessor: int) -> np.ndarray:
        a = file.accessors[accessor]
        start = (file.bufferViews[a.bufferView].byteOffset or 0) + (a.byteOffset or 0)
        count = a.count * wide[a.type]
        return blob[start : start + 4 * count].view(np.float32).reshape(a.count, -1)

    (animation,) = file.animations
    keyed = {}
    frames = 0
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        time, value = values(sampler.input)[:, 0], values(sampler.output)
        np.testing.assert_allclose(time * fps, np.arange(len(time)), atol=1e-3)
        keyed[channel.target.node, channel.target.path] = value
        frames = max(frames, len(time))

    def local(node: int) -> np.ndarray:
        n = file.nodes[node]
        given = {
            "translation": n.translation or [0, 0, 0],
            "rotation": n.rotation or [0, 0, 0, 1],
            "scale": n.scale or [1, 1, 1],
        }
        t, r, s = (
            np.broadcast_to(keyed.get((node, key), value), (frames, len(value)))
            for key, value in given.items()
        )
        out = np.tile(np.eye(4), (frames, 1, 1))
        out[:, :3, :3] = Rotation.from_quat(r).as_matrix() * s[:, None, :]
        out[:, :3, 3] = t
        return out

    joints = {joint for skin in file.skins for joint in skin.joints}
    out: Read = {}

    def walk(node: int, above: np.ndarray) -> None:
        world = above @ local(node)
        if node in joints:
            out[file.nodes[node].name] = world
        for child in file.nodes[node].children or []:
            walk(child, world)

    for node in file.scenes[file.scene or 0].nodes:
        walk(node, np.tile(_Z_UP, (frames, 1, 1)))
    return out


def read_usd(path: Path, fps: float) -> Read:
    """By Pixar's own library."""
    from pxr import Usd, UsdGeom, UsdSkel

    stage = Usd.Stage.Open(str(path))
    assert stage.GetTimeCodesPerSecond() == fps
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    (prim,) = (p for p in stage.Traverse() if p.IsA(UsdSkel.Skeleton))
    query = UsdSkel.Cache().GetSkelQuery(UsdSkel.Skeleton(prim))
    names = [str(joint).split("/")[-1] for joint in query.GetJointOrder()]
    out: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for frame in range(round(stage.GetStartTimeCode()), round(stage.GetEndTimeCode()) + 1):
        world = UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(frame)
        for name, matrix in zip(names, query.ComputeJointSkelTransforms(frame), strict=True):
            out[name].append(np.array(matrix * world).T)
    return {name: np.array(matrices) for name, matrices in out.items()}


READERS: dict[str, tuple[str, Callable[[Path, float], Read]]] = {
    ".fbx": ("ufbx", read_fbx),
    ".bvh": ("bvhio", read_bvh),
    ".glb": ("pygltflib", read_gltf),
    ".usdc": ("pxr", read_usd),
}
"""Suffix to the module that is needed and the reader."""


def read(path: Path, fps: float) -> Read:
    """Read a file in another process."""
    with np.load(io.BytesIO(_elsewhere(str(path), str(fps)))) as data:
        return dict(data)


def facts(path: Path) -> dict[str, Any]:
    """`fbx_facts` in another process."""
    return json.loads(_elsewhere(str(path)))


def _elsewhere(*words: str) -> bytes:
    ran = subprocess.run([sys.executable, __file__, *words], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    return ran.stdout


def _main(path: Path, fps: str = "") -> None:
    if fps:
        np.savez(sys.stdout.buffer, **READERS[path.suffix][1](path, float(fps)))  # type: ignore[arg-type]
    else:
        print(json.dumps(fbx_facts(path)))
    sys.stdout.flush()
    os._exit(0)  # with what ufbx still holds


if __name__ == "__main__":
    _main(Path(sys.argv[1]), *sys.argv[2:])
