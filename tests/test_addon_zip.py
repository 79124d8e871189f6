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


@pytest.fixture(scope="module")
def zip_path(tmp_path_factory) -> Path:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if python not in build_addon.PYTHONS:
        pytest.skip("no Blender has this Python")
    target = build_addon.Target(build_addon.this_platform(), python)
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
    assert {f"core/mixste/models/default.{s}" for s in ("onnx", "npz", "json")} <= set(names)
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
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    target = build_addon.Target(build_addon.this_platform(), python)
    again = build_addon.build(target, tmp_path, ROOT / "build" / "wheels")
    assert again.read_bytes() == zip_path.read_bytes()


@pytest.mark.parametrize("without", [None, "numpy"], ids=["onnxruntime", "numpy"])
def test_the_installed_zip_lifts_the_sample_and_goes_again(without, zip_path, samples, tmp_path):
    if not importlib.util.find_spec("bpy"):
        pytest.skip("needs the bpy module")
    (tmp_path / "resources").mkdir()
    (tmp_path / "out").mkdir()
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "resources")}
    environment.pop("PYTHONPATH", None)
    script = Path(__file__).with_name("addon_in_blender.py")
    words = [str(zip_path), str(samples / "street_mediapipe.json"), str(tmp_path / "out")]
    ran = subprocess.run(
        [sys.executable, str(script), "--", *words, *([without] if without else [])],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:]
    assert "all done" in ran.stdout
