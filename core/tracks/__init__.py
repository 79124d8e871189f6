"""Keypoint files of every tool, told apart by content, as one `Track` for each person."""

from .inspection import Inspection, draw_timeline, inspect
from .reading import read

__all__ = ["Inspection", "draw_timeline", "inspect", "read"]
