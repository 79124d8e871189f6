"""Worker processes: each runs one task at a time, and one that dies fails its own task only.

Blender's module is not safe in threads, so every worker is a process with a Blender of its own. It
gets tasks as lines of JSON on its standard input and answers on its standard output, marked, since
Blender's exporters print there too.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import protocol
from .task import Result, Task, failed, sweep

_PATIENCE = 5.0  # seconds that a worker gets to end by itself

Watch = Callable[[Task, float], None]


def worker_command() -> list[str]:
    """How to start a worker: with this Python, or with Blender where we run inside of it."""
    script = str(Path(__file__).resolve().parents[1] / "blender_addon" / "batch.py")
    bpy: Any = sys.modules.get("bpy")
    if bpy is not None and bpy.app.binary_path:
        start = [bpy.app.binary_path, "--background", "--factory-startup", "--threads", "1"]
        start += ["--python", script]
    else:
        start = [sys.executable, script]
    return [*start, "--", "worker"]


class Worker:
    """One worker process; use as a context manager, which ends it."""

    def __init__(self, events: queue.Queue | None = None) -> None:
        environment = {"OMP_NUM_THREADS": "1", **os.environ}  # a clip a core wastes the least
        self.events: queue.Queue = queue.Queue() if events is None else events
        self.task: Task | None = None
        self._last_words: deque[str] = deque(maxlen=20)
        self._process: Any = subprocess.Popen(
            worker_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def start(self, task: Task) -> None:
        """Give it a task; what comes of it is put into `events`."""
        self.task = task
        try:
            self._process.stdin.write(task.to_json() + "\n")
            self._process.stdin.flush()
        except OSError:
            return  # it has died, and its reader says so

    def run(self, task: Task, watch: Watch | None = None) -> Result:
        """Do one task and wait for it."""
        self.start(task)
        while True:
            _, kind, value = self.events.get()
            if kind == protocol.PROGRESS:
                if watch is not None:
                    watch(task, value)
            else:
                result = value if kind == protocol.RESULT else self.obituary()
                self.task = None
                return result

    def obituary(self) -> Result:
        """The result of the task that the worker died over; its unfinished files are removed."""
        assert self.task is not None
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        last = self._last_words[-1] if self._last_words else "it said nothing"
        sweep([self.task])
        return failed(self.task, f"{self.task.source}: its worker {how}; last words: {last}")

    def stop(self) -> None:
        """End the process, at once if it has a task, whose unfinished files are removed."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        if self.task is not None:
            self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        if self.task is not None:
            sweep([self.task])

    def _read(self) -> None:
        for line in self._process.stdout:
            message = protocol.parse(line)
            if message is None:
                if line.strip():
                    self._last_words.append(line.strip())
                continue
            self.events.put((self, *message))
        self.events.put((self, protocol.END, None))


def run(tasks: Sequence[Task], jobs: int, watch: Watch) -> Iterator[Result]:
    """Do tasks in `jobs` worker processes; results come as they are ready.

    Args:
        tasks: what to do.
        jobs: how many workers.
        watch: told how far each task is, 0..1.
    """
    waiting = deque(tasks)
    events: queue.Queue = queue.Queue()
    jobs = min(jobs, len(tasks))
    workers: set[Worker] = set()
    try:
        while waiting or workers:
            while waiting and len(workers) < jobs:
                worker = Worker(events)
                workers.add(worker)
                worker.start(waiting.popleft())
            worker, kind, value = events.get()
            if kind == protocol.PROGRESS:
                watch(worker.task, value)
            elif kind == protocol.RESULT:
                worker.task = None
                yield value
                if waiting:
                    worker.start(waiting.popleft())
                else:
                    workers.discard(worker)
                    worker.stop()
            elif worker in workers:
                workers.discard(worker)
                yield worker.obituary()
    finally:
        for worker in workers:
            worker.stop()
