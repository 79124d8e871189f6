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
from bpy.types import Material, Object, Scene
from mathutils import Matrix, Vector

from ..core.errors import LiftError
from ..core.ground.raised import tiles
from .console import quiet
from .export import skinned_meshes
from .rig_reader import read_rig
from .scene import context, current_scene, frame_rate, pose_of, set_frame_rate
from .sticks import stick_body

_SAMPLES = 6
_FIELD_OF_VIEW = float(np.radians(28))
_RISE = 0.2
"""How high the camera stands, over how far away."""
_LOOKS, _SOLE = 16, 0.02
"""In how many frames is looked where the feet stand; from the lowest joint to the sole, likewise
as a share of the height."""
_BLOCK = 0.3
"""Side of the squares that what is stood on high up is made of, as a share of the height."""
_SKY = (0.30, 0.33, 0.38)
_STONE = ((0.27, 0.26, 0.25, 1), (0.25, 0.24, 0.23, 1))
_FLOOR = ((0.16, 0.17, 0.19, 1), (0.21, 0.22, 0.245, 1))


def render_character(
    obj: Object,
    frames: Sequence[int],
    path: str | Path,
    size: tuple[int, int] = (320, 400),
    *,
    turn: float = 24.0,
    high: Sequence[int] = (),
    progress: Callable[[float], None] | None = None,
) -> Path:
    """Render the character at some frames, side by side, into one PNG.

    The camera keeps its direction and height and goes along with the character.

    Args:
        obj: the armature; its meshes are shown, or sticks for its bones where it has none.
        frames: scene frames, one picture each.
        path: the PNG to write.
        size: width and height of one picture in pixels.
        turn: degrees from -Y to where the camera stands, to the left of who faces there.
        high: scene frames in which the character stands high above the floor; something is put
            below its feet there.
        progress: called with 0..1 after each picture.

    Raises:
        LiftError: this Blender cannot render with Cycles, or the file cannot be written.
    """
    target = Path(path)
    pictures = []
    with _studio(obj, size) as studio, tempfile.TemporaryDirectory() as folder:
        block = _block(studio, obj, high)
        for i, frame in enumerate(frames):
            studio.frame_set(frame)
            _follow(studio, obj, turn, block)
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


def _places(obj: Object) -> np.ndarray:
    """(bones, 3) where the body's bones are now, from the lowest up; a root may stay behind."""
    shown = obj.evaluated_get(context().evaluated_depsgraph_get())
    bones = pose_of(shown).bones
    bones = [b for b in bones if b.bone.use_deform] or bones  # controls may stay behind
    places = np.array([shown.matrix_world @ bone.head for bone in bones])
    return places[np.argsort(places[:, 2])][min(1, len(places) - 1) :]


def _follow(scene: Scene, obj: Object, turn: float, block: Object | None) -> None:
    places = _places(obj)
    camera: Any = scene.camera
    height = camera["height"]
    middle, low = np.median(places, axis=0), places[0, 2]
    above = max(0.0, low - 0.1 * height)  # on a roof, or in a jump
    if block is not None:
        block.hide_render = bool(low < block["top"] - 0.1 * height)  # it would hide who is below
    aim = Vector((middle[0], middle[1], 0.48 * height + above))
    width, tall = scene.render.resolution_x, scene.render.resolution_y
    distance = 0.7 * height / np.tan(_FIELD_OF_VIEW / 2) * max(1.0, width / tall)
    around = np.radians(turn)
    way = Vector((np.sin(around), -np.cos(around), _RISE)).normalized()
    rotation = (-way).to_track_quat("-Z", "Y")
    camera.matrix_world = Matrix.LocRotScale(aim + way * distance, rotation, None)


def _block(scene: Scene, obj: Object, high: Sequence[int]) -> Object | None:
    """A block from the floor up to where the character stands in some frames."""
    if not high:
        return None
    camera: Any = scene.camera
    height = camera["height"]
    feet = []
    for frame in high[:: max(1, len(high) // _LOOKS)]:
        scene.frame_set(frame)
        feet.append(_places(obj)[0])
    top = float(np.median(feet, axis=0)[2]) - _SOLE * height
    side = _BLOCK * height
    corners = np.array([(0, 0), (side, 0), (side, side), (0, side)])
    squares = tiles(np.array(feet), side)[:, None] + corners
    boxes = np.stack([np.insert(squares, 2, level, axis=-1) for level in (top, 0.0)], axis=1)
    faces = [[8 * i + corner for corner in face] for i in range(len(boxes)) for face in _BOX]
    mesh = bpy.data.meshes.new("Block")
    mesh.from_pydata(boxes.reshape(-1, 3).tolist(), [], faces)
    mesh.materials.append(_checks("Block", height, _STONE))
    block = bpy.data.objects.new("Block", mesh)
    block["top"] = top
    scene.collection.objects.link(block)
    return block


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
    mesh.materials.append(_checks("Floor", height, _FLOOR))
    return bpy.data.objects.new("Floor", mesh)


def _checks(name: str, height: float, colors: Sequence[Sequence[float]]) -> Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree: Any = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = 0.9
    checks = tree.nodes.new("ShaderNodeTexChecker")
    checks.inputs["Scale"].default_value = 2 / height * 0.85
    checks.inputs["Color1"].default_value, checks.inputs["Color2"].default_value = colors
    place = tree.nodes.new("ShaderNodeNewGeometry")
    tree.links.new(place.outputs["Position"], checks.inputs["Vector"])
    tree.links.new(checks.outputs["Color"], shader.inputs["Base Color"])
    return material


_CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))
_BOX = ((0, 1, 2, 3), (4, 5, 1, 0), (5, 6, 2, 1), (6, 7, 3, 2), (7, 4, 0, 3))


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
