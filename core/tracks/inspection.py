"""What is in a keypoint file, for people and for machines, without making tracks of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from .people import find_people
from .reading import Frames, Told, detections, joint_notes, within
from .source import Progress, Source

_T = TypeVar("_T")


@dataclass(frozen=True)
class PersonSeen:
    """When one person is seen.

    Attributes:
        person: 1 for the most prominent, 2 ..., as `read` numbers them.
        first, last: frames, as the file numbers them.
        frames: number of frames in which the person is seen.
        runs: (n, 2) first and last frame of every unbroken stretch.
    """

    person: int
    first: int
    last: int
    frames: int
    runs: np.ndarray


@dataclass(frozen=True)
class Inspection:
    """What a keypoint file holds.

    Attributes:
        input: the path that was given.
        format, layout: the tool's format and the joints' layout.
        frames: from the first to the last frame of the file.
        span: numbers of these two.
        fps, size: as far as the file, a video or the user says; None where not known.
        people: by prominence.
        notes: what was found, assumed and left out.
        assumed_size: what is taken for the size where nobody says another.
        fov: horizontal field of view in degrees, from a calibration; None where there is none.
    """

    input: str
    format: str
    layout: str
    frames: int
    span: tuple[int, int]
    fps: float | None
    size: tuple[int, int] | None
    people: tuple[PersonSeen, ...]
    notes: tuple[str, ...]
    assumed_size: tuple[int, int] | None = None
    fov: float | None = None

    def as_dict(self) -> dict[str, object]:
        """The fields of ``inspect --json``; None for what is not known."""
        people = [
            {"person": p.person, "first": p.first, "last": p.last, "frames": p.frames}
            for p in self.people
        ]
        return {
            "input": self.input, "format": self.format, "layout": self.layout,
            "frames": self.frames, "fps": self.fps,
            "size": None if self.size is None else list(self.size),
            "people": people, "notes": list(self.notes),
        }  # fmt: skip

    def table(self) -> str:
        """The same for people: a few lines of facts, one line a person, the notes."""
        fps = "not known" if self.fps is None else f"{self.fps:.6g} frames a second"
        size = "not known" if self.size is None else f"{self.size[0]} x {self.size[1]}"
        lines = [
            self.input,
            f"  format   {self.format}, {self.layout}",
            f"  frames   {self.frames} ({self.span[0]} to {self.span[1]})",
            f"  rate     {fps}",
            f"  size     {size}",
            "",
            "  person   first    last    seen  gaps",
        ]
        for p in self.people:
            lines.append(
                f"  {p.person:>6} {p.first:>7} {p.last:>7} {p.frames:>7} {len(p.runs) - 1:>5}"
            )
        return "\n".join([*lines, "", *(f"  - {note}" for note in self.notes)]).rstrip()


def inspect(
    path: str | Path,
    *,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
    video: str | Path | None = None,
    frames: Frames | None = None,
    progress: Progress = None,
) -> Inspection:
    """Look into a keypoint file or folder; the arguments are those of `read`.

    Raises:
        TrackError: if the file cannot be read or holds nobody.
    """
    found, told = detections(path, fps=fps, size=size, video=video, progress=progress)
    people = find_people(found, found.fps or 30.0)
    (first, last), there = within(found, people, frames, Source(path))
    return Inspection(
        str(path), found.format, found.layout.name, last - first + 1, (first, last),
        _known(told, "fps", found.fps), _known(told, "size", found.size),
        tuple(_seen(found.frame[rows], number) for number, rows in there.items()),
        found.notes + people.notes + joint_notes(found, slice(None)), found.size,
        found.fov,
    )  # fmt: skip


def draw_timeline(inspection: Inspection, path: str | Path) -> None:
    """Write a picture of who is seen when: a bar for every unbroken stretch.

    Args:
        inspection: of `inspect`.
        path: a .png, .svg or .pdf to write.
    """
    from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]

    people = inspection.people
    figure = Figure(figsize=(10, 1.2 + 0.35 * max(len(people), 1)), layout="constrained")
    axes = figure.add_subplot()
    for row, person in enumerate(people):
        spans = [(first - 0.5, last - first + 1) for first, last in person.runs]
        axes.broken_barh(spans, (row - 0.35, 0.7), color=f"C{row % 10}")
    axes.set_yticks(range(len(people)), [f"person {p.person}" for p in people])
    axes.set_xlim(inspection.span[0] - 0.5, inspection.span[1] + 0.5)
    axes.set_ylim(max(len(people), 1) - 0.5, -0.5)
    axes.set_xlabel("frame")
    axes.set_title(f"{Source(inspection.input).name}: {inspection.format}, {inspection.layout}")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _known(told: Told, key: str, value: _T) -> _T | None:
    return None if told[key] == "assumed" else value


def _seen(frames: np.ndarray, person: int) -> PersonSeen:
    breaks = np.flatnonzero(np.diff(frames) > 1)
    starts, ends = np.append(0, breaks + 1), np.append(breaks, len(frames) - 1)
    runs = np.stack([frames[starts], frames[ends]], 1)
    return PersonSeen(person, int(frames[0]), int(frames[-1]), len(frames), runs)
