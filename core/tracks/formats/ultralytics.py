"""Ultralytics YOLO-pose: label folders of ``save_txt``, and tojson() or summary() answers.

Source: Ultralytics engine/results.py. A folder has NAME_FRAME.txt, from 1, with no file where
nobody was found; a line is class, box (4), 17 joints x, y, conf (or x, y alone in labels), and with
save_conf and tracking the box's confidence and the track's id; all of it shares of the picture.
Labels for training, as Label Studio exports them, have 2 or 1 in place of conf: seen or hidden.
JSON is a list of frames with {name, class, confidence, box, track_id, keypoints {x, y, visible}}.
Joints with conf below 0.5 are written as 0, 0 in either.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...layouts import COCO_17
from ..detections import UNIT, Detections, Rows
from ..json_text import LISTS, JsonList
from ..source import Source, numbers_in_names
from .named_csv import units

NAME = "Ultralytics YOLO"

_BOX, _XYC, _XY = 5, 5 + 17 * 3, 5 + 17 * 2
_WIDTHS = (_XYC, _XYC + 1, _XYC + 2, _XY)


def sniff(source: Source) -> bool:
    """Whether a folder's first text has lines of 39 or 56 to 58 numbers, or JSON its keypoints."""
    if source.is_folder:
        return any(_looks_right(path) for path in source.files_named(".txt")[:3])
    return any(_people(frame) for frame in _frames(source.json)[:1000])


def read(source: Source) -> Detections:
    """Every person of every frame."""
    return _read_folder(source) if source.is_folder else _read_json(source)


def _looks_right(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            words = stream.readline(8192).split()
        return len(words) in _WIDTHS and len([float(word) for word in words]) > 0
    except (OSError, ValueError):
        return False


def _read_folder(source: Source) -> Detections:
    files = source.files_named(".txt")
    files = [path for path in files if path.name not in ("classes.txt", "labels.txt")]
    rows: dict[int, Rows] = {}
    numbers = numbers_in_names([path.name for path in files])
    for i, (path, number) in enumerate(zip(files, numbers.tolist(), strict=True)):
        if i % 256 == 0:
            source.report(i / len(files))
        for line in Source(path).data.splitlines():
            try:
                row = [float(word) for word in line.split()]
            except ValueError:
                raise Source(path).error(f"{line[:40]!r} are not numbers.") from None
            if row:
                rows.setdefault(len(row), Rows(source)).add(number, row)
    if len(rows) > 1 or not set(rows) <= set(_WIDTHS):
        raise source.error(f"lines of {sorted(rows)} numbers; 39 or 56 to 58 are expected.")
    width, people = next(iter(rows.items()), (_XYC, Rows(source)))
    table = people.points(1)[..., 0] if len(people) else np.empty((0, width))
    end, each = (_XY, 2) if width == _XY else (_XYC, 3)
    ids = table[:, -1] if width > _XYC else None
    if width == _XYC + 1 and ids is not None and not ((ids >= 1) & (ids % 1 == 0)).all():
        ids = None
    points = table[:, _BOX:end].reshape(len(table), 17, each)
    if each == 3 and points[..., 2].max(initial=0) > 1:
        points[..., 2] = np.minimum(points[..., 2], 2) / 2
    first = int(numbers.min())
    return Detections.build(
        NAME, COCO_17, people.frame, points, ids=ids,
        span=(min(first, 1), int(numbers.max())), units=UNIT, numbered_from=min(first, 1),
    )  # fmt: skip


def _frames(document: Any) -> list | JsonList:
    return document if isinstance(document, LISTS) else []


def _people(frame: Any) -> list[dict[str, Any]]:
    listed = frame if isinstance(frame, list) else [frame]
    return [
        person
        for person in listed
        if isinstance(person, dict)
        and isinstance(points := person.get("keypoints"), dict)
        and isinstance(points.get("x"), list)
        and isinstance(points.get("y"), list)
    ]


def _read_json(source: Source) -> Detections:
    listed = _frames(source.json)
    rows = Rows(source, "keypoints x, y and visible")
    for position, frame in enumerate(listed):
        for person in _people(frame):
            points = person["keypoints"]
            sure = points.get("visible") or [1.0] * 17
            stated = person.get("frame", position)
            number = stated if type(stated) is int and 0 <= stated < 1 << 60 else position
            rows.add(number, [*points["x"], *points["y"], *sure], person.get("track_id"))
    if rows.width not in (0, 51):
        raise source.error(f"{rows.width} numbers in keypoints are not 17 x, y and visible.")
    points = rows.points(17).transpose(0, 2, 1)
    return Detections.build(
        NAME, COCO_17, rows.frame, points, ids=rows.ids, span=(0, len(listed) - 1),
        units=units(points),
    )  # fmt: skip
