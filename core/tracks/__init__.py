"""Keypoint files of every tool, told apart by content, as one `Track` for each person."""

from .reading import read

__all__ = ["read"]
