"""Hypothesis draws valid choices and whole cases."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.catalogue import find, rows
from harness.draw.strategies import GATE, cases, choices

ROWS = {f"{row.dialect}-{row.layer}": row for row in rows()}


@settings(settings.get_profile(GATE), max_examples=30)
@given(data=st.data(), name=st.sampled_from(sorted(ROWS)))
def test_drawn_choices_are_valid(data: st.DataObject, name: str) -> None:
    choice = data.draw(choices(ROWS[name]))
    assert ROWS[name].allows(choice)
    assert set(choice) == set(ROWS[name].axes)


@settings(settings.get_profile(GATE), max_examples=10)
@given(case=cases(find("keras", "Dense")))
def test_drawn_cases_have_goldens(case) -> None:  # type: ignore[no-untyped-def]
    assert case.golden.expected["layer"].shape == case.golden.noise["layer"].shape
    assert case.golden.noise["layer"].any()


def test_gate_profile_sets_every_key() -> None:
    """A key left out would be inherited from Hypothesis' own CI profile."""
    gate = settings.get_profile(GATE)
    assert gate.derandomize is True
    assert gate.deadline is None
    assert gate.database is None
