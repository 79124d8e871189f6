"""Speed of retargeting, its error against BVH takes with true rotations, and how feet stand.

python benchmarks/retarget.py [FOLDER_OF_BVH_TAKES] [--mocap PACKED_MOTION_CAPTURE ...]

With motion capture: how much bones turn from one frame to the next, beyond the person's own, in
cartwheels, handstands, falls and the like, as captured and as lifted from simulated detections.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from bvh_truth import Take, read_take
from lift_to_3d.core.ground import ground
from lift_to_3d.core.mixste.backend import open_backend
from lift_to_3d.core.mixste.model import find_model
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.training.capture import load_takes
from lift_to_3d.core.training.ground_clips import film, lifted
from lift_to_3d.retarget.character import load_character
from lift_to_3d.retarget.contact import contact_runs
from lift_to_3d.retarget.detect import find_mapping
from lift_to_3d.retarget.frames import SIDES, joint
from lift_to_3d.retarget.mapping import Mapping
from lift_to_3d.retarget.rest_body import rest_body
from lift_to_3d.retarget.rig import Rig
from lift_to_3d.retarget.rotation import swing, to_vector, transpose, turn, unit
from lift_to_3d.retarget.solve import solve
from rig_tools import posed, stretched, with_chain
from scipy.ndimage import maximum_filter1d

JOINTS = {
    1: "rThigh", 2: "rShin", 3: "rFoot", 4: "lThigh", 5: "lShin", 6: "lFoot", 8: "neck",
    11: "lShldr", 12: "lForeArm", 13: "lHand", 14: "rShldr", 15: "rForeArm", 16: "rHand",
}  # fmt: skip
BONES = [("abdomen", "chest"), ("chest", "neck"), ("neck", "head")] + [
    (s + a, s + b)
    for s in "lr"
    for a, b in (
        ("Collar", "Shldr"), ("Shldr", "ForeArm"), ("ForeArm", "Hand"), ("Thigh", "Shin"),
        ("Shin", "Foot"),
    )
]  # fmt: skip
TURNED = {"upper arm": ("Collar", "Shldr"), "forearm": ("Collar", "Shldr", "ForeArm"),
          "thigh": ("hip", "Thigh"), "head": ("neck", "head")}  # fmt: skip
"""Bones, after the one whose true turn a baseline without any twist of theirs begins with."""
LEGS = {
    f"legs x {ratio}": {f"{bone}.{side}": ratio for bone in ("thigh", "shin") for side in SIDES}
    for ratio in (0.7, 1.0, 1.4)
} | {"shins x 1.4": {f"shin.{side}": 1.4 for side in SIDES}}  # fmt: skip
_HEEL_BEHIND, _STANDS = 0.05, 0.015
"""Metres from ankle back to heel, and up to which height a heel stands."""


HARD = (
    "01_06.1", "05_02", "05_06.2", "13_26", "14_30", "43_02", "49_06", "49_08", "85_05", "85_06",
    "85_08", "90_05", "90_16", "90_17", "127_23", "139_16", "140_01", "140_03", "salsa-17",
)  # fmt: skip
"""Climbing, dances, waving, sitting, cartwheels, handstands, a flip, a kick, falls, a roll, getting
up."""
_SEGMENTS = {
    "arms": (("upper_arm", "forearm"), (("shoulder", "elbow"), ("elbow", "wrist"))),
    "legs": (("thigh", "shin"), (("hip", "knee"), ("knee", "ankle"))),
    "feet": (("foot",), (("hip", "knee"), ("knee", "ankle"))),
}


def main(folder: Path | None, mocap: list[Path]) -> None:
    """Prints the tables; only the first where there are no takes."""
    rig, mapping = _sixty_bones()
    print(f"frames  seconds (one core, {len(rig.bones)} bones)")
    for frames in (100, 1_000, 10_000):
        motion = _walking_on_the_spot(frames)
        started = time.process_time()
        solve(motion, rig, mapping)
        print(f"{frames:6}  {time.process_time() - started:.3f}")
    if folder is None:
        return
    takes = [read_take(path) for path in sorted(folder.glob("*.bvh"))]
    for word, told in (("", True), (", hinges not told", False)):
        print(
            "\ntake, joint mm, bone direction deg, error in turn deg"
            f" (carried without twist; beyond one constant turn a bone){word}"
        )
        for take in takes:
            mapping = find_mapping(take.rig)
            _compare(take, mapping if told else replace(mapping, hinges={}))
    print(
        "\nslides of standing feet, mm/s: mean, worst; bend of knees, deg a frame over the person's"
    )
    for name, legs in LEGS.items():
        _stand(name, stretched(load_character().rig(), legs), takes)
    if mocap:
        print("\nmost that bones turn in a frame beyond the person's, deg: " + ", ".join(_SEGMENTS))
        worst = []
        for name, motion in _hard(mocap):
            worst.append(_beyond(motion))
            print(f"{name:30} " + " ".join(f"{degrees:5.0f}" for degrees in worst[-1]))
        print(f"{'median':30} " + " ".join(f"{d:5.1f}" for d in np.median(worst, axis=0)))


def _hard(mocap: list[Path]) -> Iterator[tuple[str, Motion]]:
    """Hard takes before a camera, captured and lifted."""
    model = find_model("default")
    run = open_backend(model, "cpu")
    for take in (take for path in mocap for take in load_takes(path) if take.name in HARD):
        clip = film(replace(take, joints=take.joints[:600]), np.random.default_rng(1), 1.0)
        yield f"{take.name} captured", ground(clip.pose, clip.track)
        clip, pose = lifted(clip, model.card, run)
        yield f"{take.name} lifted", ground(pose, clip.track)


def _beyond(motion: Motion) -> list[float]:
    """Of arms, legs and feet, the most degrees that a bone turns in a frame beyond the person's.

    The person's are those of the limb's own segments and of the line of hips and shoulders, in
    that frame and its neighbours.
    """
    rig = load_character().rig()
    turns, _ = posed(rig, solve(motion, rig))
    bones = _degrees(transpose(turns[:-1]) @ turns[1:])
    trunk = [
        joint(motion.joints, name, "L") - joint(motion.joints, name, "R")
        for name in ("hip", "shoulder")
    ]
    worst = []
    for names, segments in _SEGMENTS.values():
        over = []
        for side in SIDES:
            ways = [
                joint(motion.joints, end, side) - joint(motion.joints, start, side)
                for start, end in segments
            ]
            person = maximum_filter1d(np.max([_step(way) for way in trunk + ways], axis=0), 3)
            over += [bones[:, rig.bones.index(f"{name}.{side}")] - person for name in names]
        worst.append(float(np.max(over)))
    return worst


def _step(way: np.ndarray) -> np.ndarray:
    """Degrees (frames - 1,) by which a direction (frames, 3) turns."""
    way = unit(way)
    return np.degrees(np.arccos(np.clip(np.sum(way[1:] * way[:-1], axis=-1), -1, 1)))


def _sixty_bones() -> tuple[Rig, Mapping]:
    """The mannequin with two twist bones a limb, and fingers up to 60 bones, which stay at rest."""
    rig = load_character().rig()
    mapping = find_mapping(rig)
    bones = dict(mapping.bones)
    for side in SIDES:
        for limb in ("upper_arm", "forearm", "thigh", "shin"):
            part, name = f"{limb}_twist.{side}", f"{limb}.{side}"
            b = rig.bones.index(name)
            step = (rig.tails[b] - rig.rest[b, :3, 3]) / 3
            rig = with_chain(rig, part, name, rig.rest[b, :3, 3] + step, step, 2)
            bones[part] = rig.bones[-2:]
    wrist = rig.tails[rig.bones.index("hand.L")]
    rig = with_chain(rig, "finger", "hand.L", wrist, [0.02, 0, 0], 60 - len(rig.bones))
    return rig, replace(mapping, bones=bones)


def _walking_on_the_spot(frames: int) -> Motion:
    random = np.random.default_rng(0)
    steps = np.sin(np.arange(frames)[:, None, None] / 5 + random.uniform(0, 6, (1, 17, 3)))
    rig = load_character().rig()
    joints = rest_body(rig, find_mapping(rig)).joints + 0.05 * steps
    contacts = np.stack([np.arange(frames) // 15 % 2, 1 - np.arange(frames) // 15 % 2], axis=-1)
    none = np.zeros((frames, 3))
    return Motion(joints, joints, none, np.ones((frames, 17)), contacts, none[0], 30.0)


def _compare(take: Take, mapping: Mapping) -> None:
    turns, heads = posed(take.rig, solve(take.motion, take.rig, mapping))
    index = [take.bone(name) for name in JOINTS.values()]
    joints = np.linalg.norm(heads[:, index] - take.motion.joints[:, list(JOINTS)], axis=-1)
    directions = []
    for a, b in BONES:
        ours = unit(heads[:, take.bone(b)] - heads[:, take.bone(a)])
        true = unit(take.positions[:, take.bone(b)] - take.positions[:, take.bone(a)])
        directions.append(np.degrees(np.arccos(np.clip(np.sum(ours * true, -1), -1, 1))))
    words = []
    for word, bones in TURNED.items():
        sides = "lr" if word != "head" else ("",)
        pairs = [_turn_errors(take, turns, [_side(s, bone) for bone in bones]) for s in sides]
        ours, naive, beyond = np.median(pairs, axis=(0, 2))
        words.append(f"{word} {ours:.1f} ({naive:.1f}; {beyond:.1f})")
    print(
        f"{take.motion.name:25} {1000 * np.median(joints):7.2f} {np.median(directions):13.2f}   "
        + ", ".join(words)
    )


def _side(side: str, bone: str) -> str:
    return bone if bone in ("hip", "neck", "head") else side + bone


def _turn_errors(take: Take, turns: np.ndarray, bones: list[str]) -> tuple[np.ndarray, ...]:
    """Degrees between the last bone's true orientation and ours; one never twisted; and the best.

    The second swings, bone by bone from the true turn of the first, to where each bone truly
    points. The best is ours after the constant turn that brings it nearest: how the skeleton was
    made, which no joint shows, is taken out.
    """
    carried = take.turns[:, take.bone(bones[0])]
    for bone in map(take.bone, bones[1:]):
        child = next(i for i, parent in enumerate(take.rig.parents) if parent == bone)
        along = unit(take.rig.rest[child, :3, 3] - take.rig.rest[bone, :3, 3])[None]
        carried = swing(turn(carried, along), turn(take.turns[:, bone], along)) @ carried
    last = take.bone(bones[-1])
    true = transpose(take.turns[:, last])
    error = true @ turns[:, last]
    beyond = error @ _mean(error).T
    return _degrees(error), _degrees(true @ carried), _degrees(beyond)


def _mean(rotations: np.ndarray) -> np.ndarray:
    """The rotation (3, 3) nearest to all of (frames, 3, 3)."""
    u, _, v = np.linalg.svd(rotations.sum(0))
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v


def _stand(name: str, rig: Rig, takes: list[Take]) -> None:
    """How far ankles, balls and standing heels slide while feet are on the ground."""
    slides, knees = [], []
    for take in takes:
        turns, heads = posed(rig, solve(take.motion, rig))
        for side, contact in zip(SIDES, take.motion.contacts.T, strict=True):
            thigh, shin, foot, toe = (
                rig.bones.index(f"{bone}.{side}") for bone in ("thigh", "shin", "foot", "toe")
            )
            held = np.zeros(len(heads), bool)
            for first, end in contact_runs(contact, take.motion.fps):
                held[first + 1 : end - 1] = True
            heel = heads[:, foot] + turn(turns[:, foot], _heel(rig, foot, toe)[None])
            low = held & (heel[:, 2] < _STANDS)
            points = ((heads[:, foot], held), (heads[:, toe], held), (heel, low))
            slides.append([_slide(path, frames, take.motion.fps) for path, frames in points])
            person = [joint(take.motion.joints, n, side) for n in ("hip", "knee", "ankle")]
            ours = [heads[:, bone] for bone in (thigh, shin, foot)]
            knees.append(_fastest_bend(*ours) - _fastest_bend(*person))
    mean, worst = np.mean(slides, axis=0), np.max(slides, axis=0)
    words = [
        f"{word} {m:.1f}, {w:.1f}"
        for word, m, w in zip(("ankle", "ball", "heel"), mean, worst, strict=True)
    ]
    print(f"{name:12} {'; '.join(words)}; knees {max(knees):.1f}")


def _heel(rig: Rig, foot: int, toe: int) -> np.ndarray:
    """From ankle to heel at rest (3,), metres."""
    ankle = rig.rest[foot, :3, 3]
    ahead = unit((rig.rest[toe, :3, 3] - ankle) * [1.0, 1.0, 0.0])
    return -_HEEL_BEHIND * ahead - [0.0, 0.0, ankle[2]]


def _slide(path: np.ndarray, frames: np.ndarray, fps: float) -> float:
    """Mean level speed, mm/s, of a path (frames, 3) in the chosen frames."""
    speed = np.linalg.norm(np.gradient(path[:, :2], axis=0), axis=-1) * fps
    return 1000 * float(speed[frames].mean()) if frames.any() else 0.0


def _fastest_bend(hip: np.ndarray, knee: np.ndarray, ankle: np.ndarray) -> float:
    """The most, degrees, that a knee bends or straightens from one frame to the next."""
    cosine = np.sum(unit(knee - hip) * unit(ankle - knee), axis=-1)
    return float(np.abs(np.diff(np.degrees(np.arccos(np.clip(cosine, -1, 1))))).max())


def _degrees(rotation: np.ndarray) -> np.ndarray:
    return np.degrees(np.linalg.norm(to_vector(rotation), axis=-1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--mocap", type=Path, nargs="+", default=[])
    chosen = parser.parse_args()
    main(chosen.folder, chosen.mocap)
