"""The Blender side: panel, operators, jobs, keyframes, export."""

from typing import Any


def register() -> None:
    """Register the add-on with Blender."""
    for module in _modules():
        module.register()


def unregister() -> None:
    """Remove everything that `register` added; a running job is cancelled."""
    for module in reversed(_modules()):
        module.unregister()


def _modules() -> tuple[Any, ...]:
    from . import (
        mapping_operators,
        operators,
        overlay,
        panel,
        preferences,
        properties,
        review,
    )

    return preferences, properties, operators, mapping_operators, review, overlay, panel
