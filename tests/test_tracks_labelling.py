"""Labelling tools' files beyond the committed samples, as the tools themselves write them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lift_to_3d.core.errors import TrackError
from lift_to_3d.core.skeleton import COCO
from lift_to_3d.core.track import Track
from lift_to_3d.core.tracks import read

FIXTURES = Path(__file__).parent / "fixtures"
SIZE = (1768, 994)
SHAPE = '<points label="{}" occluded="0" group_id="{}" points="{}"></points>'


@pytest.fixture(scope="module")
def people() -> list[Track]:
    return read(FIXTURES / "cvat.xml")


def same(found: list[Track], people: list[Track]) -> bool:
    return len(found) == len(people) and all(
        np.allclose(a.xy, b.xy, atol=0.6) for a, b in zip(found, people, strict=True)
    )


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def pictures(people: list[Track], shapes: Any) -> str:
    """CVAT for images, the last picture first, as Datumaro writes it."""
    images = [
        f'<image id="{11 - i}" name="clip_{i:04d}.png" width="1768" height="994">'
        + "".join(shapes(n, track.xy[i]) for n, track in enumerate(people))
        + "</image>"
        for i in range(12)
    ]
    return f"<annotations>{''.join(images[::-1])}</annotations>"


def test_cvat_pictures_have_the_order_of_their_names(tmp_path: Path, people: list[Track]):
    def whole(_number: int, xy: np.ndarray) -> str:
        return SHAPE.format("person", 0, ";".join(f"{x:.2f},{y:.2f}" for x, y in xy))

    def apart(number: int, xy: np.ndarray) -> str:
        return "".join(
            SHAPE.format(name, number + 1, f"{x:.2f},{y:.2f}")
            for name, (x, y) in zip(COCO, xy, strict=True)
        )

    for shapes in (whole, apart):
        assert same(read(written(tmp_path, "a.xml", pictures(people, shapes))), people)


def test_cvat_points_in_tracks_of_their_own(tmp_path: Path, people: list[Track]):
    tracks = [
        f'<track id="{17 * n + j}" label="{name}" group_id="{n + 1}">'
        + "".join(
            f'<points frame="{i}" outside="0" points="{x:.2f},{y:.2f}"/>'
            for i, (x, y) in enumerate(person.xy[:, j])
        )
        + "</track>"
        for n, person in enumerate(people)
        for j, name in enumerate(COCO)
    ]
    text = f"<annotations>{''.join(tracks)}</annotations>"
    assert same(read(written(tmp_path, "a.xml", text), size=SIZE), people)


def test_tasks_of_a_cvat_project_are_not_mixed(tmp_path: Path):
    text = (FIXTURES / "cvat.xml").read_text()
    text = text.replace('id="0" label', 'id="0" task_id="7" label')
    text = text.replace('id="1" label', 'id="1" task_id="8" label')
    with pytest.raises(TrackError, match="2 tasks of a project"):
        read(written(tmp_path, "a.xml", text))


def label_studio() -> list[dict[str, Any]]:
    return json.loads((FIXTURES / "label_studio.json").read_text())


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_label_studio_csv(tmp_path: Path, people: list[Track], delimiter: str):
    path = tmp_path / "result.csv"
    with path.open("w", newline="") as stream:
        table = csv.writer(stream, delimiter=delimiter)
        table.writerow(["annotation_id", "id", "image", "kp"])
        for task in label_studio():
            result = task["annotations"][0]["result"]
            cell = [region["value"] | {"parentID": region["parentID"]} for region in result]
            table.writerow([1, task["id"], task["data"]["image"], json.dumps(cell)])
    assert same(read(path, size=SIZE), people)


def test_coco_that_went_through_label_studio(tmp_path: Path, people: list[Track]):
    """Its importer names every point "person", and says in ``hidden`` what was not seen."""
    tasks = label_studio()
    for task in tasks:
        for region in task["annotations"][0]["result"]:
            del region["parentID"]
            hidden = region["value"]["keypointlabels"] == ["left_wrist"]
            region["value"] |= {"keypointlabels": ["person"], "hidden": hidden}
    found = read(written(tmp_path, "a.json", json.dumps(tasks)))
    assert same(found, people)
    assert (found[0].confidence[:, 9] == 0.5).all()
    assert (found[0].confidence[:, 10] == 1).all()


def test_scores_of_label_studio_predictions(tmp_path: Path):
    tasks = label_studio()
    for task in tasks:
        task["predictions"] = task.pop("annotations")
        for region in task["predictions"][0]["result"]:
            region["score"] = 0.25
    assert (read(written(tmp_path, "a.json", json.dumps(tasks)))[0].confidence == 0.25).all()


def test_labels_for_training(tmp_path: Path, people: list[Track]):
    """Label Studio's YOLO export: a random word before each name, visibility 2, 1 or 0."""
    sample = sorted((FIXTURES / "ultralytics_labels").iterdir())
    for path in sample:
        number = int(re.findall(r"\d+", path.name)[0])
        lines = [line.split() for line in path.read_text().splitlines()]
        text = "\n".join(
            " ".join(["1" if i == 7 else "2" if i % 3 == 1 and i > 6 else w for i, w in
                      enumerate(line[:56])]) for line in lines
        )  # fmt: skip
        written(tmp_path, f"{hash(number) * 0x9E3779B1 % 2**32:08x}-clip_{number}.txt", text)
    found = read(tmp_path, size=SIZE)
    assert same(found, people)
    assert (found[0].confidence[:, 0] == 0.5).all()
    assert (found[0].confidence[:, 1:] == 1).all()
