"""Reading the authors' checkpoints without executing anything in them.

The published ``best_epoch.bin`` is a pickle that holds, beside the tensors, an optimizer's state
and a random-number generator, so torch's own safe loader refuses it. Here the pickle may build
tensors and plain containers; whatever else it names becomes an empty shell.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch._utils import _rebuild_parameter, _rebuild_tensor_v2

from ..errors import ModelError, reason

_PREFIX = "module."
_ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): torch.Size,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
}
_STORAGES = {"FloatStorage", "DoubleStorage", "HalfStorage", "LongStorage", "IntStorage",
             "ByteStorage", "BoolStorage", "BFloat16Storage"}  # fmt: skip


class _Shell:
    """Stands for an object of a kind that is not wanted; takes anything, does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _STORAGES:
            return getattr(torch, name)
        return _ALLOWED.get((module, name), _Shell)


def read_published(path: Path) -> dict[str, Tensor]:
    """The tensors of a published MixSTE checkpoint, or of a bare state dict, by plain names.

    Raises:
        ModelError: the file is missing, damaged, or holds no network.
    """
    reader = ModuleType("restricted_pickle")
    reader.Unpickler = _Unpickler  # type: ignore[attr-defined]
    reader.load = lambda file, **_: _Unpickler(file).load()  # type: ignore[attr-defined]
    try:
        content = torch.load(path, map_location="cpu", weights_only=False, pickle_module=reader)
    except Exception as error:  # torch and pickle report damage by many kinds of error
        raise ModelError(f"{path}: not a checkpoint that can be read ({reason(error)}).") from error
    weights = content.get("model_pos", content) if isinstance(content, dict) else None
    if not isinstance(weights, dict):
        raise ModelError(f"{path}: no network in it; expected a state dict or 'model_pos'.")
    named = {str(name).removeprefix(_PREFIX): value for name, value in weights.items()}
    if not named or not all(isinstance(v, Tensor) for v in named.values()):
        raise ModelError(f"{path}: no network in it; some of its entries are not tensors.")
    return {name: value.detach().float() for name, value in named.items()}
