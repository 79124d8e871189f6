"""What files leave open: the points' order, which number is x, what numbered names mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lift_to_3d.core import layouts
from lift_to_3d.core.layouts import Layout
from lift_to_3d.core.skeleton import COCO
from lift_to_3d.core.track import Track
from lift_to_3d.core.tracks import inspect, read

FIXTURES = Path(__file__).parent / "fixtures"
SIZE = (1768, 994)


@pytest.fixture(scope="module")
def truth() -> Track:
    """Twelve frames of one person, with all of COCO's joints."""
    return read(FIXTURES / "named.csv", size=SIZE)[0]


@pytest.fixture(scope="module")
def clip(truth: Track) -> np.ndarray:
    """(12, 17, 3) of the same."""
    return np.concatenate([truth.xy, truth.confidence[..., None]], -1)


def same(track: Track, truth: Track) -> bool:
    xy, _ = track.select(COCO)
    return bool(np.abs(xy - truth.xy).max() < 0.05)


def in_layout(clip: np.ndarray, layout: Layout) -> np.ndarray:
    """COCO's joints in another order; what COCO lacks lies between head and hips."""
    place = {name: i for i, name in enumerate(COCO)}
    middle = {
        "pelvis": clip[:, 11:13].mean(1), "thorax": clip[:, 5:7].mean(1),
        "head_top": clip[:, 0] + [0, -20, 0], "head": clip[:, 0] + [0, -10, 0],
        "neck": clip[:, [0, 5, 6]].mean(1),
    }  # fmt: skip
    spine = (middle["pelvis"] + middle["thorax"]) / 2
    points = [
        clip[:, place[name]] if name in place else middle.get(name, spine) for name in layout.points
    ]
    return np.stack(points, 1)


@pytest.mark.parametrize(
    "name",
    ["CrowdPose-14", "AIC-14", "MPI-15", "HumanEva-15", "MPII-16", "COCO-17", "H36M-17",
     "MPI-INF-3DHP-17", "COCO-18", "BODY_25", "BODY_25B", "Halpe-26", "MPI-INF-3DHP-28"],
)  # fmt: skip
def test_layout_by_number_and_places(name: str, clip: np.ndarray, truth: Track, tmp_path: Path):
    points = in_layout(clip, layouts.LAYOUTS[name])
    for each in (2, 3):
        np.save(tmp_path / "clip.npy", points[..., :each])
        seen = inspect(tmp_path / "clip.npy")
        assert seen.layout == name
        track = read(tmp_path / "clip.npy", size=SIZE)[0]
        assert any(f"they are {name}'s" in note for note in track.notes)
        limbs, _ = track.select(COCO[5:])
        assert np.abs(limbs - truth.xy[:, 5:]).max() < 0.05


def test_a_tools_own_order_is_doubted_only_where_the_bones_say_so(clip: np.ndarray, tmp_path: Path):
    for layout in (layouts.COCO_17, layouts.H36M_17):
        entries = [
            {"image_id": i, "category_id": 1, "keypoints": row.ravel().tolist(), "score": 0.9}
            for i, row in enumerate(in_layout(clip, layout))
        ]
        (tmp_path / "clip.json").write_text(json.dumps(entries))
        assert inspect(tmp_path / "clip.json").layout == layout.name


def test_half_a_body_is_not_doubted(clip: np.ndarray, tmp_path: Path):
    half = clip.copy()
    half[:, 11:] = 0
    np.save(tmp_path / "clip.npy", half)
    assert inspect(tmp_path / "clip.npy").layout == "COCO-17"


def swapped(clip: np.ndarray) -> np.ndarray:
    return clip[..., [1, 0, 2]]


Y_FIRST: dict[str, Callable[[np.ndarray], Any]] = {
    "easy_ViTPose": lambda p: {
        "keypoints": [{"0": frame.tolist()} for frame in p],
        "skeleton": {str(i): name for i, name in enumerate(COCO)},
    },
    "lists": lambda p: [{"keypoints": frame.tolist()} for frame in p],
    "plain": lambda p: p,
    "shares": lambda p: p / [SIZE[1], SIZE[0], 1],
    "MoveNet": lambda p: (p / [SIZE[1], SIZE[0], 1])[:, None, None],
    "MoveNet, several": lambda p: np.pad(
        (p / [SIZE[1], SIZE[0], 1]).reshape(len(p), 1, 51), ((0, 0), (0, 5), (0, 5))
    )[:, None],
}


@pytest.mark.parametrize("dress", Y_FIRST)
def test_y_before_x(dress: str, clip: np.ndarray, truth: Track, tmp_path: Path):
    value = Y_FIRST[dress](swapped(clip))
    path = tmp_path / "clip"
    if isinstance(value, np.ndarray):
        np.savez(path, keypoints=value)
        path = tmp_path / "clip.npz"
    else:
        path.write_text(json.dumps(value))
    track = read(path, size=SIZE)[0]
    assert same(track, truth)
    assert any("y stands before x" in note for note in track.notes)


@pytest.mark.parametrize("turns", [1, 3])
def test_a_camera_on_its_side_is_no_exchange(turns: int, clip: np.ndarray, tmp_path: Path):
    """Turned by a quarter, with the face in sight, nobody is mirrored."""
    away = clip.copy()
    away[..., 0], away[..., 1] = (
        (clip[..., 1], SIZE[0] - clip[..., 0])
        if turns == 1
        else (SIZE[1] - clip[..., 1], clip[..., 0])
    )
    facing = clip[:, 5, 0] > clip[:, 6, 0]
    assert facing.mean() > 0.5, "the person of the fixture faces the camera"
    np.save(tmp_path / "clip.npy", away)
    track = read(tmp_path / "clip.npy")[0]
    assert np.abs(track.xy - away[..., :2]).max() < 0.05
    assert any("lies across" in note for note in track.notes)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
@pytest.mark.parametrize(
    "columns",
    [
        lambda p: p.reshape(12, -1),
        lambda p: p[..., :2].reshape(12, -1),
        lambda p: np.c_[np.arange(12), p.reshape(12, -1)],
        lambda p: np.c_[np.arange(12), np.zeros(12), p[..., :2].reshape(12, -1)],
        lambda p: swapped(p).reshape(12, -1),
    ],
    ids=["xyc", "xy", "frame xyc", "frame person xy", "yxc"],
)
def test_csv_without_a_header(
    columns: Callable, delimiter: str, clip: np.ndarray, truth: Track, tmp_path: Path
):
    path = tmp_path / "clip.txt"
    np.savetxt(path, columns(clip), "%.3f", delimiter)
    track = read(path, size=SIZE)[0]
    assert same(track, truth)
    assert track.frames == 12


def test_numbered_names_are_told(tmp_path: Path, truth: Track):
    cvat = (FIXTURES / "cvat.xml").read_text()
    table = (FIXTURES / "deeplabcut.csv").read_text()
    for i, name in enumerate(COCO):
        cvat = cvat.replace(f'label="{name}"', f'label="{i + 1}"')
        table = table.replace(f",{name}", f",{i}")
    for text in (cvat, table):
        (tmp_path / "clip").write_text(text)
        tracks = read(tmp_path / "clip", size=SIZE)
        assert any("only numbered: they are taken for COCO-17's" in n for n in tracks[0].notes)
        assert any(same(track, truth) for track in tracks)


def test_deeplabcuts_human_model(tmp_path: Path, truth: Track):
    """Its sides are numbers: MPII's order, right first."""
    table = (FIXTURES / "deeplabcut.csv").read_text()
    for name in COCO[5:]:
        side, part = name.split("_")
        table = table.replace(f",{name}", f",{part}{1 if side == 'right' else 2}")
    for name, other in zip(COCO, ("chin", "forehead", "x", "y", "z"), strict=False):
        table = table.replace(f",{name}", f",{other}")
    (tmp_path / "clip").write_text(table)
    track = read(tmp_path / "clip", size=SIZE)[0]
    assert any("1 is taken for right" in note for note in track.notes)
    assert np.abs(track.select(COCO[5:])[0] - truth.xy[:, 5:]).max() < 0.05


def test_metres_are_no_shares_of_a_picture(clip: np.ndarray, tmp_path: Path):
    from lift_to_3d.core.errors import TrackError

    metres = np.concatenate([clip[..., :2] / 500 - 1, np.full((12, 17, 1), 3.5)], -1)
    np.savez(tmp_path / "clip.npz", keypoints=metres)
    with pytest.raises(TrackError, match="not 3D"):
        read(tmp_path / "clip.npz")


def frame_of(people: list[Any]) -> list[Any]:
    return [{"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist()} for p in people]


def test_a_folder_of_frames_and_a_folder_of_clips(tmp_path: Path, clip: np.ndarray, truth: Track):
    """MMPose's predictions for single pictures are one clip; whole clips side by side are many."""
    from lift_to_3d.commands.inputs import find_clips

    frames, clips = tmp_path / "frames", tmp_path / "clips"
    frames.mkdir()
    clips.mkdir()
    for i, points in enumerate(clip):
        (frames / f"img_{i:04d}.json").write_text(json.dumps(frame_of([points])))
    assert [c.path for c in find_clips([frames])] == [frames]
    assert same(read(frames, size=SIZE)[0], truth)
    ways = {
        "a.json": [{"frame_id": i, "instances": frame_of([p])} for i, p in enumerate(clip)],
        "b.json": [{"frame": i, "keypoints": p.tolist()} for i, p in enumerate(clip)],
        "c.json": [{"keypoints": p.tolist()} for p in clip],
    }
    for name, document in ways.items():
        (clips / name).write_text(json.dumps(document))
    assert [c.path.name for c in find_clips([clips])] == list(ways)


def test_a_folder_of_ultralytics_csv(tmp_path: Path, truth: Track):
    from lift_to_3d.commands.inputs import find_clips

    header, *rows = (FIXTURES / "ultralytics.csv").read_text().splitlines()
    frames, clips = tmp_path / "frames", tmp_path / "clips"
    frames.mkdir()
    clips.mkdir()
    for i in range(12):
        mine = [row.partition(",")[2] for row in rows if row.startswith(f"{i},")]
        text = "\n".join([header.partition(",")[2], *mine]) if i != 5 else ""
        (frames / f"clip_{i + 1}.csv").write_text(text)
    tracks = read(frames, size=SIZE)
    assert [(t.frames, t.first_frame - t.numbered_from) for t in tracks] == [(12, 0)] * 2
    assert np.isnan(tracks[0].xy[5]).all()
    assert [c.path for c in find_clips([frames])] == [frames]
    for name in ("a.csv", "b.csv"):
        (clips / name).write_text("\n".join([header, *rows]))
    assert len(list(find_clips([clips]))) == 2


@pytest.mark.parametrize("numbered", [True, False], ids=["pandas", "polars"])
def test_joined_answers_of_ultralytics(tmp_path: Path, truth: Track, numbered: bool):
    """``to_csv()`` of each frame in one file; pandas numbers the rows and writes "" for nobody."""
    header, *rows = (FIXTURES / "ultralytics.csv").read_text().splitlines()
    header = header.replace("frame,", "," if numbered else "").replace("box,", "box,track_id,")
    answers = ['""\n' if numbered else "\n"]
    for i in range(12):
        cells = [row.split(",", 1)[1].split(',"{', 1) for row in rows if row.startswith(f"{i},")]
        mine = [
            (f"{n}," if numbered else "") + f'{box},{n + 1}.0,"{{{keypoints}'
            for n, (box, keypoints) in enumerate(cells)
        ]
        answers.append("\n".join([header, *mine, ""]))
    (tmp_path / "clip.csv").write_text("".join(answers))
    tracks = read(tmp_path / "clip.csv", size=SIZE)
    assert same(tracks[0], truth)
    assert [track.frames for track in tracks] == [12, 12]
    assert any("file's number" in note for note in tracks[0].notes)


def test_a_size_that_lies_where_the_film_stands_is_asked_about(tmp_path: Path, clip: np.ndarray):
    xy = clip[..., :2] - clip[..., :2].min((0, 1))
    upright = 1900 * xy / xy[..., 1].max()
    upright[..., 0] *= min(1.0, 1000 / upright[..., 0].max())
    np.savez(tmp_path / "clip.npz", keypoints=upright, scores=clip[..., 2], names=COCO, fps=25)

    def asked(size: tuple[int, int]) -> bool:
        return any("was the film upright" in note for note in read_notes(size))

    def read_notes(size: tuple[int, int]) -> tuple[str, ...]:
        return read(tmp_path / "clip.npz", size=size)[0].notes

    assert asked((1920, 1080))
    assert not asked((1080, 1920))
    assert not asked((1920, 1920))
