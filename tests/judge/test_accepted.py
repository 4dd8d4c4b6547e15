"""The file of accepted deviations: what it holds, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.judge.accepted import Accepted, AcceptedError, check_names, load

ENTRY = {
    "case": '"keras-Dense-0123456789ab"',
    "route": '"keras-tf2onnx-onnx2torch"',
    "outcome": '"refused"',
    "reason": '"we mend it in 1.6"',
    "link": '"https://a.b/issues/1"',
    "until": "2027-01-31",
}


def toml(**changes: str | None) -> str:
    entry = {**ENTRY, **changes}
    return "[[accepted]]\n" + "".join(f"{key} = {value}\n" for key, value in entry.items() if value is not None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accepted.toml"


@pytest.mark.parametrize("until", ["2027-01-31", '"2027-01-31"'])
def test_an_entry(path: Path, until: str) -> None:
    path.write_text(toml(until=until))
    (entry,) = load(path)
    assert entry == Accepted(
        "keras-Dense-0123456789ab",
        "keras-tf2onnx-onnx2torch",
        "refused",
        "we mend it in 1.6",
        "https://a.b/issues/1",
        date(2027, 1, 31),
    )
    assert [entry.is_expired(day) for day in (date(2027, 1, 31), date(2027, 2, 1))] == [False, True]


def test_an_empty_file_accepts_nothing(path: Path) -> None:
    path.write_text("")
    assert load(path) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (toml(case='"keras-Dense-*"'), "'case' has a wrong value; expected the whole id of a case, without wildcards"),
        (toml(case='"keras-Dense-"'), "the whole id of a case"),
        (toml(route='"keras-*"'), "'route' has a wrong value; expected the whole name of a route, without wildcards"),
        (toml(route='"keras-tf2onnx-onnx2torc?"'), "the whole name of a route"),
        (toml(outcome='"faithful"'), "'outcome' has a wrong value; expected what happens there"),
        (toml(reason='"because"'), "'reason' has a wrong value; expected why it is accepted, in 15 characters or more"),
        (toml(link='"issue 1"'), "an http"),
        (toml(until='"next year"'), "the last day on which it is accepted"),
        (toml(until="2027-01-31T00:00:00Z"), "the last day on which it is accepted"),
        (toml(until="2027"), "the last day on which it is accepted"),
        (toml(units="3"), "unknown key 'units'; expected one of case, route, outcome, reason, link, until"),
        (toml(until=None), "it lacks 'until'; expected the last day"),
        (toml(case=None), "it lacks 'case'; expected the whole id"),
        (toml() + toml(outcome='"crash"'), "stands 2 times"),
        ("[[accept]]\n", "unknown key 'accept'"),
        ("[[accepted]", "not a TOML file"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(AcceptedError) as error:
        load(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_the_message_names_the_entry(path: Path) -> None:
    path.write_text(toml() + toml(case='"keras-Dense-ffff"', outcome='"good"'))
    with pytest.raises(AcceptedError, match="accepted number 2: 'outcome' has a wrong value"):
        load(path)


def test_an_id_that_exists_nowhere_is_refused(path: Path) -> None:
    path.write_text(toml(case='"keras-Dense-0123"'))
    with pytest.raises(
        AcceptedError, match=r"no case 'keras-Dense-0123'.*It is the beginning of keras-Dense-0123456789ab\."
    ):
        check_names(load(path), {"keras-Dense-0123456789ab"}, {"keras-tf2onnx-onnx2torch"}, where=path)
    path.write_text(toml(route='"keras-tf2onnx-onnx2torhc"'))
    with pytest.raises(AcceptedError, match=r"no route.*Nearest: keras-tf2onnx-onnx2torch\."):
        check_names(load(path), {"keras-Dense-0123456789ab"}, {"keras-tf2onnx-onnx2torch"}, where=path)
