"""Who is who: detections of single frames joined into one track for each person.

Two steps. First, whatever is plain is linked for the whole clip at once: two detections in
neighbouring frames that are each other's nearest by far, with nobody near who may have been missed.
That makes tracklets. Then the tracklets are joined in the order of time, by the assignment with the
least cost where several people meet: a person is expected where their last motion takes them, in
the pose and of the size they had. Detectors swap their own numbers where people meet, so these
count only for somebody who was out of sight for longer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

from .detections import Detections

_TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_SAME = 0.07
"""Two detections of one frame whose joints lie nearer than this (body heights) are one person."""
_REACH = 0.5
"""How far a person may move from one frame to the next, in body heights."""
_DRIFT = 1.8
"""How far a person who is out of sight may move in a second, in body heights."""
_CLEAR = 2.0
"""A link is plain if the next best choice is at least this many times as far."""
_MISSED = 3
"""For how many frames a detector may well miss somebody who is near somebody else."""
_LONGEST_GAP = 1.5
"""Seconds after which a person who comes back without a number is somebody else."""
_HINT = 3.0
"""How many times nearer a person counts who comes back with the number they had."""
_DOUBT = 0.1
"""Cost, in body heights, of a link that is as good as none."""
_FAR = 8
"""A glimpse with no other detection of the person within so many frames is not believed."""
_LOOK = 50
"""Detections from which size is judged."""
_MEMORY = 6
"""Detections from which motion is judged."""


@dataclass(frozen=True)
class People:
    """For each person the rows of `Detections` that are theirs, and what was left out.

    Attributes:
        rows: ascending rows, most prominent person first.
        notes: what was dropped, a sentence each.
    """

    rows: tuple[np.ndarray, ...]
    notes: tuple[str, ...]


def find_people(found: Detections, fps: float) -> People:
    """Tell the people of a clip apart.

    Args:
        found: detections in pixels.
        fps: frames a second, for how long somebody may be gone.
    """
    size = _body_sizes(found)
    kept = _without_doubles(found, size)
    notes = []
    if len(kept) < len(found.frame):
        count = len(found.frame) - len(kept)
        notes.append(f"{count} detections were second copies of a person and are left out.")
    chains = [_without_islands(found.frame, c) for c in _Joiner(found, size, kept, fps).people()]
    chains = [chain for chain in chains if trunk_seen(found, chain)]
    weight = [float((found.confidence[rows].mean(1) * size[rows]).sum()) for rows in chains]
    chains = [chains[i] for i in np.argsort(weight)[::-1]]
    longest = max(map(len, chains), default=0)
    least = min(max(2, round(0.25 * fps)), max(longest // 4, 1))
    few = [chain for chain in chains if _fleeting(found.frame[chain], least, longest)]
    rows = tuple(chain for chain in chains if not any(chain is other for other in few))
    if few:
        first = sorted(int(found.frame[chain[0]]) for chain in few)
        at = ", ".join(map(str, first[:5]))
        notes.append(
            f"{_persons(len(few))} seen in fewer than {least} frames, or now and then only, "
            f"left out as false detections (frame {at}{', ...' if len(few) > 5 else ''})."
        )
    return People(rows, tuple(notes))


def trunk_seen(found: Detections, rows: np.ndarray) -> bool:
    """Whether shoulders or hips are ever seen; without them nobody can be lifted."""
    trunk = [i for i, name in enumerate(found.layout.points) if name in _TRUNK]
    return bool((found.confidence[rows][:, trunk] > 0).any())


def _without_islands(frame: np.ndarray, chain: np.ndarray) -> np.ndarray:
    """A person's rows without glimpses of one or two frames that are far from all others."""
    breaks = np.flatnonzero(np.diff(frame[chain]) > _FAR)
    edges = [0, *(breaks + 1), len(chain)]
    runs = [chain[start:end] for start, end in pairwise(edges)]
    long = [run for run in runs if len(run) > 2]
    return np.concatenate(long) if long else chain


def _persons(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _fleeting(frames: np.ndarray, least: int, longest: int) -> bool:
    """Whether somebody is seen too seldom to be real, in a clip with somebody seen more often."""
    sparse = len(frames) < (frames[-1] - frames[0] + 1) / 3 and len(frames) < 0.25 * longest
    return len(frames) < least or bool(sparse)


def _body_sizes(found: Detections) -> np.ndarray:
    """(n,) body height in pixels, from the extent of the joints that were found."""
    if not len(found.frame):
        return np.empty(0)
    size = np.empty(len(found.frame), np.float32)
    for part in np.array_split(np.arange(len(size)), max(1, len(size) // 20_000)):
        xy = found.xy[part]
        seen = np.isfinite(xy)
        extent = np.where(seen, xy, -np.inf).max(1) - np.where(seen, xy, np.inf).min(1)
        size[part] = np.hypot(*np.where(np.isfinite(extent), extent, 0.0).T)
    typical = np.median(size[size > 0]) if (size > 0).any() else 1.0
    return np.maximum(size, 0.1 * typical)


def _apart(found: Detections, size: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Median distance between the joints of detections a and b, in body heights."""
    out = np.empty(len(a))
    for part in np.array_split(np.arange(len(a)), max(1, len(a) // 20_000)):
        i, j = a[part], b[part]
        gap = np.linalg.norm(found.xy[i] - found.xy[j], axis=-1)
        gap = np.where(np.isnan(gap), np.inf, gap)
        common = np.isfinite(gap).sum(1)
        gap.sort(1)
        middle = np.maximum(common - 1, 0) // 2
        typical = gap[np.arange(len(part)), middle]
        centres = np.linalg.norm(_centre(found, i) - _centre(found, j), axis=-1)
        typical = np.where(common >= 3, typical, centres)
        out[part] = typical / np.maximum(size[i], size[j])
    return np.where(np.isnan(out), np.inf, out)


def _centre(found: Detections, rows: np.ndarray) -> np.ndarray:
    xy = found.xy[rows]
    count = np.isfinite(xy).sum(1)
    return np.nansum(xy, 1) / np.where(count, count, np.nan)


def _without_doubles(found: Detections, size: np.ndarray) -> np.ndarray:
    """Rows without a second, less sure detection of the same person in the same frame."""
    drop = np.zeros(len(found.frame), bool)
    drop[np.isfinite(found.xy[..., 0]).sum(1) < 3] = True
    _, start, count = np.unique(found.frame, return_index=True, return_counts=True)
    crowded = np.flatnonzero(count > 1)
    pairs = [
        (s + i, s + j)
        for s, n in zip(start[crowded], count[crowded], strict=True)
        for i in range(n)
        for j in range(i)
    ]
    if pairs:
        a, b = np.array(pairs).T
        close = _apart(found, size, a, b) < _SAME
        weight = found.score * np.isfinite(found.xy[..., 0]).sum(1)
        weaker = np.where(weight[a] < weight[b], a, b)
        drop[weaker[close]] = True
    return np.flatnonzero(~drop)


def _pairs(frame: np.ndarray, a: np.ndarray, b: np.ndarray, step: int) -> np.ndarray:
    """(2, k) every pair of a row of a and a row of b that is `step` frames later."""
    first = np.searchsorted(frame[b], frame[a] + step, "left")
    count = np.searchsorted(frame[b], frame[a] + step, "right") - first
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.stack([np.repeat(a, count), b[np.repeat(first, count) + within]])


def _plain_links(found: Detections, size: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(k, 2) pairs of rows in neighbouring frames that are the same person beyond doubt."""
    a, b = _pairs(found.frame, rows, rows, 1)
    apart = _apart(found, size, a, b)
    best = np.ones(len(a), bool)
    for side in (a, b):
        order = np.lexsort((apart, side))
        first = np.ones(len(order), bool)
        first[1:] = side[order][1:] != side[order][:-1]
        place = np.flatnonzero(first)
        second = np.full(len(place), np.inf)
        more = np.diff(np.append(place, len(order))) > 1
        second[more] = apart[order[place[more] + 1]]
        best[order[~first]] = False
        nearest = order[place]
        best[nearest] &= apart[nearest] * _CLEAR < second
    best &= apart < _REACH / 2
    links = np.stack([a[best], b[best]])
    return links[:, ~_disputed(found, size, rows, links)].T


def _disputed(
    found: Detections, size: np.ndarray, rows: np.ndarray, links: np.ndarray
) -> np.ndarray:
    """(k,) links at whose place somebody else, missed in these frames, may have been.

    Only where two people are near each other within some frames, and where in one of the frames
    before (or after) somebody near has no link of their own.
    """
    frame = found.frame
    a, b = _pairs(frame, rows, rows, 0)
    a, b = a[a < b], b[a < b]
    meeting = frame[a[_apart(found, size, a, b) < 2 * _REACH]]
    meeting = np.unique(meeting[:, None] + np.arange(-2 * _MISSED, 2 * _MISSED + 1))
    out = np.zeros(links.shape[1], bool)
    asked = np.flatnonzero(np.isin(frame[links[0]], meeting))
    for side, other, way in (*links, -1), (*links[::-1], 1):
        loose = np.setdiff1d(rows, side)
        for step in range(2, _MISSED + 2):
            row, rival = _pairs(frame, other[asked], loose, way * step)
            out |= np.isin(other, row[_apart(found, size, row, rival) < _REACH / 2])
    return out


def _tracklets(links: np.ndarray, rows: np.ndarray, total: int) -> list[np.ndarray]:
    """Chains of links, ordered by their first row."""
    following = np.full(total, -1)
    following[links[:, 0]] = links[:, 1]
    is_first = np.zeros(total, bool)
    is_first[rows] = True
    is_first[links[:, 1]] = False
    chains = []
    follow = following.tolist()
    for row in np.flatnonzero(is_first).tolist():
        chain = [row]
        while (row := follow[row]) >= 0:
            chain.append(row)
        chains.append(np.array(chain))
    return chains


_Chain = list[np.ndarray]
"""The tracklets of one person, in the order of time."""


def _tail(chain: _Chain) -> np.ndarray:
    """The last rows of a chain, as many as are looked at."""
    count, first = 0, len(chain)
    while count <= _LOOK and first > 0:
        first -= 1
        count += len(chain[first])
    return np.concatenate([t[-_LOOK - 1 :] for t in chain[first:]])[-_LOOK - 1 :]


@dataclass(frozen=True)
class _Edge:
    """What is known of a person at one end of a chain.

    Attributes:
        frame: its number.
        place: (points, 2) pixels, NaN where missing.
        speed: (2,) of the body, pixels a frame; None where too little is seen to tell.
        size: body height in pixels, in several frames: halves of a body make it small in some.
        number: the detector's, -1 for none.
        detections: how many `speed` is from.
    """

    frame: int
    place: np.ndarray
    speed: np.ndarray | None
    size: float
    number: int
    detections: int


class _Joiner:
    """Joins tracklets into people, in the order of time."""

    def __init__(self, found: Detections, size: np.ndarray, rows: np.ndarray, fps: float) -> None:
        self.found, self.size, self.fps = found, size, fps
        self.longest_gap = max(3, round(_LONGEST_GAP * fps))
        self.tracklets = _tracklets(_plain_links(found, size, rows), rows, len(found.frame))

    def people(self) -> list[np.ndarray]:
        """The rows of each person.

        Joined twice: where tracklets are short, only what they become tells enough of somebody who
        comes back. Glimpses in between lead astray.
        """
        chains = self._joined(self.tracklets)
        chains = [_without_islands(self.found.frame, chain) for chain in chains]
        return self._without_twins(self._joined(chains))

    def _joined(self, tracklets: list[np.ndarray]) -> list[np.ndarray]:
        """Tracklets that go on with each other as one."""
        starts = np.array([self.found.frame[t[0]] for t in tracklets], np.int64)
        done: list[_Chain] = []
        open_: list[_Chain] = []
        order = np.argsort(starts, kind="stable")
        edges = np.flatnonzero(np.diff(starts[order])) + 1
        for group in np.split(order, edges) if len(order) else []:
            frame = int(starts[group[0]])
            done += [c for c in open_ if not self._may_return(c, frame)]
            open_ = [c for c in open_ if self._may_return(c, frame)]
            new = [tracklets[i] for i in group]
            free = [c for c in open_ if self.found.frame[c[-1][-1]] < frame]
            joined = self._assign(free, new)
            for chain, tracklet, glimpse in joined:
                if glimpse:
                    done.append([chain.pop()])
                chain.append(tracklet)
            open_ += [[t] for t in new if not any(t is tracklet for _, tracklet, _ in joined)]
        return [np.concatenate(chain) for chain in done + open_]

    def _without_twins(self, chains: list[np.ndarray]) -> list[np.ndarray]:
        """Chains that share one person, because it was found twice now and then, as one.

        They lie near each other and take turns: in hardly any frame are both there.
        """
        chains = sorted(chains, key=lambda chain: int(self.found.frame[chain[0]]))
        merged: list[np.ndarray] = []
        for chain in chains:
            first = self.found.frame[chain[0]]
            for i in range(len(merged) - 1, -1, -1):
                if self.found.frame[merged[i][-1]] >= first and self._twins(merged[i], chain):
                    merged[i] = self._union(merged[i], chain)
                    break
            else:
                merged.append(chain)
        return merged

    def _twins(self, a: np.ndarray, b: np.ndarray) -> bool:
        frames_a, frames_b = self.found.frame[a], self.found.frame[b]
        end = min(frames_a[-1], frames_b[-1])
        a, b = a[(frames_a >= frames_b[0]) & (frames_a <= end)], b[frames_b <= end]
        few, many = sorted((a, b), key=len)
        if not len(few):
            return False
        both = len(np.intersect1d(self.found.frame[few], self.found.frame[many]))
        if both > 1 + 0.3 * len(few):
            return False
        after = np.searchsorted(self.found.frame[many], self.found.frame[few])
        near = many[np.minimum(after, len(many) - 1)]
        apart = _apart(self.found, self.size, few, near)
        gone = np.abs(self.found.frame[near] - self.found.frame[few])
        return bool((apart < _REACH).all() and (gone < 8).all())

    def _union(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """All rows of two chains, the surer one where both have a frame."""
        rows = np.concatenate([a, b])
        rows = rows[np.lexsort((-self.found.score[rows], self.found.frame[rows]))]
        return rows[np.unique(self.found.frame[rows], return_index=True)[1]]

    def _may_return(self, chain: _Chain, frame: int) -> bool:
        gone = frame - int(self.found.frame[chain[-1][-1]])
        return gone <= self.longest_gap or self._number(chain[-1][-1]) >= 0

    def _number(self, row: int) -> int:
        return -1 if self.found.ids is None else int(self.found.ids[row])

    def _assign(
        self, chains: list[_Chain], new: list[np.ndarray]
    ) -> list[tuple[_Chain, np.ndarray, bool]]:
        """Pairs of an open chain and the tracklet that goes on with it.

        A chain's last tracklet of a single row may be somebody else or nobody; the third of each
        triple says that the new one goes on better with what was before that glimpse.
        """
        if not chains or not new:
            return []
        starts = [self._edge(tracklet, first=True) for tracklet in new]
        cost = np.empty((len(chains), len(new)))
        glimpse = np.zeros(cost.shape, bool)
        for i, chain in enumerate(chains):
            rows = _tail(chain)
            cost[i] = [self._cost(self._edge(rows), start) for start in starts]
            if len(chain) > 1 and len(chain[-1]) == 1:
                before = self._edge(rows[:-1])
                without = [self._cost(before, start) + _SAME for start in starts]
                glimpse[i] = without < cost[i]
                cost[i] = np.minimum(without, cost[i])
        allowed = np.isfinite(cost)
        cost[allowed] /= cost[allowed] + _DOUBT
        cost[~allowed] = 1.0
        pairs = zip(*linear_sum_assignment(cost), strict=True)
        return [(chains[i], new[j], bool(glimpse[i, j])) for i, j in pairs if allowed[i, j]]

    def _edge(self, rows: np.ndarray, first: bool = False) -> _Edge:
        """The end of a chain, or its beginning."""
        at = rows[0 if first else -1]
        look = rows[:_LOOK] if first else rows[-_LOOK:]
        move = rows[:_MEMORY] if first else rows[-_MEMORY:]
        with np.errstate(invalid="ignore"):
            steps = np.diff(self.found.frame[move])[:, None, None]
            speed = (np.diff(self.found.xy[move], axis=0) / steps).reshape(-1, 2)
        speed = speed[np.isfinite(speed).all(1)]
        return _Edge(
            int(self.found.frame[at]),
            self.found.xy[at],
            np.median(speed, 0) if len(move) > 2 and len(speed) else None,
            float(np.quantile(self.size[look], 0.8)),
            self._number(at),
            len(move),
        )

    def _cost(self, end: _Edge, start: _Edge) -> float:
        """How unlikely it is that `start` goes on from `end`; infinite where it cannot be."""
        gap = start.frame - end.frame
        step = start.place - end.place
        step = step[np.isfinite(step).all(1)]
        if len(step) < 3:
            step = np.nanmean(start.place, 0, keepdims=True)
            step = step - np.nanmean(end.place, 0, keepdims=True)
        reach = min(gap, self.longest_gap / 3)
        still, *moving = (
            float(np.median(np.linalg.norm(step - speed * reach, axis=1)))
            for speed in (np.zeros(2), end.speed, start.speed)
            if speed is not None
        )
        moved = min(still, sum(moving) / len(moving)) if moving else still
        bent = float(np.median(np.linalg.norm(step - step.mean(0), axis=1))) if gap < 10 else 0.0
        cost = (moved + 0.3 * bent) / math.sqrt(end.size * start.size)
        cost += 0.4 * max(0.0, abs(math.log(end.size / start.size)) - 0.2)
        evidence = min(4, end.detections, start.detections) / 4
        limit = _REACH * (1 + evidence) / 2
        limit += _DRIFT / self.fps * evidence * (min(gap, self.longest_gap) - 1)
        if end.number >= 0 and end.number == start.number:
            back = gap > self.longest_gap / 3
            cost, limit = (cost / _HINT, np.inf) if back else (cost / 1.5, 3 * limit)
        elif gap > self.longest_gap:
            return np.inf
        return cost * (2 - evidence) if cost < limit else np.inf
