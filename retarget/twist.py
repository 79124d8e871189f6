"""Twist bones: the roll of a limb spread along it instead of wrung out at one joint."""

from __future__ import annotations

import numpy as np

from .chain import turn_of
from .rest_body import RestBody
from .rotation import between, swing, transpose, turn, unit
from .trunk import Turns

_LIMBS = (
    ("upper_arm", "forearm", True),
    ("forearm", "hand", False),
    ("thigh", "shin", True),
    ("shin", "foot", False),
)
"""A limb's bone, the next one, and whether its roll comes in at its own upper joint."""

_FOREARM = 0.5
"""How far a forearm without twist bones rolls with its hand, so that the wrist is not wrung."""


def spread_twist(turns: Turns, body: RestBody, parents: np.ndarray, side: str) -> Turns:
    """The turns of the twist bones of one side, and of limb bones that share their roll with them.

    A ball joint (shoulder, hip) rolls the whole bone: near the joint the flesh stays with the
    trunk, so the roll grows along the bone. A hinge does not roll its lower bone: there the roll is
    that of the hand or foot, and grows towards it.

    Args:
        turns: (frames, 3, 3) of the bones that turn already.
        body: the rig at rest.
        parents: who moves along with whom.
        side: "L" or "R".
    """
    found: Turns = {}
    for part, following, from_above in _LIMBS:
        bones = body.chain(f"{part}_twist.{side}")
        limb, end = body.index(f"{part}.{side}"), body.index(f"{following}.{side}")
        if limb is None or end is None or not (bones or part == "forearm"):
            continue
        along = unit(body.head_of(end) - body.head_of(limb))
        if from_above:
            base = _carried(turn_of(int(parents[limb]), turns, parents), turns[limb], along)
            full = turns[limb]
        else:
            base, full = turns[limb], _rolled(turns[limb], turns[end], along)
        if not bones:
            found[limb] = between(base, full, _FOREARM)
            continue
        in_line = _path(end, limb, body.rig.parents)
        if any(bone in in_line for bone in bones):
            bones = [limb, *bones]
        for bone in bones:
            share = _share(bone, limb, end, bone in in_line or bone == limb, body)
            found[bone] = between(base, full, share)
    return found


def _carried(above: np.ndarray, limb: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The limb's turn without its roll: what is above it, swung to where the limb points."""
    return swing(turn(above, along[None]), turn(limb, along[None])) @ above


def _rolled(limb: np.ndarray, end: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The limb's turn with the roll of what is at its end."""
    local = transpose(limb) @ end
    return limb @ swing(turn(local, along[None]), along[None]) @ local


def _path(bone: int, above: int, parents: np.ndarray) -> set[int]:
    """The bones between a bone and one above it."""
    path = set()
    bone = int(parents[bone])
    while bone not in (above, -1):
        path.add(bone)
        bone = int(parents[bone])
    return path


def _share(bone: int, limb: int, end: int, in_line: bool, body: RestBody) -> float:
    """How far along the limb a twist bone sits, 0..1: its middle in a chain, else its head."""
    start, stop = body.head_of(limb), body.head_of(end)
    at = body.head_of(bone)
    if in_line:
        at = 0.5 * (at + body.tail_of(bone))
    return float(np.clip((at - start) @ (stop - start) / ((stop - start) @ (stop - start)), 0, 1))
