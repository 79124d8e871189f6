"""Ablations: what their rows differ in, that they run as commands, and that they go on."""

import json

import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)

from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.training.ablations import BASE, STUDIES, Result, as_table  # noqa: E402
from lift_to_3d.core.training.capture import Take, save_takes  # noqa: E402

from .training_tools import waving  # noqa: E402


@pytest.fixture
def capture(tmp_path):
    """Training capture under the two names that the studies ask for, and a test set."""
    folder = tmp_path / "capture"
    folder.mkdir()
    takes = [Take("one", "A", "wave", waving(60), 50.0)]
    for name in ("train.npz.xz", "train_more.npz.xz", "test.npz"):
        save_takes(takes, folder / name)
    return folder


def rows(name):
    return {variant.name: variant for variant in STUDIES[name]}


def test_rows_of_a_study_see_the_same_frames_and_updates():
    for study in STUDIES.values():
        for variant in study:
            recipe = variant.recipe
            assert recipe.steps == BASE.steps
            frames = recipe.batch * recipe.network.frames
            assert frames == BASE.batch * BASE.network.frames
            assert recipe.seed == BASE.seed


def test_components_come_one_after_another():
    study = rows("components")
    kinds = [(v.alternating, v.separate) for v in study.values()]
    assert kinds == [(False, False), (True, False), (True, True), (True, True)]
    losses = [v.recipe.loss for v in study.values()]
    assert losses[0] == losses[1] == losses[2] != losses[3]
    assert all(loss.consistency == loss.velocity == 0 for loss in losses[:3])
    # Each answers for every frame, and by what its name says: with joints apart, nothing of one
    # joint's motion comes to another in a temporal block alone.
    x = torch.randn(1, 27, 17, 3)
    for variant in study.values():
        with torch.no_grad():
            assert variant.network().eval()(x).shape == (1, 27, 17, 3)


def test_losses_are_added_one_by_one():
    weights = {
        name: (v.recipe.loss.joints, v.recipe.loss.consistency > 0, v.recipe.loss.velocity > 0)
        for name, v in rows("losses").items()
    }
    assert weights == {
        "MPJPE": ("even", False, False),
        "WMPJPE": ("paper", False, False),
        "WMPJPE + TCLoss": ("paper", True, False),
        "WMPJPE + MPJVE": ("paper", False, True),
        "all": ("paper", True, True),
    }


def test_one_command_trains_measures_and_goes_on(capture, tmp_path, capsys):
    out = tmp_path / "runs"
    words = ["ablate", "depth", "--data", str(capture), "--test", str(capture / "test.npz")]
    words += ["--out", str(out), "--steps", "2", "--threads", "1"]
    assert main(words) == 0
    table = (out / "depth.md").read_text()
    assert capsys.readouterr().out.endswith(table)
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == [
        "| depth 1",
        "| depth 2",
        "| depth 4",
    ]
    results = sorted(out.glob("*/result.json"))
    assert len(results) == 3
    measured = {path: path.stat().st_mtime_ns for path in results}
    assert main([*words, "--seeds", "2"]) == 0
    assert len(list(out.glob("*/result.json"))) == 6
    assert all(path.stat().st_mtime_ns == before for path, before in measured.items())
    base = [json.loads((out / name / "result.json").read_text())["mpjpe"]
            for name in ("base_2-steps", "seed1_2-steps")]  # fmt: skip
    [row] = [line for line in (out / "depth.md").read_text().splitlines() if "depth 2" in line]
    assert f"| {sum(base) / 2:.1f} | {abs(base[0] - base[1]) / 2**0.5:.1f} |" in row


def test_one_file_is_enough_to_train_on(capture, tmp_path):
    (capture / "train_more.npz.xz").unlink()
    files = ["--data", str(capture / "train.npz.xz"), "--test", str(capture / "test.npz")]
    assert main(["ablate", "depth", *files, "--steps", "1", "--out", str(tmp_path / "runs")]) == 0


def test_rows_belong_to_their_data_and_are_measured_on_the_test_that_is_given(
    capture, tmp_path, capsys
):
    """`components` shares its last row with `depth`, and none of the others."""
    out, train = tmp_path / "runs", capture / "train.npz.xz"
    result = out / "base_1-steps" / "result.json"
    rest = ["--out", str(out), "--steps", "1"]
    files = ["--data", str(train), "--test", str(capture / "test.npz")]
    assert main(["ablate", "depth", *files, *rest]) == 0
    before = json.loads(result.read_text())
    other = capture / "other.npz"
    save_takes([Take("one", "A", "wave", waving(90) * 1.1, 50.0)], other)
    assert main(["ablate", "depth", *files, "--test", str(other), *rest]) == 0
    again = json.loads(result.read_text())
    assert (again["data"], again["mpjpe"] == before["mpjpe"]) == (before["data"], False)
    save_takes([Take("one", "A", "wave", waving(80), 50.0)], train)
    capsys.readouterr()
    rows = len(list(out.iterdir()))
    assert main(["ablate", "components", *files, *rest]) == 2
    assert "base_1-steps: was trained on train.npz.xz (" in capsys.readouterr().err
    assert len(list(out.iterdir())) == rows, "said before another row is trained"


@pytest.mark.parametrize("word", ["--data", "--test"])
def test_capture_that_is_not_there_is_said_though_all_is_done(capture, tmp_path, capsys, word):
    files = ["--data", str(capture / "train.npz.xz"), "--test", str(capture / "test.npz")]
    words = ["ablate", "depth", *files, "--steps", "1", "--out", str(tmp_path / "runs")]
    assert main(words) == 0
    assert main([*words, word, "nowhere.npz"]) == 2
    assert "nowhere.npz: " in capsys.readouterr().err


def test_a_file_cannot_be_the_folder_of_the_runs(capture, tmp_path, capsys):
    (tmp_path / "afile").touch()
    files = ["--data", str(capture), "--test", str(capture / "test.npz")]
    assert main(["ablate", "depth", *files, "--out", str(tmp_path / "afile")]) == 2
    assert "nothing can be written into it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["colour"], "components, losses"),
        (["depth", "--seeds", "0"], "one"),
        (["depth", "--steps", "0"], "0 updates: a row needs one at least"),
        (["depth", "--threads", "-1"], "'-1' is no number of cores"),
    ],
)
def test_wrong_studies_are_said(capture, tmp_path, capsys, words, said):
    rest = ["--data", str(capture), "--test", str(capture / "test.npz"), "--out", str(tmp_path)]
    assert main(["ablate", *words, *rest]) == 2
    assert said in capsys.readouterr().err


def test_tables_leave_out_what_is_not_known():
    results = [Result(v.name, 10, 1, 80.0, 0.0, 60.0, 7.0) for v in STUDIES["width"]]
    lines = as_table("width", results).splitlines()
    assert lines[2] == "| width 16 | 10 | 80.0 |  | 60.0 | 7.00 | 47.9 (width 128) |"
    results = [Result(v.name, 10, 1, 80.0, 0.0, 60.0, 7.0) for v in STUDIES["losses"]]
    lines = as_table("losses", results).splitlines()
    assert lines[0].endswith("| MPJVE |")
    assert lines[2] == "| MPJPE | 10 | 80.0 |  | 60.0 | 7.00 |"
