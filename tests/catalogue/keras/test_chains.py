"""Chains of Dense and residuals behind an activation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.catalogue import find
from harness.draw import seeded_case
from harness.spec import Case

AFFINE, RESIDUAL = find("keras", "Affine"), find("keras", "Residual")


def affine(chain: str, **more: Any) -> Case:
    return seeded_case(AFFINE, {"chain": chain, "use_bias": False, "profile": "main", **more})


def lines(case: Case) -> list[str]:
    return [f"{layer.kind}({', '.join(layer.inputs)})" for layer in case.spec.layers]


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ("Rescaling, Add", ["Dense(x)", "Rescaling(dense0)", "Add(rescaling1, y)"]),
        ("Multiply", ["Dense(x)", "Multiply(dense0, y)"]),
        ("Add of Rescaling", ["Dense(x)", "Rescaling(y)", "Add(dense0, rescaling1)"]),
        (
            "Rescaling, Add of Rescaling",
            ["Dense(x)", "Rescaling(y)", "Rescaling(dense0)", "Add(rescaling2, rescaling1)"],
        ),
        ("Dense", ["Dense(x)", "Dense(dense0)"]),
        ("hard_silu", ["Dense(x)"]),
    ],
)
def test_chain_reads_what_its_name_says(chain: str, expected: list[str]) -> None:
    assert lines(affine(chain)) == expected


def test_a_column_is_broadcast_to_the_other_addend() -> None:
    to, of = affine("Add to a column"), affine("Add of a column")
    assert to.spec.layers[0].config["units"] == 1
    assert to.samples[0].golden.expected["add1"].shape == (2, 4)
    assert of.samples[0].inputs["y"].shape == (2, 1)
    assert of.samples[0].golden.expected["add1"].shape == (2, of.spec.layers[0].config["units"])


def test_no_dense_has_a_bias_unless_asked() -> None:
    assert [layer.config["use_bias"] for layer in affine("Dense").spec.layers] == [False, False]
    assert sorted(affine("Dense").weights) == ["dense0/kernel", "dense1/kernel"]
    assert sorted(affine("Add", use_bias=True).weights) == ["dense0/bias", "dense0/kernel"]


@pytest.mark.parametrize(("tensor", "read"), [("hidden", "dense0"), ("input", "x")])
@pytest.mark.parametrize(("order", "first"), [("after", False), ("before", True)])
def test_the_tensor_is_read_by_the_operator_and_again(tensor: str, read: str, order: str, first: bool) -> None:
    case = seeded_case(
        RESIDUAL, {"operator": "LeakyReLU", "tensor": tensor, "merge": "Add", "order": order, "profile": "main"}
    )
    *_, applied, merged = case.spec.layers
    assert applied.inputs == (read,)
    assert set(merged.inputs) == {read, applied.name}
    assert (merged.inputs[0] == read) == first


def test_an_operator_that_overwrote_its_input_would_show() -> None:
    """`x + selu(x)` is not `selu(x) + selu(x)` where x is below zero."""
    case = seeded_case(
        RESIDUAL, {"operator": "selu", "tensor": "input", "merge": "Add", "order": "after", "profile": "negative"}
    )
    x = case.samples[0].inputs["x"].astype(float)
    selu = 1.0507009873554805 * 1.6732632423543772 * np.expm1(x)
    expected = case.samples[0].golden.expected[case.spec.outputs[0]]
    np.testing.assert_allclose(expected, x + selu, rtol=1e-9)
    assert np.abs(expected - 2 * selu).max() > 5
