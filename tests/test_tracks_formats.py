"""Every format: the same people out of our own small files, and real files where they are there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lift_to_3d.core.errors import TrackError
from lift_to_3d.core.skeleton import COCO
from lift_to_3d.core.tracks import draw_timeline, inspect, read
from lift_to_3d.core.tracks.formats import FORMATS
from lift_to_3d.core.tracks.source import Source, natural_key, numbers_in_names

FIXTURES = Path(__file__).parent / "fixtures"
FILES = sorted(p for p in FIXTURES.iterdir() if p.suffix != ".py" and p.name != "__pycache__")
ONE_PERSON = (
    "deeplabcut.csv", "deeplabcut.h5", "freemocap.npy", "long.csv", "mediapipe.npz", "named.csv",
    "plain.npz", "sports2d_px.trc", "table.json", "videopose3d.npz",
)  # fmt: skip
SIZE = (1768, 994)
FIRST, COUNT = 80, 12
COCO_FROM_MEDIAPIPE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)


@pytest.fixture(scope="module")
def truth(samples: Path) -> list[np.ndarray]:
    """For each frame of the fixtures (people, 17, 2) pixels."""
    clip = json.loads((samples / "street_mediapipe.json").read_text())
    frames = clip["frames"][FIRST : FIRST + COUNT]
    marks = [np.array(frame["landmarks"])[:, list(COCO_FROM_MEDIAPIPE), :2] for frame in frames]
    return [people * SIZE for people in marks]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_same_people_in_every_format(path: Path, truth: list[np.ndarray]):
    tracks = read(path, size=SIZE, fps=30)
    assert len(tracks) == (1 if path.name in ONE_PERSON else 2)
    for track in tracks:
        assert track.frames == COUNT
        assert track.first_frame - track.numbered_from == 0
        assert (track.size, track.fps) == (SIZE, 30)
        xy, confidence = track.select(COCO)
        assert (confidence > 0).all()
        gap = [
            np.linalg.norm(people - xy[t], axis=-1).max(-1).min() for t, people in enumerate(truth)
        ]
        assert max(gap) < 0.05


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_one_format_only_claims_a_file(path: Path):
    claims = [form.NAME for form in FORMATS[:-1] if form.sniff(Source(path))]
    assert len(claims) == 1


@pytest.mark.parametrize(
    "name", ["openpose_body25", "alphapose_halpe26.json", "mmpose_inferencer.json", "tfjs.json"]
)
def test_confidences_are_the_files(name: str):
    def by_place(path: Path) -> list[np.ndarray]:
        tracks = sorted(read(path, size=SIZE), key=lambda t: float(np.nanmean(t.select(COCO)[0])))
        return [track.select(COCO)[1] for track in tracks]

    reference = by_place(FIXTURES / "coco_results.json")
    for confidence, expected in zip(by_place(FIXTURES / name), reference, strict=True):
        assert np.allclose(confidence, expected, atol=1e-3)


DRESSES = {
    "by frame": lambda f: {f"frame_{i}": p for i, p in enumerate(f)},
    "people": lambda f: [{"people": [{"keypoints": q} for q in p]} for p in f],
    "arrays apart": lambda f: {
        "keypoints": [[[v[:2] for v in q] for q in p] for p in f],
        "scores": [[[v[2] for v in q] for q in p] for p in f],
    },
    "bare": lambda f: f,
    "rows": lambda f: [[{"joints": [n for v in q for n in v]} for q in p] for p in f],
    "named": lambda f: [
        {"persons": [{"keypoints": dict(zip(COCO, q, strict=True))} for q in p]} for p in f
    ],
    "parts": lambda f: [
        [{"keypoints": [{"part": name, "position": {"x": v[0], "y": v[1]}, "score": v[2]}
                        for name, v in zip(COCO, q, strict=True)]} for q in p] for p in f
    ],
    "text in text": lambda f: [json.dumps([{"keypoints": q} for q in p]) for p in f],
}  # fmt: skip


@pytest.mark.parametrize("dress", [*DRESSES, "lines", "folder"])
def test_json_as_people_write_it(dress: str, tmp_path: Path, truth: list[np.ndarray]):
    frames = [
        [[[*xy, 0.8] for xy in person] for person in people.round(3).tolist()] for people in truth
    ]
    path = tmp_path / "clip"
    if dress == "folder":
        path.mkdir()
        for i, people in enumerate(frames):
            document = [{"keypoints": person} for person in people]
            (path / f"img_{i:04d}.json").write_text(json.dumps(document))
    elif dress == "lines":
        lines = [{"frame": i, "keypoints": q} for i, people in enumerate(frames) for q in people]
        path.write_text("\n".join(map(json.dumps, lines)))
    else:
        path.write_text(json.dumps(DRESSES[dress](frames)))
    tracks = read(path, size=SIZE)
    assert [(track.frames, track.first_frame) for track in tracks] == [(COUNT, 0)] * 2
    for track in tracks:
        xy, confidence = track.select(COCO)
        assert np.allclose(confidence, 0.8)
        gap = [np.linalg.norm(p - xy[t], axis=-1).max(-1).min() for t, p in enumerate(truth)]
        assert max(gap) < 0.01


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ";").replace(".", ",").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: ("sep=;\n" + text.replace(",", ";")).encode("utf-8-sig"),
        lambda text: ("# of my own\n" + text).replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
    ],
    ids=["decimal commas", "utf-16", "excel", "comment", "old mac"],
)
def test_csv_of_other_places(change: Callable[[str], bytes], tmp_path: Path):
    path = tmp_path / "clip.csv"
    path.write_bytes(change((FIXTURES / "named.csv").read_text()))
    expected = read(FIXTURES / "named.csv", size=SIZE)[0]
    assert np.array_equal(read(path, size=SIZE)[0].xy, expected.xy)


def test_body_25_and_25b_are_told_apart():
    assert inspect(FIXTURES / "openpose_body25").layout == "BODY_25"
    assert inspect(FIXTURES / "openpose_body25b").layout == "BODY_25B"


def test_a_missing_file_is_a_gap(tmp_path: Path):
    for path in sorted((FIXTURES / "openpose_body25").iterdir()):
        if "000005" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    track = read(tmp_path)[0]
    assert track.frames == COUNT
    assert np.isnan(track.xy[5]).all()
    assert (track.confidence[5] == 0).all()


def test_where_rate_and_size_are_from(tmp_path: Path):
    user = read(FIXTURES / "mediapipe.json", fps=25, size=(100, 50))[0]
    assert (user.fps, user.fps_source, user.size_source) == (25, "user", "user")
    file = read(FIXTURES / "mediapipe.json")[0]
    assert (file.fps, file.size, file.fps_source, file.size_source) == (30, SIZE, "file", "file")
    unknown = read(FIXTURES / "coco_results.json")[0]
    assert (unknown.fps_source, unknown.size_source) == ("assumed", "assumed")
    assert any("--fps" in note for note in unknown.notes)
    assert any("--size" in note for note in unknown.notes)
    seen = inspect(FIXTURES / "coco_results.json").as_dict()
    assert (seen["fps"], seen["size"]) == (None, None)


def test_person_and_frames(samples: Path):
    path = samples / "street_mediapipe.json"
    everybody = read(path)
    assert [track.person for track in everybody] == [1, 2]
    assert read(path, person=2)[0].first_frame == everybody[1].first_frame
    assert read(path, person="longest")[0].person == 1
    part = read(path, frames=(100, 150))
    assert all((track.first_frame, track.frames) == (100, 50) for track in part)
    with pytest.raises(TrackError, match="no person 3"):
        read(path, person=3)
    with pytest.raises(TrackError, match="nobody in frames"):
        read(path, frames=(500, 600))


def test_inspect_tells_who_is_when(samples: Path, tmp_path: Path):
    seen = inspect(samples / "street_mediapipe.json")
    assert set(seen.as_dict()) == {
        "input", "format", "layout", "frames", "fps", "size", "people", "notes",
    }  # fmt: skip
    assert seen.frames == 230
    people = seen.as_dict()["people"]
    assert isinstance(people, list)
    assert [set(p) for p in people] == [{"person", "first", "last", "frames"}] * 2
    assert "person   first" in seen.table()
    draw_timeline(seen, tmp_path / "timeline.png")
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")


def test_samples_agree(samples: Path):
    one = read(samples / "street_mediapipe.json")
    other = read(samples / "street_coco.json", fps=30, size=SIZE)
    assert [t.first_frame for t in one] == [t.first_frame for t in other]
    for a, b in zip(one, other, strict=True):
        apart = np.abs(a.select(COCO)[0] - b.select(COCO)[0]).max((1, 2))
        assert np.mean(apart[np.isfinite(apart)] < 0.05) > 0.95


def test_names_in_natural_order():
    assert sorted(["f10", "f2", "f1"], key=natural_key) == ["f1", "f2", "f10"]
    assert numbers_in_names(["cam01.0003.json", "cam01.0007.json"]).tolist() == [3, 7]
    assert numbers_in_names(["v_12_of_99.png", "v_13_of_99.png"]).tolist() == [12, 13]
    assert numbers_in_names(["b", "a", "b"]).tolist() == [1, 0, 1]


REAL = [
    ("openpose/body25b_balancing_cam01_json", "BODY_25B", [100, 100]),
    ("openpose/body25_balancing_cam01_json", "BODY_25", [100, 100]),
    ("openpose/coco18_balancing_cam01_json", "COCO-18", [100, 100]),
    ("openpose/body25_face_hands_signer_json", "BODY_25", [93]),
    ("alphapose/halpe26/alphapose-results.json", "Halpe-26", [809]),
    ("coco/tfjs_pose_1_results.json", "COCO-17", [120]),
    ("hrnet_json/baseball_coco17.json", "COCO-17", [277]),
    ("mmpose/tfjs_pose_1.json", "COCO-17", [120]),
    ("mediapipe/tfjs_pose_1.json", "MediaPipe-33", [120]),
    ("mediapipe/tfjs_pose_1.npz", "MediaPipe-33", [120]),
    ("mediapipe/tfjs_pose_1_wide.csv", "MediaPipe-33", [120]),
    ("mediapipe/tfjs_pose_1_long_first60.csv", "MediaPipe-33", [60]),
    ("tfjs/movenet_expected_pose_1.json", "COCO-17", [120]),
    ("tfjs/tfjs_pose_1_movenet_layout.json", "COCO-17", [120]),
    ("yolo_txt/tfjs_pose_1_labels", "COCO-17", [120]),
    ("videopose3d/data_2d_custom_tfjs_pose_1.npz", "COCO-17", [120]),
    ("videopose3d/tfjs_pose_1.mp4.npz", "COCO-17", [120]),
    ("caliscope/xy_HOLISTIC_port0_first60.csv", "MediaPipe-33", [60]),
]


@pytest.mark.parametrize(("name", "layout", "frames"), REAL, ids=lambda v: str(v))
def test_real_file(shared: Path, name: str, layout: str, frames: list[int]):
    path = shared / "keypoints" / name
    seen = inspect(path)
    assert seen.layout == layout
    assert [person.frames for person in seen.people] == frames
    assert [form.sniff(Source(path)) for form in FORMATS[:-1]].count(True) == 1
    assert len(read(path)) == len(frames)


def test_same_clip_in_all_formats(shared: Path):
    keypoints = shared / "keypoints"
    names = [name for name, _, frames in REAL if "tfjs_pose_1" in name and frames == [120]]
    tracks = [read(keypoints / name, size=(576, 576))[0] for name in names]
    first, seen = tracks[0].select(COCO)
    for track in tracks[1:]:
        assert track.first_frame - track.numbered_from == 0
        both = (seen >= 0.5) & (track.select(COCO)[1] >= 0.5)
        assert np.abs(track.select(COCO)[0] - first)[both].max() < 0.5


def test_extra_detection_at_frame_37_does_not_switch_people(shared: Path):
    man = read(shared / "keypoints/openpose/body25b_balancing_cam01_json")[0]
    hip, _ = man.select(("left_hip",))
    assert np.abs(np.diff(hip[:, 0], axis=0)).max() < 40


def test_video_gives_rate_and_size(shared: Path):
    keypoints = shared / "keypoints"
    clip = keypoints / "videos" / "pose2sim_balancing_cam01.mp4"
    track = read(keypoints / "openpose/body25b_balancing_cam01_json", video=clip)[0]
    assert (track.fps, track.size) == (60, (1080, 1920))
    assert (track.fps_source, track.size_source) == ("video", "video")
    beside = read(
        keypoints / "tfjs/movenet_expected_pose_1.json", video=keypoints / "tfjs/pose_1.mp4"
    )
    assert (beside[0].fps, beside[0].size) == (30, (576, 576))


def test_the_film_of_another_clip_is_asked_about(shared: Path):
    films = shared / "keypoints" / "videos"
    sample = Path(__file__).parents[1] / "samples" / "street_mediapipe.json"
    notes = read(sample, video=films / "pose2sim_balancing_cam01.mp4")[0].notes
    assert any("30 frames a second, not 60 and 1768x994, not 1080x1920" in note for note in notes)
    notes = read(sample, video=films / "sports2d_demo.mp4")[0].notes
    assert "Frame rate and size are looked up in sports2d_demo.mp4." in notes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("coco/person_detections_boxes_only.json", "boxes without keypoints"),
        ("coco/person_keypoints_annotation.json", "different sizes"),
        ("mmpose/results_demo_3d_h36m.json", "3D"),
        ("freemocap/freemocap_by_frame_3d.csv", "3D"),
        ("deeplabcut/deeplabcut_mouse_multi.csv", "these joints are missing: shoulders"),
        ("deeplabcut/CollectedData_Pranav.h5", "these joints are missing: shoulders"),
        ("deeplabcut/deeplabcut_wasp_single.csv", "these joints are missing: shoulders"),
        ("sleap/predictions.analysis.h5", "these joints are missing: shoulders"),
        ("sleap/minimal_instance.analysis.csv", "these joints are missing: shoulders"),
        ("openpose", "give one of the folders in it"),
        ("openpose/signer_openpose.pose", "pose-format package"),
    ],
)
def test_refusals_say_why(shared: Path, name: str, words: str):
    with pytest.raises(TrackError, match=words) as refusal:
        read(shared / "keypoints" / name)
    assert str(shared / "keypoints" / name) in str(refusal.value)
