"""What the places of points tell where a file does not: their order, and which number is x.

Files of people's own scripts name neither. The number of points leaves a few layouts, and of these
it is the one in whose order the bones are shortest. Some tools write y before x, as arrays of
pictures are indexed; their people then lie on their backs, mirrored. Others count y upwards; their
people stand on their heads, mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import layouts
from ..layouts import Layout
from .detections import CENTRED, PERCENT, UNIT, Detections

_BONES = tuple(
    (f"{side}_{a}", f"{other}_{b}")
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"),
                 ("knee", "ankle"), ("shoulder", "shoulder"), ("hip", "hip"))
    for side, other in ((("left", "right"),) if a == b else (("left", "left"), ("right", "right")))
) + tuple(
    (middle, f"{side}_{part}")
    for middle, part in (("nose", "shoulder"), ("head_top", "shoulder"), ("head", "shoulder"),
                         ("pelvis", "hip"))
    for side in ("left", "right")
)  # fmt: skip
"""Between points that lie near each other in a body; a layout has some of them."""
_CLEARLY = 0.87
"""How much shorter the bones must be to believe in a layout that is not the usual one."""
_NEAR = 0.15
"""How far apart, in the extent of a body, two entries may be and still be one person."""
_LOOK_AT = 2000
"""Detections that are looked at."""
_SEEN = 0.8
"""Share of a body's bones that must be seen to tell layouts apart by them."""
_BY_POINTS: dict[int, tuple[Layout, ...]] = {
    14: (layouts.CROWDPOSE_14, layouts.AIC_14),
    15: (layouts.MPI_15, layouts.HUMANEVA_15),
    16: (layouts.MPII_16,),
    17: (layouts.COCO_17, layouts.H36M_17, layouts.MPI_INF_17),
    18: (layouts.COCO_18,),
    25: (layouts.BODY_25, layouts.BODY_25B),
    26: (layouts.HALPE_26,),
    28: (layouts.MPI_INF_28,),
    33: (layouts.MEDIAPIPE_33,),
    68: (layouts.HALPE_68,),
    133: (layouts.WHOLEBODY_133,),
    135: (layouts.BODY_135,),
    136: (layouts.HALPE_136,),
}

COUNTS = frozenset(_BY_POINTS)
"""Numbers of points that are known without names."""

Y_FIRST = "y stands before x in the file: they are exchanged."
_Y_UP = "y counts upwards in the file: it is turned over."
_FACE = ("nose", "left_eye", "right_eye")
_TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


def layout_of(points: np.ndarray) -> Layout | None:
    """The layout of points that have no names; None if there is none of their number.

    Its note says that this is taken from their number, and where another layout is as common.

    Args:
        points: (n, points, 2 or 3), x, y and confidence; 0, 0 or NaN is missing.
    """
    count = points.shape[1]
    known = _BY_POINTS.get(count, ())
    if not known:
        return None
    found = body_25_or_25b(points) if count == 25 else _shortest(points, known)
    places = " and their places" if len(known) > 1 else ""
    told = f"The points have no names: by their number{places} they are {found.name}'s."
    return replace(found, note=f"{told} {found.note}".rstrip())


def usual_or_clear(points: np.ndarray, usual: Layout) -> Layout:
    """A tool's usual layout, unless another one of as many points fits clearly better.

    Args:
        points: as for `layout_of`.
        usual: what the tool writes if nothing else is known.
    """
    known = _BY_POINTS.get(len(usual.points), ())
    found = _shortest(points, (usual, *(each for each in known if each is not usual)))
    if found is usual:
        return usual
    told = f"The points lie as {found.name}'s do, not as {usual.name}'s."
    return replace(found, note=f"{told} {found.note}".rstrip())


def body_25_or_25b(points: np.ndarray) -> Layout:
    """BODY_25 or BODY_25B, both of 25 points, told apart by where these lie.

    In BODY_25 point 1 is the middle of 2 and 5 (neck, shoulders) and 8 that of 9 and 12 (hips); in
    BODY_25B point 17 (neck) lies near the middle of 5 and 6 (shoulders).

    Args:
        points: as for `layout_of`.
    """
    xy = _places(points)
    as_25 = _off_middle(xy, ((1, 2, 5), (8, 9, 12)))
    as_25b = _off_middle(xy, ((17, 5, 6),))
    return layouts.BODY_25B if as_25b < as_25 else layouts.BODY_25


def one_person(entries: list) -> bool:
    """Whether entries are one person from frame to frame, and not the people of one frame.

    Args:
        entries: lists of [x, y, ...] of the same points; each lies near the one before then.
    """
    try:
        xy = np.array(entries, np.float64)[..., :2]
    except (TypeError, ValueError):
        return False
    if xy.ndim != 3 or len(xy) < 3 or not (np.abs(xy) < 1e7).all() or not xy.size:
        return False
    steps = np.linalg.norm(np.diff(xy, axis=0), axis=-1).mean(1) / _extent(xy)[1:]
    return bool((steps < _NEAR).mean() > 0.5)


def exchanged(found: Detections) -> Detections:
    """The detections of a file in which y stands before x."""
    return replace(found, xy=found.xy[..., ::-1], notes=(*found.notes, Y_FIRST))


def turned_over(found: Detections) -> Detections:
    """The detections of a file in which y counts upwards."""
    y = found.xy[..., 1]
    ends = {UNIT: 1.0, PERCENT: 100.0, CENTRED: 0.0}
    end = ends.get(found.units)
    if end is None:
        end = found.size[1] if found.size else float(np.nanmax(y) + np.nanmin(y))
    xy = np.stack([found.xy[..., 0], end - y], -1)
    return replace(found, xy=xy, notes=(*found.notes, _Y_UP))


def upright(found: Detections) -> Detections:
    """Detections with x and y exchanged or y turned over, if that makes people stand.

    People who lie throughout with their heads to the left are either seen by a camera on its side
    or have y before x; those who stand on their heads throughout do so, or y counts upwards. In
    files of either kind they are mirrored: facing the camera, their left is on the left.
    """
    at = [found.layout.points.index(name) for name in _TRUNK if name in found.layout.points]
    if len(at) < len(_TRUNK):
        return found
    xy = found.xy[:_LOOK_AT]
    sides = xy[:, at].astype(np.float64)
    good = np.isfinite(sides).all((1, 2))
    sides = sides[good]
    if len(sides) < 10:
        return found
    down = (sides[:, 2:] - sides[:, :2]).mean(1)
    across = sides[:, 0] - sides[:, 1] + sides[:, 2] - sides[:, 3]
    lies = (down[:, 0] > 1.5 * np.abs(down[:, 1])).mean() >= 0.9
    hangs = (-down[:, 1] > 1.5 * np.abs(down[:, 0])).mean() >= 0.9
    if not (lies or hangs):
        return found
    turn = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    turn /= np.maximum(np.linalg.norm(across, axis=1) * np.linalg.norm(down, axis=1), 1e-9)
    if (turn * _face(found)[:_LOOK_AT][good]).sum() > 0:
        return found
    return exchanged(found) if lies else turned_over(found)


def is_3d(points: np.ndarray, units: str) -> bool:
    """Whether the third numbers are depths and no confidences.

    Args:
        points: (n, points, 3).
        units: what x and y count; shares of a picture may also be metres.
    """
    third = points[..., 2][np.isfinite(points[..., 2])]
    if not len(third):
        return False
    metres = units in (UNIT, CENTRED) and np.quantile(third, 0.9) > 1.5
    return bool(np.quantile(third, 0.02) < -0.01 or np.median(third) > 20 or metres)


def _face(found: Detections) -> np.ndarray:
    """(n,) how sure nose and eyes are; 1 where a layout has none."""
    at = [i for i, name in enumerate(found.layout.points) if name in _FACE]
    return found.confidence[:, at].mean(1) if at else np.ones(len(found.frame))


def _places(points: np.ndarray) -> np.ndarray:
    """(n, points, 2) of some of the detections, NaN where missing."""
    some = points[:: max(1, len(points) // _LOOK_AT)]
    xy = some[..., :2].astype(np.float64)
    missing = (xy == 0).all(-1) | ~(np.abs(xy) < 1e7).all(-1)
    if some.shape[-1] > 2:
        missing |= ~(some[..., 2] > 0)
    xy[missing] = np.nan
    return xy


def _shortest(points: np.ndarray, known: Sequence[Layout]) -> Layout:
    """The layout with the shortest bones; the first unless another is clearly better."""
    xy = _places(points)
    lengths = [_bones(xy, layout) for layout in known]
    lengths[0] *= _CLEARLY
    return known[int(np.argmin(lengths))]


def _bones(xy: np.ndarray, layout: Layout) -> float:
    """Mean length of the bones, in the extent of the body; infinite if too few are seen."""
    place = {name: i for i, name in enumerate(layout.points)}
    ends = np.array([(place[a], place[b]) for a, b in _BONES if a in place and b in place])
    length = np.linalg.norm(xy[:, ends[:, 0]] - xy[:, ends[:, 1]], axis=-1)
    seen = np.isfinite(length)
    extent = _extent(xy)[:, None]
    return float((length / extent)[seen].mean()) if seen.sum() > _SEEN * seen.size else np.inf


def _off_middle(xy: np.ndarray, triples: tuple[tuple[int, int, int], ...]) -> float:
    """How far the first of three points lies from the middle of the others, in body heights."""
    off = [xy[:, a] - (xy[:, b] + xy[:, c]) / 2 for a, b, c in triples]
    apart = np.concatenate([np.linalg.norm(gap, axis=-1) / _extent(xy) for gap in off])
    apart = apart[np.isfinite(apart)]
    return float(np.median(apart)) if len(apart) else 0.5


def _extent(xy: np.ndarray) -> np.ndarray:
    """(n,) the longer side of the box around the points."""
    seen = np.isfinite(xy)
    size = np.where(seen, xy, -np.inf).max(1) - np.where(seen, xy, np.inf).min(1)
    return np.maximum(np.where(np.isfinite(size), size, 0).max(-1), 1e-9)
