"""What cleaning mends and what it spoils, and who is mistaken for whom, on real motion.

    python benchmarks/cleaning.py CAPTURE.npz.xz

Every take is seen by a virtual camera at 25 and 50 frames a second with 1.5 pixels of noise, then
broken in known ways: single outliers, swapped sides, gaps. Then pairs of takes cross each other.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from lift_to_3d.core.clean import body_height, clean
from lift_to_3d.core.layouts import COCO_17
from lift_to_3d.core.skeleton import COCO, H36M
from lift_to_3d.core.track import Track
from lift_to_3d.core.tracks.detections import Detections
from lift_to_3d.core.tracks.people import find_people
from lift_to_3d.core.training.capture import load_takes

LEFT, RIGHT = list(range(5, 17, 2)), list(range(6, 17, 2))


def seen(position: np.ndarray, turn: float, fps: float, rng: np.random.Generator) -> Track:
    """A capture of 50 frames a second as COCO's joints before a camera six metres away."""
    at = np.arange(0, len(position) - 1, 50 / fps)
    low, share = at.astype(int), (at % 1)[:, None, None]
    position = position[low] * (1 - share) + position[low + 1] * share
    position = position - position.mean((0, 1))
    x = np.cos(turn) * position[..., 0] + np.sin(turn) * position[..., 1]
    depth = np.cos(turn) * position[..., 1] - np.sin(turn) * position[..., 0]
    depth += 6 + np.abs(position).max()
    plane = np.stack([960 + 1200 * x / depth, 540 - 1200 * position[..., 2] / depth], -1)
    nose, head = (plane[:, H36M.names.index(name)] for name in ("neck_nose", "head"))
    face = {"nose": nose, **dict.fromkeys(COCO[1:5], (nose + head) / 2)}
    xy = np.stack([face[n] if n in face else plane[:, H36M.names.index(n)] for n in COCO], 1)
    xy[:, 1:5] += np.array([(6, 0), (-6, 0), (12, 2), (-12, 2)])
    xy += rng.normal(0, 1.5, xy.shape)
    return Track(xy, np.full(xy.shape[:2], 0.8), COCO, fps, (1920, 1080))


def mended(track: Track, truth: Track) -> np.ndarray:
    """(frames, joints) how far a cleaned track is from the truth, in body heights."""
    apart = np.linalg.norm(clean(track).xy - truth.xy, axis=-1)
    return np.nan_to_num(apart, nan=np.inf) / body_height(truth)[:, None]


def outliers(truth: Track, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Errors where a joint was thrown off for a frame, and elsewhere."""
    xy, broken = truth.xy.copy(), np.zeros(truth.xy.shape[:2], bool)
    for at in range(6, truth.frames - 6, 12):
        joint = rng.integers(17)
        xy[at, joint] += rng.choice([-0.25, 0.25], 2) * body_height(truth)[at]
        broken[at, joint] = True
    error = mended(replace(truth, xy=xy), truth)
    return error[broken], error[~broken]


def swaps(truth: Track) -> tuple[np.ndarray, np.ndarray]:
    """Errors where all sides were exchanged for five frames and that shows, and elsewhere."""
    xy, some = truth.xy.copy(), slice(truth.frames // 2, truth.frames // 2 + 5)
    xy[some, LEFT], xy[some, RIGHT] = truth.xy[some, RIGHT], truth.xy[some, LEFT]
    shows = np.linalg.norm(xy - truth.xy, axis=-1) > 0.08 * body_height(truth)[:, None]
    error = mended(replace(truth, xy=xy), truth)
    return error[shows], error[~shows]


def gaps(truth: Track, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Errors in gaps of wrists and ankles that are filled, by cleaning and by straight lines."""
    xy, confidence = truth.xy.copy(), truth.confidence.copy()
    lines, hidden = truth.xy.copy(), np.zeros(truth.xy.shape[:2], bool)
    for start in range(8, truth.frames - length - 8, length + 16):
        joint, end = rng.choice([9, 10, 15, 16]), start + length
        xy[start:end, joint], confidence[start:end, joint] = np.nan, 0
        share = (np.arange(1, length + 1) / (length + 1))[:, None]
        ends = truth.xy[start - 1, joint], truth.xy[end, joint]
        lines[start:end, joint] = ends[0] * (1 - share) + ends[1] * share
        hidden[start:end, joint] = True
    error = mended(replace(truth, xy=xy, confidence=confidence), truth)[hidden]
    line = np.linalg.norm(lines - truth.xy, axis=-1) / body_height(truth)[:, None]
    return error[np.isfinite(error)], line[hidden][np.isfinite(error)]


def crossing(a: Track, b: Track, rng: np.random.Generator, numbered: bool) -> tuple[int, int, int]:
    """Two people cross, with a tenth not detected and ghosts: changes of person, tracks, frames."""
    frames = min(a.frames, b.frames, 200)
    walk = np.linspace(-500, 500, frames)
    there: list[tuple[int, int, np.ndarray, int]] = []
    swap = np.cumsum(rng.random(frames) < 0.02) % 2
    for t in range(frames):
        for who, (track, way) in enumerate(((a, walk), (b, -walk))):
            if rng.random() > 0.1:
                there.append((t, who, track.xy[t] + [way[t], 0], who ^ int(swap[t])))
        if rng.random() < 0.05:
            there.append((t, 2, a.xy[t] + rng.uniform(-300, 300, 2), 9))
    frame, who, xy, ids = (np.array(column) for column in zip(*there, strict=True))
    points = np.concatenate([xy, np.full((*xy.shape[:2], 1), 0.8)], -1)
    found = Detections.build("", COCO_17, frame, points, ids=ids if numbered else None)
    rows = find_people(found, a.fps).rows
    changes = sum(int((np.diff(who[row][who[row] < 2]) != 0).sum()) for row in rows)
    return changes, len(rows), frames


def main() -> None:
    """Print the figures."""
    takes = [take.joints for take in load_takes(Path(sys.argv[1]))]
    for fps in (25.0, 50.0):
        rng = np.random.default_rng(0)
        tracks = [seen(p.astype(float), rng.uniform(0, 6.3), fps, rng) for p in takes]
        false = np.concatenate([mended(track, track).ravel() for track in tracks])
        print(f"{fps:g} frames a second, {sum(t.frames for t in tracks)} frames")
        print(f"  clean points moved by more than 2 % of height: {(false > 0.02).mean():.4%}")
        for name, pairs in (
            ("outliers", [outliers(track, rng) for track in tracks]),
            ("swaps", [swaps(track) for track in tracks]),
        ):
            broken, other = (np.concatenate(part) for part in zip(*pairs, strict=True))
            good, bad = (broken < 0.08).mean(), (other > 0.02).mean()
            print(f"  {name}: mended {good:.1%}, spoiled {bad:.3%}")
        for length in (2, 4, 8):
            pairs = [gaps(track, length, rng) for track in tracks]
            ours, lines = (np.concatenate(part) for part in zip(*pairs, strict=True))
            print(f"  gaps of {length}: {ours.mean():.2%} of height, lines {lines.mean():.2%}")
        for numbered in (False, True):
            told = [crossing(a, b, rng, numbered) for a, b in itertools.pairwise(tracks)]
            changes, people, frames = np.sum(told, 0)
            print(
                f"  crossings{' with swapped numbers' if numbered else ''}: {len(told)}, {frames} "
                f"frames, {changes} changes of person, {people} tracks"
            )


if __name__ == "__main__":
    main()
