"""The add-on as Blender sees it: registered, used, and gone again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from math import degrees, radians
from types import SimpleNamespace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs the bpy module (pip install '.[blender]')")

import lift_to_3d  # noqa: E402
from lift_to_3d.blender_addon import preferences, properties, running, source  # noqa: E402
from lift_to_3d.blender_addon.animate import Placing, place, place_steps  # noqa: E402
from lift_to_3d.blender_addon.conversion import LIFTED, convert_steps, options  # noqa: E402
from lift_to_3d.blender_addon.jobs import Job, beside, run_steps  # noqa: E402
from lift_to_3d.blender_addon.lifting import lift_file  # noqa: E402
from lift_to_3d.blender_addon.together import common_places  # noqa: E402
from lift_to_3d.blender_addon.worker import lift_in_process  # noqa: E402
from lift_to_3d.core.errors import Cancelled, LiftError, RigError  # noqa: E402
from lift_to_3d.core.mixste.model import shipped_models  # noqa: E402
from lift_to_3d.core.motion_file import save_motion  # noqa: E402
from lift_to_3d.core.pipeline import Options  # noqa: E402

from .motions import waving  # noqa: E402


@pytest.fixture
def addon():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    lift_to_3d.register()
    yield bpy.context.scene.lift_to_3d
    lift_to_3d.unregister()


@pytest.fixture
def motion_file(tmp_path):
    return str(save_motion(waving(), tmp_path / "waving.npz"))


def state() -> dict[str, object]:
    return {
        "types": {name for name in dir(bpy.types) if "lift_to_3d" in name.lower()},
        "operators": "lift_to_3d" in dir(bpy.ops) and dir(bpy.ops.lift_to_3d),
        "scene": hasattr(bpy.types.Scene, "lift_to_3d"),
        "menu": len(bpy.types.TOPBAR_MT_file_import.draw._draw_funcs),
        "handlers": (len(bpy.app.handlers.load_pre), len(bpy.app.handlers.load_post)),
    }


def data() -> dict[str, list[str]]:
    kinds = ("objects", "armatures", "meshes", "materials", "collections", "actions", "images")
    return {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in kinds}


def test_registering_leaves_nothing_behind_twice_in_a_row():
    before = state()
    for _ in range(2):
        lift_to_3d.register()
        assert hasattr(bpy.types.Scene, "lift_to_3d")
        lift_to_3d.unregister()
        assert state() == before


def test_blender_does_not_wait_for_libraries_at_its_start():
    code = (
        "import sys, bpy, lift_to_3d; lift_to_3d.register(); import os; "
        "heavy = {'scipy', 'onnxruntime', 'torch'} & set(sys.modules); "
        "print(heavy, flush=True); os._exit(bool(heavy))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_survives_another_file(addon):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert bpy.context.scene.lift_to_3d.rig == "mannequin"


def test_a_source_is_recognised(addon, samples):
    addon.source = str(samples / "street_mediapipe.json")
    assert addon.recognised == "MediaPipe-33, 230 frames, 30 fps, 1768 x 994"
    assert addon.fps_known
    assert addon.fps == pytest.approx(30)
    assert [person.number for person in addon.people] == [1, 2]
    addon.source = str(samples / "street_coco.json")
    assert addon.recognised.startswith("COCO-17")
    assert not addon.fps_known


def test_a_picture_size_that_is_not_known_is_guessed_as_in_the_shell(addon, tmp_path):
    frames = [{"people": [{"pose_keypoints_2d": [400, 1500, 0.9] * 25}]} for _ in range(9)]
    for i, frame in enumerate(frames):
        (tmp_path / f"tall_{i:012}_keypoints.json").write_text(json.dumps(frame))
    addon.source = str(tmp_path)
    assert not addon.size_known
    assert tuple(addon.size) == (1080, 1920)


def test_the_field_of_view_is_assumed_or_given_or_in_a_calibration(addon, samples, tmp_path):
    addon.source = str(samples / "street_mediapipe.json")
    assert options(addon).fov is None
    addon.fov_given, addon.fov = True, radians(50)
    assert options(addon).fov == pytest.approx(50)
    clip = shutil.copy(samples / "street_mediapipe.json", tmp_path / "cam.json")
    matrix = "[[884.0, 0.0, 884.0], [0.0, 884.0, 497.0], [0.0, 0.0, 1.0]]"
    (tmp_path / "calib.toml").write_text(f"[cam]\nsize = [1768, 994]\nmatrix = {matrix}\n")
    addon.source = str(clip)
    assert addon.fov_known
    assert degrees(addon.fov) == pytest.approx(90)
    assert options(addon).fov is None, "lifting reads it from the calibration itself"


def test_a_source_that_is_none_is_said_and_greys_the_button(addon, tmp_path):
    (tmp_path / "letter.json").write_text('{"dear": "reader"}')
    addon.source = str(tmp_path / "letter.json")
    assert "letter.json" in addon.trouble
    assert not addon.recognised
    assert not bpy.ops.lift_to_3d.lift.poll()


def test_the_button_animates_the_mannequin(addon, motion_file):
    addon.source = motion_file
    assert bpy.ops.lift_to_3d.lift() == {"FINISHED"}
    obj = addon.result
    assert obj.name == "waving"
    assert obj.animation_data.action.name == "waving"
    assert bpy.context.scene.frame_end == round(1 + 29 * 24 / 29.97)
    assert "1 person" in addon.result_text


def test_a_root_bone_that_is_not_there_is_reported(addon, motion_file):
    addon.source, addon.travel = motion_file, "root"
    bpy.ops.lift_to_3d.lift()
    assert "no root bone" in addon.result_notes


def test_lifting_again_on_an_armature_replaces_only_our_action(addon, motion_file):
    addon.source = motion_file
    bpy.ops.lift_to_3d.lift()
    obj = addon.result
    addon.rig, addon.armature = "ARMATURE", obj
    mine = bpy.data.actions.new("mine")
    bpy.ops.lift_to_3d.lift()
    assert addon.result == obj
    assert sorted(action.name for action in bpy.data.actions) == ["mine", "waving"]
    addon.replace = False
    bpy.ops.lift_to_3d.lift()
    assert len(bpy.data.actions) == 3
    assert mine.name in bpy.data.actions


def test_what_was_lifted_is_selected(addon, samples):
    bpy.ops.object.armature_add()
    addon.source = str(samples / "street_mediapipe.json")
    bpy.ops.lift_to_3d.lift()
    lifted = {o for o in bpy.data.objects if o.type == "ARMATURE" and o.animation_data}
    assert len(lifted) == len(addon.people)
    assert set(bpy.context.selected_objects) == lifted
    assert bpy.context.object == addon.result


def test_the_shipped_sample_moves_two_people(addon, samples):
    addon.source = str(samples / "street_mediapipe.json")
    addon.take_rate = True
    assert bpy.ops.lift_to_3d.lift() == {"FINISHED"}
    armatures = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
    assert len(armatures) == 2
    assert bpy.context.scene.render.fps == 30
    for obj in armatures:
        places = []
        for frame in (60, 90, 120):
            bpy.context.scene.frame_set(frame)
            places.append(np.array([bone.matrix for bone in obj.pose.bones]))
        assert np.isfinite(places).all()
        assert np.abs(places[0] - places[1]).max() > 0.05
    starts = [obj.animation_data.action.frame_range[0] for obj in armatures]
    assert sorted(starts) == [1, 57]
    bpy.context.scene.frame_set(100)
    heads = [np.array(obj.matrix_world @ obj.pose.bones["hips"].head) for obj in armatures]
    assert 0.3 < np.linalg.norm((heads[0] - heads[1])[:2]) < 10


def test_a_failure_changes_nothing(addon, motion_file):
    addon.source = motion_file
    addon.rig, addon.rig_file = "FILE", "/nowhere/hero.fbx"
    addon.take_rate = True
    before, rate = data(), bpy.context.scene.render.fps
    with pytest.raises(RuntimeError, match=r"hero\.fbx"):
        bpy.ops.lift_to_3d.lift()
    assert data() == before
    assert bpy.context.scene.render.fps == rate
    assert not addon.result_text


def test_several_people_on_one_armature_are_refused_and_undone(addon, samples, motion_file):
    addon.source = motion_file
    bpy.ops.lift_to_3d.lift()
    addon.rig, addon.armature = "ARMATURE", addon.result
    addon.source = str(samples / "street_mediapipe.json")
    before = data()
    with pytest.raises(RuntimeError, match="One armature takes one person"):
        bpy.ops.lift_to_3d.lift()
    with pytest.raises(RigError, match="one armature, but there are 2 people"):
        place([waving(), waving()], Placing(rig=addon.result))
    assert data() == before
    assert addon.armature.animation_data.action.name == "waving"


def test_the_result_is_exported(addon, motion_file, tmp_path):
    assert not bpy.ops.lift_to_3d.export.poll()
    addon.source = motion_file
    bpy.ops.lift_to_3d.lift()
    for preset, suffix in (("fbx", ".fbx"), ("bvh", ".bvh")):
        path = tmp_path / f"out{suffix}"
        assert bpy.ops.lift_to_3d.export(filepath=str(path), preset=preset) == {"FINISHED"}
        assert path.stat().st_size > 1000


def test_importing_chooses_the_source(addon, motion_file):
    assert bpy.ops.lift_to_3d.import_keypoints(filepath=motion_file) == {"FINISHED"}
    assert addon.source == motion_file


def seen_from(turn: float, move: tuple[float, float], motion, camera, shift) -> object:
    """The motion in a world of its own, as one camera of the common world sees it."""
    c, s = np.cos(turn), np.sin(turn)
    own = (motion.joints - [*move, 0]) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    view = (motion.joints - shift) @ camera.T
    return replace(
        motion,
        joints=own.astype(np.float32),
        camera_joints=(view - view[:, :1]).astype(np.float32),
        root=view[:, 0].astype(np.float32),
    )


def test_people_of_one_clip_stand_as_they_stood():
    motion = waving()
    camera = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    other = replace(motion, joints=motion.joints + np.array([2, 1, 0], np.float32))
    first = seen_from(0, (0, 0), motion, camera, (0, -5, 1))
    second = seen_from(1.1, (1.5, 0.5), other, camera, (0, -5, 1))
    identity, place = common_places([first, second])
    np.testing.assert_allclose(identity, np.eye(4), atol=1e-6)
    found = second.joints @ place[:3, :3].T + place[:3, 3]
    np.testing.assert_allclose(found, other.joints, atol=1e-4)


@pytest.mark.parametrize(("rise", "kept"), [(1.8, 1.8), (0.2, 0.0)])
def test_a_person_on_a_roof_stays_there_and_one_floor_is_one(rise, kept):
    motion = waving()
    camera = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    first = seen_from(0, (0, 0), motion, camera, (0, -5, 1))
    raised = replace(motion, joints=motion.joints + np.array([2, 1, rise], np.float32))
    second = seen_from(1.1, (1.5, 0.5), raised, camera, (0, -5, 1))
    second = replace(second, joints=second.joints - np.array([0, 0, rise], np.float32))
    place = common_places([first, second])[1]
    found = second.joints @ place[:3, :3].T + place[:3, 3]
    np.testing.assert_allclose(found, raised.joints + (0, 0, kept - rise), atol=1e-4)


def test_only_the_people_with_a_tick_are_lifted(addon, samples):
    addon.source = str(samples / "street_mediapipe.json")
    addon.people[0].use = False
    assert bpy.ops.lift_to_3d.lift() == {"FINISHED"}
    assert addon.result_text.startswith("1 person")
    assert addon.result.name.endswith("person2")
    addon.people[1].use = False
    assert not bpy.ops.lift_to_3d.lift.poll()


def test_the_result_is_keyed_as_asked(addon, motion_file):
    addon.source = motion_file
    addon.reduce, addon.strip = True, True
    bpy.ops.lift_to_3d.lift()
    animation = addon.result.animation_data
    assert animation.action is None
    (track,) = animation.nla_tracks
    bag = track.strips[0].action
    if hasattr(bag, "slots"):
        bag = bag.layers[0].strips[0].channelbag(bag.slots[0])
    frames = bpy.context.scene.frame_end
    assert min(len(curve.keyframe_points) for curve in bag.fcurves) < frames / 2


def test_a_process_of_its_own_lifts_the_same(samples):
    path, seen = samples / "street_mediapipe.json", []
    lifted = lift_in_process(path, Options(person=(2,)), seen.append)
    here = lift_file(path, Options(person=2), lambda _: None)
    assert seen == sorted(seen)
    assert lifted.notes == here.notes
    for name in ("joints", "root", "confidence", "contacts"):
        theirs, ours = (getattr(each.motions[0], name) for each in (lifted, here))
        np.testing.assert_allclose(theirs, ours, atol=1e-5)
    np.testing.assert_array_equal(lifted.clips[0].keypoints, here.clips[0].keypoints)
    assert lifted.clips[0].video_frame == here.clips[0].video_frame
    assert lifted.clips[0].size == here.clips[0].size


def test_a_process_hands_on_what_is_wrong_and_dies_when_cancelled(samples, tmp_path):
    (tmp_path / "letter.json").write_text('{"dear": "reader"}')
    with pytest.raises(LiftError, match=r"letter\.json"):
        lift_in_process(tmp_path / "letter.json", Options(), lambda _: None)
    job = Job(partial(lift_in_process, samples / "street_mediapipe.json", Options()))
    job.start()
    time.sleep(0.3)
    started = time.monotonic()
    job.cancel()
    assert job.wait(5)
    assert time.monotonic() - started < 0.5
    with pytest.raises(Cancelled):
        job.result()


@pytest.mark.parametrize("until", [0.0, 0.5, 0.92, 0.97, 0.9999])
def test_a_conversion_that_is_given_up_leaves_the_scene_as_it_was(addon, samples, until):
    addon.source = str(samples / "street_mediapipe.json")
    addon.take_rate = True
    bpy.ops.object.armature_add()
    mine = bpy.context.object
    bpy.ops.object.mode_set(mode="POSE")
    before, rate, shown = data(), bpy.context.scene.render.fps, bpy.context.scene.frame_end
    steps = convert_steps(addon)
    while next(steps) < until:
        pass
    steps.close()
    assert data() == before
    assert bpy.context.scene.frame_end == shown
    assert bpy.context.object == mine
    assert mine.mode == "POSE"
    assert mine.select_get()
    assert bpy.context.scene.render.fps == rate


def test_no_step_keeps_the_window_waiting(addon):
    """20,000 frames, in processor time; what is left is Blender's evaluation of the action."""
    steps, slowest, done = place_steps([waving(20_000)], Placing()), 0.0, 0.0
    while done < 1:
        started = time.thread_time()
        done = next(steps)
        slowest = max(slowest, time.thread_time() - started)
    started = time.thread_time()
    steps.close()
    assert slowest < 0.15
    assert time.thread_time() - started < 0.15
    assert not bpy.data.objects


def test_a_character_that_goes_while_it_runs_is_missed(addon, motion_file, samples):
    addon.source = motion_file
    bpy.ops.lift_to_3d.lift()
    addon.rig, addon.armature = "ARMATURE", addon.result
    addon.source = str(samples / "street_mediapipe.json")
    addon.people[0].use = False
    steps = convert_steps(addon)
    assert next(steps) < LIFTED
    bpy.data.objects.remove(addon.armature)
    with pytest.raises(LiftError, match="is gone"):
        run_steps(steps)


def test_a_scene_begins_with_the_defaults_of_the_preferences(addon, monkeypatch, tmp_path):
    preferred = SimpleNamespace(
        **{name: getattr(addon, name) for name in preferences._DEFAULTS},
        model="mine", model_folder=str(tmp_path), device="cpu",
    )  # fmt: skip
    preferred.height, preferred.smoothing, preferred.rig = 1.55, "strong", "rigify"
    monkeypatch.setattr(preferences, "_preferences", lambda: preferred)
    addon.smoothing = "off"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    settings = bpy.context.scene.lift_to_3d
    assert settings.height == pytest.approx(1.55)
    assert settings.rig == "rigify"
    assert settings.smoothing == "off", "what the user chose stays"
    assert preferences.model() == "mine"
    (tmp_path / "mine.json").touch()
    assert preferences.model() == str(tmp_path / "mine.onnx")
    assert list(preferences.model_names(None, None, "")) == [*shipped_models(), "mine"]


def test_everything_has_a_tooltip():
    lift_to_3d.register()
    try:
        for group in properties.CLASSES:
            for prop in group.bl_rna.properties:
                shown = prop.name not in ("", prop.identifier) and prop.identifier != "rna_type"
                if shown:
                    assert prop.description, (group.__name__, prop.identifier)
        for name in dir(bpy.ops.lift_to_3d):
            operator = getattr(bpy.ops.lift_to_3d, name).get_rna_type()
            assert operator.description, name
    finally:
        lift_to_3d.unregister()


def slow(progress):
    for i in range(1000):
        progress(i / 1000)
        time.sleep(0.005)
    return "done"


def test_a_job_runs_beside_us_and_is_cancelled_at_once():
    job = Job(slow)
    job.start()
    assert job.running
    while job.progress < 0.01:
        time.sleep(0.002)
    started = time.monotonic()
    job.cancel()
    assert job.wait(1)
    assert time.monotonic() - started < 0.5
    with pytest.raises(Cancelled):
        job.result()


def test_a_job_hands_on_results_and_errors():
    def broken(_):
        raise LiftError("no")

    assert Job(lambda progress: progress(1.0) or 7).run() == 7
    failing = Job(broken)
    failing.start()
    assert failing.wait(1)
    with pytest.raises(LiftError, match="no"):
        failing.result()


def test_loading_a_file_cancels_what_runs(addon):
    job = running.start(beside(slow))
    source._latest = Job(slow)
    assert not job.advance()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with pytest.raises(Cancelled):
        job.advance()
    assert running.running() is None
    assert source._latest is None
