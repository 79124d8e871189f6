"""The source that the user chose: looked at beside the main thread, its facts put in the panel."""

from __future__ import annotations

from functools import partial
from math import radians
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import Cancelled, LiftError
from ..core.pipeline import Options
from .jobs import Job
from .scene import context, redraw_sidebars, translated

if TYPE_CHECKING:
    from ..core.tracks import Inspection

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".exr")
"""Suffixes of the pictures that a sequence may be made of."""

_POLL = 0.1
_UNKNOWN_RATE = 30.0

_latest: Job[Inspection] | None = None


def source_path(settings: Any) -> Path:
    """The chosen file or folder, out of Blender's ``//`` notation."""
    return Path(bpy.path.abspath(settings.source))


def footage_path(settings: Any) -> Path | None:
    """The chosen film, or picture of a sequence, if any."""
    return Path(bpy.path.abspath(settings.video)) if settings.video else None


def video_path(settings: Any) -> Path | None:
    """The chosen film, if it is one: pictures of a sequence do not tell their rate."""
    footage = footage_path(settings)
    return None if footage is None or footage.suffix.lower() in PICTURES else footage


def recognise(settings: Any) -> None:
    """Find out what the source is; in a window this takes effect a moment later."""
    global _latest
    if _latest is not None:
        _latest.cancel()
    _latest = None
    _forget(settings)
    if not settings.source:
        return
    path, video = source_path(settings), video_path(settings)
    job = Job(partial(_inspect, path, video))
    _latest = job
    if bpy.app.background:
        job.start()
        job.wait()
        _finish(job, settings)
    else:
        job.start()
        bpy.app.timers.register(partial(_poll, job, settings.id_data.name), first_interval=_POLL)


def reading() -> bool:
    """Whether a source is being looked at."""
    return _latest is not None and _latest.running


def forget_jobs() -> None:
    """Let nothing come in any more, before the file or the add-on goes."""
    global _latest
    if _latest is not None:
        _latest.cancel()
    _latest = None


def _inspect(path: Path, video: Path | None, progress: Any) -> Inspection:
    from ..commands.inspecting import inspect_any

    progress(0.0)
    return inspect_any(path, Options(video=video))


def _poll(job: Job[Inspection], scene: str) -> float | None:
    if job is not _latest:
        return None
    if job.running:
        return _POLL
    if scene in bpy.data.scenes:
        found: Any = bpy.data.scenes[scene]
        _finish(job, found.lift_to_3d)
        window = context().window_manager.windows[0]
        with context().temp_override(window=window):  # what undoing the lifting comes back to
            bpy.ops.ed.undo_push(message="Read Keypoints")
        redraw_sidebars()
    return None


def _forget(settings: Any) -> None:
    settings.recognised = settings.trouble = settings.notes = settings.result_notes = ""
    settings.people.clear()


def _finish(job: Job[Inspection], settings: Any) -> None:
    try:
        found = job.result()
    except Cancelled:
        return
    except LiftError as error:
        settings.trouble = str(error)
        return
    settings.recognised = _summary(found)
    settings.notes = "\n".join(found.notes)
    settings.fps_known = found.fps is not None
    settings.size_known = found.size is not None
    settings.fps = found.fps or _UNKNOWN_RATE
    if found.size or found.assumed_size:
        settings.size = found.size or found.assumed_size
    settings.fov_known = found.fov is not None
    if found.fov is not None:
        settings.fov = radians(found.fov)
    for person in found.people:
        entry = settings.people.add()
        entry.number, entry.frames = person.person, person.frames
        entry.first, entry.last = person.first, person.last


def _summary(found: Inspection) -> str:
    parts = [found.layout, translated("{} frames").format(found.frames)]
    if found.fps is not None:
        parts.append(translated("{:g} fps").format(round(found.fps, 2)))
    if found.size is not None:
        parts.append("{} x {}".format(*found.size))
    return ", ".join(parts)
