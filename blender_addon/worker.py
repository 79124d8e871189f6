"""Lifting in a process of its own, so that Blender's window keeps its core and its Python.

The process is Blender's own Python with this file and the folders that Blender imports from. It
runs at a low priority, gets one job as a line of JSON on its standard input, tells how far it is on
its standard output, and leaves its result in a folder. It ends when its input does: with Blender.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..core.pipeline import Options
    from .lifting import Lifted

Progress = Callable[[float], None]

_INTERVAL = 0.05  # seconds between two words of progress
_NICE = 10
_WINDOWS_FLAGS = 0x08000000 | 0x00004000  # no console window, below normal priority


def lift_in_process(path: Path, options: Options, progress: Progress) -> Lifted:
    """As `lifting.lift_file`, but in another process; in this one where none can be started.

    Raises:
        LiftError: nobody can be lifted, or the process died.
        Cancelled: by the progress function; the process is gone then.
    """
    from ..core.errors import LiftError
    from .lifting import lift_file

    begun = False
    with tempfile.TemporaryDirectory(prefix="lift_to_3d-") as folder:
        video = str(options.video) if options.video else None
        told = asdict(options) | {"video": video}
        task = {"path": str(path), "options": told, "out": folder, "sys": sys.path}
        with _process(task) as messages:
            for message in messages:
                begun = begun or bool(message)
                if "failure" in message:
                    raise LiftError(message["failure"])
                if "done" in message:
                    return _load(Path(folder), message["done"])
                progress(message.get("progress", 0.0))
    if begun:
        raise LiftError(
            "The process that lifts has died: if memory ran out, lift fewer people or frames; "
            "Blender's console may say more."
        )
    return lift_file(path, options, progress)


@contextlib.contextmanager
def _process(task: dict[str, Any]) -> Iterator[Iterator[dict[str, Any]]]:
    """The messages of a process that does a task; it is gone when left."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-E", "-s", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=_WINDOWS_FLAGS if os.name == "nt" else 0,
        )
    except OSError:
        yield iter(())
        return
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
        yield _messages(process.stdout)
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()


def _messages(stream: Any) -> Iterator[dict[str, Any]]:
    """What is said on a stream; the last message again whenever nothing is said for a moment."""
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        with stream:
            for line in stream:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="Lift to 3D worker", daemon=True).start()
    last: dict[str, Any] = {}
    while True:
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=_INTERVAL)
            if line is None:
                return
            with contextlib.suppress(ValueError):  # a library may print, too
                last = json.loads(line)
        yield last


def _load(folder: Path, told: dict[str, Any]) -> Lifted:
    import numpy as np

    from ..core.motion_file import load_motion
    from .clip import Clip
    from .lifting import Lifted

    motions, clips = [], []
    for i in range(told["people"]):
        motions.append(load_motion(folder / f"{i}.motion.npz"))
        with np.load(folder / f"{i}.clip.npz", allow_pickle=False) as data:
            values: dict[str, Any] = {key: data[key] for key in data.files}
        values |= {key: value.item() for key, value in values.items() if value.ndim == 0}
        values["size"] = tuple(values["size"].tolist())
        clips.append(Clip(**values))
    return Lifted(tuple(motions), tuple(clips), tuple(told["notes"]))


def serve(task: dict[str, Any]) -> None:
    """Do a task, and tell about it on the standard output."""
    from ..core.errors import LiftError
    from ..core.pipeline import Options
    from .lifting import lift_file

    last = 0.0

    def tell(share: float) -> None:
        nonlocal last
        if time.monotonic() - last > _INTERVAL:
            last = time.monotonic()
            _say({"progress": share})

    told = task["options"]
    lists = {key: tuple(value) for key, value in told.items() if isinstance(value, list)}
    video = Path(told["video"]) if told["video"] else None
    try:
        lifted = lift_file(Path(task["path"]), Options(**(told | lists | {"video": video})), tell)
    except LiftError as error:
        _say({"failure": str(error)})
    else:
        _say({"done": _save(lifted, Path(task["out"]))})


def _save(lifted: Lifted, folder: Path) -> dict[str, Any]:
    import numpy as np

    from ..core.motion_file import save_motion

    for i, (motion, clip) in enumerate(zip(lifted.motions, lifted.clips, strict=True)):
        save_motion(motion, folder / f"{i}.motion.npz")
        np.savez(folder / f"{i}.clip.npz", **{f.name: getattr(clip, f.name) for f in fields(clip)})
    return {"people": len(lifted.motions), "notes": lifted.notes}


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _say(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _main() -> None:
    """Be the process: run as a script, in a Python without Blender."""
    task = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    from batch import load_package  # pyright: ignore[reportMissingImports]

    sys.path[:] = task["sys"]
    load_package()
    importlib.import_module("lift_to_3d.blender_addon.worker").serve(task)


if __name__ == "__main__":
    _main()
