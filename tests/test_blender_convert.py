"""A motion becomes files that hold it: read back, the character does what the person did."""

from __future__ import annotations

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs the bpy module (pip install '.[blender]')")

from lift_to_3d.blender_addon.convert import write_files  # noqa: E402
from lift_to_3d.core.errors import Cancelled, LiftError, RigError  # noqa: E402
from lift_to_3d.retarget.options import Retargeting  # noqa: E402

from .motions import waving  # noqa: E402


def read_back(path) -> bpy.types.Object:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    if path.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
    else:
        bpy.ops.import_anim.bvh(filepath=str(path), update_scene_fps=True)
    return next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")


@pytest.mark.parametrize(
    ("rig", "arm", "hips"),
    [
        ("mannequin", "forearm.L", "hips"),
        ("mixamo", "mixamorig:LeftForeArm", "mixamorig:Hips"),
        ("rigify", "forearm.L", "spine"),
    ],
)
def test_files_hold_the_motion(tmp_path, rig, arm, hips):
    seen = []
    files = write_files(waving(), rig, ["fbx", "bvh"], tmp_path, "clip", progress=seen.append)
    assert [f.name for f in files] == ["clip.fbx", "clip.bvh"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.bvh", "clip.fbx"]
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    for path in files:
        obj = read_back(path)
        scene = bpy.context.scene
        assert scene.render.fps / scene.render.fps_base == pytest.approx(29.97, rel=1e-4)
        start, end = obj.animation_data.action.frame_range
        assert (round(start), round(end)) == (1, 30)
        where = []
        for frame in (1, 30):
            scene.frame_set(frame)
            bone = obj.pose.bones[arm]
            along = (obj.matrix_world.to_3x3() @ bone.y_axis).normalized()
            where.append((np.array(along), np.array(obj.matrix_world @ obj.pose.bones[hips].head)))
        assert where[0][0][2] < -0.98
        assert where[1][0][1] < -0.98
        assert where[1][1][0] - where[0][1][0] == pytest.approx(1, abs=0.2)


def test_a_root_bone_that_is_not_there_is_told(tmp_path):
    told = []
    words = {"retargeting": Retargeting(travel="root"), "tell": told.append}
    write_files(waving(3), "mannequin", ["bvh"], tmp_path, "clip", **words)
    assert len(told) == 1
    assert "no root bone" in told[0]


def test_one_frame_is_enough(tmp_path):
    for path in write_files(waving(1), "mannequin", ["fbx", "bvh"], tmp_path, "still"):
        assert read_back(path).type == "ARMATURE"


def test_a_cancelled_job_leaves_no_file(tmp_path):
    def stop(done: float) -> None:
        if done > 0.6:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_files(waving(), "mannequin", ["bvh"], tmp_path, "clip", progress=stop)
    assert not list(tmp_path.iterdir())


def test_an_unknown_rig_or_format_is_said(tmp_path):
    with pytest.raises(RigError, match="mannequin"):
        write_files(waving(), "nobody", ["fbx"], tmp_path, "clip")
    with pytest.raises(LiftError, match="choose one of"):
        write_files(waving(), "mannequin", ["docx"], tmp_path, "clip")
