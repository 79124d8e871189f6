"""What can be written: Blender's files by `presets/exports`, motion files, previews, renders."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from ..core.errors import LiftError

MOTION, FILM, SHEET, RENDER = "npz", "mp4", "png", "render"

FOREIGN = {
    **dict.fromkeys((".gif", ".mov", ".avi", ".mkv", ".webm"), "films are written as .mp4"),
    **dict.fromkeys((".jpg", ".jpeg", ".webp", ".tif", ".bmp"), "pictures are written as .png"),
    **dict.fromkeys((".json", ".csv", ".npy"), "motions are written as .npz"),
    **dict.fromkeys((".usd", ".usda", ".usdz"), "USD is written as .usdc"),
    **dict.fromkeys((".gltf", ".vrm"), "glTF is written as .glb"),
    **dict.fromkeys((".blend", ".dae", ".abc"), "characters are written as .fbx, .glb or .usdc"),
}
"""Suffixes by which a file is meant that is not written, and what is in its place."""

_PRESETS = Path(__file__).resolve().parents[1] / "presets" / "exports"


@cache
def rig_formats() -> dict[str, str]:
    """Export targets that need a rig and Blender, each with its file suffix (``.fbx``)."""
    return {
        path.stem: json.loads(path.read_text("utf-8"))["suffix"]
        for path in sorted(_PRESETS.glob("*.json"))
    }


@cache
def all_formats() -> dict[str, str]:
    """Every format's name and file suffix; ``NAME.mp4`` is the film that the keypoints are from."""
    own = {MOTION: ".npz", FILM: ".preview.mp4", SHEET: ".png", RENDER: ".render.png"}
    return {**rig_formats(), **own}


def check(names: list[str]) -> None:
    """Refuse names that no format has, and two formats that would make the same file.

    Raises:
        LiftError: naming the format.
    """
    suffixes: dict[str, str] = {}
    for name in names:
        suffix = all_formats().get(name)
        if suffix is None:
            known = ", ".join(all_formats())
            raise LiftError(f"'{name}' is no format: choose from {known}.")
        if suffix in suffixes:
            raise LiftError(
                f"{suffixes[suffix]} and {name} would both write {suffix} files of the same name: "
                "choose one of them."
            )
        suffixes[suffix] = name
