"""MATLAB's ResNet-50 with few channels and a small image, and with each of its 177 layers as an output."""

import runpy

import numpy as np
import pytest

from harness.installed import shipped
from harness.oracle import evaluate
from harness.oracle.noise import measure
from harness.pytest_plugin.assertion import check
from harness.pytest_plugin.fixtures import Record
from harness.run.session import Session
from harness.spec import Array, Case, Exactness, Golden, Sample, Spec

BUILD = shipped("examples") / "resnet50" / "build.py"
SIZES = {"pixels": 64, "width": 8, "classes": 10}
OPSET = 13
SUBJECT = "ResNet50"


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """The network in two dialects: that of the `.mat` file, and that of MATLAB's ONNX export."""
    build = runpy.run_path(str(BUILD))
    spec, weights = build["resnet50"](**SIZES)
    spec = build["every_output"](spec)
    source = np.random.Generator(np.random.PCG64(1))
    (item,) = spec.inputs
    inputs = {item.name: source.uniform(0, 255, (2, *item.shape)).astype(np.float32)}
    expected = evaluate(spec, weights, inputs)
    noise = measure(spec, weights, inputs, expected, runs=4)
    specs = (spec, build["exported"](spec, OPSET))
    return {each.dialect: _case(each, weights, inputs, expected, noise) for each in specs}


def _case(
    spec: Spec,
    weights: dict[str, Array],
    inputs: dict[str, Array],
    expected: dict[str, Array],
    noise: dict[str, Array],
) -> Case:
    golden = Golden(
        {name: expected[name] for name in spec.outputs},
        {name: noise[name] for name in spec.outputs},
        Exactness.COMPUTES,
        channel_axis=1,
    )
    return Case(spec, SUBJECT, {"profile": "main", **SIZES}, weights, (Sample(inputs, golden),))


@pytest.mark.parametrize("dialect", ["matlab", "onnx"])
def test_every_layer(dialect: str, cases: dict[str, Case], parity: Session, record: Record) -> None:
    """Every layer agrees with the oracle, on every route from the file."""
    if not parity.selects(SUBJECT):
        pytest.skip(f"--layer does not select {SUBJECT}")
    routes = [route for route in parity.runnable_for(dialect) if route.depth is None]
    if not routes:
        pytest.skip(parity.obstacle(dialect) or f"no selected route from {dialect} walks large models")
    case = cases[dialect]
    assert case.golden is not None
    for route in routes:
        result = record(parity.walk.result(case, route))
        check(result)
