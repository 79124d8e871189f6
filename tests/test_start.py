"""The first command of a newcomer, as far as it goes without installing anything."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`start.py`, working on a project of its own with nothing to install."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    return module


def test_it_installs_once_and_again_when_more_is_needed(start, tmp_path, monkeypatch):
    calls: list[tuple[str, ...]] = []

    def call(*command: str) -> int:
        calls.append(command)
        return 0

    monkeypatch.setattr(start, "call", call)
    python = start.install("a,b")
    assert Path(python).is_file()
    assert [command[-1] for command in calls] == [".[a,b]"]
    (tmp_path / ".venv" / "kept").touch()
    assert start.install("b") == python
    assert len(calls) == 1, "nothing is done when all is there"
    start.install("b,c")
    assert calls[-1][-1] == ".[a,b,c]"
    (tmp_path / "pyproject.toml").write_text("")
    start.install("a")
    assert len(calls) == 3
    assert (tmp_path / ".venv" / "kept").exists(), "the environment is not made anew for that"


def test_a_failed_installation_is_told_and_tried_again(start, monkeypatch):
    monkeypatch.setattr(start, "call", lambda *command: 1)
    with pytest.raises(start.SetupError, match="network"):
        start.install("a")
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(start, "call", lambda *command: calls.append(command) or 0)
    start.install("a")
    assert len(calls) == 1


def test_a_python_that_blender_is_not_made_for(start, monkeypatch, capsys):
    monkeypatch.setattr(start, "PYTHONS", ((2, 7),))
    monkeypatch.setattr(start, "find_python", lambda *version: None)
    assert start.main(["start.py", "demo"]) == 1
    error = capsys.readouterr().err
    assert f"This is Python {sys.version_info[0]}.{sys.version_info[1]}" in error
    assert "3.11" in error


def test_a_name_on_the_path_that_stands_for_no_python_is_passed_over(start, tmp_path, monkeypatch):
    if sys.platform == "win32":
        pytest.skip("a shell script is no program there")
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert start.find_python(3, 99) is None
    shim.write_text("#!/bin/sh\nexit 0\n")
    assert start.find_python(3, 99) == str(shim)
    assert start.find_python(*sys.version_info[:2]) == sys.executable


def test_it_explains_itself_without_words():
    done = subprocess.run(
        [sys.executable, str(ROOT / "start.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "start.py demo" in done.stdout
    assert "start.py test" in done.stdout
    assert "start.py blenders" in done.stdout


def test_ci_runs_the_command_of_the_readme():
    assert "python3 start.py test" in (ROOT / "README.md").read_text("utf-8")
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec python3 start.py test"
