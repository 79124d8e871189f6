"""Films and sheets of a motion, read back and looked at by colour."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lift_to_3d import preview
from lift_to_3d.cli import main
from lift_to_3d.core.errors import Cancelled, LiftError
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.skeleton import COCO
from lift_to_3d.core.track import Track

from .motions import STANDING, as_motion, waving

Image = pytest.importorskip("PIL.Image", reason="previews need pillow")


def standing(frames: int, fps: float = 30.0, name: str = "stand") -> Motion:
    """Arms spread, all in one plane: nothing is drawn paler."""
    joints = np.tile(STANDING * (1, 0, 1), (frames, 1, 1))
    joints[:, [12, 13, 15, 16]] = [(0.45, 0, 1.4), (0.7, 0, 1.4), (-0.45, 0, 1.4), (-0.7, 0, 1.4)]
    joints[..., 0] += np.linspace(0, 1, frames)[:, None]
    return as_motion(joints, fps, name, contact=1)


def seen(frames: int) -> Track:
    """The left arm only, going right, unseen in the middle."""
    xy = np.full((frames, 17, 2), np.nan)
    confidence = np.zeros((frames, 17))
    for joint, x in (("left_shoulder", 100), ("left_elbow", 160), ("left_wrist", 220)):
        j = COCO.index(joint)
        xy[:, j] = np.stack([x + np.arange(frames), np.full(frames, 200.0)], -1)
        confidence[:, j] = 1
    xy[frames // 2] = np.nan
    return Track(xy, confidence, COCO, 30.0, (640, 480))


def drawn(motion: Motion) -> np.ndarray:
    """The first frame from the front."""
    return np.asarray(preview.WorldPanel("", motion, 0.0).draw(0, (400, 500)).picture())


def where(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """(n, 2) row and column of the pixels near a color."""
    return np.argwhere(np.abs(picture.astype(int) - color).max(-1) < 30)


def test_the_front_view_has_the_left_at_its_right_and_stands_on_the_floor():
    canvas = preview.WorldPanel("front", standing(1), 0.0).draw(0, (400, 500))
    picture = np.asarray(canvas.picture())
    left, right = where(picture, preview.LEFT), where(picture, preview.RIGHT)
    assert left[:, 1].min() > right[:, 1].max() - 8
    assert len(left) == pytest.approx(len(right), rel=0.15)
    head = where(picture, preview.MIDDLE)
    assert head[:, 0].min() > 20, "the head is in the picture"
    assert 350 < max(left[:, 0].max(), right[:, 0].max()) < 490, "so are the feet"


def test_both_views_have_one_scale():
    heights = []
    for turn in (0.0, 90.0):
        canvas = preview.WorldPanel("", standing(1), turn).draw(0, (400, 500))
        rows = np.concatenate(
            [where(np.asarray(canvas.picture()), c) for c in (preview.LEFT, preview.MIDDLE)]
        )[:, 0]
        heights.append(np.ptp(rows))
    assert heights[0] == pytest.approx(heights[1], rel=0.08)


def test_the_side_view_looks_at_the_left_side():
    picture = np.asarray(
        preview.WorldPanel("side", standing(1), 90.0).draw(0, (400, 500)).picture()
    )
    assert len(where(picture, preview.LEFT)) > 1.5 * len(where(picture, preview.RIGHT))


def test_keypoints_are_drawn_where_they_were_seen_and_not_elsewhere():
    panel = preview.PicturePanel("keypoints", seen(21))
    assert len(where(np.asarray(panel.draw(0, (300, 300)).picture()), preview.LEFT)) > 100
    unseen = np.asarray(panel.draw(10, (300, 300)).picture())
    assert len(where(unseen, preview.LEFT)) == 0


def test_what_nobody_saw_is_faint():
    motion = standing(1)
    sure = drawn(motion)
    motion.confidence[:] = motion.contacts[:] = 0
    picture = drawn(motion)
    for color in (preview.LEFT, preview.RIGHT, preview.MIDDLE):
        assert len(where(sure, color)) > 100
        assert len(where(picture, color)) == 0
    assert (np.abs(picture.astype(int) - preview.BACKGROUND).max(-1) > 15).sum() > 500


def test_what_lies_beyond_the_edge_of_the_picture_is_faint(tmp_path):
    """Detectors place legs there that nobody saw."""
    motion, shown = standing(2), {}
    xy = np.full((2, 17, 2), 40.0)
    xy[
        :,
        [COCO.index(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle")],
    ] = 60
    for name, size in (("whole", (64, 64)), ("cut", (64, 48))):
        track = Track(xy, np.ones((2, 17)), COCO, 30.0, size)
        path = preview.write(motion, tmp_path / f"{name}.png", track=track)
        shown[name] = len(where(np.asarray(Image.open(path)), preview.LEFT))
    assert shown["cut"] < 0.8 * shown["whole"]


def test_who_stands_high_up_has_something_below_their_feet():
    def ledge(motion: Motion) -> int:
        return int((drawn(motion) == preview.LEDGE).all(-1).sum())

    motion = standing(1)
    assert ledge(motion) == 0
    motion.joints[..., 2] += 2
    assert ledge(motion) > 1000
    motion.contacts[:] = 0
    assert ledge(motion) == 0, "nobody knows that they stand"


@pytest.mark.parametrize("degrees", [-150, -30, 0, 100])
def test_the_first_view_is_from_where_the_camera_stood(degrees):
    motion, turn = waving(), np.radians(degrees)
    back = np.array([np.sin(turn), -np.cos(turn), 0.2])  # from the person to the camera
    forward = -back / np.linalg.norm(back)
    right = np.cross(forward, (0, 0, 1)) / np.hypot(*forward[:2])
    axes = np.stack([right, np.cross(forward, right), forward])
    filmed = replace(motion, camera_joints=(motion.joints - motion.joints[:, :1]) @ axes.T)
    assert filmed.filmed_from == pytest.approx(degrees, abs=0.1)
    assert filmed.face_is_left_of(degrees) == (degrees <= 0)
    assert motion.filmed_from is None, "it looks straight up"


def test_a_sheet(tmp_path):
    path = preview.write(standing(40), tmp_path / "new" / "sheet.png", track=seen(40))
    with Image.open(path) as picture:
        width, height = picture.size
        assert picture.format == "PNG"
    alone = preview.write(standing(40), tmp_path / "alone.png")
    with Image.open(alone) as picture:
        assert picture.size[0] == width
        assert picture.size[1] < height
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone.png", "new"]


@pytest.mark.parametrize(("fps", "frames", "expected"), [(30.0, 20, 20), (120.0, 41, 21)])
def test_a_film_has_every_frame_at_the_motions_rate_up_to_60(tmp_path, fps, frames, expected):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="films need imageio-ffmpeg")
    shares: list[float] = []
    path = preview.write(standing(frames, fps), tmp_path / "film.mp4", progress=shares.append)
    reader = ffmpeg.read_frames(str(path))
    facts = next(reader)
    assert facts["fps"] == pytest.approx(min(fps, 60))
    assert facts["size"] == (2 * preview.FILM_PANEL[0], preview.FILM_PANEL[1])
    assert sum(1 for _ in reader) == expected
    assert shares == sorted(shares)


def test_one_frame_no_keypoints_and_a_name_that_is_no_text(tmp_path):
    nobody = Track(np.full((1, 17, 2), np.nan), np.zeros((1, 17)), COCO, 30.0, (64, 48))
    preview.write(standing(1, name="caf\udce9"), tmp_path / "one.png", track=nobody)
    assert (tmp_path / "one.png").stat().st_size > 1000


def test_another_suffix_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(LiftError, match=r"x\.gif"):
        preview.write(standing(2), tmp_path / "folder" / "x.gif")
    assert not (tmp_path / "folder").exists()


def test_a_cancelled_film_leaves_nothing_and_keeps_the_old_one(tmp_path):
    pytest.importorskip("imageio_ffmpeg", reason="films need imageio-ffmpeg")
    old = tmp_path / "film.mp4"
    old.write_bytes(b"old")

    def cancel(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        preview.write(standing(10), old, progress=cancel)
    assert [p.name for p in Path(tmp_path).iterdir()] == ["film.mp4"]
    assert old.read_bytes() == b"old"


def test_the_film_of_the_keypoints_is_neither_overwritten_nor_mistaken(tmp_path, capsys):
    sample = Path(__file__).resolve().parents[1] / "samples" / "street_mediapipe.json"
    source = tmp_path / "dance.json"
    source.write_bytes(sample.read_bytes())
    words = ["preview", str(source), "--frames", "100:130", "--person", "1", "--model", "fast"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert [p.name for p in tmp_path.glob("*.mp4")] == ["dance.preview.mp4"]
    film = preview.write(standing(10), tmp_path / "dance.mp4")
    before = film.read_bytes()
    assert main([*words, "--out", str(film)]) == 1
    assert "dance.mp4 is the film of" in capsys.readouterr().err
    other = tmp_path / "night.mp4"
    film.rename(other)
    assert main([*words, "--video", str(other), "--out", str(other)]) == 1
    assert "night.mp4 is the film of" in capsys.readouterr().err
    assert other.read_bytes() == before
