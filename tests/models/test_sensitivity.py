"""Which layers the outputs hide, inputs that let them tell, and what is said where none do."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from harness.adapters.registry import installed
from harness.cli.main import AGREED, DEVIATIONS, UNDECIDED
from harness.matlab.readers.plain import write_plain
from harness.matlab.readers.toolbox import Network
from harness.matlab.to_onnx import as_onnx
from harness.models import conversion
from harness.models import pair as pairs
from harness.models.deliver import write_torch
from harness.models.experiment import experiment
from harness.models.pair import check_pair
from harness.models.reference import golden_of
from harness.models.sensitivity import MOST, Sensitivity, sensitivity
from harness.models.stimuli import MAIN, MANNERS, drawn
from harness.patterns import few
from harness.spec import Input, Layer, Spec
from harness.workers.pool import Workers

SIZES = ((2, 3, 8, 8),)


def numbers(*shape, scale=1.0):
    return (np.random.default_rng(shape).uniform(-1, 1, shape) * scale).astype(np.float32)


SPEC = Spec(
    "matlab",
    (Input("in_in", (3, 8, 8)),),
    (
        Layer("ImageInputLayer", "in", {"Normalization": "none"}, ("in_in",)),
        Layer("Convolution2DLayer", "conv_1", {"PaddingSize": [1, 1, 1, 1]}, ("in",)),
        Layer("ReLULayer", "relu", {}, ("conv_1",)),
        Layer("FullyConnectedLayer", "fc", {"OutputSize": 4, "InputShape": [2, 8, 8]}, ("relu",)),
        Layer("SoftmaxLayer", "prob", {}, ("fc",)),
    ),
    ("prob",),
)


def weights(scale=0.05, bias=0.0):
    """Of `SPEC`. With a large `scale` the softmax is saturated, as that of a trained network is on noise; with a large
    `bias` it is 1, 0, 0, 0 for any input."""
    return {
        "conv_1/Weights": numbers(3, 3, 3, 2),
        "conv_1/Bias": numbers(2),
        "fc/Weights": numbers(4, 128, scale=scale),
        "fc/Bias": numbers(4) + np.array([bias, 0, 0, 0], np.float32),
    }


SATURATED, CONSTANT = {"scale": 50}, {"bias": 1e3}


def of(spec, arrays, manner=MAIN, **options):
    inputs = drawn(spec, arrays, SIZES, manner)
    return sensitivity(spec, arrays, inputs, golden_of(spec, arrays, inputs, runs=4), **options)


def test_nothing_is_hidden_where_the_output_reacts():
    found = of(SPEC, weights())
    assert found == Sensitivity(("conv_1", "fc"), (), 2)
    assert str(found) == "a change of 1 % in the weights of any layer would have been seen"


def test_a_saturated_output_hides_what_is_before_it():
    found = of(SPEC, weights(**CONSTANT))
    assert found.hidden == ("conv_1", "fc")
    assert str(found) == "a change of 1 % in the weights of conv_1, fc would not have been seen"
    logits = of(replace(SPEC, outputs=("fc",)), weights(**SATURATED))
    assert logits.hidden == ()


def test_a_layer_behind_which_nothing_passes_is_hidden_alone():
    """Nothing of the convolution reaches the output, through a dead ReLU; the bias of `fc` does."""
    dead = {**weights(), "conv_1/Bias": np.full(2, -1000, np.float32)}
    assert of(SPEC, dead).hidden == ("conv_1",)
    assert of(SPEC, dead, channels=True).hidden == ("conv_1", "fc"), "the weights of `fc` meet zeros"


def test_single_channels_may_be_hidden_where_the_layer_is_not():
    """One of two channels is dead: the other shows a change of all weights, not a change of this channel. Nor do the
    weights of `fc` show that read the dead channel."""
    arrays = {**weights(), "conv_1/Bias": np.array([-1000, 1], np.float32)}
    arrays["conv_1/Weights"][..., 0] *= 2
    assert of(SPEC, arrays).hidden == ()
    found = of(SPEC, arrays, channels=True)
    assert found.hidden == ("conv_1", "fc")
    assert str(found) == "a change of 1 % or of single channels in the weights of conv_1, fc would not have been seen"


def test_only_named_layers_are_changed():
    assert of(SPEC, weights(**CONSTANT), only=("fc",)).tried == ("fc",)


def test_weights_that_are_zero_or_shared_are_no_other_layer():
    arrays = {**weights(), "conv_1/Weights": np.zeros((3, 3, 3, 2), np.float32), "conv_1/Bias": np.zeros(2)}
    assert of(SPEC, arrays).tried == ("fc",)


def test_a_deep_network_is_changed_at_evenly_spread_layers():
    layers = [
        Layer("FullyConnectedLayer", f"fc{k}", {"OutputSize": 3}, (f"fc{k - 1}" if k else "x",)) for k in range(40)
    ]
    spec = Spec("matlab", (Input("x", (3,)),), tuple(layers), ("fc39",))
    arrays = {f"fc{k}/Weights": np.eye(3, dtype=np.float32) for k in range(40)}
    arrays |= {f"fc{k}/Bias": np.zeros(3, np.float32) for k in range(40)}
    inputs = {"x": numbers(2, 3)}
    found = sensitivity(spec, arrays, inputs, golden_of(spec, arrays, inputs, runs=4))
    assert (len(found.tried), found.tried[0], found.tried[-1], found.count) == (MOST, "fc0", "fc39", 40)
    assert f"in the weights of each of {MOST} layers tried would have been seen" in str(found)


def test_as_many_layers_are_changed_as_the_time_allows():
    found = of(SPEC, weights(), most=1)
    assert (found.tried, found.count) == (("conv_1",), 2)


def test_names_are_listed_shortly():
    assert few(("a", "b", "c")) == "a, b, c"
    assert few(("a", "b", "c", "d", "e")) == "a, b, c and 2 more"


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("shape", [(2, 5), (2, 7, 5), (2, 3, 8, 9), (2, 3, 4, 5, 6)])
def test_each_manner_draws_other_samples_the_same_each_time(manner, shape):
    def draw():
        spec = Spec("matlab", (Input("x", shape[1:]),), (Layer("ReLULayer", "r", {}, ("x",)),), ("r",))
        return drawn(spec, {}, (shape,), manner)["x"]

    value = draw()
    assert (value.shape, value.dtype) == (shape, np.float32)
    assert np.isfinite(value).all()
    assert not np.array_equal(value[0], value[1])
    assert np.array_equal(value, draw())


def test_smooth_pictures_are_smooth_and_differ_by_channel():
    spec = Spec("matlab", (Input("x", (3, 32, 32)),), (Layer("ReLULayer", "r", {}, ("x",)),), ("r",))
    x = drawn(spec, {}, ((2, 3, 32, 32),), "smooth")["x"]
    assert np.abs(np.diff(x, axis=-1)).mean() < 0.3 * x.std()
    assert not np.array_equal(x[:, 0], x[:, 1])


def test_inputs_are_drawn_until_no_layer_is_hidden():
    plain = experiment(SPEC, weights(), SIZES, runs=4)
    assert ([trial.manner for trial in plain.stimuli], plain.sensitivity.hidden) == ([MAIN], ())
    assert str(plain) == str(plain.sensitivity)
    more = experiment(SPEC, weights(**SATURATED), SIZES, runs=4)
    assert ([trial.manner for trial in more.stimuli], more.sensitivity.hidden) == (
        [MAIN, "smooth, a tenth as large"],
        (),
    )
    assert str(more).startswith("also on inputs that are smooth, a tenth as large; a change of 1 %")


def test_outputs_that_are_not_compared_show_nothing():
    wide = replace(SPEC, outputs=("conv_1", "fc", "prob"))
    assert experiment(wide, weights(**CONSTANT), SIZES, runs=4).sensitivity.hidden == ()
    hidden = experiment(wide, weights(**CONSTANT), SIZES, runs=4, compared=("prob",))
    assert hidden.sensitivity.hidden == ("conv_1", "fc")
    assert len(hidden.stimuli) == 1


# --- verdicts -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workers():
    if any(find_spec(name) is None for name in ("onnx", "onnxruntime", "torch")):
        pytest.skip("no ONNX or no torch")
    registry = installed()
    with Workers((*registry.formats, *registry.runtimes)) as shared:
        yield shared


def wrong(**options):
    """One convolution times 1.3."""
    right = weights(**options)
    return {**right, "conv_1/Weights": right["conv_1/Weights"] * np.float32(1.3)}


def test_a_program_with_a_wrong_layer_is_told_though_noise_saturates_the_softmax(tmp_path, workers):
    """On the first inputs that are drawn, both give the same zeros and ones."""
    network = Network("test", SPEC, weights(**SATURATED))
    assert of(SPEC, network.weights).hidden
    (model, _) = write_torch(SPEC, network.weights, tmp_path)
    assert check_pair(network, model, workers, trust=True).comparison.outcome.passes
    write_torch(SPEC, wrong(**SATURATED), tmp_path)
    assert not check_pair(network, model, workers, trust=True).comparison.outcome.passes


def test_a_program_whose_outputs_hide_a_layer_is_not_called_the_same(tmp_path, workers):
    network = Network("test", SPEC, weights(**CONSTANT))
    (model, _) = write_torch(SPEC, wrong(**CONSTANT), tmp_path)
    pair = check_pair(network, model, workers, trust=True)
    assert pair.comparison.outcome.passes
    assert "conv_1" in pair.hidden


def test_the_layers_of_an_onnx_file_show_what_its_outputs_hide(tmp_path, workers):
    import onnx

    network = Network("test", SPEC, weights(**CONSTANT))
    onnx.save(as_onnx(SPEC, network.weights), str(tmp_path / "net.onnx"))
    pair = check_pair(network, tmp_path / "net.onnx", workers)
    assert (pair.hidden, pair.apart) == ((), ())
    onnx.save(as_onnx(SPEC, wrong(**CONSTANT)), str(tmp_path / "net.onnx"))
    pair = check_pair(network, tmp_path / "net.onnx", workers)
    assert "conv_1" in pair.apart
    assert pair.comparison.outcome.passes
    assert "conv_1" in pair.hidden, "the outputs agree, and a layer that they hide does not: no one network"


@pytest.mark.parametrize("target", ["torch", "onnx"])
def test_what_is_converted_is_compared_layer_by_layer_where_its_outputs_hide_some(
    target, tmp_path, workers, monkeypatch
):
    network = Network("test", SPEC, weights(**CONSTANT))
    delivered = conversion.deliver(network, target, tmp_path, workers)
    assert delivered.comparison.outcome.passes
    assert delivered.hidden == ()
    assert delivered.judged.endswith("conv_1, fc compared one by one")

    def spoilt(*args, **names):
        (first, *others) = by_layer(*args, **names)
        return [replace(first, comparison=replace(first.comparison, outcome=conversion.Outcome.DIVERGENT)), *others]

    by_layer = conversion._by_layer
    monkeypatch.setattr(conversion, "_by_layer", spoilt)
    delivered = conversion.deliver(network, target, tmp_path, workers)
    assert not delivered.comparison.outcome.passes
    assert delivered.comparison.message.startswith("layer 'conv_1' (Convolution2DLayer)")


def test_a_change_makes_two_equal_only_where_it_does_on_all_inputs():
    """On the first inputs the softmax of this network is saturated: a model that gives that for any input seems equal
    with whatever change."""
    first, second = experiment(SPEC, weights(**SATURATED), SIZES, runs=4).stimuli
    given = [value.astype(np.float32) for value in first.golden.expected.values()]
    model = SimpleNamespace(normalizing=(), run=lambda inputs, without=(): (given, {}))
    network = Network("test", SPEC, weights(**SATURATED))
    assert pairs._equal_if(network, (first, first), model).startswith("with the channels of the other model's input")
    assert pairs._equal_if(network, (first, second), model) == ""


def test_the_commands_say_it_and_have_an_exit_code_of_their_own(tmp_path, workers, monkeypatch, command):
    def parity(*args):
        return command(*args)[:2]

    monkeypatch.chdir(tmp_path)
    net = tmp_path / "net.mat"
    write_plain(SPEC, weights(**CONSTANT), net)
    (model, _) = write_torch(SPEC, wrong(**CONSTANT), tmp_path)
    code, out = parity("check", net, "--against", model, "--trust")
    assert code == UNDECIDED
    assert "cannot be judged: on these inputs the outputs hide conv_1" in out
    assert "one network" not in out
    code, out = parity("check", net, "--against", model, "--trust", "--json")
    assert (code, json.loads(out)["same"], "conv_1" in json.loads(out)["hidden"]) == (UNDECIDED, None, True)
    code, out = parity("check", net)
    assert (code, "compared one by one" in out) == (AGREED, True)
    write_plain(SPEC, weights(**SATURATED), net)
    write_torch(SPEC, wrong(**SATURATED), tmp_path)
    assert parity("check", net, "--against", model, "--trust")[0] == DEVIATIONS
    write_torch(SPEC, weights(**SATURATED), tmp_path)
    code, out = parity("check", net, "--against", model, "--trust")
    assert code == AGREED
    assert (
        "they are one network: a change of 1 % or of single channels in the weights of any layer would have been seen"
        in out
    )
