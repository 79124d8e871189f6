"""Through all inputs of a command: one here, several in worker processes or on a cluster."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from ..core.errors import LiftError
from . import cluster, formats, pool, report, words
from .inputs import Clip, find_clips
from .task import Result, Task, failed, run, sweep


def run_all(parsed: argparse.Namespace, names: Sequence[str]) -> list[Result]:
    """Make the named formats of every input and say what became of each.

    Raises:
        LiftError: `--out` names a file and there are several inputs.
    """
    tasks, results = _tasks(parsed, tuple(names))
    progress = report.Progress(len(tasks) + len(results))
    try:
        for result in results:
            report.tell(result, progress, parsed.json)
        with closing(_work(tasks, parsed, progress)) as made:
            for result in made:
                results.append(result)
                progress.finished(result)
                report.tell(result, progress, parsed.json)
    finally:
        progress.close()
    if len(results) > 1 and not parsed.json:
        order = {str(task.source): i for i, task in enumerate(tasks)}
        print(report.summary(sorted(results, key=lambda r: order.get(r.input, -1))))
    return results


def _work(
    tasks: Sequence[Task], parsed: argparse.Namespace, progress: report.Progress
) -> Generator[Result]:
    sweep(tasks)
    if parsed.scheduler:
        yield from cluster.run(tasks, parsed.scheduler, progress.watch)
    elif len(tasks) > 1:
        yield from pool.run(tasks, parsed.jobs, progress.watch)
    else:
        for task in tasks:
            yield run(task, lambda share, task=task: progress.watch(task, share))


def _tasks(parsed: argparse.Namespace, names: tuple[str, ...]) -> tuple[list[Task], list[Result]]:
    """What to do, and what was refused because two inputs would make the same files."""
    suffixes = (formats.all_formats()[names[0]], f".{names[0]}")
    suffix, is_folder = parsed.out.suffix.lower(), parsed.out.is_dir()
    one_file = len(names) == 1 and suffix in suffixes and not is_folder
    if not one_file and not is_folder and (suffix in _files() or parsed.out.exists()):
        raise LiftError(f"--out {parsed.out} is one file: for {' and '.join(names)} give a folder.")
    if suffix in formats.FOREIGN and not is_folder:
        raise LiftError(f"--out {parsed.out}: {formats.FOREIGN[suffix]}, or give a folder.")
    clips = list(find_clips(parsed.inputs, None if one_file else parsed.out))
    if one_file and len(clips) > 1:
        raise LiftError(f"--out {parsed.out} is one file, and there are {len(clips)} inputs.")
    tasks: dict[Path, Task] = {}
    refused: list[Result] = []
    for clip in clips:
        task = _task(clip, parsed, names, one_file)
        first = tasks.setdefault(task.out / task.stem, task)
        if first is not task and first.source.resolve() != task.source.resolve():
            reason = f"{task.source}: its results would overwrite those of {first.source}; "
            refused.append(failed(task, reason + "give them different --out folders."))
    return list(tasks.values()), refused


def _files() -> set[str]:
    """The suffixes that a file is meant by."""
    return {end for name, suffix in formats.all_formats().items() for end in (f".{name}", suffix)}


def _task(clip: Clip, parsed: argparse.Namespace, names: tuple[str, ...], one_file: bool) -> Task:
    character = {name: getattr(parsed, name) for name in ("rig", "mapping") if name in parsed}
    return Task(
        source=clip.path,
        out=parsed.out.parent if one_file else parsed.out / clip.folder,
        stem=parsed.out.stem if one_file else clip.stem,
        formats=names,
        options=words.clip_options(parsed),
        retargeting=words.retargeting(parsed),
        resume=parsed.resume,
        named=one_file,
        **character,
    )
