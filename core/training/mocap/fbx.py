"""FBX: skeletons and their takes, as Mixamo, Rokoko, Xsens, MotionBuilder and others write them."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from ...errors import MotionError, how_to_install
from .skeletal_motion import SkeletalMotion, check_size

_SCRIPT = Path(__file__).with_name("fbx_scene.py")
_SECONDS = 600
_PERSON = 14
"""Joints of a person, at least: hips, spine, and three of each limb."""
_STILL = 1e-5  # metres a frame


def read_fbx(path: Path) -> list[SkeletalMotion]:
    """The motions in an FBX file: every take of every skeleton that moves in it.

    At rest is how it was bound to its skin, or where there is none, how it is without animation.

    Raises:
        MotionError: it is missing, not FBX, or nobody moves in it.
    """
    check_size(path)
    with np.load(io.BytesIO(_scene(path))) as file:
        meta = json.loads(file["meta"].tobytes())
        takes = [(name, file[f"take{i}"]) for i, name in enumerate(meta["takes"])]
        world, bind = file["world"], file["bind"]
    names, parents, joints = meta["names"], meta["parents"], meta["joints"]
    try:
        rest = _rest(world, bind, parents)
    except np.linalg.LinAlgError:
        raise MotionError(f"{path}: parts of its skeleton have no size.") from None
    above = _joints_above(joints, parents)
    people = _people(above, parents)
    found = []
    for take, poses in takes:
        for bones in people:
            moved = _while_moving(poses[:, np.searchsorted(joints, bones)].astype(float))
            if len(moved) < 2:
                continue
            words = [take] * (len(takes) > 1) + [names[bones[0]]] * (len(people) > 1)
            motion = SkeletalMotion(
                names=tuple(names[bone] for bone in bones),
                parents=np.array([bones.index(a) if (a := above[b]) >= 0 else -1 for b in bones]),
                rest=rest[bones, :3, 3],
                heads=moved[..., 3],
                turns=_turns(moved) @ np.swapaxes(_turns(rest[bones]), -1, -2),
                fps=meta["fps"],
                take=" ".join(words),
                up=np.array([0.0, 0, 1]),
                metres=1.0,
            )
            found.append(motion)
    if not found:
        raise MotionError(f"{path}: nobody moves in it.")
    return found


def _scene(path: Path) -> bytes:
    """What `fbx_scene.scene` tells of a file, out of a process of its own."""
    if importlib.util.find_spec("ufbx") is None:
        raise MotionError(f"{path}: FBX files need the package ufbx: {how_to_install('train')}.")
    command = [sys.executable, "-P", str(_SCRIPT), str(path)]
    try:
        ran = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise MotionError(f"{path}: reading it takes more than {_SECONDS} s.") from None
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip() or "its reader broke down"
        raise MotionError(f"{path}: cannot be read as FBX ({said.splitlines()[-1]}).")
    return ran.stdout


def _rest(world: np.ndarray, bind: np.ndarray, parents: list[int]) -> np.ndarray:
    """(nodes, 4, 4): as bound; what was not, as it stands to its parent without animation."""
    last = np.tile([0.0, 0, 0, 1], (len(world), 1, 1))
    world, rest = np.concatenate([world, last], 1), np.concatenate([bind, last], 1)
    for node in np.flatnonzero(~np.isfinite(bind).all((1, 2))):
        above = parents[node]
        rest[node] = world[node]
        if above >= 0:
            rest[node] = rest[above] @ np.linalg.solve(world[above], world[node])
    return rest


def _joints_above(joints: list[int], parents: list[int]) -> dict[int, int]:
    """For every joint the nearest one above it, -1 for none."""
    above: dict[int, int] = {}
    for joint in joints:
        node = parents[joint]
        while node >= 0 and node not in above:
            node = parents[node]
        above[joint] = node
    return above


def _people(above: dict[int, int], parents: list[int]) -> list[list[int]]:
    """The joints of each person: what hangs from one object, or from one joint in the scene."""
    holder: dict[int, int] = {}
    people: dict[int, list[int]] = {}
    for joint, other in above.items():
        own = parents[joint] if parents[joint] > 0 else joint
        holder[joint] = holder[other] if other >= 0 else own
        people.setdefault(holder[joint], []).append(joint)
    return [bones for bones in people.values() if len(bones) >= _PERSON]


def _while_moving(poses: np.ndarray) -> np.ndarray:
    """Poses without those held before and after: takes are often longer than what is keyed."""
    speed = np.abs(np.diff(poses[..., 3], axis=0)).max((1, 2))
    moves = np.flatnonzero(speed > _STILL)
    return poses[moves[0] : moves[-1] + 2] if len(moves) else poses[:0]


def _turns(poses: np.ndarray) -> np.ndarray:
    """(..., 3, 3): poses without place and size."""
    axes = poses[..., :3, :3]
    return axes / np.maximum(np.linalg.norm(axes, axis=-2, keepdims=True), 1e-12)
