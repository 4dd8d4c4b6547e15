"""Faults of shallow networks: pre- and postprocessing, and transfer functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from harness.planted.matlab_edit import MatlabFault, Weights
from harness.spec import Layer, Spec


class ReverseForgotten(MatlabFault):
    """Outputs of a shallow network not mapped back from the range of mapminmax."""

    name = "planted-matlab-mapminmax-reverse-forgotten"
    layers = ("mapminmax_reverse",)

    def edit(self, layer: Layer, spec: Spec) -> Layer:
        return replace(layer, kind="DropoutLayer", config={})


class OffsetForgotten(MatlabFault):
    """ymin of mapminmax taken for 0."""

    name = "planted-matlab-mapminmax-offset"
    layers = ("mapminmax",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": 0}


class DeviationTakenForGain(MatlabFault):
    """Division by the gain of mapstd, as if it were the deviation."""

    name = "planted-matlab-mapstd-gain"
    layers = ("mapstd",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {**weights, "gain": 1 / weights["gain"]}


class RowsFromZero(MatlabFault):
    """Rows to keep counted from 0, the one too many taken for the first."""

    name = "planted-matlab-rows-from-zero"
    layers = ("removeconstantrows",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        count = len(config["keep"]) + len(config["remove"])
        return {"keep": [n % count + 1 for n in config["keep"]]}


class ConstantsLast(MatlabFault):
    """Constant rows appended to the others instead of restored to their places."""

    name = "planted-matlab-constant-rows-last"
    layers = ("removeconstantrows_reverse",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        rows, count = len(config["keep"]), len(config["keep"]) + len(config["remove"])
        return {"keep": list(range(1, rows + 1)), "remove": list(range(rows + 1, count + 1))}


class SaturationExchanged(MatlabFault):
    """satlin replaced by satlins, down to -1."""

    name = "planted-matlab-satlin-as-satlins"
    layers = ("satlin",)
    swaps: ClassVar[Mapping[str, str]] = {"nn.Hardtanh(0.0, 1.0)": "nn.Hardtanh()"}
