"""Joint layouts: what the numbers in a keypoint file mean, tool by tool.

A `Layout` names every point of a person, in the file's order, with COCO's names and those of
`core.skeleton.EXTRA_JOINTS`; points that nothing here uses (faces, fingertips) have no name. Where
a convention lacks one of COCO's joints, the layout says from which of its points it is made.

Two names need care, since tools use the word neck for both: ``neck`` is the upper neck at the
base of the skull, ``thorax`` the middle of the shoulders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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
    """

    name: str
    points: tuple[str, ...]
    made: dict[str, dict[str, float]] = field(default_factory=dict)
    note: str = ""

    @property
    def joints(self) -> tuple[str, ...]:
        """The joints that a track of this layout has: COCO's first, in COCO's order."""
        have = {*self.points, *self.made}
        return tuple(name for name in COCO + EXTRA_JOINTS if name in have)

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
HALPE_26 = Layout("Halpe-26", (*COCO, "head_top", "thorax", "pelvis", *_HALPE_FEET))
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
)  # fmt: skip
MPI_15 = Layout(
    "MPI-15",
    ("head_top", "neck", *_arm("right"), *_arm("left"), *_leg("right"), *_leg("left"), "spine"),
    made=_head("neck", "head_top", 0.45, 0.55),
    note=_HEAD_NOTE.format("MPI-15", "neck and head top"),
)
MPII_16 = Layout(
    "MPII-16",
    (*_leg("right")[::-1], *_leg("left"), "pelvis", "thorax", "neck", "head_top",
     *_arm("right")[::-1], *_arm("left")),
    made=_head("neck", "head_top", 0.45, 0.55),
    note=_HEAD_NOTE.format("MPII-16", "upper neck and head top"),
)  # fmt: skip
H36M_17 = Layout(
    "H36M-17",
    ("pelvis", *_leg("right"), *_leg("left"), "spine", "thorax", "neck_nose", "head_top",
     *_arm("left"), *_arm("right")),
    made=_head("neck_nose", "head_top", 0.0, 0.35),
    note=_HEAD_NOTE.format("H36M-17", "its neck/nose and head points"),
)  # fmt: skip
MPI_INF_17 = Layout(
    "MPI-INF-3DHP-17",
    ("head_top", "neck", *_arm("right"), *_arm("left"), *_leg("right"), *_leg("left"),
     "pelvis", "spine", "head"),
    made=_head("neck", "head_top", 0.45, 0.55),
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
    made=_head("neck", "head_top", 0.45, 0.55),
    note=_HEAD_NOTE.format("CrowdPose-14", "neck and head top"),
)
AIC_14 = Layout(
    "AIC-14",
    (*_arm("right"), *_arm("left"), *_leg("right"), *_leg("left"), "head_top", "neck"),
    made=_head("neck", "head_top", 0.45, 0.55),
    note=_HEAD_NOTE.format("AIC-14", "neck and head top"),
)
POSETRACK_17 = Layout(
    "PoseTrack18-17", ("nose", "neck", "head_top", *_sides("ear"), *_sides(*_LIMBS))
)

LAYOUTS = {
    layout.name: layout
    for layout in (
        COCO_17, COCO_18, BODY_25, BODY_25B, BODY_135, HALPE_26, HALPE_68, HALPE_136,
        WHOLEBODY_133, MEDIAPIPE_33, MPI_15, MPII_16, H36M_17, MPI_INF_17, HUMANEVA_15,
        CROWDPOSE_14, AIC_14, POSETRACK_17,
    )
}  # fmt: skip
"""Every layout that is known by its order, by name."""

_ALIASES = {
    "hips": "pelvis", "hip": "pelvis", "midhip": "pelvis", "root": "pelvis", "hipcenter": "pelvis",
    "neckbase": "thorax", "chest": "spine", "spine1": "spine", "headtop": "head_top",
    "tophead": "head_top", "headtopend": "head_top", "belly": "spine", "torso": "spine",
    "neckn": "neck_nose", "neckandnose": "neck_nose", "necknose": "neck_nose",
    "upperneck": "neck", "headbottom": "neck",
}  # fmt: skip
_PARTS = {
    "eye": "eye", "ear": "ear", "shoulder": "shoulder", "sho": "shoulder", "elbow": "elbow",
    "elb": "elbow", "wrist": "wrist", "wri": "wrist", "hand": "wrist", "hip": "hip",
    "knee": "knee", "kne": "knee", "ankle": "ankle", "ank": "ankle", "foot": "ankle",
    "bigtoe": "big_toe", "toe": "big_toe", "toes": "big_toe", "footindex": "big_toe",
    "smalltoe": "small_toe", "heel": "heel", "index": "index", "indexfinger": "index",
    "pinky": "pinky", "pinkyfinger": "pinky", "thumb": "thumb",
}  # fmt: skip
_SIDED = re.compile(r"(?P<side>left|right|l|r)?(?P<part>[a-z0-9]+?)(?P<end>left|right|l|r)?")


def canonical(name: str) -> str:
    """A joint's name as others spell it (LShoulder, left-shoulder, RIGHT_FOOT_INDEX) as ours.

    Returns the empty word for what is not one of `KNOWN_JOINTS` (or ``neck_nose``, ``head``).
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in _ALIASES:
        return _ALIASES[plain]
    if plain in ("nose", "neck", "thorax", "spine", "pelvis", "head"):
        return plain
    match = _SIDED.fullmatch(plain)
    for side, part in _splits(plain) if match else ():
        if part in _PARTS:
            return f"{side}_{_PARTS[part]}"
    return _UNUSED


def _splits(plain: str) -> list[tuple[str, str]]:
    """Every way to take a side off the beginning or the end of a word."""
    out = []
    for mark, side in (("left", "left"), ("right", "right"), ("l", "left"), ("r", "right")):
        if plain.startswith(mark):
            out.append((side, plain[len(mark) :]))
        if plain.endswith(mark):
            out.append((side, plain[: -len(mark)]))
    return out


def named_layout(names: tuple[str, ...] | list[str], title: str = "named joints") -> Layout:
    """A layout from the joints' names in a file, of any spelling and order.

    The first of several points with one meaning is taken. Where face points are lacking, they are
    made from what there is, as in the layouts above.
    """
    for layout in LAYOUTS.values():
        if layout.points == tuple(names):
            return layout
    points, seen = [], set()
    for name in map(canonical, names):
        points.append(_UNUSED if name in seen else name)
        seen.add(name)
    if len(seen & set(MEDIAPIPE_33.points)) >= 25 and "left_thumb" in seen:
        title = MEDIAPIPE_33.name
    face = seen & {"nose", *_sides("eye", "ear")}
    low, high = ({"neck", "neck_nose", "thorax"} & seen), ({"head_top", "head"} & seen)
    if "nose" not in face and low and high:
        lowest = next(n for n in ("neck_nose", "neck", "thorax") if n in low)
        highest = next(n for n in ("head_top", "head") if n in high)
        shares = {"neck_nose": (0.0, 0.35), "neck": (0.45, 0.55), "thorax": (0.65, 0.75)}[lowest]
        made = {k: v for k, v in _head(lowest, highest, *shares).items() if k not in face}
        return Layout(
            title, tuple(points), made, _HEAD_NOTE.format("The file", f"{lowest}, {highest}")
        )
    return Layout(title, tuple(points))
