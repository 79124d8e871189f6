"""The network against the paper's equations, the published layout, and its own ONNX file."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tests of the network need torch")

from lift_to_3d.core.errors import ModelError  # noqa: E402
from lift_to_3d.core.mixste.backend import open_backend  # noqa: E402
from lift_to_3d.core.mixste.cost import cost_of  # noqa: E402
from lift_to_3d.core.mixste.model import ModelCard, find_model, shipped_models  # noqa: E402
from lift_to_3d.core.mixste.network import MixSTE, NetworkConfig  # noqa: E402
from lift_to_3d.core.training.export import (  # noqa: E402
    config_of,
    export_model,
    load_weights,
)

from .naive_mixste import naive_mixste  # noqa: E402

SMALL = NetworkConfig(frames=9, width=32, depth=3, in_channels=3, heads=4)


def random_network(config: NetworkConfig) -> MixSTE:
    torch.manual_seed(1)
    network = MixSTE(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval()


def card(network: MixSTE, name: str = "small") -> ModelCard:
    config = network.config
    return ModelCard(name, config.frames, 12.5, config.in_channels, "view")


@pytest.mark.parametrize("shape", [(1, 9), (3, 9)])
def test_network_is_the_papers_equations(shape):
    network = random_network(SMALL).double()
    x = torch.randn(*shape, 17, 3, dtype=torch.float64)
    expected = naive_mixste(x, network.state_dict(), heads=4)
    assert torch.allclose(network(x), expected, atol=1e-10)


def test_published_layout_of_204_tensors():
    with torch.device("meta"):
        state = MixSTE(NetworkConfig()).state_dict()
    assert len(state) == 204
    assert sum(v.numel() for v in state.values()) == 33_783_811
    assert state["Temporal_pos_embed"].shape == (1, 243, 512)
    assert state["TTEblocks.7.attn.qkv.weight"].shape == (1536, 512)
    assert state["head.1.weight"].shape == (3, 512)


@pytest.mark.parametrize(
    ("width", "depth", "frames", "parameters"),
    [(512, 8, 81, 33_700_867), (512, 10, 243, 42_194_947), (128, 4, 81, 1_073_923)],
)
def test_parameter_counts_of_the_paper(width, depth, frames, parameters):
    with torch.device("meta"):
        network = MixSTE(NetworkConfig(frames=frames, width=width, depth=depth))
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize(
    ("width", "depth", "frames", "macs"),
    [
        (512, 8, 243, 606.7),
        (512, 8, 81, 584.1),
        (512, 8, 27, 576.6),
        (384, 8, 243, 348.1),
        (256, 8, 243, 160.7),
        (256, 6, 81, 112.1),
        (128, 4, 81, 19.5),
    ],
)
def test_multiplications_are_those_counted_by_hand(width, depth, frames, macs):
    """17 [2L (4C² + 2·2C²) + L (2·17C + 2TC) + 5C] a frame."""
    config = NetworkConfig(frames=frames, width=width, depth=depth)
    linear = 2 * depth * 8 * width**2 + 5 * width
    by_hand = 17 * (linear + depth * 2 * (17 + frames) * width)
    assert cost_of(config.as_dict()).macs == by_hand
    assert by_hand / 1e6 == pytest.approx(macs, abs=0.051)


def test_multiplications_are_those_that_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        network, x = MixSTE(NetworkConfig()), torch.zeros(1, 243, 17, 2)
    with FlopCounterMode(display=False) as counter:
        network(x)
    assert counter.get_total_flops() / 2 / 243 == cost_of(network.config.as_dict()).macs


@pytest.mark.parametrize(
    "config", [NetworkConfig(), NetworkConfig(9, 32, 3, 3, joints=15, heads=4, mlp_ratio=3.0)]
)
def test_parameters_are_those_of_the_network(config):
    with torch.device("meta"):
        network = MixSTE(config)
    counted = sum(p.numel() for p in network.parameters())
    assert cost_of(config.as_dict()).parameters == counted


def test_the_papers_size_is_printed():
    shown = str(cost_of(NetworkConfig().as_dict()))
    assert shown == "33.78 M parameters, 606.7 M MACs a frame"


@pytest.mark.slow
def test_network_compiles_as_one_graph_and_trains_in_bfloat16():
    """What a graphics card runs, traced here by torch's own backend, without its compiler."""
    torch.manual_seed(0)
    network = MixSTE(NetworkConfig(9, 32, 2, 3, heads=4, dropout=0.1, drop_path=0.1))
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    x = torch.randn(2, 9, 17, 3)
    with torch.autocast("cpu", torch.bfloat16):
        compiled(x).float().square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())
    network.eval()
    with torch.no_grad():
        assert torch.allclose(compiled(x), network(x), atol=1e-6)


def test_size_is_read_off_the_tensors():
    network = random_network(SMALL)
    assert config_of(network.state_dict(), heads=4) == SMALL


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_onnx_gives_the_same_for_any_batch(tmp_path, batch):
    network = random_network(SMALL)
    export_model(network, card(network), tmp_path)
    run = open_backend(find_model(str(tmp_path / "small.onnx")), "cpu")
    x = torch.randn(batch, 9, 17, 3)
    with torch.no_grad():
        assert np.allclose(run(x.numpy()), network(x).numpy(), atol=1e-5)


def test_weights_come_back_from_npz(tmp_path):
    network = random_network(SMALL)
    export_model(network, card(network), tmp_path)
    again = load_weights(tmp_path / "small.npz", heads=4).state_dict()
    assert all(torch.equal(v, again[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_weights_and_shipped_onnx_are_one_model(name):
    model = find_model(name)
    network = load_weights(model.onnx.with_suffix(".npz"), model.card.network["heads"])
    x = torch.randn(2, model.card.frames, 17, model.card.in_channels)
    with torch.no_grad():
        assert np.allclose(open_backend(model, "cpu")(x.numpy()), network(x).numpy(), atol=1e-4)


def test_exporting_keeps_nothing_for_a_backward_pass(tmp_path):
    """At full size that was 4 GB."""
    kept = []

    def keep(tensor):
        kept.append(tensor.shape)
        return tensor

    network = random_network(SMALL)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        export_model(network, card(network), tmp_path)
    assert not kept


def test_answers_that_are_no_numbers_are_said(tmp_path):
    network = random_network(SMALL)
    with torch.no_grad():
        network.Spatial_pos_embed.fill_(torch.nan)
    export_model(network, card(network), tmp_path)
    run = open_backend(find_model(str(tmp_path / "small.onnx")), "cpu")
    with pytest.raises(ModelError, match=r"small\.onnx: answers with what is no number"):
        run(np.zeros((1, 9, 17, 3), np.float32))
