"""A run's folder: its data, going on, Ctrl-C, pieces, and what the shell says of it."""

import json
import signal
import threading
import time

import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)  # networks this small only wait for each other

from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.errors import ModelError  # noqa: E402
from lift_to_3d.core.mixste.model import read_card  # noqa: E402
from lift_to_3d.core.mixste.network import MixSTE, NetworkConfig  # noqa: E402
from lift_to_3d.core.training import pieces  # noqa: E402
from lift_to_3d.core.training.capture import Take, save_takes  # noqa: E402
from lift_to_3d.core.training.loop import (  # noqa: E402
    CHECKPOINT,
    Training,
    load_checkpoint,
)
from lift_to_3d.core.training.recipe import Recipe, read_recipe  # noqa: E402

from .training_tools import packed, small_file, small_recipe, waving  # noqa: E402


def test_checkpoint_of_another_network_is_refused(capture_folder, tmp_path):
    Training(small_recipe(steps=1), capture_folder, tmp_path, "cpu").run()
    assert (tmp_path / CHECKPOINT).is_file()
    other = Recipe(**{**small_recipe().__dict__, "network": NetworkConfig(5, 32, 1, 3, heads=4)})
    with pytest.raises(ModelError, match="another network"):
        Training(other, capture_folder, tmp_path, "cpu")


def test_a_run_belongs_to_its_data(tmp_path, capsys):
    recipe = small_file(tmp_path, steps=2)
    ours = packed(tmp_path / "ours" / "train.npz", 60, "ours")
    theirs = packed(tmp_path / "theirs" / "train.npz", 70, "theirs")
    out, words = tmp_path / "out", ["train", str(recipe), "--out", str(tmp_path / "out"), "--data"]
    assert main([*words, str(ours)]) == 0
    card = out / "small" / "small.json"
    assert read_card(card).data == ("train.npz: ours",)
    capsys.readouterr()
    assert main([*words, str(theirs)]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.count("train.npz (sha256 ") == 2
    assert said.endswith("; choose another --out.")
    assert read_card(card).data == ("train.npz: ours",)
    # The same content in another folder, trained on for longer with another step size.
    recipe.write_text("lr = 1e-4\n" + recipe.read_text().replace("steps = 2", "steps = 3"))
    moved = tmp_path / "moved" / "train.npz"
    moved.parent.mkdir()
    ours.rename(moved)
    assert main([*words, str(moved)]) == 0
    assert "(3 steps)" in read_card(card).command


@pytest.mark.parametrize(
    ("others", "licence"), [({"licence": "MIT"}, "CC0; MIT"), ({}, "")], ids=["both", "one"]
)
def test_files_that_say_where_they_are_from_are_believed(tmp_path, others, licence):
    """Not the recipe, which is written for files of these names from elsewhere."""
    recipe = small_file(tmp_path, steps=1)
    text = recipe.read_text().replace("'waving.npz' = 1.0", "'one.npz' = 1.0\n'two.npz' = 1.0")
    recipe.write_text("sources = ['one.npz: CMU']\nlicence = 'anything'\n" + text)
    take = Take("one", "A", "wave", waving(60), 50.0)
    words = ["train", str(recipe), "--data", str(tmp_path), "--out", str(tmp_path)]
    save_takes([take], tmp_path / "one.npz")
    save_takes([take], tmp_path / "two.npz", others)
    assert main([*words, "--minutes", "1e-9"]) == 0
    card = read_card(tmp_path / "small" / "small.json")
    assert (card.data, card.licence) == (("one.npz: CMU",), "anything")
    save_takes([take], tmp_path / "one.npz", {"source": "ours", "licence": "CC0"})
    assert main([*words[:-1], str(tmp_path / "again")]) == 0
    card = read_card(tmp_path / "again" / "small" / "small.json")
    assert card.data == ("one.npz: ours", "two.npz: source not given")
    assert card.licence == licence


def test_checkpoints_that_do_not_say_their_data_go_on(capture_folder, tmp_path):
    Training(small_recipe(), capture_folder, tmp_path / "run", "cpu").run(seconds=0.0)
    path = tmp_path / "run" / CHECKPOINT
    state = torch.load(path)
    assert list(state.pop("data")) == ["waving.npz"]
    torch.save(state, path)
    Training(small_recipe(), capture_folder, tmp_path / "run", "cpu").run(seconds=0.0)
    assert list(load_checkpoint(tmp_path / "run")["data"]) == ["waving.npz"]


def test_a_card_is_of_what_was_trained(capture_folder, tmp_path):
    recipe = small_file(tmp_path, steps=1)
    words = ["train", str(recipe), "--data", str(capture_folder), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    card = read_card(tmp_path / "out" / "small" / "small.json")
    recipe.write_text("rate = [40.0, 50.0]\nlicence = 'none'\n" + recipe.read_text())
    assert main(words) == 0
    assert read_card(tmp_path / "out" / "small" / "small.json") == card


def test_names_that_are_paths_are_refused(capture_folder, tmp_path, capsys):
    words = ["train", str(small_file(tmp_path, steps=1)), "--data", str(capture_folder)]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    run, models = str(tmp_path / "out" / "small"), str(tmp_path / "models" / "mine")
    assert main(["export-onnx", run, "--out", models, "--name", "../evil"]) == 2
    assert "../evil: is a path; a name has no slash" in capsys.readouterr().err
    assert not list(tmp_path.rglob("evil.*"))


@pytest.fixture
def interruptible():
    """Ctrl-C is heard, though what started the tests in the background may have had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_saves_between_two_updates(capture_folder, tmp_path):
    recipe = small_recipe()
    Training(recipe, capture_folder, tmp_path / "whole", "cpu").run()
    cut = Training(recipe, capture_folder, tmp_path / "cut", "cpu")

    def stop(step, _):
        if step == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        cut.run(report=stop)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert load_checkpoint(tmp_path / "cut")["step"] == cut.saved == 3
    Training(recipe, capture_folder, tmp_path / "cut", "cpu").run()
    one, other = (load_checkpoint(tmp_path / name)["average"] for name in ("whole", "cut"))
    assert all(torch.allclose(v, other[k], atol=1e-6) for k, v in one.items())


@pytest.mark.usefixtures("interruptible")
def test_a_second_ctrl_c_stops_at_once(capture_folder, tmp_path):
    training = Training(small_recipe(), capture_folder, tmp_path, "cpu")

    def stop_twice(*_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        training.run(report=stop_twice)
    assert not (tmp_path / CHECKPOINT).exists()


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_leaves_the_pieces_and_says_what_is_kept(capture_folder, tmp_path, capsys):
    out, travel = tmp_path / "out", tmp_path / "travel"
    words = ["train", str(small_file(tmp_path, steps=100_000)), "--data", str(capture_folder)]

    def stop():
        while not (out / "small" / "curve.csv").is_file():
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    assert main([*words, "--out", str(out), "--pieces", str(travel)]) == 1
    step = json.loads((travel / "small.json").read_text())["step"]
    assert load_checkpoint(out / "small")["step"] == step > 0
    said = f"{step} of 100000 updates are kept in {out / 'small'}, and in pieces in {travel}; the s"
    assert said in capsys.readouterr().out


def test_the_curve_has_every_update_once(capture_folder, tmp_path):
    recipe = small_recipe()
    Training(recipe, capture_folder, tmp_path, "cpu").run(seconds=0.0)
    early = (tmp_path / CHECKPOINT).read_bytes()
    Training(recipe, capture_folder, tmp_path, "cpu").run()
    (tmp_path / CHECKPOINT).write_bytes(early)  # as after a loss of power
    Training(recipe, capture_folder, tmp_path, "cpu").run()
    steps = [row.partition(",")[0] for row in (tmp_path / "curve.csv").read_text().splitlines()]
    assert steps == ["step", "1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("word", ["--out", "--pieces"])
def test_folders_that_are_files_are_refused_before_training(capture_folder, tmp_path, capsys, word):
    afile = tmp_path / "afile"
    afile.touch()
    words = ["train", str(small_file(tmp_path, steps=1)), "--data", str(capture_folder)]
    assert main([*words, "--out", str(tmp_path / "out"), word, str(afile)]) == 2
    assert "afile" in (said := capsys.readouterr().err)
    assert said.count("nothing can be written into it") == 1
    assert not list(tmp_path.rglob("*.onnx"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threads", "-3"], "'-3' is no number of cores from 1 to 1024"),
        (["--minutes", "-1"], "'-1' is no number above 0"),
        (["--minutes", "0"], "'0' is no number above 0"),
        (["--minutes", "nan"], "'nan' is no number above 0"),
        (["--data", "nowhere.npz.xz"], "nowhere.npz.xz: no such file or folder."),
    ],
)
def test_wrong_words_of_train_are_told(capture_folder, tmp_path, capsys, words, said):
    recipe = small_file(tmp_path, steps=1)
    line = ["train", str(recipe), "--data", str(capture_folder), "--out", str(tmp_path / "out")]
    assert main([*line, *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_slice_says_what_is_kept(capture_folder, tmp_path, capsys):
    recipe = small_file(tmp_path, steps=3)
    words = ["train", str(recipe), "--data", str(capture_folder), "--out", str(tmp_path)]
    assert main([*words, "--minutes", "1e-9"]) == 0
    said = capsys.readouterr().out
    assert said.endswith(
        f"1 of 3 updates are kept in {tmp_path / 'small'}; the same command goes on.\n"
    )


def test_checkpoints_that_are_cut_off_are_told_in_words(capture_folder, tmp_path):
    with pytest.raises(ModelError, match=r"has no checkpoint\.pt, so it is no training run\.$"):
        load_checkpoint(tmp_path)
    Training(small_recipe(), capture_folder, tmp_path, "cpu").run(seconds=0.0)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ModelError, match=r"checkpoint\.pt: .* cut off; move it away to begin anew"):
        load_checkpoint(tmp_path)
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(ModelError, match=r"checkpoint\.pt: .* cut off; move it away to begin anew"):
        load_checkpoint(tmp_path)


def test_slices_on_lent_machines_go_on_from_pieces(capture_folder, tmp_path, capsys):
    """Every slice finds an empty machine, and the pieces that the one before left."""
    travel, recipe = tmp_path / "travel", small_file(tmp_path, steps=3)
    reached = []
    for number in range(4):
        out = tmp_path / f"machine{number}"
        words = ["train", str(recipe), "--data", str(capture_folder), "--out", str(out)]
        assert main([*words, "--minutes", "1e-9", "--pieces", str(travel)]) == 0
        [about] = travel.glob("*.json")
        reached.append(json.loads(about.read_text())["step"])
        assert {p.suffix for p in travel.iterdir()} == {".json", ".0"}
    assert reached == [1, 2, 3, 3]
    model = tmp_path / "machine2" / "small" / "small.onnx"
    assert model.is_file(), "written where it was finished, and again at home"
    assert (tmp_path / "machine3" / "small" / "small.onnx").is_file()
    assert (tmp_path / "machine3" / "small" / "curve.csv").read_text().count("\n") == 4


def test_pieces_of_the_best_recipe_are_small_enough_to_travel(tmp_path):
    recipe = read_recipe("best")
    weights = MixSTE(recipe.network).state_dict()
    run = tmp_path / "best"
    run.mkdir()
    state = {"recipe": "{}", "step": 7, "network": weights, "average": weights, "optimizers": []}
    torch.save(state, run / CHECKPOINT)
    written = pieces.leave(run, tmp_path / "travel")
    sizes = [path.stat().st_size for path in written]
    assert len(sizes) <= 8
    assert max(sizes) < 16 << 20
    assert sum(sizes) < 40 << 20
    [taken] = pieces.take_up(tmp_path / "travel", tmp_path / "home")
    again = load_checkpoint(taken)
    assert again["step"] == 7
    for name, value in weights.items():
        assert torch.allclose(again["average"][name], value, rtol=1e-3, atol=1e-6)


def test_pieces_of_other_data_do_not_take_a_runs_place(capture_folder, tmp_path):
    travel, out = tmp_path / "travel", tmp_path / "out"
    other = packed(tmp_path / "other" / "waving.npz", 60, "elsewhere").parent
    ahead = Training(small_recipe(), other, tmp_path / "small", "cpu")
    ahead.run()
    pieces.leave(tmp_path / "small", travel)
    Training(small_recipe(), capture_folder, out / "small", "cpu").run(seconds=0.0)
    with pytest.raises(ModelError, match=r"small: was trained on waving\.npz \(.*; choose another"):
        pieces.take_up(travel, out)
    assert load_checkpoint(out / "small")["step"] == 1


def test_pieces_that_do_not_fit_are_refused_and_older_ones_ignored(capture_folder, tmp_path):
    travel, out = tmp_path / "travel", tmp_path / "out"
    training = Training(small_recipe(), capture_folder, out / "small", "cpu")
    training.run(seconds=0.0)
    pieces.leave(out / "small", travel, size=1000)
    assert len(list(travel.iterdir())) > 5
    training.run(seconds=0.0)
    assert pieces.take_up(travel, out) == []
    assert load_checkpoint(out / "small")["step"] == 2
    assert pieces.take_up(tmp_path / "nowhere", out) == []
    (travel / "notes.json").write_text("{}")
    pieces.leave(out / "small", travel, size=2000)
    assert (travel / "notes.json").is_file()
    [second] = travel.glob("small.*.1")
    second.write_bytes(b"x" * 2000)
    with pytest.raises(ModelError, match=r"small\.json: its pieces cannot be put together"):
        pieces.take_up(travel, tmp_path / "other")
    second.unlink()
    with pytest.raises(ModelError, match=r"small\.json"):
        pieces.take_up(travel, tmp_path / "other")
    assert not (tmp_path / "other").exists()
