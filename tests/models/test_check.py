"""The check of a network with samples: a record for each layer of each sample, and the worst verdict."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.judge.compare import Comparison
from harness.matlab.readers.toolbox import Network
from harness.models import conversion
from harness.models.check import NetworkCheck, check_network
from harness.models.conversion import LayerCheck
from harness.outcomes import Metrics, Outcome
from harness.workers.pool import Workers

SMALL = LayerCheck("conv_1", "Convolution2DLayer", Comparison(Outcome.FAITHFUL, metrics=Metrics(units=2.0)), 1e-7)
LARGE = LayerCheck("fc", "FullyConnectedLayer", Comparison(Outcome.FAITHFUL, metrics=Metrics(units=30.0)), 1e-6)
WRONG = LayerCheck("relu", "ReLULayer", Comparison(Outcome.MALFORMED, "another shape"), float("inf"))


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Checks a network whose samples have these layers."""

    def of(*samples: Sequence[LayerCheck]) -> NetworkCheck:
        network = SimpleNamespace(spec=None, weights=None, samples=samples)
        monkeypatch.setattr(conversion, "check_sample", lambda spec, weights, sample, workers: sample)
        monkeypatch.setattr(conversion, "not_compared", lambda spec, sample: [f"{layer.layer}:1" for layer in sample])
        return check_network(cast("Network", network), cast("Workers", None))

    return of


def test_the_worst_comparison_names_its_layer(checked: Any) -> None:
    assert checked([SMALL, LARGE]).comparison == Comparison(
        Outcome.FAITHFUL, "layer 'fc' (FullyConnectedLayer): ", metrics=Metrics(units=30.0)
    )
    assert checked([LARGE, WRONG, SMALL]).comparison == Comparison(
        Outcome.MALFORMED, "layer 'relu' (ReLULayer): another shape"
    )
    assert checked([]).comparison == Comparison(Outcome.EXACT, metrics=Metrics(units=0.0))


def test_layers_of_one_sample(checked: Any) -> None:
    assert checked([SMALL]).layers == (
        {
            "layer": "conv_1",
            "kind": "Convolution2DLayer",
            "outcome": "faithful",
            "units": 2.0,
            "relative": 1e-7,
            "message": "",
        },
    )


def test_layers_of_several_samples_have_its_number(checked: Any) -> None:
    result = checked([SMALL, LARGE], [SMALL])
    assert [(record["sample"], record["layer"]) for record in result.layers] == [
        (1, "conv_1"),
        (1, "fc"),
        (2, "conv_1"),
    ]
    assert result.not_compared == ("conv_1:1", "fc:1")
    assert result.reference == "the activations that MATLAB computed"
