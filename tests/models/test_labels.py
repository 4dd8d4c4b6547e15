"""`parity predict` names the classes of models that carry them."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from harness.matlab.readers.card import Card
from harness.models.deliver import write_onnx, write_torch
from harness.models.predict import PredictionError, predict_file
from harness.models.predictors import labelled
from harness.spec import Input, Layer, Spec

SPEC = Spec(
    "matlab",
    (Input("x_in", (3,)),),
    (Layer("FeatureInputLayer", "x", {}, ("x_in",)), Layer("SoftmaxLayer", "prob", {}, ("x",))),
    ("prob",),
)
CARD = Card(classes=("cat", "dog", "owl"), labelled="prob")


def test_the_best_three_of_each_sample():
    scores = np.array([[0.1, 0.5, 0.15, 0.25], [0.7, 0.1, 0.1, 0.1]])
    assert labelled(("a", "b", "c", "d"), scores) == [
        "sample 1: b 0.5, d 0.25, c 0.15",
        "sample 2: a 0.7, b 0.1, c 0.1",
    ]
    assert len(labelled(("a", "b"), np.zeros((11, 2)))) == 10
    assert labelled(("a", "b"), scores) == []
    assert labelled(("a", "b", "c", "d"), scores.reshape(2, 4, 1, 1)) == labelled(("a", "b", "c", "d"), scores)


def test_the_share_of_each_class_among_pixels_and_steps():
    pixels = np.zeros((1, 2, 2, 2))
    pixels[0, 1, 0, 0] = 1
    assert labelled(("road", "sky"), pixels) == ["sample 1: road 0.75, sky 0.25 (share of places)"]
    steps = np.array([[[0, 1], [0, 1], [1, 0], [0, 1]]])
    assert labelled(("road", "sky"), steps) == ["sample 1: sky 0.75, road 0.25 (share of places)"]


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("target", ["torch", "onnx"])
def test_models_of_convert_say_their_classes(target, tmp_path):
    if target == "onnx" and (find_spec("onnxscript") is None or find_spec("onnxruntime") is None):
        pytest.skip("no ONNX")
    write = {"torch": write_torch, "onnx": write_onnx}[target]
    model, *_ = write(SPEC, {}, tmp_path / "made", CARD)
    savemat(tmp_path / "in.mat", {"x1": np.log([[1.0, 8.0, 1.0]])})
    lines = predict_file(model, tmp_path / "in.mat", tmp_path / "out.mat", trust=True)
    assert lines == ["y1 is single [1 3]", "y1, sample 1: dog 0.8, cat 0.1, owl 0.1"]
    np.testing.assert_allclose(loadmat(tmp_path / "out.mat")["y1"], [[0.1, 0.8, 0.1]], rtol=1e-6)


def test_a_program_needs_trust(tmp_path):
    (tmp_path / "model.py").write_text("raise SystemExit")
    savemat(tmp_path / "in.mat", {"x1": np.ones((1, 3))})
    with pytest.raises(PredictionError, match="is a program, which can run any code when it is loaded"):
        predict_file(tmp_path / "model.py", tmp_path / "in.mat", tmp_path / "out.mat", trust=False)
