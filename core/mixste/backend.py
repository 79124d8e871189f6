"""What runs a model: onnxruntime on the CPU or a GPU, and numpy where there is no onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..cores import threads
from ..errors import ModelError
from .model import Model
from .numpy_backend import NumpyMixSTE

Run = Callable[[np.ndarray], np.ndarray]
"""(batch, frames, joints, in_channels) float32 to (batch, frames, joints, 3) float32."""

_PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
DEVICES = ("auto", *_PROVIDERS)
_PACKAGES = {"cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml"}


def open_backend(model: Model, device: str = "auto") -> Run:
    """A function that runs the model on windows; the batch may have any size.

    Args:
        model: the model.
        device: one of `DEVICES`; "auto" takes the first that is there.

    Raises:
        ModelError: the device is unknown or absent, onnxruntime rejects the file; or neither it
            nor the weights for numpy are there. The function itself: an answer is not finite.
    """
    try:
        import onnxruntime as ort
    except ImportError as error:
        if device not in ("auto", "cpu"):
            raise ModelError(f"device {device!r} needs onnxruntime, which is missing.") from error
        return NumpyMixSTE(model)

    there = ort.get_available_providers()
    if device != "auto" and _PROVIDERS.get(device) not in there:
        names = ", ".join(["auto", *(d for d, p in _PROVIDERS.items() if p in there)])
        how = f", or install {_PACKAGES.get(device)} in onnxruntime's place" * (device in _PACKAGES)
        raise ModelError(f"device {device!r} is not available here; choose one of {names}{how}.")
    chosen = [p for d, p in _PROVIDERS.items() if p in there and device in ("auto", d)]
    providers = list(dict.fromkeys([*chosen, _PROVIDERS["cpu"]]))

    session = _session(model.onnx, model.onnx.stat().st_mtime_ns, tuple(providers), threads())
    source = session.get_inputs()[0]
    expected = (model.card.frames, model.card.in_channels)
    if (source.shape[1], source.shape[3]) != expected:
        raise ModelError(
            f"{model.onnx}: its network takes {source.shape[1]} frames of {source.shape[3]} "
            f"channels, but its card says {expected[0]} and {expected[1]}."
        )

    def run(windows: np.ndarray) -> np.ndarray:
        answers = np.asarray(session.run(None, {source.name: windows.astype(np.float32)})[0])
        if not np.isfinite(answers).all():
            raise ModelError(f"{model.onnx}: answers with what is no number; train it anew.")
        return answers

    return run


@lru_cache(maxsize=2)
def _session(path: Path, _: int, providers: tuple[str, ...], workers: int) -> Any:
    """A file's network, opened once for all clips and people of a process, until it changes."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = workers
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=list(providers))
    except Exception as error:  # onnxruntime's own errors share no public base
        raise ModelError(f"{path}: onnxruntime cannot load it ({error}).") from error
