"""Fixtures shared by all tests."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from .command_line import FACTS, ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real capture and detector files beside the clone; skips where it is missing."""
    folder = ROOT.parent / "shared"
    if not (folder / "DESIGN.md").is_file():
        pytest.skip("needs the data folder ../shared, which is not part of the repository")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The keypoint files that ship with the repository."""
    return ROOT / "samples"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty frames of one person of the sample, as COCO results."""
    rows = json.loads((ROOT / "samples" / "street_coco.json").read_text())
    rows = [row for row in rows if 100 <= int(Path(str(row["image_id"])).stem) < 140]
    path = tmp_path_factory.mktemp("clip") / "clip.json"
    path.write_text(json.dumps(rows))
    return path


@pytest.fixture(scope="session")
def motion(clip: Path) -> Path:
    """The clip lifted by the command itself."""
    from lift_to_3d.cli import main

    path = clip.parent / "motion.npz"
    assert main(["lift", str(clip), *FACTS, "--person", "1", "--out", str(path)]) == 0
    return path


@pytest.fixture
def capture_folder(tmp_path: Path) -> Path:
    """Two takes in the packed format, written as the docs describe it."""
    from .training_tools import waving

    takes, parts = [], []
    for name, frames in (("one", 90), ("two", 40)):
        whole = np.round(waving(frames) * 1000).astype(np.int32)
        parts.append(np.diff(whole, axis=0, prepend=np.zeros_like(whole[:1])))
        takes.append({"id": name, "subject": "A", "action": "wave", "frames": frames})
    meta = json.dumps({"fps": 50, "takes": takes}).encode()
    buffer = io.BytesIO()
    delta = np.concatenate(parts).astype(np.int16).transpose(1, 2, 0)
    np.savez(buffer, delta=delta, meta=np.frombuffer(meta, np.uint8))
    (tmp_path / "waving.npz").write_bytes(buffer.getvalue())
    return tmp_path


_status = 0


def pytest_sessionfinish(exitstatus: int) -> None:
    """Remember how it went, for `pytest_unconfigure`."""
    global _status
    _status = int(exitstatus)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once where Blender was used: some versions hang or crash when Python ends."""
    if "bpy" in sys.modules and not hasattr(config, "workerinput"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_status)
