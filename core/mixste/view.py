"""The view that the network sees: a virtual camera that looks straight at the person.

Where in the picture a person stands, and how large, says nothing about the pose, but a camera with
a wide lens shows the same pose from another side at the picture's edge than in its middle. So a
window of frames is turned until the person's mean ray is the optical axis, and scaled until the
body has unit size. The network answers in the axes of that view; `from_view` turns them back.

The functions use nothing but operators, so that training (torch) and run time (numpy) share them.
"""

from __future__ import annotations

from typing import Any

_THIRD = [0, 1, 0]
"""Indexes x and y for an array with room for a third number."""


def to_view(rays: Any, confidence: Any, third: Any = _THIRD) -> tuple[Any, Any]:
    """Network input of a batch of windows, and where each window looks.

    Args:
        rays: (batch, frames, joints, 2) x/z and y/z in camera axes (x right, y down), that is
            pixels from the picture's centre over the focal length; finite also where missing.
        confidence: (batch, frames, joints), 0 where a joint is missing.
        third: 0, 1, 0 to index with, a tensor where the others are tensors on a graphics card.

    Returns:
        (batch, frames, joints, 3) x, y in units of the body's size and confidence, all zero where
        missing; and (batch, 3) the unit ray that became the optical axis, camera axes.
    """
    found = (confidence > 0) * 1.0
    centre = _mean(rays, found[..., None], (1, 2))
    length = (centre[:, 0] ** 2 + centre[:, 1] ** 2 + 1) ** 0.5
    a, b, c = (v[:, None, None] for v in (centre[:, 0] / length, centre[:, 1] / length, 1 / length))
    x, y = rays[..., 0], rays[..., 1]
    along = a * x + b * y
    depth = along + c
    depth = depth * (depth > 0.1) + 0.1 * (depth <= 0.1)
    fold = along / (1 + c) + 1
    view = rays * 1
    view[..., 0] = (x - a * fold) / depth
    view[..., 1] = (y - b * fold) / depth

    spread = view - _mean(view, found[..., None], (2,))[:, :, None]
    size = _mean((spread**2).sum(-1), found, (1, 2)) ** 0.5
    size = size + (size < 1e-6) * 1.0
    inputs = rays[..., third] * 1
    inputs[..., :2] = view / size[:, None, None, None] * found[..., None]
    inputs[..., 2] = confidence

    axis = centre[:, third] * 1
    axis[:, 2] = 1
    return inputs, axis / length[:, None]


def from_view(joints: Any, axis: Any) -> Any:
    """Joints in a window's view back to camera axes.

    Args:
        joints: (batch, frames, joints, 3) as the network gives them.
        axis: (batch, 3) from `to_view`.

    Returns:
        (batch, frames, joints, 3), camera axes.
    """
    return joints @ view_rotation(axis)[:, None]


def view_rotation(axis: Any) -> Any:
    """(batch, 3, 3) the least rotation R with R @ axis = (0, 0, 1), for axes with z > -1.

    Rows are the view's axes in the camera, so row vectors go camera to view by ``@ R.T``.
    """
    a, b, c = axis[:, 0], axis[:, 1], axis[:, 2]
    rotation = axis[:, :, None] * axis[:, None, :]
    rotation[:, 0, 0], rotation[:, 0, 1], rotation[:, 0, 2] = (
        1 - a * a / (1 + c),
        -a * b / (1 + c),
        -a,
    )
    rotation[:, 1, 0], rotation[:, 1, 1], rotation[:, 1, 2] = (
        -a * b / (1 + c),
        1 - b * b / (1 + c),
        -b,
    )
    rotation[:, 2, 0], rotation[:, 2, 1], rotation[:, 2, 2] = a, b, c
    return rotation


def _mean(values: Any, weights: Any, axes: tuple[int, ...]) -> Any:
    total = weights.sum(axes)
    return (values * weights).sum(axes) / (total + (total == 0) * 1.0)
