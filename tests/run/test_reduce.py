"""Reduction: the layer at fault is found, with no more around it than the fault needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from harness.adapters.routes import Route
from harness.draw import with_golden
from harness.results.events import Judgement
from harness.run.reduce import ReduceError, first_deviation, flattened, reduced, with_first_tensor
from harness.run.session import Selection, SelectionError, Session
from harness.run.walk import Walk
from harness.spec import Case, Input, Layer, Sample, Spec
from harness.workers.pool import Workers
from tests.miniatures import Copies, MiniFormat, SleepsOnActivation, dense_case, registry
from tests.naps import believe

FAULT = "harness.planted.onnx_convolution:BiasDropped"
GRAPH = "keras-Graph-02a0a898fed6"


class Fuses(Copies):
    """Doubles a Dense that an Activation follows."""

    name: ClassVar[str] = "fuses"

    def convert(self, artifact: Path, out: Path) -> Path:
        spec, weights = MiniFormat().read(artifact)
        read = {layer.inputs[0] for layer in spec.layers if layer.kind == "Activation"}
        doubled = {name: value * 2 if name.partition("/")[0] in read else value for name, value in weights.items()}
        MiniFormat().write(spec, doubled, out)
        return out


class RefusesPermute(Copies):
    name: ClassVar[str] = "refusespermute"

    def convert(self, artifact: Path, out: Path) -> Path:
        if "Activation" in artifact.read_text():
            raise NotImplementedError("no converter for Activation")
        return super().convert(artifact, out)


class Breaks(Copies):
    name: ClassVar[str] = "breaks"

    def convert(self, artifact: Path, out: Path) -> Path:
        out.write_bytes(artifact.read_bytes()[:40])
        return out


def chain() -> Case:
    """Dense, LeakyReLU, Dense, Activation, LeakyReLU: the third and fourth are fused wrongly."""
    small = dense_case()
    size = 4
    kinds = [("Dense", {"units": size}), ("LeakyReLU", {}), ("Dense", {"units": size})]
    kinds += [("Activation", {"activation": "tanh"}), ("LeakyReLU", {})]
    layers, before = [], "x"
    for k, (kind, config) in enumerate(kinds):
        layers.append(Layer(kind, f"l{k}", config, (before,)))
        before = f"l{k}"
    import numpy as np

    source = np.random.default_rng(0)
    weights = {
        f"l{k}/{name}": source.normal(size=shape).astype(np.float32)
        for k in (0, 2)
        for name, shape in (("kernel", (size, size)), ("bias", (size,)))
    }
    inputs = {"x": source.normal(size=(2, size)).astype(np.float32)}
    spec = Spec("keras", (Input("x", (size,)),), tuple(layers), (before,))
    return with_golden(Case(spec, "Graph", small.choice, weights, (Sample(inputs),)))


@pytest.fixture(scope="module")
def walk() -> Iterator[tuple[Walk, dict[str, Route]]]:
    known = registry(Copies)
    from tests.miniatures import plugin

    hops = [plugin(Copies, "hops"), plugin(SleepsOnActivation, "hops")]
    from harness.adapters.registry import Plugin, facts_of

    hops += [
        Plugin(**facts_of(cls, "hops", f"tests.run.test_reduce:{cls.__name__}"))
        for cls in (Fuses, RefusesPermute, Breaks)
    ]
    with Workers((*known.formats, *hops, *known.runtimes)) as workers:
        walker = Walk(known, workers)
        yield walker, {hop.name: Route(known.formats[0], (hop,)) for hop in hops}
        walker.close()


def test_fault_of_two_layers_is_reduced_to_both(walk: tuple[Walk, dict[str, Route]]) -> None:
    walker, routes = walk
    reduction = reduced(walker, chain(), routes["fuses"])
    assert reduction.first == "l2"
    assert [layer.name for layer in reduction.case.spec.layers] == ["l2", "l3"]


def test_refusal_is_reduced_to_the_layer_refused(walk: tuple[Walk, dict[str, Route]]) -> None:
    walker, routes = walk
    reduction = reduced(walker, chain(), routes["refusespermute"])
    assert reduction.first == "l3"
    assert [layer.name for layer in reduction.case.spec.layers] == ["l3"]


def test_hang_is_reduced_in_a_hurry_and_every_walk_is_told(
    walk: tuple[Walk, dict[str, Route]], monkeypatch: pytest.MonkeyPatch
) -> None:
    walker, routes = walk
    believe(monkeypatch)
    monkeypatch.setattr(walker, "limit", 900.0)
    monkeypatch.setattr("harness.run.walk.LEAST_LIMIT", 100.0)
    sentences: list[str] = []
    reduction = reduced(walker, chain(), routes["sleepsonactivation"], progress=sentences.append)
    assert [layer.name for layer in reduction.case.spec.layers] == ["l3"]
    assert (reduction.first, reduction.walks, walker.limit) == ("l3", len(sentences), 900.0)
    assert sum("hang at sleepsonactivation" in text for text in sentences[:-1]) <= 4
    assert "with all the time there is (1 layer): hang at sleepsonactivation" in sentences[-1]


def test_case_that_agrees_is_an_error(walk: tuple[Walk, dict[str, Route]]) -> None:
    walker, routes = walk
    with pytest.raises(ReduceError) as caught:
        reduced(walker, chain(), routes["copies"])
    assert str(caught.value) == (
        f"{chain().id} on mini-copies: there is nothing to reduce; expected a deviation, got agreement with the golden"
    )
    assert first_deviation(walker, chain(), routes["copies"]) == (None, "it agrees")


def test_report_of_a_failure_names_the_tensor(walk: tuple[Walk, dict[str, Route]]) -> None:
    walker, routes = walk
    case = chain()
    result = walker.result(case, routes["fuses"])
    assert result.judgement is Judgement.FAILED
    assert "first deviating tensor: l2" in with_first_tensor(walker, case, routes["fuses"], result).message


@pytest.mark.parametrize("hop", ["refusespermute", "breaks"])
def test_where_no_tensor_deviates_none_is_searched_for(
    walk: tuple[Walk, dict[str, Route]], hop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conversion is refused, an artifact cannot be opened: there are no numbers to compare."""
    walker, routes = walk
    case = chain()
    result = walker.result(case, routes[hop])
    assert (result.judgement, result.outcome) == (Judgement.FAILED, {"breaks": "invalid"}.get(hop, "refused"))
    monkeypatch.setattr(walker, "steps", lambda case, route: pytest.fail("the model was walked again"))
    assert with_first_tensor(walker, case, routes[hop], result) is result


@pytest.mark.parametrize("structure", ["sequential", "nested_model", "nested_sequential"])
def test_models_in_models_are_written_out(structure: str) -> None:
    import numpy as np

    with Session() as session:
        entry = next(e for e in session.store.entries("Model") if e.choice["structure"] == structure)
        case = entry.load()
    flat = flattened(case)
    assert not {"Model", "Sequential"} & {layer.kind for layer in flat.spec.layers}
    assert case.golden is not None
    assert flat.golden is not None
    for one, other in zip(case.golden.expected.values(), flat.golden.expected.values(), strict=True):
        # the golden came from another processor, whose BLAS adds float64 in an order of its own
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=0)


def test_planted_fault_in_a_graph_is_reduced_to_the_layer() -> None:
    with Session(Selection(route=("keras-tf2onnx-planted-bias-dropped",), hops=(FAULT,), all_cases=True)) as session:
        try:
            route = session.runnable[0]
        except SelectionError as error:
            if "not installed" not in error.problem:
                raise
            pytest.skip(str(error))
        case = session.store.find(GRAPH).load()
        reduction = reduced(session.walk, case, route)
    assert reduction.first == "dense0"  # its bias is an Add, which the fault drops as well
    assert [layer.kind for layer in reduction.case.spec.layers] == ["Dense"]
