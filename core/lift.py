"""Track to Pose: 2D keypoints to root-relative 3D joints in camera axes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import savgol_filter

from .confidence import confidence, expected_error, signs
from .errors import ModelError, TrackError
from .mixste.backend import Run, open_backend
from .mixste.model import ModelCard, find_model
from .mixste.picture import INPUTS_OF
from .mixste.view import from_view, to_view
from .mixste.windows import Windows, cut_windows
from .motion import Pose
from .reprojection import fitted
from .skeleton import COCO, COCO_MIRRORED, H36M, network_joints
from .track import Track

_BATCH = 2
"""Windows at a time: what they need stays in a core's cache, a sixth faster than eight."""
_LONGEST_GUESS = 0.4  # seconds


def lift(
    track: Track,
    *,
    model: str = "default",
    device: str = "auto",
    flip: bool | None = None,
    overlap: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> Pose:
    """Lift a track to 3D.

    Args:
        track: any length, frame rate and picture size; missing joints are fine.
        model: a shipped model's name or an ``.onnx`` file with its card.
        device: one of `core.mixste.backend.DEVICES`.
        flip: also lift the mirror image and take the mean (half the speed, a little better);
            None as the model's card says.
        overlap: share of a window that the next one shows again, cross-faded; None likewise.
        progress: called with 0..1; may raise `Cancelled`.

    Returns:
        As many frames as the track has, at its frame rate. The confidence falls with the error
        that is to be expected, and is 0 where a joint was not seen.

    Raises:
        TrackError: the track is empty.
        ModelError: see `find_model`, `open_backend` and `lift_joints`.
    """
    if not (track.select(COCO)[1] > 0).any():
        raise TrackError(f"{track.name}: nobody is seen in any frame, there is nothing to lift.")
    found = find_model(model)
    run = open_backend(found, device)
    joints, doubts = lift_joints(track, found.card, run, flip, overlap, progress)
    _, seen = network_rays(track)
    error = expected_error(doubts, found.card.joint_errors, found.card.sign_weights)
    return Pose(
        joints.astype(np.float32),
        confidence(error, seen).astype(np.float32),
        track.fps,
        track.name,
        track.person,
    )


def lift_joints(
    track: Track,
    card: ModelCard,
    run: Run,
    flip: bool | None = None,
    overlap: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A track's joints by an opened model, and what tells of their errors; see `lift`.

    Returns:
        (frames, 17, 3) metres, camera axes, relative to the pelvis; (frames, 17, 5)
        `core.confidence.signs`.

    Raises:
        ModelError: the model has other joints.
    """
    if card.joints != 17:
        raise ModelError(
            f"{card.name}: has {card.joints} joints and characters are moved by 17; it is for "
            "measuring (evaluate --dataset: HumanEva has 15 joints, h36m with hr has 16)."
        )
    rays, seen = network_rays(track)
    picture = None if card.input == "view" else INPUTS_OF[card.input](track)
    return lift_rays(rays, seen, track.fps, card, run, picture, flip, overlap, progress)


def lift_rays(
    rays: np.ndarray,
    seen: np.ndarray,
    fps: float,
    card: ModelCard,
    run: Run,
    picture: np.ndarray | None = None,
    flip: bool | None = None,
    overlap: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """`lift_joints`, of the network's own joints.

    Args:
        rays: (frames, 17, 2), see `network_rays`.
        seen: (frames, 17) confidence, 0 where missing.
        fps: frames a second.
        card: of the model.
        run: the model.
        picture: (frames, 17, 2) what a model takes whose card does not say "view".
        flip: see `lift`.
        overlap: see `lift`.
        progress: see `lift`.
    """
    flip = card.flip if flip is None else flip
    overlap = card.overlap if overlap is None else overlap
    windows = cut_windows(len(rays), fps, card.frames, card.rate, overlap)
    if picture is None:
        inputs, axis = to_view(rays[windows.index], seen[windows.index])
    else:
        inputs, axis = picture[windows.index], None
    mirrored = COCO_MIRRORED if card.input == "coco" else H36M.mirrored
    answers = lift_windows(inputs, axis, run, flip, progress, mirrored)
    joints = smoothed(windows.blend(answers), windows.stride)
    apart = disagreement(answers, joints, windows)
    placed = smoothed(fitted(joints, rays, seen, fps, windows.stride), windows.stride)
    doubts = signs(joints, placed, apart, seen, windows.stride)
    return bridged(placed, seen.any(1), round(_LONGEST_GUESS * fps)), doubts


def network_rays(track: Track) -> tuple[np.ndarray, np.ndarray]:
    """The network's 17 joints as rays: (frames, 17, 2) x/z and y/z in camera axes, 0 where missing.

    Also gives (frames, 17) their confidence, 0 where missing.
    """
    xy, confidence = track.select(COCO)
    missing = ~np.isfinite(xy).all(-1) | ~(confidence > 0)
    centre = np.array(track.size) / 2
    rays = np.where(missing[..., None], 0, (xy - centre) / track.focal)
    return network_joints(rays, np.where(missing, 0, confidence))


def lift_windows(
    inputs: np.ndarray,
    axis: np.ndarray | None,
    run: Run,
    flip: bool = True,
    progress: Callable[[float], None] | None = None,
    mirrored: tuple[int, ...] = H36M.mirrored,
) -> np.ndarray:
    """Run a network over all windows of a clip.

    Args:
        inputs: (windows, frames of a window, 17, channels) what the network takes.
        axis: (windows, 3) where each window looks, see `to_view`; None if all look ahead.
        run: the network.
        flip: also run the mirror image.
        progress: called with 0..1; may raise `Cancelled`.
        mirrored: for each of the network's inputs the index of its mirror image.

    Returns:
        (windows, frames of a window, 17, 3) float32, metres, camera axes, relative to the pelvis.
    """
    answers = np.empty((*inputs.shape[:3], 3), np.float32)
    for start in range(0, len(answers), _BATCH):
        if progress:
            progress(start / len(answers))
        part = slice(start, start + _BATCH)
        joints = run(inputs[part])
        if flip:
            other = run(mirror(inputs[part], mirrored))
            joints = (joints + mirror(other, H36M.mirrored)) / 2
        joints[:, :, 0] = 0  # the root is the origin; what a network says of it is not trained
        answers[part] = joints if axis is None else from_view(joints, axis[part])
    if progress:
        progress(1.0)
    return answers


def smoothed(joints: np.ndarray, stride: int) -> np.ndarray:
    """Neighbouring frames that different windows answered, brought together.

    With a stride above 1 every frame's neighbours come from other windows, each with an error of
    its own, so nothing faster than the windows' own rate is real; what the fit brings in faster
    than that is the detector's trembling. A quadratic over two strides takes just that out.
    """
    width = 2 * stride + 1
    if stride == 1 or len(joints) <= width:
        return joints
    return np.asarray(savgol_filter(joints, width, 2, axis=0))


def bridged(joints: np.ndarray, seen: np.ndarray, longest: int) -> np.ndarray:
    """The way from one pose to the next where nobody was seen for long.

    The network fills short gaps well; in long ones it makes up poses that nobody took.

    Args:
        joints: (frames, 17, 3).
        seen: (frames,) bool.
        longest: frames of a gap that are left to the network.
    """
    out = joints.copy()
    known = np.flatnonzero(seen)
    for start, stop in pairwise(known):
        if stop - start - 1 > longest:
            share = np.linspace(0, 1, stop - start + 1)[1:-1, None, None]
            share = share * share * (3 - 2 * share)
            out[start + 1 : stop] = joints[start] + share * (joints[stop] - joints[start])
    return out


def disagreement(answers: np.ndarray, joints: np.ndarray, windows: Windows) -> np.ndarray:
    """(frames, 17) metres: how far the windows' answers lie from what was made of them."""
    square = ((answers - joints[windows.index]) ** 2).sum(-1)
    mean = uniform_filter1d(windows.blend(square), 4 * windows.stride + 1, axis=0)
    return np.sqrt(np.maximum(mean, 0))  # the running sum can fall a hair below 0


def mirror(values: np.ndarray, mirrored: tuple[int, ...]) -> np.ndarray:
    """Left and right exchanged, x negated; (..., joints, channels)."""
    out = values[..., list(mirrored), :].copy()
    out[..., 0] *= -1
    return out
