"""What cleaning mends and what it spoils, and who is mistaken for whom, on real motion.

    python benchmarks/cleaning.py CAPTURE.npz.xz [REFERENCE.npz KEYPOINTS...]

Every take is seen by a virtual camera at 25 and 50 frames a second with 1.5 pixels of noise, then
broken in known ways: outliers, swapped sides, gaps. Then pairs of takes cross each other.

With a reference (xyz (frames, markers, 3) in camera space, names, K, size, fps), confidence and
error of the keypoints that several detectors found in its film are held beside each other.
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
from lift_to_3d.core.tracks import read
from lift_to_3d.core.tracks.detections import Detections
from lift_to_3d.core.tracks.people import find_people
from lift_to_3d.core.training.capture import load_takes
from scipy.stats import spearmanr

OUTLIERS = ((0.35, 0.0), (0.15, 0.0), (0.1, 0.0), (0.35, 0.12), (0.15, 0.12), (0.35, 0.3))
"""How far off, in body heights, and for how many seconds, 0 for one frame."""
LIMBS = {
    "whole body": ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"),
    "arms": ("elbow", "wrist"),
    "legs": ("knee", "ankle"),
    "wrists": ("wrist",),
    "ankles": ("ankle",),
}
FAST = ("dance", "jump", "jete", "leap", "cartwheel", "run", "roll", "twist", "kick", "helicopter")
"""Words in the names of takes that move fast."""


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


def outliers(
    truth: Track, size: float, seconds: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Errors where a joint was thrown off by `size` body heights for a while, and elsewhere."""
    xy, broken = truth.xy.copy(), np.zeros(truth.xy.shape[:2], bool)
    length = max(1, round(seconds * truth.fps))
    for at in range(6, truth.frames - length - 6, length + 11):
        joint, turn = rng.integers(17), rng.uniform(0, 2 * np.pi)
        away = size * body_height(truth)[at] * np.array([np.cos(turn), np.sin(turn)])
        xy[at : at + length, joint] += away
        broken[at : at + length, joint] = True
    error = mended(replace(truth, xy=xy), truth)
    return error[broken], error[~broken]


def swaps(truth: Track, joints: tuple[str, ...], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors where these joints' sides were exchanged for a while and that shows, and elsewhere."""
    xy, some = truth.xy.copy(), slice(truth.frames // 2, truth.frames // 2 + length)
    for joint in joints:
        left, right = COCO.index(f"left_{joint}"), COCO.index(f"right_{joint}")
        xy[some, left], xy[some, right] = truth.xy[some, right], truth.xy[some, left]
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


def crossing(
    a: Track, b: Track, rng: np.random.Generator, numbers: str = "", hidden: bool = False
) -> tuple[int, int]:
    """Two people walk through each other, with a tenth not detected and ghosts.

    Args:
        a, b: the two, who walk in opposite directions.
        rng: where chance comes from.
        numbers: which numbers the file has: none, "any time" or "crossing", where they swap.
        hidden: whether the second is not detected while the first is right before them.

    Returns:
        Whether they end exchanged, and whether somebody ends as a person of their own.
    """
    frames = min(a.frames, b.frames, round(8 * a.fps))
    walk = np.linspace(-500, 500, frames)[:, None, None] * [1, 0]
    both = a.xy[:frames] + walk, b.xy[:frames] - walk
    apart = np.abs(np.subtract(*(xy[..., 0].mean(1) for xy in both)))
    seen = rng.random((2, frames)) > 0.1
    seen[1] &= (apart > 120) | (not hidden)
    swapped = np.cumsum(rng.random(frames) < 0.02) % 2
    if numbers == "crossing":
        swapped = (np.arange(frames) > frames / 2) * rng.integers(2)
    ghosts = np.flatnonzero(rng.random(frames) < 0.05)
    frame = np.concatenate([*(np.flatnonzero(s) for s in seen), ghosts])
    who = np.repeat([0, 1, 2], [*seen.sum(1), len(ghosts)])
    false = both[0][ghosts] + rng.uniform(-300, 300, (len(ghosts), 1, 2))
    xy = np.concatenate([*(xy[s] for xy, s in zip(both, seen, strict=True)), false])
    order = np.lexsort((rng.random(len(frame)), frame))
    frame, who, xy = frame[order], who[order], xy[order]
    points = np.concatenate([xy, np.full((*xy.shape[:2], 1), 0.8)], -1)
    ids = np.where(who < 2, who ^ swapped[frame], 9) if numbers else None
    rows = find_people(Detections.build("", COCO_17, frame, points, ids=ids), a.fps).rows
    track = np.full(len(who), -1)
    for i, row in enumerate(rows):
        track[row] = i
    first, last = (
        [int(np.median(track[part & (who == p)])) for p in (0, 1)]
        for part in (frame < 0.2 * frames, frame >= 0.8 * frames)
    )
    exchanged = first == last[::-1]
    return exchanged, first != last and not exchanged


def repairs(tracks: list[Track], fast: list[Track], rng: np.random.Generator) -> None:
    """Print what cleaning mends, what it believes, and what it spoils."""
    for name, some in ("all takes", tracks), ("fast takes", fast):
        if some:
            error = np.concatenate([mended(track, track).ravel() for track in some])
            print(
                f"  whole motion, {name}: {(error > 0.02).mean():.4%} of {len(error)} points moved "
                f"by more than 2 % of height"
            )
    for size, seconds in OUTLIERS:
        pairs = [outliers(track, size, seconds, rng) for track in tracks]
        told(f"outliers of {size:g} for {seconds:g} s", pairs)
    for name, joints in LIMBS.items():
        told(f"swaps of {name}", [swaps(track, joints, 5) for track in tracks])
    for length in (2, 4, 8):
        pairs = [gaps(track, length, rng) for track in tracks]
        ours, lines = (np.concatenate(part) for part in zip(*pairs, strict=True))
        print(f"  gaps of {length}: {ours.mean():.2%} of height, lines {lines.mean():.2%}")


def told(name: str, pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Print the shares of broken points that are mended and believed, and of others spoiled."""
    broken, other = (np.concatenate(part) for part in zip(*pairs, strict=True))
    good, believed = (broken < 0.08).mean(), ((broken >= 0.08) & np.isfinite(broken)).mean()
    print(
        f"  {name}: mended {good:.1%}, believed {believed:.1%}, "
        f"others spoiled {(other > 0.02).mean():.3%}"
    )


def calibration(reference: Path, keypoints: list[Path]) -> None:
    """Print how sure detectors are before and after cleaning, and how far off they are."""
    with np.load(reference) as data:
        plane = data["xyz"] @ data["K"].T
        places = (plane[..., :2] / plane[..., 2:]).swapaxes(0, 1)
        marks = dict(zip(map(str, data["names"]), places, strict=True))
        fps, size = float(data["fps"]), tuple(data["size"].tolist())
    sides = {"L": "left", "R": "right"}
    limbs = tuple(
        (f"{side}{word.title()}", f"{sides[side]}_{word}")
        for word, side in itertools.product(LIMBS["whole body"], sides)
        if word != "hip"
    )
    truth = np.stack([marks[mark] for mark, _ in limbs], 1)
    for path in keypoints:
        raw = read(path, person=1, fps=fps, size=size)[0]
        cleaned, joints = clean(raw), tuple(joint for _, joint in limbs)
        before, (xy, after) = raw.select(joints)[1], cleaned.select(joints)
        at = slice(raw.first_frame, raw.first_frame + raw.frames)
        error = np.linalg.norm(xy - truth[at], axis=-1) / np.median(body_height(cleaned))
        seen = np.isfinite(error)
        print(
            f"{path.name}: confidence {np.median(before[seen]):.2f}, cleaned "
            f"{np.median(after[seen]):.2f}, error {np.median(error[seen]):.1%} of height, rank "
            f"correlation {spearmanr(-after[seen], error[seen]).statistic:.2f}"
        )
        for low, high in itertools.pairwise((0.0, 0.7, 0.8, 0.9, 1.01)):
            some = error[seen & (after >= low) & (after < high)]
            if len(some):
                worst = np.quantile(some, 0.9)
                print(f"  {low:g} and above: {len(some)} points, worst tenth {worst:.1%} or more")


def main() -> None:
    """Print the figures."""
    if sys.argv[2:]:
        calibration(Path(sys.argv[2]), [Path(path) for path in sys.argv[3:]])
    takes = load_takes(Path(sys.argv[1]))
    for fps in (25.0, 50.0):
        rng = np.random.default_rng(0)
        tracks = [seen(t.joints.astype(float), rng.uniform(0, 6.3), fps, rng) for t in takes]
        pairs = zip(takes, tracks, strict=True)
        fast = [track for take, track in pairs if any(w in take.action.lower() for w in FAST)]
        print(f"{fps:g} frames a second, {sum(t.frames for t in tracks)} frames")
        repairs(tracks, fast, rng)
        couples = [p for _ in range(5) for p in itertools.pairwise(rng.permutation(len(tracks)))]
        for numbers, hidden in itertools.product(("", "any time", "crossing"), (False, True)):
            ends = [crossing(tracks[i], tracks[j], rng, numbers, hidden) for i, j in couples]
            exchanged, broken = np.mean(ends, 0)
            words = f", numbers swap at {numbers}" * bool(numbers) + ", one hidden" * hidden
            print(
                f"  {len(couples)} crossings{words}: exchanged {exchanged:.1%}, broken {broken:.1%}"
            )


if __name__ == "__main__":
    main()
