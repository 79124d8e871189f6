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
from ..detections import Detections, Rows, picture_size
from ..geometry import usual_or_clear
from ..json_text import LISTS, OBJECTS
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
    if isinstance(document, OBJECTS):
        return isinstance(document.get("annotations"), LISTS) and "images" in document
    if isinstance(document, LISTS) and len(document) and isinstance(document[0], dict):
        first = document[0]
        plain = type(first.get("image_id")) is int and "idx" not in first and "box" not in first
        return plain and ("keypoints" in first or "bbox" in first)
    return False


def read(source: Source) -> Detections:
    """Every labelled or detected person."""
    document = source.json
    annotated = isinstance(document, OBJECTS)
    entries = document["annotations"] if annotated else document
    rows = Rows(source)
    images: dict[Any, int] = {}
    more: list[str] | None = None
    boxes = 0
    for i, entry in enumerate(entries):
        if i % 4096 == 0:
            source.report(i / len(entries))
        if not isinstance(entry, dict) or "image_id" not in entry:
            continue
        keypoints = entry.get("keypoints")
        boxes += keypoints is None
        if not isinstance(keypoints, list) or not any(keypoints):
            continue
        if more is None:
            more = [key for key in _WHOLE_BODY if isinstance(entry.get(key), list)]
            more = more if len(keypoints) == 51 else []
        parts = [part if isinstance(part := entry.get(key), list) else [None] for key in more]
        image = images.setdefault(_key(entry["image_id"]), len(images))
        rows.add(image, sum(parts, keypoints), _track_id(entry), entry.get("score"))
    if not len(rows):
        raise source.error(
            "holds boxes without keypoints; run a pose detector that gives the joints."
            if boxes
            else 'no entry has "keypoints".'
        )
    layout = _layout(rows, more or [], document if annotated else {}, source)
    points = rows.points().copy()
    if annotated:
        points[..., 2] = np.minimum(points[..., 2], 2) / 2
    pictures = document.get("images") if annotated else None
    number, size, base = _frames(list(images), pictures, source)
    return Detections.build(
        NAME, layout, number[rows.frame], points, size=size, numbered_from=base, ids=rows.ids,
        score=rows.score,
    )  # fmt: skip


def _layout(rows: Rows, more: list[str], document: Any, source: Source) -> Layout:
    if more:
        names = [name for key in more for name in WHOLEBODY_133.points[slice(*_WHOLE_BODY[key])]]
        return Layout(WHOLEBODY_133.name, (*COCO_17.points, *names))
    if named := _named(document, rows.width // 3):
        return named
    layout = _BY_POINTS.get(rows.width // 3)
    if layout is None or rows.width % 3:
        raise source.error(
            f'{rows.width} numbers in "keypoints" are no known layout and the file does not name '
            "them."
        )
    return usual_or_clear(rows.points(), layout)


def _named(document: Any, count: int) -> Layout | None:
    """The layout that the categories name."""
    for category in document.get("categories") or ():
        names = category.get("keypoints") if isinstance(category, dict) else None
        if isinstance(names, list) and len(names) == count:
            return named_layout([str(name) for name in names])
    return None


def _frames(
    ids: list[Any], images: Any, source: Source
) -> tuple[np.ndarray, tuple[int, int] | None, int | None]:
    """Each picture's frame number, the pictures' size, and the first number if that is known."""
    if not images:
        if all(type(i) is int and abs(i) < 1 << 60 for i in ids):
            return np.array(ids, np.int64), None, None
        return numbers_in_names([str(i) for i in ids]), None, None
    pictures = {
        _key(image.get("id")): (str(image.get("file_name", image.get("id"))), _size(image))
        for image in images
        if isinstance(image, dict)
    }
    sizes = {size for _, size in pictures.values()}
    if len(sizes) > 1:
        raise source.error(
            f"its {len(pictures)} pictures have {len(sizes)} different sizes: single pictures, "
            "not the frames of a clip."
        )
    missing = next((i for i in ids if i not in pictures), None)
    if missing is not None:
        raise source.error(f'image_id {missing} is not among the "images".')
    numbers = numbers_in_names([name for name, _ in pictures.values()])
    by_id = dict(zip(pictures, numbers.tolist(), strict=True))
    return np.array([by_id[i] for i in ids], np.int64), picture_size(*sizes.pop()), None


def _size(image: dict[str, Any]) -> tuple[Any, Any]:
    return _key(image.get("width")), _key(image.get("height"))


def _key(value: Any) -> int | str | float | None:
    return value if isinstance(value, int | str | float) else None


def _track_id(entry: dict[str, Any]) -> Any:
    extra = entry.get("attributes")
    return entry.get("track_id", extra.get("track_id") if isinstance(extra, dict) else None)
