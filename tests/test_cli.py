"""The command line as its users meet it: real commands, real files, exit statuses."""

import io
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lift_to_3d.cli import main, make_parser
from lift_to_3d.commands.formats import all_formats

from .command_line import FACTS, PROGRAM, ROOT, lines_of


def test_every_verb_of_the_design_is_there_and_explains_itself(capsys):
    verbs = "convert lift retarget preview inspect train evaluate export-onnx import-checkpoint"
    for verb in [*verbs.split(), "benchmark"]:
        assert main([verb, "--help"]) == 0
        assert f"lift-to-3d {verb}" in capsys.readouterr().out.split("\n\n", 1)[1], verb


def _commands(text: str) -> list[list[str]]:
    """The words of every `lift-to-3d ...` that begins a line or stands in backticks."""
    found = re.findall(
        r"^ *(?:\.venv/bin/)?lift-to-3d ([a-z].*)|`lift-to-3d ([a-z][^`]* [^`]+)`", text, re.M
    )
    lines = [re.split(r" {2,}", line or span)[0] for line, span in found]
    return [shlex.split(line.replace("\\\n", " "), comments=True) for line in lines]


def test_examples_in_help_and_documents_are_understood():
    parser = make_parser()
    verbs: dict = next(a.choices for a in parser._actions if isinstance(a.choices, dict))  # type: ignore
    texts = {f"{verb} --help": words.description or "" for verb, words in verbs.items()}
    texts["--help"] = parser.description or ""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    texts |= {page.name: page.read_text("utf-8") for page in pages}
    examples = [(where, words) for where, text in texts.items() for words in _commands(text)]
    assert len(examples) > 40
    for where, words in examples:
        try:
            parser.parse_args(words)
        except SystemExit as stop:
            if stop.code:
                pytest.fail(f"{where}: {' '.join(words)}")


def test_wrong_usage_is_status_2(capsys, clip, tmp_path):
    for words in (
        [],
        ["fly", "x.json"],
        ["convert"],
        ["convert", str(clip), "--size", "1920"],
        ["convert", str(clip), "--frames", "30:10"],
        ["convert", str(clip), "--person", "0"],
        ["convert", str(clip), "--fps", "-3"],
        ["convert", str(clip), "--camera-up", "0,0,0"],
        ["convert", str(clip), "--feet", "maybe"],
        ["convert", str(clip), "--nonsense"],
        ["convert", str(clip), "--to", "docx"],
        ["convert", str(clip), "--to", "fbx", "fbx-unity"],
        ["convert", str(clip), "--settings", str(tmp_path / "none.toml")],
        ["lift", str(clip), str(clip.parent), "--out", str(tmp_path / "one.npz")],
        ["preview", str(clip), "--out", str(tmp_path / "film.gif")],
    ):
        assert main(words) == 2, words
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err
        assert "Traceback" not in captured.err
        assert "worker" not in captured.err
        assert len(captured.err.splitlines()) == 1, "a sentence, not the whole usage"
    assert list(tmp_path.iterdir()) == []


def test_lift_writes_the_documented_motion_file(motion):
    with np.load(motion, allow_pickle=False) as data:
        frames = len(data["joints"])
        assert data["joints"].shape == data["camera_joints"].shape == (frames, 17, 3)
        assert data["root"].shape == (frames, 3)
        assert data["confidence"].shape == (frames, 17)
        assert data["contacts"].shape == (frames, 2)
        assert data["fps"] == 30
        assert np.isclose(np.linalg.norm(data["gravity"]), 1)
        assert all(np.isfinite(data[k]).all() for k in ("joints", "camera_joints", "root"))
    assert frames >= 35


def test_one_person_gets_the_name_that_was_given_and_up_is_where_it_was_said(tmp_path):
    clip = ROOT / "samples" / "street_mediapipe.json"
    words = ["--person", "2", "--camera-up", "0,-1,-1"]
    assert main(["lift", str(clip), *words, "--out", str(tmp_path / "a.npz")]) == 0
    assert main(["lift", str(clip), *words, "--out", str(tmp_path)]) == 0
    written = {path.name for path in tmp_path.glob("*.npz")}
    assert written == {"a.npz", "street_mediapipe.person2.npz"}
    with np.load(tmp_path / "a.npz", allow_pickle=False) as data:
        assert data["gravity"] == pytest.approx(np.array([0, 1, 1]) / np.sqrt(2))


def test_mirror_image_is_lifted_as_the_card_says_unless_told(tmp_path):
    clip = ROOT / "samples" / "street_mediapipe.json"
    lifted = {}
    for model, word in itertools.product(("default", "fast"), ("", "--mirror", "--no-mirror")):
        out = tmp_path / f"{model}{word}.npz"
        words = ["--person", "2", "--model", model, "--out", str(out), *word.split()]
        assert main(["lift", str(clip), *words]) == 0
        with np.load(out, allow_pickle=False) as data:
            lifted[model, word] = data["camera_joints"]
    for model, as_card in (("default", "--mirror"), ("fast", "--no-mirror")):
        assert np.array_equal(lifted[model, ""], lifted[model, as_card])
        assert not np.array_equal(lifted[model, "--mirror"], lifted[model, "--no-mirror"])


def test_convert_writes_every_person_named_after_the_input(clip, tmp_path, capsys):
    pytest.importorskip("bpy")
    words = ["convert", str(clip), *FACTS, "--to", "bvh,npz", "--out", str(tmp_path), "--json"]
    assert main(words) == 0
    (line,) = lines_of(capsys)
    written = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert written == {Path(path).name for path in line["outputs"]}
    assert {"clip.bvh", "clip.npz"} <= written
    assert len(written) == 2 * line["people"]
    if line["people"] > 1:
        assert "clip.person2.bvh" in written
    assert (tmp_path / "clip.bvh").read_text().startswith("HIERARCHY")


def test_what_holds_for_everybody_is_said_once(tmp_path, capsys):
    sample = str(ROOT / "samples" / "street_coco.json")
    assert main(["lift", sample, "--frames", "100:140", "--out", str(tmp_path), "--json"]) == 0
    (line,) = lines_of(capsys)
    assert line["people"] == 2
    told = [note for note in line["notes"] if "frames a second are assumed" in note]
    assert len(told) == 1
    assert not told[0].startswith("Person")


def test_retarget_makes_what_convert_makes(clip, motion, tmp_path):
    pytest.importorskip("bpy")
    one = ["--person", "1", "--to", "bvh", "--out"]
    assert main(["convert", str(clip), *FACTS, *one, str(tmp_path / "a")]) == 0
    assert main(["retarget", str(motion), "--to", "bvh", "--out", str(tmp_path / "b")]) == 0
    from_clip = (tmp_path / "a" / "clip.bvh").read_text()
    assert from_clip == (tmp_path / "b" / "motion.bvh").read_text()


def test_inspect_as_json(clip, capsys):
    assert main(["inspect", str(clip), str(clip.parent / "none.json"), "--json"]) == 1
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert list(found) == ["input", "format", "layout", "frames", "fps", "size", "people", "notes"]
    assert found["fps"] is None
    assert found["size"] is None
    assert found["people"][0]["person"] == 1
    assert "none.json" in captured.err


def test_inspect_a_motion_file(motion, capsys):
    assert main(["inspect", str(motion), "--json"]) == 0
    (found,) = lines_of(capsys)
    assert found["format"] == "motion file"
    assert found["fps"] == 30


def _bad_inputs(folder: Path, clip: Path) -> dict[str, Path]:
    rows = json.loads(clip.read_text())
    person = {"category_id": 1, "score": 0.9}
    nan = [{**row, "keypoints": [float("nan")] * 51} for row in rows]
    headless = [{**row, "keypoints": row["keypoints"][:15] + [0.0] * 36} for row in rows]
    texts = {
        "unknown.json": '{"hello": "world"}',
        "unknown.csv": "fruit,price\napple,3\n",
        "empty.json": "",
        "truncated.json": clip.read_text()[: len(clip.read_text()) // 2],
        "nobody.json": "[]",
        "nan.json": json.dumps(nan),
        "legless.json": json.dumps(headless),
        "few_numbers.json": json.dumps([{"image_id": 1, "keypoints": [1, 2, 3], **person}]),
    }
    paths = {}
    for name, text in texts.items():
        paths[name] = folder / name
        paths[name].write_text(text)
    nobody = folder / "openpose_nobody"
    nobody.mkdir()
    for i in range(5):
        (nobody / f"x_{i:012}_keypoints.json").write_text('{"version": 1.3, "people": []}')
    (folder / "empty_folder").mkdir()
    (folder / "broken.npz").write_bytes(b"PK\x03\x04 not a zip")
    for name in ("openpose_nobody", "empty_folder", "broken.npz"):
        paths[name] = folder / name
    paths["missing.json"] = folder / "missing.json"
    return paths


def test_bad_inputs_are_named_with_their_reason_and_the_others_finish(clip, tmp_path, capsys):
    bad = _bad_inputs(tmp_path, clip)
    inputs = [*map(str, bad.values()), str(clip)]
    out = tmp_path / "out"
    assert main(["lift", *inputs, *FACTS, "--out", str(out), "--json", "--jobs", "2"]) == 1
    lines = {Path(line["input"]).name: line for line in lines_of(capsys)}
    assert set(lines) == {*bad, "clip.json"}
    assert lines["clip.json"]["status"] == "done"
    for name in bad:
        error = lines[name]["error"]
        assert lines[name]["status"] == "failed", name
        assert error
        assert "worker" not in error, (name, error)
        assert "\n" not in error
        assert name.partition(".")[0] in error, (name, error)
    assert {path.stem.split(".")[0] for path in out.glob("*.*") if path.suffix} == {"clip"}


def test_one_frame_is_lifted_or_refused_in_one_sentence(clip, tmp_path, capsys):
    rows = json.loads(clip.read_text())
    single = tmp_path / "single.json"
    single.write_text(json.dumps([max(rows, key=lambda row: row["score"])]))
    status = main(["lift", str(single), *FACTS, "--out", str(tmp_path / "out"), "--json"])
    (line,) = lines_of(capsys)
    assert (status, line["status"]) in ((0, "done"), (1, "failed"))
    if status:
        assert "frame" in line["error"]


def test_a_rig_without_a_spine(motion, tmp_path, capsys):
    bpy = pytest.importorskip("bpy")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.object.armature_add()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "stick.blend"))
    capsys.readouterr()
    words = ["--rig", str(tmp_path / "stick.blend"), "--to", "bvh", "--out", str(tmp_path / "out")]
    assert main(["retarget", str(motion), *words, "--json"]) == 1
    (line,) = lines_of(capsys)
    assert "spine" in line["error"].lower() or "bone" in line["error"].lower()
    assert not list((tmp_path / "out").glob("*.bvh"))


def test_an_unknown_rig_and_an_unknown_model(clip, motion, tmp_path, capsys):
    pytest.importorskip("bpy")
    out = ["--out", str(tmp_path), "--json"]
    assert main(["retarget", str(motion), "--rig", "centaur", *out]) == 1
    assert "centaur" in lines_of(capsys)[0]["error"]
    assert main(["lift", str(clip), *FACTS, "--model", "crystal-ball", *out]) == 1
    assert "crystal-ball" in lines_of(capsys)[0]["error"]


@pytest.mark.slow
def test_a_hundred_thousand_frames(clip, tmp_path, capsys):
    rows = json.loads(clip.read_text())
    best: dict[int, dict] = {}
    for row in rows:
        if row["score"] > best.get(row["image_id"], {"score": 0})["score"]:
            best[row["image_id"]] = row
    there = [best[i] for i in sorted(best)]
    there += there[::-1]
    long = [{**there[i % len(there)], "image_id": i} for i in range(100_000)]
    path = tmp_path / "long.json"
    path.write_text(json.dumps(long))
    assert main(["inspect", str(path), "--json"]) == 0
    assert lines_of(capsys)[0]["frames"] == 100_000
    words = ["--frames", "50000:50030", "--out", str(tmp_path / "part.npz")]
    assert main(["lift", str(path), *FACTS, *words]) == 0
    with np.load(tmp_path / "part.npz") as data:
        assert len(data["joints"]) == 30


def test_an_input_is_never_overwritten_by_its_result(motion, tmp_path, capsys):
    shutil.copy(motion, tmp_path / "m.npz")
    before = (tmp_path / "m.npz").read_bytes()
    words = ["retarget", str(tmp_path / "m.npz"), "--to", "npz", "--out", str(tmp_path), "--json"]
    assert main(words) == 1
    assert "overwritten" in lines_of(capsys)[0]["error"]
    assert (tmp_path / "m.npz").read_bytes() == before


def test_settings_come_from_a_file_and_the_command_line_has_the_last_word(clip, tmp_path, capsys):
    settings = tmp_path / "s.toml"
    settings.write_text(
        f'fps = 30\nsize = "1768x994"\nperson = 1\njson = true\nresume = false\n'
        f'out = "{(tmp_path / "out").as_posix()}"\nheight = 1.5\nto = ["npz"]\n'
    )
    words = ["convert", str(clip), "--settings", str(settings)]
    assert main(words) == 0
    assert len(lines_of(capsys)[0]["outputs"]) == 1
    small = np.load(tmp_path / "out" / "clip.npz")["joints"]
    assert main([*words, "--height", "2.0"]) == 0
    capsys.readouterr()
    tall = np.load(tmp_path / "out" / "clip.npz")["joints"]
    bone = [np.linalg.norm(j[0, 1] - j[0, 2]) for j in (small, tall)]
    assert bone[1] / bone[0] == pytest.approx(2.0 / 1.5, rel=0.1)
    settings.write_text("[table]\nfps = 3\n")
    assert main(words) == 2
    capsys.readouterr()
    settings.write_text("wings = 2\n")
    assert main(words) == 2
    assert "--wings=2 (in the settings file)" in capsys.readouterr().err


def test_names_that_are_not_valid_text(clip, tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux allows such names")
    name = os.fsdecode(b"caf\xe9 \xe6\x97\xa5.json")
    shutil.copy(clip, tmp_path / name)
    words = ["lift", name, *FACTS, "--person", "1", "--out", "out"]
    done = subprocess.run(
        [*PROGRAM, *words],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    assert b"caf\xe9" in done.stdout
    assert [p.stem for p in (tmp_path / "out").glob("*.npz")] == [name.removesuffix(".json")]


def test_a_reader_who_leaves_early_is_no_error_to_tell(clip):
    command = " ".join([*PROGRAM, "inspect", *[str(clip)] * 200, "--json"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1"], capture_output=True, text=True, check=False
    )
    assert json.loads(done.stdout)["frames"]
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    ("formats", "out"), [("npz", "a.fbx"), ("npz", "there.txt"), ("npz png", "a.npz")]
)
def test_a_file_is_no_folder_of_results(tmp_path, motion, capsys, formats, out):
    (tmp_path / "there.txt").touch()
    words = ["retarget", str(motion), "--to", *formats.split(), "--out", str(tmp_path / out)]
    assert main(words) == 2
    assert "give a folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there.txt"]


def test_where_nothing_can_be_written_is_told_before_lifting(tmp_path, clip, capsys, monkeypatch):
    monkeypatch.setattr("lift_to_3d.commands.task._lift", lambda *_: pytest.fail("it lifted"))
    (tmp_path / "file").touch()
    words = ["convert", str(clip), *FACTS, "--to", "npz", "--out", str(tmp_path / "file" / "out")]
    assert main(words) == 1
    assert f"Nothing can be written into {tmp_path / 'file' / 'out'}" in capsys.readouterr().err


def test_formats_are_those_of_the_presets():
    presets = {path.stem for path in (ROOT / "presets" / "exports").glob("*.json")}
    assert presets | {"npz", "mp4", "png", "render"} == set(all_formats())


def test_help_is_not_broken_in_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    text = io.StringIO()
    make_parser().print_help(text)
    assert max(map(len, text.getvalue().splitlines())) <= 100
