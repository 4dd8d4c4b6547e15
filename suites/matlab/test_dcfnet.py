"""A real network whose activations MATLAB itself computed: conv, relu, conv, lrn."""

from pathlib import Path

import numpy as np
import pytest

from harness.pytest_plugin.assertion import check
from harness.pytest_plugin.fixtures import Record
from harness.run.session import Session

from .dcfnet import NETWORK, RECORDED, dcfnet_cases

LIMIT = 1e-6
"""Largest error allowed, relative to the layer's largest activation."""


@pytest.mark.parametrize("depth", range(4), ids=["conv1", "relu1", "conv2", "norm1"])
def test_layer(depth: int, parity: Session, record: Record, real_files: Path) -> None:
    """The network up to this layer gives MATLAB's numbers on every route."""
    if not all((real_files / name).is_file() for name in (NETWORK, RECORDED)):
        pytest.skip(f"{NETWORK} and {RECORDED} are not in {real_files}")
    case = dcfnet_cases(real_files)[depth]
    assert case.golden is not None
    peak = max(float(np.abs(value).max()) for value in case.golden.expected.values())
    if not parity.selects(case.subject):
        pytest.skip(f"--layer does not select {case.subject}")
    # a route with a depth, such as the way back to ONNX, sees small cases only
    routes = [route for route in parity.runnable_for("matconvnet") if route.depth is None]
    if not routes:
        pytest.skip(parity.obstacle("matconvnet") or "no selected route from MatConvNet walks large models")
    for route in routes:
        result = record(parity.walk.result(case, route))
        check(result)
        assert (result.stages[-1].metrics.max_abs or 0) / peak <= LIMIT
