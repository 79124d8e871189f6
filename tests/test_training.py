"""Metrics, the optimizer, recipes and the loop, against known truths."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

torch = pytest.importorskip("torch", reason="tests of training need torch")
torch.set_num_threads(1)  # networks this small only wait for each other

from lift_to_3d.core.errors import ModelError  # noqa: E402
from lift_to_3d.core.mixste.model import ModelCard  # noqa: E402
from lift_to_3d.core.mixste.network import MixSTE, NetworkConfig  # noqa: E402
from lift_to_3d.core.training import losses, metrics  # noqa: E402
from lift_to_3d.core.training.batches import load_capture, random_batch  # noqa: E402
from lift_to_3d.core.training.export import export_model  # noqa: E402
from lift_to_3d.core.training.loop import (  # noqa: E402
    CHECKPOINT,
    Training,
    load_checkpoint,
    new_network,
    set_precision,
    usable_device,
    with_window_length,
)
from lift_to_3d.core.training.optimizer import orthogonalised  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from .training_tools import STANDING, small_recipe  # noqa: E402


@given(st.integers(0, 10_000))
def test_procrustes_undoes_any_similarity(seed):
    random = np.random.default_rng(seed)
    target = random.normal(size=(4, 17, 3))
    turn = Rotation.from_quat(random.normal(size=(4, 4))).as_matrix()
    other = random.uniform(0.2, 3, (4, 1, 1)) * target @ turn + random.normal(size=(4, 1, 3))
    assert metrics.p_mpjpe(other, target) < 1e-6
    flipped = target * [-1, 1, 1]
    assert metrics.p_mpjpe(flipped, target) > 50, "a mirror image is not a rotation"


def test_metrics_in_millimetres():
    target = np.repeat(STANDING[None], 4, 0)
    assert metrics.mpjpe(target + [0.01, 0, 0], target) == pytest.approx(10)
    assert metrics.mpjve(target + np.arange(4)[:, None, None] * [0, 0.02, 0], target) == (
        pytest.approx(20)
    )
    relative = target - target[:, :1]
    assert metrics.n_mpjpe(relative * 1.3, relative) == pytest.approx(0, abs=1e-9)
    bent = relative.copy()
    bent[1, 13] = 2 * bent[1, 12] - bent[1, 13]
    assert metrics.wrong_limbs(bent, relative).tolist() == [False, True, False, False]


def test_orthogonalised_steps_have_singular_values_near_one():
    torch.manual_seed(0)
    for shape in ((3, 32, 96), (2, 96, 32), (1, 64, 64)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
        assert 0.5 < float(values.min())
        assert float(values.max()) < 1.5


@pytest.mark.parametrize("dropped", [{}, {"dropout": 0.1}, {"drop_path": 0.5}])
def test_training_can_be_cut_anywhere(capture_folder, tmp_path, dropped):
    recipe = small_recipe()
    recipe = replace(recipe, network=replace(recipe.network, depth=2, **dropped))

    def weights(folder):
        return load_checkpoint(folder)["average"]

    whole = Training(recipe, capture_folder, tmp_path / "whole", "cpu")
    whole.run()
    assert whole.finished
    for _ in range(20):
        torch.manual_seed(len(list(tmp_path.rglob("*"))))  # what was drawn before does not matter
        cut = Training(recipe, capture_folder, tmp_path / "cut", "cpu")
        if cut.finished:
            break
        cut.run(seconds=0.0)
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.allclose(v, other[k], atol=1e-6) for k, v in one.items())
    assert (tmp_path / "cut" / "curve.csv").read_text().startswith("step,")
    assert (tmp_path / "cut" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_that_diverges_stops_and_keeps_its_checkpoint(capture_folder, tmp_path):
    """Also where only some updates are looked at, as on a card."""
    good = small_recipe(optimizer="adamw", warmup=1, cooldown=0.0, steps=20)
    Training(good, capture_folder, tmp_path, "cpu").run(seconds=0.0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    bad = Training(replace(good, lr=1e20), capture_folder, tmp_path, "cpu")
    bad.look_every = 5
    with pytest.raises(
        ModelError, match=r"^small: .* from update 3 on, .* of update 1 is kept; give"
    ):
        bad.run()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_weights_that_a_last_update_spoilt_are_not_kept(capture_folder, tmp_path):
    recipe = small_recipe(optimizer="adamw", warmup=1, cooldown=0.0, steps=1, lr=3e37, decay=11.0)
    with pytest.raises(ModelError, match="not finite from update 1 on, and nothing is kept"):
        Training(recipe, capture_folder, tmp_path, "cpu").run()
    assert not list(tmp_path.glob(CHECKPOINT + "*"))


def test_single_frames_are_trained_on(capture_folder, tmp_path):
    recipe = small_recipe(loss=losses.Loss("reference", consistency=0.5, velocity=2.0))
    recipe = replace(recipe, network=replace(recipe.network, frames=1))
    training = Training(recipe, capture_folder, tmp_path, "cpu")
    training.run()
    assert all(value.isfinite().all() for value in load_checkpoint(tmp_path)["average"].values())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data": {}}, r"^small: names no capture; add a \[data\] table"),
        (
            {"data": {"waving.npz": 1.0, "a.npz": 1.0, "b.npz": 1.0}},
            r"has no a\.npz and no b\.npz, w",
        ),
        ({"in_channels": 2}, "17 joints of 2 numbers, but motion capture gives 17 of 3"),
        ({"joints": 15}, "15 joints of 3 numbers, but motion capture gives 17 of 3"),
        ({"device": "meta"}, "device 'meta': torch cannot train on any such; take cpu or cuda.$"),
        ({"device": "warp"}, "device 'warp': torch cannot train on any such; take cpu or cuda.$"),
    ],
)
def test_runs_that_cannot_begin_are_told_in_words(capture_folder, tmp_path, changed, said):
    recipe, device = small_recipe(), changed.pop("device", "cpu")
    if "data" in changed:
        recipe = replace(recipe, **changed)
    else:
        recipe = replace(recipe, network=replace(recipe.network, **changed))
    with pytest.raises(ModelError, match=said):
        Training(recipe, capture_folder, tmp_path / "run", device)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without a graphics card")
def test_a_card_that_is_not_there_is_told_in_words():
    with pytest.raises(ModelError, match=r"^device 'cuda': torch cannot .*; take cpu, or install"):
        usable_device("cuda")


@pytest.mark.filterwarnings("ignore:.*CUDA is not available")
def test_precision_is_the_recipes_on_a_card_and_full_on_a_cpu():
    def products(name, device):
        set_precision(name, torch.device(device))
        return torch.get_float32_matmul_precision()

    assert products("bfloat16", "cuda") == "high"
    assert products("float32", "cuda") == "highest"
    assert products("bfloat16", "cpu") == "highest"
    with set_precision("bfloat16", torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


class Dispatched(TorchDispatchMode):
    """Counts every operation of torch by name."""

    def __init__(self):
        super().__init__()
        self.names = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def test_an_update_never_waits_for_the_card(capture_folder, tmp_path):
    """Neither number nor size is taken from a tensor, and no list is copied to the device."""
    training = Training(small_recipe(), capture_folder, tmp_path, "cpu")

    def made_and_learnt(number):
        batch = training.source.draw(torch.Generator().manual_seed(number))
        loss, _ = training._loss(training.network(batch.inputs), batch)
        loss.backward()
        training._follow()

    made_and_learnt(0)  # constants go to the device once
    with Dispatched() as seen:
        made_and_learnt(1)
    assert seen.names["rand"] > 10, "it was counted"
    for name in ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero"):
        assert not seen.names[name], name
    assert seen.names["lift_fresh"] <= 1, "only the number 1 in to_view, which stays on the host"


def test_gradients_are_cut_to_the_recipes_length_or_not_at_all(capture_folder, tmp_path):
    def moved(clip):
        values = {"optimizer": "adam", "warmup": 1, "lr": 1.0, "clip": clip, "steps": 1}
        recipe = small_recipe(**values, loss=losses.Loss(position=1e3))
        training = Training(recipe, capture_folder, tmp_path / str(clip), "cpu")
        training.run()
        return nn.utils.get_total_norm(
            [p.grad for p in training.network.parameters() if p.grad is not None]
        )

    assert float(moved(0.0)) > 10
    assert float(moved(0.5)) == pytest.approx(0.5, rel=1e-3)


def test_training_learns(capture_folder, tmp_path):
    recipe = small_recipe(steps=150, lr=1e-2, noise=0.0)
    training = Training(recipe, capture_folder, tmp_path, "cpu")
    captures = [load_capture(capture_folder / "waving.npz", 1.0, torch.device("cpu"))]
    batch = random_batch(captures, 32, 5, (7, 25), 0.0, torch.Generator().manual_seed(99))

    def error(network):
        with torch.no_grad():
            return metrics.mpjpe(network(batch.inputs).numpy(), batch.targets.numpy())

    before = error(training.network)
    training.run()
    assert error(training.average) < 0.5 * before


def test_longer_windows_keep_the_embeddings_ends():
    network = MixSTE(NetworkConfig(frames=9, width=16, depth=1, heads=4))
    torch.nn.init.normal_(network.Temporal_pos_embed)
    longer = with_window_length(network.state_dict(), 27)["Temporal_pos_embed"]
    assert longer.shape == (1, 27, 16)
    assert torch.allclose(longer[:, [0, -1]], network.Temporal_pos_embed[:, [0, -1]])


def test_a_recipe_begins_with_a_model(tmp_path):
    before = MixSTE(NetworkConfig(frames=9, width=16, depth=1, in_channels=3, heads=4))
    torch.nn.init.normal_(before.Temporal_pos_embed)
    card = ModelCard("before", 9, 12.5, 3, "view")
    onnx = export_model(before, card, tmp_path)
    recipe = small_recipe(start_from=str(onnx))
    network = new_network(replace(recipe, network=replace(before.config, frames=27)))
    weights = before.state_dict() | {"Temporal_pos_embed": network.Temporal_pos_embed}
    for name, value in network.state_dict().items():
        assert torch.equal(value, weights[name])
    with pytest.raises(ModelError, match="of another width, depth or input"):
        new_network(replace(recipe, network=replace(before.config, depth=2)))


def test_step_size_warms_up_holds_and_falls_to_nothing():
    recipe = small_recipe(steps=100, warmup=10, lr=1.0, cooldown=0.5)
    sizes = [recipe.step_size(i) for i in range(100)]
    assert sizes[0] == pytest.approx(0.1)
    assert sizes[9:50] == [1.0] * 41
    assert sizes[99] == pytest.approx(0.02)
