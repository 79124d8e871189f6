"""``inspect``: what is in a keypoint or motion file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.errors import LiftError, how_to_install, reason
from ..core.motion_file import is_motion_file, load_motion
from ..core.pipeline import Options
from ..core.tracks import Inspection, draw_timeline, inspect
from ..core.tracks.inspection import PersonSeen


def inspect_any(path: Path, options: Options) -> Inspection:
    """What a file holds.

    Raises:
        LiftError: it cannot be read.
    """
    if not is_motion_file(path):
        return inspect(
            path, fps=options.fps, size=options.size, video=options.video, frames=options.frames
        )
    motion = load_motion(path)
    last = motion.frames - 1
    person = PersonSeen(motion.person, 0, last, motion.frames, np.array([[0, last]]))
    return Inspection(
        input=str(path),
        format="motion file",
        layout="Human3.6M, 17 joints in 3D",
        frames=motion.frames,
        span=(0, last),
        fps=motion.fps,
        size=None,
        people=(person,),
        notes=(),
    )


def write_timeline(found: Inspection, path: Path) -> None:
    """Draw who is seen when.

    Raises:
        LiftError: matplotlib is missing, or the picture cannot be written.
    """
    try:
        draw_timeline(found, path)
    except ImportError as error:
        told = f"--timeline needs the package matplotlib: {how_to_install('timeline')}."
        raise LiftError(told) from error
    except (OSError, ValueError) as error:
        raise LiftError(f"Cannot write the timeline {path}: {reason(error)}.") from error
