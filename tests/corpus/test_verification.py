"""What verifying the corpus showed, summed up."""

from __future__ import annotations

import pytest

from harness.corpus.freeze import Check
from harness.corpus.verification import Verification

SOUND = Check("keras", "Dense", cases=3, covered=30, valid=30)
SHORT = Check("keras", "ELU", cases=5, drifted=1, missing=6, covered=4, valid=10)
EDITED = Check("keras", "GRU", cases=2, edited=2)


def test_totals() -> None:
    assert Verification((SOUND, SHORT), ("keras/Old.zip",)).totals == {
        "cases": 8, "drifted": 1, "edited": 0, "unused": 1, "missing": 6, "pairs": 85.0,
    }  # fmt: skip
    assert Verification(()).totals["pairs"] == 100.0


@pytest.mark.parametrize(
    ("checks", "stray", "sound", "edited"),
    [
        ((SOUND,), (), True, False),
        ((SOUND,), ("keras/Old.zip",), False, False),
        ((SOUND, SHORT), (), False, False),
        ((EDITED, SOUND), (), False, True),
    ],
)
def test_what_is_sound(checks: tuple[Check, ...], stray: tuple[str, ...], sound: bool, edited: bool) -> None:
    verification = Verification(checks, stray)
    assert (verification.sound, verification.edited) == (sound, edited)


def test_as_json() -> None:
    data = Verification((SOUND,), ("keras/Old.zip",)).to_json()
    assert (data["stray"], data["pairs"], data["layers"][0]["layer"]) == (["keras/Old.zip"], 100.0, "Dense")
