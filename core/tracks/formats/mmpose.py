"""MMPose: predictions of its inferencer and demo scripts (1.x), and 0.x and ViTPose lists as JSON.

Source: MMPose base_mmpose_inferencer.py, structures/utils.py and demo/; transformers' ViTPose.
- inferencer, video: [{frame_id (from 0), instances: [{keypoints [[x, y] ...], keypoint_scores,
  bbox, bbox_score}]}];
- demo scripts: {meta_info {keypoint_id2name ...}, instance_info: [{frame_id (from 1), instances}]};
- 0.x and ViTPose: a list of frames, each a list of {keypoints [[x, y, score] ...] or [[x, y] ...]
  with scores, track_id}.
Three numbers a keypoint mean 3D in the first two and are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layouts import LAYOUTS, Layout, named_layout
from ..detections import Detections, Rows
from ..geometry import one_person, usual_or_clear
from ..json_text import LISTS, OBJECTS
from ..source import Source

NAME = "MMPose JSON"

_BY_POINTS = {
    len(LAYOUTS[name].points): LAYOUTS[name]
    for name in ("AIC-14", "MPII-16", "COCO-17", "Halpe-26", "COCO-WholeBody-133", "Halpe-136")
}

_CROWD = 30


def sniff(source: Source) -> bool:
    """Whether it is a list of frames with instances, the demo scripts' dict, or lists of poses."""
    document = source.json
    if isinstance(document, OBJECTS):
        return isinstance(document.get("instance_info"), LISTS)
    if not isinstance(document, LISTS):
        return False
    first = document[:_CROWD]
    if first and all(_is_of_one_picture(entry) for entry in first):
        return not one_person([entry["keypoints"] for entry in first])
    return any(_is_frame(frame) for frame in document[:1000])


def _is_frame(frame: Any) -> bool:
    if isinstance(frame, list):
        return bool(frame) and _is_instance(frame[0])
    return isinstance(frame, dict) and (
        isinstance(frame.get("instances"), list) or _is_of_one_picture(frame)
    )


def _is_of_one_picture(entry: Any) -> bool:
    """Whether an entry of a list is a person, with nothing to say of which frame."""
    return _is_instance(entry) and not {"image_id", "frame", "frame_id"} & set(entry)


def _is_instance(person: Any) -> bool:
    points = person.get("keypoints") if isinstance(person, dict) else None
    return (
        isinstance(points, list)
        and bool(points)
        and isinstance(points[0], list)
        and not any(isinstance(number, list) for number in points[0])
    )


def read(source: Source) -> Detections:
    """Every instance of every frame."""
    document = source.json
    scripted = isinstance(document, OBJECTS)
    listed = document["instance_info"] if scripted else document
    if len(listed) and all(_is_of_one_picture(entry) for entry in listed[:1000]):
        listed = [list(listed)]
    rows = Rows(source)
    first, last = 1 << 60, 0
    each = 3
    for position, frame in enumerate(listed):
        if position % 4096 == 0:
            source.report(position / len(listed))
        number, instances = position, frame
        if isinstance(frame, dict):
            stated = frame.get("frame_id")
            number = stated if type(stated) is int and 0 <= stated < 1 << 60 else position
            instances = frame.get("instances")
        first, last = min(first, number), max(last, number)
        for person in instances if isinstance(instances, list) else ():
            if _is_instance(person):
                flat, each = _numbers(person, number, isinstance(frame, list), source)
                rows.add(number, flat, person.get("track_id"))
    points = rows.points(each)
    names = document.get("meta_info") if scripted else None
    return Detections.build(
        NAME, _layout(names, points, source), rows.frame, points, ids=rows.ids,
        span=(first, last), numbered_from=1 if scripted and first == 1 else 0,
    )  # fmt: skip


def _numbers(person: dict[str, Any], frame: int, old: bool, source: Source) -> tuple[list, int]:
    """x, y, score of each keypoint, or x, y where there is no score; and how many these are."""
    points = person["keypoints"]
    scores = person.get("keypoint_scores", person.get("scores"))
    axes = len(points[0])
    if any(not isinstance(point, list) or len(point) != axes for point in points):
        raise source.error(f"frame {frame}: the keypoints are not all of {axes} numbers.")
    if scores is None:
        return [number for point in points for number in point], axes
    if axes == 3 and not old:
        raise source.error(
            "holds 3D poses (three numbers a keypoint); the 2D keypoints are needed, such as the "
            "predictions of a 2D model."
        )
    if not isinstance(scores, list) or len(scores) != len(points):
        raise source.error(f"frame {frame}: a person has not as many scores as keypoints.")
    scores = [score[0] if isinstance(score, list) and score else score for score in scores]
    return [n for p, s in zip(points, scores, strict=True) for n in (*p[:2], s)], 3


def _layout(meta: Any, points: np.ndarray, source: Source) -> Layout:
    """By the names in meta_info, or by the keypoints' number and where they lie."""
    count = points.shape[1]
    names = meta.get("keypoint_id2name") if isinstance(meta, OBJECTS) else None
    if isinstance(names, dict) and len(names) == count:
        return named_layout([str(name) for name in names.values()])
    if count not in _BY_POINTS:
        raise source.error(f"{count} keypoints a person are no known layout; give their names.")
    return usual_or_clear(points, _BY_POINTS[count])
