"""Where results of long work go."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import MotionError, reason


def need_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written into before hours of work, not after them.

    Raises:
        MotionError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise MotionError(f"{folder}: nothing can be written into it ({reason(error)}).") from error
