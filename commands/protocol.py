"""What a worker and its master say to each other: marked lines of JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from .task import Result, Task, run

PROGRESS, RESULT, END = "progress", "result", "end"

_MARK = "\x1e"
_INTERVAL = 0.1  # seconds between two words of progress


def parse(line: str) -> tuple[str, Any] | None:
    """(PROGRESS, share) or (RESULT, `Result`); None for a line that is not the worker's own."""
    _, mark, text = line.partition(_MARK)
    if not mark:
        return None
    message = json.loads(text)
    if PROGRESS in message:
        return PROGRESS, message[PROGRESS]
    return RESULT, Result.from_json(json.dumps(message[RESULT]))


def serve() -> None:
    """Be a worker: do the tasks on the standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the master decides when to stop
    last = 0.0

    def tell(share: float) -> None:
        nonlocal last
        if time.monotonic() - last > _INTERVAL:
            last = time.monotonic()
            _say({PROGRESS: round(share, 3)})

    for line in sys.stdin:
        result = run(Task.from_json(line), tell)
        _say({RESULT: json.loads(result.to_json())})


def _say(message: dict[str, Any]) -> None:
    sys.stdout.flush()
    os.write(1, f"\n{_MARK}{json.dumps(message)}\n".encode())
