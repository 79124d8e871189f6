"""How many cores there are for us."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


def cores() -> int:
    """Cores that this process may use; containers often allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads() -> int:
    """How many threads a library may work with: as ``OMP_NUM_THREADS`` says, else one a core."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) > 0 else cores()


@contextmanager
def on_few_cores() -> Iterator[None]:
    """Keep this thread on as many cores as `threads`, where the system can (Linux).

    A library that counts the cores when it is loaded, and cannot be told otherwise, starts no more
    threads than that. Those that it starts may use all cores afterwards: else the ones of all
    processes would share the first core.
    """
    if not _THREADS.is_dir():
        yield
        return
    before = set(_THREADS.iterdir())
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[: threads()])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
        for thread in set(_THREADS.iterdir()) - before:
            with suppress(ProcessLookupError):  # it may have ended
                os.sched_setaffinity(int(thread.name), allowed)
