"""The check of a network's conversion to PyTorch: against what MATLAB computed or, without that, the documentation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.judge.compare import Comparison, worst
from harness.matlab.readers.toolbox import Network, as_table
from harness.models import conversion
from harness.models.conversion import LayerCheck, Watch
from harness.models.given import Given
from harness.outcomes import Metrics, Outcome
from harness.workers.pool import Workers


@dataclass(frozen=True)
class NetworkCheck:
    """How PyTorch compares with the reference: a record for each layer, and the worst comparison; None if the network
    is too large to be judged. `judged` says on which samples, or why not."""

    comparison: Comparison | None
    reference: str
    layers: tuple[dict[str, Any], ...]
    judged: str = ""
    not_compared: tuple[str, ...] = ()
    """Activations of the samples for which there is no layer."""
    hidden: tuple[str, ...] = ()
    """Layers of which no compared tensor tells anything."""


def check_network(
    network: Network, workers: Workers, watch: Watch | None = None, given: Given | None = None
) -> NetworkCheck:
    """Convert to PyTorch in a temporary folder, run it and judge. Raises ConversionError.

    For inputs that are given there are no activations of MATLAB.
    """
    if network.samples and given is None:
        return _against_samples(network, workers)
    return _against_documentation(network, workers, watch, given)


def _against_documentation(
    network: Network, workers: Workers, watch: Watch | None, given: Given | None
) -> NetworkCheck:
    with tempfile.TemporaryDirectory(prefix="parity-check-") as folder:
        delivered = conversion.deliver(network, "torch", Path(folder), workers, watch=watch, given=given)
    table = tuple(as_table(network.spec, network.weights))
    return NetworkCheck(delivered.comparison, delivered.reference, table, delivered.judged, hidden=delivered.hidden)


def _against_samples(network: Network, workers: Workers) -> NetworkCheck:
    checks = [
        (number, check)
        for number, sample in enumerate(network.samples, start=1)
        for check in conversion.check_sample(network.spec, network.weights, sample, workers)
    ]
    several = len(network.samples) > 1
    return NetworkCheck(
        comparison=worst(
            [Comparison(Outcome.EXACT, metrics=Metrics(units=0.0)), *_located(check for _, check in checks)]
        ),
        reference="the activations that MATLAB computed",
        layers=tuple({**({"sample": number} if several else {}), **record_of(check)} for number, check in checks),
        judged=f"{len(network.samples)} sample{'s' * several} of the file",
        not_compared=tuple(
            sorted({name for sample in network.samples for name in conversion.not_compared(network.spec, sample)})
        ),
    )


def _located(checks: Iterator[LayerCheck]) -> Iterator[Comparison]:
    """The comparison of each layer; its message names the layer."""
    for check in checks:
        yield replace(check.comparison, message=f"layer {check.layer!r} ({check.kind}): {check.comparison.message}")


def record_of(check: LayerCheck) -> dict[str, Any]:
    """A layer's comparison as a row of a table."""
    return {
        "layer": check.layer,
        "kind": check.kind,
        "outcome": str(check.comparison.outcome),
        "units": check.comparison.units,
        "relative": check.relative,
        "message": check.comparison.message,
    }
