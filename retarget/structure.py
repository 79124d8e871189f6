"""Mapping by shape, for rigs whose names say nothing: legs go down, arms to the sides."""

from __future__ import annotations

from .mapping import Mapping
from .rig import Rig


def map_by_structure(rig: Rig) -> Mapping | None:
    """The mapping that the tree and the places of the bones suggest, None if they do not."""
    return None
