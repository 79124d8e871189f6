"""`Task`: one clip and what to make of it. The same task runs here, in a worker or on a cluster.

Files are made in a hidden folder beside their place (``.partial-…``) and moved when all are whole.
What was made from what is kept in ``.lift-to-3d/`` there, for `--resume`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..core import pipeline
from ..core.errors import Cancelled, LiftError
from ..core.motion import Motion
from ..core.motion_file import is_motion_file, load_motion, save_motion
from ..core.pipeline import Options, part
from ..core.track import Track, notes_of
from ..core.tracks.video import find_video
from ..retarget.options import Retargeting
from .formats import FILM, MOTION, RENDER, SHEET, all_formats, rig_formats
from .rigs import need_blender

Progress = Callable[[float], None]

_RECORDS, _PARTIAL = ".lift-to-3d", ".partial-"
_LIFTED = 0.7  # where in the work on a clip the writing of files begins


@dataclass(frozen=True)
class Task:
    """One input and everything that says what to make of it.

    Attributes:
        source: a keypoint file or folder, or a motion file.
        out: the folder for the results.
        stem: the results' name, without suffix.
        formats: names of `all_formats`.
        options: about the clip and how to lift it.
        rig: the character, for the formats that need one.
        mapping: a mapping file for the rig; its bones are recognised where None.
        retargeting: how the motion is put on the rig.
        resume: make nothing where the same was made before.
        named: the user named the one file, so it has no person's number if there is one person.
    """

    source: Path
    out: Path
    stem: str
    formats: tuple[str, ...]
    options: Options = field(default_factory=Options)
    rig: str = "mannequin"
    mapping: Path | None = None
    retargeting: Retargeting = field(default_factory=Retargeting)
    resume: bool = False
    named: bool = False

    def to_json(self) -> str:
        """As text, for another process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Back from `to_json`."""
        values = json.loads(text)
        options = values.pop("options")
        for name in ("size", "frames", "camera_up"):
            options[name] = tuple(options[name]) if options[name] else None
        options["video"] = Path(options["video"]) if options["video"] else None
        retargeting = values.pop("retargeting")
        retargeting["start"] = tuple(retargeting["start"])
        for name in ("source", "out", "mapping"):
            values[name] = Path(values[name]) if values[name] else None
        values["formats"] = tuple(values["formats"])
        return cls(options=Options(**options), retargeting=Retargeting(**retargeting), **values)


@dataclass(frozen=True)
class Result:
    """What became of a task.

    Attributes:
        input: the task's source.
        status: "done", "skipped" (already made) or "failed".
        outputs: the files that are now there.
        people: how many were lifted.
        frames: of all people together.
        seconds: that it took.
        notes: what was found, assumed or left out, a sentence each.
        error: why it failed.
    """

    input: str
    status: str
    outputs: tuple[str, ...] = ()
    people: int = 0
    frames: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: str | None = None

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Back from `to_json`."""
        values = json.loads(text)
        for name in ("outputs", "notes"):
            values[name] = tuple(values[name])
        return cls(**values)


def run(task: Task, progress: Progress) -> Result:
    """Do a task. What goes wrong comes back as a failed result; only `Cancelled` is raised."""
    started = time.monotonic()
    try:
        earlier, made_from, files = _recorded(task)
        key = _content_hash(task, files) if task.resume or task.source.exists() else ""
        if task.resume and earlier is not None and key == made_from:
            return replace(earlier, status="skipped", seconds=time.monotonic() - started)
        return _make(task, key, started, progress)
    except LiftError as error:
        return failed(task, str(error), time.monotonic() - started)
    except OSError as error:
        where = error.filename or task.source
        return failed(task, f"{where}: {error.strerror or error}.", time.monotonic() - started)
    except MemoryError:
        return failed(task, f"{task.source}: not enough memory; cut it with --frames A:B.")
    except Cancelled:
        raise
    except Exception as error:  # a fault of ours must not stop the other clips
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        reason = f"{type(error).__name__} in {where}: {error}"
        return failed(task, f"{task.source}: a fault in Lift to 3D, please report it: {reason}")


def failed(task: Task, reason: str, seconds: float = 0.0) -> Result:
    """A result that says why nothing was made."""
    return Result(str(task.source), "failed", seconds=round(seconds, 3), error=reason)


def sweep(tasks: Iterable[Task]) -> None:
    """Remove what killed runs of the tasks left behind unfinished."""
    places = {(task.out, _plain(task.stem)) for task in tasks}
    for out in {out for out, _ in places}:
        for folder in out.glob(f"{_PARTIAL}*"):
            if (out, folder.name.split("-", 2)[-1]) in places:
                shutil.rmtree(folder, ignore_errors=True)


def _make(task: Task, key: str, started: float, progress: Progress) -> Result:
    stem = _plain(task.stem)
    with _staging(task, stem) as staging:
        people, notes = _lift(task, part(progress, 0, _LIFTED))
        made: list[tuple[Path, Path]] = []
        told: list[str] = []
        step = (1 - _LIFTED) / len(people)
        for i, (person, track, motion) in enumerate(people):
            numbered = person > 1 and not (task.named and len(people) == 1)
            target = Path(staging, f"{stem}.person{person}" if numbered else stem)
            start = _LIFTED + step * i
            writing = part(progress, start, start + step)
            for file in _write(task, motion, track, target, writing, told.append):
                made.append((file, task.out / (task.stem + file.name.removeprefix(stem))))
        for _, target in made:
            if target.exists() and target.samefile(task.source):
                raise LiftError(f"{target} would be overwritten by its own result: choose --out.")
            if target.exists() and any(target.samefile(film) for film in _films(task)):
                raise LiftError(f"{target} is the film of {task.source}: choose another --out.")
        _record_path(task).unlink(missing_ok=True)  # it no longer tells what lies there
        for file, target in made:
            os.replace(file, target)
        outputs = tuple(str(target) for _, target in made)
        notes = (*notes, *dict.fromkeys(told), *_left_over(task, [target for _, target in made]))
        frames = sum(motion.frames for _, _, motion in people)
        seconds = round(time.monotonic() - started, 3)
        result = Result(
            str(task.source), "done", outputs, len(people), frames, seconds, notes=notes
        )
        _record(task, key, result, Path(staging))
    progress(1.0)
    return result


def _staging(task: Task, stem: str) -> tempfile.TemporaryDirectory[str]:
    """The hidden folder for what is not whole yet; refused before any work where none can be."""
    try:
        task.out.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=_PARTIAL, suffix=f"-{stem}", dir=task.out)
    except OSError as error:
        reason = error.strerror or error
        raise LiftError(f"Nothing can be written into {task.out}: {reason}.") from error


def _left_over(task: Task, made: Collection[Path]) -> tuple[str, ...]:
    """A note on files of people whom an earlier run found here and this one did not."""
    if task.options.person != "all":
        return ()
    numbered = re.compile(re.escape(task.stem) + r"\.person\d+(\.[a-z.]+)")
    made_kinds = {path.name.removeprefix(task.stem) for path in made}
    others = sorted(
        path.name
        for path in task.out.iterdir()
        if path not in made and (name := numbered.fullmatch(path.name)) and name[1] in made_kinds
    )
    told = f"{', '.join(others)}: of an earlier run, which found more people; left as it was."
    return (told,) if others else ()


def _films(task: Task) -> list[Path]:
    """The films that the clip's facts are from: the one that was named, and the one beside it."""
    beside = find_video(task.source)
    named = task.options.video
    films = [Path(named)] if named else []
    return [*films, beside.path] if beside else films


def _lift(
    task: Task, progress: Progress
) -> tuple[list[tuple[int, Track | None, Motion]], tuple[str, ...]]:
    """Everybody in the input, with the track where there is one, and notes about them."""
    if is_motion_file(task.source):
        motion = load_motion(task.source)
        return [(1, None, replace(motion, name=motion.name or task.stem))], ()
    people: list[Track] = []
    lifted: list[tuple[int, Track | None, Motion]] = []
    notes: list[str] = []
    errors: list[LiftError] = []
    for track, motion in pipeline.people(task.source, task.options, progress):
        people.append(track)
        if isinstance(motion, LiftError):
            errors.append(motion)
            notes.append(f"Person {track.person} is left out: {motion}")
        else:
            lifted.append((track.person, track, motion))
    if not lifted:
        raise errors[0]
    return lifted, (*notes_of(people), *notes)


def _write(
    task: Task,
    motion: Motion,
    track: Track | None,
    target: Path,
    progress: Progress,
    tell: Callable[[str], None],
) -> list[Path]:
    """Write one person's files, named after `target`, which has no suffix."""
    for_rig = [name for name in task.formats if name in rig_formats()]
    render = RENDER in task.formats
    others = [name for name in task.formats if name in (MOTION, FILM, SHEET)]
    step = 1 / (bool(for_rig or render) + len(others))
    files: list[Path] = []
    if for_rig or render:
        files += _write_rig(task, motion, for_rig, target, part(progress, 0, step), tell)
    for i, name in enumerate(others, bool(files)):
        suffix = f".{name}" if task.named else all_formats()[name]
        path = target.with_name(target.name + suffix)
        if name == MOTION:
            files.append(save_motion(motion, path))
        else:
            from .. import preview

            writing = part(progress, i * step, (i + 1) * step)
            files.append(preview.write(motion, path, track=track, progress=writing))
    return files


def _write_rig(
    task: Task,
    motion: Motion,
    names: list[str],
    target: Path,
    progress: Progress,
    tell: Callable[[str], None],
) -> list[Path]:
    need_blender(f"write {', '.join(task.formats)}")
    from ..blender_addon.convert import write_files
    from ..retarget.mapping import load_mapping

    return write_files(
        motion,
        task.rig,
        names,
        target.parent,
        target.name,
        mapping=load_mapping(task.mapping) if task.mapping else None,
        retargeting=task.retargeting,
        picture=f"{target}{all_formats()[RENDER]}" if RENDER in task.formats else None,
        progress=progress,
        tell=tell,
    )


def _plain(stem: str) -> str:
    return os.fsencode(stem).decode("utf-8", "replace")


def _content_hash(task: Task, made: Collection[Path]) -> str:
    """What decides on the results, in short; files that we made lie beside the input, perhaps."""
    digest = hashlib.blake2b(digest_size=20)
    settings = {
        k: v for k, v in json.loads(task.to_json()).items() if k not in ("source", "resume")
    }
    digest.update(json.dumps([__version__, settings], sort_keys=True).encode())
    rig = (Path(task.rig), task.mapping)
    for path in (task.source, task.options.video, *rig, Path(task.options.model)):
        if path is not None and path.exists():
            _hash_path(digest, path, made)
    return digest.hexdigest()


def _hash_path(digest: Any, path: Path, made: Collection[Path]) -> None:
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    for file in (file for file in files if file == path or file.resolve() not in made):
        digest.update(os.fsencode(file.name) + b"\0" + str(file.stat().st_size).encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)


def _record_path(task: Task) -> Path:
    return task.out / _RECORDS / f"{task.stem}.json"


def _recorded(task: Task) -> tuple[Result | None, str, set[Path]]:
    """The result that was last made, if it is still whole, what it was made from, its files."""
    try:
        record = json.loads(_record_path(task).read_text("utf-8"))
        result = Result.from_json(json.dumps(record["result"]))
        sizes = {Path(file): size for file, size in record["sizes"].items()}
        key = str(record["key"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, "", set()
    whole = all(file.is_file() and file.stat().st_size == size for file, size in sizes.items())
    return result if whole else None, key, {file.resolve() for file in sizes}


def _record(task: Task, key: str, result: Result, staging: Path) -> None:
    path = _record_path(task)
    path.parent.mkdir(exist_ok=True)
    sizes = {file: Path(file).stat().st_size for file in result.outputs}
    made = staging / "record.json"
    made.write_text(json.dumps({"key": key, "sizes": sizes, "result": asdict(result)}), "utf-8")
    os.replace(made, path)
