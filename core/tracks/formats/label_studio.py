"""Label Studio JSON: keypoint labels in percent of the picture, a task for each frame.

Source: Label Studio's documentation of its task format and of KeyPointLabels. An export is a list
of {id, data {image}, annotations [{result, was_cancelled}], predictions}; a result is a list of
{type "keypointlabels", original_width, original_height, value {x, y, keypointlabels [name]}}.
JSON-MIN has the values themselves in a list under the tag's name. Points of one person have the
same parentID, where the annotator used it, or a relation to the same box. No frame rate.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...layouts import named_layout
from ..detections import PERCENT, Detections, picture_size
from ..json_text import LISTS
from ..source import Source, numbers_in_names

NAME = "Label Studio"

_KEY = "keypointlabels"
_UPLOAD = re.compile(r"^[0-9a-f]{8}-")
_SPREAD = 1_000_000
"""Numbers that a table of people may have beyond four for each point in the file."""
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")

Marks = dict[str, tuple[float, float]]


def sniff(source: Source) -> bool:
    """Whether it is a list of tasks, some of which have keypoints."""
    tasks = source.json
    return isinstance(tasks, LISTS) and any(_regions(task) for task in tasks[:1000])


def read(source: Source) -> Detections:
    """The first annotation of every task that is neither cancelled nor empty."""
    tasks = source.json
    numbers = numbers_in_names([_picture(task, i) for i, task in enumerate(tasks)])
    frames: list[int] = []
    people: list[Marks] = []
    sizes: set[tuple[int, int]] = set()
    grouped = True
    for number, task in zip(numbers.tolist(), tasks, strict=True):
        regions = _regions(task)
        sizes |= {size for region in regions if (size := _size(region))}
        found = _people(regions, source, number)
        grouped &= len(found) < 2 or all("parentID" in region for region in regions)
        frames += [number] * len(found)
        people += found
    if len(sizes) > 1:
        raise source.error(
            f"its pictures have {len(sizes)} different sizes: single pictures, not the frames of "
            "a clip."
        )
    names = list(dict.fromkeys(name for marks in people for name in marks))
    if len(names) * len(people) > 4 * sum(map(len, people)) + _SPREAD:
        raise source.error(f"its {len(names)} different labels are no skeleton.")
    place = {name: i for i, name in enumerate(names)}
    points = np.full((len(people), len(names), 2), np.nan)
    for row, marks in enumerate(people):
        for name, xy in marks.items():
            points[row, place[name]] = xy
    note = "Points of several people are told apart by their order, since they have no parentID."
    return Detections.build(
        NAME, named_layout(names), frames, points, units=PERCENT, size=next(iter(sizes), None),
        span=(int(numbers.min()), int(numbers.max())), numbered_from=None,
        notes=() if grouped else (note,),
    )  # fmt: skip


def _regions(task: Any) -> list[dict[str, Any]]:
    """The labelled keypoints of a task, each with the fields of its value among its own."""
    if not isinstance(task, dict):
        return []
    for kind in ("annotations", "completions", "predictions"):
        for answer in _dicts(task.get(kind)):
            listed = [
                region | region["value"]
                for region in _dicts(answer.get("result"))
                if isinstance(region.get("value"), dict)
            ]
            marks = [region for region in listed if isinstance(region.get(_KEY), list)]
            owner = {
                str(link.get("from_id")): link.get("to_id")
                for link in _dicts(answer.get("result"))
                if link.get("type") == "relation"
            }
            for region in marks:
                if str(region.get("id")) in owner:
                    region.setdefault("parentID", owner[str(region.get("id"))])
            if marks and not answer.get("was_cancelled"):
                return marks
    for value in task.values():
        marks = [region for region in _dicts(value) if isinstance(region.get(_KEY), list)]
        if marks:
            return marks
    return []


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _people(regions: list[dict[str, Any]], source: Source, frame: int) -> list[Marks]:
    """Points by parentID; without one, a label that comes again begins the next person."""
    people: list[Marks] = []
    latest: dict[str, Marks] = {}
    for region in regions:
        name, parent = str(region[_KEY][0]) if region[_KEY] else "", str(region.get("parentID"))
        x, y = region.get("x"), region.get("y")
        if not (isinstance(x, int | float) and isinstance(y, int | float)):
            raise source.error(f"frame {frame}: {name[:30]} has no numbers x and y.")
        if parent not in latest or name in latest[parent]:
            latest[parent] = {}
            people.append(latest[parent])
        latest[parent][name] = float(x), float(y)
    return people


def _size(region: dict[str, Any]) -> tuple[int, int] | None:
    return picture_size(region.get("original_width"), region.get("original_height"))


def _picture(task: Any, position: int) -> str:
    """The picture's name as it was before the upload; the task's place where there is none."""
    task = task if isinstance(task, dict) else {}
    data = task.get("data")
    for value in (data if isinstance(data, dict) else task).values():
        if isinstance(value, str) and value.lower().endswith(_PICTURES):
            return _UPLOAD.sub("", re.split(r"[/\\=]", value)[-1])
    return str(position)
