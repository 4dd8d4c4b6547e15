"""Arrays for MAT files: what NumPy cannot hold is not drawn."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.draw.arrays import _words
from harness.draw.strategies import GATE, register_profiles

register_profiles()
NULS = st.sampled_from("\0a")


@settings(settings.get_profile(GATE), max_examples=100)
@given(hnp.arrays("U4", 3, elements=_words(NULS)))
def test_numpy_holds_every_text(array: np.ndarray) -> None:
    """Hypothesis refuses a text that the array would change."""
    assert array.shape == (3,)


@settings(settings.get_profile(GATE), max_examples=100)
@given(_words(NULS))
def test_a_nul_stands_before_another_character_only(text: str) -> None:
    assert not text.endswith("\0")
    assert str(np.array(text)) == text
