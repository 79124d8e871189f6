"""Other JSON of keypoints, as people write it themselves: frames of people of points, in any dress.

Source: what scripts around rtmlib, PoseNet, Ultralytics and MediaPipe save. Asked
last: it takes what has no reader of its own.

- Frames: a list, also under ``frames``, ``data``, ``results`` and the like; an object with a
  member for each frame ("0", "frame_12", "img_0012.jpg"); JSON Lines; or a folder with a file for
  each frame. A frame's number is under ``frame``, ``frame_id`` ..., or in its name, or its place.
  Or a list or an object of people, each with a list of their frames.
- People of a frame: a list or an object by number, also under ``people``, ``persons``,
  ``detections``, ``instances`` ...; or one person. Several entries may have the same frame.
- Points of a person, also under ``keypoints``, ``landmarks``, ``pose`` ...: [[x, y] ...] or [[x, y,
  confidence] ...]; x, y, confidence in one row; {x, y, confidence, name} each; {name: [x, y]} or
  {name: {x, y}}; {x: [...], y: [...]}. Confidences may be apart, under ``scores`` and the like.

Pixels, or all of it shares of the picture. Points without names are known by their number and where
they lie; their names may stand beside the frames, under ``names``, ``skeleton`` and the like. In
easy_ViTPose's files y stands before x; others are turned if that makes people stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import orjson

from ...layouts import Layout, canonical, named_layout
from ..detections import Detections, Rows, rate_and_size
from ..geometry import COUNTS, exchanged, layout_of, one_person, upright
from ..json_text import LISTS, OBJECTS, parse_json
from ..source import Source, numbers_in_names
from ..timing import rate_of_timestamps
from .named_csv import FRAME, TIME, units

NAME = "JSON"

_FRAMES = ("frames", "data", "results", "predictions", "annotations", "detections", "poses",
           "keypoints", "landmarks", "instance_info")  # fmt: skip
_PEOPLE = ("people", "persons", "instances", "detections", "results", "poses", "predictions",
           "objects", "bodies", "skeletons", "instance_info", "annotations")  # fmt: skip
_POINTS = ("keypoints", "landmarks", "pose_landmarks", "pose_keypoints_2d", "keypoints_2d",
           "joints", "joints_2d", "points", "pose", "skeleton", "kpts", "body")  # fmt: skip
_EVERYBODY = ("tracks", "people", "persons")
_SCORES = ("keypoint_scores", "scores", "confidences", "confidence", "conf", "visibility", "score")
_BESIDE = ("skeleton", "names", "keypoint_names", "joint_names", "joints", "labels")
_SURE = ("score", "confidence", "conf", "visibility", "likelihood", "prob", "c", "v", "presence")
_NAMES = ("name", "part", "label", "joint", "keypoint", "landmark", "id")
_NUMBERS = ("id", "track_id", "person_id", "person", "idx")
_LOOK_AT = 200
_CROWD = 30

Points = dict[str, list]
"""x, y and confidence by name, or by place: "0", "1" ..."""


def sniff(source: Source) -> bool:
    """Whether one of the first frames holds a person."""
    if source.is_folder:
        first = [Source(path).json for path in source.files_named(".json")[:_LOOK_AT]]
        first = [document for document in first if next(_people(document), None)]
        return bool(first) and all(map(_is_one_frame, first))
    return has_people(_frames(source.json))


def has_people(frames: Iterable[Any]) -> bool:
    """Whether one of the first frames holds a person."""
    return any(next(_people(frame), None) for frame in islice(frames, _LOOK_AT))


def read(source: Source) -> Detections:
    """Every person of every frame."""
    if source.is_folder:
        files = source.files_named(".json")
        frames = (parse_json(Source(path).data, path) for path in files)
        return read_frames(source, frames, [path.name for path in files], {})
    head = source.json if isinstance(source.json, OBJECTS) else {}
    return read_frames(source, _frames(source.json), _names(source.json), head)


def read_frames(
    source: Source, frames: Iterable[Any], names: list[str] | None, head: Any, title: str = NAME
) -> Detections:
    """Every person of frames in any of the forms above.

    Args:
        source: where they are from.
        frames: what is parsed of each.
        names: what the frames are called, where they do not say it themselves.
        head: an object with what is said of all of them.
        title: the format's name for the user.
    """
    rows = Rows(source)
    place: dict[str, int] = {}
    at_times: list[int] = []
    times: list[float] = []
    count = 0
    for count, frame in enumerate(frames, 1):
        if count % 1024 == 0:
            source.report(count / max(count, len(names or ()), 4096))
        at = _stated(frame, FRAME[:-1], count - 1)
        if isinstance(stamp := _first(frame, TIME), int | float):
            at_times, times = [*at_times[:1], at], [*times[:1], float(stamp)]
        for points, who in _people(frame):
            place = place or {name: i for i, name in enumerate(points)}
            flat = [n for name in place for n in points.get(name, (None, None, None))]
            if len(place) > 1000 or not place.keys() & points.keys():
                raise source.error(f"frame {at}: its points are not those of the first person.")
            rows.add(at, flat, who)
    points = rows.points()
    frame = rows.frame if names is None else numbers_in_names(names)[rows.frame]
    layout = _layout(_names_beside(head, len(place)) or list(place), points, source)
    fps, size = rate_and_size(head)
    found = Detections.build(
        title, layout, frame, points, ids=rows.ids,
        span=None if names else (0, count - 1), units=units(points), numbered_from=None,
        fps=fps or rate_of_timestamps(at_times, times), size=size,
    )  # fmt: skip
    return exchanged(found) if _is_easy_vitpose(head) else upright(found)


def _names_beside(head: Any, count: int) -> list[str]:
    """The points' names that stand beside the frames; none if they are not as many."""
    for key in _BESIDE:
        listed = head.get(key)
        listed = list(listed.values()) if isinstance(listed, dict) else listed
        if isinstance(listed, list) and len(listed) == count:
            return listed if all(isinstance(name, str) for name in listed) else []
    return []


def _is_easy_vitpose(head: Any) -> bool:
    """Whether the points' names are in a ``skeleton`` by number and the frames in ``keypoints``."""
    skeleton = head.get("skeleton")
    return (
        isinstance(skeleton, dict) and "0" in skeleton and isinstance(head.get("keypoints"), LISTS)
    )


def _is_one_frame(document: Any) -> bool:
    """Whether a file's entries are the people of one frame, and not the frames of a clip."""
    entries = list(islice(_frames(document), _CROWD + 1))
    stated = {str(_first(entry, (*FRAME[:-1], "image_id", *TIME))) for entry in entries}
    people = list(map(_points, entries))
    return len(entries) <= _CROWD and len(stated) < 2 and all(people) and not _one_person(people)


def _one_person(people: list[Points]) -> bool:
    names = sorted(set(people[0]).intersection(*people)) if people else []
    return one_person([[points[name][:2] for name in names] for points in people])


def _wrapped(document: Any) -> Any:
    """What lies under the word for frames, if anything does."""
    if not isinstance(document, OBJECTS):
        return document
    for key in _FRAMES:
        inside = document.get(key)
        if isinstance(inside, LISTS) or _numbered(inside):
            return inside
    return None


def _numbered(document: Any) -> bool:
    """Whether it is an object whose members are frames, by their names."""
    return isinstance(document, OBJECTS) and all(any(c.isdigit() for c in key) for key in document)


def _by_person(document: Any) -> Iterator[dict[str, Any]]:
    """The frames of everybody, of a document that has a list of them for each person."""
    if isinstance(document, OBJECTS):
        document = next((document[k] for k in _EVERYBODY if k in document), document)
    if isinstance(document, OBJECTS):
        people = ((re.sub(r"\D", "", name), frames) for name, frames in document.items())
    elif isinstance(document, LISTS):
        people = ((_first(one, _NUMBERS), _first(one, ("frames",))) for one in document)
    else:
        return
    for number, (who, frames) in enumerate(people):
        if not isinstance(frames, LISTS):
            return
        who = int(who) if str(who).isdecimal() else number
        for frame in frames:
            if not isinstance(_first(frame, FRAME[:-1]), int | float):
                return
            yield frame | {"id": who}


def _frames(document: Any) -> Iterator[Any]:
    """The frames of a document; scores that lie beside the keypoints of all go with them."""
    if next(_by_person(document), None):
        yield from _by_person(document)
        return
    listed = _wrapped(document)
    if isinstance(listed, LISTS):
        said = document if isinstance(document, OBJECTS) else {}
        scores = next((said[k] for k in _SCORES if k in said), None)
        if isinstance(scores, LISTS) and len(scores) == len(listed):
            for keypoints, sure in zip(listed, scores, strict=True):
                yield {"keypoints": keypoints, "scores": sure}
            return
        yield from listed
    elif isinstance(named := document if listed is None else listed, OBJECTS) and _names(document):
        yield from named.values()


def _names(document: Any) -> list[str] | None:
    """The names of the frames of an object that has a member for each; None for others."""
    inside = _wrapped(document)
    named = document if inside is None else inside
    return list(named) if _numbered(named) and not next(_by_person(document), None) else None


def _people(frame: Any) -> Iterator[tuple[Points, Any]]:
    """Points and the tool's number of everybody in a frame."""
    if isinstance(frame, str) and frame[:1] in ("[", "{"):
        frame = orjson.loads(frame)
    if isinstance(frame, dict):
        for key in _PEOPLE:
            if isinstance(frame.get(key), list | dict) and not _points(frame):
                frame = frame[key]
                break
    if points := _points(frame):
        yield points, _first(frame, _NUMBERS)
        return
    if isinstance(frame, dict) and isinstance(frame.get("keypoints"), list | dict):
        scores = _first(frame, _SCORES)
        frame = frame["keypoints"]
        if isinstance(scores, list) and isinstance(frame, list) and len(scores) == len(frame):
            frame = [{"keypoints": k, "scores": s} for k, s in zip(frame, scores, strict=True)]
    if isinstance(frame, dict):
        for key, person in frame.items():
            if points := _points(person):
                yield points, int(key) if key.isdecimal() and len(key) < 10 else None
    elif isinstance(frame, list):
        for person in frame:
            if points := _points(person):
                yield points, _first(person, _NUMBERS)


def _points(person: Any) -> Points:
    """The points of a person by name; empty if it is none."""
    scores = None
    if isinstance(person, dict):
        scores = _first(person, _SCORES)
        person = next((person[key] for key in _POINTS if person.get(key)), person)
    if isinstance(person, dict):
        return _from_object(person)
    if not isinstance(person, list) or not person:
        return {}
    if all(isinstance(value, int | float) or value is None for value in person):
        return _from_row(person)
    points = {}
    for i, mark in enumerate(person):
        name, point = _point(mark)
        if point is None:
            return {}
        points[name or str(i)] = point
    if isinstance(scores, list) and len(scores) == len(points):
        points = {
            name: [*point[:2], sure[0] if isinstance(sure, list) and sure else sure]
            for (name, point), sure in zip(points.items(), scores, strict=True)
        }
    return points if len(points) in COUNTS or _named(points) else {}


def _from_object(person: dict[str, Any]) -> Points:
    """Points of {name: point}, or of {x: [...], y: [...]}."""
    x, y = person.get("x"), person.get("y")
    if isinstance(x, list) and isinstance(y, list):
        sure = _first(person, (*_SURE, "visible"))
        sure = sure if isinstance(sure, list) else [1.0] * len(x)
        triples = zip(x, y, sure, strict=False)
        return {str(i): list(point) for i, point in enumerate(triples)}
    marks = {name: point for name, mark in person.items() if (point := _point(mark)[1]) is not None}
    return marks if _named(marks) else {}


def _from_row(numbers: list) -> Points:
    """Points of x, y, confidence ... or x, y ... in one row."""
    for each in (3, 2):
        if len(numbers) % each == 0 and len(numbers) // each in COUNTS:
            rows = zip(*(numbers[axis::each] for axis in range(each)), strict=True)
            return {str(i): [*row, 1.0][:3] for i, row in enumerate(rows)}
    return {}


def _point(mark: Any) -> tuple[str, list | None]:
    """Name, if it has one, and x, y, confidence of a point; None if it is none."""
    if isinstance(mark, list):
        good = 2 <= len(mark) <= 5 and all(isinstance(n, int | float | None) for n in mark)
        sure = mark[3] if len(mark) > 3 else mark[2] if len(mark) > 2 else 1.0
        return "", [*mark[:2], sure] if good else None
    if not isinstance(mark, dict):
        return "", None
    place = mark["position"] if isinstance(mark.get("position"), dict) else mark
    x, y, sure = place.get("x"), place.get("y"), _first(mark, _SURE)
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return "", None
    name = next((mark[key] for key in _NAMES if isinstance(mark.get(key), str)), "")
    return name if canonical(name) else "", [x, y, sure if isinstance(sure, int | float) else 1.0]


def _named(points: Iterable[str]) -> bool:
    return sum(bool(canonical(name)) for name in points) >= 4


def _first(entry: Any, keys: tuple[str, ...]) -> Any:
    """What is under the first of the keys that there is."""
    return next((entry[k] for k in keys if k in entry), None) if isinstance(entry, dict) else None


def _stated(frame: Any, keys: tuple[str, ...], otherwise: int) -> int:
    value = _first(frame, (*keys, "image_id"))
    good = type(value) in (int, float) and 0 <= value < 1 << 53 and value % 1 == 0
    return int(value) if good else otherwise


def _layout(names: list[str], points: np.ndarray, source: Source) -> Layout:
    if _named(names):
        return named_layout(names)
    layout = layout_of(points)
    if layout is None:
        raise source.error(f"{len(names)} points without names are no known layout.")
    return layout
