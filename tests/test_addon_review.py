"""Looking at the result: the camera, the film in step, what is drawn, the frames to check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

bpy = pytest.importorskip("bpy", reason="needs the bpy module (pip install '.[blender]')")

import lift_to_3d  # noqa: E402
from lift_to_3d.blender_addon import camera_place, review, rig_choice  # noqa: E402
from lift_to_3d.blender_addon.animate import Placing, place  # noqa: E402
from lift_to_3d.blender_addon.camera import make_camera, show_video  # noqa: E402
from lift_to_3d.blender_addon.clip import Clip, clip_of  # noqa: E402
from lift_to_3d.blender_addon.kept import kept_with  # noqa: E402
from lift_to_3d.blender_addon.overlay import joints_in_world, keypoints_in_world  # noqa: E402
from lift_to_3d.blender_addon.resection import find_view, project  # noqa: E402
from lift_to_3d.core.errors import LiftError  # noqa: E402
from lift_to_3d.core.motion_file import save_motion  # noqa: E402
from lift_to_3d.retarget.mapping import load_mapping  # noqa: E402

from .motions import waving  # noqa: E402

SIZE, FOCAL = (1280, 720), 900.0


@pytest.fixture
def addon():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    lift_to_3d.register()
    yield bpy.context.scene.lift_to_3d
    lift_to_3d.unregister()


def truth() -> np.ndarray:
    """A camera's place: five metres before the person, two high, tilted and rolled."""
    out = np.eye(4)
    ahead = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    out[:3, :3] = ahead @ Rotation.from_rotvec([-0.2, 0.1, 0.15]).as_matrix()
    out[:3, 3] = (0.4, -5, 2)
    return out


def seen_by_the_camera(video: str = "") -> tuple:
    """The waving motion and its clip, as a camera at the true place sees it."""
    motion = waving()
    view = (motion.joints.astype(float) - truth()[:3, 3]) @ truth()[:3, :3]
    motion = replace(
        motion,
        camera_joints=(view - view[:, :1]).astype(np.float32),
        root=view[:, 0].astype(np.float32),
    )
    pixels = view[..., :2] / view[..., 2:] * FOCAL + np.array(SIZE) / 2
    clip = replace(
        clip_of(motion, None, None), keypoints=pixels.astype(np.float32), size=SIZE, focal=FOCAL
    )
    return motion, replace(clip, video=video, video_frame=12)


def test_a_camera_is_found_from_what_it_saw():
    rng = np.random.default_rng(0)
    world = rng.uniform(-1, 1, (200, 3)) + (0, 0, 1)
    lifted = ((world - truth()[:3, 3]) @ truth()[:3, :3]) / 1.3
    keypoints = project(world, truth(), SIZE, FOCAL)
    lifted += rng.normal(0, 0.05, lifted.shape)
    keypoints[::7] = np.nan
    keypoints[::11] += 300
    view = find_view(world, lifted, keypoints, SIZE, FOCAL)
    np.testing.assert_allclose(view.place, truth(), atol=0.02)
    assert view.scale == pytest.approx(1.3, rel=0.02)
    assert view.error < 2
    blind = find_view(world, lifted, np.full_like(keypoints, np.nan), SIZE, FOCAL)
    assert np.isnan(blind.error)
    assert np.linalg.norm(blind.place[:3, 3] - truth()[:3, 3]) < 0.2


def test_the_character_stands_on_the_person_and_what_is_drawn_on_the_keypoints(addon):
    motion, clip = seen_by_the_camera()
    (obj,) = place([motion], Placing(), [clip])
    camera, view = make_camera(obj)
    scene = bpy.context.scene
    assert scene.camera == camera
    assert (scene.render.resolution_x, scene.render.resolution_y) == SIZE
    bpy.context.view_layer.update()
    person = np.ptp(clip.keypoints[..., 1], axis=1).mean()
    assert view.error < 0.05 * person
    kept = kept_with(obj)
    own = np.array(camera.matrix_world.inverted())
    lens = np.array(camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=1280, y=720))
    for row in (0, 14, 29):
        for points in (joints_in_world(kept, row, camera), keypoints_in_world(kept, row, camera)):
            ndc = np.append(points, np.ones((17, 1)), axis=1) @ (lens @ own).T
            found = (ndc[:, :2] / ndc[:, 3:] * (1, -1) + 1) / 2 * SIZE
            np.testing.assert_allclose(found, clip.keypoints[row], atol=0.5)
    again, _ = make_camera(obj)
    assert again == camera


def test_what_was_seen_survives_saving(addon, tmp_path):
    motion, clip = seen_by_the_camera("/films/dance.mp4")
    (obj,) = place([motion], Placing(start_frame=7), [clip])
    name = obj.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    kept = kept_with(bpy.data.objects[name])
    assert (kept.start_frame, kept.rate) == (7, 24)
    for field in ("size", "focal", "fps", "video", "video_frame", "begin"):
        assert getattr(kept.clip, field) == getattr(clip, field)
    for field in ("keypoints", "joints", "confidence"):
        np.testing.assert_array_equal(getattr(kept.clip, field), getattr(clip, field))
    assert kept.row(6) is None
    assert kept.row(7 + 12) == 15


@pytest.mark.parametrize("damage", [{"rate": 0}, {"size": [0, 0]}, {"joints": [1.0] * 5}])
def test_somebody_elses_property_of_our_name_is_no_clip(addon, damage):
    motion, clip = seen_by_the_camera()
    (obj,) = place([motion], Placing(), [clip])
    for key, value in damage.items():
        obj.animation_data.action["lift_to_3d_clip"][key] = value
    assert kept_with(obj) is None


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_the_film_is_in_step_with_the_frames_whatever_their_rate(addon, tmp_path, rate):
    paths = []
    for i in range(60):
        image = bpy.data.images.new("picture", 4, 4)
        image.filepath_raw = str(tmp_path / f"film{i + 1:04}.png")
        image.save()
        paths.append(tmp_path / f"film{i + 1:04}.png")
    scene = bpy.context.scene
    scene.render.fps = rate
    motion, clip = seen_by_the_camera()
    motion, clip = replace(motion, fps=30.0), replace(clip, fps=30.0)
    (obj,) = place([motion], Placing(start_frame=20), [clip])
    camera, _ = make_camera(obj)
    show_video(camera, kept_with(obj), paths[0])
    (background,) = camera.data.background_images
    assert background.image.source == "SEQUENCE"
    for frame in (20, 23, 30, 20 + rate // 2, 20 + rate):
        scene.frame_set(frame)
        found = camera.evaluated_get(bpy.context.evaluated_depsgraph_get())
        user = found.data.background_images[0].image_user
        count = min(max(frame - user.frame_start + 1, 1), user.frame_duration)
        shown = count + user.frame_offset - 1  # Blender counts from 1
        assert abs(shown - (12 + (frame - 20) * 30 / rate)) <= 0.51


def test_unsure_stretches_are_told_and_gone_to(addon):
    motion, clip = seen_by_the_camera()
    sure = np.full((30, 17), 0.8, np.float32)
    sure[5:12] = sure[22:30] = 0.1
    sure[16] = 0.1
    clip = replace(clip, confidence=sure, fps=24.0)
    motion = replace(motion, fps=24.0)
    (obj,) = place([motion], Placing(start_frame=11), [clip])
    assert kept_with(obj).unsure() == [(16, 22), (33, 40)]
    scene = bpy.context.scene
    visited = []
    for _ in range(3):
        bpy.ops.lift_to_3d.unsure()
        visited.append(scene.frame_current)
    assert visited == [16, 33, 16]
    bpy.ops.lift_to_3d.unsure(backwards=True)
    assert scene.frame_current == 33
    scene.frame_set(18)
    assert obj["Lift confidence"] == pytest.approx(0.1)


def test_the_button_makes_the_camera_and_says_how_far_off_it_is(addon, samples):
    assert not bpy.ops.lift_to_3d.camera.poll()
    addon.source = str(samples / "street_mediapipe.json")
    addon.people[0].use = False
    assert bpy.ops.lift_to_3d.lift() == {"FINISHED"}
    assert [obj.name for obj in review.lifted_characters(bpy.context.scene)] == [addon.result.name]
    assert bpy.ops.lift_to_3d.camera() == {"FINISHED"}
    camera = camera_place.our_camera(bpy.context.scene)
    assert camera == bpy.context.scene.camera
    off = float(addon.view_text.split()[2])
    assert off < 25  # of a person 310 pixels high


def test_a_character_without_a_clip_is_refused(addon):
    (obj,) = place([waving()], Placing())
    with pytest.raises(LiftError, match="lift one first"):
        make_camera(obj)


def test_rows_before_and_after_the_clip_are_outside():
    clip = Clip(np.zeros((5, 17, 2)), np.zeros((5, 17, 3)), np.zeros((5, 17)), SIZE, FOCAL, 30.0)
    np.testing.assert_array_equal(clip.rows(np.array([9, 10, 12, 30]), 10, 60), [0, 0, 1, 10])


@pytest.fixture
def armature(addon):
    (obj,) = place([waving()], Placing(rig="mixamo"))
    addon.rig, addon.armature = "ARMATURE", obj
    return obj


def test_a_mapping_is_edited_saved_and_loaded(addon, armature, tmp_path):
    found = rig_choice.mapping_of(armature)
    assert not rig_choice.is_edited(armature)
    assert bpy.ops.lift_to_3d.mapping_edit() == {"FINISHED"}
    assert rig_choice.mapping_of(armature).bones == found.bones
    entries = armature.data.lift_to_3d.entries
    next(e for e in entries if e.part == "head").bone = ""
    next(e for e in entries if e.part == "hand.L").bone = "mixamorig:LeftHandIndex1"
    edited = rig_choice.mapping_of(armature)
    assert "head" not in edited.bones
    assert edited.bones["hand.L"] == ("mixamorig:LeftHandIndex1",)
    path = tmp_path / "mine.json"
    assert bpy.ops.lift_to_3d.mapping_save(filepath=str(path)) == {"FINISHED"}
    assert load_mapping(path).bones == edited.bones
    bpy.ops.lift_to_3d.mapping_reset()
    assert rig_choice.mapping_of(armature) == found
    assert bpy.ops.lift_to_3d.mapping_load(filepath=str(path)) == {"FINISHED"}
    assert rig_choice.mapping_of(armature).bones == edited.bones


def test_chains_take_more_bones_and_single_parts_do_not(addon, armature):
    bpy.ops.lift_to_3d.mapping_edit()
    stored = armature.data.lift_to_3d
    stored.active = [e.part for e in stored.entries].index("head")
    assert not bpy.ops.lift_to_3d.mapping_add.poll()
    stored.active = [e.part for e in stored.entries].index("spine")
    before = rig_choice.mapping_of(armature).bones["spine"]
    bpy.ops.lift_to_3d.mapping_add()
    stored.entries[stored.active].bone = "mixamorig:Neck"
    after = rig_choice.mapping_of(armature).bones["spine"]
    assert after == (before[0], "mixamorig:Neck", *before[1:])


def test_the_edited_mapping_is_what_moves(addon, armature, tmp_path):
    bpy.ops.lift_to_3d.mapping_edit()
    for entry in armature.data.lift_to_3d.entries:
        if entry.part in ("head", "neck"):
            entry.bone = ""
            armature.pose.bones["mixamorig:Head"].matrix_basis.identity()
    addon.source = str(save_motion(waving(), tmp_path / "waving.npz"))
    assert bpy.ops.lift_to_3d.lift() == {"FINISHED"}
    bpy.context.scene.frame_set(10)
    bones = armature.pose.bones
    assert bones["mixamorig:Head"].matrix_basis.is_identity
    assert not bones["mixamorig:LeftArm"].matrix_basis.is_identity


def test_a_mapping_file_that_is_none_is_said(addon, armature, tmp_path):
    path = tmp_path / "letter.json"
    path.write_text('{"dear": "reader"}')
    with pytest.raises(RuntimeError, match=r"letter\.json"):
        bpy.ops.lift_to_3d.mapping_load(filepath=str(path))
    assert not rig_choice.is_edited(armature)
