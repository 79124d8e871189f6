"""Fixtures shared by all tests."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
