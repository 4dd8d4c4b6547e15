"""The architectures that need no Keras are those of the store, number by number."""

from pathlib import Path

import pytest

from harness.corpus.architectures import law_of, slim, text_case
from harness.corpus.store import Store

GOLDEN = Path(__file__).resolve().parents[2] / "golden"


@pytest.mark.parametrize("name", ["LSTMClassifier", "Transformer"])
def test_text_models_are_drawn_as_they_were_stored(name: str) -> None:
    (entry,) = Store(GOLDEN).entries(name, folder="models")
    assert text_case(name).id == entry.id


def test_laws_of_weights_follow_their_names() -> None:
    """Inputs of an element: 3 * 3 * 8 of a kernel, 3 * 3 of a depthwise one, whose third axis are its channels."""
    assert law_of("conv/kernel", (3, 3, 8, 16)) == ((3, 3, 8, 16), "deep", 72)
    assert law_of("conv/depthwise_kernel", (3, 3, 8, 1)) == ((3, 3, 8, 1), "deep", 9)
    assert law_of("norm/moving_variance", (4,)) == ((4,), "even", None)
    with pytest.raises(KeyError):
        law_of("norm/unheard_of", (4,))


def test_arguments_of_training_are_omitted_and_tuples_become_lists() -> None:
    config = {"kernel_size": (3, 3), "padding": "same", "kernel_initializer": "zeros", "dtype": "float32"}
    assert slim("Conv2D", config) == {"kernel_size": [3, 3], "padding": "same"}
