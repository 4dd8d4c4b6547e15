"""MatConvNet's oracle: numbers that a hand can compute, and faults that the golden corpus must tell apart."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from harness.catalogue import find, rows
from harness.draw import seeded_case
from harness.draw.cover import covering_array
from harness.judge.compare import compare
from harness.oracle import evaluate, semantics
from harness.outcomes import Outcome
from harness.spec import Spec


def run(kind, x, config=None, **weights):
    arrays = {name: np.asarray(value, dtype=float) for name, value in weights.items()}
    return semantics("matconvnet", kind)(config or {}, arrays, np.asarray(x, dtype=float))


def image(*rows_):
    return np.array(rows_, dtype=float)[None, None]


def bank(*rows_):
    """A single filter H x W x 1 x 1."""
    return np.array(rows_, dtype=float)[:, :, None, None]


def test_conv_does_not_flip_the_filter():
    assert run("conv", image([1, 2, 3]), filters=bank([10, 1])).ravel().tolist() == [12, 23]


def test_conv_pads_are_top_bottom_left_right():
    y = run("conv", image([1, 2]), {"pad": [1, 0, 2, 3]}, filters=bank([1]), biases=[0.5])
    assert y.shape == (1, 1, 2, 7)
    assert y[0, 0, 1].tolist() == [0.5, 0.5, 1.5, 2.5, 0.5, 0.5, 0.5]


def test_conv_stride_and_dilation_are_vertical_then_horizontal():
    x = np.arange(30.0).reshape(1, 1, 5, 6)
    y = run("conv", x, {"stride": [2, 3], "dilate": [2, 1]}, filters=bank([1, 0], [0, 100]))
    # rows 0 and 2 start windows, columns 0 and 3; the second tap lies two rows down and one column right
    assert y[0, 0].tolist() == [[0 + 1300, 3 + 1600], [12 + 2500, 15 + 2800]]


def test_conv_groups_are_implicit_and_contiguous():
    x = np.arange(1.0, 5.0).reshape(1, 4, 1, 1)
    filters = np.array([[1.0, 1.0], [10.0, 10.0]]).reshape(1, 1, 2, 2)
    assert run("conv", x, filters=filters).ravel().tolist() == [1 + 20, 3 + 40]


def test_a_fully_connected_layer_is_a_filter_as_large_as_the_image():
    x = np.arange(12.0).reshape(1, 2, 2, 3)
    filters = np.arange(24.0).reshape(2, 3, 2, 2)
    wanted = [
        sum(x[0, c, i, j] * filters[i, j, c, f] for c in (0, 1) for i in (0, 1) for j in (0, 1, 2)) for f in (0, 1)
    ]
    assert run("conv", x, filters=filters).ravel().tolist() == wanted


def test_convt_upsamples_and_crops():
    y = run("convt", image([1, 2]), {"upsample": [1, 2]}, filters=bank([1, 10, 100]), biases=[0.5])
    assert y.ravel().tolist() == [1.5, 10.5, 102.5, 20.5, 200.5]
    cropped = run("convt", image([1, 2]), {"upsample": [1, 2], "crop": [0, 0, 1, 3]}, filters=bank([1, 10, 100]))
    assert cropped.ravel().tolist() == [10]


def test_convt_is_the_transpose_of_conv():
    source = np.random.default_rng(0)
    filters, x, y = source.normal(size=(3, 2, 2, 6)), source.normal(size=(1, 4, 7, 5)), source.normal(size=(1, 6, 3, 3))
    conv = run("conv", x, {"stride": [3, 2], "pad": [1, 1, 1, 0]}, filters=filters)
    back = run("convt", y, {"upsample": [3, 2], "crop": [1, 1, 1, 0], "numGroups": 2}, filters=filters)
    assert back.shape == x.shape
    assert np.sum(conv * y) == pytest.approx(np.sum(x * back), rel=1e-12)


def test_max_pooling_pads_with_minus_infinity():
    y = run("pool", image([-3, -2]), {"pool": [1, 2], "pad": [0, 0, 1, 1]})
    assert y.ravel().tolist() == [-3, -2, -2]


def test_average_pooling_leaves_padding_out():
    y = run("pool", image([4, 8]), {"pool": [2, 2], "pad": [1, 0, 1, 0], "method": "avg"})
    assert y.ravel().tolist() == [4, 6]


def test_pooling_drops_an_inexact_rest():
    assert run("pool", image([1, 2, 3, 4, 9]), {"pool": [1, 2], "stride": [1, 2]}).ravel().tolist() == [2, 4]


def test_relu_and_its_leak():
    assert run("relu", image([-2, 0, 3])).ravel().tolist() == [0, 0, 3]
    assert run("relu", image([-2, 0, 3]), {"leak": 1.5}).ravel().tolist() == [-3, 0, 3]


def test_bnorm_takes_sigma_as_a_deviation_and_adds_no_epsilon():
    x = np.array([5.0, 7.0]).reshape(1, 2, 1, 1)
    y = run("bnorm", x, {"epsilon": 1e9}, multipliers=[2, 3], biases=[10, 20], moments=[[1, 4], [1, 0.5]])
    assert y.ravel().tolist() == [12, 56]


@pytest.mark.parametrize(("size", "sums"), [(1, [1, 4, 9]), (2, [5, 13, 9]), (3, [5, 14, 13]), (4, [14, 14, 13])])
def test_lrn_window_reaches_further_up_when_it_is_even(size, sums):
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    y = run("lrn", x, {"param": [size, 2.0, 0.5, 1.0]})
    assert y.ravel() == pytest.approx([v / (2 + 0.5 * s) for v, s in zip((1, 2, 3), sums, strict=True)])


def test_softmax_is_over_channels_and_survives_large_numbers():
    x = np.array([[1e4, 0.0], [1e4, np.log(3.0)]]).reshape(1, 2, 1, 2)
    assert run("softmax", x).reshape(2, 2) == pytest.approx(np.array([[0.5, 0.25], [0.5, 0.75]]))


def test_sigmoid_and_dropout():
    assert run("sigmoid", image([0, np.log(3)])).ravel() == pytest.approx([0.5, 0.75])
    assert run("dropout", image([1, -2]), {"rate": 0.9}).ravel().tolist() == [1, -2]


@cache
def corpus(layer):
    row = find("matconvnet", layer)
    return [seeded_case(row, choice) for choice in covering_array(row)]


@pytest.mark.parametrize("row", rows("matconvnet"), ids=lambda row: row.layer)
def test_corpus_is_small_and_finite(row):
    cases = corpus(row.layer)
    assert 15 <= len(cases) <= 60
    arrays = [
        [*c.inputs.values(), *c.weights.values(), *c.golden.expected.values(), *c.golden.noise.values()] for c in cases
    ]
    assert np.mean([sum(array.nbytes for array in group) for group in arrays]) <= 6000
    assert all(array.size for group in arrays for array in group)
    # `special` is for layers that move data: they move NaN and infinity too
    plain = [group for case, group in zip(cases, arrays, strict=True) if case.choice["profile"] != "special"]
    assert all(np.isfinite(array).all() for group in plain for array in group)


@pytest.mark.parametrize("row", rows("matconvnet"), ids=lambda row: row.layer)
def test_oracle_judges_its_own_float32_answer_right(row):
    for case in corpus(row.layer):
        outputs = [value.astype(np.float32) for value in case.golden.expected.values()]
        assert compare(case.golden, outputs).outcome is Outcome.EXACT


def options(**changes):
    """A fault that changes the configuration: `changes` maps an option to a function of (its value, all options)."""
    return lambda config, weights: (
        {**config, **{name: change(config[name], config) for name, change in changes.items()}},
        weights,
    )


def arrays(**changes):
    """A fault that changes weights by name, where they are there."""
    return lambda config, weights: (
        config,
        {name: changes[name](value) if name in changes else value for name, value in weights.items()},
    )


def turned(pads, _):
    return pads[2:] + pads[:2]


def flipped_ends(pads, _):
    return [pads[1], pads[0], pads[3], pads[2]]


def swapped(pair, _):
    return pair[::-1]


FAULTS = {
    "filters flipped": ("conv", arrays(filters=lambda f: f[::-1, ::-1])),
    "filters H and W exchanged": ("conv", arrays(filters=lambda f: _square(f, (1, 0, 2, 3)))),
    "filters in and out exchanged": ("conv", arrays(filters=lambda f: _square(f, (0, 1, 3, 2)))),
    "filters read row by row": ("conv", arrays(filters=lambda f: f.ravel(order="F").reshape(f.shape))),
    "bias dropped": ("conv", arrays(biases=np.zeros_like)),
    "pads: vertical and horizontal exchanged": ("conv", options(pad=turned)),
    "pads: begin and end exchanged": ("conv", options(pad=flipped_ends)),
    "stride exchanged": ("conv", options(stride=swapped)),
    "stride ignored": ("conv", options(stride=lambda *_: [1, 1])),
    "dilation exchanged": ("conv", options(dilate=swapped)),
    "dilation ignored": ("conv", options(dilate=lambda *_: [1, 1])),
    "transposed filters flipped": ("convt", arrays(filters=lambda f: f[::-1, ::-1])),
    "transposed filters in and out exchanged": ("convt", arrays(filters=lambda f: _square(f, (0, 1, 3, 2)))),
    "upsampling exchanged": ("convt", options(upsample=swapped)),
    "crop: begin and end exchanged": ("convt", options(crop=flipped_ends)),
    "crop: vertical and horizontal exchanged": ("convt", options(crop=turned)),
    "pooling window exchanged": ("pool", options(pool=swapped)),
    "pooling pads: begin and end exchanged": ("pool", options(pad=flipped_ends)),
    "leak dropped": ("relu", options(leak=lambda *_: 0.0)),
    "leak replaced by 0.01": ("relu", options(leak=lambda leak, _: leak and 0.01)),
    "sigma taken as a variance": ("bnorm", arrays(moments=lambda m: _with_sigma(m, np.sqrt(m[:, 1])))),
    "epsilon added again": ("bnorm", arrays(moments=lambda m: _with_sigma(m, np.sqrt(m[:, 1] ** 2 + 1e-5)))),
    "moments read row by row": ("bnorm", arrays(moments=lambda m: m.ravel(order="F").reshape(m.shape))),
    "multipliers and biases exchanged": ("bnorm", lambda config, weights: (config, _exchanged(weights))),
    "lrn alpha divided by the window": ("lrn", options(param=lambda p, _: [p[0], p[1], p[2] / p[0], p[3]])),
    "lrn window one smaller": ("lrn", options(param=lambda p, _: [max(p[0] - 1, 1), *p[1:]])),
    "lrn kappa and alpha exchanged": ("lrn", options(param=lambda p, _: [p[0], p[2], p[1], p[3]])),
}  # fmt: skip


def _with_sigma(moments, sigma):
    return np.stack([moments[:, 0], sigma], axis=1)


def _exchanged(weights):
    return {**weights, "multipliers": weights["biases"], "biases": weights["multipliers"]}


def _square(filters, axes):
    changed = filters.transpose(axes)
    return changed if changed.shape == filters.shape else filters


def wrong(case, config, weights):
    """What a converter with the fault would return, None where it would not run."""
    (layer,) = case.spec.layers
    spec = Spec(case.spec.dialect, case.spec.inputs, (replace(layer, config=config),), case.spec.outputs)
    try:
        outputs = evaluate(spec, {f"layer/{name}": value for name, value in weights.items()}, case.inputs)
    except (ValueError, IndexError):
        return None
    return [value.astype(np.float32) for value in outputs.values()]


@pytest.mark.parametrize("fault", FAULTS)
def test_corpus_tells_the_fault(fault):
    layer, change = FAULTS[fault]
    outcomes = []
    for case in corpus(layer):
        weights = {name.removeprefix("layer/"): value for name, value in case.weights.items()}
        outputs = wrong(case, *change(dict(case.spec.layers[0].config), weights))
        outcomes.append(None if outputs is None else compare(case.golden, outputs).outcome)
    assert sum(outcome is not None and not outcome.passes for outcome in outcomes) >= 2


def mirrored_lrn(x, config):
    return run("lrn", x[:, ::-1], config)[:, ::-1]


def counting_average(x, config):
    if config["method"] != "avg":
        return run("pool", x, config)
    top, bottom, left, right = config["pad"]
    padded = np.pad(np.asarray(x, dtype=float), ((0, 0), (0, 0), (top, bottom), (left, right)))
    return run("pool", padded, {**config, "pad": [0] * 4})


def zero_padded_max(x, config):
    top, bottom, left, right = config["pad"]
    padded = np.pad(np.asarray(x, dtype=float), ((0, 0), (0, 0), (top, bottom), (left, right)))
    return run("pool", padded, {**config, "pad": [0] * 4}) if config["method"] == "max" else run("pool", x, config)


def softmax_over_rows(x, config):
    return run("softmax", np.moveaxis(x, 2, 1)).transpose(0, 2, 1, 3)


@pytest.mark.parametrize(
    ("layer", "fault"),
    [("lrn", mirrored_lrn), ("pool", counting_average), ("pool", zero_padded_max), ("softmax", softmax_over_rows)],
)
def test_corpus_tells_the_wrong_formula(layer, fault):
    caught = 0
    for case in corpus(layer):
        y = fault(case.inputs["x"], case.spec.layers[0].config).astype(np.float32)
        caught += compare(case.golden, [y]).outcome is Outcome.DIVERGENT
    assert caught >= 3
