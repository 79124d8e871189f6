"""TensorFlow.js pose-detection (MoveNet, PoseNet, BlazePose): saved answers of estimatePoses().

Source: README of tfjs-models/pose-detection. A frame is a list of poses {keypoints: [{x, y, score,
name}], score, id}, in pixels; an empty list where nobody was found. Also one pose a frame, a frame
as {joint name: {x, y}} (the package's own test data), and frames under ``frames`` or ``poses``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layouts import COCO_17, MEDIAPIPE_33, Layout, canonical, named_layout
from ..detections import Detections
from ..source import Source
from .named_csv import units

NAME = "TensorFlow.js poses"

_COUNTED = {17: COCO_17, 33: MEDIAPIPE_33}


def sniff(source: Source) -> bool:
    """Whether frames hold keypoints that are objects with x and y."""
    return any(_poses(frame) for frame in _frames(source)[:1000])


def read(source: Source) -> Detections:
    """Every pose of every frame; joints are matched by name where they have one."""
    listed = _frames(source)
    found = [(i, pose) for i, frame in enumerate(listed) for pose in _poses(frame)]
    names = list(dict.fromkeys(name for _, pose in found for name in pose[0]))
    if len(names) > 1000:
        raise source.error(f"{len(names)} different joints are named; that is no skeleton.")
    place = {name: i for i, name in enumerate(names)}
    points = np.full((len(found), len(names), 3), np.nan)
    for row, (frame, (joints, _)) in enumerate(found):
        for name, mark in joints.items():
            try:
                sure = mark.get("score", mark.get("visibility", 1.0))
                points[row, place[name]] = float(mark["x"]), float(mark["y"]), float(sure)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise source.error(f"frame {frame}: {name} has no numbers x and y.") from None
    ids = [number for _, (_, number) in found]
    return Detections.build(
        NAME, _layout(names, source), [frame for frame, _ in found], points,
        ids=ids if max(ids, default=-1) >= 0 else None, span=(0, len(listed) - 1),
        units=units(points),
    )  # fmt: skip


def _frames(source: Source) -> list:
    document = source.json
    if isinstance(document, dict):
        document = document.get("frames") or document.get("poses")
    return document if isinstance(document, list) else []


def _poses(frame: Any) -> list[tuple[dict[str, Any], int]]:
    """(joints by name, id) of each pose in a frame."""
    if isinstance(frame, dict) and "poses" in frame:
        frame = frame["poses"]
    if isinstance(frame, dict) and "keypoints" not in frame:
        marks = {k: v for k, v in frame.items() if isinstance(v, dict) and "x" in v and "y" in v}
        return [(marks, -1)] if sum(map(bool, map(canonical, marks))) >= 3 else []
    poses = frame if isinstance(frame, list) else [frame]
    return [
        ({str(k.get("name", k.get("part", i))): k for i, k in enumerate(points)}, _id(pose))
        for pose in poses
        if isinstance(pose, dict)
        and isinstance(points := pose.get("keypoints"), list)
        and points
        and all(isinstance(k, dict) and "x" in k for k in points)
    ]


def _id(pose: dict[str, Any]) -> int:
    number = pose.get("id")
    return number if type(number) is int and 0 <= number < 1 << 60 else -1


def _layout(names: list[str], source: Source) -> Layout:
    if all(name.isdigit() for name in names):
        if len(names) not in _COUNTED:
            raise source.error(f"{len(names)} keypoints without names are no known layout.")
        return _COUNTED[len(names)]
    return named_layout(names)
