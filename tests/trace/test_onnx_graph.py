"""Traces of ONNX files: the node at fault is named, those behind it are not, and a healthy file has none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.version import Version

from harness.adapters.registry import installed
from harness.installed import version_of
from harness.trace.trace import Trace
from harness.workers.pool import Workers
from harness.workers.protocol import Call, Failure
from tests.trace.onnx_models import weights

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    known = installed()
    with Workers((*known.formats, *known.hops, *known.runtimes)) as opened:
        yield opened


def ask(workers: Workers, function: str, *arguments: Any) -> Any:
    answer = workers["onnxruntime"].request(Call(f"tests.trace.onnx_models:{function}", arguments))
    assert not isinstance(answer.value, Failure), answer.value
    return answer.value


def traced(workers: Workers, *arguments: Any, function: str = "traced") -> Trace:
    answer = ask(workers, function, *arguments)
    trace = Trace.from_plain(answer)
    assert (None if trace.first_fault is None else trace.first_fault.id) == answer.get("first")
    return trace


def layers_in_float64() -> dict[str, list[np.ndarray]]:
    """What the three layers give, by hand; alpha and gamma are the defaults of Selu in ONNX."""
    numbers = {name: value.astype(float) for name, value in weights().items()}
    alpha, gamma = 1.67326319217681884765625, 1.05070102214813232421875
    a = np.tanh(X.astype(float) @ numbers["a"])
    inner = a @ numbers["b"]
    b = gamma * np.where(inner > 0, inner, alpha * np.expm1(inner))
    return {"a": [a], "b": [b], "c": [b + 1]}


def large(trace: Trace, what: str) -> list[bool]:
    return [getattr(node, what) > 1024 for node in trace.nodes]


def test_a_healthy_file_has_no_fault(workers: Workers, tmp_path: Path) -> None:
    trace = traced(workers, tmp_path, {"x": X}, "", "", layers_in_float64(), layers_in_float64()["c"])
    assert trace.first_fault is None
    assert trace.note == ""
    assert trace.kind == "onnx"
    assert [node.id.rpartition("/")[2] for node in trace.nodes] == ["MatMul", "Tanh", "MatMul", "Selu", "add"]
    assert [node.op for node in trace.nodes] == ["MatMul", "Tanh", "MatMul", "Selu", "Add"]
    assert [node.layer for node in trace.nodes] == ["a", "a", "b", "b", "c"]
    assert [node.sources for node in trace.nodes] == [
        ("input:x",), *((node.id,) for node in trace.nodes[:4]),
    ]  # fmt: skip
    assert {node.shape for node in trace.nodes} == {(3, 4)}
    assert all(0 <= node.local < 32 for node in trace.nodes)
    assert all(0 <= node.propagated < 32 for node in trace.nodes)


@pytest.mark.parametrize(("change", "place"), [("weight", 2), ("attribute", 3)])
def test_the_node_that_differs_from_the_reference_is_named(
    workers: Workers, tmp_path: Path, change: str, place: int
) -> None:
    trace = traced(workers, tmp_path, {"x": X}, change, "")
    assert trace.first_fault is trace.nodes[place]
    assert large(trace, "local") == [number == place for number in range(5)]
    assert large(trace, "propagated") == [number >= place for number in range(5)]


@pytest.mark.parametrize("change", ["weight", "attribute"])
def test_a_file_that_says_something_else_than_its_model_is_wrong_where_the_layer_ends(
    workers: Workers, tmp_path: Path, change: str
) -> None:
    trace = traced(workers, tmp_path, {"x": X}, change, change, layers_in_float64())
    assert trace.first_fault is trace.nodes[3]
    assert trace.first_fault.layer == "b"
    assert large(trace, "local") == [False, False, False, True, False]
    assert large(trace, "propagated") == [False, False, False, True, True]


def test_without_the_truth_of_layers_the_outputs_tell(workers: Workers, tmp_path: Path) -> None:
    trace = traced(workers, tmp_path, {"x": X}, "weight", "weight", None, layers_in_float64()["c"])
    assert trace.first_fault is trace.nodes[4]


def test_a_node_that_holds_two_layers_is_not_at_fault(workers: Workers, tmp_path: Path) -> None:
    """Of a converter that makes one node of the layers b and d, under the name of b."""
    truth = layers_in_float64()
    truth["d"] = truth["b"]
    truth["b"] = [truth["b"][0] * 2]
    assert traced(workers, tmp_path, {"x": X}, "", "", truth).first_fault is None


def test_a_layer_that_passes_on_what_it_gets_is_at_fault(workers: Workers, tmp_path: Path) -> None:
    """Its output is that of the layer before, which is no layer that a converter merged with it."""
    truth = layers_in_float64()
    trace = traced(workers, tmp_path, {"x": X}, "lost", "lost", truth, truth["c"])
    assert trace.first_fault is not None
    assert trace.first_fault.layer == "c"
    assert large(trace, "local") == [False, False, False, False, True]


def test_nodes_without_a_name_of_a_layer_are_of_it_by_weights_and_neighbours(workers: Workers, tmp_path: Path) -> None:
    trace = traced(workers, tmp_path, {"x": X}, "weight nameless", "weight nameless", layers_in_float64())
    assert [node.layer for node in trace.nodes] == ["a", "a", "b", "b", "c"]
    assert trace.first_fault is trace.nodes[3]
    assert traced(workers, tmp_path, {"x": X}, "nameless", "nameless", layers_in_float64()).first_fault is None


def test_another_number_of_values_is_a_fault_where_the_layer_ends(workers: Workers, tmp_path: Path) -> None:
    """The nodes behind go on from what it ought to be."""
    trace = traced(workers, tmp_path, {"x": X}, "shape", "shape", layers_in_float64())
    assert trace.first_fault is trace.nodes[3]
    assert trace.first_fault.local == float("inf")
    assert large(trace, "local") == [False, False, False, True, False]


def test_a_tensor_that_no_node_makes_is_told(workers: Workers, tmp_path: Path) -> None:
    trace = traced(workers, tmp_path, {"x": X}, "unmade", "unmade", layers_in_float64())
    assert "what depends on 'nowhere' cannot run: no node makes it" in trace.note
    assert [node.local is None for node in trace.nodes] == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("function", "right", "wrong", "layer"),
    [
        ("two_layers_in_one", 0.1, 0.3, "act"),
        ("one_layer_read_twice", 1.0, 1.1, "a"),
        ("an_end_without_a_name", 1.0, 1.1, "a"),
        ("a_scale_in_a_convolution", 1.0, 1.01, "bn"),
        ("an_end_in_groups", 1.0, 1.01, "a"),
        ("an_end_in_another_order", 1.0, 1.01, "a"),
    ],
)
def test_only_the_layer_with_the_fault_is_named(
    workers: Workers, tmp_path: Path, function: str, right: float, wrong: float, layer: str
) -> None:
    """Also where one node computes two layers, a layer is read in two orders of axes, or its last node has no name."""
    healthy, faulty = (Trace.from_plain(ask(workers, function, tmp_path, value)) for value in (right, wrong))
    assert healthy.first_fault is None
    assert {node.layer for node in faulty.nodes if node.local is not None and node.local > 1024} == {layer}


@pytest.mark.parametrize(("named", "by"), [(True, " (Planted)"), (False, "")])
def test_what_is_fused_wrongly_is_found_without_taps(workers: Workers, tmp_path: Path, named: bool, by: str) -> None:
    told = layers_in_float64(), named
    trace = traced(workers, tmp_path, {"x": X}, *told, function="traced_with_an_optimiser_that_errs")
    assert large(trace, "local") == [False, False, False, True, False]
    assert large(trace, "propagated") == [False, False, False, False, True]
    assert trace.note == f"'b' is right alone and wrong where ONNX Runtime fuses it with 'a'{by}"
    assert trace.optimiser == ("Planted" if named else "")


def test_the_optimisation_of_onnx_runtime_that_errs_is_named(workers: Workers, tmp_path: Path) -> None:
    """Pads of zeros became the pads of MaxPool, which are minus infinity, up to ONNX Runtime 1.31.1."""
    trace = Trace.from_plain(ask(workers, "pads_before_a_pool", tmp_path))
    if Version(version_of("onnxruntime")) >= Version("1.32"):
        assert (trace.first_fault, trace.optimiser) == (None, None)
    else:
        assert trace.first_fault is not None
        assert (trace.first_fault.op, trace.optimiser) == ("MaxPool", "Pad_Fusion")


# Operators

F = np.float32
RANDOM = np.random.Generator(np.random.PCG64(3))


def drawn(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(F)


BODY = """body (int64 i, bool c, float s) => (bool d, float t, float u)
    { d = Identity(c)  one = Constant <value = float {1.0}> ()  t = Add(s, one)  u = Identity(t) }"""


def recurrent(op: str, gates: int, *, batch: int = 2, lengths: Any = None, **attributes: Any) -> tuple[Any, ...]:
    ways = 2 if attributes.get("direction") == "bidirectional" else 1
    arrays = [drawn(3, batch, 2), drawn(ways, gates * 2, 2), drawn(ways, gates * 2, 2), drawn(ways, gates * 4), lengths]
    return op, arrays, {"hidden_size": 2, **attributes}, 3 if op == "LSTM" else 2


FIVE_NUMBERS = [np.array([[[5]]], F), *(np.array([number], F) for number in (2, 7, 1, 3))]
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
LENGTHS = np.array([3, 1], np.int32)
CASES = {
    "BatchNormalization 7": (
        "BatchNormalization", [drawn(2, 3, 4, 4), *drawn(3, 3), np.array([1, 2, 3], F)], {}, 1, "", 7,
    ),
    "GlobalMaxPool": ("GlobalMaxPool", [drawn(2, 3, 5)], {}, 1),
    "Loop": ("Loop", [np.array(3), np.array(True), F(1)], {}, 2, BODY),
    "MaxPool": ("MaxPool", [drawn(1, 1, 3, 4)], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1]}, 1),
    "LRN": ("LRN", [drawn(1, 5, 2, 2)], {"size": 3}, 1),
    "ConvTranspose": ("ConvTranspose", [drawn(1, 4, 3), drawn(4, 2, 2)], {"group": 2, "strides": [2]}, 1),
    "ConvTranspose of a size": (
        "ConvTranspose", [drawn(1, 2, 3), drawn(2, 2, 3)], {"strides": [2], "output_shape": [6]}, 1,
    ),
    **{
        f"{op} {name}": recurrent(op, gates, **attributes)
        for op, gates in GATES.items()
        for name, attributes in {
            "lengths": {"lengths": LENGTHS},
            "lengths backwards": {"lengths": LENGTHS, "direction": "reverse"},
            "clip": {"clip": 0.1},
            "activations": {"activations": {"RNN": ["Relu"], "GRU": ["HardSigmoid", "Softsign"],
                                            "LSTM": ["HardSigmoid", "Softsign", "Relu"]}[op]},
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_mended_operator_is_what_onnx_runtime_computes_and_the_reference_does_not(
    workers: Workers, case: str
) -> None:
    """ONNX Runtime is the second witness. Where onnx.reference agrees one day, the mending can go."""
    answer = ask(workers, "operator", *CASES[case])
    assert answer["local"] is not None, answer["note"]
    assert answer["local"] < 100
    plain = answer["plain"]
    assert plain is None or not all(
        np.shape(one) == np.shape(two) and np.allclose(one, two, rtol=1e-4, atol=1e-5)
        for one, two in zip(plain, answer["mended"], strict=True)
    )


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("batch", [1, 2])
def test_directions(workers: Workers, op: str, direction: str, batch: int) -> None:
    answer = ask(workers, "operator", *recurrent(op, GATES[op], batch=batch, direction=direction))
    assert answer["local"] is not None
    assert answer["local"] < 100


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        # 2 * (5 - 1) / sqrt(3 + 1) + 7
        (("BatchNormalization", FIVE_NUMBERS, {"epsilon": 1.0}, 1, "", 7), [[[[11]]]]),
        (("BatchNormalization", FIVE_NUMBERS, {"epsilon": 1.0}, 1), [[[[11]]]]),
        (("GlobalMaxPool", [np.array([[[1, 5, 2], [0, -1, -2]]], F)], {}, 1), [[[[5], [0]]]]),
        (("Loop", [np.array(3), np.array(True), F(1)], {}, 2, BODY), [4, [2, 3, 4]]),
        (("Loop", [np.array(0), np.array(True), F(1)], {}, 2, BODY), [1, []]),
        # 1 2 3 padded by one behind, windows of 2
        (("MaxPool", [np.array([[[1, 2, 3]]], F)], {"kernel_shape": [2], "pads": [0, 1]}, 1), [[[[2, 3, 3]]]]),
        # windows of 2 and stride 2 over 5 values: the last holds one
        (("MaxPool", [np.array([[[1, 2, 3, 4, 5]]], F)], {"kernel_shape": [2], "strides": [2], "ceil_mode": 1}, 1),
         [[[[2, 4, 5]]]]),
        # alpha 3, beta 1, bias 1, size 3: x / (1 + the sum of squares of both neighbours and itself)
        (("LRN", [np.array([[[1], [2], [3]]], F)], {"size": 3, "alpha": 3.0, "beta": 1.0}, 1),
         [[[[1 / 6], [2 / 15], [3 / 14]]]]),
        # each group has its own kernel: 1, 2 beside 10, 20
        (("ConvTranspose", [np.array([[[1, 3], [1, 3]]], F), np.array([[[1, 2]], [[10, 20]]], F)], {"group": 2}, 1),
         [[[[1, 5, 6], [10, 50, 60]]]]),
        # 1 * (1 2) then 3 * (1 2), stride 2: 1 2 3 6; of the wanted size 3 the first place is cut
        (("ConvTranspose", [np.array([[[1, 3]]], F), np.array([[[1, 2]]], F)],
          {"strides": [2], "output_shape": [3]}, 1),
         [[[[2, 3, 6]]]]),
        # kernel (1 10) over 1 2 3 with a zero behind
        (("Conv", [np.array([[[1, 2, 3]]], F), np.array([[[1, 10]]], F)], {"pads": [0, 1]}, 1), [[[[21, 32, 3]]]]),
        # h = x + h/2 from the end: 4, 2 + 2, 1 + 2
        (("RNN", [np.array([[[1]], [[2]], [[4]]], F), np.array([[[1]]], F), np.array([[[0.5]]], F)],
          {"hidden_size": 1, "direction": "reverse", "activations": ["Affine"], "activation_alpha": [1.0],
           "activation_beta": [0.0]}, 2), [[[[[3]]], [[[4]]], [[[4]]]], [[[3]]]]),
    ],
)  # fmt: skip
def test_values_worked_out_by_hand(workers: Workers, case: tuple[Any, ...], expected: list[Any]) -> None:
    mended = ask(workers, "operator", *case)["mended"]
    assert len(mended) == len(expected)
    for value, wanted in zip(mended, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-12)
