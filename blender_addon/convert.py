"""A motion on a character into files, in a scene of its own: for the shell and for batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import atan2, degrees
from pathlib import Path

import bpy
import numpy as np

from ..core.ground.raised import raised
from ..core.motion import Motion
from ..core.pipeline import part
from ..retarget.detect import find_mapping
from ..retarget.mapping import Mapping
from ..retarget.options import AUTOMATIC, Retargeting
from ..retarget.placement import facing
from ..retarget.rest_body import RestBody, rest_body
from ..retarget.rig import Rig
from .animate import animate
from .character import load_rig
from .console import quiet
from .export import export, find_preset
from .rig_reader import read_rig
from .scene import current_scene, set_frame_rate

_SOLVED = 0.5  # where in the work the writing of files begins


def write_files(
    motion: Motion,
    rig_source: str | Path,
    formats: Sequence[str],
    out_dir: str | Path,
    stem: str,
    *,
    mapping: Mapping | None = None,
    retargeting: Retargeting = AUTOMATIC,
    picture: str | Path | None = None,
    progress: Callable[[float], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[Path]:
    """Put a motion on a character and export it; **the open scene is replaced by an empty one**.

    The scene runs at the motion's own rate, so that every frame of it is a key.

    Args:
        motion: one person's motion.
        rig_source: a character's name or file, see `character.load_rig`.
        formats: names of export targets, see `export.presets`.
        out_dir: folder of the results.
        stem: the results' name without suffix.
        mapping: a `retarget` mapping; found out where not given.
        retargeting: how the motion is put on the character.
        picture: a PNG to render, of the character at moments of the motion.
        progress: called with 0..1; may raise `Cancelled`.
        tell: called with what was chosen and cannot be had, a sentence each.

    Returns:
        The files in the order of `formats`, and the picture.

    Raises:
        LiftError: the rig does not do, or a file cannot be written.
    """
    presets = [find_preset(name) for name in formats]
    folder = Path(out_dir)
    obj = _alone(rig_source)
    mapping = mapping or find_mapping(read_rig(obj))
    if tell is not None:
        for note in retargeting.cannot(mapping):
            tell(note)
    scene = current_scene()
    set_frame_rate(scene, motion.fps)
    action = animate(
        obj,
        motion,
        mapping=mapping,
        retargeting=retargeting,
        name=stem,
        progress=part(progress, 0, _SOLVED),
    )
    last = round(action.frame_range[1])
    scene.frame_start, scene.frame_end = 1, last
    scene.frame_set(1)

    files = []
    share = (1 - _SOLVED) / max(len(presets), 1)
    for i, preset in enumerate(presets):
        start = _SOLVED + share * i
        writing = part(progress, start, start + share)
        path = folder / f"{stem}{preset.suffix}"
        with quiet():
            files.append(export(obj, path, preset=preset.name, frames=(1, last), progress=writing))
        if writing is not None:
            writing(1.0)
    if picture is not None:
        from .render import render_character

        moments = 1 + motion.moments(_MOMENTS)
        high, _ = raised(motion)
        files.append(
            render_character(
                obj,
                moments.tolist(),
                picture,
                turn=_eye(motion, rest_body(read_rig(obj), mapping), retargeting),
                high=np.unique(1 + high).tolist(),
            )
        )
    return files


def _eye(motion: Motion, body: RestBody, retargeting: Retargeting) -> float:
    """From where to look, degrees to the left of -Y: from the camera's side, more to the front."""
    filmed = motion.filmed_from or 0.0
    aside = _ASIDE if motion.face_is_left_of(filmed) else -_ASIDE
    (cosine, *_), (sine, *_), _ = facing(body)
    return filmed + aside + retargeting.facing + degrees(atan2(sine, cosine))


def rig_of(source: str | Path) -> Rig:
    """A character as retargeting sees it; **the open scene is replaced by an empty one**.

    Raises:
        RigError: no such character, or it is no rig.
    """
    return read_rig(_alone(source))


def _alone(source: str | Path) -> bpy.types.Object:
    with quiet():
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        return load_rig(source)


_MOMENTS = 4
_ASIDE = 24.0  # degrees
