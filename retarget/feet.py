"""Feet on the ground: where ankles go, how legs get there, how feet and toes lie."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .contact import RELEASE, contact_runs, hold, widened
from .extremities import Seen, rest_foot
from .leg import limits, pelvis_drop, reach
from .placement import Ground
from .rest_body import RestBody
from .rotation import about, between, columns, dot, reject, turn, unit

_ANKLE = 0.09
"""How high an ankle usually is over the floor, in lengths of the leg."""
_ELSEWHERE = 0.3
"""Whoever never stands lower than this, in lengths of the leg, stands on something."""
_STEP = 0.08
"""Share of a leg from which a stand counts as higher than the floor: a stair, a chair."""
_PRESS = 0.045
"""Share of a leg by which an ankle rises before the heel follows for good."""
_STEADY = 0.35
"""Seconds over which the rise of a held heel is smoothed: rolling up and down is sliding."""
_TIPTOE = np.radians(75.0)
"""The steepest foot on its ball."""
_ROLL = 0.08
"""Seconds, halved, in which a foot comes to lie on the ground or leaves it."""
_LOW, _LEVELLED = 0.14, 0.85
"""Height of an ankle above its stand, as a share of a leg, within which a foot in the air levels
out, and how far it does."""
_UPRIGHT = 0.5
"""Cosine: a shin that is as upright stands; the less it is, the more does its foot go with it, as
those who lie or kneel have it."""
_RISING = 0.1
"""Seconds over which it comes to stand."""
_BELOW = 0.5
"""Share of a foot by which an ankle is below where its toes would stand: no floor is there."""
_PIVOT = np.radians(60.0)
"""A standing foot turns with the body beyond this, to either side of where it mostly heads."""
_MOST_DROP = 0.25
"""The most that the pelvis comes down, as a share of a leg."""


@dataclass(frozen=True)
class Leg:
    """One leg over the clip: turns (frames, 3, 3), the knee's hinge (frames, 3), contact (frames,).

    `height` (frames,) is that of the person's own ankle, as large as the rig; `foot` is what was
    seen of the foot.
    """

    side: str
    thigh: np.ndarray
    shin: np.ndarray
    hinge: np.ndarray
    contact: np.ndarray
    height: np.ndarray
    foot: Seen


@dataclass(frozen=True)
class _RestLeg:
    """Joints of a leg at rest, (3,) armature space."""

    hip: np.ndarray
    knee: np.ndarray
    ankle: np.ndarray
    ball: np.ndarray

    @property
    def bones(self) -> tuple[np.ndarray, np.ndarray]:
        return self.knee - self.hip, self.ankle - self.knee

    @property
    def length(self) -> float:
        return float(sum(np.linalg.norm(bone) for bone in self.bones))


def set_feet(
    legs: list[Leg],
    hips: np.ndarray,
    pelvis: np.ndarray,
    body: RestBody,
    ground: Ground,
    fps: float,
    still: bool,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Legs, feet and toes on the ground, and the pelvis where that needs it.

    Args:
        legs: left and right as the motion turns them.
        hips: (frames, 3, 3) turn of the hips.
        pelvis: (frames, 3) the middle between the hip joints.
        body: the rig at rest.
        ground: the floor.
        fps: frames a second.
        still: hold feet where they stand, and lower the pelvis where a leg is too short for it.

    Returns:
        Turns (frames, 3, 3) of "thigh.L", "shin.L", "foot.L", "toe.L" and the right ones, and the
        pelvis' path.
    """
    rests = [_rest_leg(body, leg.side) for leg in legs]
    sockets = [turn(hips, (rest.hip - body.joints[0])[None]) for rest in rests]
    runs = [contact_runs(leg.contact, fps) for leg in legs]
    ways = [_ankle(leg, rest) for leg, rest in zip(legs, rests, strict=True)]
    ankles = [pelvis + socket + way for socket, way in zip(sockets, ways, strict=True)]
    level = _level(legs, runs, body)
    bases = [
        _base(ankle @ ground.up, leg.height, run, level, body.leg)
        for ankle, leg, run in zip(ankles, legs, runs, strict=True)
    ]
    stands = _standing_heights(rests, level, body) if ground.stands else bases
    if still and ground.stands and any(runs):
        lift = float(np.nanmean(np.subtract(stands, bases))) * ground.up
        pelvis, ankles = pelvis + lift, [ankle + lift for ankle in ankles]
    goals, floors = zip(
        *(
            _goal(ankle, leg.height, run, stand, level, body.leg, ground, fps)
            for ankle, leg, run, stand in zip(ankles, legs, runs, stands, strict=True)
        ),
        strict=True,
    )
    if still:
        to_goals = [goal - pelvis - socket for goal, socket in zip(goals, sockets, strict=True)]
        reaches = [
            limits(np.linalg.norm(way, axis=-1), rest.length)
            for way, rest in zip(ways, rests, strict=True)
        ]
        drop = pelvis_drop(to_goals, reaches, ground.up, fps)
        drop = np.minimum(drop, _MOST_DROP * body.leg)[:, None] * ground.up
        pelvis = pelvis - drop
        legs = [
            _reaching(leg, rest, goal + drop)
            for leg, rest, goal in zip(legs, rests, to_goals, strict=True)
        ]
        ankles = [
            pelvis + s + _ankle(leg, r) for s, leg, r in zip(sockets, legs, rests, strict=True)
        ]
    turns: dict[str, np.ndarray] = {}
    for leg, ankle, floor in zip(legs, ankles, floors, strict=True):
        foot, toe = lay_foot(leg, ankle, floor, body, ground, fps)
        parts = {"thigh": leg.thigh, "shin": leg.shin, "foot": foot, "toe": toe}
        turns |= {f"{part}.{leg.side}": part_turn for part, part_turn in parts.items()}
    return turns, pelvis


def _reaching(leg: Leg, rest: _RestLeg, goal: np.ndarray) -> Leg:
    thigh, shin = reach(leg.thigh, leg.shin, leg.hinge, rest.bones, goal)
    return replace(leg, thigh=thigh, shin=shin)


def lay_foot(
    leg: Leg, ankle: np.ndarray, floor: np.ndarray, body: RestBody, ground: Ground, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """The turns of foot and toe.

    In the air the foot is turned as it was seen, or goes with the shin, and levels out as it nears
    the ground. On the ground it keeps its heading and lies flat, or stands on its ball with the
    heel as high as the ankle says and the toes flat.

    Args:
        leg: the leg as it is placed.
        ankle: (frames, 3).
        floor: (frames, 1) height of the ankle at which the foot is flat; NaN if not known.
        body: the rig at rest.
        ground: the floor.
        fps: frames a second.
    """
    rest = _rest_leg(body, leg.side)
    foot = rest.ball - rest.ankle
    standing = rest_foot(body, leg.side)
    across, up = standing[:, 0], standing[:, 1]
    free = leg.foot.over(leg.shin)
    flat = _flat(turn(free, across[None]), standing, ground, leg.contact, fps)
    if np.isnan(floor).any():
        return free, free
    length = np.linalg.norm(foot)
    lowest = floor + foot @ up - ankle @ ground.up[:, None]
    gone = widened(np.clip(lowest[:, 0] / (_BELOW * length), 0.0, 1.0), RELEASE, fps)
    there = 1 - gone[:, None]
    along = turn(leg.shin, unit(rest.ankle - rest.knee)[None])
    upright = np.clip(-dot(along, ground.up) / _UPRIGHT, 0.0, 1.0)
    upright = gaussian_filter1d(upright, _RISING * fps, axis=0, mode="nearest")
    above = np.maximum(ankle @ ground.up - floor[:, 0], 0.0) / (_LOW * body.leg)
    level = _LEVELLED * (upright * there)[:, 0] * np.exp(-(above**2))
    free = leg.foot.over(between(leg.shin, flat, level))
    steepness = np.clip(np.arcsin(np.clip(lowest / length, -1.0, 1.0)), -_TIPTOE, _TIPTOE)
    lowered = about(turn(flat, across[None]), np.arcsin(foot @ up / length) - steepness[:, 0])
    held = np.zeros(len(leg.contact))
    for first, end in contact_runs(leg.contact, fps):
        held[first:end] = 1.0
    weight = widened(held, _ROLL, fps) * upright[:, 0]
    turned = between(free, lowered @ flat, weight)
    ahead = np.cross(reject(turn(turned, across[None]), ground.up), ground.up)
    toward = upright * ahead + (1 - upright) * along
    turned = _above_floor(turned, foot, toward, lowest, there, ground)
    return turned, between(turned, flat, weight)


def _rest_leg(body: RestBody, side: str) -> _RestLeg:
    hip, knee, ankle = body.joints[[4, 5, 6] if side == "L" else [1, 2, 3]]
    return _RestLeg(hip, knee, ankle, body.ball(side))


def _ankle(leg: Leg, rest: _RestLeg) -> np.ndarray:
    """From hip to ankle (frames, 3)."""
    upper, lower = rest.bones
    return turn(leg.thigh, upper[None]) + turn(leg.shin, lower[None])


def _level(legs: list[Leg], runs: list[list[tuple[int, int]]], body: RestBody) -> float:
    """How high the person's ankles are where they stand lowest; higher stands are steps."""
    held = np.concatenate([_held(leg.height, run) for leg, run in zip(legs, runs, strict=True)])
    if not len(held):
        return 0.0
    return float(np.median(held[held < np.percentile(held, 10) + _STEP * body.leg]))


def _step(height: np.ndarray, level: float, leg: float) -> float:
    """How much higher than its level a foot stands, of whose ankle the heights (frames,) are."""
    step = float(np.median(height)) - level
    return step if abs(step) > _STEP * leg else 0.0


def _base(
    ankle: np.ndarray, height: np.ndarray, runs: list[tuple[int, int]], level: float, leg: float
) -> float:
    """How high a rig's ankle (frames,) is where it stands lowest, its steps taken off; or NaN."""
    held = [ankle[first:end] - _step(height[first:end], level, leg) for first, end in runs]
    return float(np.median(np.concatenate(held))) if held else np.nan


def _standing_heights(rests: list[_RestLeg], level: float, body: RestBody) -> list[float]:
    """How high each ankle is when its foot is flat where the person stands lowest.

    That is the floor, or, where the person stands well above it all the time, a roof.
    """
    above = level - _ANKLE * body.leg
    above = above if above > _ELSEWHERE * body.leg else 0.0
    flat = [float(rest.ankle @ body.axes[:, 1]) for rest in rests]
    # A foot that rests raised says nothing of how high its ankle is on the floor.
    low = min(flat)
    return [above + (height if height < low + _STEP * body.leg else low) for height in flat]


def _held(path: np.ndarray, runs: list[tuple[int, int]]) -> np.ndarray:
    return np.concatenate([path[:0], *(path[first:end] for first, end in runs)])


def _goal(
    ankle: np.ndarray,
    height: np.ndarray,
    runs: list[tuple[int, int]],
    stand: float,
    level: float,
    leg: float,
    ground: Ground,
    fps: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Where the ankle is to go (frames, 3), and the height of its stand (frames, 1).

    It stands still, at the height of a flat foot, and rises from there as the person's does.
    """
    aside = reject(ankle, ground.up)
    held = ankle.copy()
    floor = np.full((len(ankle), 1), stand)
    for first, end in runs:
        here = slice(first, end)
        step = _step(height[here], level, leg)
        risen = np.maximum(height[here, None] - level - step, 0.0)
        risen = risen**2 / (risen + _PRESS * leg)
        risen = gaussian_filter1d(risen, _STEADY * fps, axis=0, mode="reflect")
        floor[here] = stand + step
        held[here] = aside[here].mean(0) + (floor[here] + risen) * ground.up
    return hold(ankle, held, runs, fps), hold(np.full_like(floor, stand), floor, runs, fps)


def _flat(
    lateral: np.ndarray,
    standing: np.ndarray,
    ground: Ground,
    contact: np.ndarray,
    fps: float,
) -> np.ndarray:
    """The turn (frames, 3, 3) of a foot that is flat and heads where it does.

    `lateral` (frames, 3) is where its left side is, `standing` (3, 3) are its axes at rest.
    """
    left, _, forward = ground.axes.T
    heading = np.unwrap(np.arctan2(lateral @ -forward, lateral @ left))[:, None]
    runs = contact_runs(contact, fps)
    held = heading.copy()
    for first, end in runs:
        aside = heading[first:end] - heading[first:end].mean()
        held[first:end] -= np.clip(aside, -_PIVOT, _PIVOT)
    heading = hold(heading, held, runs, fps)
    side = np.cos(heading) * left - np.sin(heading) * forward
    flat = columns(side, ground.up, np.cross(side, ground.up))
    return flat @ standing.T


def _above_floor(
    foot_turn: np.ndarray,
    foot: np.ndarray,
    toward: np.ndarray,
    lowest: np.ndarray,
    there: np.ndarray,
    ground: Ground,
) -> np.ndarray:
    """The foot tilted up where its ball would be below the floor.

    Args:
        foot_turn: (frames, 3, 3).
        foot: (3,) from ankle to ball at rest.
        toward: (frames, 3) where a foot that points straight down goes.
        lowest: (frames, 1) how high above the ankle the ball must be at least.
        there: (frames, 1) whether there is a floor, 0..1.
        ground: the floor.
    """
    ball = turn(foot_turn, foot[None])
    level = reject(unit(ball) + toward, ground.up)
    ahead = unit(level)
    axis = np.cross(ground.up, ahead)
    height, ahead = dot(ball, ground.up), dot(ball, ahead)
    radius = np.hypot(height, ahead)
    wanted = np.arcsin(np.clip(lowest / np.maximum(radius, 1e-9), -1.0, 1.0))
    tilt = np.where(height < lowest, wanted - np.arctan2(height, ahead), 0.0)
    # Where it could as well go either way it goes neither.
    tilt *= there * np.minimum(np.linalg.norm(level, axis=-1, keepdims=True), 1.0)
    return about(axis, -tilt[:, 0]) @ foot_turn
