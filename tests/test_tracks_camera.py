"""A camera's facts out of a calibration beside the keypoints, and only if it is plain whose."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lift_to_3d.core.tracks import inspect, read
from lift_to_3d.core.tracks.camera import find_camera

FIXTURES = Path(__file__).parent / "fixtures"


def table(name: str, focal: object = 1000.0, size: str = "[1768, 994]", more: str = "") -> str:
    return (
        f"[{name}]\nname = '{name}'\nsize = {size}\n{more}\n"
        f"matrix = [[{focal}, 0.0, 884.0], [0.0, {focal}, 497.0], [0.0, 0.0, 1.0]]\n"
    )


BOTH = table("cam_01") + table("cam_02", 2000.0) + "[metadata]\nerror = 0.1\n"
WIDE, NARROW = pytest.approx(82.9, abs=0.1), pytest.approx(47.7, abs=0.1)


def clip(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(FIXTURES / "coco_results.json", folder / name))


@pytest.mark.parametrize(
    ("name", "calibration", "fov"),
    [
        ("clip.json", table("cam_01"), WIDE),
        ("cam01.json", BOTH, WIDE),
        ("take3_Cam02_poses.json", BOTH, NARROW),
        ("cam_2/poses.json", BOTH, NARROW),
        ("clip.json", BOTH, None),
        ("cam12.json", BOTH, None),
        ("cam01_cam02.json", BOTH, None),
        ("cam03.json", table("cam_01"), None),
        ("clip.json", table("cam_01", more="fisheye = true"), None),
        ("clip.json", table("cam_01", focal="'x'"), None),
        ("clip.json", table("cam_01", focal=0.001), None),
        ("clip.json", table("cam_01", size="[1768]"), None),
        ("clip.json", "[project]\nname = 'other'\n", None),
        ("clip.json", "[cam_01\n", None),
        ("clip.json", "a = " + "[" * 5000, None),
    ],
)
def test_which_camera(tmp_path: Path, name: str, calibration: str, fov: float | None):
    path = clip((tmp_path / name).parent, (tmp_path / name).name)
    (path.parent / "Calib.toml").write_text(calibration)
    track = read(path)[0]
    assert track.fov == fov
    assert (track.size == (1768, 994)) == (fov is not None)
    assert any("From the calibration of camera cam_0" in n for n in track.notes) == (
        fov is not None
    )


def test_folders_as_pose2sim_has_them(tmp_path: Path):
    pose = tmp_path / "pose" / "cam02_json"
    shutil.copytree(FIXTURES / "openpose_body25", pose)
    (tmp_path / "calibration").mkdir()
    (tmp_path / "calibration" / "Calib_board.toml").write_text(BOTH)
    assert [track.fov for track in read(pose)] == [NARROW, NARROW]
    assert inspect(pose).size == (1768, 994)


def test_what_the_user_says_goes_before_it(tmp_path: Path):
    path = clip(tmp_path, "clip.json")
    (tmp_path / "camera.toml").write_text(table("cam_01"))
    track = read(path, fov=50, size=(884, 497))[0]
    assert (track.fov, track.size, track.size_source) == (50, (884, 497), "user")
    assert not any("calibration" in note for note in track.notes)
    assert read(path, size=(884, 497))[0].fov == WIDE


def test_pictures_of_another_shape(tmp_path: Path):
    path = clip(tmp_path, "clip.json")
    (tmp_path / "camera.toml").write_text(table("cam_01"))
    track = read(path, size=(994, 1768))[0]
    assert track.fov is None
    assert any("is for 1768x994 pictures, not 994x1768" in note for note in track.notes)


def test_real_calibration(shared: Path):
    folder = shared / "keypoints" / "real3d" / "pose2sim_balancing"
    for name in ("cam01_json", "cam01_mediapipe_heavy.npz"):
        camera = find_camera(folder / name)
        assert camera is not None
        assert (camera.name, camera.size) == ("cam_01", (1088, 1920))
        assert camera.fov == pytest.approx(35.86, abs=0.01)
