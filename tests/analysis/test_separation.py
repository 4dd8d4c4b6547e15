"""The condition of a defect, on the cases that there are: what they cannot tell apart, and what few of them tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import product
from typing import Any

import pytest

from harness.analysis.condition import Condition
from harness.analysis.literals import Row
from harness.analysis.separation import separate
from harness.corpus.store import Entry, Store
from harness.run.session import home, ranked

GRID = [
    {"padding": padding, "strides": strides, "dilation": dilation, "kernel": kernel}
    for padding, strides, dilation, kernel in product(("same", "valid"), (1, 2, 3), (1, 2, 3), (1, 2, 5))
]
EITHER = [config for config in GRID if (config["strides"] == 1) != (config["dilation"] == 1)]
"""Cases of which each has strides or a dilation rate above 1, and none has both."""
PLAIN = {"padding": "same", "strides": 1, "dilation": 1, "kernel": 2}


def condition(configs: Iterable[Mapping[str, Any]], fails: Callable[[Mapping[str, Any]], bool]) -> Condition:
    """The condition under which cases of these axes fail."""
    layer = ("keras", "Conv1D")
    rows = [Row(str(number), layer, config) for number, config in enumerate(configs)]
    bad = [row for row in rows if fails(row.values)]
    return separate(rows, bad, [row for row in rows if row not in bad], [layer])


def largest(value: Any) -> int:
    return max(value) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(
    ("fails", "text"),
    [
        (lambda c: c["dilation"] > 1, "dilation > 1 (these cases cannot tell dilation > 1 from strides = 1)"),
        (lambda c: c["strides"] > 1, "strides > 1 (these cases cannot tell strides > 1 from dilation = 1)"),
        (
            lambda c: c["dilation"] > 1 and c["padding"] == "same",
            "dilation > 1 and padding = same (these cases cannot tell dilation > 1 from strides = 1)",
        ),
    ],
)
def test_of_what_the_cases_cannot_tell_apart_the_hostile_one_is_named_and_the_plain_one_mentioned(fails, text):
    assert condition(EITHER, fails).text == text


def test_a_guess_names_the_hostile_one_too() -> None:
    def fails(config: Mapping[str, Any]) -> bool:
        return config["dilation"] > 1 and not (
            config["dilation"] == 3 and config["kernel"] == 5 and config["padding"] == "same"
        )

    found = condition(EITHER, fails)
    assert found.text.endswith(
        "best guess dilation > 1 (precision 92 %, recall 100 %; these cases cannot tell dilation > 1 from strides = 1)"
    )


def test_one_plain_case_tells_them_apart():
    assert condition([*EITHER, PLAIN], lambda c: c["dilation"] > 1).text == "dilation > 1"
    of_plain = condition([*EITHER, PLAIN], lambda c: c["strides"] == 1)
    assert (of_plain.words, of_plain.alike) == ("strides = 1", ())


def test_what_the_cases_of_one_layer_tell_apart_is_told_apart():
    alike = condition(EITHER, lambda c: c["dilation"] > 1)
    told = condition([*EITHER, PLAIN], lambda c: c["dilation"] > 1)
    assert alike.joined(alike).alike == alike.alike == ("dilation > 1 from strides = 1",)
    assert alike.joined(told).alike == told.joined(alike).alike == ()
    assert alike.to_json()["alike"] == list(alike.alike)


def test_axes_that_divide_the_cases_alike_are_one_only_if_their_values_are() -> None:
    two = [
        {**config, "axis": config["dilation"]} for config in EITHER if {config["strides"], config["dilation"]} == {1, 2}
    ]
    found = condition(two, lambda c: c["dilation"] == 2)
    assert (found.words, found.alike, found.others) == ("dilation = 2", ("dilation = 2 from strides = 1",), 0)


def test_an_argument_made_of_an_axis_is_no_other_axis():
    configs = [{**config, "dilation_rate": [config["dilation"]]} for config in [*EITHER, PLAIN]]
    assert condition(configs, lambda c: c["dilation"] > 1).text == "dilation > 1"


@cache
def entries(layer: str) -> list[Entry]:
    return [entry for entry in Store(home() / "golden").entries(layer, folder="keras") if not entry.is_large]


@pytest.mark.parametrize(
    "layer", ["Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "DepthwiseConv1D", "DepthwiseConv2D"]
)
@pytest.mark.parametrize("axis", ["dilation", "strides"])
@pytest.mark.parametrize("beside", ["", "same", "known"])
def test_on_the_golden_cases_no_plain_value_stands_for_its_opposite(layer: str, axis: str, beside: str) -> None:
    """The catalogue lets strides and dilation exclude each other, and pairs of axes leave out most plain cases."""

    def fails(choice: Mapping[str, Any]) -> bool:
        sized = beside != "known" or not choice.get("open_sizes")
        return largest(choice[axis]) > 1 and sized and (beside != "same" or choice["padding"] == "same")

    found = condition([entry.choice for entry in entries(layer)], fails)
    assert found.perfect
    assert axis in found.axes or "residue" in found.axes  # what strides leave over
    assert not {"strides = 1", "strides = [1,1]", "dilation = 1", "dilation = [1,1]"} & set(found.words.split(" and "))


@pytest.mark.parametrize("layer", ["AveragePooling2D", "Conv1D", "Conv2D", "Dense", "GlobalAveragePooling2D", "LSTM"])
def test_four_cases_of_a_layer_tell_no_condition(layer: str) -> None:
    """As a side route walks them: nearly every pick of two or three of four is what some axis picks."""
    ranks = ranked(entries(layer))
    four = [entry.choice for entry in entries(layer) if ranks[entry.id] < 4]
    for picks in product((True, False), repeat=4):
        if 0 < sum(picks) < 4:
            found = condition(four, lambda choice, bad=picks: bad[four.index(choice)])  # type: ignore[misc]
            assert not found.sure
            assert "= nan" not in found.text
            assert found.text.startswith(("too few cases to tell: ", "not told apart")) or "one case" in found.text


def test_a_profile_is_named_where_no_other_axis_says_the_same():
    configs = [{"kernel": 1 + (n == 3), "n": n, "profile": "nan" if n == 3 else "main"} for n in range(8)]
    assert condition(configs, lambda c: c["profile"] == "nan").words == "kernel = 2"
    by_profile = [{"kernel": n % 3, "profile": "nan" if n > 5 else "main"} for n in range(12)]
    assert condition(by_profile, lambda c: c["profile"] == "nan").text == "profile = inputs with NaN"
