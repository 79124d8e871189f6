"""Recipes: what the shipped ones say, what follows from the data, and wrong ones in words."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)  # networks this small only wait for each other

from lift_to_3d.core.errors import LiftError, ModelError  # noqa: E402
from lift_to_3d.core.mixste.network import MixSTE  # noqa: E402
from lift_to_3d.core.training import losses  # noqa: E402
from lift_to_3d.core.training.loop import new_network  # noqa: E402
from lift_to_3d.core.training.recipe import RECIPES, read_recipe  # noqa: E402


def test_recipes_paper_and_reference_are_what_they_say():
    paper, reference = read_recipe("paper"), read_recipe("reference")
    for recipe in (paper, reference):
        size = recipe.network
        assert (size.frames, size.width, size.depth, size.in_channels) == (243, 512, 8, 2)
        assert (recipe.dataset, recipe.keypoints) == ("h36m", "cpn_ft_h36m_dbb")
        assert (recipe.batch, recipe.lr) == (4, 4e-5)
        once = replace(recipe, epoch=3300)
        assert once.step_size(3299) == 4e-5
        assert once.step_size(3300) == pytest.approx(4e-5 * 0.99)
        assert recipe.epochs == 120
        assert recipe.precision == "float32"
    assert paper.loss == losses.Loss("paper", True, 1.0, 0.5, 2.0)
    assert reference.loss == losses.Loss("reference", False, 1.0, 0.5, 2.0, times_itself=True)
    assert (paper.optimizer, paper.decay) == ("adam", 0)
    assert (reference.optimizer, reference.decay) == ("adamw", 0.1)
    assert (paper.network.dropout, paper.network.drop_path) == (0.1, 0)
    assert (reference.network.dropout, reference.network.drop_path) == (0, 0.1)


@pytest.mark.parametrize("name", ["paper", "reference"])
@pytest.mark.parametrize(
    ("dataset", "frames", "windows", "clips", "joints", "keypoints"),
    [
        ("h36m", None, 243, 4, 17, "cpn_ft_h36m_dbb"),
        ("h36m", 81, 81, 12, 17, "cpn_ft_h36m_dbb"),
        ("3dhp", None, 27, 37, 17, "gt"),
        ("3dhp", 1, 1, 1024, 17, "gt"),
        ("humaneva", None, 43, 23, 15, "gt"),
    ],
)
def test_the_papers_recipes_fit_each_data_set(
    name, dataset, frames, windows, clips, joints, keypoints
):
    recipe = read_recipe(name, dataset, frames=frames)
    network = recipe.network
    assert (network.frames, network.joints, network.in_channels) == (windows, joints, 2)
    assert (recipe.batch, recipe.keypoints, recipe.dataset) == (clips, keypoints, dataset)
    owner = {"h36m": "Human3.6M", "3dhp": "MPI-INF-3DHP", "humaneva": "HumanEva"}[dataset]
    assert recipe.licence.startswith(owner)
    assert recipe.sources[0].startswith(owner)
    assert recipe.loss == read_recipe(name).loss


def test_keypoints_are_chosen_without_a_file(tmp_path):
    assert read_recipe("paper", keypoints="gt").keypoints == "gt"
    own = tmp_path / "own.toml"
    own.write_text("steps = 3\nbatch = 2\ndataset = 'h36m'\nkeypoints = 'hrnet'\n"
                   "licence = 'mine'\n[network]\n")  # fmt: skip
    assert read_recipe(str(own)).keypoints == "hrnet"
    other = read_recipe(str(own), "humaneva")
    assert (other.keypoints, other.licence, other.network.joints) == ("gt", "", 15)
    shipped = read_recipe("default", "h36m")
    assert (shipped.network.in_channels, shipped.keypoints) == (2, "cpn_ft_h36m_dbb")
    assert (shipped.sources, shipped.licence, shipped.data) == ((), "", {}), "those of capture"
    assert read_recipe("default").network.in_channels == 3
    with pytest.raises(ModelError, match=r"^default: learns from motion capture; keypoints are of"):
        read_recipe("default", keypoints="gt")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_recipes_are_read(path):
    recipe = read_recipe(path.stem)
    assert recipe.name == path.stem
    with torch.device("meta"):
        MixSTE(recipe.network)
    if recipe.start_from:
        new_network(recipe)


def test_recipes_that_are_not_there_are_told_in_words(tmp_path):
    with pytest.raises(ModelError, match=r"^tiny\.tml: no such recipe; there are best, default"):
        read_recipe("tiny.tml")
    path = tmp_path / "own.toml"
    path.write_text("steps = 3\n")
    with pytest.raises(
        ModelError, match=r"own\.toml: not a recipe \(it has no table \[network\]\)\.$"
    ):
        read_recipe(str(path))


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("steps = 3\nbatch = 2\n[network]\nwidth = 30", "8 heads do not divide its width, 30"),
        ("steps = 3\nbatch = 2\n[network]\nframes = 0", "frames, depth, batch and steps are 1"),
        ("steps = 3\nbatch = 2\nprecision = 'half'\n[network]", "'half' is none of bfloat16, f"),
        (
            "steps = 3\nbatch = 2\n[network]\n[loss]\njoints = 'refrence'",
            "'refrence' is none of even",
        ),
        ("epochs = 3\nbatch = 2\n[network]", "epochs are of a data set, and it names none"),
        ("steps = 3\nbatch = 2\ndataset = 'lsp'\n[network]", "there are h36m, 3dhp, humaneva"),
        ("steps = 3\nbatch = 2\nspeed = 1\n[network]", r"\(there is no entry speed; is seed m"),
        (
            "steps = 3\nbatch = 2\n[network]\nwidht = 16",
            r"\(there is no entry widht under \[network\]; is wid",
        ),
        ("steps = 3\nbatch = 2\n[network]\nheads = 0", "heads and width are 1 at least"),
        ("steps = 3\n[network]", r"\(batch must be given\)"),
        ("[network]", r"\(steps and batch must be given\)"),
        ("steps = 'x'\nbatch = 2\n[network]", r"\(steps is a whole number, not 'x'\)"),
        (
            "steps = 3\nbatch = 2\n[network]\n[loss]\nsquared = 1",
            r"\(squared under \[loss\] is true or",
        ),
        ("steps = 3\nbatch = 2\nlr = -1.0\n[network]", r"\(lr is above 0, not -1.0\)"),
        ("steps = 3\nbatch = 2\nlr = nan\n[network]", r"\(lr is above 0, not nan\)"),
        ("steps = 3\nbatch = 2\nwarmup = 0\n[network]", r"\(warmup is 1 at least, not 0\)"),
        ("steps = 3\nbatch = 2\nsteep = 2\n[network]", r"\(steep is from 0 to 1, not 2\)"),
        ("steps = 3\nbatch = 2\n[network]\nmlp_ratio = -1.0", r"\(mlp_ratio under .* is above 0"),
        ("steps = 3\nbatch = 2\n[network]\ndropout = 2.0", r"\(dropout under .* is from 0 to 1"),
        ("steps = 3\nbatch = 2\nrate = ['a', 8.0]\n[network]", r"\(rate is two numbers above 0"),
        ("steps = 3\nbatch = 2\nrate = [9.0, 8.0]\n[network]", r"\(rate is two numbers above 0"),
        ("steps = 3\nbatch = 2\n[data]\n'a.npz' = 0.0\n[network]", r"the shares under \[data\]"),
        (
            "steps = 3\nbatch = 2\noptimizer = 'sgd'\n[network]",
            "'sgd' is none of muon, adam, adamw",
        ),
        ("steps = 3\nbatch = 2\ndatasets = 'h36m'\n[network]", r"own\.toml: not a recipe"),
    ],
)
def test_wrong_entries_are_told_in_words(tmp_path, entries, said):
    path = tmp_path / "own.toml"
    path.write_text(entries)
    with pytest.raises(LiftError, match=said):
        read_recipe(str(path))
