"""Expectations files: what is wrong with one is named; conditions mean what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judge.expectations import ExpectationError, covering, load, parse

WHOLE = {
    "id": "a",
    "route": "keras-tf2onnx*",
    "layer": "GRU",
    "outcome": ["refused", "invalid"],
    "blame": "tf2onnx",
    "versions": ["numpy>=1"],
    "reason": "the converter does not know this layer",
    "link": "not reported upstream",
    "case": "keras-GRU-0",
    "when": {"reset_after": [True], "mask": {"not": ["none"]}},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "unknown keys"),
        ({"link": "ask me"}, "link must be"),
        ({"reason": "bad"}, "reason must say"),
        ({"outcome": "wrong"}, "wrong"),
        ({"outcome": "faithful"}, "needs no expectation"),
        ({"versions": "=="}, "expectation 'a'"),
        ({"when": {"mask": "none"}}, "when.mask must be a list"),
        ({"says": "("}, "unterminated"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(ExpectationError, match=said):
        parse({**WHOLE, **change}, "x.toml")


@pytest.mark.parametrize("key", sorted(set(WHOLE) - {"when", "says"}))
def test_every_fact_is_needed(key: str) -> None:
    with pytest.raises(ExpectationError, match="lacks"):
        parse({k: v for k, v in WHOLE.items() if k != key}, "x.toml")


def test_conditions() -> None:
    item = parse(WHOLE, "x.toml")
    config = {"reset_after": True, "mask": "hole"}
    assert covering([item], route="keras-tf2onnx-onnx2torch", layer="GRU", config=config) == [item]
    assert covering([item], route="keras-kerasexport", layer="GRU", config=config) == []
    assert covering([item], route="keras-tf2onnx", layer="LSTM", config=config) == []
    assert covering([item], route="keras-tf2onnx", layer="GRU", config={**config, "mask": "none"}) == []
    assert covering([item], route="keras-tf2onnx", layer="GRU", config={"mask": "hole"}) == []


def test_tuples_and_lists_are_one() -> None:
    item = parse({**WHOLE, "when": {"strides": [[2, 1]]}}, "x.toml")
    assert covering([item], route="keras-tf2onnx", layer="GRU", config={"strides": (2, 1)}) == [item]


def test_broken_file_and_repeated_id_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[[expectation]")
    with pytest.raises(ExpectationError, match=r"a\.toml"):
        load(tmp_path)
    text = "\n".join(
        ["[[expectation]]"]
        + [
            f"{key} = {str(value)!r}" if isinstance(value, str) else f"{key} = {value!r}"
            for key, value in WHOLE.items()
            if key != "when"
        ]
    )
    (tmp_path / "a.toml").write_text(text + "\n" + text)
    with pytest.raises(ExpectationError, match="used twice"):
        load(tmp_path)
