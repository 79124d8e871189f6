"""Published checkpoints: read without running them, imported, lifted with and measured."""

import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="tests of the network need torch")

from lift_to_3d.cli import main  # noqa: E402
from lift_to_3d.core.errors import ModelError  # noqa: E402
from lift_to_3d.core.lift import lift  # noqa: E402
from lift_to_3d.core.mixste.backend import open_backend  # noqa: E402
from lift_to_3d.core.mixste.cost import cost_of  # noqa: E402
from lift_to_3d.core.mixste.model import find_model  # noqa: E402
from lift_to_3d.core.mixste.network import MixSTE, NetworkConfig  # noqa: E402
from lift_to_3d.core.training.export import network_from  # noqa: E402
from lift_to_3d.core.training.published import read_published  # noqa: E402

from .command_line import FACTS  # noqa: E402
from .dataset_files import h36m_files, humaneva_files  # noqa: E402
from .test_lift import walking_track  # noqa: E402
from .test_network import SMALL, random_network  # noqa: E402


def save_container(network: MixSTE, path: Path) -> Path:
    """A file as the authors' code writes it: wrapped names, an optimizer that has gone a step."""
    optimizer = torch.optim.AdamW(network.parameters())
    config = network.config
    network(torch.ones(1, config.frames, config.joints, config.in_channels)).sum().backward()
    optimizer.step()
    state = OrderedDict((f"module.{k}", v) for k, v in network.state_dict().items())
    content = {
        "epoch": 3,
        "lr": 1e-4,
        "random_state": np.random.RandomState(0),
        "optimizer": optimizer.state_dict(),
        "model_pos": state,
    }
    torch.save(content, path)
    return path


def test_published_container_is_read_without_running_it(tmp_path):
    network = random_network(SMALL)
    path = save_container(network, tmp_path / "best_epoch.bin")
    again = network_from(read_published(path), 4, "file").state_dict()
    assert all(torch.equal(v, again[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize(("flags", "kind"), [([], "picture"), (["--coco"], "coco")])
def test_imported_checkpoint_lifts_a_clip(tmp_path, capsys, flags, kind):
    """The whole way of a researcher's file: container, import, --model."""
    network = random_network(NetworkConfig(frames=27, width=32, depth=2))
    path = save_container(network, tmp_path / "best_epoch.bin")
    assert main(["import-checkpoint", str(path), "--out", str(tmp_path), *flags]) == 0
    cost, model = capsys.readouterr().out.splitlines()
    assert find_model(model).card.input == kind
    assert cost == f"27 frames: {cost_of(network.config.as_dict())}"
    pose = lift(walking_track(40), model=model)
    assert pose.joints.shape == (40, 17, 3)
    assert np.isfinite(pose.joints).all()


@pytest.mark.parametrize(
    ("joints", "rate", "files", "dataset"),
    [(15, 60, humaneva_files, "humaneva"), (16, 50, h36m_files, "h36m --keypoints hr")],
)
def test_networks_of_other_joints_are_imported_for_measuring(
    tmp_path, clip, capsys, joints, rate, files, dataset
):
    """HumanEva's, and Human3.6M's without the neck: refused for characters in one sentence."""
    network = random_network(NetworkConfig(frames=9, width=32, depth=2, joints=joints))
    path = save_container(network, tmp_path / "best_epoch.bin")
    words = ["import-checkpoint", str(path), "--out", str(tmp_path)]
    assert main([*words, "--coco"]) == 2
    assert "with --coco those of 17 joints" in capsys.readouterr().err
    assert main([*words, "--name", "other"]) == 0
    cost, model = capsys.readouterr().out.splitlines()
    assert cost == f"{joints} joints, 9 frames: {cost_of(network.config.as_dict())}"
    found = find_model(model)
    assert (found.card.name, found.card.joints, found.card.rate) == ("other", joints, rate)
    x = torch.randn(2, 9, joints, 2)
    with torch.no_grad():
        assert np.allclose(open_backend(found, "cpu")(x.numpy()), network(x).numpy(), atol=1e-5)

    files(tmp_path)
    measure = ["evaluate", "--data", str(tmp_path), "--model", model, "--dataset"]
    assert main([*measure, *dataset.split(), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4

    out = tmp_path / "out.fbx"
    assert main(["convert", str(clip), *FACTS, "--model", model, "--out", str(out)]) != 0
    said = capsys.readouterr().err
    assert said.count(f"other: has {joints} joints and characters are moved by 17") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rate", "-5"], "--rate: '-5' is no rate"),
        (["--rate", "nan"], "--rate: 'nan' is no rate"),
        (["--heads", "0"], "0 heads do not divide its 32 features"),
        (["--name", "a/b"], "a/b: is a path; a name has no slash"),
    ],
)
def test_words_that_will_not_do_are_said(tmp_path, capsys, words, told):
    path = save_container(random_network(NetworkConfig(9, 32, 2)), tmp_path / "best_epoch.bin")
    out = tmp_path / "models"
    assert main(["import-checkpoint", str(path), "--out", str(out), *words]) == 2
    said = capsys.readouterr().err
    assert re.search(told, said)
    assert said.count("\n") == 1
    assert not list(out.glob("*"))


def test_a_checkpoint_as_a_model_is_told_how_it_becomes_one(tmp_path):
    path = save_container(random_network(NetworkConfig(9, 32, 2)), tmp_path / "best_epoch.bin")
    with pytest.raises(ModelError, match=r"best_epoch\.bin: is no .*import-checkpoint"):
        find_model(str(path))


def test_bare_state_dict_is_read(tmp_path):
    network = random_network(SMALL)
    torch.save(network.state_dict(), tmp_path / "model_1_4150.pth")
    assert read_published(tmp_path / "model_1_4150.pth").keys() == network.state_dict().keys()


class Trap:
    """Writes a file if anything unpickles it for real."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_nothing_in_a_checkpoint_is_executed(tmp_path):
    torch.save({"model_pos": {"a": Trap(tmp_path / "harm")}}, tmp_path / "evil.bin")
    with pytest.raises(ModelError, match=r"evil\.bin"):
        read_published(tmp_path / "evil.bin")
    assert not (tmp_path / "harm").exists()


def _without(state):
    del state["TTEblocks.1.attn.proj.bias"]


def _pruned(state):
    """HoT's: tokens that are pruned, and a cross attention that brings them back."""
    state["pos_embed_token"] = torch.zeros(1, 3, 32)
    state["Cross_Attention.linear_q.weight"] = torch.zeros(32, 32)


def _wider(state):
    state["head.1.weight"] = torch.zeros(4, 32)


def _other(state):
    state.clear()
    state["expand_conv.weight"] = torch.zeros(8, 34, 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without, r"1 missing \(TTEblocks.1.attn.proj.bias\)"),
        (_pruned, r"2 unknown \(Cross_Attention.linear_q.weight \.\.\.\)"),
        (_wider, r"1 of another shape \(head.1.weight\)"),
        (_other, r"not a MixSTE network; 'Spatial_patch_to_embedding.weight' is missing"),
    ],
)
def test_other_networks_are_refused_in_one_sentence(tmp_path, capsys, change, words):
    state = random_network(NetworkConfig(9, 32, 3, heads=4)).state_dict()
    change(state)
    path = tmp_path / "model_1_4150.pth"
    torch.save(state, path)
    assert main(["import-checkpoint", str(path), "--out", str(tmp_path / "models")]) == 2
    said = capsys.readouterr().err
    assert re.search(words, said)
    assert str(path) in said
    assert said.count("\n") == 1
    assert not (tmp_path / "models").exists()


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ModelError, match="5 heads do not divide its 32"):
        network_from(random_network(SMALL).state_dict(), 5, "file")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"\x80\x02}q\x00."])
def test_damaged_checkpoints_are_an_error(tmp_path, content):
    path = tmp_path / "broken.bin"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.bin"):
        read_published(path)
