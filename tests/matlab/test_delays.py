"""Shallow networks with delays: time-delay networks and open NARX loops."""

from __future__ import annotations

import numpy as np
import pytest

from harness.matlab.matfile.read import Cell, Object
from harness.matlab.readers.records import NetworkError, UnsupportedLayers
from harness.matlab.readers.shallow import read_shallow
from harness.matlab.torch.source import program
from harness.matlab.torch.text import build
from harness.oracle import evaluate

NONE = np.zeros((0, 0))


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=float)


def cells(*rows: tuple[object, ...]) -> Cell:
    return Cell(tuple(item for column in zip(*rows, strict=True) for item in column), (len(rows), len(rows[0])))


def port(size: int, *, scaled: bool = False) -> dict[str, object]:
    setting = {"xoffset": row(1), "gain": row(2), "ymin": row(-1), "no_change": np.array([[False]])}
    functions, settings = (("mapminmax",), (setting,)) if scaled else ((), ())
    return {
        "size": row(size),
        "processFcns": Cell(functions, (1, len(functions))),
        "processSettings": Cell(settings, (1, len(settings))),
    }


def network(weights, delays, *, layer_delays=(0,), feedback=False, sizes=(1,), scaled=False):
    """Two layers: the inputs with their delays, then a layer that doubles."""
    count = len(weights)
    linear = {"transferFcn": "purelin", "netInputFcn": "netsum"}
    fields = {
        "inputs": cells(*[(port(size, scaled=scaled),) for size in sizes]),
        "outputs": cells((NONE, port(1))),
        "layers": cells((linear,), (linear,)),
        "inputConnect": np.array([[True] * count, [False] * count]),
        "layerConnect": np.array([[False, feedback], [True, False]]),
        "inputWeights": cells(tuple({"delays": row(*steps)} for steps in delays), (NONE,) * count),
        "layerWeights": cells((NONE, {"delays": row(1)}), ({"delays": row(*layer_delays)}, NONE)),
        "IW": cells(tuple(np.array(matrix, dtype=float) for matrix in weights), (NONE,) * count),
        "LW": cells((NONE, row(1)), (row(2), NONE)),
        "b": cells((row(10),), (row(0),)),
    }
    return Object("network", fields)


def outputs(read, **inputs):
    arrays = {name: np.array([value], np.float32) for name, value in inputs.items()}
    return evaluate(read.spec, read.weights, arrays)[read.spec.outputs[0]][0].tolist()


def test_a_time_delay_network_by_hand():
    """y(t) = 2 (10 + 1 x(t) + 100 x(t-2)): columns of a weight are in the order of the delays."""
    read = read_shallow("net", network([[[1, 100]]], [(0, 2)]))
    assert [item.shape for item in read.spec.inputs] == [(None, 1)]
    assert outputs(read, input=[[1], [2], [3], [4]]) == [[2 * (10 + 3 + 100)], [2 * (10 + 4 + 200)]]
    assert read.notes[0].startswith("the first 2 steps of each sequence are the states of its delays")


def test_columns_of_one_delay_stand_together():
    """Two features: [x1(t-1) x2(t-1) x1(t-2) x2(t-2)]."""
    read = read_shallow("net", network([[[1, 10, 100, 1000]]], [(1, 2)], sizes=(2,)))
    assert outputs(read, input=[[1, 2], [3, 4], [0, 0]]) == [[2 * (10 + 3 + 40 + 100 + 2000)]]


def test_an_open_narx_loop_takes_two_sequences():
    """Both begin at the longest delay, whichever has it."""
    read = read_shallow("net", network([[[1]], [[10, 100]]], [(1,), (1, 2)], sizes=(1, 1)))
    assert [item.name for item in read.spec.inputs] == ["input1", "input2"]
    y = outputs(read, input1=[[1], [2], [3], [4]], input2=[[5], [6], [7], [8]])
    assert y == [[2 * (10 + 2 + 60 + 500)], [2 * (10 + 3 + 70 + 600)]]


def test_inputs_are_processed_step_by_step():
    """(x - 1) 2 - 1 of 1, 2, 3 is -1, 1, 3."""
    read = read_shallow("net", network([[[1, 100]]], [(0, 1)], scaled=True))
    assert outputs(read, input=[[1], [2], [3]]) == [[2 * (10 + 1 - 100)], [2 * (10 + 3 + 100)]]


def test_without_delays_inputs_are_features():
    assert read_shallow("net", network([[[3]]], [(0,)])).spec.inputs[0].shape == (1,)


def test_the_program_computes_the_same():
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(1)
    weights = [generator.normal(size=(1, 4)), generator.normal(size=(1, 1))]
    read = read_shallow("net", network(weights, [(0, 3), (1,)], sizes=(2, 1), scaled=True))
    inputs = {n: generator.normal(size=(2, 7, k)).astype(np.float32) for n, k in (("input1", 2), ("input2", 1))}
    wanted = evaluate(read.spec, read.weights, inputs)[read.spec.outputs[0]]
    assert wanted.shape == (2, 4, 1)
    with torch.no_grad():
        y = build(program(read.spec, read.weights))(*map(torch.from_numpy, inputs.values())).numpy()
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-5)


def test_what_is_refused():
    with pytest.raises(UnsupportedLayers, match=r"delays \[0, 1\] of the output of layer 1"):
        read_shallow("net", network([[[1]]], [(0,)], layer_delays=(0, 1)))
    with pytest.raises(UnsupportedLayers, match=r"feed each other\).*net = openloop\(net\)"):
        read_shallow("net", network([[[1]]], [(0,)], feedback=True))
    with pytest.raises(NetworkError, match=r"inputWeights of layer 1 have delays \[-1\]; expected 0 or more"):
        read_shallow("net", network([[[1]]], [(-1,)]))
