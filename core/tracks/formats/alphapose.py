"""AlphaPose: alphapose-results.json, a list with one entry for each person in each picture.

Source: AlphaPose docs/output.md and write_json in pPose_nms.py. An entry has image_id (the
picture's name), keypoints (x, y, c ...), score, box, idx. Every joint is always given; a picture
with nobody has no entry. c and score may pass 1. ``idx`` tells people apart only where it is a
number (with tracking). Also its two other forms, ``--format open`` and ``cmu``: a dict with the
picture's name as key and people or bodies of 18 joints.
"""

from __future__ import annotations

from typing import Any

from ... import layouts
from ..detections import Detections, field_numbers, rectangular
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
    if isinstance(document, list) and document and isinstance(document[0], dict):
        first = document[0]
        marks = isinstance(first.get("image_id"), str) or "idx" in first or "box" in first
        return marks and "image_id" in first and isinstance(first.get("keypoints"), list)
    if isinstance(document, dict) and document:
        first = next(iter(document.values()))
        return isinstance(first, dict) and any(
            isinstance(first.get(list_), list) for list_, _ in _OTHER_FORMS
        )
    return False


def read(source: Source) -> Detections:
    """Every person of every picture; the frame's number is the one in the picture's name."""
    entries = source.json
    if isinstance(entries, dict):
        entries = _entries_by_picture(entries)
    good = [e for e in entries if isinstance(e, dict) and isinstance(e.get("keypoints"), list)]
    width = len(good[0]["keypoints"]) if good else 0
    layout = _BY_POINTS.get(width // 3)
    if width % 3 or layout is None:
        raise source.error(f'{width} numbers in "keypoints" are no layout that AlphaPose writes.')
    points = rectangular([e["keypoints"] for e in good], width, str(source.path))
    numbers = numbers_in_names([str(e.get("image_id", "")) for e in good])
    ids = field_numbers(good, "idx")
    whole = None if ids is None else [int(i) for i in ids]
    return Detections.build(
        NAME, layout, numbers, points.reshape(len(good), width // 3, 3),
        ids=whole, score=field_numbers(good, "score"),
        numbered_from=None,
    )  # fmt: skip


def _entries_by_picture(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of a dict by picture, as of the list."""
    return [
        {"image_id": name, "keypoints": person.get(key)}
        for name, picture in document.items()
        if isinstance(picture, dict)
        for people, key in _OTHER_FORMS
        for person in picture.get(people) or ()
        if isinstance(person, dict)
    ]
