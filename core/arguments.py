"""Values on the command line: functions for argparse's ``type`` that refuse in a sentence."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any


def between(low: float, high: float, what: str, number: type = float) -> Callable[[str], Any]:
    """A parser of numbers from ``low`` to ``high``, which are called ``what``."""

    def parse(text: str) -> Any:
        try:
            value = number(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is no {what} from {low:g} to {high:g}")
        return value

    return parse


rate = between(0.1, 10_000, "rate")
degrees = between(1, 170, "angle in degrees")
cores = between(1, 1024, "number of cores", int)


def above_zero(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0")
    return value


def picture_size(text: str) -> tuple[int, int]:
    """Width and height in pixels."""
    width, _, height = text.lower().partition("x")
    if width.isdecimal() and height.isdecimal() and int(width) > 0 and int(height) > 0:
        return int(width), int(height)
    raise argparse.ArgumentTypeError(f"'{text}' is not a picture size such as 1920x1080")
