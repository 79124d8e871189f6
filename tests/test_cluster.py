"""Batches on a real Dask scheduler with two real workers, one of them killed in the middle."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("distributed", reason="clusters need dask.distributed")
pytestmark = pytest.mark.slow

CLIPS = 12
FACTS = ["--fps", "30", "--size", "1768x994", "--person", "1"]


def dask(*words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen, how: int = signal.SIGKILL) -> None:
    if process.poll() is None:
        os.killpg(process.pid, how)
    process.wait()


@pytest.fixture
def scheduler() -> Iterator[str]:
    process = dask("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
                break
        else:
            pytest.fail("the scheduler did not start")
        yield found.group(1)
    finally:
        end(process)


def worker(address: str) -> subprocess.Popen:
    words = ("--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard", "--no-nanny")
    process = dask("dask_worker", address, *words)
    process.stdout.close()  # type: ignore[union-attr]
    return process


@pytest.fixture
def clips(tmp_path: Path, samples: Path) -> Path:
    rows = json.loads((samples / "street_coco.json").read_text())
    text = json.dumps([row for row in rows if 100 <= row["image_id"] < 130])
    folder = tmp_path / "clips"
    folder.mkdir()
    for i in range(CLIPS):
        (folder / f"c{i}.json").write_text(text)
    (folder / "bad.json").write_text("{")
    return folder


def test_a_killed_worker_loses_nothing_and_doubles_nothing(scheduler, clips, tmp_path):
    out = tmp_path / "out"
    workers = [worker(scheduler), worker(scheduler)]
    words = ["lift", str(clips), *FACTS, "--out", str(out), "--scheduler", scheduler, "--json"]
    batch = subprocess.Popen(
        [sys.executable, "-P", "-m", "lift_to_3d.cli", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while not list(out.glob("*.npz")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert 0 < len(list(out.glob("*.npz"))) < CLIPS
        end(workers[0])
        printed, _ = batch.communicate(timeout=240)
    finally:
        batch.kill()
        for process in workers:
            end(process)
    lines = [json.loads(line) for line in printed.splitlines()]
    assert sorted(Path(line["input"]).name for line in lines) == sorted(
        path.name for path in clips.iterdir()
    )
    statuses = {Path(line["input"]).stem: line["status"] for line in lines}
    assert statuses.pop("bad") == "failed"
    assert set(statuses.values()) == {"done"}
    assert batch.returncode == 1
    motions = [np.load(path)["joints"] for path in sorted(out.glob("*.npz"))]
    assert len(motions) == CLIPS
    assert all(np.array_equal(motion, motions[0]) for motion in motions)


def test_no_scheduler_is_one_sentence(clips, tmp_path):
    words = ["lift", str(clips), "--out", str(tmp_path), "--scheduler", "tcp://127.0.0.1:9"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "lift_to_3d.cli", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "No Dask scheduler answers at tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
