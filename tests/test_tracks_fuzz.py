"""Bad input at random: damaged files of every format are read or refused, never a trace."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lift_to_3d.core.clean import clean
from lift_to_3d.core.errors import TrackError
from lift_to_3d.core.tracks import read

from .test_tracks_bad_input import FIXTURES, write

FILES = sorted(p for p in FIXTURES.iterdir() if p.is_file() and p.suffix != ".py")
SAMPLES = Path(__file__).parents[2] / "shared" / "keypoints"
KINDS = (".json", ".csv", ".npz", ".npy", ".h5", ".trc", ".pose", ".txt")
FUZZ = settings(
    deadline=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Our own small files and, where the data folder is there, real ones cut to some frames."""
    folder, cut = tmp_path_factory.mktemp("samples"), list(FILES)
    for path in sorted(p for p in SAMPLES.rglob("*") if p.suffix in KINDS and p.is_file()):
        if path.parent.name.endswith(("_json", "_labels")) and path.name != first_of(path.parent):
            continue
        data = path.read_bytes()
        if path.suffix == ".json":
            data = json.dumps(shortened(json.loads(data))).encode()
        elif path.suffix in (".csv", ".trc"):
            data = b"".join(data.splitlines(keepends=True)[:40])
        if len(data) < 500_000:
            cut.append(write(folder, data, f"{len(cut)}_{path.name}"))
    return cut


def first_of(folder: Path) -> str:
    return min(path.name for path in folder.iterdir())


def shortened(document: Any) -> Any:
    """A document whose longest lists have 20 members; keypoints of a person are shorter."""
    if isinstance(document, dict):
        return {key: shortened(value) for key, value in document.items()}
    if isinstance(document, list) and document and isinstance(document[0], dict | list):
        return [shortened(value) for value in document[: 20 if len(document) > 60 else None]]
    return document


def try_to_read(path: Path) -> None:
    """Read and clean; any other end than tracks or a `TrackError` naming the file is a fault."""
    message, tracks = "", []
    try:
        tracks = read(path)
    except TrackError as error:
        message = str(error)
    if message:
        assert str(path) in message
        assert "\n" not in message
        return
    assert tracks
    for track in tracks:
        mended = clean(track)
        for each in (track, mended):
            missing = each.confidence == 0
            assert each.frames >= 2
            assert np.isnan(each.xy[missing]).all()
            assert np.isfinite(each.xy[~missing]).all()
            assert (each.confidence >= 0).all()
        assert (mended.confidence <= 1).all()


@FUZZ
@given(data=st.data())
def test_damaged_bytes(tmp_path: Path, originals: list[Path], data: st.DataObject):
    original = data.draw(st.sampled_from(originals)).read_bytes()
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    end = data.draw(st.integers(0, len(damaged)))
    try_to_read(write(tmp_path, bytes(damaged[: end if data.draw(st.booleans()) else None])))


STRANGE = st.one_of(
    st.none(), st.booleans(), st.text(max_size=5), st.integers(), st.floats(),
    st.builds(list), st.builds(dict), st.builds(lambda: [[]]), st.builds(lambda: [None]),
    st.just(10**400), st.just(-1),
    st.lists(st.floats(allow_nan=True), max_size=60),
    st.dictionaries(st.sampled_from(["x", "y", "keypoints", "name"]), st.floats(), max_size=3),
)  # fmt: skip


def places(document: Any, path: tuple = ()) -> list[tuple]:
    """The way to some values of a document: the first and last of every list."""
    if isinstance(document, dict):
        return [w for k, v in document.items() for w in [(*path, k), *places(v, (*path, k))]]
    if isinstance(document, list):
        ends = {0, len(document) - 1} if document else set()
        return [w for i in ends for w in [(*path, i), *places(document[i], (*path, i))]]
    return []


@FUZZ
@given(data=st.data())
def test_strange_values_in_json(tmp_path: Path, originals: list[Path], data: st.DataObject):
    path = data.draw(st.sampled_from([p for p in originals if p.suffix == ".json"]))
    document = json.loads(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        known = places(document)
        if not known:
            break
        *way, last = data.draw(st.sampled_from(known))
        holder = document
        for step in way:
            holder = holder[step]
        holder[last] = data.draw(STRANGE)
    try_to_read(write(tmp_path, json.dumps(document)))


@FUZZ
@given(data=st.data())
def test_strange_cells_in_csv(tmp_path: Path, originals: list[Path], data: st.DataObject):
    tables = [p for p in originals if p.suffix in (".csv", ".trc")]
    path = data.draw(st.sampled_from(tables))
    mark = "\t" if path.suffix == ".trc" else ","
    rows = [line.split(mark) for line in path.read_text().splitlines()]
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.sampled_from(rows))
        if row:
            row[data.draw(st.integers(0, len(row) - 1))] = data.draw(
                st.sampled_from(
                    ["", "nan", "inf", "-1e308", "1e30", "x", '"', "\ufeff", "0", "a\tb"]
                )
            )
        if data.draw(st.booleans()):
            del row[data.draw(st.integers(0, len(row))) :]
    try_to_read(write(tmp_path, "\n".join(mark.join(row) for row in rows), "keypoints.csv"))


@FUZZ
@given(data=st.data())
def test_strange_members_in_archives(tmp_path: Path, originals: list[Path], data: st.DataObject):
    """Arrays of another type, shape or order under the names that a tool uses."""
    path = data.draw(st.sampled_from([p for p in originals if p.suffix == ".npz"]))
    with np.load(path, allow_pickle=True) as archive:
        arrays = {
            name: archive[name][:30] if archive[name].ndim else archive[name] for name in archive
        }
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(arrays)))
        change = data.draw(st.sampled_from(CHANGES))
        arrays[name] = change(np.asarray(arrays[name]))
    np.savez(tmp_path / "keypoints.npz", **arrays)
    try_to_read(tmp_path / "keypoints.npz")


CHANGES: list[Callable[[np.ndarray], np.ndarray]] = [
    lambda a: np.full(a.shape, "x"), lambda a: a[None], lambda a: a.ravel(), lambda a: a.T,
    lambda a: a[:0] if a.ndim else a, lambda a: np.array(None), lambda a: np.array([]),
    lambda a: np.full(a.shape, np.nan), lambda a: np.full(a.shape, np.inf), lambda a: a[..., None],
    lambda a: np.array([{"x": 1}, [1, 2], None], object), lambda a: np.zeros((7, 3, 17, 2), bool),
    lambda a: np.full(a.shape, 1e30), lambda a: np.array(5), lambda a: np.zeros(a.shape, complex),
    lambda a: np.empty((0, 17, 3)), lambda a: np.full((4, 17, 3), -1), lambda a: a.astype(object),
]  # fmt: skip


@FUZZ
@given(data=st.data())
def test_damaged_folders(tmp_path: Path, data: st.DataObject):
    """Folders of frames in which some files are others, empty, damaged or links."""
    name = data.draw(st.sampled_from(["openpose_body25", "openpose_body25b", "ultralytics_labels"]))
    folder = tmp_path / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FIXTURES / name, folder)
    files = sorted(folder.iterdir())
    for path in data.draw(st.lists(st.sampled_from(files), max_size=4, unique=True)):
        other = data.draw(st.sampled_from([*FILES, None]))
        text = other.read_bytes() if other else path.read_bytes()
        path.unlink()
        match data.draw(st.integers(0, 4)):
            case 0:
                path.write_bytes(text[: data.draw(st.integers(0, len(text)))])
            case 1:
                path.write_bytes(data.draw(st.binary(max_size=30)))
            case 2:
                path.symlink_to(data.draw(st.sampled_from([path, folder, files[0]])))
            case 3:
                path.mkdir()
    try_to_read(folder)


@FUZZ
@given(st.recursive(STRANGE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_json(tmp_path: Path, document: Any):
    try_to_read(write(tmp_path, json.dumps(document)))
