"""Batches: what is done again, what is kept, and what is left when they are stopped or killed."""

import json
import os
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from lift_to_3d.cli import main

from .command_line import FACTS, PROGRAM, lines_of


def test_resume_skips_the_same_and_redoes_what_changed(clip, tmp_path, capsys):
    source = tmp_path / "in" / "a.json"
    source.parent.mkdir()
    shutil.copy(clip, source)
    words = ["lift", str(source), *FACTS, "--out", str(tmp_path / "out"), "--resume", "--json"]

    def status(*more: str) -> str:
        assert main([*words, *more]) == 0
        return lines_of(capsys)[0]["status"]

    assert status() == "done"
    assert status() == "skipped"
    assert status("--height", "1.8") == "done"
    assert status() == "done"
    (tmp_path / "out" / "a.npz").write_bytes(b"")
    assert status() == "done"
    source.write_text(source.read_text() + " ")
    assert status() == "done"
    (tmp_path / "out" / ".lift-to-3d" / "a.json").write_text("{")
    assert status() == "done"
    assert status() == "skipped"


def test_resume_knows_results_that_lie_among_the_frames_of_their_clip(clip, tmp_path, capsys):
    folder = tmp_path / "walk"
    folder.mkdir()
    for row in json.loads(clip.read_text()):
        people = {"people": [{"pose_keypoints_2d": row["keypoints"]}]}
        name = f"walk_{int(Path(str(row['image_id'])).stem):012}_keypoints.json"
        (folder / name).write_text(json.dumps(people))
    words = ["lift", str(folder), *FACTS, "--out", str(folder), "--resume", "--json"]
    for status in ("done", "skipped", "skipped"):
        assert main(words) == 0
        assert lines_of(capsys)[0]["status"] == status


def test_somebody_of_an_earlier_run_is_told(clip, tmp_path, capsys):
    for name in ("a.person9.npz", "a.person9.fbx", "b.person9.npz"):
        (tmp_path / name).write_bytes(b"old")
    source = tmp_path / "a.json"
    shutil.copy(clip, source)
    words = ["lift", str(source), *FACTS, "--out", str(tmp_path), "--json"]
    assert main(words) == 0
    told = [note for note in lines_of(capsys)[0]["notes"] if "earlier run" in note]
    assert told == ["a.person9.npz: of an earlier run, which found more people; left as it was."]
    assert main([*words, "--person", "1"]) == 0
    assert not any("earlier run" in note for note in lines_of(capsys)[0]["notes"])


def test_a_folder_of_clips_keeps_their_places(clip, tmp_path, capsys):
    day = tmp_path / "takes" / "day1"
    day.mkdir(parents=True)
    shutil.copy(clip, tmp_path / "takes" / "one.json")
    shutil.copy(clip, day / "one.json")
    (day / "notes.txt").write_text("not a clip")
    out = tmp_path / "takes" / "out"
    words = ["lift", str(tmp_path / "takes"), *FACTS, "--person", "1", "--out", str(out)]
    assert main([*words, "--jobs", "2"]) == 0
    assert "2 done" in capsys.readouterr().out
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.npz")) == [
        os.path.join("day1", "one.npz"),
        "one.npz",
    ]
    assert main([*words, "--resume"]) == 0, "its own results are not taken for inputs"
    assert "2 skipped" in capsys.readouterr().out


def test_two_inputs_of_one_name_do_not_overwrite_each_other(clip, tmp_path, capsys):
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / "clip.json"
    shutil.copy(clip, other)
    words = ["lift", str(clip), str(other), *FACTS, "--out", str(tmp_path), "--json"]
    assert main(words) == 1
    statuses = {line["input"]: line["status"] for line in lines_of(capsys)}
    assert statuses == {str(clip): "done", str(other): "failed"}


@pytest.fixture(scope="module")
def takes(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six clips; one's name begins with another's, one has a pattern's signs."""
    folder = tmp_path_factory.mktemp("takes")
    for name in ("c", "c-1", "c-1-2", "[c]", "d", "e"):
        shutil.copy(clip, folder / f"{name}.json")
    return folder


def batch_of(takes: Path, out: Path, *words: str) -> list[str]:
    facts = [*FACTS, "--person", "1", "--jobs", "2", "--json", "--out", str(out)]
    return [*PROGRAM, words[0], str(takes), *facts, *words[1:]]


def start(command: list[str]) -> subprocess.Popen:
    """The command in a group of its own, which hears Ctrl-C also where the tests do not."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    hear = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, start_new_session=True, preexec_fn=hear, **quiet)


@pytest.mark.slow
def test_stopped_it_leaves_only_whole_files_and_nothing_unfinished(clip, tmp_path):
    clips, out = tmp_path / "clips", tmp_path / "out"
    clips.mkdir()
    for number in range(100):
        shutil.copy(clip, clips / f"{number}.json")
    process = start(batch_of(clips, out, "lift"))
    deadline = time.monotonic() + 120
    while not list(out.glob(".lift-to-3d/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 1
    done = [path for path in out.iterdir() if path.is_file()]
    assert 0 < len(done) < 100
    for path in done:
        np.load(path)["joints"]
    assert not list(out.glob(".partial-*"))


@pytest.fixture(scope="module", params=["lift", "convert --to fbx bvh"])
def undisturbed(request, takes, tmp_path_factory) -> tuple[list[str], float, dict[str, bytes]]:
    """A batch's words, the seconds that it took, and the files that it made."""
    words = request.param.split()
    if words[0] == "convert":
        pytest.importorskip("bpy")
    out = tmp_path_factory.mktemp("undisturbed")
    started = time.monotonic()
    subprocess.run(batch_of(takes, out, *words), check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert len(made) == 6 * max(1, len(words) - 2)
    return words, time.monotonic() - started, made


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_random_moments_it_loses_nothing_and_doubles_nothing(
    undisturbed, takes, tmp_path, seed
):
    words, seconds, expected = undisturbed
    random = np.random.default_rng(seed)
    command = batch_of(takes, tmp_path, *words, "--resume")

    def whole(path: Path) -> bool:
        data = path.read_bytes()
        if path.suffix == ".fbx":  # the time of day is in it
            return len(data) == len(expected[path.name]) and data[-16:] == expected[path.name][-16:]
        return data == expected[path.name]

    def recorded() -> dict[Path, int]:
        records = [json.loads(path.read_text()) for path in tmp_path.glob(".lift-to-3d/*.json")]
        files = [Path(file) for record in records for file in record["result"]["outputs"]]
        return {file: file.stat().st_mtime_ns for file in files}

    for _ in range(3):
        process = start(command)
        try:
            process.wait(random.uniform(0.2, 0.8) * seconds)
        except subprocess.TimeoutExpired:
            everybody = random.random() < 0.5
            (os.killpg if everybody else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
        assert all(whole(path) for path in tmp_path.iterdir() if path.is_file())
    before = recorded()
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    assert sorted(line["input"] for line in lines) == sorted(map(str, takes.iterdir()))
    assert all(whole(path) for path in tmp_path.iterdir() if path.is_file())
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == set(expected)
    skipped = {Path(f) for line in lines if line["status"] == "skipped" for f in line["outputs"]}
    assert set(before) <= skipped
    assert {file: recorded()[file] for file in before} == before


def test_unfinished_files_of_other_clips_are_left_alone(tmp_path, clip):
    from lift_to_3d.commands.task import Task, sweep

    ours, others = tmp_path / ".partial-abcdefgh-[c]", tmp_path / ".partial-abcdefgh-[c]-1"
    ours.mkdir()
    others.mkdir()
    sweep([Task(clip, tmp_path, "[c]", ("npz",))])
    assert list(tmp_path.iterdir()) == [others]


def test_a_record_does_not_outlive_what_it_tells_of(motion, tmp_path, capsys, monkeypatch):
    words = ["retarget", str(motion), "--to", "npz", "--out", str(tmp_path), "--resume", "--json"]
    assert main(words) == 0
    monkeypatch.setattr("lift_to_3d.commands.task._record", lambda *_: None)
    assert main([*words, "--in-place"]) == 0
    monkeypatch.undo()
    capsys.readouterr()
    assert main(words) == 0
    assert lines_of(capsys)[0]["status"] == "done", "the files are those of another command"


def test_a_worker_that_dies_fails_its_own_clip_only(clip, tmp_path):
    from lift_to_3d.commands import pool
    from lift_to_3d.commands.task import Task
    from lift_to_3d.core.pipeline import Options

    options = Options(fps=30, size=(1768, 994), person=1)
    tasks = [Task(clip, tmp_path, f"c{i}", ("npz",), options) for i in range(3)]
    victims: list[str] = []

    def kill_first(task: Task, share: float) -> None:
        if not victims:
            victims.append(task.stem)
            os.kill(worker_of(task), signal.SIGKILL)

    started: list[pool.Worker] = []
    original = pool.Worker.start

    def remember(self: pool.Worker, task: Task) -> None:
        started.append(self)
        original(self, task)

    def worker_of(task: Task) -> int:
        return next(w.pid for w in started if w.task is task)

    pool.Worker.start = remember  # type: ignore[method-assign]
    try:
        results = list(pool.run(tasks, 1, kill_first))
    finally:
        pool.Worker.start = original  # type: ignore[method-assign]
    statuses = sorted(r.status for r in results)
    assert statuses == ["done", "done", "failed"]
    assert "signal 9" in next(r.error for r in results if r.error)
    assert not list(tmp_path.glob(".partial-*"))
