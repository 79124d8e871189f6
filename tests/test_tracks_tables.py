"""Tables and JSON as people's own scripts write them: cells of lists, other words, y upwards."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lift_to_3d.core.errors import TrackError
from lift_to_3d.core.skeleton import COCO
from lift_to_3d.core.track import Track
from lift_to_3d.core.tracks import inspect, read

FIXTURES = Path(__file__).parent / "fixtures"
SIZE = (1768, 994)
VISION = {"head": "nose", "shoulder_1": "shoulder", "forearm": "elbow", "hand": "wrist",
          "upLeg": "hip", "leg": "knee", "foot": "ankle", "eye": "eye", "ear": "ear"}  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> Track:
    """Twelve frames of one person, with all of COCO's joints."""
    return read(FIXTURES / "named.csv", size=SIZE)[0]


def same(path: Path, truth: Track) -> bool:
    track = read(path, size=SIZE)[0]
    joints = tuple(name for name in COCO if name in track.joints)
    assert set(COCO[1:]) <= set(joints)
    xy, _ = track.select(joints)
    return bool(np.abs(xy - truth.select(joints)[0]).max() < 0.1)


def table(path: Path, header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def numpy_text(points: np.ndarray) -> str:
    """As numpy prints numbers in Python's lists."""
    return str([tuple(f"np.float64({n:.2f})" for n in point) for point in points]).replace("'", "")


CELLS: dict[str, Callable[[np.ndarray], str]] = {
    "JSON": lambda p: json.dumps(p.tolist()),
    "dicts": lambda p: str([dict(zip(("x", "y", "confidence"), q, strict=True))
                            for q in p.tolist()]),
    "tuples": lambda p: str([tuple(q) for q in p.tolist()]),
    "numpy 2": numpy_text,
    "array": lambda p: f"array({p.tolist()}, dtype=float32)",
    "printed array": lambda p: " ".join(str(p.round(2)).split()),
    "numbers": lambda p: " ".join(f"{n:.2f}" for n in p.ravel()),
}  # fmt: skip


@pytest.mark.parametrize("dress", CELLS)
def test_all_points_in_one_cell(tmp_path: Path, truth: Track, dress: str):
    points = np.concatenate([truth.xy, truth.confidence[..., None]], -1)
    rows = ([i, 3, "walking", CELLS[dress](frame)] for i, frame in enumerate(points))
    path = table(tmp_path / "a.csv", ["frame", "person_id", "pose", "keypoints"], rows)
    assert same(path, truth)
    assert inspect(path).format == "CSV of lists"
    assert any("person is 3" in note for note in read(path, size=SIZE)[0].notes)


def test_a_cell_for_each_joint(tmp_path: Path, truth: Track):
    rows = [
        [i / 25, *(f"({x:.2f}, {y:.2f})" for x, y in frame)] for i, frame in enumerate(truth.xy)
    ]
    rows[4] = [4 / 25, *[""] * 17]
    path = table(tmp_path / "a.csv", ["timestamp", *COCO], rows)
    track = read(path, size=SIZE)[0]
    assert (track.fps, track.frames) == (25, 12)
    assert np.isnan(track.xy[4]).all()
    assert np.abs(np.delete(track.xy - truth.xy, 4, 0)).max() < 0.1


@pytest.mark.parametrize(
    "word", ["{0}_{1}_px", "{0}.{1} (pixels)", "PoseLandmark.{0}_{1}", "{1}_{0}"]
)
def test_words_around_the_names_of_columns(tmp_path: Path, truth: Track, word: str):
    names = [word.format(name.upper(), axis) for name in COCO for axis in "xy"]
    assert same(table(tmp_path / "a.csv", names, truth.xy.reshape(12, -1)), truth)


def test_long_tables_by_number_and_by_time(tmp_path: Path, truth: Track):
    rows = [(i, j, *truth.xy[i, j]) for i in range(12) for j in range(17)]
    assert same(table(tmp_path / "a.csv", ["frame", "id", "x", "y"], rows), truth)
    rows = [(40 * i, COCO[j], x / SIZE[0], y / SIZE[1]) for i, j, x, y in rows]
    path = table(tmp_path / "b.csv", ["timestamp_ms", "joint", "x_norm", "y_norm"], rows)
    assert same(path, truth)
    assert inspect(path).fps == 25


def test_y_that_counts_upwards(tmp_path: Path, truth: Track):
    """Apple Vision's names and its axes."""
    vision = {
        f"{side}{word}_joint": COCO.index(f"{side}{joint}")
        for word, joint in VISION.items()
        for side in (("left_", "right_") if joint != "nose" else ("",))
    }
    shares = truth.xy / SIZE
    frames = [
        {"frame": i, "joints": {name: {"x": p[j, 0], "y": 1 - p[j, 1], "confidence": 0.9}
                                for name, j in vision.items()}}
        for i, p in enumerate(shares)
    ]  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(frames))
    assert same(tmp_path / "a.json", truth)
    turned = 1 - shares
    names = [f"{name}_{axis}" for name in COCO for axis in "xy"]
    path = table(tmp_path / "upside_down_camera.csv", names, turned.reshape(12, -1))
    assert np.abs(read(path, size=SIZE)[0].xy - turned * SIZE).max() < 0.1


def rows(xy: np.ndarray) -> list[dict[str, Any]]:
    names = [f"{name}_{axis}" for name in COCO for axis in "xy"]
    return [{"frame": i} | dict(zip(names, p.ravel().tolist(), strict=True))
            for i, p in enumerate(xy)]  # fmt: skip


def columns(xy: np.ndarray) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows(xy)] for key in rows(xy)[0]}


JSON: dict[str, Callable[[np.ndarray], Any]] = {
    "records": rows,
    "list": columns,
    "columns": lambda xy: {
        key: {str(i): n for i, n in enumerate(column)} for key, column in columns(xy).items()
    },
    "split": lambda xy: {
        "columns": list(columns(xy)), "data": [list(row.values()) for row in rows(xy)]
    },
    "x and y by joint": lambda xy: {
        name: {"x": xy[:, j, 0].tolist(), "y": xy[:, j, 1].tolist()} for j, name in enumerate(COCO)
    },
    "places by joint": lambda xy: {name: xy[:, j].tolist() for j, name in enumerate(COCO)},
    "frames in an object": lambda xy: {
        "fps": 30, "frames": {str(i): {"persons": {"1": p.tolist()}} for i, p in enumerate(xy)}
    },
    "frames by person": lambda xy: {
        "tracks": [{"track_id": 1, "frames": [{"frame": i, "keypoints": p.tolist()}
                                              for i, p in enumerate(xy)]}]
    },
    "frames of people": lambda xy: {
        "people": [{"id": 1, "frames": [{"frame": float(i), "keypoints": p.tolist()}
                                        for i, p in enumerate(xy)]}]
    },
    "frames under a name": lambda xy: {
        "person_1": [{"frame": i, "keypoints": p.tolist()} for i, p in enumerate(xy)]
    },
}  # fmt: skip


@pytest.mark.parametrize("dress", JSON)
def test_json_of_tables_and_of_people(tmp_path: Path, truth: Track, dress: str):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(JSON[dress](truth.xy)))
    assert same(path, truth)
    assert len(read(path, size=SIZE)) == 1


def test_numbers_of_frames_and_people_stay_as_they_are(tmp_path: Path, truth: Track):
    names = ["frame", "person", *(f"{name}_{axis}" for name in COCO for axis in "xy")]
    rows = [[2.0 * i, 7.0, *frame.ravel()] for i, frame in enumerate(truth.xy)]
    listed = [[2.0 * i, 7.0, frame.tolist()] for i, frame in enumerate(truth.xy)]
    paths = [
        table(tmp_path / "a.csv", names, rows),
        table(tmp_path / "b.csv", ["frame", "person", "keypoints"], listed),
        tmp_path / "c.json",
    ]
    paths[2].write_text(json.dumps({"columns": names, "data": rows}))
    for path in paths:
        notes = read(path, size=SIZE)[0].notes
        assert any("one frame in 2" in note for note in notes)
        assert any("person is 7" in note for note in notes)


def test_json_columns_that_do_not_match(tmp_path: Path, truth: Track):
    (tmp_path / "a.json").write_text(json.dumps(columns(truth.xy) | {"nose_x": [1, 2]}))
    with pytest.raises(TrackError, match="not equally long"):
        read(tmp_path / "a.json")


def test_numbers_with_a_comma_at_the_end_and_y_upwards(tmp_path: Path, truth: Track):
    """What a much copied script writes for Unity."""
    lines = ["".join(f"{x:.2f},{SIZE[1] - y:.2f}," for x, y in frame) for frame in truth.xy]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    found = read(tmp_path / "a.txt", size=SIZE)[0].xy - truth.xy
    assert np.ptp(found, (0, 1)).max() < 0.1
    assert np.abs(found[..., 0]).max() < 0.1


def test_world_landmarks_are_not_taken_for_the_picture(tmp_path: Path, truth: Track):
    metres = (truth.xy - truth.xy[:, 11:13].mean(1, keepdims=True)) / 300
    names = [f"{name}_{axis}" for name in COCO for axis in "xy"]
    path = table(tmp_path / "a.csv", names, metres.reshape(12, -1))
    with pytest.raises(TrackError, match="world landmarks"):
        read(path)


def test_other_words_for_frame_and_time(tmp_path: Path, truth: Track):
    names = [f"{name}.{axis}" for name in COCO for axis in "xy"]
    rows = [[2 * i + 1, 80 * i, *p] for i, p in enumerate(truth.xy.reshape(12, -1))]
    track = read(table(tmp_path / "a.csv", ["frame_no", "Time (ms)", *names], rows), size=SIZE)[0]
    assert (track.frames, track.fps) == (12, 12.5)
    assert any("one frame in 2" in note for note in track.notes)
