"""``inspect``: what is in a keypoint or motion file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from ..core.motion_file import is_motion_file, load_motion
from ..core.pipeline import Options


def describe(path: Path, options: Options) -> dict[str, Any]:
    """What a file holds, as the fields of ``inspect --json``.

    Raises:
        LiftError: it cannot be read.
    """
    if is_motion_file(path):
        motion = load_motion(path)
        people = [{"person": motion.person, "first": 0, "last": motion.frames - 1}]
        people[0]["frames"] = motion.frames
        found = {"format": "motion", "layout": "h36m_17", "frames": motion.frames}
        found |= {"fps": motion.fps, "size": None, "people": people, "notes": []}
    else:
        from ..core.tracks import inspect

        found = dataclasses.asdict(
            inspect(
                path,
                fps=options.fps,
                size=options.size,
                video=options.video,
                frames=options.frames,
            )
        )
    names = ("format", "layout", "frames", "fps", "size", "people", "notes")
    return {"input": str(path), **{name: found[name] for name in names}}


def as_json(found: dict[str, Any]) -> str:
    """One line of JSON."""
    return json.dumps(found)


def as_text(found: dict[str, Any]) -> str:
    """A few lines for people."""
    size = "x".join(str(n) for n in found["size"]) if found["size"] else "not known"
    fps = f"{found['fps']:g}" if found["fps"] else "not known"
    layout = f", {found['layout']}" if found["layout"] else ""
    lines = [
        found["input"],
        f"  format   {found['format']}{layout}",
        f"  frames   {found['frames']} at {fps} a second",
        f"  picture  {size}",
    ]
    for person in found["people"]:
        lines.append(
            f"  person {person['person']}: frames {person['first']} to {person['last']}, "
            f"seen in {person['frames']}"
        )
    return "\n".join(lines + [f"  note: {note}" for note in found["notes"]])
