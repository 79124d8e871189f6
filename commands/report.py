"""What the shell says: progress and complaints on standard error, results on standard output."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from .task import Result, Task

_WIDEST = 48
_PATIENCE = 5.0  # seconds between two plain lines of progress


class Progress:
    """How far a command is: a bar on a terminal, now and then a line elsewhere."""

    def __init__(self, total: int) -> None:
        self._shares: dict[Path, float] = {}
        self._total = total
        self._said = time.monotonic()
        self._bar = _bar(total) if sys.stderr.isatty() else None

    def watch(self, task: Task, share: float) -> None:
        """A task has come to `share` of its work."""
        self._shares[task.source] = share
        done = sum(self._shares.values())
        if self._bar is not None:
            self._bar.n = round(done, 2)
            self._bar.set_description_str(_end(task.stem, 24), refresh=False)
            self._bar.update(0)
        elif time.monotonic() - self._said > _PATIENCE:
            self._said = time.monotonic()
            complain(f"{done / self._total:4.0%}  {task.source}")

    def finished(self, result: Result) -> None:
        """A task is at its end, in whatever way."""
        self._shares[Path(result.input)] = 1.0

    def say(self, text: str, *, error: bool = False) -> None:
        """Print a line without tearing the bar."""
        if self._bar is not None:
            self._bar.clear()
        print(text, file=sys.stderr if error else sys.stdout, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def tell(result: Result, progress: Progress, as_json: bool) -> None:
    """Say what became of one input."""
    if as_json:
        progress.say(result.to_json())
    elif result.status == "failed":
        progress.say(f"failed: {result.error}", error=True)
    elif result.status == "skipped":
        progress.say(f"already made: {result.input}")
    else:
        for note in result.notes:
            progress.say(f"note: {Path(result.input).name}, {note}", error=True)
        for path in result.outputs:
            progress.say(f"wrote {path}")


def summary(results: list[Result]) -> str:
    """A table of what became of all inputs."""
    rows = [("input", "people", "frames", "seconds", "result")]
    for r in results:
        files = f"{len(r.outputs)} file{'s' * (len(r.outputs) != 1)}"
        what = f"{r.status}, {files}" if r.error is None else "failed"
        counts = (str(r.people or ""), str(r.frames or ""), f"{r.seconds:.1f}")
        rows.append((_end(r.input, _WIDEST), *counts, what))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2, 3)), row[4]]
        ).rstrip()
        for row in rows
    ]
    counts = {s: sum(r.status == s for r in results) for s in ("done", "skipped", "failed")}
    lines.append(", ".join(f"{n} {status}" for status, n in counts.items() if n))
    return "\n".join(lines)


def complain(text: str) -> None:
    """One line on standard error."""
    print(text, file=sys.stderr, flush=True)


def make_printable() -> None:
    """Let names that are not valid text through to the terminal instead of failing on them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")


def _end(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[1 - width :]


def _bar(total: int) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:  # inside Blender
        return None
    shape = "{desc:24} {percentage:3.0f}% |{bar}| {elapsed} < {remaining}"
    return tqdm(total=total, bar_format=shape, leave=False, mininterval=0.1)
