"""Pictures of training runs."""

from __future__ import annotations

import csv
from pathlib import Path


def draw_curve(curve: Path, picture: Path) -> None:
    """Draw a run's ``curve.csv`` (step, error on training windows in mm) as a PNG."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    with curve.open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([int(r["step"]) for r in rows], [float(r["training_mpjpe_mm"]) for r in rows], ".-")
    axes.set(xlabel="update", ylabel="MPJPE on training windows, mm", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(which="both", alpha=0.3)
    part = picture.with_name(picture.name + ".part")
    figure.savefig(part, format="png", dpi=120)
    part.replace(picture)
