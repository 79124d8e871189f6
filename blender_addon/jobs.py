"""Work beside Blender's main thread. Nothing here knows Blender, and the work must not touch it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Generic, TypeVar

from ..core.errors import Cancelled

Result = TypeVar("Result")
Progress = Callable[[float], None]
Steps = Generator[float, None, Result]
"""Work in short steps, each of which leaves Blender alive; yields how far it is, 0..1."""

_GLANCE = 0.005  # seconds that a step waits for a job


class Job(Generic[Result]):
    """A piece of work that tells how far it is, can be cancelled, and ends with a result.

    The work is called with a progress function and does nothing else to be cancellable: that
    function raises `Cancelled` once somebody wants it.
    """

    def __init__(self, work: Callable[[Progress], Result]) -> None:
        self.progress = 0.0
        self._work = work
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._result: Result | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin on a thread of its own, which does not keep Blender from quitting."""
        self._thread = threading.Thread(target=self._run, name="Lift to 3D", daemon=True)
        self._thread.start()

    def run(self) -> Result:
        """Do the work here and now, as in the background, where there is no window to keep alive.

        Raises:
            Cancelled: somebody cancelled it.
            Exception: whatever the work raised.
        """
        self._run()
        return self.result()

    def cancel(self) -> None:
        """Ask the work to stop; it does at its next progress report."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop.is_set()

    @property
    def started(self) -> bool:
        """Whether it was ever begun on a thread."""
        return self._thread is not None

    @property
    def running(self) -> bool:
        """Whether the thread still works."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the thread to end; whether it has."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.running

    def result(self) -> Result:
        """What the work gave, once it has ended.

        Raises:
            Cancelled: somebody cancelled it, even if the work had just ended.
            Exception: whatever the work raised.
        """
        if self.cancelled:
            raise Cancelled
        if self._error is not None:
            raise self._error
        return self._result  # pyright: ignore[reportReturnType]

    def _run(self) -> None:
        try:
            self._result = self._work(self._report)
        except BaseException as error:  # handed on by `result`
            self._error = error

    def _report(self, done: float) -> None:
        if self.cancelled:
            raise Cancelled
        self.progress = min(max(done, 0.0), 1.0)


def beside(work: Callable[[Progress], Result]) -> Steps[Result]:
    """Steps that wait for work on a thread of its own; closing them cancels it.

    Raises:
        Exception: whatever the work raised.
    """
    job = Job(work)
    job.start()
    try:
        while not job.wait(_GLANCE):
            yield job.progress
    except BaseException:
        job.cancel()
        raise
    return job.result()


def share(steps: Steps[Result], start: float, end: float) -> Steps[Result]:
    """The same steps, as the part of a whole between `start` and `end`."""
    with closing(steps):
        while True:
            try:
                done = next(steps)
            except StopIteration as last:
                return last.value
            yield start + (end - start) * done


def run_steps(steps: Steps[Result], progress: Progress | None = None) -> Result:
    """All steps in a row, where there is no window to keep alive.

    Args:
        steps: the work.
        progress: called with 0..1; may raise `Cancelled`, which closes the steps.
    """
    with closing(steps):
        while True:
            try:
                done = next(steps)
            except StopIteration as last:
                return last.value
            if progress is not None:
                progress(done)
