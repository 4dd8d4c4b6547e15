"""Expectations: what they cover, what they foresee, and with which versions they speak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import pytest

from harness.installed import is_installed
from harness.judge.expectations import UNREPORTED, Expectation, covering
from harness.judge.judgement import speaking_of
from harness.outcomes import Outcome
from harness.results.events import Stage
from tests.miniatures import dense_case

WHOLE = Expectation(
    id="a",
    route="keras-tf2onnx*",
    layer=("GRU", "LSTM*"),
    outcome=(Outcome.REFUSED, Outcome.INVALID),
    blame=("tf2onnx*", "kerasexport"),
    versions=("numpy>=1",),
    reason="the converter does not know this layer",
    link=UNREPORTED,
    case="keras-GRU-0",
    when={"reset_after": [True], "mask": {"not": ["none"]}},
)
CONFIG = {"reset_after": True, "mask": "hole"}


@pytest.mark.parametrize(
    ("route", "layer", "config", "covers"),
    [
        ("keras-tf2onnx-onnx2torch", "GRU", CONFIG, True),
        ("keras-tf2onnx", "LSTMCell", CONFIG, True),
        ("keras-kerasexport", "GRU", CONFIG, False),
        ("keras-tf2onnx", "SimpleRNN", CONFIG, False),
        ("keras-tf2onnx", "GRU", {**CONFIG, "mask": "none"}, False),
        ("keras-tf2onnx", "GRU", {"mask": "hole"}, False),
        ("keras-tf2onnx", "GRU", {"reset_after": True}, False),  # a default that nobody wrote down is not "not none"
        ("keras-tf2onnx", "GRU", {"reset_after": True, "mask": None}, True),  # None that was given is
    ],
)
def test_a_case_is_covered_by_route_layer_and_condition(
    route: str, layer: str, config: dict[str, object], covers: bool
) -> None:
    assert covering([WHOLE], case="keras-GRU-0", route=route, layer=layer, config=config) == ([WHOLE] if covers else [])


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ([[2, 1]], (2, 1), True),  # tuples and lists are one
        ([[2, 1]], (1, 2), False),
        ([1], True, False),  # a number is no truth value
        (["Conv2D"], {"kind": "Conv2D", "config": {"filters": 3}}, True),  # a layer by its kind
        (["Dense"], {"kind": "Conv2D", "config": {"filters": 3}}, False),
        ([{"kind": "Conv2D", "config": {"filters": 3}}], {"kind": "Conv2D", "config": {"filters": 3}}, True),
        ({"not": ["Conv2D"]}, {"kind": "Conv2D", "config": {"filters": 3}}, False),
        ({"not": ["Dense"]}, {"kind": "Conv2D", "config": {"filters": 3}}, True),
        (["Conv2D"], {"kind": "Conv2D"}, False),  # a table that is no layer
        (["Conv2D"], {"kind": "Conv2D", "config": {}, "more": 1}, False),
    ],
)
def test_values_of_a_condition(condition: object, value: object, holds: bool) -> None:
    item = replace(WHOLE, when={"x": condition})
    assert item.covers(case="keras-GRU-0", route="keras-tf2onnx", layer="GRU", config={"x": value}) is holds


def test_route_layer_and_configuration_are_named() -> None:
    with pytest.raises(TypeError):
        WHOLE.covers("keras-GRU-0", "keras-tf2onnx", "GRU", {})  # type: ignore[misc]
    with pytest.raises(TypeError):
        covering([WHOLE], "keras-GRU-0", "keras-tf2onnx", "GRU", {})  # type: ignore[misc]


@pytest.mark.parametrize(
    ("hop", "outcome", "message", "foreseen"),
    [
        ("tf2onnx", Outcome.REFUSED, "no handler for Loop", True),
        ("tf2onnx-13", Outcome.INVALID, "no handler for Loop", True),
        ("kerasexport", Outcome.REFUSED, "no handler for Loop", True),
        ("onnx2torch", Outcome.REFUSED, "no handler for Loop", False),
        (None, Outcome.REFUSED, "no handler for Loop", False),
        ("tf2onnx", Outcome.CRASH, "no handler for Loop", False),
        ("tf2onnx", Outcome.REFUSED, "no handler for Scan", False),
    ],
)
def test_a_fault_is_foreseen_by_outcome_blame_and_message(
    hop: str | None, outcome: Outcome, message: str, foreseen: bool
) -> None:
    item = replace(WHOLE, says="handler for (Loop|If)")
    assert item.foresees(Stage("onnx", outcome, hop=hop, message=message)) is foreseen


def test_the_source_is_blamed_by_its_name() -> None:
    item = replace(WHOLE, blame=("source",))
    assert item.foresees(Stage("keras", Outcome.INVALID))
    assert not item.foresees(Stage("onnx", Outcome.INVALID, hop="tf2onnx"))


@pytest.mark.parametrize(
    ("versions", "applies"),
    [
        (("numpy>=1",), True),
        (("numpy<1",), False),
        (("numpy>=1", "numpy<1"), False),  # all of them
        (("no-such-distribution>=1",), False),
    ],
)
def test_it_speaks_with_the_versions_it_names(versions: tuple[str, ...], applies: bool) -> None:
    item = replace(WHOLE, versions=versions)
    assert item.applies is applies
    covered = covering([item], case="keras-GRU-0", route="keras-tf2onnx", layer="GRU", config=CONFIG)
    assert covered == ([item] if applies else [])


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets the versions of all that is installed."""

    def stand_in(**versions: str) -> None:
        def version(name: str) -> str:
            if name not in versions:
                raise PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr("harness.installed.version", version)
        is_installed.cache_clear()

    yield stand_in
    is_installed.cache_clear()


@pytest.mark.parametrize(
    ("version", "open_end", "fixed"),
    [
        ("1.5.14", True, True),
        ("1.5.15", True, True),
        ("1.5.15+cpu", True, True),
        ("1.5.15.post1", True, True),
        ("1.5.16.dev0", True, False),  # may have the fix
        ("1.5.16a1", True, False),
        ("1.5.16rc1", True, False),
        ("1.5.16", True, False),
        ("2.0rc1", True, False),
    ],
)
def test_only_the_release_that_fixes_it_ends_it(
    installed: Callable[..., None], version: str, open_end: bool, fixed: bool
) -> None:
    """`versions` names the last release that was seen: what comes later is held to that."""
    installed(onnx2torch=version, torch="2.16.0.dev20261101+cu130")
    seen = replace(WHOLE, versions=("onnx2torch<=1.5.15", "torch>=2.14,<=2.15.0"))
    assert seen.applies is open_end
    assert replace(seen, fixed_in="1.5.16").applies is fixed


@pytest.mark.parametrize(
    ("versions", "applies"),
    [
        (("onnx2torch<=1.5.15", "torch>=2.15"), False),  # a lower bound holds
        (("onnx2torch<=1.5.15", "torch<2.14"), False),  # and so does every bound but `<=`
        (("onnx2torch<=1.5.15,!=1.5.14",), False),
        (("onnx2torch==1.5.13",), False),
        (("onnx2torch<=1.5.13",), True),
        (("onnx2torch<=1.5.15", "keras<=3.15.1"), False),  # not installed
    ],
)
def test_other_bounds_restrict(installed: Callable[..., None], versions: tuple[str, ...], applies: bool) -> None:
    installed(onnx2torch="1.5.14", torch="2.14.1")
    assert replace(WHOLE, versions=versions).applies is applies


def test_the_fix_is_of_the_package_at_fault(installed: Callable[..., None]) -> None:
    """That is the one that `versions` names first."""
    installed(onnx2torch="1.5.15", torch="2.15.0")
    item = replace(WHOLE, versions=("onnx2torch<=1.5.15", "torch<=2.15.0"), fixed_in="1.5.16")
    assert item.applies
    assert not replace(item, versions=item.versions[::-1]).applies


@pytest.mark.parametrize(
    ("case", "covers"),
    [
        ("keras-GRU-1", True),
        ("keras-GRU-10", False),  # ids match whole
        ("keras-GRU-", False),
        ("xkeras-GRU-1", False),
        ("keras-GRU-2", True),
        ("keras-GRU-*", False),
    ],
)
def test_listed_cases_are_covered_by_their_whole_ids(case: str, covers: bool) -> None:
    item = replace(WHOLE, when={}, cases=("keras-GRU-1", "keras-GRU-2"))
    assert item.covers(case=case, route="keras-tf2onnx", layer="GRU", config={}) is covers
    assert not item.covers(case=case, route="keras-kerasexport", layer="GRU", config={})
    assert not replace(item, when={"units": [3]}).covers(case=case, route="keras-tf2onnx", layer="GRU", config={})


def test_a_case_and_the_layers_within_it_are_asked_by_the_id_of_the_case() -> None:
    case = dense_case()
    kind = case.spec.layers[0].kind
    item = replace(WHOLE, route="*", layer=(kind,), when={}, cases=(case.id,))
    assert speaking_of(case, "keras-tf2onnx", [item]) == [item]
    assert speaking_of(case, "keras-tf2onnx", [replace(item, cases=(case.id[:-1],))]) == []
