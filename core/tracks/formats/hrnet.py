"""HRNet JSON of GAST-Net, and Kinetics-skeleton files of ST-GCN, whose form it takes.

Source: GAST-Net's tools and ST-GCN's kinetics_gendata. {label, label_index, data: [{frame_index
(from 1), skeleton: [{pose, score, bbox}]}]}; pose is [[x, y] ...] of COCO's 17 joints in pixels, or
x, y, x, y ... of OpenPose's 18 as shares of the picture.
"""

from __future__ import annotations

from ...layouts import LAYOUTS
from ..detections import Detections, Rows
from ..json_text import LISTS, OBJECTS
from ..source import Source
from .named_csv import units

NAME = "HRNet JSON"

_BY_POINTS = {17: "COCO-17", 18: "COCO-18", 133: "COCO-WholeBody-133"}


def sniff(source: Source) -> bool:
    """Whether it is a dict whose data has skeletons."""
    document = source.json
    data = document.get("data") if isinstance(document, OBJECTS) else None
    first = data[:1000] if isinstance(data, LISTS) else []
    return any(isinstance(frame, dict) and "skeleton" in frame for frame in first)


def read(source: Source) -> Detections:
    """Every skeleton of every frame."""
    rows = Rows(source, "pose and score")
    first, last = 1 << 60, 0
    for position, frame in enumerate(source.json["data"]):
        frame = frame if isinstance(frame, dict) else {}
        number = frame.get("frame_index")
        number = number if type(number) is int and 0 <= number < 1 << 60 else position
        first, last = min(first, number), max(last, number)
        skeletons = frame.get("skeleton")
        for person in skeletons if isinstance(skeletons, list) else ():
            if isinstance(person, dict) and person.get("pose"):
                pose, score = _flat(person["pose"]), _flat(person.get("score"))
                score = score or [1.0] * (len(pose) // 2)
                rows.add(number, [*pose[::2], *pose[1::2], *score])
    if rows.width % 3 or rows.width // 3 not in _BY_POINTS:
        raise source.error(f"{rows.width} numbers in pose and score are no layout that is known.")
    count = rows.width // 3
    points = rows.points(count).transpose(0, 2, 1)
    return Detections.build(
        NAME, LAYOUTS[_BY_POINTS[count]], rows.frame, points, units=units(points),
        span=(first, last), numbered_from=1 if first == 1 else 0,
    )  # fmt: skip


def _flat(value: object) -> list:
    """[[x, y], ...] as x, y, ...; other lists as they are."""
    if not isinstance(value, list):
        return []
    if value and isinstance(value[0], list):
        return [number for pair in value if isinstance(pair, list) for number in pair]
    return value
