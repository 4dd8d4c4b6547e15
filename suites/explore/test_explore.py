"""Fresh random cases of every layer, beyond the goldens: `pytest suites/ --explore 50`."""

from collections.abc import Callable

import pytest

from harness.catalogue import Row


@pytest.mark.explored("keras")
def test_keras(row: Row, explore: Callable[[Row], None]) -> None:
    """Keras layers."""
    explore(row)


@pytest.mark.explored("matconvnet")
def test_matconvnet(row: Row, explore: Callable[[Row], None]) -> None:
    """MatConvNet layers."""
    explore(row)


@pytest.mark.explored("matlab")
def test_matlab(row: Row, explore: Callable[[Row], None]) -> None:
    """Layers of MATLAB network objects."""
    explore(row)


@pytest.mark.explored("onnx")
def test_onnx(row: Row, explore: Callable[[Row], None]) -> None:
    """Operators of ONNX."""
    explore(row)
