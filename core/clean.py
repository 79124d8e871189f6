"""A track as a detector gave it, mended: swaps, outliers and short gaps, confidence on one scale.

Nothing is smoothed. Every step changes only what stands out against the motion around it, so that
a jump or a punch stays what it was; what cannot be mended stays missing (NaN, confidence 0).
Distances are judged in body heights, which is what a person measures in the picture at that time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import median_filter

from .skeleton import COCO
from .track import Track

_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "whole body": (
        ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"),
        ("eye", "ear", "index", "pinky", "thumb", "heel", "big_toe", "small_toe"),
    ),
    "arms": (("elbow", "wrist"), ("index", "pinky", "thumb")),
    "legs": (("knee", "ankle"), ("heel", "big_toe", "small_toe")),
    "wrists": (("wrist",), ("index", "pinky", "thumb")),
    "ankles": (("ankle",), ("heel", "big_toe", "small_toe")),
    "face": (("eye", "ear"), ()),
}
"""Parts whose sides are exchanged together: by which joints it is judged, and which go along."""

_SWAP_GAIN = 0.06
"""How much shorter the way must become, in body heights, for each change of sides."""
_PIECE = 10_000
"""Frames that are looked at at once."""
_SWAP_PRIOR = 0.15
"""What every swapped frame costs, as a share of that: the detector is right more often."""
_SPIKE = 0.06
"""How far off its way a joint must be to be an outlier, in body heights, on top of its motion."""
_LONGEST_SPIKE, _MOST_FRAMES = 0.15, 20
"""Longest outlier in seconds, and in frames whatever the rate."""
_SHORT_GAP, _LONG_GAP = 0.12, 0.6
"""Gaps in seconds: up to the first all are filled; up to the second if the motion is plain."""
_PLAIN = 0.12
"""How far motion before and after a gap may disagree about its middle, in body heights."""
_REACH = 0.12
"""Seconds on either side of a gap from which its motion is judged."""
_BEND = 0.6
"""How much of that motion a filled gap takes over, against a straight line: it has noise in it."""
_SURE = 0.9
"""What a well seen joint's confidence becomes."""


def clean(track: Track, *, progress: object = None) -> Track:
    """Mend a track.

    In this order: left and right put back where the detector swapped them; outliers of up to
    0.15 s taken out; gaps of up to 0.12 s filled, up to 0.6 s where the motion before and after
    agrees; confidence put on one scale for all detectors, on which a joint that this detector sees
    well has 0.9 or more.

    Args:
        track: as read.
        progress: not used; for the sake of the other stages' form.

    Returns:
        A track of the same frames and joints, with a report in its notes.
    """
    height = body_height(track)
    xy, confidence = track.xy.copy(), _calibrated(track.confidence)
    xy[confidence <= 0] = np.nan
    notes = []
    swapped = _mend_swaps(xy, confidence, track.joints, height)
    if swapped:
        frames = ", ".join(
            f"{part} in {count} frame{'s' * (count > 1)}" for part, count in swapped.items()
        )
        notes.append(f"Left and right were swapped and put back: {frames}.")
    spikes = _remove_spikes(xy, confidence, height, track.fps)
    if spikes.any():
        notes.append(f"Outliers taken out: {_listed(_counts(spikes, track.joints))}.")
    filled = _fill_gaps(xy, confidence, height, track.fps)
    if filled.any():
        notes.append(f"Short gaps filled: {_listed(_counts(filled, track.joints))}.")
    gone = np.isnan(xy[..., 0]).all(1)
    if gone.any():
        notes.append(f"Not seen in {int(gone.sum())} of {track.frames} frames.")
    return replace(track, xy=xy, confidence=confidence, notes=(*track.notes, *notes))


def body_height(track: Track) -> np.ndarray:
    """(frames,) how large the person is in the picture, pixels, slowly changing and never 0."""
    xy, _ = track.select(COCO)
    seen = np.isfinite(xy)
    low = xy.min(1, where=seen, initial=np.inf)
    high = xy.max(1, where=seen, initial=-np.inf)
    extent = np.hypot(*(high - low).T)
    good = np.isfinite(extent) & (extent > 0)
    if not good.any():
        return np.ones(track.frames)
    at = np.arange(track.frames)
    extent = np.interp(at, at[good], extent[good])
    window = min(2 * round(track.fps) + 1, 2 * track.frames + 1)
    smooth = median_filter(extent, size=window, mode="nearest")
    return np.maximum(smooth, 0.2 * np.median(extent))


def _calibrated(confidence: np.ndarray) -> np.ndarray:
    """Confidence such that the best tenth of a track has `_SURE` or more, 1 at most."""
    found = confidence[confidence > 0]
    if not len(found):
        return confidence.copy()
    best = max(float(np.quantile(found, 0.9, overwrite_input=True)), 0.4)
    scaled = confidence * (_SURE / best)
    return np.clip(scaled, 0.0, 1.0, out=scaled)


def _mend_swaps(
    xy: np.ndarray, confidence: np.ndarray, joints: tuple[str, ...], height: np.ndarray
) -> dict[str, int]:
    """Exchange left and right, in place, where that makes both go on as before.

    First of the whole body at once, then of the arms, legs, wrists, ankles and face by themselves:
    hips never change sides without the shoulders, but an elbow may stay where only wrists do.

    Returns:
        Number of frames by part of the body.
    """
    names = {name: i for i, name in enumerate(joints)}
    mended = {}
    for part, (judged, moved) in _PARTS.items():
        pairs = [
            (names[f"left_{word}"], names[f"right_{word}"])
            for word in judged + moved
            if f"left_{word}" in names and f"right_{word}" in names
        ]
        sides = np.array(pairs[: len(judged)], int).reshape(-1, 2)
        swapped = _swapped(xy, sides, height)
        for i, (left, right) in enumerate(pairs):
            fixed = i < len(judged) and part == "whole body"
            along = swapped if fixed else _along(xy[:, left], xy[:, right], swapped)
            for values in (xy, confidence):
                values[along, left], values[along, right] = (
                    values[along, right].copy(),
                    values[along, left].copy(),
                )
        if swapped.any():
            mended[part] = int(swapped.sum())
    return mended


def _swapped(xy: np.ndarray, sides: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(frames,) whether left and right are exchanged: the way of least length through the choices.

    Args:
        xy: (frames, joints, 2), NaN where missing.
        sides: (pairs, 2), the left and the right joint of each pair that is judged.
        height: (frames,) body height.
    """
    out = np.zeros(len(xy), bool)
    there = np.flatnonzero(np.isfinite(xy[:, sides, 0]).all(-1).any(-1))
    if len(there) < 3:
        return out
    pieces = (there[i : i + _PIECE + 1] for i in range(0, len(there) - 1, _PIECE))
    keep, cross = np.concatenate([_ways(xy, sides, height, rows) for rows in pieces], 1)
    gain = _SWAP_GAIN * np.sqrt(len(sides))
    if not (cross + gain < keep).any():
        return out
    cost, other = 0.0, gain
    back = np.zeros((len(there), 2), bool)
    for i, (k, c) in enumerate(zip(keep.tolist(), (cross + gain).tolist(), strict=True), 1):
        stay, come = cost + k, other + c
        remain, leave = other + k, cost + c
        back[i] = come < stay, leave < remain
        cost, other = min(stay, come), min(remain, leave) + _SWAP_PRIOR * gain
    state = other < cost
    for i in range(len(there) - 1, -1, -1):
        out[there[i]] = state
        state = bool(state) != bool(back[i, int(state)])
    return ~out if out[there].mean() > 0.5 else out


def _ways(xy: np.ndarray, sides: np.ndarray, height: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(2, rows - 1) body heights from row to row, with the sides as they are and exchanged."""
    places = xy[rows][:, sides]
    scale = (height[rows[1:]] * np.diff(rows))[:, None]
    keep, cross = (
        np.linalg.norm(places[1:] - before, axis=-1).sum(-1) / scale
        for before in (places[:-1], places[:-1, :, ::-1])
    )
    known = np.isfinite(keep) & np.isfinite(cross)
    return np.stack([np.where(known, way, 0).sum(1) for way in (keep, cross)])


def _along(left: np.ndarray, right: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """(frames,) the runs of `swapped` without those in which this pair kept its own sides.

    Args:
        left, right: (frames, 2), NaN where missing; then the pair goes along.
    """
    keep = np.linalg.norm(np.diff(left, axis=0), axis=-1)
    keep = keep + np.linalg.norm(np.diff(right, axis=0), axis=-1)
    cross = np.linalg.norm(left[1:] - right[:-1], axis=-1)
    cross = cross + np.linalg.norm(right[1:] - left[:-1], axis=-1)
    gain = np.pad(np.nan_to_num(keep - cross), 1)
    out = swapped.copy()
    edges = np.flatnonzero(np.diff(np.pad(swapped, 1).astype(int)))
    for start, end in edges.reshape(-1, 2):
        out[start:end] = gain[start] + gain[end] >= 0
    return out


def _remove_spikes(
    xy: np.ndarray, confidence: np.ndarray, height: np.ndarray, fps: float
) -> np.ndarray:
    """Make missing, in place, what leaves its way and comes back; (frames, joints) where."""
    taken = np.zeros(xy.shape[:2], bool)
    longest = min(max(1, round(_LONGEST_SPIKE * fps)), _MOST_FRAMES)
    for joint in range(xy.shape[1]):
        for length in range(1, min(longest, len(xy) - 4) + 1):
            spike = _spikes(xy[:, joint], height, length)
            taken[:, joint] |= spike
            xy[spike, joint] = np.nan
    confidence[taken] = 0
    return taken


def _spikes(way: np.ndarray, height: np.ndarray, length: int) -> np.ndarray:
    """(frames,) runs of `length` frames that are off the line between their neighbours.

    How far off counts depends on the speed on either side: a fast joint may turn fast.
    """
    count = len(way) - length - 1
    before, after = way[:count], way[length + 1 :]
    off = np.full(count, np.inf)
    for k in range(1, length + 1):
        between = before + k / (length + 1) * (after - before)
        np.minimum(off, np.linalg.norm(way[k : k + count] - between, axis=-1), out=off)
    step = np.nan_to_num(np.pad(np.linalg.norm(np.diff(way, axis=0), axis=-1), 1))
    around = np.maximum(step[:count], step[length + 2 : length + 2 + count])
    across = np.linalg.norm(after - before, axis=-1) / (length + 1)
    limit = _SPIKE * height[1 : count + 1] + (1 + length) * np.maximum(around, across)
    with np.errstate(invalid="ignore"):
        sudden = off > limit
    out = np.zeros(len(way), bool)
    for k in range(1, length + 1):
        out[k : k + count] |= sudden
    return out


def _fill_gaps(
    xy: np.ndarray, confidence: np.ndarray, height: np.ndarray, fps: float
) -> np.ndarray:
    """Fill, in place, gaps whose motion is plain; (frames, joints) where."""
    filled = np.zeros(xy.shape[:2], bool)
    short, long = max(1, round(_SHORT_GAP * fps)), max(2, round(_LONG_GAP * fps))
    reach = min(max(2, round(_REACH * fps)), _MOST_FRAMES)
    for joint in range(xy.shape[1]):
        seen = np.flatnonzero(np.isfinite(xy[:, joint, 0]))
        for i in np.flatnonzero((np.diff(seen) > 1) & (np.diff(seen) <= long + 1)):
            start, end = int(seen[i]), int(seen[i + 1])
            before, after = (
                _speed(xy[:, joint], t, way, reach) for t, way in ((start, -1), (end, 1))
            )
            gap = end - start
            apart = xy[start, joint] - xy[end, joint] + (before + after) * gap / 2
            disagree = np.linalg.norm(apart) / height[start]
            if gap - 1 > short and disagree > _PLAIN:
                continue
            inside = slice(start + 1, end)
            bend = _BEND * min(1.0, gap / (reach + 1))
            xy[inside, joint] = _curve(xy[start, joint], xy[end, joint], before, after, gap, bend)
            least = min(confidence[start, joint], confidence[end, joint])
            confidence[inside, joint] = least * (1 - 0.7 * (gap - 1) / (long + 1))
            filled[inside, joint] = True
    return filled


def _speed(way: np.ndarray, at: int, direction: int, reach: int) -> np.ndarray:
    """Pixels a frame at the edge of a gap, from the frames on that side; signed in time.

    The slope of the straight line through what is seen in up to `reach` frames.
    """
    time = direction * np.arange(reach + 1)
    time = time[(at + time >= 0) & (at + time < len(way))]
    time = time[np.isfinite(way[at + time, 0])]
    if len(time) < 2:
        return np.zeros(2)
    off = time - time.mean()
    return off @ way[at + time] / (off @ off)


def _curve(
    start: np.ndarray,
    end: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    gap: int,
    bend: float,
) -> np.ndarray:
    """(gap - 1, 2) from start to end, between the straight line (`bend` 0) and the cubic (1).

    The cubic's slopes are no steeper than thrice the line's.
    """
    across = (end - start) / gap
    most = 3 * np.linalg.norm(across)
    slopes = [
        bend * gap * (v * min(1.0, most / max(float(np.linalg.norm(v)), 1e-9)) - across)
        for v in (before, after)
    ]
    t = (np.arange(1, gap) / gap)[:, None]
    line = start + t * (end - start)
    return line + slopes[0] * t * (1 - t) ** 2 + slopes[1] * t**2 * (t - 1)


def _counts(where: np.ndarray, joints: tuple[str, ...]) -> dict[str, int]:
    return {name: int(n) for name, n in zip(joints, where.sum(0), strict=True) if n}


def _listed(counts: dict[str, int]) -> str:
    """ "left wrist 12 frames, ..." with the worst first."""
    worst = sorted(counts.items(), key=lambda item: -item[1])
    words = [f"{name.replace('_', ' ')} {n}" for name, n in worst[:6]]
    more = f" and {len(worst) - 6} other joints" if len(worst) > 6 else ""
    total = sum(counts.values())
    return f"{total} points ({', '.join(words)}{more})"
