"""Motion capture before a virtual camera, with the mistakes of a lifter: what `ground` is made for.

Camera axes: x right, y down, z forward. Everything is drawn from the generator given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from ..motion import Pose
from ..skeleton import COCO, H36M
from ..track import Track
from .capture import Take

_SIZES = ((1920, 1080), (1080, 1920), (1280, 720), (1000, 1000))

# COCO joints that the capture has, and where the rest sit on the head: (joint, share of the way
# from the neck to the crown, of the way out to the nose, metres to the left).
_LIMBS = {name: j for j, name in enumerate(H36M.names) if name in COCO}
_FACE = {
    "nose": (0.5, 1.0, 0.0),
    "left_eye": (0.62, 0.8, 0.03),
    "right_eye": (0.62, 0.8, -0.03),
    "left_ear": (0.55, 0.0, 0.075),
    "right_ear": (0.55, 0.0, -0.075),
}


@dataclass(frozen=True)
class Mistakes:
    """How wrong a simulated lifter is; standard deviations.

    Attributes:
        tilt: of the whole body for the whole clip, degrees.
        bias: of each bone's direction for the whole clip, degrees.
        drift: of each joint's depth, slowly changing, metres at a wrist or ankle; half of it
            across the picture.
        shake: white noise of every coordinate, metres.
        pixels: of the 2D joints, as a share of the person's size in the picture.
    """

    tilt: float = 0.0
    bias: float = 0.0
    drift: float = 0.0
    shake: float = 0.0
    pixels: float = 0.0


NONE = Mistakes()
LIFTER = Mistakes(tilt=2.5, bias=5.0, drift=0.05, shake=0.005, pixels=0.004)
"""About as wrong as a small network: 60 to 80 mm a joint."""


@dataclass(frozen=True)
class Clip:
    """What `ground` is given, and the truth.

    Attributes:
        pose: as lifted.
        track: as detected.
        joints: (frames, 17, 3) true camera metres.
        up: (3,) true direction of up, camera axes.
        world: (frames, 17, 3) true world metres as captured, Z up.
    """

    pose: Pose
    track: Track
    joints: np.ndarray
    up: np.ndarray
    world: np.ndarray


def film(
    take: Take,
    rng: np.random.Generator,
    mistakes: Mistakes = NONE,
    pitch: tuple[float, float] = (-10.0, 40.0),
    roll: tuple[float, float] = (-15.0, 15.0),
) -> Clip:
    """Film a take with a static random camera that keeps the person in the picture.

    Args:
        take: what happens.
        rng: source of all chance.
        mistakes: of the lifter and detector simulated.
        pitch: range in degrees, positive looks down.
        roll: range in degrees.
    """
    world = take.joints.astype(float)
    to_camera = _camera_rotation(rng, pitch, roll)
    centre = (world[:, 0].min(0) + world[:, 0].max(0)) / 2
    turned = (world - centre) @ to_camera.T
    size = _SIZES[rng.integers(len(_SIZES))]
    fov = rng.uniform(35, 75)
    focal = size[0] / 2 / np.tan(np.radians(fov) / 2)
    half = np.array(size) / 2 / focal
    needed = (np.abs(turned[..., :2]) / half - turned[..., 2:]).max()
    turned[..., 2] += max(needed * rng.uniform(1.05, 1.6), 1.0 - turned[..., 2].min())
    xy, confidence = _detect(turned, focal, size, rng, mistakes.pixels)
    track = Track(xy, confidence, COCO, take.fps, size, fov=fov, name=take.name)
    lifted = _mistake(turned - turned[:, :1], take.fps, rng, mistakes)
    pose = Pose(lifted.astype(np.float32), np.ones(lifted.shape[:2], np.float32), take.fps)
    return Clip(pose, track, turned, to_camera[:, 2], world)


def _camera_rotation(rng: np.random.Generator, pitch, roll) -> np.ndarray:
    """(3, 3) world to camera; at rest the camera looks along world +Y."""
    level = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    turn = Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
    tilt = Rotation.from_euler("x", rng.uniform(*pitch), degrees=True).as_matrix()
    spin = Rotation.from_euler("z", rng.uniform(*roll), degrees=True).as_matrix()
    return spin @ tilt @ level @ turn


def _detect(
    joints: np.ndarray, focal: float, size: tuple[int, int], rng: np.random.Generator, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    neck, nose, crown = joints[:, 8], joints[:, 9], joints[:, 10]
    across = np.cross(crown - neck, nose - (neck + crown) / 2)
    across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
    placed = np.zeros((len(joints), len(COCO), 3))
    for c, name in enumerate(COCO):
        if name in _FACE:
            rise, out, left = _FACE[name]
            place = neck + rise * (crown - neck) + out * (nose - (neck + crown) / 2)
            placed[:, c] = place + left * across
        else:
            placed[:, c] = joints[:, _LIMBS[name]]
    xy = placed[..., :2] / placed[..., 2:] * focal + np.array(size) / 2
    person = np.ptp(xy, axis=1).max(-1, keepdims=True)[..., None]
    slow = gaussian_filter1d(rng.normal(size=xy.shape), 6, axis=0, mode="nearest") * 4.6
    xy += noise * person * (slow + 0.5 * rng.normal(size=xy.shape))
    return xy, np.full(xy.shape[:2], 0.9)


def _mistake(
    joints: np.ndarray, fps: float, rng: np.random.Generator, mistakes: Mistakes
) -> np.ndarray:
    frames = len(joints)
    tilt = Rotation.from_rotvec(np.radians(mistakes.tilt) * rng.normal(size=3)).as_matrix()
    turns = Rotation.from_rotvec(np.radians(mistakes.bias) * rng.normal(size=(17, 3))).as_matrix()
    wrong = np.zeros_like(joints)
    reach = np.zeros(17)
    for parent, joint in H36M.bones:
        bone = joints[:, joint] - joints[:, parent]
        wrong[:, joint] = wrong[:, parent] + bone @ turns[joint].T
        reach[joint] = reach[parent] + np.linalg.norm(bone, axis=1).mean()
    wrong = wrong @ tilt.T
    width = 0.25 * fps
    slow = gaussian_filter1d(rng.normal(size=(frames, 17, 3)), width, axis=0, mode="nearest")
    slow *= np.sqrt(2 * np.sqrt(np.pi) * width)
    slow *= mistakes.drift * np.clip(reach / 0.8, 0, 1)[:, None] * np.array([0.5, 0.5, 1.0])
    wrong += slow + mistakes.shake * rng.normal(size=joints.shape)
    return wrong - wrong[:, :1]
