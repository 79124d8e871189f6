"""How results of measuring are shown, and where those of long work go."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

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


def number(value: float, places: int) -> str:
    """A number as tables have it; "-" for what could not be measured."""
    return "-" if math.isnan(value) else f"{value:.{places}f}"


def json_line(test: str, values: dict[str, Any]) -> str:
    """One test's figures as a line of JSON, which has no NaN: null for what was not measured."""
    written = json.dumps({"test": test, **values})
    return json.dumps(json.loads(written, parse_constant=lambda _: None))
