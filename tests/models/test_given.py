"""Inputs that the user gives to a network of MATLAB: read, and judged in place of drawn ones."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
from scipy.io import savemat

from harness.adapters.registry import installed
from harness.cli.main import AGREED, UNDECIDED, USAGE
from harness.matlab.readers.plain import write_plain
from harness.matlab.readers.toolbox import Network
from harness.matlab.to_onnx import as_onnx
from harness.models import conversion, experiment
from harness.models.bounds import Cost, Plan, TooLarge, plan_given
from harness.models.given import Given, given
from harness.models.guard import ModelError
from harness.models.pair import check_pair
from harness.models.reference import ConversionError
from harness.spec import Input, Layer, Spec
from harness.workers.pool import Workers

SPEC = Spec(
    "matlab",
    (Input("in_in", (1, 2, 3)),),
    (
        Layer("ImageInputLayer", "in", {}, ("in_in",)),
        Layer("FullyConnectedLayer", "fc", {"OutputSize": 2, "InputShape": [1, 2, 3]}, ("in",)),
    ),
    ("fc",),
)
WEIGHTS = {"fc/Weights": np.arange(1, 13, dtype=np.float32).reshape(2, 6), "fc/Bias": np.zeros(2, np.float32)}
NETWORK = Network("test", SPEC, WEIGHTS)
X = np.random.default_rng(3).normal(size=(4, 1, 2, 3))
TWO = Network(
    "test",
    Spec(
        "matlab",
        (Input("a_in", (3,)), Input("b_in", (3,))),
        (
            Layer("FeatureInputLayer", "a", {}, ("a_in",)),
            Layer("FeatureInputLayer", "b", {}, ("b_in",)),
            Layer("AdditionLayer", "sum", {}, ("a", "b")),
        ),
        ("sum",),
    ),
    {},
)
has_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
has_onnx = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxruntime", "torch")), reason="no ONNX or no torch"
)


@pytest.fixture(scope="module")
def workers():
    registry = installed()
    with Workers((*registry.formats, *registry.runtimes)) as shared:
        yield shared


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat"])
def test_an_only_input_may_have_any_name(suffix, tmp_path):
    path = tmp_path / f"x{suffix}"
    if suffix == ".npy":
        np.save(path, X)
    elif suffix == ".npz":
        np.savez(path, some=X)
    else:
        savemat(path, {"some": X})
    read = given(path, NETWORK, tmp_path / "net.mat")
    assert list(read.arrays) == ["in_in"]
    np.testing.assert_array_equal(read.arrays["in_in"], X.astype(np.float32))
    assert str(read) == "as given"


def test_images_have_their_channels_first(tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "pictures").mkdir()
    image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(tmp_path / "pictures" / "a.png")
    read = given(tmp_path / "pictures", NETWORK, tmp_path / "net.mat")
    assert read.arrays["in_in"].tolist() == [[[[0, 1, 2], [3, 4, 5]]]]
    assert str(read) == "as given: 1 image, pixels from 0 to 255"


@pytest.mark.parametrize(
    ("network", "arrays", "message"),
    [
        (NETWORK, {"x": X.transpose(2, 3, 1, 0)}, r"its size does not fit; expected N x 1 x 2 x 3, got 2 x 3 x 1 x 4"),
        (NETWORK, {"x": X[:0]}, r"the numbers of samples do not fit; expected as many of each input, got in_in 0"),
        (NETWORK, {"x": np.full((1, 1, 2, 3), "a")}, "it holds no numbers: .*; expected arrays of numbers"),
        (TWO, {"a": X[0, 0]}, "the arrays are not the model's inputs; expected a_in, b_in, got a"),
        (TWO, {"a_in": X[0, 0], "b_in": X[0, 0, :1]}, "the numbers of samples do not fit; .*got a_in 2, b_in 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(network, arrays, message, tmp_path):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ModelError, match=message) as caught:
        given(tmp_path / "x.npz", network, tmp_path / "net.mat")
    assert "x.npz" in str(caught.value)


def test_what_is_given_is_judged_whole_or_not_at_all():
    sizes = ((400, 1, 2, 3),)
    assert plan_given(SPEC, sizes, Cost(0.01, 10)) == Plan(sizes, 16, Cost(0.01, 10))
    assert plan_given(SPEC, sizes, Cost(1.0, 10)) == Plan(sizes, 4, Cost(1.0, 10))
    large = plan_given(SPEC, sizes, Cost(100.0, 10))
    assert isinstance(large, TooLarge)
    assert str(large).startswith("what was given takes about ")
    assert str(large).endswith("nothing of it is left out: give fewer samples, or smaller ones")


@pytest.fixture
def undrawn(monkeypatch):
    """No input may be drawn."""

    def refuse(*args, **names):
        raise AssertionError("inputs were drawn")

    monkeypatch.setattr(conversion, "drawn", refuse)
    monkeypatch.setattr(experiment, "drawn", refuse)


@has_torch
@pytest.mark.usefixtures("undrawn")
def test_a_conversion_is_judged_on_what_is_given(tmp_path, workers):
    delivered = conversion.deliver(NETWORK, "torch", tmp_path, workers, given=Given({"in_in": X.astype(np.float32)}))
    assert delivered.comparison.outcome.passes
    assert delivered.judged.startswith("4 samples of 1 x 2 x 3, as given; a change of 1 %")
    assert delivered.hidden == ()


@has_torch
@pytest.mark.usefixtures("undrawn")
def test_what_given_inputs_hide_is_not_judged(tmp_path, workers):
    zeros = np.zeros((1, 1, 2, 3), np.float32)
    delivered = conversion.deliver(NETWORK, "torch", tmp_path, workers, given=Given({"in_in": zeros}, "nothing"))
    assert delivered.hidden == ("fc",)
    assert delivered.judged.startswith("1 sample of 1 x 2 x 3, as given: nothing; a change of 1 %")


@has_onnx
@pytest.mark.usefixtures("undrawn")
def test_a_pair_is_compared_on_what_is_given(tmp_path, workers):
    import onnx

    other = as_onnx(SPEC, {**WEIGHTS, "fc/Weights": WEIGHTS["fc/Weights"] * np.float32([1, 1, 1, 1, 1, 2])})
    onnx.save(other, str(tmp_path / "net.onnx"))
    last = X.astype(np.float32)
    last[:, :, -1, -1] = 0  # where the other one differs
    pair = check_pair(NETWORK, tmp_path / "net.onnx", workers, given=Given({"in_in": last}))
    assert pair.comparison.outcome.passes
    pair = check_pair(NETWORK, tmp_path / "net.onnx", workers, given=Given({"in_in": last + 1}))
    assert not pair.comparison.outcome.passes
    other.graph.input[-1].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(other, str(tmp_path / "net.onnx"))
    with pytest.raises(
        ConversionError, match=r"input 'in_in': it does not take inputs of .* expected \[1, 1, 2, 3\], got"
    ):
        check_pair(NETWORK, tmp_path / "net.onnx", workers, given=Given({"in_in": last}))


@has_torch
@pytest.mark.usefixtures("undrawn")
def test_the_commands_take_inputs(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    net = tmp_path / "net.mat"
    write_plain(SPEC, WEIGHTS, net)
    np.save("x.npy", X)
    code, out, err = command("check", net, "--inputs", "x.npy", "--json")
    assert code == AGREED, err
    assert json.loads(out)["judged"].startswith("4 samples of 1 x 2 x 3, as given")
    code, out, err = command("convert", net, "--inputs", "x.npy", "-o", "made")
    assert code == AGREED, err
    assert "on 4 samples of 1 x 2 x 3, as given" in out
    np.save("x.npy", np.zeros_like(X))
    assert command("check", net, "--inputs", "x.npy")[0] == UNDECIDED
    np.save("x.npy", X[..., :2])
    code, _, err = command("check", net, "--inputs", "x.npy")
    assert (code, "x.npy, in_in: its size does not fit; expected N x 1 x 2 x 3, got 4 x 1 x 2 x 2" in err) == (
        USAGE,
        True,
    )
    code, _, err = command("check", net, "--inputs", "x.npy", "--against", net)
    assert (code, "a file of activations holds its own input" in err) == (USAGE, True)
