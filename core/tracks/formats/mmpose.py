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
from ..detections import Detections, field_numbers, stacked
from ..source import Source

NAME = "MMPose JSON"

_BY_POINTS = {
    len(LAYOUTS[name].points): LAYOUTS[name]
    for name in ("AIC-14", "MPII-16", "COCO-17", "Halpe-26", "COCO-WholeBody-133", "Halpe-136")
}


def sniff(source: Source) -> bool:
    """Whether it is a list of frames with instances, the demo scripts' dict, or lists of poses."""
    document = source.json
    if isinstance(document, dict):
        return isinstance(document.get("instance_info"), list)
    if not isinstance(document, list):
        return False
    return any(_is_frame(frame) for frame in document[:1000])


def _is_frame(frame: Any) -> bool:
    if isinstance(frame, list):
        return bool(frame) and _is_instance(frame[0])
    return isinstance(frame, dict) and (
        isinstance(frame.get("instances"), list)
        or ("image_id" not in frame and _is_instance(frame))
    )


def _is_instance(person: Any) -> bool:
    points = person.get("keypoints") if isinstance(person, dict) else None
    return isinstance(points, list) and bool(points) and isinstance(points[0], list)


def read(source: Source) -> Detections:
    """Every instance of every frame."""
    document = source.json
    scripted = isinstance(document, dict)
    listed = document["instance_info"] if scripted else document
    if listed and all(_is_instance(entry) for entry in listed):
        listed = [listed]
    frames: list[int] = []
    people: list[dict[str, Any]] = []
    numbers = [0]
    for position, frame in enumerate(listed):
        number, instances = position, frame
        if isinstance(frame, dict):
            stated = frame.get("frame_id")
            number = stated if type(stated) is int and 0 <= stated < 1 << 60 else position
            instances = frame.get("instances")
        numbers.append(number)
        found = [p for p in instances if _is_instance(p)] if isinstance(instances, list) else []
        people += found
        frames += [number] * len(found)
    points = stacked([person["keypoints"] for person in people], str(source.path))
    points = _with_scores(points, people, source, old=bool(listed) and isinstance(listed[0], list))
    names = document.get("meta_info") if scripted else None
    first = min(numbers[1:], default=0)
    ids = field_numbers(people, "track_id")
    return Detections.build(
        NAME, _layout(names, points.shape[1], source), frames, points,
        ids=None if ids is None else [int(i) for i in ids],
        span=(first, max(numbers)), numbered_from=1 if scripted and first == 1 else 0,
    )  # fmt: skip


def _with_scores(
    points: np.ndarray, people: list[dict[str, Any]], source: Source, old: bool
) -> np.ndarray:
    """(n, points, 3) x, y, score."""
    scores = [p.get("keypoint_scores", p.get("scores")) for p in people]
    if any(score is None for score in scores):
        return points
    if points.shape[-1] == 3 and not old:
        raise source.error(
            "holds 3D poses (three numbers a keypoint); the 2D keypoints are needed, such as the "
            "predictions of a 2D model."
        )
    sure = np.empty(points.shape[:2])
    for i, score in enumerate(scores):
        try:
            sure[i] = np.array(score, np.float64).reshape(points.shape[1])
        except (TypeError, ValueError):
            raise source.error(f"person {i} has not as many scores as keypoints.") from None
    return np.concatenate([points[..., :2], sure[..., None]], -1)


def _layout(meta: Any, count: int, source: Source) -> Layout:
    """By the names in meta_info, or by the number of keypoints."""
    names = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if isinstance(names, dict) and len(names) == count:
        return named_layout([str(name) for name in names.values()])
    if count not in _BY_POINTS:
        raise source.error(f"{count} keypoints a person are no known layout; give their names.")
    return _BY_POINTS[count]
