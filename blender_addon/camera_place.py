"""Our camera in a scene: which it is, where it stands and how large it sees the people."""

from __future__ import annotations

from typing import Any

import numpy as np
from bpy.types import Object

SCALE = "lift_to_3d_scale"
"""Custom property on our camera: world metres for one metre of the lifted joints."""

AXES = np.diag([1.0, -1.0, -1.0, 1.0])
"""Camera axes (x right, y down, z forward) to Blender's (y up, looking along -z), and back."""


def our_camera(scene: Any) -> Object | None:
    """The camera that `camera.make_camera` made for this scene, the active one first."""
    cameras = [obj for obj in (scene.camera, *scene.objects) if obj is not None and SCALE in obj]
    return cameras[0] if cameras else None


def camera_place(camera: Object) -> np.ndarray:
    """(4, 4) camera axes, x right, y down, z forward, to world."""
    return np.array(camera.matrix_world) @ AXES


def scale_of(camera: Any) -> float:
    """World metres for one metre of the lifted joints."""
    value = camera.get(SCALE, 1.0)
    return float(value) if isinstance(value, (int, float)) else 1.0
