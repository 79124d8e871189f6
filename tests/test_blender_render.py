"""Pictures of characters."""

from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from lift_to_3d.blender_addon.character import load_rig  # noqa: E402
from lift_to_3d.blender_addon.mannequin import build  # noqa: E402
from lift_to_3d.blender_addon.render import render_character  # noqa: E402


@pytest.mark.slow
def test_every_picture_has_the_character_in_its_middle(tmp_path: Path):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = build("mannequin")
    hips = obj.pose.bones["hips"]
    for frame, distance in ((1, 0.0), (10, 30.0), (20, -30.0)):
        hips.location[0] = distance
        hips.keyframe_insert("location", frame=frame)
    size = (32, 40)
    picture = render_character(obj, [10, 20], tmp_path / "picture.png", size)
    for one in pictures(picture, size, 2):
        body = np.ptp(one, axis=-1) > 0.25  # limbs are orange and blue, all else is grey
        across = np.flatnonzero(body.any(axis=0))
        assert len(across) > 4
        assert abs(across.mean() - size[0] / 2) < 4


def pictures(path: Path, size: tuple[int, int], count: int = 1) -> np.ndarray:
    """(count, rows, columns, 3) of what was rendered side by side, from the top down."""
    pixels = np.array(bpy.data.images.load(str(path)).pixels)
    return pixels.reshape(size[1], count, size[0], 4)[::-1, ..., :3].swapaxes(0, 1)


@pytest.mark.slow
def test_it_is_looked_at_from_where_one_wants(tmp_path: Path):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj, size, dark = build("mannequin"), (64, 80), {}
    for turn in (0.0, 180.0):
        picture = render_character(obj, [1], tmp_path / "picture.png", size, turn=turn)
        dark[turn] = (pictures(picture, size)[0, :40].max(-1) < 0.35).sum()
    assert dark[0.0] > 4, "the face"
    assert dark[180.0] == 0


@pytest.mark.slow
def test_who_stands_high_up_stands_on_something(tmp_path: Path):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj, size = build("mannequin"), (32, 40)
    hips = obj.pose.bones["hips"]
    for frame, height in ((1, 2.0), (2, 0.0)):
        hips.location[1] = height
        hips.keyframe_insert("location", frame=frame)
    words = {"path": tmp_path / "picture.png", "size": size}
    free = pictures(render_character(obj, [1, 2], **words), size, 2)
    placed = pictures(render_character(obj, [1, 2], high=[1], **words), size, 2)
    change = np.abs(placed - free).max(-1) > 0.04
    assert change[0, 34:].mean() > 0.5, "below the feet"
    assert change[0, :16].mean() < 0.1
    assert change[1].mean() < 0.1, "it hides nobody who is down"
    assert not [obj for obj in bpy.data.objects if obj.name.startswith("Block")]


@pytest.mark.slow
def test_the_feet_of_a_rig_with_a_face_are_in_the_picture(tmp_path: Path):
    """Most of its bones are high up; it does not stand on a roof for that."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    picture = render_character(load_rig("rigify"), [1], tmp_path / "picture.png", (64, 80))
    rows = np.flatnonzero((np.ptp(pictures(picture, (64, 80))[0], axis=-1) > 0.2).any(axis=1))
    assert 12 < rows.min() < 26
    assert 56 < rows.max() < 77
