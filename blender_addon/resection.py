"""Where the camera stood: its place in the scene out of the characters that it saw.

Knows nothing of Blender. Camera axes are x right, y down, z forward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

_NEAR = 0.05  # metres before the camera within which a point says nothing
_SOFT = 0.02  # of the picture's longer side: errors beyond count less


@dataclass(frozen=True)
class View:
    """A camera in the scene.

    Attributes:
        place: (4, 4) camera to world.
        scale: world metres for one metre of the lifted joints.
        error: median distance, pixels, between the characters' joints and the keypoints; NaN where
            there are no keypoints.
    """

    place: np.ndarray
    scale: float
    error: float


def find_view(
    world: np.ndarray,
    lifted: np.ndarray,
    keypoints: np.ndarray,
    size: tuple[int, int],
    focal: float,
) -> View:
    """The camera from which points of the scene look as they were seen.

    First the lifted points are laid on those of the scene (Umeyama, "Least-squares estimation of
    transformation parameters between two point patterns", 1991), which needs no keypoints; then the
    camera is moved until the picture fits best.

    Args:
        world: (points, 3) world metres.
        lifted: (points, 3) the same points, camera metres.
        keypoints: (points, 2) pixels, NaN where not seen.
        size: picture width and height in pixels.
        focal: focal length in pixels.
    """
    turn, move, scale = _similarity(lifted, world)
    seen = np.isfinite(keypoints).all(axis=1)
    if seen.sum() >= 6:
        turn, move = _refined(turn, move, world[seen], keypoints[seen], size, focal)
    place = np.eye(4)
    place[:3, :3], place[:3, 3] = turn, move
    apart = np.linalg.norm(project(world, place, size, focal) - keypoints, axis=1)
    error = float(np.nanmedian(apart)) if seen.any() else float("nan")
    return View(place, scale, error)


def project(
    world: np.ndarray, place: np.ndarray, size: tuple[int, int], focal: float
) -> np.ndarray:
    """(points, 3) world metres to (points, 2) pixels of a camera at a place (4, 4)."""
    points = (world - place[:3, 3]) @ place[:3, :3]
    depth = np.maximum(points[:, 2:], _NEAR)
    return points[:, :2] / depth * focal + np.array(size) / 2


def _similarity(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The turn, move and scale, ``scale * turn @ source + move``, that come nearest to a target."""
    middle, goal = source.mean(axis=0), target.mean(axis=0)
    centred = source - middle
    u, strengths, vt = np.linalg.svd((target - goal).T @ centred)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    turn = u @ np.diag(signs) @ vt
    scale = float((strengths * signs).sum() / max((centred**2).sum(), 1e-12))
    return turn, goal - scale * turn @ middle, scale


def _refined(
    turn: np.ndarray,
    move: np.ndarray,
    world: np.ndarray,
    keypoints: np.ndarray,
    size: tuple[int, int],
    focal: float,
) -> tuple[np.ndarray, np.ndarray]:
    start = turn.copy()

    def place(step: np.ndarray) -> np.ndarray:
        out = np.eye(4)
        out[:3, :3] = start @ Rotation.from_rotvec(step[:3]).as_matrix()
        out[:3, 3] = move + start @ step[3:]
        return out

    def off(step: np.ndarray) -> np.ndarray:
        return ((project(world, place(step), size, focal) - keypoints) / max(size)).ravel()

    best = least_squares(off, np.zeros(6), loss="cauchy", f_scale=_SOFT, max_nfev=100)
    found = place(best.x)
    return found[:3, :3], found[:3, 3]
