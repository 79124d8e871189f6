"""TensorFlow.js pose-detection (MoveNet, PoseNet, BlazePose): saved answers of estimatePoses().

Source: README of tfjs-models/pose-detection. A frame is a list of poses {keypoints: [{x, y, score,
name}], score, id}, in pixels; an empty list where nobody was found. Also one pose a frame, a frame
as {joint name: {x, y}} (the package's own test data), and frames under ``frames`` or ``poses``.
"""

from __future__ import annotations

from typing import Any

from ...layouts import COCO_17, MEDIAPIPE_33, Layout, canonical, named_layout
from ..detections import Detections, Rows
from ..json_text import LISTS, OBJECTS, JsonList
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
    place: dict[str, int] = {}
    for frame in listed[:1000]:
        for joints, _ in _poses(frame):
            for name in joints:
                place.setdefault(name, len(place))
    if len(place) > 1000:
        raise source.error(f"{len(place)} different joints are named; that is no skeleton.")
    rows = Rows(source)
    for position, frame in enumerate(listed):
        if position % 4096 == 0:
            source.report(position / len(listed))
        for joints, number in _poses(frame):
            flat = [None] * (3 * len(place))
            for name, mark in joints.items():
                at = 3 * place.get(name, len(place))
                sure = mark.get("score", mark.get("visibility", 1.0))
                flat[at : at + 3] = mark.get("x"), mark.get("y"), sure
            rows.add(position, flat[: 3 * len(place)], number)
    points = rows.points()
    return Detections.build(
        NAME, _layout(list(place), source), rows.frame, points, ids=rows.ids,
        span=(0, len(listed) - 1), units=units(points),
    )  # fmt: skip


def _frames(source: Source) -> list | JsonList:
    document = source.json
    if isinstance(document, OBJECTS):
        document = document.get("frames") or document.get("poses")
    return document if isinstance(document, LISTS) else []


def _poses(frame: Any) -> list[tuple[dict[str, Any], Any]]:
    """(joints by name, id) of each pose in a frame."""
    if isinstance(frame, dict) and "poses" in frame:
        frame = frame["poses"]
    if isinstance(frame, dict) and "keypoints" not in frame:
        marks = {k: v for k, v in frame.items() if isinstance(v, dict) and "x" in v and "y" in v}
        return [(marks, None)] if sum(map(bool, map(canonical, marks))) >= 3 else []
    poses = frame if isinstance(frame, list) else [frame]
    return [
        ({str(k.get("name", k.get("part", i))): k for i, k in enumerate(points)}, pose.get("id"))
        for pose in poses
        if isinstance(pose, dict)
        and isinstance(points := pose.get("keypoints"), list)
        and points
        and all(isinstance(k, dict) and "x" in k for k in points)
    ]


def _layout(names: list[str], source: Source) -> Layout:
    if all(name.isdigit() for name in names):
        if len(names) not in _COUNTED:
            raise source.error(f"{len(names)} keypoints without names are no known layout.")
        return _COUNTED[len(names)]
    return named_layout(names)
