"""A CSV with one row for each joint: frame, joint, x, y and, if there is one, a confidence.

MediaPipe's landmarks are often saved so (frame_id, landmark_id, landmark_name, x, y, z,
visibility). The joint is a name of any usual spelling, or a number: COCO's where there are 17 of
them, MediaPipe's otherwise. x and y are pixels, or all of them shares of the picture's sides.
Where there is a time and no frame, the times are counted. FreeMoCap's 3D table has the same form
and is refused.
"""

from __future__ import annotations

from array import array

import numpy as np

from ...layouts import MEDIAPIPE_33, Layout, named_layout
from ..csv_table import CsvTable
from ..detections import Detections
from ..geometry import upright
from ..source import Source
from ..timing import rate_of_timestamps
from .named_csv import FRAME, PERSON, TIME, units, words_as_numbers

NAME = "long CSV"

_NAMES = ("landmark_name", "joint", "joint_name", "keypoint", "keypoint_name", "landmark",
          "bodypart", "body_part", "part", "node", "name")  # fmt: skip
_NUMBERS = ("landmark_id", "landmark_index", "keypoint_id", "joint_id", "index", "id")
_X, _Y = (
    (axis, *(f"{axis}_{unit}" for unit in ("px", "pixel", "norm", "normalized"))) for axis in "xy"
)
_SURE = ("visibility", "confidence", "conf", "score", "likelihood", "c")


def sniff(source: Source) -> bool:
    """Whether the first line has frame, joint, x and y."""
    if not source.is_text or source.head[:1] in b"[{<":
        return False
    table = CsvTable(source.head)
    wanted = (FRAME[:-1] + TIME, _NAMES + _NUMBERS, _X, _Y)
    return all(table.column(*names) is not None for names in wanted)


def read(source: Source) -> Detections:
    """Rows of one frame and one person make a detection."""
    table = CsvTable(source.data)
    columns = [table.column(*names) for names in (FRAME + TIME, _X, _Y, _SURE, TIME)]
    try:
        have = [c for c in columns if c is not None]
        numbers = dict(zip(have, table.numbers(have).T, strict=True))
    except ValueError as error:
        raise source.error(f"{error}.") from None
    frame, x, y, sure, times = (None if c is None else numbers[c] for c in columns)
    assert frame is not None
    assert x is not None
    assert y is not None
    if "timestamp_by_camera" in table.names:
        raise source.error("holds 3D positions (FreeMoCap); the 2D keypoints are needed.")
    good = np.isfinite(frame)
    if table.column(*FRAME) is None:
        frame = np.unique(frame, return_inverse=True)[1]
    frame = np.where(good, np.clip(frame, -(1 << 53), 1 << 53), 0).astype(np.int64)
    layout, joint = _layout(table, source)
    named = table.column(*_NAMES, *_NUMBERS)
    person = next((c for word in PERSON if (c := table.column(word)) not in (None, named)), None)
    who = (
        np.zeros(len(frame), np.int64) if person is None else words_as_numbers(table.words(person))
    )
    good &= (joint >= 0) & (joint < len(layout.points))
    keys, row = np.unique(np.stack([frame[good], who[good]], 1), axis=0, return_inverse=True)
    points = np.full((len(keys), len(layout.points), 3), np.nan, np.float32)
    row, column = row.reshape(-1), joint[good]
    with np.errstate(over="ignore"):
        points[row, column, 0], points[row, column, 1] = x[good], y[good]
        points[row, column, 2] = 1 if sure is None else sure[good]
    found = Detections.build(
        "MediaPipe CSV" if layout is MEDIAPIPE_33 else NAME, layout, keys[:, 0], points,
        ids=None if person is None else keys[:, 1], units=units(points),
        fps=None if times is None else rate_of_timestamps(frame, times), numbered_from=None,
    )  # fmt: skip
    return upright(found)


def _layout(table: CsvTable, source: Source) -> tuple[Layout, np.ndarray]:
    """The layout and every row's joint in it."""
    column = table.column(*_NAMES)
    place: dict[str, int] = {}
    joint = array("q")
    for word in table.words(column) if column is not None else ():
        joint.append(place.setdefault(word.lower().removeprefix("poselandmark."), len(place)))
        if len(place) > 1000:
            raise source.error("more than 1000 different joints are named; that is no skeleton.")
    if any(not word.isdigit() for word in place):
        return named_layout(list(place)), np.array(joint, np.int64)
    number = table.column(*_NUMBERS, *_NAMES)
    assert number is not None
    numbered = table.numbers([number])[:, 0]
    joint = np.where(np.isfinite(numbered), numbered, -1).clip(-1, 1 << 30).astype(np.int64)
    kinds = np.unique(joint[joint >= 0])
    if len(kinds) == 17 and kinds[-1] - kinds[0] == 16 and kinds[0] < 2:
        return named_layout([str(kind) for kind in kinds]), joint - kinds[0]
    return MEDIAPIPE_33, joint
