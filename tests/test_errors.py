"""The text of an error, whichever of its parts are there."""

import pytest

from harness.errors import InputError


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "it is cut"),
        ({"where": "a.zip"}, "a.zip: it is cut"),
        ({"expected": "9 bytes"}, "it is cut; expected 9 bytes"),
        ({"expected": "9 bytes", "came": "7"}, "it is cut; expected 9 bytes, got 7"),
        ({"came": "7", "advice": "Copy it again."}, "it is cut; got 7. Copy it again."),
        (
            {"where": "a.zip", "expected": "9 bytes", "came": "7", "advice": "Copy it again."},
            "a.zip: it is cut; expected 9 bytes, got 7. Copy it again.",
        ),
    ],
)
def test_text(parts: dict[str, str], text: str) -> None:
    assert str(InputError("it is cut", **parts)) == text
