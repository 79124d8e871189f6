"""The Blender side: panel, operators, jobs, keyframes, export."""


def register() -> None:
    """Register the add-on with Blender."""
    from . import operators, panel, preferences, properties

    for module in (preferences, properties, operators, panel):
        module.register()


def unregister() -> None:
    """Remove everything that `register` added; a running job is cancelled."""
    from . import operators, panel, preferences, properties

    for module in (panel, operators, properties, preferences):
        module.unregister()
