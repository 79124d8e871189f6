"""Model files: a network in ONNX beside a card that says what it takes and where it is from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..confidence import SIGNS
from ..errors import ModelError, reason

MODELS = Path(__file__).parent / "models"
INPUTS = ("view", "picture", "coco")


@dataclass(frozen=True)
class ModelCard:
    """What a model takes, how it was made, and how good it is; ``NAME.json`` beside ``NAME.onnx``.

    Attributes:
        name: the model's name.
        frames: length of a window.
        rate: frames a second that a window is meant to have.
        in_channels: 2, or 3 with confidence.
        input: "view", see `core.mixste.view`; "picture", x and y over half the picture's width as
            the published checkpoints take them; "coco", likewise, of COCO's keypoints.
        licence: what may be done with the weights.
        data: the capture that it was trained on, with licences.
        command: what made it.
        figures: measured errors, by test.
        network: the network's size.
        joint_errors: what `core.confidence.expected_error` takes, measured on held-out people.
        sign_weights: likewise.
        network_of: the model beside it whose network it runs in its own way, or "" for its own.
        flip: whether the mirror image is lifted too where nothing else is asked for.
        overlap: share of a window that the next one shows again, likewise.
    """

    name: str
    frames: int
    rate: float
    in_channels: int
    input: str
    licence: str = ""
    data: tuple[str, ...] = ()
    command: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    joint_errors: tuple[float, ...] = (0.4,) * 17
    sign_weights: tuple[float, ...] = (0.5, 0.0, 0.0, 0.0, 0.0)
    network_of: str = ""
    flip: bool = True
    overlap: float = 0.5

    @property
    def joints(self) -> int:
        """How many joints it takes and gives."""
        return int(self.network.get("joints", 17))


@dataclass(frozen=True)
class Model:
    """A model on disk: its card and its network."""

    card: ModelCard
    card_path: Path
    onnx: Path


def find_model(name: str) -> Model:
    """A shipped model by name, or any ``.onnx`` file that has its card beside it.

    Raises:
        ModelError: there is none, or its card is damaged.
    """
    shipped = MODELS / f"{name}.json"
    card_path = Path(name).with_suffix(".json") if name.endswith(".onnx") else shipped
    onnx = card_path.with_suffix(".onnx")
    if not card_path.is_file():
        if onnx.is_file():
            raise ModelError(
                f"{onnx}: its card {card_path.name} is missing; put it beside the model."
            )
        if Path(name).is_file():
            raise ModelError(
                f"{name}: is no .onnx file; import-checkpoint makes one of a published checkpoint."
            )
        names = ", ".join(shipped_models())
        raise ModelError(f"{name}: no such model; there are {names}, or give an .onnx file.")
    card = read_card(card_path)
    if card.network_of:
        onnx = onnx.with_name(f"{card.network_of}.onnx")
    if not onnx.is_file():
        raise ModelError(
            f"{card_path}: its network {onnx.name} is missing; put it beside the card."
        )
    return Model(card, card_path, onnx)


def shipped_models() -> list[str]:
    """The names that `find_model` knows."""
    return sorted(card.stem for card in MODELS.glob("*.json"))


def read_card(path: Path) -> ModelCard:
    """A model card from its JSON file.

    Raises:
        ModelError: it is not one.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
        lists = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        card = ModelCard(**values | lists)
        if card.frames < 1 or card.rate <= 0 or card.in_channels not in (2, 3):
            raise ValueError("frames, rate or in_channels is out of range")
        if (len(card.joint_errors), len(card.sign_weights)) != (17, SIGNS):
            raise ValueError("joint_errors or sign_weights is of a wrong length")
        if not 0 <= card.overlap < 1 or Path(card.network_of).name != card.network_of:
            raise ValueError("overlap or network_of is out of range")
        if card.input not in INPUTS:
            raise ValueError(f"input is {card.input!r}, not one of {', '.join(INPUTS)}")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not a model card ({reason(error)}).") from error
    return card


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card as JSON; a half-written file is never left."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n", "utf-8")
    part.replace(path)
