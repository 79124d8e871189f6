"""How well `ground` finds path, gravity, floor and contacts: figures against their bars.

python benchmarks/ground.py ../shared/mocap/test_public.npz.xz --real ../shared/keypoints/real3d/...

Every take before random cameras, its pose as captured, as lifted from perfect 2D, and as lifted
from a simulated detector's; and a real, tilted camera, where one is given.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from lift_to_3d.core import pipeline
from lift_to_3d.core.ground import ground
from lift_to_3d.core.mixste.backend import open_backend
from lift_to_3d.core.mixste.model import find_model
from lift_to_3d.core.motion import Motion, Pose
from lift_to_3d.core.training.capture import Take, load_takes
from lift_to_3d.core.training.ground_clips import Clip, film, lifted

FEET = [6, 3]
MOVERS = [3, 6, 13, 16]
COLUMNS = {"captured": None, "lifted, perfect 2D": 0.0, "lifted, noisy 2D": 1.0}
"""Kinds of poses and the noise of their detector."""
STANDING = 0.985  # of the bones laid end to end, as people stand


def true_height(joints: np.ndarray) -> float:
    """Floor to crown of the captured body, metres."""

    def length(a: int, b: int) -> float:
        return float(np.median(np.linalg.norm(joints[:, a] - joints[:, b], axis=1)))

    leg = (length(1, 2) + length(2, 3) + length(4, 5) + length(5, 6)) / 2
    return STANDING * (leg + length(0, 7) + length(7, 8) + length(8, 10)) + 0.08 * STANDING


def contact_labels(world: np.ndarray, fps: float) -> np.ndarray:
    """(frames, 2) bool: ankle slower than 0.3 m/s and less than 5 cm above where ankles stand."""
    ankles = world[:, FEET]
    speed = np.linalg.norm(np.gradient(ankles, 1 / fps, axis=0), axis=-1)
    floor = np.percentile(ankles[..., 2].min(1), 5)
    return (speed < 0.3) & (ankles[..., 2] < floor + 0.05)


def walked(root: np.ndarray, fps: float) -> float:
    """Horizontal distance, metres, at ten looks a second."""
    steps = root[:: max(1, round(fps / 10)), :2]
    return float(np.linalg.norm(np.diff(steps, axis=0), axis=1).sum())


def jitter(joints: np.ndarray, fps: float) -> float:
    """Mean size of the jerk over all joints, m/s^3."""
    return float(np.linalg.norm(np.diff(joints, n=3, axis=0), axis=-1).mean() * fps**3)


def peak_speeds(joints: np.ndarray, fps: float) -> np.ndarray:
    """(4,) highest speed of feet and hands, m/s (the 99.5th percentile)."""
    speed = np.linalg.norm(np.diff(joints[:, MOVERS], axis=0), axis=-1) * fps
    return np.percentile(speed, 99.5, axis=0)


def figures(clip: Clip, pose: Pose, motion: Motion) -> dict[str, float]:
    """All figures of one clip."""
    fps = motion.fps
    true_root, root = clip.joints[:, 0], motion.root.astype(float)
    cosine = float(np.clip(-motion.gravity @ clip.up, -1, 1))
    off = (root - root.mean(0)) - (true_root - true_root.mean(0))
    labels, found = contact_labels(clip.world, fps), motion.contacts > 0.5
    ankles = motion.joints[:, FEET].astype(float)
    slide = np.linalg.norm(np.diff(ankles[..., :2], axis=0), axis=-1) * fps
    both = labels[1:] & labels[:-1]
    relative = motion.joints - motion.joints[:, :1]
    true_relative = clip.world - clip.world[:, :1]
    return {
        "walked": walked(clip.world[:, 0], fps),
        "path": float(np.linalg.norm(off, axis=1).mean()),
        "place": float(np.linalg.norm(root - true_root, axis=1).mean()),
        "depth noise": float(np.std(np.diff(root[:, 2] - true_root[:, 2]))),
        "gravity": float(np.degrees(np.arccos(cosine))),
        "hits": float((labels & found).sum()),
        "misses": float((labels & ~found).sum()),
        "false": float((~labels & found).sum()),
        "slide": float(slide[both].mean()) if both.any() else np.nan,
        "foot height": float(np.abs(ankles[..., 2] - 0.08)[labels].mean())
        if labels.any()
        else np.nan,
        "lowest": float(motion.joints[..., 2].min()),
        "jitter": jitter(motion.joints, fps) / jitter(clip.world, fps),
        "body jitter": jitter(relative, fps) / jitter(true_relative, fps),
        "peaks": float(np.median(peak_speeds(relative, fps) / peak_speeds(true_relative, fps)) - 1),
        "mpjpe": float(np.linalg.norm(pose.joints - clip.pose.joints, axis=-1).mean()),
        "mpjpe out": float(
            np.linalg.norm(relative - true_relative @ yaw(relative, true_relative), axis=-1).mean()
        ),
    }


def yaw(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The turn about Z that lays b on a best, for row vectors."""
    dot = (a[..., :2] * b[..., :2]).sum()
    cross = (b[..., 0] * a[..., 1] - b[..., 1] * a[..., 0]).sum()
    angle = np.arctan2(cross, dot)
    return np.array(
        [[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )


def part(take: Take, seconds: float, rng: np.random.Generator) -> Take:
    """So many seconds of a take, from anywhere in it."""
    frames = round(seconds * take.fps)
    start = rng.integers(max(1, len(take.joints) - frames + 1))
    return replace(take, joints=take.joints[start : start + frames])


def measure(args: argparse.Namespace) -> Iterator[tuple[str, str, dict[str, float]]]:
    """(name, column, figures) of every take, repeat and kind of pose."""
    model = find_model(args.model)
    run = open_backend(model, "cpu")
    for number, take in enumerate(load_takes(Path(args.mocap))):
        for repeat in range(args.repeats):
            for column, noise in COLUMNS.items():
                rng = np.random.default_rng([args.seed, number, repeat])
                shown = part(take, args.seconds, rng) if args.seconds else take
                clip = film(shown, rng, noise or 0.0, other_joints=args.other_joints)
                pose = clip.pose
                if noise is not None:
                    clip, pose = lifted(clip, model.card, run)
                height = true_height(clip.world)
                motion = ground(pose, clip.track, height=height, smoothing=args.smoothing)
                yield f"{take.name} {take.action}", column, figures(clip, pose, motion)


def real(folder: Path, model: str) -> Iterator[tuple[str, float]]:
    """(whose keypoints, degrees) between up as found and as calibrated, for a real camera."""
    with np.load(folder / "cam01_reference_camera_space.npz") as file:
        up, focal = file["R"][:, 2], float(file["K"][0, 0])
        size, fps = (int(file["size"][0]), int(file["size"][1])), float(file["fps"])
    fov = float(np.degrees(2 * np.arctan(size[0] / 2 / focal)))
    options = pipeline.Options(fps=fps, size=size, fov=fov, model=model, height=1.75)
    for name in ("cam01_json", "cam01_mediapipe_heavy.npz"):
        motion = pipeline.motions(folder / name, options)[0]
        yield name, float(np.degrees(np.arccos(np.clip(-motion.gravity @ up, -1, 1))))


def table(rows: dict[str, np.ndarray]) -> list[tuple[str, str, str]]:
    """(what, figure, bar)."""
    walks = rows["walked"] >= 2.0
    share = 100 * rows["path"][walks] / rows["walked"][walks]
    hits, errors = rows["hits"].sum(), rows["misses"].sum() + rows["false"].sum()
    return [
        ("lifter's error, mean", f"{1000 * rows['mpjpe'].mean():.1f} mm", ""),
        ("world pose error, mean", f"{1000 * rows['mpjpe out'].mean():.1f} mm", ""),
        (
            "path error / distance walked (2 m and more), median (90 %)",
            f"{np.median(share):.1f} % ({np.percentile(share, 90):.1f})",
            "5 %",
        ),
        ("place error, median", f"{1000 * np.median(rows['place']):.0f} mm", ""),
        (
            "depth noise between frames, median (90 %)",
            f"{1000 * np.median(rows['depth noise']):.1f} mm"
            f" ({1000 * np.percentile(rows['depth noise'], 90):.1f})",
            "5 mm",
        ),
        ("gravity error, median", f"{np.median(rows['gravity']):.1f} deg", "3 deg"),
        ("gravity error, 90 %", f"{np.percentile(rows['gravity'], 90):.1f} deg", "8 deg"),
        ("contact F1", f"{2 * hits / (2 * hits + errors):.3f}", "0.9"),
        ("sliding in contact, median", f"{1000 * np.nanmedian(rows['slide']):.0f} mm/s", ""),
        ("foot height error in contact", f"{1000 * np.nanmedian(rows['foot height']):.0f} mm", ""),
        ("lowest joint, worst 10 %", f"{1000 * np.percentile(rows['lowest'], 10):.0f} mm", "0"),
        ("jitter / capture's, median", f"{np.median(rows['jitter']):.2f}", "1.2"),
        ("jitter about the pelvis", f"{np.median(rows['body jitter']):.2f}", "1.2"),
        ("peak speed of hands and feet, median", f"{100 * np.median(rows['peaks']):+.1f} %", "5 %"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mocap", help="packed motion capture (.npz.xz)")
    parser.add_argument(
        "--real", type=Path, help="folder of a calibrated capture and its keypoints"
    )
    parser.add_argument("--model", default="default", help="the lifter, a name or an .onnx file")
    parser.add_argument("--smoothing", choices=("off", "light", "strong"), default="light")
    parser.add_argument("--repeats", type=int, default=2, help="cameras for each take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, help="of each take, from anywhere in it")
    parser.add_argument(
        "--other-joints",
        action="store_true",
        help="detectors that put joints elsewhere on the body than the capture does",
    )
    parser.add_argument("--takes", action="store_true", help="show every take")
    args = parser.parse_args()
    rows = {column: defaultdict(list) for column in COLUMNS}
    start = time.perf_counter()
    for name, column, row in measure(args):
        if args.takes:
            shown = " ".join(
                f"{row[k]:8.3f}" for k in ("walked", "path", "gravity", "depth noise", "lowest")
            )
            print(f"{shown}  {name}, {column}", flush=True)
        for key, value in row.items():
            rows[column][key].append(value)
    tables = [table({k: np.array(v) for k, v in row.items()}) for row in rows.values()]
    print("", *COLUMNS, "bar", sep=" | ")
    for lines in zip(*tables, strict=True):
        print(lines[0][0], *(figure for _, figure, _ in lines), lines[0][2], sep=" | ")
    if args.real:
        for name, degrees in real(args.real, args.model):
            print(f"real camera, {name}: up is off by {degrees:.1f} deg")
    print(
        f"{len(next(iter(rows.values()))['walked'])} clips in {time.perf_counter() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
