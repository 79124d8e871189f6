"""What tests of the command line share."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = [sys.executable, "-P", "-m", "lift_to_3d.cli"]
FACTS = ["--fps", "30", "--size", "1768x994"]


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    """What `--json` said."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
