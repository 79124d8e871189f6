"""COCO keypoints: results (a list of detections) and annotations (a dict with pictures).

Source: the COCO data format page and its results format. Results are [{image_id, category_id,
keypoints (x, y, score ...), score}]; annotations are {images, annotations, categories}, where the
third number is v: 0 not labelled, 1 hidden, 2 visible. COCO-WholeBody adds foot_kpts,
lefthand_kpts and righthand_kpts to either. An image_id is often, but not always, a frame number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layouts import (
    COCO_17,
    CROWDPOSE_14,
    HALPE_26,
    HALPE_136,
    MPII_16,
    WHOLEBODY_133,
    Layout,
    named_layout,
)
from ..detections import Detections, field_numbers, picture_size, rectangular
from ..source import Source, numbers_in_names

NAME = "COCO keypoints"

_WHOLE_BODY = {"foot_kpts": (17, 23), "lefthand_kpts": (91, 112), "righthand_kpts": (112, 133)}
_BY_POINTS = {
    len(layout.points): layout
    for layout in (CROWDPOSE_14, MPII_16, COCO_17, HALPE_26, WHOLEBODY_133, HALPE_136)
}  # fmt: skip


def sniff(source: Source) -> bool:
    """Whether it is a list with image_id and keypoints or boxes, or a dict with annotations."""
    document = source.json
    if isinstance(document, dict):
        return isinstance(document.get("annotations"), list) and "images" in document
    if isinstance(document, list) and document and isinstance(document[0], dict):
        first = document[0]
        plain = type(first.get("image_id")) is int and "idx" not in first and "box" not in first
        return plain and ("keypoints" in first or "bbox" in first)
    return False


def read(source: Source) -> Detections:
    """Every labelled or detected person."""
    document = source.json
    annotated = isinstance(document, dict)
    entries = document["annotations"] if annotated else document
    entries = [e for e in entries if isinstance(e, dict) and "image_id" in e]
    good = [e for e in entries if isinstance(e.get("keypoints"), list) and any(e["keypoints"])]
    if entries and not any("keypoints" in e for e in entries):
        raise source.error(
            "holds boxes without keypoints; run a pose detector that gives the joints."
        )
    if not good:
        raise source.error('no entry has "keypoints".')
    layout, points = _points(good, document if annotated else {}, source)
    if annotated:
        points[..., 2] = np.minimum(points[..., 2], 2) / 2
    frame, size, base = _frames(good, document.get("images") if annotated else None, source)
    ids = [_track_id(e) for e in good]
    return Detections.build(
        NAME, layout, frame, points, size=size, numbered_from=base,
        ids=ids if max(ids, default=-1) >= 0 else None,
        score=field_numbers(good, "score"),
    )  # fmt: skip


def _points(
    entries: list[dict[str, Any]], document: dict[str, Any], source: Source
) -> tuple[Layout, np.ndarray]:
    """The layout and (n, points, 3)."""
    width = len(entries[0]["keypoints"])
    points = rectangular([e["keypoints"] for e in entries], width, str(source.path))
    points = points.reshape(len(entries), width // 3, 3) if width % 3 == 0 else points
    layout = _named(document, width // 3) or _BY_POINTS.get(width // 3)
    if layout is None or width % 3:
        raise source.error(
            f'{width} numbers in "keypoints" are no known layout and the file does not name them.'
        )
    more = [key for key in _WHOLE_BODY if all(isinstance(e.get(key), list) for e in entries)]
    if layout is not COCO_17 or not more:
        return layout, points
    parts, names = [points], list(COCO_17.points)
    for key in more:
        start, end = _WHOLE_BODY[key]
        part = rectangular([e[key] for e in entries], 3 * (end - start), f"{source.path}: {key}")
        parts.append(part.reshape(len(entries), end - start, 3))
        names += WHOLEBODY_133.points[start:end]
    return Layout(WHOLEBODY_133.name, tuple(names)), np.concatenate(parts, 1)


def _named(document: dict[str, Any], count: int) -> Layout | None:
    """The layout that the categories name."""
    for category in document.get("categories") or ():
        names = category.get("keypoints") if isinstance(category, dict) else None
        if isinstance(names, list) and len(names) == count:
            return named_layout([str(name) for name in names])
    return None


def _frames(
    entries: list[dict[str, Any]], images: list | None, source: Source
) -> tuple[np.ndarray, tuple[int, int] | None, int | None]:
    """Frame number of each entry, the pictures' size, and the first number if that is known."""
    ids = [_key(e["image_id"]) for e in entries]
    if not images:
        if all(type(i) is int and abs(i) < 1 << 60 for i in ids):
            return np.array(ids, np.int64), None, None
        return numbers_in_names([str(i) for i in ids]), None, None
    pictures = {_key(i.get("id")): i for i in images if isinstance(i, dict)}
    sizes = {(_key(p.get("width")), _key(p.get("height"))) for p in pictures.values()}
    if len(sizes) > 1:
        raise source.error(
            f"its {len(pictures)} pictures have {len(sizes)} different sizes: single pictures, "
            "not the frames of a clip."
        )
    missing = next((i for i in ids if i not in pictures), None)
    if missing is not None:
        raise source.error(f'image_id {missing} is not among the "images".')
    names = [str(pictures[i].get("file_name", i)) for i in pictures]
    numbers = dict(zip(pictures, numbers_in_names(names), strict=True))
    return np.array([numbers[i] for i in ids]), picture_size(*sizes.pop()), None


def _key(value: Any) -> int | str | float | None:
    return value if isinstance(value, int | str | float) else None


def _track_id(entry: dict[str, Any]) -> int:
    extra = entry.get("attributes")
    value = entry.get("track_id", extra.get("track_id") if isinstance(extra, dict) else None)
    return value if type(value) is int and 0 <= value < 1 << 60 else -1
