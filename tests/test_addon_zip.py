"""The extension zip: valid by Blender's own word, and working once installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("build_addon", ROOT / "build_addon.py")
assert spec is not None
assert spec.loader is not None
build_addon = importlib.util.module_from_spec(spec)
sys.modules["build_addon"] = build_addon
spec.loader.exec_module(build_addon)

OTHERS = "LIFT_TO_3D_BLENDERS"
"""Variable with further Pythons that have another bpy, separated as in PATH."""


def pythons() -> list[str]:
    here = [sys.executable] if importlib.util.find_spec("bpy") else []
    return here + [p for p in os.environ.get(OTHERS, "").split(os.pathsep) if p]


@pytest.fixture(scope="module")
def zip_path(tmp_path_factory) -> Path:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the zip for Blender 4.2 to 5.0 is tried with Python 3.11")
    target = build_addon.Target(build_addon.this_platform(), "3.11")
    try:
        return build_addon.build(target, tmp_path_factory.mktemp("zip"), ROOT / "build" / "wheels")
    except build_addon.BuildError as error:
        pytest.skip(f"the zip's wheels cannot be fetched: {error}")


def test_the_zip_is_valid_and_lean(zip_path):
    if importlib.util.find_spec("bpy"):
        assert build_addon.validate(zip_path) == "valid"
    with zipfile.ZipFile(zip_path) as archive:
        names = archive.namelist()
    assert "blender_manifest.toml" in names
    assert "blender_addon/batch.py" in names
    assert "core/mixste/models/default.onnx" in names
    assert {name.split("-")[0] for name in names if name.endswith(".whl")} == {
        "wheels/h5py", "wheels/onnxruntime", "wheels/orjson", "wheels/scipy",
    }  # fmt: skip
    assert not [name for name in names if "training" in name or "__pycache__" in name]
    assert zip_path.stat().st_size < 100e6


def test_nothing_in_the_zip_needs_torch(zip_path):
    with zipfile.ZipFile(zip_path) as archive:
        sources = {n: archive.read(n).decode() for n in archive.namelist() if n.endswith(".py")}
    early = [n for n, text in sources.items() if "\nimport torch" in text or "\nfrom torch" in text]
    assert not early


def test_the_same_sources_make_the_same_zip(zip_path, tmp_path):
    target = build_addon.Target(build_addon.this_platform(), "3.11")
    again = build_addon.build(target, tmp_path, ROOT / "build" / "wheels")
    assert again.read_bytes() == zip_path.read_bytes()


@pytest.mark.parametrize("python", pythons() or [None], ids=lambda p: str(p and Path(p).parts[-3]))
def test_the_installed_zip_lifts_the_sample_and_goes_again(python, zip_path, samples, tmp_path):
    if python is None:
        pytest.skip(f"needs the bpy module, here or in a Python of ${OTHERS}")
    (tmp_path / "resources").mkdir()
    (tmp_path / "out").mkdir()
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "resources")}
    environment.pop("PYTHONPATH", None)
    script = Path(__file__).with_name("addon_in_blender.py")
    words = [str(zip_path), str(samples / "street_mediapipe.json"), str(tmp_path / "out")]
    ran = subprocess.run(
        [python, str(script), "--", *words],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]
    assert "all done" in ran.stdout
