"""The check of a network's conversion to PyTorch: against what MATLAB computed or, without that, the documentation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.judge.compare import Verdict
from harness.matlab.readers.toolbox import Network, as_table
from harness.models import conversion
from harness.models.conversion import LayerCheck
from harness.outcomes import Outcome
from harness.workers.pool import Workers


@dataclass(frozen=True)
class NetworkCheck:
    """How PyTorch compares with the reference: a record for each layer, and the worst verdict."""

    verdict: Verdict
    reference: str
    layers: tuple[dict[str, Any], ...]
    not_compared: tuple[str, ...] = ()
    """Activations of the samples for which there is no layer."""


def check_network(network: Network, workers: Workers) -> NetworkCheck:
    """Convert to PyTorch in a temporary folder, run it and judge. Raises ConversionError."""
    return _against_samples(network, workers) if network.samples else _against_documentation(network, workers)


def _against_documentation(network: Network, workers: Workers) -> NetworkCheck:
    with tempfile.TemporaryDirectory(prefix="parity-check-") as folder:
        delivered = conversion.deliver(network.spec, network.weights, "torch", Path(folder), workers)
    return NetworkCheck(delivered.verdict, delivered.reference, tuple(as_table(network.spec, network.weights)))


def _against_samples(network: Network, workers: Workers) -> NetworkCheck:
    checks = [
        (number, check)
        for number, sample in enumerate(network.samples, start=1)
        for check in conversion.check_sample(network.spec, network.weights, sample, workers)
    ]
    several = len(network.samples) > 1
    return NetworkCheck(
        verdict=max([Verdict(Outcome.EXACT, units=0.0), *_located(check for _, check in checks)], key=_harm),
        reference="the activations that MATLAB computed",
        layers=tuple({**({"sample": number} if several else {}), **_record(check)} for number, check in checks),
        not_compared=tuple(
            sorted({name for sample in network.samples for name in conversion.not_compared(network.spec, sample)})
        ),
    )


def _located(checks: Iterator[LayerCheck]) -> Iterator[Verdict]:
    """The verdict on each layer; its message names the layer."""
    for check in checks:
        yield replace(check.verdict, message=f"layer {check.layer!r} ({check.kind}): {check.verdict.message}")


def _harm(verdict: Verdict) -> tuple[int, float]:
    return verdict.outcome.severity, verdict.units or 0.0


def _record(check: LayerCheck) -> dict[str, Any]:
    return {
        "layer": check.layer,
        "kind": check.kind,
        "outcome": str(check.verdict.outcome),
        "units": check.verdict.units,
        "relative": check.relative,
        "message": check.verdict.message,
    }
