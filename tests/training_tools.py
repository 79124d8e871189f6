"""What tests of training share: a small recipe, and packed capture of a few frames."""

import numpy as np
from lift_to_3d.core.mixste.network import NetworkConfig
from lift_to_3d.core.training.capture import Take, save_takes
from lift_to_3d.core.training.recipe import Recipe

STANDING = np.array([
    [0, 0, 0.95], [0.1, 0, 0.93], [0.1, 0, 0.5], [0.1, 0, 0.08],
    [-0.1, 0, 0.93], [-0.1, 0, 0.5], [-0.1, 0, 0.08],
    [0, 0, 1.18], [0, 0, 1.42], [0, 0.1, 1.55], [0, 0, 1.7],
    [-0.17, 0, 1.4], [-0.2, 0, 1.12], [-0.22, 0.02, 0.88],
    [0.17, 0, 1.4], [0.2, 0, 1.12], [0.22, 0.02, 0.88],
])  # fmt: skip
"""Somebody who faces +Y: the left side is at -X."""


def waving(frames: int) -> np.ndarray:
    """Somebody who stands and waves with the left hand."""
    pose = np.repeat(STANDING[None], frames, 0)
    pose[:, 13, 2] += 0.2 * np.sin(np.arange(frames) / 5)
    return pose


def small_recipe(**changes) -> Recipe:
    network = NetworkConfig(frames=5, width=16, depth=1, in_channels=3, heads=4)
    values = {"steps": 6, "batch": 4, "warmup": 2, "data": {"waving.npz": 1.0}, **changes}
    return Recipe(name="small", network=network, **values)


def small_file(folder, steps):
    """A recipe of a small network on the capture of `capture_folder`."""
    path = folder / "small.toml"
    path.write_text(
        f"steps = {steps}\nbatch = 2\n[data]\n'waving.npz' = 1.0\n"
        "[network]\nframes = 5\nwidth = 16\ndepth = 1\nin_channels = 3\nheads = 4\n"
    )
    return path


def packed(path, frames, source):
    path.parent.mkdir()
    save_takes([Take("one", "A", "wave", waving(frames), 50.0)], path, {"source": source})
    return path
