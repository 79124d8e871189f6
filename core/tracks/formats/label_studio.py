"""Label Studio JSON and CSV: keypoint labels in percent of the picture, a task for each frame.

Source: Label Studio's documentation of its task format and of KeyPointLabels, and what the
exporters and the COCO importer of label-studio-sdk 2.1 write. An export is a list of {id, data
{image}, annotations [{result, was_cancelled}], predictions}; a result is a list of {type
"keypointlabels", original_width, original_height, score, value {x, y, hidden, keypointlabels
[name]}}. JSON-MIN has the values themselves in a list under the tag's name, and so have the cells
of CSV and TSV. Points of one person have the same parentID, where the annotator used it, or a
relation to the same box. In what was COCO before, 17 points in a row have the same name. No frame
rate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from ...layouts import COCO_17, named_layout
from ..csv_table import CsvTable
from ..detections import PERCENT, Detections, picture_size
from ..json_text import LISTS
from ..source import Source, numbers_in_names

NAME = "Label Studio"

_KEY = "keypointlabels"
_SPREAD = 1_000_000
"""Numbers that a table of people may have beyond four for each point in the file."""
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")

Marks = dict[str, tuple[float, float, float]]


def sniff(source: Source) -> bool:
    """Whether it is a list or table of tasks, some of which have keypoints."""
    return any(_regions(task) for task in _tasks(source, source.head)[:1000])


def read(source: Source) -> Detections:
    """The first annotation of every task that is neither cancelled nor empty."""
    tasks = _tasks(source, source.data)
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
    points = np.full((len(people), len(names), 3), np.nan)
    for row, marks in enumerate(people):
        for name, mark in marks.items():
            points[row, place[name]] = mark
    note = "Points of several people are told apart by their order, since they have no parentID."
    return Detections.build(
        NAME, named_layout(names), frames, points, units=PERCENT, size=next(iter(sizes), None),
        span=(int(numbers.min()), int(numbers.max())), numbered_from=None,
        notes=() if grouped else (note,),
    )  # fmt: skip


def _tasks(source: Source, data: bytes) -> Sequence[Any]:
    """The tasks of JSON, or of a table whose cells have the lists of JSON-MIN."""
    if isinstance(source.json, LISTS):
        return source.json
    if not source.is_text or _KEY.encode() not in source.head:
        return []
    table = CsvTable(data)
    return [dict(zip(table.names, map(_cell, row), strict=False)) for row in table.rows()]


def _cell(text: str) -> Any:
    """A cell's list; the text where there is none."""
    try:
        return orjson.loads(text) if text.startswith("[") else text
    except orjson.JSONDecodeError:
        return text


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
    names = [str(region[_KEY][0]) if region[_KEY] else "" for region in regions]
    if len(set(names)) == 1 and len(names) % len(COCO_17.points) == 0:
        names = [str(i % len(COCO_17.points) + 1) for i in range(len(names))]
    for name, region in zip(names, regions, strict=True):
        parent = str(region.get("parentID"))
        x, y, sure = region.get("x"), region.get("y"), region.get("score")
        if not (isinstance(x, int | float) and isinstance(y, int | float)):
            raise source.error(f"frame {frame}: {name[:30]} has no numbers x and y.")
        if not (isinstance(sure, int | float) and 0 <= sure <= 1):
            sure = 0.5 if region.get("hidden") is True else 1.0
        if parent not in latest or name in latest[parent]:
            latest[parent] = {}
            people.append(latest[parent])
        latest[parent][name] = float(x), float(y), float(sure)
    return people


def _size(region: dict[str, Any]) -> tuple[int, int] | None:
    return picture_size(region.get("original_width"), region.get("original_height"))


def _picture(task: Any, position: int) -> str:
    """The picture's name; the task's place where there is none."""
    task = task if isinstance(task, dict) else {}
    data = task.get("data")
    for value in (data if isinstance(data, dict) else task).values():
        if isinstance(value, str) and value.lower().endswith(_PICTURES):
            return re.split(r"[/\\=]", value)[-1]
    return str(position)
