"""AlphaPose: alphapose-results.json, a list with one entry for each person in each picture.

Source: AlphaPose docs/output.md and write_json in pPose_nms.py. An entry has image_id (the
picture's name), keypoints (x, y, c ...), score, box, idx. Every joint is always given; a picture
with nobody has no entry. c and score may pass 1. ``idx`` tells people apart only where it is a
number (with tracking). Also its two other forms, ``--format open`` and ``cmu``: a dict with the
picture's name as key and people or bodies of 18 joints.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ... import layouts
from ..detections import Detections, Rows
from ..json_text import LISTS, OBJECTS
from ..source import Source, numbers_in_names

NAME = "AlphaPose JSON"

_BY_POINTS = {
    len(layout.points): layout
    for layout in (
        layouts.CROWDPOSE_14, layouts.MPII_16, layouts.COCO_17, layouts.COCO_18, layouts.HALPE_26,
        layouts.HALPE_68, layouts.WHOLEBODY_133, layouts.HALPE_136,
    )
}  # fmt: skip
_OTHER_FORMS = (("people", "pose_keypoints_2d"), ("bodies", "joints"))


def sniff(source: Source) -> bool:
    """Whether it is a list of entries with picture names, boxes or idx, or a dict by picture."""
    document = source.json
    if isinstance(document, LISTS) and len(document) and isinstance(document[0], dict):
        first = document[0]
        marks = isinstance(first.get("image_id"), str) or "idx" in first or "box" in first
        return marks and "image_id" in first and _is_flat(first.get("keypoints"))
    if isinstance(document, OBJECTS) and len(document):
        return any(True for _ in _entries(dict(islice(document.items(), 100))))
    return False


def read(source: Source) -> Detections:
    """Every person of every picture; the frame's number is the one in the picture's name."""
    rows = Rows(source)
    pictures: dict[Any, int] = {}
    for i, (picture, person) in enumerate(_entries(source.json)):
        if i % 4096 == 0:
            source.report(min(i / max(len(source.json), 1), 1.0))
        idx, score = person.get("idx"), person.get("score")
        rows.add(pictures.setdefault(picture, len(pictures)), person["keypoints"], idx, score)
    layout = _BY_POINTS.get(rows.width // 3)
    if rows.width % 3 or layout is None:
        raise source.error(
            f'{rows.width} numbers in "keypoints" are no layout that AlphaPose writes.'
        )
    numbers = numbers_in_names([str(picture) for picture in pictures])
    return Detections.build(
        NAME, layout, numbers[rows.frame], rows.points(), ids=rows.ids, score=rows.score,
        numbered_from=None,
    )  # fmt: skip


def _entries(document: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """(picture, person) of each of the three forms."""
    if isinstance(document, LISTS):
        for entry in document:
            if isinstance(entry, dict) and _is_flat(entry.get("keypoints")):
                yield entry.get("image_id"), entry
        return
    for name, picture in document.items():
        if not isinstance(picture, dict):
            continue
        for people, key in _OTHER_FORMS:
            listed = picture.get(people)
            for person in listed if isinstance(listed, list) else ():
                if (
                    isinstance(person, dict)
                    and _is_flat(person.get(key))
                    and len(person[key]) == 54
                ):
                    yield name, {"keypoints": person[key]}


def _is_flat(keypoints: Any) -> bool:
    return (
        isinstance(keypoints, list)
        and bool(keypoints)
        and not isinstance(keypoints[0], list | dict)
    )
