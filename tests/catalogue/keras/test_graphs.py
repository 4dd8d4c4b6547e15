"""Random graphs and structures: every one fits, and is what its choice says."""

import pytest

from harness.catalogue import find
from harness.draw import seeded_case
from harness.draw.cover import covering_array

GRAPH, MODEL = find("keras", "Graph"), find("keras", "Model")


@pytest.mark.parametrize("choice", covering_array(GRAPH)[::6], ids=str)
def test_graph_evaluates(choice):
    case = seeded_case(GRAPH, choice)
    assert list(case.golden.expected) == list(case.spec.outputs)
    assert len(case.spec.layers) <= choice["layers"] + 1
    used = {name.partition("/")[0] for name in case.weights}
    assert used <= {layer.name for layer in case.spec.layers if not layer.of}


def structure(kind):
    return seeded_case(MODEL, {"structure": kind, "batch": 2, "profile": "main"}).spec


def test_shared_layer_has_one_set_of_weights():
    case = seeded_case(MODEL, {"structure": "shared", "batch": 2, "profile": "main"})
    assert [layer.of for layer in case.spec.layers] == ["", "dense0", ""]
    assert len(case.weights) == 2


def test_residual_reads_the_pre_activation():
    add = next(layer for layer in structure("residual").layers if layer.kind == "Add")
    assert add.inputs[0].startswith("batchnormalization")


def test_an_output_may_be_read_by_another_layer():
    spec = structure("intermediate_output")
    assert any(spec.outputs[1] in layer.inputs for layer in spec.layers)
