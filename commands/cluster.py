"""The same tasks on a Dask cluster whose machines see the same files.

A Dask worker keeps one process of ours for each of its threads, so Blender never runs in a thread,
and a crash there is a failed clip, not a lost worker. When a Dask worker itself is lost, the
scheduler gives its clips to another; results are moved into place whole, so twice does no harm.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core.errors import LiftError, how_to_install
from .pool import Watch, Worker
from .task import Result, Task, failed

_RETRIES = 3
_here = threading.local()


def run(tasks: Sequence[Task], address: str, watch: Watch) -> Iterator[Result]:
    """Do tasks on the cluster at `address`; results come as they are ready.

    Raises:
        LiftError: dask.distributed is not installed, or nobody answers at the address.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        told = f"--scheduler needs the package distributed: {how_to_install('cluster')}."
        raise LiftError(told) from error
    try:
        client = Client(address, timeout=20, set_as_default=False)
    except (OSError, ValueError) as error:
        raise LiftError(f"No Dask scheduler answers at {address}: {error}.") from error
    with client:
        by_key = {}
        for task in tasks:
            here = replace(task, source=task.source.resolve(), out=task.out.resolve())
            future = client.submit(perform, here.to_json(), pure=False, retries=_RETRIES)
            by_key[future.key] = (future, task)
        for future in as_completed([future for future, _ in by_key.values()], loop=client.loop):
            task = by_key.pop(future.key)[1]
            watch(task, 1.0)
            if future.status == "finished":
                yield replace(Result.from_json(future.result()), input=str(task.source))
            else:
                yield failed(task, f"{task.source}: the cluster gave it up ({future.exception()}).")


def perform(task: str) -> str:
    """Do one task on a cluster's machine, in this thread's own worker process."""
    worker: Worker | None = getattr(_here, "worker", None)
    if worker is None or not worker.alive:
        worker = _here.worker = Worker()
    result = worker.run(Task.from_json(task))
    return result.to_json()
