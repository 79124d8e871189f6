"""Fixtures shared by all tests."""

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
