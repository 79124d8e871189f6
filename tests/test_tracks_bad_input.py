"""Bad input: whatever is in a file, it is read or refused with one sentence that names it."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from lift_to_3d.core.errors import Cancelled, TrackError
from lift_to_3d.core.skeleton import COCO
from lift_to_3d.core.tracks import inspect, read

FIXTURES = Path(__file__).parent / "fixtures"


def write(folder: Path, data: bytes | str, name: str = "keypoints.json") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(TrackError) as error:
        read(path)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("[]", "no keypoint format"),
        ('[{"image_id": 0, "keypoints": [1, 2', "cut off"),
        ("[" * 100_000, "not valid JSON"),
        ('{"a":' * 100_000, "not valid JSON"),
        ('{"version": 1.3, "people": []}', "without a single person"),
        ("hello", "no keypoint format"),
        (b"\xff\xfe\x00\x01binary", "no keypoint format"),
        (b"left_hip_x,left_hip_y,nose_x,nose_y\n\xff,1,2,3\n", "is not a number"),
    ],
    ids=lambda v: str(v)[:20],
)
def test_one_sentence(tmp_path: Path, text: str | bytes, words: str):
    message = refusal(write(tmp_path, text))
    assert words in message
    assert message.startswith(str(tmp_path / "keypoints.json"))


def test_no_such_file(tmp_path: Path):
    assert "no such file" in refusal(tmp_path / "nothing.json")


def test_one_frame(tmp_path: Path):
    frame = (FIXTURES / "openpose_body25" / "clip_000000000000_keypoints.json").read_text()
    assert "1 frame only" in refusal(write(tmp_path, frame))


def test_frames_without_people(tmp_path: Path):
    for i in range(5):
        write(tmp_path, '{"version": 1.3, "people": []}', f"a_{i:012d}_keypoints.json")
    assert "without a single person in 5 frames" in refusal(tmp_path)


def test_truncated_frame_is_named(tmp_path: Path):
    for path in sorted((FIXTURES / "openpose_body25").iterdir()):
        write(tmp_path, path.read_bytes(), path.name)
    bad = write(tmp_path, '{"people": [{"pose_keyp', "clip_000000000004_keypoints.json")
    assert str(bad) in refusal(tmp_path)


def test_nan_is_missing(tmp_path: Path):
    document = json.loads((FIXTURES / "coco_results.json").read_text())
    document[0]["keypoints"][0] = float("nan")
    tracks = read(write(tmp_path, json.dumps(document)))
    assert sum(int(np.isnan(t.xy[0, 0]).any()) for t in tracks) == 1


def test_joints_that_never_appear(tmp_path: Path):
    document = json.loads((FIXTURES / "coco_results.json").read_text())
    for entry in document:
        entry["keypoints"][33:] = [0] * 18
    path = write(tmp_path, json.dumps(document))
    for notes in (read(path)[0].notes, inspect(path).notes):
        assert any("Never seen: hips, knees, ankles." in note for note in notes)
    for entry in document:
        entry["keypoints"][15:] = [0] * 36
    assert "shoulders" in refusal(write(tmp_path, json.dumps(document)))


def test_symlink_loops(tmp_path: Path):
    loop = tmp_path / "loop"
    os.symlink(loop, loop)
    assert str(loop) in refusal(loop)
    folder = tmp_path / "folder"
    folder.mkdir()
    os.symlink(folder, folder / "again")
    os.symlink(folder / "b.json", folder / "a.json")
    os.symlink(folder / "a.json", folder / "b.json")
    assert str(folder) in refusal(folder)


class Payload:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple:
        return os.system, ("touch pickle_was_run",)


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def npz(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


OBJECT = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"


def test_pickles_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        code = pickle.dumps(np.array({"x": Payload()}, dtype=object), protocol)
        for data in (npy(OBJECT, code), npz(positions_2d=npy(OBJECT, code))):
            assert "is not run" in refusal(write(tmp_path, data, "bad.npz"))
    assert not Path("pickle_was_run").exists()


def test_claims_are_not_believed(tmp_path: Path):
    """A gigabyte by claimed shape, by compression, by pickled length and by shared lists."""
    claim = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 17, 8), }"
    laughs: list = []
    for _ in range(40):
        laughs = [laughs, laughs]
    shape = pickle.dumps(np.empty(3, object)).replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85")
    bombs = [
        npy(claim, bytes(100)),
        npz(landmarks=npy(claim, bytes(100))),
        npz(landmarks=npy(claim, bytes(1 << 28))),
        npy(OBJECT, b"\x80\x04\x8e\xff\xff\xff\x7f\x00\x00\x00\x00abc."),
        npy(OBJECT, b"\x80\x02]r\xff\xff\xff\x7f."),
        npy(OBJECT, pickle.dumps(laughs)),
        npy(OBJECT, shape),
    ]
    for bomb in bombs:
        path = write(tmp_path, bomb, "bomb.npz")
        tracemalloc.start()
        refusal(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 * len(bomb) + (200 << 20)


ULTRALYTICS = (FIXTURES / "ultralytics.csv").read_text()
CVAT = (FIXTURES / "cvat.xml").read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CVAT.replace("<annotations>", "<!DOCTYPE a><annotations>"), "declares a document type"),
        (
            '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><annotations>&c;</annotations>',
            "declares a document type",
        ),
        ("<annotations>" + "<a>" * 1000, "more than 50 deep"),
        (CVAT[: len(CVAT) // 2], "not valid XML at line"),
        ('<annotations><track id="0"><box/></track></annotations>', "no skeletons (but box)"),
        (CVAT.replace("points=", "points_=", 1), 'frame 0: point "nose" is not x,y'),
        ("name,class,confidence,box,keypoints\nperson,0,1,{},{}\n", "no keypoints"),
        (ULTRALYTICS.replace("frame,", "other,"), 'add a column "frame"'),
        ('[{"annotations": [{"result": [{"value": {"keypointlabels": ["a"]}}]}]}]', "a has no"),
    ],
    ids=range(9),
)  # fmt: skip
def test_labelling_tools(tmp_path: Path, text: str, words: str):
    assert words in refusal(write(tmp_path, text))


def test_label_studio_without_groups(tmp_path: Path):
    tasks = json.loads((FIXTURES / "label_studio.json").read_text())
    for task in tasks:
        for region in task["annotations"][0]["result"]:
            del region["parentID"]
    tracks = read(write(tmp_path, json.dumps(tasks)))
    assert [track.frames for track in tracks] == [12, 12]
    assert any("parentID" in note for note in tracks[0].notes)


def test_joints_outside_the_picture_are_missing(tmp_path: Path):
    text = CVAT.replace('label="nose" keyframe="1" outside="0"', 'label="nose" outside="1"')
    assert all(np.isnan(t.xy[:, 0]).all() for t in read(write(tmp_path, text)))


def test_hdf5_that_is_not_there(tmp_path: Path):
    """Tracks of 8 GB that were never written."""
    path = tmp_path / "keypoints.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("tracks", (1, 2, 17, 30_000_000), "f8", chunks=True)
        file["node_names"] = [b"nose"] * 17
    assert "far larger than the file" in refusal(path)


def test_a_strange_rate_is_no_rate(tmp_path: Path):
    document = json.loads((FIXTURES / "mediapipe.json").read_text())
    for rate in (1e5, 0.001, -30, "x"):
        track = read(write(tmp_path, json.dumps(document | {"fps": rate})))[0]
        assert (track.fps, track.fps_source) == (30, "assumed")


def test_what_packs_well_is_read(tmp_path: Path):
    """Somebody who hardly moves for half an hour, and a hundred tracks that are mostly empty."""
    one = read(FIXTURES / "named.csv")[0].xy
    still = np.resize(one[:2], (54_000, 17, 2)) + np.linspace(0, 9, 54_000)[:, None, None].round()
    np.savez_compressed(tmp_path / "keypoints.npz", keypoints=still)
    assert (tmp_path / "keypoints.npz").stat().st_size < 1 << 20
    assert read(tmp_path / "keypoints.npz")[0].frames == 54_000
    tracks = np.full((100, 2, 17, 3000), np.nan)
    for i in range(100):
        tracks[i, :, :, 30 * i : 30 * i + 30] = one[0].T[..., None] + i
    with h5py.File(tmp_path / "keypoints.h5", "w") as file:
        file.create_dataset("tracks", data=tracks, compression="gzip")
        file["node_names"] = [name.encode() for name in COCO]
    assert inspect(tmp_path / "keypoints.h5").frames == 3000


def test_pickled_column_names_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, (FIXTURES / "deeplabcut.h5").read_bytes(), "keypoints.h5")
    for code in (pickle.dumps(Payload(), 0), b"(lp0"):
        with h5py.File(path, "r+") as file:
            file["df_with_missing/table"].attrs["values_block_0_kind"] = np.bytes_(code)
        assert "pickled" in refusal(path)
    assert not Path("pickle_was_run").exists()


PEAK = (
    "import sys; from lift_to_3d.core.tracks import read; from lift_to_3d.core.clean import clean\n"
    "try: tracks = [clean(track) for track in read(sys.argv[1])]\n"
    "except Exception as error: print(type(error).__name__)\n"
    "else: print(sum(track.frames for track in tracks))\n"
    "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"
)


def tiny(token: str, size: int = 20_000_000) -> str:
    return f"[{(token * (size // len(token)))[:-1]}]"


def packed_clip() -> bytes:
    """A hundred thousand equal frames in less than 0.1 MB."""
    points = np.array(json.loads((FIXTURES / "coco_results.json").read_text())[0]["keypoints"])
    packed = io.BytesIO()
    clip = np.broadcast_to(points.reshape(17, 3), (100_000, 17, 3))
    np.savez_compressed(packed, keypoints=clip.astype(np.float32))
    return packed.getvalue()


def long_clip(entry: Callable[[int, list[float]], Any]) -> str:
    points = json.loads((FIXTURES / "coco_results.json").read_text())[0]["keypoints"]
    return json.dumps([entry(i, points) for i in range(20_000)])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is told on Linux only")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (lambda: tiny("[],"), "TrackError"),
        (lambda: tiny('{"":0},'), "TrackError"),
        (lambda: tiny("0,"), "TrackError"),
        (lambda: "[" * 5_000_000 + "]" * 5_000_000, "TrackError"),
        (lambda: "frame,nose_x,nose_y,knee_x,knee_y\n" + "0,1,1,2,2\n" * 500_000, "TrackError"),
        (lambda: long_clip(lambda i, p: {"image_id": i, "keypoints": p, "score": 1}), "20000"),
        (lambda: long_clip(lambda i, p: {"frame": i, "people": [{"pose": p}]}), "20000"),
        (packed_clip, "100000"),
    ],
    ids=["lists", "objects", "numbers", "deep", "one frame", "coco", "plain", "packed"],
)  # fmt: skip
def test_memory_is_bounded_by_the_file(tmp_path: Path, text: Callable[[], str | bytes], told: str):
    """All the memory of a process that reads and cleans: 4 x the file and 200 MB."""
    path = write(tmp_path, text())
    out = subprocess.check_output([sys.executable, "-c", PEAK, str(path)], text=True, timeout=120)
    seen, kilobytes = out.split()
    assert seen == told
    assert int(kilobytes) << 10 < 4 * path.stat().st_size + (200 << 20)


def test_hundred_thousand_frames_of_one_person(tmp_path: Path):
    document = json.loads((FIXTURES / "coco_results.json").read_text())
    points = [document[2 * (i % 12)]["keypoints"] for i in range(100_000)]
    entries = [{"image_id": i, "keypoints": p, "score": 1} for i, p in enumerate(points)]
    seen = inspect(write(tmp_path, json.dumps(entries)))
    assert seen.frames == 100_000


def test_frame_numbers_that_are_no_clips(tmp_path: Path):
    document = json.loads((FIXTURES / "coco_results.json").read_text())
    for entry in document:
        entry["image_id"] = 10**12 + 10**9 * entry["image_id"] ** 2
    track = read(write(tmp_path, json.dumps(document)))[0]
    assert track.frames == 12
    assert any("one after the other" in note for note in track.notes)


def test_progress_can_stop_it():
    def stop(share: float) -> None:
        assert 0 <= share <= 1
        raise Cancelled

    with pytest.raises(Cancelled):
        read(FIXTURES / "openpose_body25", progress=stop)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\0\0\0\x18ftypmp42", "is a video"),
        (b"RIFF\x10\0\0\0AVI LIST", "is a video"),
        (b"\x1aE\xdf\xa3\x01matroska", "is a video"),
        (b"Kaydara FBX Binary  \0\x1a\0", "goes to --rig"),
        (b"glTF\2\0\0\0", "goes to --rig"),
        (b'[cam_01]\nname = "cam_01"\n', "camera calibration"),
        (b'# Calibrated\n\n# with care\n[cam_01]\n# it\nname = "1"\n', "camera calibration"),
        (b"\xcd\xcc\xcc=\xe8\x03\xe8\x03\0\0\x04\0\x11\0pose_keypoints_2d\x04\0XYC", "pose-format"),
    ],
)
def test_other_files_are_told_what_they_are(tmp_path: Path, content: bytes, told: str):
    assert told in str(refusal(write(tmp_path, content, "keypoints.json")))
