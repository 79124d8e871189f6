"""Acclaim's ASF and AMC: a skeleton, and motions of it; here as CMU's database has them.

A motion does not name its skeleton. By CMU's habit that is the ASF of the same folder whose name
is the motion's up to its first underscore ("07.asf" for "07_01.amc"), or the folder's only one.
AMC says no frame rate; CMU's is 120. Angles are degrees unless the AMC says ``:RADIANS`` or, for
the skeleton's own axes and where the AMC says nothing, the ASF ``angle rad``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import MotionError
from .skeletal_motion import SkeletalMotion, axis_turns, read_text

_RADIAN = float(np.degrees(1))
_TOP = 10_000  # characters in which a motion says how it is written
_WRIST = 0.7
"""CMU's bone behind the radius only twists and ends beyond the wrist, which is so far along."""


@dataclass(frozen=True)
class _Bone:
    name: str
    vector: np.ndarray
    axes: np.ndarray
    freedoms: tuple[str, ...]


@dataclass(frozen=True)
class _Skeleton:
    """Bones, parents before children; ``order`` of the root's channels, ``degree`` of an angle."""

    bones: list[_Bone]
    parents: list[int]
    order: tuple[str, ...]
    degree: float


def read_amc(path: Path) -> list[SkeletalMotion]:
    """The motion in an AMC file, with the skeleton that belongs to it.

    Raises:
        MotionError: it or its skeleton is missing, or not of the format.
    """
    asf = _skeleton_of(path)
    try:
        skeleton = _skeleton(read_text(asf))
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise MotionError(f"{asf}: not an ASF skeleton ({error}).") from None
    try:
        text = read_text(path)
        return [_posed(skeleton, _frames(text), _degree(text, skeleton.degree))]
    except (ValueError, IndexError, KeyError) as error:
        raise MotionError(f"{path}: not an AMC motion of {asf.name} ({error}).") from None


def _skeleton_of(path: Path) -> Path:
    there = sorted(path.parent.glob("*.asf"))
    named = [asf for asf in there if asf.stem == path.stem.split("_")[0]]
    if named or len(there) == 1:
        return (named or there)[0]
    raise MotionError(f"{path}: put its skeleton, {path.stem.split('_')[0]}.asf, beside it.")


def _skeleton(text: str) -> _Skeleton:
    order = tuple(w.lower() for w in _line(text.split(":root")[1], "order"))
    units = _section(text, "units") if ":units" in text else ""
    degree = _RADIAN if re.search(r"^\s*angle\s+rad", units, re.MULTILINE | re.IGNORECASE) else 1.0
    listed: dict[str, _Bone] = {}
    for block in re.findall(r"\bbegin\b(.*?)\bend\b", _section(text, "bonedata"), re.DOTALL):
        [name] = _line(block, "name")
        length = float(_line(block, "length")[0])
        direction = np.array([float(x) for x in _line(block, "direction")[:3]])
        *angles, letters = _line(block, "axis")
        axes = _turned(letters, [degree * np.array([float(a)]) for a in angles])[0]
        freedoms = tuple(w.lower() for w in _line(block, "dof")) if "dof" in block else ()
        listed[name] = _Bone(name, direction * length, axes, freedoms)
    bones = [_Bone("root", np.zeros(3), np.eye(3), order)]
    parents = [-1]
    index = {"root": 0}
    for line in _section(text, "hierarchy").splitlines():
        words = line.split()
        if words and words[0] in index:
            for name in words[1:]:
                parents.append(index[words[0]])
                index[name] = len(bones)
                bones.append(listed[name])
    if len(bones) < 2:
        raise ValueError("it has no hierarchy")
    return _Skeleton(bones, parents, order, degree)


def _section(text: str, name: str) -> str:
    body = text.split(f":{name}")[1]
    return re.split(r"^:", body, maxsplit=1, flags=re.MULTILINE)[0]


def _line(text: str, key: str) -> list[str]:
    found = re.search(rf"^\s*{key}\s+(.*)$", text, re.MULTILINE)
    if not found:
        raise ValueError(f"{key} is missing")
    return found[1].split()


def _turned(letters: str, angles: list[np.ndarray]) -> np.ndarray:
    """(frames, 3, 3): turned about each axis of the file in turn, degrees."""
    out = np.eye(3)[None]
    for letter, degrees in zip(letters, angles, strict=True):
        out = axis_turns("xyz".index(letter.lower()), degrees) @ out
    return out


def _frames(text: str) -> list[dict[str, list[float]]]:
    frames: list[dict[str, list[float]]] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0][0] in "#:":
            continue
        if len(words) == 1 and words[0].isdecimal():
            frames.append({})
        else:
            frames[-1][words[0]] = [float(x) for x in words[1:]]
    if not frames:
        raise ValueError("it has no frames")
    return frames


def _degree(text: str, usual: float) -> float:
    """How many degrees a unit of an AMC's angles is."""
    said = re.search(r"^\s*:(degrees|radians)\b", text[:_TOP], re.MULTILINE | re.IGNORECASE)
    return {"degrees": 1.0, "radians": _RADIAN}[said[1].lower()] if said else usual


def _posed(
    skeleton: _Skeleton, frames: list[dict[str, list[float]]], degree: float
) -> SkeletalMotion:
    bones, parents = skeleton.bones, skeleton.parents
    count = len(bones)
    ends, turns = np.zeros((len(frames), count, 3)), np.zeros((len(frames), count, 3, 3))
    rest = np.zeros((count, 3))
    for j, (bone, p) in enumerate(zip(bones, parents, strict=True)):
        local = np.tile(np.eye(3), (len(frames), 1, 1))
        values = np.array([f[bone.name] if bone.freedoms else [] for f in frames])
        if bone.freedoms:
            kept = [k for k, freedom in enumerate(bone.freedoms) if freedom[0] == "r"]
            letters = "".join(bone.freedoms[k][1] for k in kept)
            local = _turned(letters, [degree * values[:, k] for k in kept])
        turn = bone.axes @ local @ bone.axes.T
        if p < 0:
            ends[:, j] = values[:, [skeleton.order.index(f"t{a}") for a in "xyz"]]
            turns[:, j] = turn
        else:
            turns[:, j] = turns[:, p] @ turn
            ends[:, j] = ends[:, p] + turns[:, j] @ bone.vector
            rest[j] = rest[p] + bone.vector
    if not np.isfinite(ends).all():
        raise ValueError("it holds numbers that are not finite")
    above = np.array(parents)
    names = tuple(bone.name for bone in bones)
    tips = {b.name: b.vector for i, b in enumerate(bones) if i not in parents}
    heads = ends[:, np.maximum(above, 0)]
    for side in "lr":
        if {f"{side}wrist", f"{side}hand"} <= set(names):
            wrist, hand = names.index(f"{side}wrist"), names.index(f"{side}hand")
            heads[:, hand] = heads[:, wrist] + _WRIST * (ends[:, wrist] - heads[:, wrist])
    return SkeletalMotion(names, above, rest[np.maximum(above, 0)], heads, turns, tips)
