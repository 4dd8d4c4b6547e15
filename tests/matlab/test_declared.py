"""Files of arrays with a declared layout: axes, text and JSON, digits, and messages for what does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from harness.matlab.readers.declared import TAKEN_AT_ITS_WORD, digits_note, read_declared
from harness.matlab.readers.network import NetworkError, UnsupportedLayers
from harness.spec import Input
from tests.through_torch import furthest, through_torch


def numbers(*shape):
    return np.random.default_rng(shape).uniform(-1, 1, shape).astype(np.float32)


BANK, LAST = numbers(3, 2, 2, 5), numbers(4, 4 * 3 * 5)  # h w c f; outputs x (h w c, h fastest)
BIAS, LAST_BIAS = numbers(5), numbers(4)


def weight(axes, **more):
    return {"axes": axes, **more}


def layout(conv=None, last=None, **more):
    return {
        "input": {"kind": "image", "size": [6, 4, 2]},
        "layers": [
            {
                "class": "Convolution2DLayer",
                "name": "conv1",
                "properties": {"Stride": [1, 1], "PaddingSize": [0, 0, 0, 0]},
                "weights": {"Weights": conv or weight("hwcf", variable="w"), "Bias": weight("f", variable="b")},
            },
            {"class": "nnet.cnn.layer.ReLULayer", "name": "relu1"},
            {
                "class": "FullyConnectedLayer",
                "name": "fc",
                "weights": {"Weights": last or weight("oi", variable="fc"), "Bias": weight("o", variable="fc_b")},
            },
        ],
        **more,
    }


VARIABLES = {"w": BANK, "b": BIAS, "fc": LAST, "fc_b": LAST_BIAS}


@pytest.fixture
def write(tmp_path):
    def write(declared, **variables):
        savemat(str(tmp_path / "net.mat"), {**VARIABLES, **variables}, appendmat=False)
        (tmp_path / "layout.json").write_text(declared if isinstance(declared, str) else json.dumps(declared))
        return tmp_path / "net.mat", tmp_path / "layout.json"

    return write


@pytest.fixture
def plain(write):
    return read_declared(*write(layout()))


def same(network, other):
    assert network.spec == other.spec
    assert all(np.array_equal(value, other.weights[name]) for name, value in network.weights.items())


def test_a_declared_network(plain, write):
    assert (plain.dialect, plain.spec.dialect, plain.notes) == ("declared", "matlab", (TAKEN_AT_ITS_WORD,))
    assert plain.spec.inputs == (Input("input_in", (2, 6, 4)),)
    assert [item.kind for item in plain.spec.layers] == [
        "ImageInputLayer", "Convolution2DLayer", "ReLULayer", "FullyConnectedLayer",
    ]  # fmt: skip
    assert np.array_equal(plain.weights["conv1/Weights"], BANK)
    assert np.array_equal(plain.weights["fc/Weights"], LAST)


FOUR = LAST.reshape(4, 4, 3, 5, order="F")  # o h w c
ORDERS = {
    "matcaffe": (weight("whcf", variable="w"), BANK.transpose(1, 0, 2, 3)),
    "PyTorch": (weight("fchw", variable="w"), BANK.transpose(3, 2, 0, 1)),
    "TensorFlow": (weight("hwcf", variable="w"), BANK),
    "one axis from two": (weight("hwcf", variable="w", size=[3, 2, 2, 5]), BANK.reshape(3, 20, order="F")),
    "in a struct": (weight("whcf", variable="net.bank{2}"), None),
}


@pytest.mark.parametrize("order", ORDERS)
def test_axes_of_a_bank(order, write, plain):
    declared, stored = ORDERS[order]
    if stored is None:
        cells = np.empty((1, 2), dtype=object)
        cells[0, 0], cells[0, 1] = np.eye(2), BANK.transpose(1, 0, 2, 3)
        same(read_declared(*write(layout(conv=declared), net={"bank": cells})), plain)
    else:
        same(read_declared(*write(layout(conv=declared), w=stored)), plain)


LINEAR = {
    "turned": (weight("io", variable="fc"), LAST.T),
    "as MATLAB saves it": (weight("hwco", variable="fc"), FOUR.transpose(1, 2, 3, 0)),
    "as a bank of PyTorch": (weight("ochw", variable="fc"), FOUR.transpose(0, 3, 1, 2)),
    # PyTorch's Linear after flatten: columns run w fastest, then h, then c
    "as PyTorch flattens": (
        weight("owhc", variable="fc", size=[4, 3, 4, 5]),
        FOUR.transpose(0, 3, 1, 2).reshape(4, 60),
    ),
}


@pytest.mark.parametrize("order", LINEAR)
def test_axes_of_a_fully_connected_layer(order, write, plain):
    declared, stored = LINEAR[order]
    same(read_declared(*write(layout(last=declared), fc=stored)), plain)


def test_a_last_size_of_one_and_vectors_of_either_kind(write):
    declared = {
        "input": {"kind": "image", "size": [6, 4, 2], "name": "image"},
        "layers": [
            {
                "class": "Convolution2DLayer",
                "name": "c",
                "weights": {"Weights": weight("hwcf", variable="w"), "Bias": weight("f", variable="b")},
            },
            {
                "class": "BatchNormalizationLayer",
                "name": "bn",
                "weights": {
                    name: weight("c", variable=name) for name in ("Scale", "Offset", "TrainedMean", "TrainedVariance")
                },
            },
        ],
        "connections": [["c", "bn"], ["image", "c"]],
        "outputs": ["bn"],
    }
    ones = {name: np.ones((1, 1)) for name in ("Scale", "Offset", "TrainedMean", "TrainedVariance")}
    network = read_declared(*write(declared, w=BANK[..., 0], b=3.0, **ones))
    assert network.weights["c/Weights"].shape == (3, 2, 2, 1)
    assert network.weights["bn/Scale"].shape == (1,)
    assert network.spec.inputs[0].name == "image_in"


def test_statistics_of_an_input_and_sequences(write):
    declared = layout()
    declared["input"] |= {
        "properties": {"Normalization": "zerocenter"},
        "weights": {"Mean": weight("c", variable="mean")},
    }
    network = read_declared(*write(declared, mean=[[1.0, 2.0]]))
    assert network.weights["input/Mean"].tolist() == [1, 2]
    lstm = {"InputWeights": weight("ri", variable="W"), "RecurrentWeights": weight("hr", variable="R")}
    declared = {
        "input": {"kind": "sequence", "size": [3]},
        "layers": [
            {"class": "LSTMLayer", "name": "l", "properties": {"OutputMode": "last"}, "weights": lstm},
        ],
    }
    recurrent = numbers(8, 2)
    network = read_declared(*write(declared, W=numbers(8, 3), R=recurrent.T))
    assert np.array_equal(network.weights["l/RecurrentWeights"], recurrent)
    assert network.spec.layers[1].config["OutputMode"] == "last"


def test_torch_computes_what_the_oracle_does(write, tmp_path_factory):
    declared, stored = LINEAR["as PyTorch flattens"]
    cases = {
        "plain": (read_declared(*write(layout())), {"input_in": numbers(2, 2, 6, 4)}),
        "turned": (read_declared(*write(layout(last=declared), fc=stored)), {"input_in": numbers(2, 2, 6, 4)}),
    }
    outputs = through_torch(cases, tmp_path_factory.mktemp("declared"))
    for name, case in cases.items():
        assert furthest(*case, outputs[name]) < 2e-6


def as_text(matrix, form="%.16e", between=" "):
    return "\n".join(between.join(form % value for value in row) for row in np.atleast_2d(matrix)) + "\n"


def test_text_of_save_ascii_and_writematrix(write, plain, tmp_path):
    (tmp_path / "w.txt").write_text(as_text(BANK.reshape(3, -1, order="F")))
    (tmp_path / "fc.csv").write_text(as_text(LAST, "%.9g", ","))
    declared = layout(weight("hwcf", text="w.txt", size=[3, 2, 2, 5]), weight("oi", text="fc.csv"))
    network = read_declared(*write(declared))
    same(network, plain)
    assert network.notes == ("the layout does not use w (3 x 2 x 2 x 5), fc (4 x 60)", TAKEN_AT_ITS_WORD)


def test_digits_that_do_not_carry_a_float32_are_noted(write, plain, tmp_path):
    (tmp_path / "w.txt").write_text(as_text(BANK.reshape(3, -1, order="F"), "%15.7e"))
    (tmp_path / "fc.txt").write_text(as_text(LAST, "%10.4f"))
    declared = layout(weight("hwcf", text="w.txt", size=[3, 2, 2, 5]), weight("oi", text="fc.txt"))
    network = read_declared(*write(declared))
    first, second, unused, last = network.notes
    assert unused == "the layout does not use w (3 x 2 x 2 x 5), fc (4 x 60)"
    assert last == TAKEN_AT_ITS_WORD
    assert first.startswith("w.txt: written with 8 significant digits, where 9 carry a float32: ")
    assert second.startswith("fc.txt: written with 4 decimals, ")
    for note, name in ((first, "conv1/Weights"), (second, "fc/Weights")):
        bound = float(note.partition("up to ")[2].partition(" ")[0])
        exact = plain.weights[name].astype(np.float64)
        stated = np.abs(network.weights[name] - exact).max() / np.abs(exact).max() * 2**24
        lost = np.abs(network.weights[name] / exact - 1).max() * 2**24
        assert stated <= lost <= bound * 1.01 + 1  # the rounding to float32 itself


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["1.2345678e-01", "5.0000000e-01"], "8 significant digits"),
        (["0.5", "0.123456789012345"], ""),
        (["1.50", "-0.01"], "2 decimals, 1 significant digits"),
        (["1", "2", "3"], "1 significant digits"),
        (["0", "0.0"], ""),
        (["123456789", "7"], ""),
    ],
)
def test_digits(texts, wanted):
    note = digits_note(texts, np.array([float(text) for text in texts]))
    assert note.startswith(f"written with {wanted}") if wanted else note == ""


def test_the_loss_is_in_units_of_float32_rounding():
    # half of the eighth digit of 1: 5e-8, 0.84 of 2^-24
    assert "up to 0.839 units" in digits_note(["1.0000000e+00"], np.array([1.0]))


def test_json_of_jsonencode(write, plain, tmp_path):
    (tmp_path / "w.json").write_text(json.dumps({"net": {"conv1": BANK.astype(float).tolist()}, "n": 1}))
    declared = layout(weight("hwcf", json="w.json", key="net.conv1"))
    network = read_declared(*write(declared))
    same(network, plain)
    assert network.notes == ("the layout does not use w (3 x 2 x 2 x 5)", TAKEN_AT_ITS_WORD)


def test_all_arrays_can_be_in_text(tmp_path):
    (tmp_path / "w.txt").write_text("1.00000000 2.00000000\n")
    (tmp_path / "layout.json").write_text(
        json.dumps(
            {
                "input": {"kind": "features", "size": [2]},
                "layers": [
                    {
                        "class": "FullyConnectedLayer",
                        "name": "f",
                        "properties": {"OutputSize": 1},
                        "weights": {"Weights": weight("oi", text="w.txt"), "Bias": weight("o", text="w.txt", size=[2])},
                    }
                ],
            }
        )
    )
    with pytest.raises(NetworkError, match=r"expected 2, as Bias has, got o 1, i 2\. Exchange the letters o and i"):
        read_declared(None, tmp_path / "layout.json")
    (tmp_path / "w.txt").write_text("1.00000000 2.00000000 3.00000000\n")
    declared = json.loads((tmp_path / "layout.json").read_text())
    declared["layers"][0]["weights"]["Bias"] = weight("o", json="b.json")
    (tmp_path / "b.json").write_text("[1, 2]")
    (tmp_path / "layout.json").write_text(json.dumps(declared))
    with pytest.raises(NetworkError, match=r"Bias does not fit; expected 1 values, got a float64 array"):
        read_declared(None, tmp_path / "layout.json")


def test_a_layer_without_its_bias_and_arrays_without_a_layer_are_noted(write):
    """A forgotten bias gave a network that agreed with itself and not with MATLAB's."""
    declared = layout()
    del declared["layers"][2]["weights"]["Bias"]
    network = read_declared(*write(declared, more=numbers(2, 3)))
    assert network.notes == (
        "the layout gives no Bias to 'fc': zeros are taken",
        "the layout does not use fc_b (1 x 4), more (2 x 3)",
        TAKEN_AT_ITS_WORD,
    )


GATES = [numbers(3, 2, k) for k in range(1, 5)]


def recurrent(weights):
    rest = {"RecurrentWeights": weight("rh", variable="r"), "Bias": weight("r", variable="b")}
    layer = {
        "class": "LSTMLayer",
        "name": "lstm",
        "properties": {"NumHiddenUnits": 3, "OutputMode": "last"},
        "weights": {"InputWeights": weights, **rest},
    }
    return {"input": {"kind": "sequence", "size": [2]}, "layers": [layer]}


def cells(*arrays):
    cell = np.empty((1, len(arrays)), dtype=object)
    for k, array in enumerate(arrays):
        cell[0, k] = array
    return cell


@pytest.mark.parametrize(
    "weights",
    [
        weight("ri", variable=["wi", "wf", "wg", "wo"]),
        weight("ri", variable=["wi", "wf", "wg", "wo"], along="r"),
        weight("ir", variable=["gates{1}", "gates{2}", "gates{3}", "gates{4}"], along="r"),
        weight("ri", variable=["wi", "wf", "wg", "wo"], file="gates.mat"),
        weight("ri", text=["wi.csv", "wf.csv", "wg.csv", "wo.csv"]),
    ],
)
def test_a_weight_of_several_arrays(weights, write, tmp_path):
    """Gates that a script kept one by one are put together in the order of the list."""
    arrays = [np.arange(6, dtype=np.float64).reshape(3, 2) + 10 * k for k in range(4)]
    named = dict(zip(("wi", "wf", "wg", "wo"), arrays, strict=True))
    savemat(tmp_path / "gates.mat", named)
    for name, array in named.items():
        (tmp_path / f"{name}.csv").write_text(as_text(array, "%.9f", ","))
    path, where = write(
        recurrent(weights), r=numbers(12, 3), b=numbers(12), gates=cells(*(a.T for a in arrays)), **named
    )
    network = read_declared(path, where)
    np.testing.assert_array_equal(
        network.weights["lstm/InputWeights"],
        [
            [0, 1],
            [2, 3],
            [4, 5],
            [10, 11],
            [12, 13],
            [14, 15],
            [20, 21],
            [22, 23],
            [24, 25],
            [30, 31],
            [32, 33],
            [34, 35],
        ],
    )


def test_several_arrays_that_do_not_fit_are_named(write):
    declared = recurrent(weight("ri", variable=["r", "b"], along="r"))
    with pytest.raises(
        NetworkError, match=r"the arrays cannot be put together along 'r'; .*got r \[12, 3\], b \[1, 12\]"
    ):
        read_declared(*write(declared, r=numbers(12, 3), b=numbers(12)))
    declared = recurrent(weight("ri", variable=["r", "r"], along="x"))
    with pytest.raises(NetworkError, match="there is no axis 'x' to put 2 arrays together along"):
        read_declared(*write(declared, r=numbers(12, 3), b=numbers(12)))


def test_axes_that_are_named_wrongly_are_told_as_such(write):
    declared = layout(last=weight("io", variable="turned"))
    message = (
        r"layer 'fc' .*the axes of Weights seem to be named wrongly: 'o', the outputs, has 60 elements; "
        r"expected 4, as Bias has, got o 60, i 4\. Exchange the letters o and i in its 'axes'"
    )
    with pytest.raises(NetworkError, match=message):
        read_declared(*write(declared, turned=LAST))


def broken(**changes):
    declared = layout()
    for path, value in changes.items():
        place = declared
        *way, last = path.split("__")
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return declared


BROKEN = {
    "no json": ("{", "is no JSON"),
    "too deep": ("[" * 100_000, "is no JSON"),
    "no layers": (broken(layers=None), "the whole: 'layers' is a required property"),
    "kind": (broken(input__kind="picture"), "input/kind: 'picture' is not one of"),
    "size": (broken(input__size=[6, 4]), "input/size: has 2 numbers; expected 3 for an input of kind 'image'"),
    "no axes": (broken(layers__0__weights__Bias={"variable": "b"}), "layers/0/weights/Bias: 'axes' is a required"),
    "two places": (broken(layers__0__weights__Bias=weight("f", variable="b", text="b.txt")), "layers/0/weights/Bias"),
    "letters": (
        broken(layers__0__weights__Weights=weight("hwio", variable="w")),
        "'conv1' .*Weights: the letters of the axes do not fit; expected 'hwcf', in any order, got 'hwio'",
    ),
    "weight": (
        broken(layers__0__weights__Kernel=weight("hwcf", variable="w")),
        r"'conv1' \(Convolution2DLayer\): there is no weight 'Kernel'; expected one of Weights \(hwcf\), Bias \(f\)",
    ),
    "axes": (broken(layers__2__weights__Weights=weight("hwco", variable="w5")), "has 5 axes"),
    "values": (
        broken(layers__0__weights__Weights=weight("hwcf", variable="w", size=[3, 3, 2, 5])),
        r"w has 60 values; expected 90, for the size \[3, 3, 2, 5\]",
    ),
    "variable": (broken(layers__0__weights__Bias=weight("f", variable="lost")), "'lost' is absent"),
    "outside": (broken(layers__0__weights__Bias=weight("f", text="../b.txt")), "is not beside the layout"),
    "bias": (broken(layers__0__weights__Bias=weight("f", variable="fc_b")), "expected 5 values"),
    "connection": (broken(connections=[["input", "conv1"], ["conv1", "nowhere"]]), "'nowhere', which is no layer"),
    "ragged": (broken(layers__0__weights__Bias=weight("f", text="ragged.txt")), "lines of 1 and 2 numbers"),
    "words": (broken(layers__0__weights__Bias=weight("f", text="words.txt")), "something that is no number"),
    "uneven": (broken(layers__0__weights__Bias=weight("f", json="uneven.json")), "is no array of numbers"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_does_not_fit_is_named(fault, write, tmp_path):
    declared, message = BROKEN[fault]
    (tmp_path / "ragged.txt").write_text("1 2\n3\n")
    (tmp_path / "words.txt").write_text("1 2 three 4 5\n")
    (tmp_path / "uneven.json").write_text("[[1, 2], [3]]")
    with pytest.raises(NetworkError, match=message) as caught:
        read_declared(*write(declared, w5=numbers(2, 2, 2, 2, 2)))
    assert str(tmp_path) in str(caught.value)


def test_unknown_classes_are_reported_at_once(write):
    declared = broken(layers__1__class="MishLayer", layers__0__class="mine.Convolution")
    with pytest.raises(UnsupportedLayers) as caught:
        read_declared(*write(declared))
    assert [(kind, name) for kind, name, _ in caught.value.layers] == [
        ("mine.Convolution", "conv1"),
        ("MishLayer", "relu1"),
    ]


def test_the_example_of_the_documentation_follows_the_schema(tmp_path):
    page = (Path(__file__).resolve().parents[2] / "docs" / "matlab.md").read_text()
    example = page.partition("```json\n")[2].partition("```")[0]
    (tmp_path / "layout.json").write_text(example)
    with pytest.raises(NetworkError, match=r"there is no \.mat file with the variable 'conv1_w'"):
        read_declared(None, tmp_path / "layout.json")
