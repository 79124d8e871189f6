"""The protocols that lifters are compared by on the research data sets.

Two ways of lifting a recording are measured beside each other. "published" is the authors' code:
windows of neighbouring frames, whatever rate the model learnt at, without overlap, the last one
made of the last frames, so that some frames count twice; a recording that is too short is
lengthened by its last frame, which counts too; the root's own error counts; and velocities are
taken across the borders of windows. "overlapped" is how this program lifts (`core.lift.lift_rays`):
windows at the model's own rate that overlap as its card says and are cross-faded, the fit to the
keypoints, every frame counted once, and the root as the origin. Skeletons of other than 17 joints
have no fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import ModelError, MotionError
from ..lift import lift_rays, mirror
from ..mixste.backend import Run
from ..mixste.model import ModelCard
from ..mixste.picture import h36m_joints
from ..mixste.view import from_view, to_view
from ..mixste.windows import cut_windows
from ..skeleton import COCO_MIRRORED, H36M, network_joints
from .datasets.sequence import Sequence
from .metrics import joint_errors, mpjpe, n_mpjpe, p_mpjpe

Alike = Literal["actions", "frames"]

WINDOWS = ("published", "overlapped")
_BATCH = 8
_THRESHOLDS = np.linspace(0, 150, 31)
_PCK_JOINTS = (1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16)
"""MPI-INF-3DHP's own evaluation: head, neck, shoulders, elbows, wrists, hips, knees, ankles."""


@dataclass(frozen=True)
class Answer:
    """What a model made of one sequence, and the truth beside it.

    Attributes:
        sequence: what was lifted.
        joints: (frames, joints, 3) metres, camera axes.
        frames: (frames,) int, which frames of the sequence these are.
    """

    sequence: Sequence
    joints: np.ndarray
    frames: np.ndarray

    @property
    def target(self) -> np.ndarray:
        """(frames, joints, 3) the truth, likewise."""
        return self.sequence.joints[self.frames]

    @property
    def keypoints(self) -> np.ndarray:
        """(frames, joints, 2) pixels where the joints were seen, or made from COCO's keypoints."""
        seen = self.sequence.xy[self.frames]
        return h36m_joints(seen) if self.sequence.coco else seen

    @property
    def valid(self) -> np.ndarray:
        """(frames,) bool, which of them count."""
        return self.sequence.valid[self.frames]


@dataclass(frozen=True)
class ActionScore:
    """Errors of one action or of their mean; mm, velocities mm a frame, shares in percent.

    Attributes:
        frames: frames measured.
        mpjpe: protocol 1.
        p_mpjpe: protocol 2, after the best similarity transform of each frame.
        n_mpjpe: protocol 3, after the best scale of each frame.
        mpjve: velocity error, between frames that both count; NaN where no two neighbours do.
        pck: share of the joints that are less than 150 mm off; with 17 joints of MPI-INF-3DHP's
            fourteen, that is without pelvis, spine and nose.
        auc: mean of that share over the thresholds 0, 5 ... 150 mm.
    """

    frames: int
    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    mpjve: float
    pck: float
    auc: float


@dataclass(frozen=True)
class ProtocolScore:
    """Errors by action, their means, and their spread.

    Attributes:
        actions: by action.
        mean: the one that is published of this data set.
        alike: what counts alike in ``mean``.
        other_mean: in which the other counts alike.
        variance: of MPJPE between the actions, mm², the paper's VAR.
    """

    actions: dict[str, ActionScore]
    mean: ActionScore
    alike: Alike
    other_mean: ActionScore
    variance: float


def answers(
    sequences: Iterable[Sequence],
    card: ModelCard,
    run: Run,
    windows: str = "published",
    flip: bool = True,
) -> Iterable[Answer]:
    """A model's answers to all sequences.

    COCO's keypoints are made into the joints that the model takes as they are at run time, but for
    a model that was trained on them.

    Args:
        sequences: what to lift.
        card: of the model.
        run: the model.
        windows: one of `WINDOWS`.
        flip: also lift the mirror image and take the mean.

    Raises:
        ModelError: the model takes COCO's keypoints, and a sequence has others.
    """
    answer = _published if windows == "published" else _overlapped
    for sequence in sequences:
        yield answer(sequence, card, run, flip)


def middle_window(sequence: Sequence, card: ModelCard, windows: str) -> np.ndarray:
    """(frames, joints, channels) what a model takes in the middle of a sequence."""
    length = len(sequence.xy)
    if windows == "published":
        index = published_index(length, card.frames)
    else:
        index = cut_windows(length, sequence.fps, card.frames, card.rate, card.overlap).index
    inputs, _ = _inputs(sequence, card, index[len(index) // 2 :][:1])
    return inputs[0]


def published_index(length: int, frames: int) -> np.ndarray:
    """(windows, frames) frame numbers: no overlap, but for the last window; see the module."""
    if length < frames:
        return np.arange(frames).clip(max=length - 1)[None]
    starts = [*range(0, length - frames + 1, frames)]
    if length % frames:
        starts.append(length - frames)
    return np.array(starts)[:, None] + np.arange(frames)


def score_answers(found: Iterable[Answer], alike: Alike = "actions") -> ProtocolScore:
    """Errors by action, each the mean over its sequences weighted by their frames.

    Args:
        found: what a model made of all sequences.
        alike: what counts alike in the mean that is published. P-STMO's of MPI-INF-3DHP goes over
            the frames ("averaging sequencewise evaluation results over the number of frames").

    Raises:
        MotionError: no frame of any sequence counts.
    """
    rows: dict[str, list[tuple[int, list[float]]]] = defaultdict(list)
    for answer in found:
        if answer.valid.any():
            rows[answer.sequence.action].append(_row(answer))
    if not rows:
        raise MotionError("none of the sequences has a frame that counts.")
    actions = {}
    for action, parts in rows.items():
        frames = [count for count, _ in parts]
        values = _means(np.array([row for _, row in parts]), np.array(frames))
        actions[action] = ActionScore(sum(frames), *values)
    table = np.array([list(vars(s).values()) for s in actions.values()], float)
    frames = table[:, 0]
    each = np.ones(len(frames))
    mean, other = (
        ActionScore(int(frames.sum()), *_means(table[:, 1:], weights))
        for weights in ((each, frames) if alike == "actions" else (frames, each))
    )
    return ProtocolScore(actions, mean, alike, other, float(table[:, 1].var()))


def _means(rows: np.ndarray, weights: np.ndarray) -> list[float]:
    """Weighted mean of every column over the rows that have it: velocities may be missing."""
    mean = np.ma.average(np.ma.masked_invalid(rows), axis=0, weights=weights)
    return np.ma.filled(mean, np.nan).tolist()


def _row(answer: Answer) -> tuple[int, list[float]]:
    joints, target = answer.joints[answer.valid], answer.target[answer.valid]
    counted = list(_PCK_JOINTS) if joints.shape[1] == 17 else slice(1, None)
    error = joint_errors(joints[:, counted], target[:, counted])
    shares = [float((error < limit).mean() * 100) for limit in _THRESHOLDS]
    pairs = answer.valid[1:] & answer.valid[:-1]
    steps = [np.diff(side, axis=0)[pairs] for side in (answer.joints, answer.target)]
    velocity = mpjpe(*steps) if pairs.any() else np.nan
    errors = [metric(joints, target) for metric in (mpjpe, p_mpjpe, n_mpjpe)]
    return len(joints), [*errors, velocity, shares[-1], float(np.mean(shares))]


def _published(sequence: Sequence, card: ModelCard, run: Run, flip: bool) -> Answer:
    index = published_index(len(sequence.xy), card.frames)
    joints = _lifted(sequence, card, index, run, flip)
    return Answer(sequence, joints.reshape(-1, *joints.shape[2:]), index.ravel())


def _overlapped(sequence: Sequence, card: ModelCard, run: Run, flip: bool) -> Answer:
    frames = np.arange(len(sequence.xy))
    if sequence.skeleton == H36M:
        picture = _picture(sequence, card)
        joints, _ = lift_rays(*_rays(sequence), sequence.fps, card, run, picture, flip)
    else:
        windows = cut_windows(len(frames), sequence.fps, card.frames, card.rate, card.overlap)
        joints = windows.blend(_lifted(sequence, card, windows.index, run, flip))
        joints[:, 0] = 0
    return Answer(sequence, joints, frames)


def _inputs(
    sequence: Sequence, card: ModelCard, index: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """What the network takes, by the conventions that its card names; and where it looks."""
    picture = _picture(sequence, card)
    if picture is not None:
        return picture[index], None
    rays, seen = _rays(sequence)
    return to_view(rays[index], seen[index])


def _picture(sequence: Sequence, card: ModelCard) -> np.ndarray | None:
    """(frames, joints, 2) what a model takes whose card does not say "view"."""
    if card.input == "coco" and not sequence.coco:
        raise ModelError(
            f"{card.name}: takes COCO's keypoints, but those of {sequence.name} are other joints."
        )
    if card.input == "view":
        return None
    made = sequence.coco and card.input == "picture"
    return h36m_joints(sequence.normalised()) if made else sequence.normalised()


def _rays(sequence: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """(frames, joints, 2) rays of the joints, and (frames, joints) their confidence."""
    rays = sequence.rays().astype(float)
    seen = np.ones(rays.shape[:2])
    return network_joints(rays, seen) if sequence.coco else (rays, seen)


def _lifted(
    sequence: Sequence, card: ModelCard, index: np.ndarray, run: Run, flip: bool
) -> np.ndarray:
    """(windows, frames, joints, 3) what the network says of these windows, camera axes."""
    inputs, axis = _inputs(sequence, card, index)
    given = sequence.skeleton.mirrored
    taken = COCO_MIRRORED if card.input == "coco" else given
    out = []
    for start in range(0, len(inputs), _BATCH):
        part = inputs[start : start + _BATCH]
        joints = run(part)
        if flip:
            joints = (joints + mirror(run(mirror(part, taken)), given)) / 2
        out.append(joints)
    joints = np.concatenate(out)
    return joints if axis is None else from_view(joints, axis)
