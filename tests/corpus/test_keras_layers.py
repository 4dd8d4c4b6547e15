"""Classes and arguments are read from Keras' source."""

import pytest

from harness.corpus.keras_layers import exported


def test_names_are_the_documented_ones():
    try:
        classes = exported()
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    assert classes["Conv1D"].names == ("Conv1D", "Convolution1D")
    assert classes["Dense"].arguments[:3] == ("units", "activation", "use_bias")
