"""Joint layouts: what the numbers in a keypoint file mean, tool by tool.

A `Layout` names every point of a person, in the file's order, with COCO's names and those of
`core.skeleton.EXTRA_JOINTS`; points that nothing here uses (faces, fingertips) have no name. Where
a convention lacks one of COCO's joints, the layout says from which of its points it is made.

Two names need care, since tools use the word neck for both: ``neck`` is the upper neck at the
base of the skull, ``thorax`` the middle of the shoulders.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .skeleton import COCO, EXTRA_JOINTS

KNOWN_JOINTS = frozenset(COCO + EXTRA_JOINTS)
"""The names that a `Track` may have."""

_UNUSED = ""


@dataclass(frozen=True)
class Layout:
    """The points of one person.

    Attributes:
        name: as its makers call it.
        points: name of every point in the file's order; other words than `KNOWN_JOINTS` are points
            that only `made` uses, the empty word is not used at all.
        made: for COCO joints that the layout lacks, the points and weights they are made from.
        note: what `made` means for the user; empty where nothing is made.
        hidden: the least confidence of a joint that was found: above 0 for tools that tell whether
            a joint is in sight rather than how well it is placed.
    """

    name: str
    points: tuple[str, ...]
    made: dict[str, dict[str, float]] = field(default_factory=dict)
    note: str = ""
    hidden: float = 0.0

    @property
    def joints(self) -> tuple[str, ...]:
        """The joints that a track of this layout has: COCO's first, in COCO's order."""
        have = {*self.points, *self.made}
        return tuple(name for name in COCO + EXTRA_JOINTS if name in have)

    @property
    def sources(self) -> frozenset[str]:
        """The points that a track's joints are taken or made from."""
        return frozenset(self.joints).union(*self.made.values())

    def convert(self, xy: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The points of a file as `joints`.

        Args:
            xy: (n, points, 2), NaN where missing.
            confidence: (n, points), 0 where missing.

        Returns:
            (n, joints, 2) and (n, joints). A joint that is made of others is missing where any of
            them is and has the confidence of the worst.
        """
        joints = self.joints
        out_xy = np.empty((len(xy), len(joints), 2))
        out_confidence = np.empty((len(xy), len(joints)))
        index = {name: i for i, name in enumerate(self.points)}
        for j, name in enumerate(joints):
            if name in index:
                out_xy[:, j] = xy[:, index[name]]
                out_confidence[:, j] = confidence[:, index[name]]
                continue
            sources = [index[source] for source in self.made[name]]
            weights = np.array(list(self.made[name].values()))
            out_xy[:, j] = np.einsum("npc,p->nc", xy[:, sources], weights)
            out_confidence[:, j] = confidence[:, sources].min(1)
        if self.hidden:
            seen = out_confidence > 0
            out_confidence *= 1 - self.hidden
            np.add(out_confidence, self.hidden, out=out_confidence, where=seen)
        return out_xy, out_confidence


def _head(low: str, high: str, nose: float, ears: float) -> dict[str, dict[str, float]]:
    """Nose and ears on the line from `low` (0) to `high` (1)."""
    at = {"nose": nose, "left_ear": ears, "right_ear": ears}
    return {name: {low: 1 - share, high: share} for name, share in at.items()}


def _sides(*words: str) -> tuple[str, ...]:
    return tuple(f"{side}_{word}" for word in words for side in ("left", "right"))


def _arm(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_{word}" for word in ("shoulder", "elbow", "wrist"))


def _leg(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_{word}" for word in ("hip", "knee", "ankle"))


def _foot(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_{word}" for word in ("big_toe", "small_toe", "heel"))


def _hand(side: str) -> tuple[str, ...]:
    points = [_UNUSED] * 21
    points[2], points[5], points[17] = f"{side}_thumb", f"{side}_index", f"{side}_pinky"
    return tuple(points)


_NOSE_AND_EARS = {"neck_nose": (0.15, 0.25), "neck": (0.43, 0.51), "thorax": (0.56, 0.62)}
"""Where nose and ears lie on the line from such a point (0) to the top of the head (1).

Medians of detections that have all of these points (BODY_25B, Halpe-26).
"""

_LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_HEAD_NOTE = "{} has no face: nose and ears are estimated from {}"
_FACE = (_UNUSED,) * 68

COCO_17 = Layout("COCO-17", COCO)
COCO_18 = Layout(
    "COCO-18",
    ("nose", "thorax", *_arm("right"), *_arm("left"), *_leg("right"), *_leg("left"),
     "right_eye", "left_eye", "right_ear", "left_ear"),
)  # fmt: skip
BODY_25 = Layout(
    "BODY_25",
    ("nose", "thorax", *_arm("right"), *_arm("left"), "pelvis", *_leg("right"), *_leg("left"),
     "right_eye", "left_eye", "right_ear", "left_ear", *_foot("left"), *_foot("right")),
)  # fmt: skip
BODY_25B = Layout("BODY_25B", (*COCO, "neck", "head_top", *_foot("left"), *_foot("right")))
BODY_135 = Layout(
    "BODY_135",
    (*BODY_25B.points, *_hand("left")[1:], *_hand("right")[1:], *_FACE, _UNUSED, _UNUSED),
)
_HALPE_FEET = _sides("big_toe", "small_toe", "heel")
HALPE_26 = Layout("Halpe-26", (*COCO, "head_top", "neck", "pelvis", *_HALPE_FEET))
HALPE_136 = Layout("Halpe-136", (*HALPE_26.points, *_FACE, *_hand("left"), *_hand("right")))
HALPE_68 = Layout("Halpe-68", (*HALPE_26.points, *_hand("left"), *_hand("right")))
WHOLEBODY_133 = Layout(
    "COCO-WholeBody-133",
    (*COCO, *_foot("left"), *_foot("right"), *_FACE, *_hand("left"), *_hand("right")),
)
MEDIAPIPE_33 = Layout(
    "MediaPipe-33",
    ("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
     "right_eye_outer", *_sides("ear"), "mouth_left", "mouth_right",
     *_sides("shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle",
             "heel", "big_toe")),
    hidden=0.3,
)  # fmt: skip
MPI_15 = Layout(
    "MPI-15",
    ("head_top", "neck", *_arm("right"), *_arm("left"), *_leg("right"), *_leg("left"), "spine"),
    made=_head("neck", "head_top", *_NOSE_AND_EARS["neck"]),
    note=_HEAD_NOTE.format("MPI-15", "neck and head top"),
)
MPII_16 = Layout(
    "MPII-16",
    (*_leg("right")[::-1], *_leg("left"), "pelvis", "thorax", "neck", "head_top",
     *_arm("right")[::-1], *_arm("left")),
    made=_head("neck", "head_top", *_NOSE_AND_EARS["neck"]),
    note=_HEAD_NOTE.format("MPII-16", "upper neck and head top"),
)  # fmt: skip
H36M_17 = Layout(
    "H36M-17",
    ("pelvis", *_leg("right"), *_leg("left"), "spine", "thorax", "neck_nose", "head_top",
     *_arm("left"), *_arm("right")),
    made=_head("neck_nose", "head_top", *_NOSE_AND_EARS["neck_nose"]),
    note=_HEAD_NOTE.format("H36M-17", "its neck/nose and head points"),
)  # fmt: skip
MPI_INF_17 = Layout(
    "MPI-INF-3DHP-17",
    ("head_top", "neck", *_arm("right"), *_arm("left"), *_leg("right"), *_leg("left"),
     "pelvis", "spine", "head"),
    made=_head("neck", "head_top", *_NOSE_AND_EARS["neck"]),
    note=_HEAD_NOTE.format("MPI-INF-3DHP", "neck and head top"),
)  # fmt: skip
MPI_INF_28 = Layout(
    "MPI-INF-3DHP-28",
    ("upper_chest", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top",
     "left_clavicle", *_arm("left"), "left_hand", "right_clavicle", *_arm("right"), "right_hand",
     *_leg("left"), "left_foot", "left_big_toe", *_leg("right"), "right_foot", "right_big_toe"),
    made=_head("neck", "head_top", *_NOSE_AND_EARS["neck"]),
    note=_HEAD_NOTE.format("MPI-INF-3DHP", "neck and head top"),
)  # fmt: skip
HUMANEVA_15 = Layout(
    "HumanEva-15",
    ("pelvis", "thorax", *_arm("left"), *_arm("right"), *_leg("left"), *_leg("right"), "head"),
    made=_head("thorax", "head", 0.85, 1.0),
    note=_HEAD_NOTE.format("HumanEva-15", "thorax and head"),
)
CROWDPOSE_14 = Layout(
    "CrowdPose-14",
    (*_sides(*_LIMBS), "head_top", "neck"),
    made=_head("neck", "head_top", *_NOSE_AND_EARS["neck"]),
    note=_HEAD_NOTE.format("CrowdPose-14", "neck and head top"),
)
AIC_14 = Layout(
    "AIC-14",
    (*_arm("right"), *_arm("left"), *_leg("right"), *_leg("left"), "head_top", "neck"),
    made=_head("neck", "head_top", *_NOSE_AND_EARS["neck"]),
    note=_HEAD_NOTE.format("AIC-14", "neck and head top"),
)
POSETRACK_17 = Layout(
    "PoseTrack18-17", ("nose", "neck", "head_top", *_sides("ear"), *_sides(*_LIMBS))
)

LAYOUTS = {
    layout.name: layout
    for layout in (
        COCO_17, COCO_18, BODY_25, BODY_25B, BODY_135, HALPE_26, HALPE_68, HALPE_136,
        WHOLEBODY_133, MEDIAPIPE_33, MPI_15, MPII_16, H36M_17, MPI_INF_17, MPI_INF_28, HUMANEVA_15,
        CROWDPOSE_14, AIC_14, POSETRACK_17,
    )
}  # fmt: skip
"""Every layout that is known by its order, by name."""

_SAME = {
    "hips": "pelvis", "hip": "pelvis", "midhip": "pelvis", "root": "pelvis", "hipcenter": "pelvis",
    "neckbase": "thorax", "chest": "spine", "spine1": "spine", "belly": "spine", "torso": "spine",
    "headtop": "head_top", "tophead": "head_top", "headtopend": "head_top", "necknose": "neck_nose",
    "upperneck": "neck", "headbottom": "neck", "midshoulder": "thorax", "spineshoulder": "thorax",
    "shouldercenter": "thorax", "spinebase": "pelvis", "spinemid": "spine",
    **{word: word for word in ("nose", "neck", "thorax", "spine", "pelvis", "head")},
}  # fmt: skip
_SIDED = {
    "eye": "eye", "ear": "ear", "shoulder": "shoulder", "sho": "shoulder", "elbow": "elbow",
    "elb": "elbow", "wrist": "wrist", "wri": "wrist", "hip": "hip", "knee": "knee", "kne": "knee",
    "ankle": "ankle", "ank": "ankle", "bigtoe": "big_toe", "footindex": "big_toe",
    "smalltoe": "small_toe", "heel": "heel", "index": "index", "pinky": "pinky", "thumb": "thumb",
}  # fmt: skip
_NEARLY = {
    "hand": "wrist", "foot": "ankle", "toe": "big_toe", "toes": "big_toe", "toebase": "big_toe",
    "arm": "shoulder", "upperarm": "shoulder", "forearm": "elbow", "lowerarm": "elbow",
    "upleg": "hip", "thigh": "hip", "leg": "knee", "shin": "knee", "calf": "knee",
}  # fmt: skip
_SIDES = (("left", "left"), ("right", "right"), ("l", "left"), ("r", "right"))
_SIDE_NUMBER = re.compile(rf"({'|'.join(_SIDED)})[ _-]?([12])", re.IGNORECASE)
_ANIMAL = re.compile(r"tail(?!bone)|paw|snout|beak|hoof|withers|muzzle|\bwing", re.IGNORECASE)
_DRESS = re.compile(r"^(poselandmark|landmark)(?=[a-z])|1?joint$")
_COUNTED = {17: COCO_17, 26: HALPE_26, 33: MEDIAPIPE_33, 133: WHOLEBODY_133}


def canonical(name: str) -> str:
    """A joint's name as others spell it (LShoulder, left-shoulder, RIGHT_FOOT_INDEX) as ours.

    Returns the empty word for what is neither one of `KNOWN_JOINTS` nor ``head``.
    """
    plain = _plain(name)
    return _SAME.get(plain) or _sided(plain, _SIDED)


def _plain(name: str) -> str:
    """Small letters and digits, without what MediaPipe's and Apple Vision's classes add."""
    word = re.sub(r"[^a-z0-9]", "", name.lower())
    return _DRESS.sub("", word) or word


def _sided(plain: str, parts: dict[str, str]) -> str:
    """The joint that a word with its side before or after it means, in `parts`' words."""
    for mark, side in _SIDES:
        for part in (plain.removeprefix(mark), plain.removesuffix(mark)):
            if part != plain and part in parts:
                return f"{side}_{parts[part]}"
    return _UNUSED


def named_layout(names: Sequence[str], title: str = "named joints") -> Layout:
    """A layout from the joints' names in a file, of any spelling and order.

    The first of several points with one meaning is taken, and a hand or foot for a wrist or ankle
    that is lacking. Where there is no face, nose and ears are made from neck and head, as in the
    layouts above. Names that only count (0 ... 16, kp1 ... kp17) are COCO's, Halpe's or MediaPipe's
    by their number, and a note says so. An animal's skeleton has no joints here; its
    note says by what it is known.
    """
    if animal := next(filter(_ANIMAL.search, names), ""):
        unused = tuple(f"{name} (unused)" for name in names)
        return Layout(title, unused, note=f" (it has a point {animal[:40]!r})")
    if counted := _counted(names):
        return counted
    if numbered := _sides_for_numbers(names):
        layout = named_layout(numbered, title)
        told = "The sides are only numbered: 1 is taken for right and 2 for left, as in MPII."
        return replace(layout, note=f"{told} {layout.note}".rstrip())
    points = [canonical(name) for name in names]
    words = [_plain(name) for name in names]
    if {"thorax", "neckbase"} <= {*words}:  # Human3.6M's joints as mmpose calls them
        points[words.index("neckbase")] = "neck_nose"
    for i, name in enumerate(names):
        nearly = _sided(_plain(name), _NEARLY)
        if nearly and nearly not in points:
            points[i] = nearly
        if not points[i] or points[i] in points[:i]:
            points[i] = f"{name} (unused)"
    if "neck_nose" in points and "head" in points and "head_top" not in points:
        points[points.index("head")] = "head_top"
    have = set(points)
    hidden = 0.0
    for layout in LAYOUTS.values():
        if layout.joints == tuple(j for j in COCO + EXTRA_JOINTS if j in have) and not layout.made:
            title, hidden = layout.name, layout.hidden
    low = next((word for word in _NOSE_AND_EARS if word in have), None)
    high = next((word for word in ("head_top", "head") if word in have), None)
    if low and high and not have & {"nose", *_sides("eye", "ear")}:
        note = _HEAD_NOTE.format("The file", f"{low} and {high}".replace("_", " "))
        return Layout(title, tuple(points), _head(low, high, *_NOSE_AND_EARS[low]), note)
    return Layout(title, tuple(points), hidden=hidden)


def _counted(names: Sequence[str]) -> Layout | None:
    """The layout of points whose names are but their numbers, from 0 or 1, in any order."""
    digits = [re.sub(r"\D", "", name)[:6] for name in names]
    if len(names) not in _COUNTED or not all(digits) or any(map(canonical, names)):
        return None
    numbers, layout = [int(digit) for digit in digits], _COUNTED[len(names)]
    first = min(numbers)
    if first > 1 or sorted(numbers) != list(range(first, first + len(names))):
        return None
    points = tuple(layout.points[number - first] for number in numbers)
    told = f"The points are only numbered: they are taken for {layout.name}'s."
    return replace(layout, points=points, note=told)


def _sides_for_numbers(names: Sequence[str]) -> list[str]:
    """Names such as wrist1 and wrist2, of DeepLabCut's human model, with sides; empty if not so.

    That model has MPII's order, in which right comes first; chin and forehead are MPII's upper neck
    and top of the head.
    """
    found = [_SIDE_NUMBER.fullmatch(name) for name in names]
    if sum(map(bool, found)) < 4 or {*map(canonical, names)} & {*COCO[1:]}:
        return []
    others = {"chin": "neck", "forehead": "head_top"}
    return [
        f"{'right' if match[2] == '1' else 'left'}_{match[1]}" if match
        else others.get(name.lower(), name)
        for name, match in zip(names, found, strict=True)
    ]  # fmt: skip
