"""A simulated 2D detector: COCO's 17 keypoints on captured bodies, with a detector's faults."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..skeleton import COCO, H36M
from .cameras import Cameras
from .constants import constant

Draw = Callable[..., Tensor]
"""Random numbers of a shape given as whole numbers."""

_COCO_INDEX = {name: i for i, name in enumerate(COCO)}
_LIMBS = [(i, H36M.names.index(n)) for i, n in enumerate(COCO) if n in H36M.names]
_IS_LEG = tuple(float(name.endswith(("knee", "ankle"))) for name in COCO)
_SWAPS = [
    [(_COCO_INDEX[f"left_{p}"], _COCO_INDEX[f"right_{p}"]) for p in parts]
    for parts in (("knee", "ankle"), ("elbow", "wrist"), ("hip", "knee", "ankle"))
]
_COARSE = {"hip": 1.5, "wrist": 1.5, "ankle": 1.4, "elbow": 1.2, "knee": 1.1, "ear": 0.8,
           "eye": 0.6, "nose": 0.7, "shoulder": 1.0}  # fmt: skip
"""How much harder than a shoulder each joint is to find."""


_TOWARDS = (
    ("shoulder", "hip", 0.05), ("hip", "shoulder", 0.05), ("hip", "knee", 0.05),
    ("knee", "hip", 0.05), ("knee", "ankle", 0.05), ("ankle", "knee", 0.05),
    ("elbow", "shoulder", 0.06), ("elbow", "wrist", 0.06), ("wrist", "elbow", 0.08),
)  # fmt: skip
_ACROSS = {"shoulder": 0.07, "hip": 0.12}
_AHEAD = {"shoulder": 0.02, "hip": 0.025, "knee": 0.015, "ankle": 0.02, "elbow": 0.01,
          "wrist": 0.01, "nose": 0.01, "eye": 0.01, "ear": 0.015}  # fmt: skip
"""How far detectors put a joint from each other, as standard deviations: towards another and
across the body as a share of the way, ahead in metres; 2 to 3 cm along each."""


def redefined(points: Tensor, random: torch.Generator) -> Tensor:
    """The same joints as another detector means them: each a little elsewhere on the body.

    Left and right alike, and the same through the clip; another draw for each of the batch.

    Args:
        points: (batch, frames, 17, 3), metres, COCO order.
        random: source of randomness.
    """
    batch, device = len(points), points.device

    def draw(deviation: float) -> Tensor:
        return deviation * torch.randn(batch, generator=random, device=device)

    moves = torch.zeros(batch, len(COCO), len(COCO), device=device)
    ahead = torch.zeros(batch, len(COCO), device=device)
    ways = [(f"{{0}}_{a}", f"{{0}}_{b}", share) for a, b, share in _TOWARDS]
    ways += [(f"{{0}}_{name}", f"{{1}}_{name}", share) for name, share in _ACROSS.items()]
    for joint, other, share in ways:
        part = draw(share)
        for sides in (("left", "right"), ("right", "left")):
            a, b = (_COCO_INDEX[name.format(*sides)] for name in (joint, other))
            moves[:, a, b] += part
            moves[:, a, a] -= part
    for name, deviation in _AHEAD.items():
        ahead[:, [i for i, n in enumerate(COCO) if n.endswith(name)]] = draw(deviation)[:, None]
    left = points[:, :, [5, 11]].sum(2) - points[:, :, [6, 12]].sum(2)
    up = points[:, :, [5, 6]].sum(2) - points[:, :, [11, 12]].sum(2)
    forward = _unit(torch.linalg.cross(left, up))
    moved = torch.einsum("bjk,btkd->btjd", moves.to(points.dtype), points)
    return points + moved + ahead[:, None, :, None] * forward[:, :, None]


def keypoints(joints: Tensor, random: torch.Generator) -> Tensor:
    """Where a detector sees COCO's keypoints: limbs at the joints, eyes and ears on the head.

    The head's frame comes from neck base, nose and head top; heads differ from window to window.

    Args:
        joints: (batch, frames, 17, 3), world metres, Human3.6M order.
        random: source of randomness.

    Returns:
        (batch, frames, 17, 3), world metres, COCO order.
    """
    neck, nose, top = joints[:, :, 8], joints[:, :, 9], joints[:, :, 10]
    up = _unit(top - neck)
    ahead = nose - (neck + top) / 2
    ahead = _unit(ahead - (ahead * up).sum(-1, keepdim=True) * up)
    left = torch.linalg.cross(up, ahead)
    size = (top - neck).norm(dim=-1).mean(1)[:, None, None] / 0.27
    wobble = 1 + 0.15 * torch.randn(len(joints), 6, generator=random, device=joints.device)
    eye_up, eye_out, eye_back, ear_up, ear_out, ear_back = (
        wobble[:, None, None] * size[..., None]
    ).unbind(-1)

    out = torch.empty(*joints.shape[:2], len(COCO), 3, device=joints.device)
    for i, j in _LIMBS:
        out[:, :, i] = joints[:, :, j]
    out[:, :, 0] = nose
    eyes = nose + 0.035 * eye_up * up - 0.020 * eye_back * ahead
    ears = nose + 0.010 * ear_up * up - 0.105 * ear_back * ahead
    out[:, :, 1], out[:, :, 2] = eyes + 0.032 * eye_out * left, eyes - 0.032 * eye_out * left
    out[:, :, 3], out[:, :, 4] = ears + 0.075 * ear_out * left, ears - 0.075 * ear_out * left
    return out


def detect(
    points: Tensor,
    cameras: Cameras,
    noise: float,
    random: torch.Generator,
    knot: int = 4,
    cell: int | None = None,
) -> tuple[Tensor, Tensor]:
    """2D keypoints and confidences as a detector would give them.

    Args:
        points: (batch, frames, 17, 3) COCO keypoints, camera metres.
        cameras: for the picture's borders.
        noise: 0 sees perfectly; 1 is the usual mixture of good and bad detectors.
        random: source of randomness.
        knot: frames over which the slow part of the error changes.
        cell: frames in which a fault may happen once; all of them where not given.

    Returns:
        (batch, frames, 17, 2) x/z and y/z in camera axes, and (batch, frames, 17) confidence, 0
        where a joint is missing.
    """
    depth = points[..., 2:].clamp_min(0.2)
    rays = points[..., :2] / depth
    if noise == 0:
        return rays, torch.ones_like(rays[..., 0])
    batch, frames, joints, _ = rays.shape
    device = rays.device

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=random, device=device)

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, device=device)

    def bursts(wide: int, share: float) -> Tensor:
        return _bursts(rand, batch, frames, wide, share, cell or frames)

    coarse = constant(tuple(_COARSE[n.split("_")[-1]] for n in COCO), device)
    # A detector's error is a share of the person's size in the picture.
    person = 1.7 / depth.mean((2, 3))
    level = noise * (0.5 * randn(batch)).exp() * (rand(batch) > 0.12)
    unit = (person * level[:, None])[..., None, None]

    bias = randn(batch, 1, joints, 2) * 0.010 * coarse[:, None]
    slow = (
        _slow(randn(batch, max(2, frames // knot + 1), joints, 2), frames) * 0.009 * coarse[:, None]
    )
    fast = randn(batch, frames, joints, 2) * 0.003
    wild = (bursts(joints, 0.05) * 1.0)[..., None]
    astray = randn(batch, 1, joints, 2) * 0.05 + randn(batch, frames, joints, 2) * 0.02
    error = (bias + slow + fast + wild * astray * coarse[:, None]) * unit
    seen = rays + error
    seen = _swapped(seen, bursts, level)

    lost = bursts(joints, 0.05) | (rand(batch, frames, joints) < 0.01)
    lost |= (rand(batch, frames, 1) < 0.01) | bursts(1, 0.03)
    lost |= (rand(batch, 1, 1) < 0.03) & (constant(_IS_LEG, device) > 0)
    lost &= level[:, None, None] > 0
    outside = (seen.abs() > cameras.half[:, None, None]).any(-1)
    lost |= outside & (rand(batch, 1, 1) < 0.6)

    confidence = _confidence((seen - rays).norm(dim=-1) / person[..., None], rand, randn)
    return seen, confidence * ~lost


def _unit(v: Tensor) -> Tensor:
    return v / v.norm(dim=-1, keepdim=True).clamp_min(1e-6)


def _slow(keys: Tensor, frames: int) -> Tensor:
    """(batch, keys, ...) spread linearly over ``frames``."""
    at = torch.linspace(0, keys.shape[1] - 1.001, frames, device=keys.device)
    low = at.long()
    part = (at - low).reshape(1, -1, *[1] * (keys.ndim - 2))
    return keys[:, low] * (1 - part) + keys[:, low + 1] * part


def _bursts(rand: Draw, batch: int, frames: int, joints: int, share: float, cell: int) -> Tensor:
    """(batch, frames, joints) bool: in each cell of frames, one run in a share of the joints."""
    cells = -(-frames // cell)
    start = rand(batch, cells, joints) * cell * 1.3 - 0.3 * cell
    length = rand(batch, cells, joints) * 0.5 * cell + 1
    hit = rand(batch, cells, joints) < share
    at = torch.arange(frames, device=start.device)
    own, at = at // cell, (at % cell)[None, :, None]
    return hit[:, own] & (at >= start[:, own]) & (at < (start + length)[:, own])


def _swapped(seen: Tensor, bursts: Callable[[int, float], Tensor], level: Tensor) -> Tensor:
    """Left and right taken for each other over some frames."""
    out = seen.clone()
    for pairs in _SWAPS:
        when = bursts(1, 0.015) & (level > 0)[:, None, None]
        for left, right in pairs:
            out[:, :, left] = torch.where(when, seen[:, :, right], out[:, :, left])
            out[:, :, right] = torch.where(when, seen[:, :, left], out[:, :, right])
    return out


def _confidence(error: Tensor, rand: Draw, randn: Draw) -> Tensor:
    """Falls with the error (a share of the person's height), on a scale that differs by window."""
    batch = len(error)
    base = 0.03 / (0.03 + error) + 0.08 * randn(*error.shape)
    power = 0.4 + 1.6 * rand(batch, 1, 1)
    gain = 0.6 + 0.45 * rand(batch, 1, 1)
    return (base.clamp(0.02, 1) ** power * gain).clamp(0.02, 1)
