"""Which keypoint files are read, who is in them, and what was mended: a table in Markdown.

python benchmarks/formats_table.py FILE_OR_FOLDER...
"""

from __future__ import annotations

import sys

from lift_to_3d.core.clean import clean
from lift_to_3d.core.errors import TrackError
from lift_to_3d.core.tracks import inspect, read

MENDED = ("Left and right", "Outliers", "Short gaps")


def row(path: str) -> str:
    """One line of the table."""
    name = "/".join(path.rstrip("/").split("/")[-2:])
    try:
        seen = inspect(path)
        tracks = [clean(track) for track in read(path)]
    except TrackError as error:
        return f"| {name} | | | | refused: {str(error).partition(': ')[2]} |"
    notes = [
        f"person {track.person}: {note}"
        for track in tracks
        for note in track.notes
        if note.startswith(MENDED)
    ]
    facts = (name, f"{seen.format}, {seen.layout}", seen.frames, len(tracks), " ".join(notes))
    return "| " + " | ".join(map(str, facts)) + " |"


def main() -> None:
    """Print the table."""
    print("| file | format | frames | people | mended |\n| --- | --- | --- | --- | --- |")
    for path in sys.argv[1:]:
        print(row(path))


if __name__ == "__main__":
    main()
