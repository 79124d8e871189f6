"""OpenPose: a folder with one JSON a frame, {"version", "people": [{"pose_keypoints_2d": [...]}]}.

Source: OpenPose doc/02_output.md and flags.hpp. Also what others write in this form: Pose2Sim,
Sports2D and rtmlib (Halpe-26, COCO-17, COCO-133), and OpenPose before 1.2 (``pose_keypoints``). A
joint that was not found is 0, 0, 0; ``person_id`` is -1 and the order of people means nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ... import layouts
from ...layouts import Layout
from ..detections import CENTRED, PIXELS, UNIT, Detections, Rows
from ..geometry import body_25_or_25b
from ..json_text import parse_json
from ..source import Source, numbers_in_names

NAME = "OpenPose JSON"

_LAYOUTS = (
    layouts.MPI_15, layouts.COCO_17, layouts.COCO_18, layouts.BODY_25, layouts.HALPE_26,
    layouts.WHOLEBODY_133, layouts.BODY_135, layouts.HALPE_136,
)  # fmt: skip
_BY_POINTS = {len(layout.points): layout for layout in _LAYOUTS}
_BODY = ("pose_keypoints_2d", "pose_keypoints")
_OTHERS = ("face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")
_LOOK_AT = 3


def sniff(source: Source) -> bool:
    """Whether a folder's first JSON files, or the file, hold people in OpenPose's way."""
    if source.is_folder:
        first = source.files_named(".json")[:_LOOK_AT]
        return any(b'"people"' in (head := _head(path)) and _of_body(head) for path in first)
    if b'"people"' not in source.head or not isinstance(source.json, dict):
        return False
    people = source.json.get("people")
    return isinstance(people, list) and not any(
        isinstance(p, dict) and "frames" in p for p in people
    )


def _of_body(head: bytes) -> bool:
    """Whether the beginning of a file names OpenPose's keypoints, or has nobody."""
    return any(key.encode() in head for key in _BODY) or b"keypoints" not in head


def read(source: Source) -> Detections:
    """Every person of every frame file; the frame's number is the one in the file's name."""
    files = source.files_named(".json") if source.is_folder else [source.path]
    rows: dict[int, Rows] = {}
    names: list[str] = []
    others = 0
    for i, path in enumerate(files):
        if i % 256 == 0:
            source.report(i / len(files))
        people = _people(path)
        if people is None:
            continue
        for person in people:
            flat = next((person[key] for key in _BODY if person.get(key)), None)
            if isinstance(flat, list):
                by_width = rows.setdefault(len(flat), Rows(source))
                by_width.add(len(names), flat, _person_id(person))
                others += any(person.get(key) for key in _OTHERS)
        names.append(path.name)
    numbers = numbers_in_names(names)
    span = (int(numbers.min()), int(numbers.max()))
    notes = []
    width, most = max(rows.items(), key=lambda item: len(item[1]), default=(75, Rows(source)))
    if len(names) < len(files):
        notes.append(f"{len(files) - len(names)} files are no frames of OpenPose's: left out.")
    if len(rows) > 1:
        count = sum(map(len, rows.values())) - len(most)
        notes.append(f"{count} people with another number of joints are left out.")
    if width % 3 or width // 3 not in _BY_POINTS:
        raise source.error(
            f"{width} numbers a person is no layout that OpenPose is known to write."
        )
    points = most.points() if len(most) else np.empty((0, width // 3, 3))
    if others:
        notes.append(f"Hands or face are there in {others} detections; they are not used.")
    return Detections.build(
        NAME, _layout(points), numbers[most.frame], points, ids=most.ids, span=span,
        units=_units(points), numbered_from=0 if source.is_folder else None,
        notes=tuple(notes),
    )  # fmt: skip


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4096)
    except OSError:
        return b""


def _people(path: Path) -> list[dict[str, Any]] | None:
    """A frame's people; None where the file is none."""
    document = parse_json(Source(path).data, path)
    people = document.get("people") if isinstance(document, dict) else None
    if not isinstance(people, list):
        return None
    return [person for person in people if isinstance(person, dict)]


def _person_id(person: dict[str, Any]) -> int:
    value = person.get("person_id", -1)
    value = value[0] if isinstance(value, list) and value else value
    return int(value) if isinstance(value, int | float) and -1 < value < 1 << 31 else -1


def _layout(points: np.ndarray) -> Layout:
    return _BY_POINTS[points.shape[1]] if points.shape[1] != 25 else body_25_or_25b(points)


def _units(points: np.ndarray) -> str:
    """Pixels, or what --keypoint_scale 3 (0..1) and 4 (-1..1) make."""
    xy = points[..., :2][(points[..., 2] > 0) & (points[..., :2] != 0).any(-1)]
    if not len(xy) or np.quantile(np.abs(xy), 0.99) > 2:
        return PIXELS
    return CENTRED if np.quantile(xy, 0.01) < -0.1 else UNIT
