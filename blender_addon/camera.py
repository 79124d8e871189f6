"""A camera where the filming one stood, with the film behind the characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.types import Object
from mathutils import Matrix

from ..core.errors import LiftError
from ..core.skeleton import H36M
from ..retarget.mapping import Mapping
from .camera_place import AXES, SCALE, our_camera
from .clip import Clip
from .kept import Kept, kept_with
from .keyframes import channel_bag, play
from .resection import View, find_view
from .rig_choice import mapping_of
from .scene import current_scene, frame_rate, pose_of
from .source import PICTURES

_MOMENTS = 40
_CONSTANT = 0
_LIMBS = {
    "hip": ("thigh", "head"), "knee": ("shin", "head"), "ankle": ("shin", "tail"),
    "shoulder": ("upper_arm", "head"), "elbow": ("forearm", "head"), "wrist": ("forearm", "tail"),
}  # fmt: skip
"""The joints that characters share with people: the part of the body, and which end of its bone."""


def make_camera(obj: Object) -> tuple[Object, View]:
    """The camera that sees a character as the film shows the person; active from now on.

    The picture size of the scene becomes that of the film. A camera made before is moved.

    Args:
        obj: a lifted armature of the current scene.

    Raises:
        LiftError: nothing was lifted onto it, or its limbs are not known.
    """
    kept = kept_with(obj)
    if kept is None:
        raise LiftError(f"'{obj.name}' plays no lifted clip: lift one first.")
    scene, clip = current_scene(), kept.clip
    world, lifted, keypoints = _points(obj, kept)
    view = find_view(world, lifted, keypoints, clip.size, clip.focal)
    camera = our_camera(scene)
    if camera is None:
        camera = bpy.data.objects.new(
            "Lift to 3D camera", bpy.data.cameras.new("Lift to 3D camera")
        )
        scene.collection.objects.link(camera)
    camera[SCALE] = view.scale
    camera.matrix_world = Matrix((view.place @ AXES).tolist())
    lens: Any = camera.data
    lens.sensor_fit = "HORIZONTAL"
    lens.angle = 2 * np.arctan(clip.size[0] / 2 / clip.focal)
    lens.clip_end = max(lens.clip_end, 1000.0)
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = clip.size
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1
    return camera, view


def show_video(camera: Object, kept: Kept, video: Path) -> None:
    """Put a film, or the image sequence that a picture is of, behind everything, in step.

    Raises:
        LiftError: Blender cannot read it.
    """
    try:
        image: Any = bpy.data.images.load(str(video), check_existing=True)
    except RuntimeError as error:
        raise LiftError(f"Blender cannot read the video {video}: {error}") from error
    image.source = "SEQUENCE" if video.suffix.lower() in PICTURES else "MOVIE"
    lens: Any = camera.data
    lens.show_background_images = True
    lens.background_images.clear()
    background: Any = lens.background_images.new()
    background.image = image
    background.alpha = 1.0
    background.frame_method = "FIT"
    background.image_user.use_auto_refresh = True
    _keep_in_step(lens, background.image_user, kept.clip, _first(kept), _length(image, video))


def _first(kept: Kept) -> float:
    """The scene frame that shows the video's first frame."""
    return kept.start_frame - kept.clip.video_frame * kept.rate / kept.clip.fps


def _length(image: Any, video: Path) -> int:
    if image.source == "MOVIE":
        return max(image.frame_duration, 1)
    return max(sum(path.suffix == video.suffix for path in video.parent.iterdir()), 1)


def _keep_in_step(lens: Any, user: Any, clip: Clip, first: float, length: int) -> None:
    """Blender shows a picture of the film for each frame of the scene, whatever their rates are.

    Where the rates differ the film's offset is keyed, at every frame.
    """
    rate = frame_rate(current_scene())
    lens.animation_data_clear()
    begin = round(first)
    frames = np.arange(begin, begin + int(np.ceil(length * rate / clip.fps)) + 1)
    pictures = np.clip(np.round((frames - first) * clip.fps / rate), 0, length - 1)
    offsets = pictures - (frames - begin)
    user.frame_start, user.frame_duration = begin, len(frames)
    user.frame_offset = int(offsets[0])
    if (offsets[:-1] == offsets[0]).all():
        return
    action = bpy.data.actions.new("Lift to 3D video")
    slot, bag = channel_bag(action, lens)
    play(lens.animation_data_create(), action, slot)
    curve = bag.fcurves.new(user.path_from_id("frame_offset"))
    curve.keyframe_points.add(len(frames))
    places = np.stack([frames, offsets], axis=-1).astype(np.float32)
    curve.keyframe_points.foreach_set("co", places.ravel())
    curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), _CONSTANT, np.int32))
    curve.update()


def _points(obj: Object, kept: Kept) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A character's limb joints in the world, as lifted, and as seen, at some moments."""
    scene, clip = current_scene(), kept.clip
    frame, subframe = scene.frame_current, scene.frame_subframe
    joints = _limbs(obj, mapping_of(obj))
    rows = np.unique(np.linspace(0, clip.frames - 1, _MOMENTS).round().astype(int))
    world = []
    try:
        for row in rows:
            moment = kept.start_frame + row * kept.rate / clip.fps
            scene.frame_set(int(moment), subframe=moment % 1)
            bones = pose_of(obj).bones
            world += [obj.matrix_world @ getattr(bones[bone], end) for bone, end in joints.values()]
    finally:
        scene.frame_set(frame, subframe=subframe)
    lifted, seen = (
        part[rows][:, list(joints)].reshape(len(world), -1).astype(np.float64)
        for part in (clip.joints, clip.keypoints)
    )
    return np.array(world), lifted, seen


def _limbs(obj: Object, mapping: Mapping) -> dict[int, tuple[str, str]]:
    """Joint, in Human3.6M order, to a bone and one of its ends."""
    found: dict[int, tuple[str, str]] = {}
    for side, letter in (("left", "L"), ("right", "R")):
        for name, (part, end) in _LIMBS.items():
            bone = mapping.bone(f"{part}.{letter}")
            if bone is not None:
                found[H36M.names.index(f"{side}_{name}")] = (bone, end)
    if len(found) < 8:
        raise LiftError(f"The limbs of '{obj.name}' are not known: set its bone mapping.")
    return found
