"""Lift to 3D: 2D keypoint tracks to 3D motion, bone rotations, keyframes and files.

This folder is both the Python package ``lift_to_3d`` and the Blender extension; Blender calls
`register` and `unregister`, everything else imports the rooms it needs.
"""

__version__ = "0.1.0"


def register() -> None:
    """Register the add-on's classes with Blender."""
    from . import blender_addon

    blender_addon.register()


def unregister() -> None:
    """Remove everything that `register` added."""
    from . import blender_addon

    blender_addon.unregister()
