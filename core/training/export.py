"""Networks to files: ONNX for running, plain ``.npz`` for going on in torch; and back."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import ModelError, reason
from ..mixste.model import ModelCard, write_card
from ..mixste.network import MixSTE, NetworkConfig

_OPSET = 17


def export_model(network: MixSTE, card: ModelCard, folder: Path) -> Path:
    """Write ``NAME.onnx``, ``NAME.npz`` and the card ``NAME.json``; gives the ONNX file's path.

    The batch is dynamic, the number of frames is the network's.

    Raises:
        ModelError: the folder cannot be written to, or the card's name is a path.
    """
    if set(card.name) & {"/", "\\"}:
        raise ModelError(f"{card.name}: is a path; a name has no slash, and --out says the folder.")
    onnx = folder / f"{card.name}.onnx"
    part = folder / f"{card.name}.part.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_onnx(network, onnx)
        np.savez_compressed(part, **{k: v.numpy() for k, v in network.cpu().state_dict().items()})
        part.replace(onnx.with_suffix(".npz"))
        write_card(card, onnx.with_suffix(".json"))
    except OSError as error:
        raise ModelError(f"{onnx}: cannot be written ({reason(error)}).") from error
    return onnx


def load_weights(path: Path, heads: int = 8) -> MixSTE:
    """A network from the ``.npz`` that `export_model` wrote.

    Raises:
        ModelError: the file is damaged or of another network.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = {name: torch.from_numpy(file[name]) for name in file.files}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a weights file ({reason(error)}).") from error
    return network_from(weights, heads, str(path))


def network_from(weights: Mapping[str, Tensor], heads: int, source: str) -> MixSTE:
    """A network that fits a state dict, sizes read off its tensors, loaded strictly.

    Raises:
        ModelError: tensors are missing, unknown or of the wrong shape.
    """
    try:
        config = config_of(weights, heads)
    except KeyError as missing:
        raise ModelError(f"{source}: not a MixSTE network; {missing} is missing.") from None
    except (ValueError, IndexError) as error:
        raise ModelError(f"{source}: not a MixSTE network; {error}.") from None
    if heads < 1 or config.width % heads:
        raise ModelError(f"{source}: {heads} heads do not divide its {config.width} features.")
    network = MixSTE(config)
    expected = network.state_dict()
    if unlike := _differences(weights, expected):
        raise ModelError(
            f"{source}: not a plain MixSTE network; {unlike}. Pruned or extended ones, HoT's for "
            "instance, need their authors' code; import the plain network that they began with."
        )
    network.load_state_dict(dict(weights))
    return network.eval()


def _differences(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """How tensors differ from those that are expected, in words; "" where they do not."""
    both = weights.keys() & expected.keys()
    shapes = sorted(name for name in both if weights[name].shape != expected[name].shape)
    kinds = {
        "missing": sorted(expected.keys() - weights.keys()),
        "unknown": sorted(weights.keys() - expected.keys()),
        "of another shape": shapes,
    }
    return ", ".join(
        f"{len(names)} {what} ({names[0]}{' ...' if len(names) > 1 else ''})"
        for what, names in kinds.items()
        if names
    )


def config_of(weights: Mapping[str, Tensor], heads: int = 8) -> NetworkConfig:
    """The size of the network that a state dict is of; the number of heads is not in it."""
    embedding = weights["Spatial_patch_to_embedding.weight"]
    width, in_channels = embedding.shape
    blocks = {name.split(".")[1] for name in weights if name.startswith("STEblocks.")}
    return NetworkConfig(
        frames=weights["Temporal_pos_embed"].shape[1],
        width=width,
        depth=len(blocks),
        in_channels=in_channels,
        joints=weights["Spatial_pos_embed"].shape[1],
        heads=heads,
        mlp_ratio=weights["STEblocks.0.mlp.fc1.weight"].shape[0] / width,
    )


def _write_onnx(network: MixSTE, path: Path) -> None:
    config = network.config
    example = torch.zeros(2, config.frames, config.joints, config.in_channels)
    part = path.with_name(path.name + ".part")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval().cpu(),
            (example,),
            str(part),
            input_names=["keypoints"],
            output_names=["joints"],
            dynamic_axes={"keypoints": {0: "batch"}, "joints": {0: "batch"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    part.replace(path)
