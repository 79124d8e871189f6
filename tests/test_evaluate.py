"""`evaluate` from the shell: its figures say what its tables say, whatever is measured."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)
matplotlib_figure = pytest.importorskip("matplotlib.figure")

from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.mixste.model import ModelCard, read_card  # noqa: E402
from lift_to_3d.core.mixste.network import MixSTE, NetworkConfig  # noqa: E402
from lift_to_3d.core.motion_file import load_motion  # noqa: E402
from lift_to_3d.core.skeleton import H36M  # noqa: E402
from lift_to_3d.core.training.capture import Take, save_takes  # noqa: E402
from lift_to_3d.core.training.export import export_model  # noqa: E402
from lift_to_3d.core.training.figures import draw_curve  # noqa: E402
from lift_to_3d.core.training.pictures import Shown, draw_attention, draw_evaluation  # noqa: E402

from .command_line import FACTS, PROGRAM, lines_of  # noqa: E402
from .dataset_files import mpi_files, person, save_nested  # noqa: E402
from .training_tools import waving  # noqa: E402

PNGS = {"distribution.png", "joints.png", "poses.png", "attention.png"}
_TITLE = re.compile(r"(\d+) frames, their mean ([\d.]+) mm")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A small network that has learnt nothing; with and without the mirror image differ."""
    torch.manual_seed(0)
    config = NetworkConfig(frames=9, width=16, depth=2, in_channels=3, heads=4)
    card = ModelCard("small", 9, 25.0, 3, "view", flip=True, network=config.as_dict())
    return str(export_model(MixSTE(config), card, tmp_path_factory.mktemp("models")))


@pytest.fixture
def titles(monkeypatch):
    """What figure 3 says of each folder it was saved in: frames, and their mean error in mm."""
    found, save = {}, matplotlib_figure.Figure.savefig

    def told(figure, path, **how):
        if match := _TITLE.search(figure.axes[0].get_title()):
            found[Path(path).parent.name] = (int(match[1]), float(match[2]))
        save(figure, path, **how)

    monkeypatch.setattr(matplotlib_figure.Figure, "savefig", told)
    return found


@pytest.fixture
def saved(monkeypatch):
    """Every figure that was saved, by the name of its file, drawn as it is in the file."""
    found, save = {}, matplotlib_figure.Figure.savefig

    def kept(figure, path, **how):
        save(figure, path, **how)
        found[Path(path).name.removesuffix(".part")] = figure

    monkeypatch.setattr(matplotlib_figure.Figure, "savefig", kept)
    return found


def ticks(axis) -> list[str]:
    """The words beside an axis that lie within it."""
    low, high = sorted(axis.get_view_interval())
    return [
        tick.label1.get_text() for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high
    ]


def drawn(figures: Path) -> dict[str, set[str]]:
    return {folder.name: {p.name for p in folder.iterdir()} for folder in figures.iterdir()}


def test_figures_are_of_all_frames(tmp_path, titles):
    """Human3.6M's test has 566,920; where the first have small errors, the mean is not theirs."""
    target = np.repeat(person(17, 1), 150_000, 0)
    joints = target.copy()
    joints[..., 0] += np.where(np.arange(150_000) < 100_000, 0.01, 0.04)[:, None]
    shown = [Shown("one", joints, target, target[..., :2], np.arange(150_000))]
    draw_evaluation(shown, H36M, tmp_path / "all")
    assert titles == {"all": (150_000, 20.0)}


def test_figures_of_a_bad_model_show_how_bad_it_is(tmp_path, saved):
    target = np.repeat(person(17, 1), 20, 0)
    joints = target + [3.0, 0, 0]
    draw_evaluation([Shown("TS5", joints, target, target[..., :2], np.arange(20))], H36M, tmp_path)
    *_, solid = saved["poses.png"].axes
    limits = np.stack([solid.get_xlim(), solid.get_zlim(), solid.get_ylim()])  # its y is depth
    for pose in (joints, target):
        shown = pose[0] * [1, -1, 1]
        assert ((limits[:, 0] < shown) & (shown < limits[:, 1])).all()
    assert all(word.endswith(" m") for word in ticks(solid.xaxis))
    bars = saved["distribution.png"].axes[0].patches
    assert bars[-1].get_height() == 0
    assert sum(bar.get_height() for bar in bars) == pytest.approx(100)


def test_the_bars_of_joints_say_what_they_are(tmp_path, saved):
    """A few bad frames move the mean beyond the middle half."""
    target = np.repeat(person(17, 1), 20, 0)
    joints = target + np.where(np.arange(20) < 3, 3.0, 0.01)[:, None, None]
    draw_evaluation([Shown("TS5", joints, target, target[..., :2], np.arange(20))], H36M, tmp_path)
    [legend] = saved["joints.png"].legends
    words = {text.get_text() for text in legend.get_texts()}
    assert words == {"mean of all frames", "the middle half of the frames"}


@pytest.mark.parametrize(("frames", "rows"), [(1, 1), (3, 2)])
def test_single_frames_look_at_no_others(tmp_path, saved, frames, rows):
    network = MixSTE(NetworkConfig(frames=frames, width=16, depth=2, heads=4))
    draw_attention(network, np.zeros((frames, 17, 2)), H36M, tmp_path)
    titles = {axes.get_title() for axes in saved["attention.png"].axes} - {""}
    kinds = ["spatial", "temporal"][:rows]
    assert titles == {f"{kind} block {number}" for kind in kinds for number in (1, 2)}


@pytest.mark.parametrize(
    ("rows", "updates"), [([(1, 612)], {"1"}), ([(1, 900), (2, 600), (3, 580)], {"1", "2", "3"})]
)
def test_curves_have_plain_numbers(tmp_path, saved, rows, updates):
    lines = ["step,training_mpjpe_mm", *(f"{step},{error}" for step, error in rows)]
    (tmp_path / "curve.csv").write_text("\n".join(lines) + "\n")
    draw_curve(tmp_path / "curve.csv", tmp_path / "curve.png")
    [axes] = saved["curve.png"].axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("update", "MPJPE on training windows, mm")
    assert set(ticks(axes.xaxis)) == updates
    assert {word for word in ticks(axes.yaxis) if not word.isdecimal()} == set()


def test_figures_of_captures_say_what_was_measured(tmp_path, model, titles, capsys):
    for name, subject in (("anna", "a"), ("ben", "b")):
        take = Take(f"{subject}_01", subject, "wave", waving(40).astype(np.float32), 50.0)
        save_takes([take], tmp_path / f"{name}.npz.xz")
    files = [str(tmp_path / f"{name}.npz.xz") for name in ("anna", "ben")]
    figures = tmp_path / "figures"
    words = ["evaluate", "--model", model, "--figures", str(figures), "--json", "--no-mirror"]
    assert main([*words, "--capture", *files]) == 0
    said = capsys.readouterr()
    scores = {row["test"]: row for row in map(json.loads, said.out.splitlines())}
    assert set(scores) == {"anna clean", "anna noisy", "ben clean", "ben noisy"}
    assert drawn(figures) == {test.replace(" ", "_"): PNGS for test in scores}
    for test, row in scores.items():
        frames, mean = titles[test.replace(" ", "_")]
        assert (frames, mean) == (40, pytest.approx(row["mpjpe"], abs=0.06))
    told = said.err.splitlines()
    assert len([line for line in told if line.endswith(".png")]) == 4 * len(PNGS)


def test_captures_of_one_name_are_refused(tmp_path, capsys):
    words = ["evaluate", "--capture", str(tmp_path / "val.npz"), str(tmp_path / "b" / "val.npz.xz")]
    assert main(words) == 2
    assert "2 captures are called val" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--windows", "published"], "--windows says something of --dataset, which is not given."),
        (["--data", "folder"], "--data says something of --dataset, which is not given."),
        (["--keypoints", "gt"], "--keypoints says something of --dataset, which is not given."),
        (["--fps", "30"], "--fps says something of --real, which is not given."),
        (["--size", "abc"], "--size: 'abc' is not a picture size such as 1920x1080"),
        (["--fps", "0"], "--fps: '0' is no rate"),
    ],
)
def test_words_that_say_nothing_are_refused(capsys, words, said):
    assert main(["evaluate", "--capture", "none.npz", *words]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


def test_figures_of_data_sets_do_not_go_into_cards(capsys):
    assert main(["evaluate", "--dataset", "3dhp", "--model", "mine.onnx", "--into-card"]) == 2
    assert "--into-card writes figures of --capture or --real" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["default", "fast"])
def test_cards_of_shipped_models_are_not_changed_by_mere_name(capsys, name):
    words = ["evaluate", "--capture", "none.npz", "--into-card", "--model", name]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert f"--into-card would change the card of the shipped model {name};" in said


def test_figures_are_written_into_the_card_beside_a_file(tmp_path, model):
    save_takes([Take("a_01", "a", "wave", waving(40).astype(np.float32), 50.0)], tmp_path / "a.npz")
    onnx = tmp_path / "mine.onnx"
    for suffix in (".onnx", ".json"):
        shutil.copy(Path(model).with_suffix(suffix), onnx.with_suffix(suffix))
    words = ["evaluate", "--model", str(onnx), "--capture", str(tmp_path / "a.npz"), "--into-card"]
    assert main([*words, "--no-mirror"]) == 0
    assert read_card(onnx.with_suffix(".json")).figures.keys() == {"a clean", "a noisy"}


def test_figures_that_cannot_be_written_are_refused_before_measuring(tmp_path, capsys):
    (tmp_path / "figures").write_text("a file")
    words = ["evaluate", "--capture", "none.npz", "--figures", str(tmp_path / "figures")]
    assert main(words) == 2
    said = capsys.readouterr()
    assert "figures: nothing can be written into it (" in said.err
    assert not said.out


def write_trc(path: Path, joints: np.ndarray, fps: float) -> None:
    """The limbs as a triangulating tool writes them: metres, its own axes."""
    names = {
        side[0].upper() + part.title(): H36M.names.index(f"{side}_{part}")
        for side in ("left", "right")
        for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    }
    head = ["PathFileType\t4\t(X/Y/Z)\tx.trc", "DataRate\tCameraRate", f"{fps}\t{fps}"]
    head += ["Frame#\tTime\t" + "\t\t\t".join(names), "\t\t" + "\tX1\tY1\tZ1"]
    rows = joints[:, list(names.values())].reshape(len(joints), -1)
    lines = ["\t".join(map(str, [i + 1, i / fps, *row])) for i, row in enumerate(rows)]
    path.write_text("\n".join([*head, *lines]) + "\n")


def test_figures_of_a_real_clip_say_what_was_measured(tmp_path, clip, model, titles, capsys):
    """The reference is our own answer, turned, larger, one wrist 0.12 m off, and gone twice."""
    lifted = tmp_path / "motion.npz"
    words = ["lift", str(clip), *FACTS, "--person", "1", "--model", model, "--out", str(lifted)]
    assert main(words) == 0
    joints = load_motion(lifted).joints
    truth = 1.3 * joints @ Rotation.from_euler("xyz", [100, 30, 20], degrees=True).as_matrix()
    truth[:, 13] += [0.12, 0, 0]
    truth[[7, 20], 13] = np.nan
    write_trc(tmp_path / "truth.trc", truth, 30.0)
    capsys.readouterr()
    figures = tmp_path / "figures"
    words = ["evaluate", "--real", str(tmp_path / "truth.trc"), str(clip), "--fps", "30"]
    words += ["--size", FACTS[-1], "--model", model, "--figures", str(figures), "--json"]
    assert main(words) == 0
    [score] = lines_of(capsys)
    assert drawn(figures) == {"clip_json_real": PNGS}
    assert score["frames"] == 38
    assert np.isfinite(score["jitter"])
    frames, mean = titles["clip_json_real"]
    assert (frames, mean) == (score["frames"], pytest.approx(score["p_mpjpe"], abs=0.06))


def test_frames_of_3dhp_that_do_not_count_are_not_drawn(tmp_path, titles, capsys):
    far = mpi_files(tmp_path)["TS1"].copy()
    far[6:] *= 50
    view = {"data_2d": np.full((12, 17, 2), 700.0, np.float32), "data_3d": far}
    save_nested(tmp_path / "data_test_3dhp.npz", data={"TS1": view | {"valid": np.arange(12) < 6}})
    config = NetworkConfig(frames=5, width=16, depth=1, heads=4)
    card = ModelCard("flat", 5, 25.0, 2, "picture", network=config.as_dict())
    onnx = export_model(MixSTE(config), card, tmp_path)
    words = ["evaluate", "--dataset", "3dhp", "--data", str(tmp_path), "--model", str(onnx)]
    words += ["--windows", "published", "--no-mirror", "--json"]
    assert main([*words, "--figures", str(tmp_path / "figures")]) == 0
    [row] = lines_of(capsys)
    frames, mean = titles["3dhp_gt_published_windows_mirror_image_off"]
    assert frames == row["mean"]["frames"]
    assert mean == pytest.approx(row["mean"]["mpjpe"], abs=0.06)


def test_one_way_of_windows_is_not_warned_of_the_other(tmp_path, capsys):
    mpi_files(tmp_path)
    config = NetworkConfig(frames=5, width=16, depth=1, heads=4)
    card = ModelCard("flat", 5, 50.0, 2, "picture", network=config.as_dict())
    words = ["--model", str(export_model(MixSTE(config), card, tmp_path)), "--no-mirror"]
    words += ["--dataset", "3dhp", "--data", str(tmp_path), "--windows", "overlapped"]
    assert main(["evaluate", *words]) == 0
    said = capsys.readouterr().out
    assert "3dhp gt, overlapped windows, mirror image off" in said
    assert "published windows" not in said


@pytest.mark.parametrize(("words", "bar"), [([], True), (["--json"], False)])
def test_a_data_set_shows_how_far_it_is_on_a_terminal(tmp_path, words, bar):
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    mpi_files(tmp_path)
    config = NetworkConfig(frames=5, width=16, depth=1, heads=4)
    card = ModelCard("flat", 5, 50.0, 2, "picture", network=config.as_dict())
    onnx = export_model(MixSTE(config), card, tmp_path)
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 80))
    words = [*words, "--dataset", "3dhp", "--data", str(tmp_path), "--model", str(onnx)]
    done = subprocess.run([*PROGRAM, "evaluate", *words], stderr=end, stdout=subprocess.PIPE)
    os.write(end, b"done")
    said = os.read(terminal, 100_000)
    assert done.returncode == 0
    assert (b"/24" in said) if bar else (said == b"done")
    assert b"%|" not in done.stdout
    note = b"flat learnt at 50 frames a second; published windows show it 25."
    assert (note in done.stdout) == bar
