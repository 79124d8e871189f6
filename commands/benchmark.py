"""``benchmark``: where the time goes from a keypoint file to an exported file, on this machine."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..core.clean import clean
from ..core.ground import ground
from ..core.lift import lift
from ..core.pipeline import Options, tracks
from ..core.track import Track


@dataclass(frozen=True)
class Spent:
    """Seconds of one stage: `wall` by the clock, `cpu` of all cores together."""

    wall: float
    cpu: float


def as_json(stages: dict[str, Spent], frames: int) -> str:
    """One line of JSON."""
    return json.dumps({"frames": frames, "stages": {k: asdict(v) for k, v in stages.items()}})


def as_text(stages: dict[str, Spent], frames: int) -> str:
    """A table."""
    whole = Spent(sum(s.wall for s in stages.values()), sum(s.cpu for s in stages.values()))
    rows = [
        f"  {name:14} {spent.wall:7.2f} {spent.cpu:7.2f}  {spent.cpu / whole.cpu:5.0%}"
        for name, spent in {**stages, "in all": whole}.items()
    ]
    lines = [
        f"{frames} frames on {os.cpu_count()} cores, {frames / whole.wall:.0f} frames a second",
        f"  {'seconds':14} {'clock':>7} {'cpu':>7}",
    ]
    return "\n".join(lines + rows)


def measure(path: Path, frames: int, options: Options) -> dict[str, Spent]:
    """Seconds of each stage for the clip's first person, played to and fro for `frames` frames.

    Raises:
        LiftError: the file cannot be read or lifted.
    """
    spent: dict[str, Spent] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        spent[name] = Spent(
            round(time.perf_counter() - wall, 3), round(time.process_time() - cpu, 3)
        )

    with tempfile.TemporaryDirectory() as folder:
        long = write_coco(
            repeat(tracks(path, replace(options, person=1))[0], frames), Path(folder, "clip.json")
        )
        told = replace(options, fps=long.fps, size=long.size)
        with stage("read"):
            track = tracks(Path(folder, "clip.json"), told)[0]
        with stage("clean"):
            track = clean(track)
        with stage("lift"):
            pose = lift(track, model=options.model, device=options.device)
        with stage("ground"):
            motion = ground(pose, track, height=options.height, smoothing=options.smoothing)
        assert motion.frames == frames
        with stage("start Blender"):
            import bpy

            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        from ..blender_addon.character import load_rig
        from ..blender_addon.console import quiet
        from ..blender_addon.export import export
        from ..blender_addon.keyframes import write_action
        from ..blender_addon.rig_reader import read_rig
        from ..retarget.solve import solve

        with stage("character"):
            character = load_rig("mannequin")
            rig = read_rig(character)
        with stage("retarget"):
            bones = solve(motion, rig)
        with stage("keyframes"):
            write_action(character, bones, name="clip")
        with stage("export FBX"), quiet():
            export(character, Path(folder, "clip.fbx"))
        with stage("export BVH"), quiet():
            export(character, Path(folder, "clip.bvh"))
    return spent


def repeat(track: Track, frames: int) -> Track:
    """The longest stretch without a break, played forth and back until it is `frames` long."""
    seen = np.flatnonzero((track.confidence > 0).any(1))
    runs = np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1)
    once = max(runs, key=len)
    order = np.resize(np.concatenate([once, once[::-1]]), frames)
    return replace(track, xy=track.xy[order], confidence=track.confidence[order], first_frame=0)


def write_coco(track: Track, path: Path) -> Track:
    """Write a track as COCO results; the track again."""
    from ..core.skeleton import COCO

    xy, confidence = track.select(COCO)
    values = np.concatenate([np.nan_to_num(xy), confidence[..., None]], -1).round(3)
    rows = [
        {"image_id": i, "category_id": 1, "keypoints": row.ravel().tolist(), "score": 1.0}
        for i, row in enumerate(values)
    ]
    path.write_text(json.dumps(rows), "utf-8")
    return track
