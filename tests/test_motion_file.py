"""Motion files: what is saved comes back, and no bad file does harm."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lift_to_3d.core.errors import MotionError
from lift_to_3d.core.motion import Motion
from lift_to_3d.core.motion_file import load_motion, save_motion


def some_motion(frames: int = 5, **kw) -> Motion:
    rng = np.random.default_rng(frames)

    def floats(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return Motion(
        joints=floats(frames, 17, 3),
        camera_joints=floats(frames, 17, 3),
        root=floats(frames, 3),
        confidence=rng.random((frames, 17), np.float32),
        contacts=rng.random((frames, 2), np.float32),
        gravity=np.array([0, 1, 0], np.float32),
        fps=29.97,
        **kw,
    )


def test_moments_are_spread_over_what_was_seen():
    motion = some_motion(11)
    assert motion.moments(3).tolist() == [1, 5, 9]
    motion.confidence[3:9] = 0
    assert motion.moments(3).tolist() == [0, 2, 10]
    assert motion.moments(9).tolist() == [0, 1, 2, 9, 10]
    motion.confidence[:] = 0
    assert motion.moments(2).tolist() == [2, 8]


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


@settings(max_examples=20, deadline=None)
@given(frames=st.integers(1, 40), name=st.text(max_size=30), person=st.integers(1, 9))
def test_round_trip(tmp_path_factory, frames, name, person):
    name = name.replace("\0", "")
    motion = some_motion(frames, name=name, person=person)
    back = load_motion(save_motion(motion, tmp_path_factory.mktemp("m") / "motion.npz"))
    assert (back.fps, back.name, back.person) == (motion.fps, name, person)
    for key in ("joints", "camera_joints", "root", "confidence", "contacts", "gravity"):
        assert getattr(back, key).dtype == np.float32
        np.testing.assert_array_equal(getattr(back, key), getattr(motion, key))


def test_holds_the_documented_arrays_without_pickle(tmp_path):
    arrays = arrays_of(save_motion(some_motion(7), tmp_path / "m.npz"))
    assert arrays["joints"].shape == (7, 17, 3)
    assert arrays["camera_joints"].shape == (7, 17, 3)
    assert arrays["root"].shape == (7, 3)
    assert arrays["confidence"].shape == (7, 17)
    assert arrays["contacts"].shape == (7, 2)
    assert arrays["gravity"].shape == (3,)
    assert arrays["fps"] == 29.97
    assert arrays["format_version"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]


def test_reads_a_file_of_the_documented_arrays_only(tmp_path):
    arrays = arrays_of(save_motion(some_motion(), tmp_path / "m.npz"))
    del arrays["name"], arrays["person"]
    np.savez_compressed(tmp_path / "others.npz", **arrays)
    back = load_motion(tmp_path / "others.npz")
    assert (back.name, back.person) == ("others", 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"joints": np.zeros((5, 16, 3), np.float32)}, "'joints'"),
        ({"joints": np.zeros((5, 17, 3), np.int32)}, "'joints'"),
        ({"root": np.zeros((4, 3), np.float32)}, "frames"),
        ({"root": np.full((5, 3), np.nan, np.float32)}, "finite"),
        ({"fps": np.float64(0)}, "'fps'"),
        ({"fps": np.str_("thirty")}, "'fps'"),
        ({"format_version": np.int64(99)}, "format 99"),
        ({"contacts": None}, "no 'contacts'"),
        ({"contacts": np.array([[object()] * 2] * 5)}, "contacts"),
    ],
)
def test_bad_arrays_are_named(tmp_path, change, said):
    arrays = arrays_of(save_motion(some_motion(), tmp_path / "m.npz")) | change
    np.savez(tmp_path / "bad.npz", **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises(MotionError, match=said):
        load_motion(tmp_path / "bad.npz")


def test_no_frames_is_an_error(tmp_path):
    empty = replace(
        some_motion(),
        joints=np.zeros((0, 17, 3)),
        camera_joints=np.zeros((0, 17, 3)),
        root=np.zeros((0, 3)),
        confidence=np.zeros((0, 17)),
        contacts=np.zeros((0, 2)),
    )
    with pytest.raises(MotionError, match="0 frames"):
        load_motion(save_motion(empty, tmp_path / "m.npz"))


def test_a_header_that_promises_too_much_allocates_nothing(tmp_path):
    arrays = arrays_of(save_motion(some_motion(), tmp_path / "m.npz"))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        for key, array in arrays.items():
            stream = io.BytesIO()
            if key == "joints":
                header = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 17, 3)}
                np.lib.format.write_array_header_1_0(stream, header)
            else:
                np.lib.format.write_array(stream, array)
            archive.writestr(f"{key}.npy", stream.getvalue())
    with pytest.raises(MotionError, match="'joints'"):
        load_motion(tmp_path / "bomb.npz")


def test_truncated_empty_missing_and_foreign_files(tmp_path):
    good = save_motion(some_motion(), tmp_path / "m.npz").read_bytes()
    for name, data in {"cut": good[: len(good) // 2], "empty": b"", "text": b"hello"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(MotionError, match=name):
            load_motion(tmp_path / name)
    damaged = bytearray(good)
    damaged[400] ^= 255
    (tmp_path / "damaged").write_bytes(damaged)
    with pytest.raises(MotionError, match="damaged"):
        load_motion(tmp_path / "damaged")
    with pytest.raises(MotionError, match="missing"):
        load_motion(tmp_path / "missing")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = save_motion(some_motion(), tmp_path / "m.npz")
    before = path.read_bytes()
    broken = replace(some_motion(), joints=np.array(["no numbers"]))
    with pytest.raises(ValueError, match="float"):
        save_motion(broken, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]
    with pytest.raises(MotionError, match="nowhere"):
        save_motion(some_motion(), tmp_path / "nowhere" / "m.npz")
