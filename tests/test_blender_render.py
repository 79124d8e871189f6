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
    image = bpy.data.images.load(str(picture))
    pixels = np.array(image.pixels).reshape(size[1], 2, size[0], 4)[..., :3].swapaxes(0, 1)
    for one in pixels:
        body = np.ptp(one, axis=-1) > 0.25  # limbs are orange and blue, all else is grey
        across = np.flatnonzero(body.any(axis=0))
        assert len(across) > 4
        assert abs(across.mean() - size[0] / 2) < 4


@pytest.mark.slow
def test_the_feet_of_a_rig_with_a_face_are_in_the_picture(tmp_path: Path):
    """Most of its bones are high up; it does not stand on a roof for that."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    picture = render_character(load_rig("rigify"), [1], tmp_path / "picture.png", (64, 80))
    image = bpy.data.images.load(str(picture))
    pixels = np.array(image.pixels).reshape(80, 64, 4)[..., :3]
    rows = np.flatnonzero((np.ptp(pixels, axis=-1) > 0.2).any(axis=1))
    assert 3 < rows.min() < 24
    assert 60 < rows.max() < 77
