"""Dense with factors, einsum, masks and what they do to the layer behind."""

import numpy as np
import pytest

from harness.oracle import evaluate, semantics
from harness.oracle.keras.core import contract
from harness.spec import Input, Layer, Spec

SOURCE = np.random.default_rng(0)


@pytest.mark.parametrize(
    "equation", ["ab,bc->ac", "abc,cd->abd", "abc,bde->adec", "abcd,cde->abe", "abc,bcd->abd", "abc,ab->c"]
)
def test_contract_is_einsum(equation):
    first, second = equation.split("->")[0].split(",")
    sizes = {letter: 2 + k for k, letter in enumerate("abcde")}
    x, y = (SOURCE.normal(size=[sizes[n] for n in names]) for names in (first, second))
    assert np.allclose(contract(first, second, equation.split("->")[1], x, y), np.einsum(equation, x, y))


def test_contract_knows_the_ellipsis():
    x, y = SOURCE.normal(size=(2, 3, 4)), SOURCE.normal(size=(4, 5))
    assert np.allclose(contract(".x", "xy", ".y", x, y), x @ y)


def test_low_rank_update_is_added_to_the_kernel():
    weights = {"kernel": np.zeros((2, 2)), "lora_kernel_a": np.array([[1.0], [2.0]]), "lora_kernel_b": np.ones((1, 2))}
    output = semantics("keras", "Dense")({"units": 2, "lora_rank": 1}, weights, np.array([[1.0, 1.0]]))
    assert output.tolist() == [[3, 3]]


def test_reversible_embedding_reads_its_table_both_ways():
    weights = {"embeddings": np.array([[1.0, 0.0], [0.0, 2.0]])}
    layer = semantics("keras", "ReversibleEmbedding")
    assert layer({}, weights, np.array([1])).tolist() == [[0, 2]]
    assert layer({}, weights, np.array([[3.0, 4.0]]), reverse=True).tolist() == [[3, 8]]


def test_masking_zeroes_steps_of_nothing_but_the_value():
    x = np.array([[[2.0, 2.0], [2.0, 1.0]]])
    assert semantics("keras", "Masking")({"mask_value": 2.0}, {}, x).tolist() == [[[0, 0], [2, 1]]]


def pooled(*layers):
    spec = Spec("keras", (Input("x", (3, 1)),), layers, (layers[-1].name,))
    return evaluate(spec, {}, {"x": np.array([[[4.0], [0.0], [8.0]]])})[layers[-1].name].item()


def test_a_mask_is_handed_on_to_who_takes_one():
    last = Layer("GlobalAveragePooling1D", "pool", {}, ("mask",))
    assert pooled(Layer("Masking", "mask", {}, ("x",)), last) == 6
    dropout = Layer("Dropout", "drop", {"rate": 0.5}, ("mask",))
    behind = Layer("GlobalAveragePooling1D", "pool", {}, ("drop",))
    assert pooled(Layer("Masking", "mask", {}, ("x",)), dropout, behind) == 6
    lost = Layer("ZeroPadding1D", "pad", {"padding": 0}, ("mask",))
    assert (
        pooled(Layer("Masking", "mask", {}, ("x",)), lost, Layer("GlobalAveragePooling1D", "pool", {}, ("pad",))) == 4
    )


def test_ids_of_an_embedding_may_be_floats_even_with_noise():
    weights = {"embeddings": np.array([[1.0], [2.0], [4.0]])}
    layer = semantics("keras", "Embedding")
    assert layer({}, weights, np.array([[2.0, 0.0, 1.0]])).tolist() == [[[4], [1], [2]]]
    assert layer({}, weights, np.array([[2.0 - 2**-23, 1.0 + 2**-24]])).tolist() == [[[4], [2]]]
