"""Our own character: its armature, and a jointed body around the bones.

The body is made here, a rounded segment for each bone, the right side warmer and the left side
cooler in colour, so that a newcomer sees a person and which arm is which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from bpy.types import Material, Object

from ..retarget.character import CharacterBone, load_character
from ..retarget.detect import side_of
from ..retarget.presets import presets
from .scene import armature_of, context, current_scene, view_layer

_AROUND = 20
_SLIM = ((0.06, 0.06), (0.04, 0.04))
SIDES = {"L": "left", "R": "right", None: "middle"}
"""Colours of bones by their side."""
_CAP = np.radians([20, 42, 65, 90])
_BULGES = {"middle": 0.0, "left": 0.07, "right": 0.07, "head": 0.12}
_OWN_AXES = np.array(((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)))
"""The mannequin's left, up and forward as columns."""
_COLORS = {
    "middle": (0.60, 0.59, 0.57, 1),
    "left": (0.10, 0.36, 0.80, 1),
    "right": (0.85, 0.30, 0.06, 1),
    "face": (0.05, 0.055, 0.065, 1),
}


def build(naming: str = "mannequin") -> Object:
    """The mannequin in the current scene: the armature, with its body as a child.

    Args:
        naming: "mannequin", or "mixamo" for the bone names of Mixamo's characters.
    """
    bones = load_character("mannequin").bones
    names = {bone.name: bone.name for bone in bones}
    if naming == "mixamo":
        names = _mixamo_names()
    armature = _armature(naming, bones, names)
    thickness = np.array([bone.thickness or _SLIM for bone in bones])
    sides = [SIDES[side_of(bone.name)] for bone in bones]
    bulges = [_BULGES.get(b.name, _BULGES[side]) for b, side in zip(bones, sides, strict=True)]
    rest = armature_of(armature).bones
    segments = []
    for bone, (at_head, at_tail), bulge in zip(bones, thickness, bulges, strict=True):
        made = rest[names[bone.name]]
        matrix = np.array(made.matrix_local)
        points = segment(made.length, at_head, at_tail, bulge)
        segments.append(points @ matrix[:3, :3].T + matrix[:3, 3])
    body = jointed_body(armature, [names[bone.name] for bone in bones], segments)
    current_scene().collection.objects.link(body)
    paint(body, sides, list(names).index("head"))
    return armature


def _mixamo_names() -> dict[str, str]:
    parts = {preset.name: preset.bones for preset in presets()}
    return {
        ours: f"mixamorig:{theirs}"
        for part, names in parts["mannequin"].items()
        for ours, theirs in zip(names, parts["mixamo"][part], strict=False)
    }


def _armature(name: str, bones: Sequence[CharacterBone], names: dict[str, str]) -> Object:
    if context().object is not None and context().object.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    data = bpy.data.armatures.new(name)
    obj = bpy.data.objects.new(name, data)
    current_scene().collection.objects.link(obj)
    layer = view_layer()
    for other in layer.objects:
        other.select_set(other == obj)
    layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    made: dict[str | None, Any] = {None: None}
    for bone in bones:
        new: Any = data.edit_bones.new(names[bone.name])
        new.head, new.tail, new.roll = bone.head, bone.tail, bone.roll
        new.parent = made[bone.parent]
        made[bone.name] = new
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def jointed_body(armature: Object, bones: list[str], segments: list[np.ndarray]) -> Object:
    """A mesh that follows the bones rigidly, a segment for each, in armature space."""
    count, faces = len(segments[0]), _faces(len(segments[0]))
    title = f"{armature.name} body"
    mesh = bpy.data.meshes.new(title)
    mesh.from_pydata(
        np.concatenate(segments).tolist(),
        [],
        [[i + count * k for i in face] for k in range(len(bones)) for face in faces],
    )
    mesh.shade_smooth()
    body = bpy.data.objects.new(title, mesh)
    body.parent = armature
    modifier: Any = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    for k, name in enumerate(bones):
        group = body.vertex_groups.get(name) or body.vertex_groups.new(name=name)
        group.add(list(range(count * k, count * (k + 1))), 1.0, "REPLACE")
    return body


def paint(
    body: Object, colors: list[str], head: int | None = None, axes: np.ndarray | None = None
) -> None:
    """A colour a bone, in the order of the body's segments, and a face on the head's.

    Args:
        body: of `jointed_body`.
        colors: by name.
        head: which of them is the head.
        axes: (3, 3) left, up and forward as columns; the mannequin's where not given.
    """
    mesh: Any = body.data
    for name in _COLORS:
        mesh.materials.append(_material(name))
    each = len(mesh.polygons) // len(colors)
    slots = np.repeat([list(_COLORS).index(color) for color in colors], each).astype(np.int32)
    if head is not None:
        polygons = slice(head * each, (head + 1) * each)
        centres = np.array([polygon.center for polygon in mesh.polygons[polygons]])
        seen = centres @ (_OWN_AXES if axes is None else axes)
        slots[polygons][_is_face(seen)] = list(_COLORS).index("face")
    mesh.polygons.foreach_set("material_index", slots)
    mesh.update()


def segment(length: float, at_head: np.ndarray, at_tail: np.ndarray, bulge: float) -> np.ndarray:
    """(points, 3) of a bone's segment, in the bone's axes: a pole, rings of points, a pole."""
    caps = [min(0.5 * thickness.min(), 0.45 * length) for thickness in (at_head, at_tail)]
    middle = np.array([0.25, 0.5, 0.75])
    along = [-caps[0] * np.cos(_CAP), middle * length, length + caps[1] * np.cos(_CAP[::-1])]
    widths = [np.sin(_CAP), 1 + bulge * np.sin(np.pi * middle), np.sin(_CAP[::-1])]
    y = np.concatenate(along)
    share = np.clip(y / length, 0, 1)[:, None]
    radii = (at_head * (1 - share) + at_tail * share) / 2 * np.concatenate(widths)[:, None]
    turn = np.arange(_AROUND) * (2 * np.pi / _AROUND)
    rings = np.empty((len(y), _AROUND, 3))
    rings[..., 0] = radii[:, :1] * np.cos(turn)
    rings[..., 1] = y[:, None]
    rings[..., 2] = radii[:, 1:] * np.sin(turn)
    poles = [[0, -caps[0], 0]], [[0, length + caps[1], 0]]
    return np.concatenate([poles[0], rings.reshape(-1, 3), poles[1]])


def _faces(points: int) -> list[list[int]]:
    rings = (points - 2) // _AROUND
    faces = []
    for i in range(_AROUND):
        j = (i + 1) % _AROUND
        faces.append([0, 1 + i, 1 + j])
        for ring in range(rings - 1):
            a = 1 + ring * _AROUND
            faces.append([a + i, a + _AROUND + i, a + _AROUND + j, a + j])
        last = 1 + (rings - 1) * _AROUND
        faces.append([last + j, last + i, points - 1])
    return faces


def _is_face(centres: np.ndarray) -> np.ndarray:
    """Which of the head's faces, left, up and forward, make the face: from chin to brow."""
    low, high = centres.min(axis=0), centres.max(axis=0)
    _, height, ahead = ((centres - low) / (high - low)).T
    return (ahead > 0.7) & (height > 0.3) & (height < 0.75)


def _material(name: str) -> Material:
    title = f"Lift to 3D {name}"
    found = bpy.data.materials.get(title)
    if found is not None:
        return found
    material = bpy.data.materials.new(title)
    material.diffuse_color = _COLORS[name]
    material.use_nodes = True
    tree: Any = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = _COLORS[name]
    shader.inputs["Roughness"].default_value = 0.55
    return material
