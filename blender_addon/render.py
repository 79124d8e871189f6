"""Pictures of a moving character, ray-traced on the CPU, so that one sees what was made.

Everything that a picture needs (camera, light, floor, render settings) lives in a scene of its own
that is removed afterwards; the user's scene is untouched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.types import Object, Scene
from mathutils import Matrix, Vector

from ..core.errors import LiftError
from .console import quiet
from .export import skinned_meshes
from .mannequin import stick_body
from .rig_reader import read_rig
from .scene import context, current_scene, frame_rate, pose_of, set_frame_rate

_SAMPLES = 6
_FIELD_OF_VIEW = float(np.radians(28))
_FROM = Vector((0.45, -1.0, 0.22)).normalized()
"""The direction in which the camera stands as seen from the character, which faces -Y."""
_SKY = (0.30, 0.33, 0.38)
_FLOOR = ((0.16, 0.17, 0.19, 1), (0.21, 0.22, 0.245, 1))


def render_character(
    obj: Object,
    frames: Sequence[int],
    path: str | Path,
    size: tuple[int, int] = (320, 400),
    *,
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Render the character at some frames, side by side, into one PNG.

    The camera keeps its direction and height and goes along with the character.

    Args:
        obj: the armature; its meshes are shown, or sticks for its bones where it has none.
        frames: scene frames, one picture each.
        path: the PNG to write.
        size: width and height of one picture in pixels.
        progress: called with 0..1 after each picture.

    Raises:
        LiftError: this Blender cannot render with Cycles, or the file cannot be written.
    """
    target = Path(path)
    pictures = []
    with _studio(obj, size) as studio, tempfile.TemporaryDirectory() as folder:
        for i, frame in enumerate(frames):
            studio.frame_set(frame)
            _follow(studio, obj)
            studio.render.filepath = str(Path(folder) / "picture.png")
            with quiet():
                bpy.ops.render.render(write_still=True, scene=studio.name)
            pictures.append(_load(studio.render.filepath))
            if progress is not None:
                progress((i + 1) / len(frames))
        joined = Path(folder) / "joined.png"
        _save(np.concatenate(pictures, axis=1), joined)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.stem}.part.png")
            part.write_bytes(joined.read_bytes())
            part.replace(target)
        except OSError as error:
            raise LiftError(f"Cannot write '{target}': {error.strerror or error}.") from error
    return target


@contextmanager
def _studio(obj: Object, size: tuple[int, int]) -> Iterator[Scene]:
    """A scene with the character, a floor, a sun and a camera; gone when left."""
    home = current_scene()
    frame, subframe = home.frame_current, home.frame_subframe
    before = [set(kind) for kind in _kinds()]
    scene = bpy.data.scenes.new("Lift to 3D picture")
    try:
        _settings(scene, size, frame_rate(home))
        meshes = skinned_meshes(obj)
        shown = [obj, *meshes] if meshes else [obj, stick_body(obj)]
        height = _height(obj)
        for part in (*shown, _floor(height), _sun()):
            if part.name not in scene.collection.objects:
                scene.collection.objects.link(part)
        lens = bpy.data.cameras.new("Camera")
        lens.angle, lens.clip_end = _FIELD_OF_VIEW, 1000 * height
        camera = bpy.data.objects.new("Camera", lens)
        camera["height"] = height
        scene.collection.objects.link(camera)
        scene.camera = camera
        context().window.scene = scene
        scene.view_layers[0].update()  # else the first picture is of a pose not yet there
        yield scene
    finally:
        context().window.scene = home
        for kind, old in zip(_kinds(), before, strict=True):
            for made in set(kind) - old:
                kind.remove(made)
        home.frame_set(frame, subframe=subframe)


def _kinds() -> tuple[Any, ...]:
    data: Any = bpy.data
    return (
        data.scenes, data.objects, data.meshes, data.cameras, data.lights, data.worlds,
        data.materials, data.images,
    )  # fmt: skip


def _settings(scene: Scene, size: tuple[int, int], fps: float) -> None:
    render: Any = scene.render
    view: Any = scene.view_settings
    try:
        render.engine = "CYCLES"
    except TypeError as error:
        raise LiftError("This Blender has no Cycles to render the picture with.") from error
    cycles: Any = getattr(scene, "cycles")  # noqa: B009
    cycles.device = "CPU"
    cycles.samples = _SAMPLES
    cycles.use_denoising = True
    cycles.max_bounces = 2
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.image_settings.file_format = "PNG"
    view.view_transform = "Standard"
    set_frame_rate(scene, fps)
    world = bpy.data.worlds.new("Sky")
    world.use_nodes = True
    tree: Any = world.node_tree
    background = next(node for node in tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*_SKY, 1)
    background.inputs["Strength"].default_value = 1.0
    scene.world = world


def _height(obj: Object) -> float:
    rig = read_rig(obj)
    ends = np.concatenate([rig.rest[:, :3, 3], rig.tails])
    spread = np.ptp(ends @ rig.world[:3, :3].T, axis=0)
    return float(spread.max())


def _follow(scene: Scene, obj: Object) -> None:
    shown = obj.evaluated_get(context().evaluated_depsgraph_get())
    bones = pose_of(shown).bones
    bones = [b for b in bones if b.bone.use_deform] or bones  # controls may stay behind
    places = np.array([shown.matrix_world @ bone.head for bone in bones])
    camera: Any = scene.camera
    height = camera["height"]
    middle = np.median(places, axis=0)
    low = np.sort(places[:, 2])[:2][-1]  # a root bone may stay behind
    above = max(0.0, low - 0.1 * height)  # on a roof, or in a jump
    aim = Vector((middle[0], middle[1], 0.48 * height + above))
    width, tall = scene.render.resolution_x, scene.render.resolution_y
    distance = 0.7 * height / np.tan(_FIELD_OF_VIEW / 2) * max(1.0, width / tall)
    turn = (-_FROM).to_track_quat("-Z", "Y")
    camera.matrix_world = Matrix.LocRotScale(aim + _FROM * distance, turn, None)


def _sun() -> Object:
    light: Any = bpy.data.lights.new("Sun", "SUN")
    light.energy, light.angle = 3.2, 0.12
    sun = bpy.data.objects.new("Sun", light)
    sun.rotation_euler = (0.75, 0.2, 0.55)
    return sun


def _floor(height: float) -> Object:
    mesh = bpy.data.meshes.new("Floor")
    side = 60 * height
    mesh.from_pydata([(x * side, y * side, 0) for x, y in _CORNERS], [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new("Floor")
    material.use_nodes = True
    tree: Any = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = 0.9
    checks = tree.nodes.new("ShaderNodeTexChecker")
    checks.inputs["Scale"].default_value = 2 / height * 0.85
    checks.inputs["Color1"].default_value, checks.inputs["Color2"].default_value = _FLOOR
    place = tree.nodes.new("ShaderNodeNewGeometry")
    tree.links.new(place.outputs["Position"], checks.inputs["Vector"])
    tree.links.new(checks.outputs["Color"], shader.inputs["Base Color"])
    mesh.materials.append(material)
    return bpy.data.objects.new("Floor", mesh)


_CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))


def _load(path: str) -> np.ndarray:
    image: Any = bpy.data.images.load(path)
    width, height = image.size
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)
    bpy.data.images.remove(image)
    return flat.reshape(height, width, 4)


def _save(pixels: np.ndarray, path: Path) -> None:
    height, width, _ = pixels.shape
    image: Any = bpy.data.images.new("Joined", width, height)
    image.pixels.foreach_set(np.ascontiguousarray(pixels, np.float32).ravel())
    image.file_format = "PNG"
    image.filepath_raw = str(path)
    image.save()
    bpy.data.images.remove(image)
