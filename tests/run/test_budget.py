"""The time that a run may take."""

from __future__ import annotations

import pytest

from harness.errors import InputError
from harness.run.budget import seconds_of


def test_seconds_minutes_and_hours() -> None:
    assert [seconds_of(text) for text in ("90s", "5m", "1.5h")] == [90, 300, 5400]


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "0m", "5 min", "five"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--budget: a time was expected; expected seconds, minutes or hours: 90s"):
        seconds_of(text)
