"""The one conversion that runs in the window, if one does."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from ..core.errors import Cancelled
from .conversion import LIFTED
from .jobs import Steps

_SLICE = 0.03  # seconds that Blender waits for us at a time


class Running:
    """Steps that are taken a few at a time, between Blender's own work."""

    def __init__(self, steps: Steps[Any]) -> None:
        self.progress = 0.0
        self.result: Any = None
        self._steps = steps
        self._stop = False

    @property
    def changing(self) -> bool:
        """Whether the scene is being written to: nobody else may then."""
        return self.progress >= LIFTED

    def cancel(self) -> None:
        """Ask it to stop; it does at the next `advance`."""
        self._stop = True

    def advance(self) -> bool:
        """Take some steps; whether there is nothing left to do, and `result` is there.

        Raises:
            Cancelled: somebody asked it to stop, and everything has been taken back.
            Exception: whatever the work raised.
        """
        until = time.monotonic() + _SLICE
        while not self._stop and time.monotonic() < until:
            try:
                self.progress = next(self._steps)
            except StopIteration as last:
                self.result = last.value
                return True
        if self._stop:
            self._steps.close()
            raise Cancelled
        return False


_running: Running | None = None


def running() -> Running | None:
    """What runs now."""
    return _running


def start(steps: Steps[Any]) -> Running:
    """Begin; there must be nothing running."""
    global _running
    _running = Running(steps)
    return _running


def end() -> None:
    """Forget what ran."""
    global _running
    _running = None


def stop() -> None:
    """End what runs now and take back what it did."""
    job = _running
    if job is not None:
        job.cancel()
        end()
        with contextlib.suppress(Cancelled):
            job.advance()
