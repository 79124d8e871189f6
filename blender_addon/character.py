"""Whom to move: a character of ours by name, Rigify's metarig, or one out of a file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.types import Object

from ..core.errors import RigError
from ..retarget.character import CHARACTERS, RIG_SUFFIXES
from ..retarget.detect import find_mapping
from ..retarget.stance import stance_of
from ..retarget.vrm import vrm_humanoid
from . import mannequin
from .export import skinned_meshes
from .rig_reader import HUMANOID, STANCE, read_rig
from .scene import (
    armature_of,
    current_scene,
    everything,
    frame_rate,
    pose_of,
    set_frame_rate,
    take_back,
    view_layer,
)


def load_rig(source: str | Path) -> Object:
    """Bring a character into the current scene, in its rest pose and without animation.

    Args:
        source: a name of `CHARACTERS`, or a file with one of `RIG_SUFFIXES`. Of several armatures
            in a file the one that deforms most meshes is taken, then the one with most bones.

    Returns:
        The armature object, in the scale it has in the file.

    Raises:
        RigError: no such character or file, or no armature in it. The scene is as it was then.
    """
    name = str(source)
    before = everything()
    scene = current_scene()
    rate = frame_rate(scene)
    try:
        if name.lower() in ("mannequin", "mixamo"):
            return mannequin.build(name.lower())
        if name.lower() == "rigify":
            return _metarig()
        path = _existing(Path(name))
        _IMPORTERS[path.suffix.lower()](str(path))
        rig = _only_rig(set(bpy.data.objects) - before, path)
        humanoid = vrm_humanoid(path)
        if humanoid:
            armature_of(rig)[HUMANOID] = humanoid
        return rig
    except BaseException:
        take_back(before)
        raise
    finally:
        set_frame_rate(scene, rate)


def _existing(path: Path) -> Path:
    suffix = path.suffix.lower()
    if suffix not in RIG_SUFFIXES:
        raise RigError(
            f"'{path}' is no rig: name one of {', '.join(CHARACTERS)}, "
            f"or a file that ends in {', '.join(RIG_SUFFIXES)}."
        )
    if not path.is_file():
        raise RigError(f"There is no rig file '{path}'.")
    return path.resolve()


def _metarig() -> Object:
    operators: Any = bpy.ops.object
    try:
        bpy.ops.preferences.addon_enable(module="rigify")
        operators.armature_human_metarig_add()
    except (RuntimeError, AttributeError) as error:
        raise RigError("Rigify cannot be enabled in this Blender: choose another rig.") from error
    rig: Any = view_layer().objects.active
    return rig


def _run(operator: Any, path: str, **settings: Any) -> None:
    """Call an importer with the settings that this Blender's version of it has."""
    known = operator.get_rna_type().properties
    settings = {key: value for key, value in settings.items() if key in known}
    try:
        with redirect_stderr(StringIO()):  # importers also print the trace of what they raise
            operator(filepath=path, **settings)
    except Exception as error:  # importers raise whatever a broken file makes them
        said = [
            line for line in str(error).splitlines() if line and not line.startswith("Location")
        ]
        reason = said[-1].removeprefix("Error: ") if said else type(error).__name__
        raise RigError(
            f"Blender cannot read the rig file '{path}': is it whole, and what its name says? "
            f"({reason})"
        ) from error


def _import_blend(path: str) -> None:
    libraries: Any = bpy.data.libraries
    try:
        with libraries.load(path, link=False) as (there, here):
            here.objects = there.objects
    except Exception as error:
        raise RigError(f"Blender cannot read the rig file '{path}': {error}") from error
    for obj in here.objects:
        if obj is not None:
            current_scene().collection.objects.link(obj)


def _import_fbx(path: str) -> None:
    _run(bpy.ops.import_scene.fbx, path, use_anim=False)


def _import_gltf(path: str) -> None:
    _run(bpy.ops.import_scene.gltf, path, disable_bone_shape=True)


def _import_bvh(path: str) -> None:
    _run(bpy.ops.import_anim.bvh, path, rotate_mode="QUATERNION")
    obj = view_layer().objects.active
    if obj is None or obj.type != "ARMATURE":
        return
    scene = current_scene()
    frame = scene.frame_current
    scene.frame_set(1)
    pose = {bone.name: np.array(bone.rotation_quaternion) for bone in pose_of(obj).bones}
    scene.frame_set(frame)
    if stance := stance_of(read_rig(obj), pose):
        armature_of(obj)[STANCE] = {bone: list(turn) for bone, turn in stance.items()}


_IMPORTERS: dict[str, Callable[[str], None]] = {
    ".blend": _import_blend,
    ".fbx": _import_fbx,
    ".glb": _import_gltf,
    ".gltf": _import_gltf,
    ".vrm": _import_gltf,
    ".bvh": _import_bvh,
}


def _only_rig(imported: set[Object], path: Path) -> Object:
    """The armature of what was imported, at rest; everything that is not part of it goes."""
    rigs = [obj for obj in imported if obj.type == "ARMATURE" and armature_of(obj).bones]
    if not rigs:
        raise RigError(f"There is no armature in '{path}': choose a file with a rigged character.")
    rig = max(rigs, key=_fitness) if len(rigs) > 1 else rigs[0]
    parents = []
    parent = rig.parent
    while parent is not None:
        parents.append(parent)
        parent = parent.parent
    keep = {rig, *parents, *skinned_meshes(rig), *rig.children_recursive}
    _remove_objects(imported - keep)
    for obj in keep:
        obj.animation_data_clear()
    for bone in rig.pose.bones if rig.pose else []:
        bone.matrix_basis.identity()
    for action in [action for action in bpy.data.actions if not action.users]:
        bpy.data.actions.remove(action)
    armature_of(rig).pose_position = "POSE"
    return rig


def _fitness(obj: Object) -> tuple[bool, int, int]:
    """Of several armatures in a file the person's is wanted, not the horse's or the weapon's."""
    mapping = find_mapping(read_rig(obj))
    person = not mapping.missing and not mapping.against
    return person, len(skinned_meshes(obj)), len(armature_of(obj).bones)


def _remove_objects(objects: set[Object]) -> None:
    """Take objects out of the file, and data that only they used."""
    data = [obj.data for obj in objects if obj.data is not None and obj.data.users == 1]
    bpy.data.batch_remove([*objects, *data])
