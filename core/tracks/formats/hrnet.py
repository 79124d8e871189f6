"""HRNet JSON of GAST-Net, and Kinetics-skeleton files of ST-GCN, whose form it takes.

Source: GAST-Net's tools and ST-GCN's kinetics_gendata. {label, label_index, data: [{frame_index
(from 1), skeleton: [{pose, score, bbox}]}]}; pose is [[x, y] ...] of COCO's 17 joints in pixels, or
x, y, x, y ... of OpenPose's 18 as shares of the picture.
"""

from __future__ import annotations

import numpy as np

from ...layouts import LAYOUTS
from ..detections import Detections, rectangular
from ..source import Source
from .named_csv import units

NAME = "HRNet JSON"

_BY_POINTS = {17: "COCO-17", 18: "COCO-18", 133: "COCO-WholeBody-133"}


def sniff(source: Source) -> bool:
    """Whether it is a dict whose data has skeletons."""
    document = source.json
    data = document.get("data") if isinstance(document, dict) else None
    return isinstance(data, list) and any(isinstance(f, dict) and "skeleton" in f for f in data)


def read(source: Source) -> Detections:
    """Every skeleton of every frame."""
    frames, poses, scores, numbers = [], [], [], []
    for position, frame in enumerate(source.json["data"]):
        number = frame.get("frame_index") if isinstance(frame, dict) else None
        number = number if type(number) is int and 0 <= number < 1 << 60 else position
        numbers.append(number)
        skeletons = frame.get("skeleton") if isinstance(frame, dict) else None
        for person in skeletons if isinstance(skeletons, list) else ():
            if isinstance(person, dict) and person.get("pose"):
                frames.append(number)
                poses.append(_flat(person["pose"]))
                scores.append(_flat(person.get("score")))
    width = len(poses[0]) if poses else 34
    if width % 2 or width // 2 not in _BY_POINTS:
        raise source.error(f"{width} numbers in a pose are no layout that is known.")
    where = str(source.path)
    xy = rectangular(poses, width, where).reshape(len(poses), width // 2, 2)
    sure = np.ones(xy.shape[:2])
    if any(scores):
        sure = rectangular(scores, width // 2, f"{where}: score")
    points = np.concatenate([xy, sure[..., None]], -1)
    first = min(numbers, default=0)
    return Detections.build(
        NAME, LAYOUTS[_BY_POINTS[width // 2]], frames, points, units=units(points),
        span=(first, max(numbers, default=-1)), numbered_from=1 if first == 1 else 0,
    )  # fmt: skip


def _flat(value: object) -> list:
    """[[x, y], ...] as x, y, ...; other lists as they are."""
    if not isinstance(value, list):
        return []
    if value and isinstance(value[0], list):
        return [number for pair in value if isinstance(pair, list) for number in pair]
    return value
