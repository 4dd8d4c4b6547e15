"""The text of an error, whichever of its parts are there."""

from pathlib import Path

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


class PlaceError(InputError):
    """One that takes other arguments, as subclasses may."""

    def __init__(self, lines: int) -> None:
        super().__init__(f"{lines} lines are cut", came=str(lines), advice="Copy them again.")
        self.lines = lines


def test_a_place_further_out_stands_first() -> None:
    inner = PlaceError(3)
    once = inner.at(Path("a.zip"))
    twice = once.at("folder")
    assert [str(error) for error in (inner, once, twice)] == [
        "3 lines are cut; got 3. Copy them again.",
        "a.zip: 3 lines are cut; got 3. Copy them again.",
        "folder: a.zip: 3 lines are cut; got 3. Copy them again.",
    ]
    assert type(twice) is PlaceError
    assert (twice.lines, twice.where, twice.args) == (3, "folder: a.zip", ("3 lines are cut",))
    assert (inner.where, once.where) == ("", "a.zip")


def test_parts_make_an_error_of_another_class() -> None:
    parts = {"problem": "it is cut", "where": "a.zip", "expected": "9 bytes", "came": "7", "advice": "Copy it again."}
    error = InputError(**parts)
    assert error.parts == parts
    text = str(InputError(**{**error.parts, "advice": "Draw it."}))
    assert text == "a.zip: it is cut; expected 9 bytes, got 7. Draw it."
