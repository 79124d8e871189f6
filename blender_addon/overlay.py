"""2D keypoints and lifted joints drawn over the 3D views; no objects are made for it."""

from __future__ import annotations

from typing import Any

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..core.skeleton import H36M
from .camera_place import camera_place, our_camera, scale_of
from .kept import Kept, has_clip, kept_with
from .scene import Context, context

_LEFT, _RIGHT, _MIDDLE = (0.34, 0.65, 1.0), (1.0, 0.62, 0.29), (0.9, 0.9, 0.92)
_COLORS = np.array(
    [_LEFT if j in H36M.left else _RIGHT if j in H36M.right else _MIDDLE for j in range(17)]
)
_BONES = np.array(H36M.bones)
_AROUND = np.linspace(0, 2 * np.pi, 13)
_FAINTEST = 0.15

_handler: Any = None


def _draw() -> None:
    """What Blender calls for each 3D view."""
    here: Context = context()
    settings = here.scene.lift_to_3d
    camera = our_camera(here.scene)
    if camera is None or not here.space_data.overlay.show_overlays:
        return
    view, frame = here.region_data, here.scene.frame_current
    through = view.view_perspective == "CAMERA" and here.scene.camera == camera
    to_region = _to_region(here)
    for obj in here.scene.objects:
        if obj.type != "ARMATURE" or not has_clip(obj) or not obj.visible_get():
            continue
        kept = kept_with(obj)
        row = kept.row(frame) if kept is not None else None
        if kept is None or row is None:
            continue
        if settings.show_joints:
            points = joints_in_world(kept, row, camera)
            sure = np.clip(kept.clip.confidence[row], _FAINTEST, 1)
            _draw_skeleton(to_region(points), sure, 3.0)
        if settings.show_keypoints and through:
            points = keypoints_in_world(kept, row, camera)
            _draw_skeleton(to_region(points), np.full(17, 0.9), 1.5, dots=3.5)
    if through and settings.view_text:
        _write(here, settings.view_text)


def joints_in_world(kept: Kept, row: int, camera: Any) -> np.ndarray:
    """(17, 3) the lifted joints where the recovered camera has them."""
    place = camera_place(camera)
    return scale_of(camera) * kept.clip.joints[row] @ place[:3, :3].T + place[:3, 3]


def keypoints_in_world(kept: Kept, row: int, camera: Any) -> np.ndarray:
    """(17, 3) the keypoints on the picture, a metre before the camera; NaN where not seen."""
    clip, place = kept.clip, camera_place(camera)
    rays = (clip.keypoints[row] - np.array(clip.size) / 2) / clip.focal
    return np.append(rays, np.ones((17, 1)), axis=1) @ place[:3, :3].T + place[:3, 3]


def _to_region(here: Context) -> Any:
    """World to pixels of the region; NaN behind the eye."""
    matrix = np.array(here.region_data.perspective_matrix)
    size = np.array([here.region.width, here.region.height])

    def to_region(points: np.ndarray) -> np.ndarray:
        homogeneous = np.append(points, np.ones((len(points), 1)), axis=1) @ matrix.T
        depth = np.where(homogeneous[:, 3:] > 1e-6, homogeneous[:, 3:], np.nan)
        return (homogeneous[:, :2] / depth + 1) / 2 * size

    return to_region


def _draw_skeleton(points: np.ndarray, sure: np.ndarray, width: float, dots: float = 0.0) -> None:
    """Lines for the bones, in the colour of their far end, and dots for the joints if wanted."""
    colors = np.append(_COLORS, sure[:, None], axis=1).astype(np.float32)
    there = np.isfinite(points).all(axis=1)
    bones = _BONES[there[_BONES].all(axis=1)]
    state: Any = gpu.state
    state.blend_set("ALPHA")
    if len(bones):
        shader = gpu.shader.from_builtin("POLYLINE_FLAT_COLOR")
        shader.bind()
        shader.uniform_float("viewportSize", state.viewport_get()[2:])
        shader.uniform_float("lineWidth", width)
        ends = _flat(points[bones.ravel()])
        content: Any = {"pos": ends, "color": np.repeat(colors[bones[:, 1]], 2, axis=0)}
        batch_for_shader(shader, "LINES", content).draw(shader)
    if dots and there.any():
        shader = gpu.shader.from_builtin("FLAT_COLOR")
        rim = dots * np.stack([np.cos(_AROUND), np.sin(_AROUND)], axis=-1)
        centre = np.repeat(points[there][:, None], len(rim) - 1, axis=1)
        triangles = np.stack([centre, centre + rim[:-1], centre + rim[1:]], axis=2)
        corners = triangles.shape[1] * 3
        content = {
            "pos": _flat(triangles.reshape(-1, 2)),
            "color": np.repeat(colors[there], corners, axis=0),
        }
        batch_for_shader(shader, "TRIS", content).draw(shader)
    state.blend_set("NONE")


def _flat(points: np.ndarray) -> np.ndarray:
    return np.append(points, np.zeros((len(points), 1)), axis=1).astype(np.float32)


def _write(here: Context, text: str) -> None:
    scale = here.preferences.system.ui_scale
    blf.size(0, 12 * scale)
    blf.color(0, 1, 1, 1, 0.9)
    blf.position(0, 20 * scale, 20 * scale, 0)
    blf.draw(0, text)


def register() -> None:
    """Draw from now on."""
    global _handler
    if not bpy.app.background:
        view: Any = bpy.types.SpaceView3D
        _handler = view.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    """Draw no more."""
    global _handler
    if _handler is not None:
        view: Any = bpy.types.SpaceView3D
        view.draw_handler_remove(_handler, "WINDOW")
        _handler = None
