"""Finds what ONNX Runtime's optimisations break: nodes that are right one by one, and wrong where they are fused.

A tensor that is an output of the model is not fused away, so taps hide such a fault. Here each tensor is asked for
alone, with optimisations, and compared with what the file gives without any. So the first wrong one is found, then the
nodes that it is fused with (asking for a tensor between them mends it), then the optimisation whose absence mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from harness.spec import Array
from harness.trace import noise
from harness.trace.onnx_nodes import inputs_of, session_of, tapped
from harness.trace.trace import FAULT

MOST_STEPS = 200
"""Most tensors to step back over from a wrong one to the first."""
MOST_FUSED = 16
"""Most nodes that one optimisation is taken to fuse."""
_NAMES = """
    AttentionFusion BiasDropoutFusion BiasGeluFusion BiasSkipLayerNormFusion BiasSoftmaxFusion CastChainElimination
    CastElimination CastFloat16Transformer CommonSubexpressionElimination ConstantFolding ConstantSharing
    ConvAddActivationFusion ConvAddFusion ConvBNFusion ConvMulFusion DivMulFusion DoubleQDQPairsRemover
    DynamicQuantizeMatMulFusion EliminateDropout EliminateIdentity EliminateSlice EmbedLayerNormFusion
    ExpandElimination FastGeluFusion FuseReluClip GatherSliceToSplitFusion GatherToSliceFusion GeluFusionL1
    GeluFusionL2 GemmActivationFusion GemmSumFusion GemmTransposeFusion LayerNormFusion LayerNormFusionL1
    LayerNormFusionL2 MatMul_BatchNormalization_Fusion MatMulActivationFusion MatMulAddFusion MatMulScaleFusion
    MatmulTransposeFusion NchwcTransformer NhwcTransformer NoopElimination NotWhereFusion Pad_Fusion
    PreShapeNodeElimination QDQPropagationTransformer QuickGeluFusion ReshapeFusion SimplifiedLayerNormFusion
    SkipLayerNormFusion SliceConcatToSpaceToDepthFusion TransposeOptimizer UnsqueezeElimination
"""
OPTIMISERS = tuple(_NAMES.split())
"""Optimisations by the names under which ONNX Runtime lets one switch them off (`disabled_optimizers`); it passes over
names that it does not know."""


@dataclass(frozen=True)
class Fused:
    """The place of the node that is wrong where it is optimised, its error in noise units, the places of the nodes that
    it is fused with, and the optimisation that does it ('' if none alone does)."""

    place: int
    error: float
    others: tuple[int, ...] = ()
    optimiser: str = ""


def fused(model: Any, inputs: Mapping[str, Array], output: str, scales: Mapping[str, float]) -> Fused | None:
    """What is fused wrongly before `output`; None if optimisations leave that right.

    `scales` are noise units of tensors, one for each, by name; only tensors that are there are looked at. Raises what
    ONNX Runtime raises where it does not run the file without optimisations.
    """
    search = _Search(model, inputs, scales)
    if output not in search.makers or not search.error(output) > FAULT:
        return None
    first = search.first(output)
    others = search.others(first)
    return Fused(search.makers[first], search.error(first), others, search.optimiser(first))


class _Search:
    """Runs of parts of a model, with and without optimisations."""

    def __init__(self, model: Any, inputs: Mapping[str, Array], scales: Mapping[str, float]) -> None:
        self.model = model
        self.inputs = inputs
        self.scales = scales
        self.makers = {name: at for at, node in enumerate(model.graph.node) for name in node.output if name in scales}
        self.error = cache(self._error)

    def sources(self, name: str) -> list[str]:
        """The tensors that other nodes make of which a node makes this one."""
        return [each for each in inputs_of(self.model.graph.node[self.makers[name]]) if each in self.makers]

    def _error(self, name: str, beside: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> float:
        """The error of a tensor where it is asked for with those `beside` it, and `without` some optimisations."""
        right = self._value(name, (), optimised=False)
        try:
            given = self._value(name, beside, optimised=True, without=without)
        except Exception:  # ONNX Runtime raises several kinds where it cannot run what it made
            return float("inf")
        return noise.units(given, right.astype(np.float64), np.full(right.shape, self.scales[name]))

    def _value(self, name: str, beside: Sequence[str], *, optimised: bool, without: Sequence[str] = ()) -> Array:
        import onnx

        part = onnx.ModelProto()
        part.CopyFrom(self.model)
        del part.graph.output[:]
        session = session_of(tapped(part, [name, *beside]).SerializeToString(), optimised=optimised, without=without)
        accepted = {item.name for item in session.get_inputs()}
        feeds = {key: value for key, value in self.inputs.items() if key in accepted}
        return np.asarray(session.run([name], feeds)[0])

    def first(self, output: str) -> str:
        """A wrong tensor that is made of right ones."""
        behind = sorted(self._ancestors(output), key=self.makers.__getitem__)
        low, high = -1, len(behind) - 1  # that at high is wrong
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.error(behind[middle]) > FAULT else (middle, high)
        wrong = behind[high]
        for _ in range(MOST_STEPS):  # along another branch it may come from farther back
            before = next((each for each in self.sources(wrong) if self.error(each) > FAULT), None)
            if before is None:
                break
            wrong = before
        return wrong

    def _ancestors(self, name: str) -> set[str]:
        found, waiting = {name}, [name]
        while waiting:
            new = set(self.sources(waiting.pop())) - found
            found |= new
            waiting += new
        return found

    def others(self, wrong: str) -> tuple[int, ...]:
        """The nodes whose output, asked for too, mends the wrong tensor; and such nodes before them."""
        places, waiting = dict[int, None](), self.sources(wrong)
        while waiting and len(places) < MOST_FUSED:
            name = waiting.pop(0)
            if self.makers[name] not in places and not self.error(wrong, (name,)) > FAULT:
                places[self.makers[name]] = None
                waiting += self.sources(name)
        return tuple(sorted(places))

    def optimiser(self, wrong: str) -> str:
        """The optimisation without which the tensor is right; '' if there is no single one."""

        def mends(names: Sequence[str]) -> bool:
            return not self.error(wrong, (), tuple(names)) > FAULT

        return _single(OPTIMISERS, mends)


def _single(names: Sequence[str], mends: Callable[[Sequence[str]], bool]) -> str:
    """The one of these that mends alone, found by halves; '' if it takes several, or none does."""
    if not mends(names):
        return ""
    while len(names) > 1:
        half = len(names) // 2
        names = next((part for part in (names[:half], names[half:]) if mends(part)), ())
    return names[0] if names else ""
