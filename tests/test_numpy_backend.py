"""Without onnxruntime the same network runs in numpy, with the same answers."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from lift_to_3d.core.errors import ModelError
from lift_to_3d.core.mixste.backend import open_backend
from lift_to_3d.core.mixste.model import find_model
from lift_to_3d.core.mixste.numpy_backend import NumpyMixSTE


def test_it_answers_as_onnxruntime_does():
    model = find_model("default")
    card = model.card
    shape = (37, card.frames, 17, card.in_channels)
    windows = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = NumpyMixSTE(model)(windows)
    np.testing.assert_allclose(found, open_backend(model, "cpu")(windows), atol=2e-4)


def test_it_stands_in_where_onnxruntime_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    model = find_model("default")
    assert isinstance(open_backend(model), NumpyMixSTE)
    assert isinstance(open_backend(model, "cpu"), NumpyMixSTE)
    with pytest.raises(ModelError, match="needs onnxruntime"):
        open_backend(model, "cuda")


def test_a_model_without_weights_for_it_is_one_sentence(tmp_path):
    model = replace(find_model("default"), onnx=tmp_path / "other.onnx")
    with pytest.raises(ModelError, match=r"other\.npz"):
        NumpyMixSTE(model)
