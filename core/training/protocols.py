"""The protocols that lifters are compared by on the research data sets.

Two ways of cutting a recording into windows are measured beside each other. "published" is the
authors' code: windows without overlap, the last one made of the last frames, so that some frames
count twice; a recording that is too short is lengthened by its last frame, which counts too; the
root's own error counts; and velocities are taken across the borders of windows. "overlapped" is
how this program lifts: windows overlap and are cross-faded, every frame counts once, and the root
is the origin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import MotionError
from ..mixste.backend import Run
from ..mixste.model import ModelCard
from ..mixste.view import from_view, to_view
from ..mixste.windows import cut_windows
from ..skeleton import Skeleton
from .datasets.sequence import Sequence
from .metrics import joint_errors, mpjpe, n_mpjpe, p_mpjpe

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
        target: (frames, joints, 3) likewise; frames as the windows have them.
        keypoints: (frames, joints, 2) pixels, likewise.
        valid: (frames,) bool.
    """

    sequence: Sequence
    joints: np.ndarray
    target: np.ndarray
    keypoints: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True)
class ActionScore:
    """Errors of one action or of their mean; mm, velocities mm a frame, shares in percent.

    Attributes:
        frames: frames measured.
        mpjpe: protocol 1.
        p_mpjpe: protocol 2, after the best similarity transform of each frame.
        n_mpjpe: protocol 3, after the best scale of each frame.
        mpjve: velocity error, between frames that both count.
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
    """Errors by action, their mean in which every action counts alike, and their spread.

    Attributes:
        actions: by action.
        mean: over the actions.
        variance: of MPJPE between the actions, mm², the paper's VAR.
    """

    actions: dict[str, ActionScore]
    mean: ActionScore
    variance: float


def answers(
    sequences: Iterable[Sequence],
    card: ModelCard,
    run: Run,
    skeleton: Skeleton,
    windows: str = "published",
    flip: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Iterable[Answer]:
    """A model's answers to all sequences.

    Args:
        sequences: what to lift.
        card: of the model.
        run: the model.
        skeleton: of the sequences, for the mirror image.
        windows: one of `WINDOWS`.
        flip: also lift the mirror image and take the mean.
        progress: told the number of sequences done.
    """
    cut = _published if windows == "published" else _overlapped
    for number, sequence in enumerate(sequences, 1):
        yield cut(sequence, card, lambda x: _lifted(x, run, skeleton, flip))
        if progress:
            progress(number)


def network_inputs(sequence: Sequence, card: ModelCard) -> np.ndarray:
    """(windows, frames, joints, channels) what a model takes of a sequence, cut as published."""
    return _inputs(sequence, card, published_index(len(sequence.xy), card.frames))[0]


def published_index(length: int, frames: int) -> np.ndarray:
    """(windows, frames) frame numbers: no overlap, but for the last window; see the module."""
    if length < frames:
        return np.arange(frames).clip(max=length - 1)[None]
    starts = [*range(0, length - frames + 1, frames)]
    if length % frames:
        starts.append(length - frames)
    return np.array(starts)[:, None] + np.arange(frames)


def score_answers(found: Iterable[Answer]) -> ProtocolScore:
    """Errors by action, each the mean over its sequences weighted by their frames.

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
        values = np.average([row for _, row in parts], axis=0, weights=frames)
        actions[action] = ActionScore(sum(frames), *values.tolist())
    table = np.array([list(vars(s).values()) for s in actions.values()], float)
    mean = ActionScore(int(table[:, 0].sum()), *table[:, 1:].mean(0).tolist())
    return ProtocolScore(actions, mean, float(table[:, 1].var()))


def _row(answer: Answer) -> tuple[int, list[float]]:
    joints, target = answer.joints[answer.valid], answer.target[answer.valid]
    counted = list(_PCK_JOINTS) if joints.shape[1] == 17 else slice(1, None)
    error = joint_errors(joints[:, counted], target[:, counted])
    shares = [float((error < limit).mean() * 100) for limit in _THRESHOLDS]
    pairs = answer.valid[1:] & answer.valid[:-1]
    steps = [np.diff(side, axis=0)[pairs] for side in (answer.joints, answer.target)]
    velocity = mpjpe(*steps) if pairs.any() else 0.0
    errors = [metric(joints, target) for metric in (mpjpe, p_mpjpe, n_mpjpe)]
    return len(joints), [*errors, velocity, shares[-1], float(np.mean(shares))]


def _published(sequence: Sequence, card: ModelCard, lifted: Run) -> Answer:
    index = published_index(len(sequence.xy), card.frames)
    inputs, axis = _inputs(sequence, card, index)
    joints = _in_camera(lifted(inputs), axis)
    shape, frames = (-1, *sequence.joints.shape[1:]), index.ravel()
    return Answer(
        sequence,
        joints.reshape(shape),
        sequence.joints[frames],
        sequence.xy[frames],
        sequence.valid[frames],
    )


def _overlapped(sequence: Sequence, card: ModelCard, lifted: Run) -> Answer:
    windows = cut_windows(len(sequence.xy), sequence.fps, card.frames, card.rate)
    inputs, axis = _inputs(sequence, card, windows.index)
    joints = windows.blend(_in_camera(lifted(inputs), axis))
    joints[:, 0] = 0
    return Answer(sequence, joints, sequence.joints, sequence.xy, sequence.valid)


def _inputs(
    sequence: Sequence, card: ModelCard, index: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """What the network takes, by the conventions that its card names; and where it looks."""
    if card.input == "picture":
        return sequence.normalised()[index], None
    rays = sequence.rays()[index]
    return to_view(rays, np.ones(rays.shape[:-1], np.float32))


def _in_camera(joints: np.ndarray, axis: np.ndarray | None) -> np.ndarray:
    return joints if axis is None else from_view(joints, axis)


def _lifted(inputs: np.ndarray, run: Run, skeleton: Skeleton, flip: bool) -> np.ndarray:
    out = []
    for start in range(0, len(inputs), _BATCH):
        part = inputs[start : start + _BATCH]
        joints = run(part)
        if flip:
            joints = (joints + _mirror(run(_mirror(part, skeleton)), skeleton)) / 2
        out.append(joints)
    return np.concatenate(out)


def _mirror(values: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Left and right exchanged, x negated; (..., joints, channels)."""
    out = values[..., list(skeleton.mirrored), :].copy()
    out[..., 0] *= -1
    return out
