"""Which way head, feet and hands are turned, from the keypoints on them.

The 17 lifted joints end at ankles and wrists. Detectors see more: nose, eyes and ears, heels and
toes, knuckles. Each of these parts is taken for a small rigid body of known form, and turned until
its landmarks appear where they were seen. One view leaves some turns open, so each part is drawn to
where it is to be expected: a head as it was lifted, a standing foot flat, a lifted one at right
angles to its shin, a hand in line with its forearm. Over a clip that is one banded least-squares
problem, solved a few times (Gauss-Newton), with weight taken from landmarks that disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded
from scipy.spatial.transform import Rotation

from ..skeleton import EXTREMITIES, H36M
from ..track import Track
from .root_path import rays

_J = {name: i for i, name in enumerate(H36M.names)}
_TALL = 1.70  # metres: of the person whose landmarks are given below
_ROUNDS = 6
_SEEN = 0.015  # metres: standard deviation of a landmark about its place
_SEEN_LASTS, _TURNED_LASTS = 0.4, 0.3  # seconds that such an error, and a turn of a part, last
_SIZES = (0.75, 1.3)  # of a person's own part against the usual one
_NEAREST = 0.3  # metres in front of the camera
_SHOWN, _HIDDEN = 0.0, 0.03  # metres farther than its middle where a head hides landmarks
_GUESSED = 0.1  # weight of one that is hidden
_FLAT = 0.4  # how much less a standing foot is pitched than a lifted one


@dataclass(frozen=True)
class _Part:
    """A part's landmarks, metres to the left, up and forward; and how far, in radians, it turns
    about these three axes from where it is expected. `ends` are those that say most of it. What is
    `solid` hides its landmarks on the far side, of which detectors only guess.
    """

    landmarks: dict[str, tuple[float, float, float]]
    turns: tuple[float, float, float]
    ends: tuple[str, ...]
    solid: bool = False


def _foot(side: str, outward: float) -> _Part:
    return _Part(
        {
            f"{side}_ankle": (0.0, 0.0, 0.0),
            f"{side}_heel": (0.0, -0.06, -0.06),
            f"{side}_big_toe": (-0.03 * outward, -0.075, 0.16),
            f"{side}_small_toe": (0.05 * outward, -0.075, 0.11),
        },
        (0.45, 0.5, 0.2),
        (f"{side}_heel", f"{side}_big_toe", f"{side}_small_toe"),
    )


def _hand(side: str, outward: float) -> _Part:
    return _Part(
        {
            f"{side}_wrist": (0.0, 0.0, 0.0),
            f"{side}_index": (-0.03 * outward, 0.0, 0.09),
            f"{side}_pinky": (0.035 * outward, 0.0, 0.08),
            f"{side}_thumb": (-0.045 * outward, -0.02, 0.05),
        },
        (0.5, 0.2, 0.8),
        (f"{side}_index", f"{side}_pinky"),
    )


_HEAD = _Part(
    {
        "nose": (0.0, -0.012, 0.11),
        "left_eye": (0.032, 0.025, 0.085),
        "right_eye": (-0.032, 0.025, 0.085),
        "left_ear": (0.07, 0.0, 0.0),
        "right_ear": (-0.07, 0.0, 0.0),
    },
    (0.25, 0.5, 0.25),
    ("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    solid=True,
)
_PARTS = dict(
    zip(
        EXTREMITIES,
        (_HEAD, _foot("left", 1), _foot("right", -1), _hand("left", 1), _hand("right", -1)),
        strict=True,
    )
)


def extremity_axes(
    joints: np.ndarray,
    root: np.ndarray,
    track: Track,
    up: np.ndarray,
    stands: np.ndarray,
    height: float,
) -> tuple[np.ndarray, np.ndarray]:
    """How head, feet and hands are turned.

    Args:
        joints: (frames, 17, 3) metres, camera axes, relative to the pelvis.
        root: (frames, 3) the pelvis, camera metres.
        track: the keypoints.
        up: (3,) unit vector, camera axes.
        stands: (frames, 2) probability that the left, the right foot stands.
        height: of the person, metres.

    Returns:
        (frames, 5, 3, 3) for each of `EXTREMITIES` its axes as columns, left, up and forward, in
        camera axes: forward is where a face looks, from heel to toes, along the fingers; up is the
        crown, the back of the foot, the back of the hand. And (frames, 5) confidence, 0..1, 0 where
        there is nothing but what is expected.
    """
    axes = np.empty((len(joints), len(_PARTS), 3, 3))
    confidence = np.zeros((len(joints), len(_PARTS)))
    for i, (name, part) in enumerate(_PARTS.items()):
        expected, anchor, turns = _expected(name, part, joints, up, stands)
        xy, seen = track.select(tuple(part.landmarks))
        seen = np.where(np.isfinite(xy).all(-1), seen, 0.0)
        ends = [list(part.landmarks).index(end) for end in part.ends]
        confidence[:, i] = np.where((seen > 0).sum(1) > 1, seen[:, ends].mean(1), 0.0)
        slopes = rays(np.nan_to_num(xy), track.focal, track.size)
        look, places = _across(joints[:, anchor] + root, slopes)
        model = np.array(list(part.landmarks.values())) * (height / _TALL)
        turned = _turned(look @ expected, turns, places, seen, model, part.solid, track.fps)
        axes[:, i] = np.swapaxes(look, -1, -2) @ turned
    return axes, confidence


def _across(anchor: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axes (frames, 3, 3) that look at a part, and its landmarks (frames, n, 2) there, in metres.

    Args:
        anchor: (frames, 3) where the part is, camera metres.
        slopes: (frames, n, 2) of the rays on which its landmarks were seen.
    """
    depth = np.maximum(np.linalg.norm(anchor, axis=-1), _NEAREST)
    ahead = anchor / depth[:, None]
    right = np.cross((0.0, 1.0, 0.0), ahead)
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    look = np.stack([right, np.cross(ahead, right), ahead], axis=1)
    seen = np.concatenate([slopes, np.ones_like(slopes[..., :1])], -1) @ np.swapaxes(look, -1, -2)
    return look, depth[:, None, None] * seen[..., :2] / np.maximum(seen[..., 2:], 0.1)


def _expected(
    name: str, part: _Part, joints: np.ndarray, up: np.ndarray, stands: np.ndarray
) -> tuple[np.ndarray, int, np.ndarray]:
    """Axes (frames, 3, 3) where the part is expected, the joint it is at, and its turns from there.

    Turns are (frames, 3) standard deviations.
    """
    turns = np.broadcast_to(part.turns, (len(joints), 3))
    side, _, limb = name.rpartition("_")
    if limb == "head":
        middle = 0.5 * (joints[:, _J["thorax"]] + joints[:, _J["head"]])
        forward = _unit(joints[:, _J["neck_nose"]] - middle)
        crown = joints[:, _J["head"]] - joints[:, _J["thorax"]]
        left = _unit(np.cross(crown, forward))
        return np.stack([left, np.cross(forward, left), forward], -1), _J["head"], turns
    across = _unit(joints[:, _J["left_hip"]] - joints[:, _J["right_hip"]])
    if limb == "foot":
        ankle = _J[f"{side}_ankle"]
        standing = stands[:, [0 if side == "left" else 1]]
        shin = _unit(joints[:, _J[f"{side}_knee"]] - joints[:, ankle])
        upward = _unit(standing * up + (1 - standing) * shin)
        forward = _unit(np.cross(across, upward))
        flat = np.where([True, False, False], 1 + standing * (_FLAT - 1), 1.0)
        return np.stack([np.cross(upward, forward), upward, forward], -1), ankle, turns * flat
    elbow, wrist = joints[:, _J[f"{side}_elbow"]], joints[:, _J[f"{side}_wrist"]]
    forward = _unit(wrist - elbow)
    chest = np.cross(across, joints[:, _J["thorax"]] - joints[:, 0])
    # The thumb is on the side to which the elbow bends; of a straight arm, in front.
    thumb = _unit(joints[:, _J[f"{side}_shoulder"]] - elbow) + 0.3 * _unit(chest)
    upward = _unit(np.cross(thumb, forward) if side == "left" else np.cross(forward, thumb))
    return np.stack([np.cross(upward, forward), upward, forward], -1), _J[f"{side}_wrist"], turns


def _turned(
    expected: np.ndarray,
    turns: np.ndarray,
    places: np.ndarray,
    seen: np.ndarray,
    model: np.ndarray,
    solid: bool,
    fps: float,
) -> np.ndarray:
    """The part's axes (frames, 3, 3) as they are seen; all in axes that look at it.

    Args:
        expected: (frames, 3, 3) where it is expected.
        turns: (frames, 3) standard deviations of its rotation vector from there.
        places: (frames, n, 2) landmarks, metres across the view.
        seen: (frames, n) confidence in them.
        model: (n, 3) landmarks in the part's own axes.
        solid: those on its far side are hardly believed.
        fps: frames a second.
    """
    vector, size = np.zeros(turns.shape), 1.0
    weight = seen / (_SEEN**2 * max(1.0, _SEEN_LASTS * fps))
    # The turn from the expected wanders as an Ornstein-Uhlenbeck process does.
    lasts = max(1.0, _TURNED_LASTS * fps)
    precision, stiff = 1 / (2 * turns**2 * lasts), lasts / (2 * turns[1:] * turns[:-1])
    agreement = np.ones_like(seen)
    # What happens to a landmark when the part turns about its own axes.
    lever = -np.cross(np.eye(3), model[:, None])
    for _ in range(_ROUNDS):
        axes = expected @ Rotation.from_rotvec(vector).as_matrix()
        trust = weight * agreement
        if solid:
            away = axes[:, 2] @ model.T
            trust = trust * np.clip((_HIDDEN - away) / (_HIDDEN - _SHOWN), _GUESSED, 1.0)
        shown = _centred(np.einsum("tij,nj->tni", axes[:, :2], size * model), trust)
        moved = _centred(np.einsum("tij,nkj->tnik", axes[:, :2], -size * lever), trust)
        missed = _centred(places, trust) - shown
        normal = np.einsum("tn,tnik,tnil->tkl", trust, moved, moved)
        pull = np.einsum("tn,tnik,tni->tk", trust, moved, missed)
        vector = vector + _step(normal, pull, precision, stiff, vector)
        agreement = 1 / (1 + np.sum(missed**2, -1) / (3 * _SEEN) ** 2)
        span = np.sum(trust[..., None] * shown**2)
        fit = np.sum(trust[..., None] * shown * (shown + missed))
        size = float(np.clip(size * fit / max(span, 1e-12), *_SIZES)) if span > 0 else 1.0
    return expected @ Rotation.from_rotvec(vector).as_matrix()


def _step(
    normal: np.ndarray,
    pull: np.ndarray,
    precision: np.ndarray,
    stiff: np.ndarray,
    vector: np.ndarray,
) -> np.ndarray:
    """(frames, 3) to add to the rotation vectors: seen places, habit and steadiness balanced."""
    frames = len(vector)
    band = np.zeros((4, frames, 3))
    for i in range(3):
        for j in range(i, 3):
            band[3 - (j - i), :, j] = normal[:, i, j]
    band[3] += precision
    change = stiff * np.diff(vector, axis=0)
    band[3, 1:] += stiff
    band[3, :-1] += stiff
    band[0, 1:] = -stiff
    right = pull - precision * vector
    right[1:] -= change
    right[:-1] += change
    return solveh_banded(band.reshape(4, -1), right.reshape(-1)).reshape(frames, 3)


def _centred(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(frames, n, ...) less their weighted mean over n."""
    weight = weight.reshape(*weight.shape, *[1] * (values.ndim - 2))
    total = np.maximum(weight.sum(1, keepdims=True), 1e-12)
    return values - (weight * values).sum(1, keepdims=True) / total


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
