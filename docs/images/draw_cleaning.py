"""Draw docs/images/cleaning.png: wrists and ankles of the shipped sample before and after cleaning.

    python docs/images/draw_cleaning.py [KEYPOINTS [PICTURE]]

Needs matplotlib. Above, what the detector gave; below, what `clean` made of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from lift_to_3d.core.clean import clean
from lift_to_3d.core.tracks import read
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
SAMPLE = HERE.parents[1] / "samples" / "street_mediapipe.json"
SIDES = {"left": "tab:blue", "right": "tab:orange"}


def draw(keypoints: Path, picture: Path) -> None:
    """Two columns of joints, raw above cleaned, of the first person."""
    raw = read(keypoints, person=1)[0]
    mended = clean(raw)
    figure = Figure(figsize=(13, 7), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True, sharey="col")
    seconds = np.arange(raw.frames) / raw.fps
    for column, part in enumerate(("wrist", "ankle")):
        names = tuple(f"{side}_{part}" for side in SIDES)
        before, after = raw.select(names)[0], mended.select(names)[0]
        was = changes(before, after)
        for row, (title, xy) in enumerate((("detected", before), ("cleaned", after))):
            axes: Axes = grid[row, column]
            for i, (side, color) in enumerate(SIDES.items()):
                axes.plot(seconds, xy[:, i, 0], ".-", color=color, lw=1, ms=2.5, label=side)
                spots = {"outlier": ("x", before), "filled": ("o", after)}
                for kind, (marker, place) in spots.items():
                    if (kind == "outlier") == (title == "detected"):
                        at = was[kind][:, i]
                        axes.plot(
                            seconds[at], place[at, i, 0], marker, color=color, mec=color, mew=1.6,
                            ms=8, label=f"{side}, {kind}" if at.any() else None, mfc="none",
                        )  # fmt: skip
            for frame in np.flatnonzero(was["swapped"]):
                span = seconds[frame] - 0.5 / raw.fps, seconds[frame] + 0.5 / raw.fps
                axes.axvspan(*span, color="0.88", lw=0, zorder=0)
            axes.set_title(f"{part}s, {title}")
            axes.set_ylabel("x in pixels")
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(fontsize=8, ncols=2)
    for axes in grid[1]:
        axes.set_xlabel("seconds (grey: left and right were exchanged)")
    figure.savefig(picture, dpi=100)


def changes(before: np.ndarray, after: np.ndarray) -> dict[str, np.ndarray]:
    """What was done to the two sides of a joint, told from the outcome.

    Args:
        before, after: (frames, 2 sides, 2), NaN where missing.

    Returns:
        ``swapped`` (frames,), ``outlier`` and ``filled`` (frames, 2).
    """
    same = np.isclose(before, after, equal_nan=True).all(-1)
    crossed = np.isclose(before[:, ::-1], after).all(-1)
    swapped = (crossed & ~same).any(1)
    source = np.where(swapped[:, None, None], before[:, ::-1], before)
    was_there = np.isfinite(source[..., 0])
    changed = ~np.isclose(source, after, equal_nan=True).all(-1)
    filled = changed & np.isfinite(after[..., 0])
    outlier = changed & was_there
    outlier[swapped] = outlier[swapped, ::-1]
    return {"swapped": swapped, "outlier": outlier, "filled": filled}


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:3]]
    draw(*given, *(SAMPLE, HERE / "cleaning.png")[len(given) :])
