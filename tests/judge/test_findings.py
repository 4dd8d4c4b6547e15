"""Findings files: what an entry gives its expectations, and what is wrong with a file, named by entry and key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.judge.findings import (
    ADVICE,
    Finding,
    FindingsError,
    Kind,
    NoDefect,
    Upstream,
    load,
    published_schema,
)
from harness.outcomes import Outcome

Table = dict[str, Any]
EXPECTATION: Table = {
    "id": "a-odd",
    "route": "keras-a*",
    "layer": "GRU",
    "when": {"mask": {"not": ["none"]}, "units": [3, 5]},
    "outcome": "divergent",
    "blame": ["a"],
    "case": "keras-GRU-0",
}
FINDING: Table = {
    "id": "a-rounds",
    "component": "a with b",
    "versions": ["numpy>=1"],
    "kind": "numbers",
    "condition": "odd sizes",
    "file": "a/b.py",
    "function": "c",
    "cause": "It rounds odd sizes down.",
    "upstream": "none",
}
NO_DEFECT: Table = {"id": "a-lacks", "versions": ["numpy>=1"], "reason": "There is no such layer in a."}


def finding(*expectations: Table, **changes: object) -> Table:
    return {"finding": [{**FINDING, **changes, "expectation": list(expectations or [EXPECTATION])}]}


def expectation(**changes: object) -> Table:
    return finding({**EXPECTATION, **changes})


def no_defect(**changes: object) -> Table:
    return {"no_defect": [{**NO_DEFECT, **changes, "expectation": [EXPECTATION]}]}


def toml(value: object) -> str:
    """A value as TOML: of these tables JSON differs from it in mappings only."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def write(folder: Path, data: Table, name: str = "a.toml") -> Path:
    (folder / name).write_text("\n".join(f"{key} = {toml(value)}" for key, value in data.items()), encoding="utf-8")
    return folder


def lacking(table: Table, key: str) -> Table:
    return {name: value for name, value in table.items() if name != key}


def test_a_finding_gives_its_expectations_cause_link_and_versions(tmp_path: Path) -> None:
    plain = {**EXPECTATION, "outcome": ["refused", "invalid"], "says": "odd"}
    particular = {
        **lacking(EXPECTATION, "when"),
        "id": "a-b",
        "layer": ["GRU", "LSTM"],
        "cases": ["keras-GRU-0", "keras-LSTM-1"],
        "versions": ["scipy>=1"],
        "fixed_in": "3.0",
        "reason": "In  b\nit does so as well.",
    }
    link = "https://example.org/1"
    facts = {"upstream": "related", "link": link, "kind": "loud", "error": "Oops", "fixed_in": "2.4"}
    loaded = load(write(tmp_path, finding(plain, particular, **facts)))
    first, second = loaded.expectations
    assert loaded.findings == (
        Finding(
            id="a-rounds",
            component="a with b",
            versions=("numpy>=1",),
            kind=Kind.LOUD,
            condition="odd sizes",
            file="a/b.py",
            function="c",
            cause="It rounds odd sizes down.",
            upstream=Upstream.RELATED,
            expectations=(first, second),
            error="Oops",
            link=link,
            fixed_in="2.4",
        ),
    )
    assert loaded.findings[0].converter == "a"
    assert (first.id, first.route, first.case) == ("a-odd", "keras-a*", "keras-GRU-0")
    assert (first.layer, first.blame, first.outcome) == (("GRU",), ("a",), (Outcome.REFUSED, Outcome.INVALID))
    assert (first.when, first.says) == ({"mask": {"not": ["none"]}, "units": [3, 5]}, "odd")
    assert (first.cases, first.fixed_in) == ((), "2.4")
    assert (second.when, second.cases, second.fixed_in) == ({}, ("keras-GRU-0", "keras-LSTM-1"), "3.0")
    assert (first.reason, first.link, first.versions) == ("It rounds odd sizes down.", link, ("numpy>=1",))
    assert (second.layer, second.outcome, second.says) == (("GRU", "LSTM"), (Outcome.DIVERGENT,), "")
    assert (second.reason, second.link, second.versions) == ("In b it does so as well.", link, ("numpy>=1", "scipy>=1"))


@pytest.mark.parametrize(
    ("upstream", "link"),
    [("exact", "https://example.org/1"), ("related", "https://example.org/1"), ("none", "not reported upstream")],
)
def test_a_link_says_that_upstream_knows_only_where_it_does(tmp_path: Path, upstream: str, link: str) -> None:
    data = finding(upstream=upstream, link="https://example.org/1", note="where it came in")
    loaded = load(write(tmp_path, data))
    assert (loaded.findings[0].link, loaded.expectations[0].link) == ("https://example.org/1", link)


def test_what_is_no_defect_gives_its_reason(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, no_defect()))
    (item,) = loaded.expectations
    assert loaded.no_defect == (NoDefect("a-lacks", ("numpy>=1",), "There is no such layer in a.", (item,)),)
    assert (item.reason, item.link) == ("There is no such layer in a.", "not reported upstream")
    linked = load(write(tmp_path, no_defect(link="https://example.org/docs")))
    assert linked.expectations[0].link == linked.no_defect[0].link == "https://example.org/docs"


def test_entries_come_in_the_order_of_files_and_own_what_stands_below_them(tmp_path: Path) -> None:
    write(tmp_path, expectation(id="second"), "b.toml")
    third = {
        "id": "z-lacks",
        "versions": ["numpy>=1"],
        "reason": "There is none of it.",
        "expectation": [{**EXPECTATION, "id": "third"}],
    }
    write(tmp_path, {"no_defect": [third], **finding({**EXPECTATION, "id": "first"}, id="z-rounds")}, "a.toml")
    loaded = load(tmp_path)
    assert [item.id for item in loaded.expectations] == ["first", "second", "third"]
    assert {name: entry.id for name, entry in loaded.owners.items()} == {
        "first": "z-rounds",
        "second": "a-rounds",
        "third": "z-lacks",
    }


def test_a_folder_without_files_knows_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "none").entries == ()


HERE = "finding 'a-rounds', expectation 'a-odd'"
DEVIATIONS = "mutating, divergent, malformed, refused, invalid, crash, hang"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            finding(colour="red"),
            "finding 'a-rounds': unknown key 'colour'; expected one of id, component, versions, fixed_in, "
            "kind, condition,"
            " error,"
            " file, function, cause, upstream, link, note, expectation",
        ),
        (
            expectation(colour="red"),
            f"{HERE}: unknown key 'colour'; expected one of id, route, layer, when, cases, random, says, outcome,"
            " blame, versions, fixed_in, case, reason",
        ),
        (
            no_defect(cause="It rounds odd sizes down."),
            "no_defect 'a-lacks': unknown key 'cause'; expected one of id, versions, fixed_in, reason, link,"
            " expectation",
        ),
        ({"findings": []}, "unknown key 'findings'; expected one of finding, no_defect"),
        (
            {"finding": [{**lacking(FINDING, "cause"), "expectation": [EXPECTATION]}]},
            f"finding 'a-rounds': it lacks 'cause'; expected a sentence of 15 characters or more. {ADVICE}",
        ),
        (
            {"finding": [FINDING]},
            f"finding 'a-rounds': it lacks 'expectation'; expected one table [[....expectation]] or more. {ADVICE}",
        ),
        (
            finding(lacking(EXPECTATION, "case")),
            f"{HERE}: it lacks 'case'; expected the id of a golden case. {ADVICE}",
        ),
        (
            finding(lacking(EXPECTATION, "id")),
            "finding 'a-rounds', expectation 'number 1': it lacks 'id'; expected a name of lower-case words, digits and"
            f" hyphens. {ADVICE}",
        ),
        (finding(kind="loud"), f"finding 'a-rounds': it lacks 'error': a loud defect needs its error. {ADVICE}"),
        (
            finding(upstream="exact"),
            f"finding 'a-rounds': it lacks 'link': what upstream knows needs a link. {ADVICE}",
        ),
        (
            finding(kind="odd"),
            "finding 'a-rounds': 'kind' has a wrong value; expected one of 'numbers', 'structure', 'loud', got 'odd'."
            f" {ADVICE}",
        ),
        (
            finding(link="ask me"),
            "finding 'a-rounds': 'link' has a wrong value; expected an address that begins with https://, got 'ask me'."
            f" {ADVICE}",
        ),
        (
            finding(cause="It rounds."),
            "finding 'a-rounds': 'cause' has a wrong value; expected a sentence of 15 characters or more,"
            f" got 'It rounds.'. {ADVICE}",
        ),
        (
            finding(versions="numpy>=1"),
            "finding 'a-rounds': 'versions' has a wrong value; expected a list of requirements, such as"
            f" [\"tf2onnx<=1.17.0\"], got 'numpy>=1'. {ADVICE}",
        ),
        (
            expectation(says="(odd"),
            f"{HERE}: 'says' has a wrong value (missing ), unterminated subpattern at position 0); expected a regular"
            f" expression that not every message matches, got '(odd'. {ADVICE}",
        ),
        (
            expectation(says=".*"),
            f"{HERE}: 'says' has a wrong value (it matches every message); expected a regular expression that not every"
            f" message matches, got '.*'. {ADVICE}",
        ),
        (
            finding(lacking(EXPECTATION, "when")),
            f"{HERE}: it lacks 'when': wrong numbers or shapes need a condition, or the list of their `cases`."
            f" {ADVICE}",
        ),
        (
            finding({**lacking(EXPECTATION, "when"), "outcome": ["invalid", "malformed"], "says": "odd"}),
            f"{HERE}: it lacks 'when': wrong numbers or shapes need a condition, or the list of their `cases`."
            f" {ADVICE}",
        ),
        (expectation(outcome="refused"), f"{HERE}: it lacks 'says': an error needs its words. {ADVICE}"),
        (
            expectation(outcome=["divergent", "crash"]),
            f"{HERE}: it lacks 'says': an error needs its words. {ADVICE}",
        ),
        (
            expectation(when={}),
            f"{HERE}: 'when' has a wrong value; expected a table of axes, constructor arguments or facts, got {{}}."
            f" {ADVICE}",
        ),
        (
            expectation(cases=["keras-GRU-1"]),
            f"{HERE}: its minimal case is none of its cases; expected one of 'cases', got 'keras-GRU-0'",
        ),
        (
            expectation(fixed_in="1.5.16.dev0"),
            f"{HERE}: 'fixed_in' has a wrong value (1.5.16.dev0 is no release); expected a release, such as"
            f" \"1.5.16\", got '1.5.16.dev0'. {ADVICE}",
        ),
        (
            finding(fixed_in="soon"),
            "finding 'a-rounds': 'fixed_in' has a wrong value (Invalid version: 'soon'); expected a release, such as"
            f" \"1.5.16\", got 'soon'. {ADVICE}",
        ),
        (
            expectation(outcome="faithful"),
            f"{HERE}: 'outcome' has a wrong value ('faithful' is none of {DEVIATIONS}); expected an outcome that does"
            f" not pass, or a list of them, got 'faithful'. {ADVICE}",
        ),
        (
            expectation(outcome=["divergent", "exact"]),
            f"{HERE}: 'outcome' has a wrong value ('exact' is none of {DEVIATIONS}); expected an outcome that does not"
            f" pass, or a list of them, got ['divergent', 'exact']. {ADVICE}",
        ),
        (
            expectation(layer=3),
            f"{HERE}: 'layer' has a wrong value; expected a glob pattern or a list of them, got 3. {ADVICE}",
        ),
        (
            expectation(when={"mask": "none"}),
            f"{HERE}: 'when.mask' has a wrong value; expected a list of values, or {{not = [...]}}, got 'none'."
            f" {ADVICE}",
        ),
        (
            expectation(when={"mask": {"is": ["none"]}}),
            f"{HERE}: 'when.mask' has a wrong value; expected a list of values, or {{not = [...]}}, got"
            f" {{'is': ['none']}}. {ADVICE}",
        ),
        (
            expectation(id="A odd"),
            "finding 'a-rounds', expectation 'A odd': 'id' has a wrong value; expected a name of lower-case words,"
            f" digits and hyphens, got 'A odd'. {ADVICE}",
        ),
        ({"finding": [3]}, f"'finding[0]' has a wrong value; expected a finding, got 3. {ADVICE}"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, data: Table, message: str) -> None:
    with pytest.raises(FindingsError) as caught:
        load(write(tmp_path, data))
    place = f"{tmp_path / 'a.toml'}"
    assert str(caught.value) == (
        f"{place}: {message}" if not message.startswith(("f", "no_")) else f"{place}, {message}"
    )


def test_a_version_that_is_no_requirement_is_named(tmp_path: Path) -> None:
    """What is wrong with it says `packaging`, on its first line."""
    with pytest.raises(FindingsError) as caught:
        load(write(tmp_path, expectation(versions=["numpy>=1", "numpy 2"])))
    text = str(caught.value)
    assert f"{HERE}: 'versions[1]' has a wrong value (Expected " in text
    assert text.endswith(f"; expected a requirement, such as \"tf2onnx<=1.17.0\", got 'numpy 2'. {ADVICE}")
    assert "\n" not in text


@pytest.mark.parametrize(
    "key", ["id", "component", "versions", "kind", "condition", "file", "function", "cause", "upstream"]
)
def test_what_a_finding_needs(tmp_path: Path, key: str) -> None:
    with pytest.raises(FindingsError, match=f"it lacks '{key}'; expected "):
        load(write(tmp_path, {"finding": [{**lacking(FINDING, key), "expectation": [EXPECTATION]}]}))


def test_expectation_without_condition_speaks_of_every_configuration(tmp_path: Path) -> None:
    plain = {**lacking(EXPECTATION, "when"), "outcome": "refused", "says": "odd"}
    assert load(write(tmp_path, finding(plain))).expectations[0].when == {}


def test_of_several_wrong_places_the_first_by_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match="'cause' has a wrong value"):
        load(write(tmp_path, finding(id=3, cause=4)))


@pytest.mark.parametrize("key", ["id", "route", "layer", "outcome", "blame", "case"])
def test_what_an_expectation_needs(tmp_path: Path, key: str) -> None:
    with pytest.raises(FindingsError, match=f"it lacks '{key}'; expected "):
        load(write(tmp_path, finding(lacking(EXPECTATION, key))))


@pytest.mark.parametrize("key", ["id", "versions", "reason", "expectation"])
def test_what_is_no_defect_needs(tmp_path: Path, key: str) -> None:
    with pytest.raises(FindingsError, match=f"it lacks '{key}'; expected "):
        load(write(tmp_path, {"no_defect": [lacking({**NO_DEFECT, "expectation": [EXPECTATION]}, key)]}))


def test_the_first_of_several_faults_is_named(tmp_path: Path) -> None:
    late = {**FINDING, "id": "later", "expectation": [{**EXPECTATION, "says": "("}]}
    data = {"finding": [*finding(kind="odd")["finding"], late]}
    with pytest.raises(FindingsError, match="finding 'a-rounds': 'kind'"):
        load(write(tmp_path, data))


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text("[[finding]")
    with pytest.raises(FindingsError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'b.toml'}: not a TOML file: ")


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (expectation(id="other"), "entry 'a-rounds' stands 2 times, in a.toml, b.toml"),
        (finding(id="other"), "expectation 'a-odd' stands 2 times, in a.toml, b.toml"),
        (no_defect(id="a-rounds"), "entry 'a-rounds' stands 2 times, in a.toml, b.toml"),
    ],
)
def test_ids_are_unique_over_all_files(tmp_path: Path, second: Table, message: str) -> None:
    write(tmp_path, finding())
    write(tmp_path, second, "b.toml")
    with pytest.raises(FindingsError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: {message}; expected ids that are unique over all files"


def test_two_expectations_of_one_finding_have_two_ids(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match=r"expectation 'a-odd' stands 2 times, in a\.toml;"):
        load(write(tmp_path, finding(EXPECTATION, EXPECTATION)))


def test_an_entry_and_its_expectation_may_have_one_name(tmp_path: Path) -> None:
    assert load(write(tmp_path, expectation(id="a-rounds"))).owners["a-rounds"].id == "a-rounds"


def test_a_minimal_case_is_one_of_the_goldens_of_its_layer(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, finding()))
    loaded.check_cases({"keras-GRU-0", "keras-GRU-1"})
    loaded.check_cases({"keras-LSTM-0"})  # a run over other layers
    several = load(write(tmp_path, expectation(cases=["keras-GRU-0", "keras-GRU-1", "keras-LSTM-1"])))
    several.check_cases({"keras-GRU-0", "keras-GRU-1"})
    with pytest.raises(FindingsError, match=r"'a-odd': one of its cases is no golden; .* got 'keras-GRU-1'"):
        several.check_cases({"keras-GRU-0", "keras-GRU-10"})
    loaded = load(write(tmp_path, finding()))
    with pytest.raises(FindingsError) as caught:
        loaded.check_cases({"keras-GRU-1"})
    assert str(caught.value) == (
        "expectation 'a-odd': its minimal case is no golden; expected the id of a golden case, got 'keras-GRU-0'."
        " `parity list cases` shows all"
    )


def test_the_schema_is_one() -> None:
    schema = published_schema()
    Draft202012Validator.check_schema(schema)
    properties = schema["$defs"]["finding"]["properties"]
    assert properties["kind"]["enum"] == [kind.value for kind in Kind]
    assert properties["upstream"]["enum"] == [upstream.value for upstream in Upstream]


def test_each_key_is_explained() -> None:
    definitions = published_schema()["$defs"]
    for name in ("finding", "no_defect", "expectation"):
        for key, schema in definitions[name]["properties"].items():
            target = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
            assert target["title"], key
            assert key == "id" or schema.get("description") or target.get("description"), f"{name}.{key}"
