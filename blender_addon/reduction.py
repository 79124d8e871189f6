"""Fewer keys, with a bound on the error that holds at every frame; knows nothing of Blender.

Between its keys a curve is a cubic with the slope that the motion has at each key. Keys are added
where the error is greatest: first for each curve by itself, then for the whole skeleton until no
bone is off by more than was allowed, all bones above it included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..retarget.rig import Rig
from . import channels

_OWN_SHARE = 0.5
"""Of the allowed error, what a curve may use up by itself; the rest is for the bones above."""
_MARGIN = 0.999  # for Blender's single precision


@dataclass(frozen=True)
class Tolerance:
    """How far a bone may be from where the motion has it.

    Attributes:
        degrees: between the directions of a bone's axes, in the space of the armature.
        distance: of a bone's head or tail, world metres.
    """

    degrees: float = 1.0
    distance: float = 0.005


@dataclass(frozen=True)
class Curve:
    """One property of one bone over all frames.

    Attributes:
        bone: its name.
        prop: ``location`` or the property of the bone's rotation mode.
        mode: the bone's rotation mode.
        values: (frames, channels).
    """

    bone: str
    prop: str
    mode: str
    values: np.ndarray


def reduce_keys(curves: Sequence[Curve], rig: Rig, tolerance: Tolerance) -> list[np.ndarray]:
    """For each curve the frames, in order, that need a key; the first and the last always do.

    The error is measured on the bones of these curves and all below them, the rest standing as at
    rest; constraints of the rig are not taken into account.
    """
    frames = len(curves[0].values)
    slopes = [slopes_of(curve.values) for curve in curves]
    keys = [_alone(c, s, rig, tolerance) for c, s in zip(curves, slopes, strict=True)]
    truth = _pose(curves, [c.values for c in curves], rig)
    above = _chains(rig)
    while True:
        read = [between(c.values, s, k) for c, s, k in zip(curves, slopes, keys, strict=True)]
        off = _excess(truth, _pose(curves, read, rig), rig, tolerance)
        if (off <= 1).all():
            return [np.flatnonzero(k) for k in keys]
        wanted = np.zeros((frames, len(rig.bones)), bool)
        for bone in np.flatnonzero((off > 1).any(axis=0)):
            wanted[_peaks(off[:, bone])] |= above[bone]
        for curve, key in zip(curves, keys, strict=True):
            key |= wanted[:, rig.bones.index(curve.bone)]


def slopes_of(values: np.ndarray) -> np.ndarray:
    """(frames, channels) change of value a frame."""
    return np.gradient(values, axis=0) if len(values) > 1 else np.zeros_like(values)


def between(values: np.ndarray, slopes: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """(frames, channels) a curve read between its keys, (frames,) bool, as Blender reads it."""
    at = np.flatnonzero(keys)
    if len(at) < 2:
        return np.repeat(values[at], len(values), axis=0)
    frames = np.arange(len(values))
    segment = np.clip(np.searchsorted(at, frames, side="right") - 1, 0, len(at) - 2)
    start, stop = at[segment], at[segment + 1]
    length = (stop - start)[:, None]
    t = (frames - start)[:, None] / length
    rise, bend = t * t * (3 - 2 * t), t * (1 - t)
    straight = values[start] * (1 - rise) + values[stop] * rise
    return straight + bend * length * ((1 - t) * slopes[start] - t * slopes[stop])


def _alone(curve: Curve, slopes: np.ndarray, rig: Rig, tolerance: Tolerance) -> np.ndarray:
    """(frames,) bool, keys with which this curve, the others being true, is near enough."""
    error = _own_error(curve, rig, tolerance)
    keys = np.zeros(len(curve.values), bool)
    keys[[0, -1]] = True
    while True:
        off = error(between(curve.values, slopes, keys)) / _OWN_SHARE
        if (off <= 1).all():
            return keys
        keys[_peaks(off)] = True


def _own_error(curve: Curve, rig: Rig, tolerance: Tolerance) -> Callable[[np.ndarray], np.ndarray]:
    """What tells, (frames,), how far other values are off, 1 being all that is allowed."""
    metres = float(np.cbrt(abs(np.linalg.det(rig.world[:3, :3]))))
    if curve.prop == "location":
        limit = tolerance.distance / metres
        return lambda values: np.linalg.norm(values - curve.values, axis=-1) / limit
    truth = channels.to_matrices(curve.values, curve.mode)
    bone = rig.bones.index(curve.bone)
    below = _chains(rig)[:, bone]
    ends = np.stack([rig.rest[:, :3, 3], _tails(rig)])[:, below]
    reach = np.linalg.norm(ends - rig.rest[bone, :3, 3], axis=-1).max() * metres
    limit = min(np.radians(tolerance.degrees), tolerance.distance / max(reach, 1e-9))
    return lambda values: _angle(channels.to_matrices(values, curve.mode), truth) / limit


def _peaks(off: np.ndarray) -> np.ndarray:
    """The worst frame of every run of frames in which something is off by more than allowed."""
    wrong = np.flatnonzero(off > 1)
    runs = np.split(wrong, np.flatnonzero(np.diff(wrong) > 1) + 1)
    return np.array([run[np.argmax(off[run])] for run in runs if len(run)], int)


def _angle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Radians between rotations (..., 3, 3); exact for small ones, too."""
    apart = np.linalg.norm(first - second, axis=(-2, -1))
    return 2 * np.arcsin(np.clip(apart / np.sqrt(8), 0, 1))


def _excess(truth: np.ndarray, read: np.ndarray, rig: Rig, tolerance: Tolerance) -> np.ndarray:
    """(frames, bones) the error over what is allowed, 1 being all of it."""
    angle = _angle(truth[..., :3, :3], read[..., :3, :3])
    tail = np.array([0, 1, 0]) * rig.lengths[:, None]
    apart = (read - truth)[..., :3, :]
    ends = [apart[..., 3], apart[..., 3] + np.einsum("fbij,bj->fbi", apart[..., :3], tail)]
    distance = np.max([np.linalg.norm(e @ rig.world[:3, :3].T, axis=-1) for e in ends], axis=0)
    allowed = np.radians(tolerance.degrees) * _MARGIN, tolerance.distance * _MARGIN
    return np.maximum(angle / allowed[0], distance / allowed[1])


def _pose(curves: Sequence[Curve], values: Sequence[np.ndarray], rig: Rig) -> np.ndarray:
    """(frames, bones, 4, 4) the bones in the space of the armature."""
    basis = np.tile(np.eye(4), (len(values[0]), len(rig.bones), 1, 1))
    for curve, read in zip(curves, values, strict=True):
        bone = rig.bones.index(curve.bone)
        if curve.prop == "location":
            basis[:, bone, :3, 3] = read
        else:
            basis[:, bone, :3, :3] = channels.to_matrices(read, curve.mode)
    out = np.empty_like(basis)
    for bone, parent in enumerate(rig.parents):
        if parent < 0:
            out[:, bone] = rig.rest[bone] @ basis[:, bone]
            continue
        placed = out[:, parent] @ (np.linalg.inv(rig.rest[parent]) @ rig.rest[bone])
        if rig.bones[bone] in rig.loose:
            placed[:, :3, :3] = rig.rest[bone, :3, :3]
        out[:, bone] = placed @ basis[:, bone]
    return out


def _tails(rig: Rig) -> np.ndarray:
    """(bones, 3) at rest, armature space."""
    return rig.rest[:, :3, 3] + rig.rest[:, :3, 1] * rig.lengths[:, None]


def _chains(rig: Rig) -> np.ndarray:
    """(bones, bones) bool: in each bone's row itself and all bones above it."""
    chains = np.eye(len(rig.bones), dtype=bool)
    for bone, parent in enumerate(rig.parents):
        if parent >= 0:
            chains[bone] |= chains[parent]
    return chains
