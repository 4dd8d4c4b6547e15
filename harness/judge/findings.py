"""Loads the findings: known defects of released converters, in `golden/findings/*.toml`, one file for each project.

A finding is one defect, confirmed by reading the source at fault; an entry `no_defect` explains deviations without a
defect. Each entry owns the expectations of its deviations. So the same file decides which deviations a run accepts, and
fills the page of findings (`harness.analysis.findings`).

The files fit the schema that is published beside this module, `findings.schema.json` (JSON Schema 2020-12), in which
each key is explained. Beside it stand four formats (a regular expression that some message does not match, a
requirement, a release, an outcome that does not pass) and two rules: ids are unique over all files, and the minimal
case of an expectation is one of its `cases`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from harness.errors import InputError
from harness.judge.expectations import UNREPORTED, Expectation
from harness.outcomes import Outcome

SCHEMA = "findings.schema.json"
ADVICE = f"harness/judge/{SCHEMA} explains each key"


class FindingsError(InputError):
    """A findings file that cannot be used; the message names file, entry and key."""


class Kind(StrEnum):
    """How a defect shows, worst first."""

    NUMBERS = "numbers"
    STRUCTURE = "structure"
    LOUD = "loud"

    @property
    def silent(self) -> bool:
        """Whether a user gets a wrong answer and no error."""
        return self is not Kind.LOUD


class Upstream(StrEnum):
    """Whether the project at fault knows the defect."""

    EXACT = "exact"
    RELATED = "related"
    NONE = "none"


@dataclass(frozen=True)
class Finding:
    """One defect. `cause` says what is wrong in the `function` of the installed `file`."""

    id: str
    component: str
    versions: tuple[str, ...]
    kind: Kind
    condition: str
    file: str
    function: str
    cause: str
    upstream: Upstream
    expectations: tuple[Expectation, ...]
    error: str = ""
    link: str = ""
    note: str = ""
    fixed_in: str = ""

    @property
    def converter(self) -> str:
        """The component without its setting: `tf2onnx` of `tf2onnx on TensorFlow`."""
        return re.split(" on | with ", self.component, maxsplit=1)[0]


@dataclass(frozen=True)
class NoDefect:
    """Deviations without a defect, and the reason."""

    id: str
    versions: tuple[str, ...]
    reason: str
    expectations: tuple[Expectation, ...]
    link: str = ""
    """The documentation that allows it, where there is one."""
    fixed_in: str = ""


Entry = Finding | NoDefect
"""What owns expectations."""


@dataclass(frozen=True)
class Findings:
    """All entries of a folder, in the order of its files."""

    findings: tuple[Finding, ...] = ()
    no_defect: tuple[NoDefect, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        return (*self.findings, *self.no_defect)

    @cached_property
    def expectations(self) -> list[Expectation]:
        return [item for entry in self.entries for item in entry.expectations]

    @cached_property
    def owners(self) -> Mapping[str, Entry]:
        """The entry of each expectation, by the expectation's id."""
        return {item.id: entry for entry in self.entries for item in entry.expectations}

    def check_cases(self, cases: Collection[str]) -> None:
        """Raise FindingsError for an expectation that names a case of these layers which is not among `cases`.

        `cases` are ids `dialect-layer-digest`, and complete for each layer that occurs in them.
        """
        layers = {case.rpartition("-")[0] for case in cases}
        for item in self.expectations:
            for word, name in (("its minimal case", item.case), *(("one of its cases", case) for case in item.cases)):
                if name.rpartition("-")[0] in layers and name not in cases:
                    raise FindingsError(
                        f"{word} is no golden",
                        where=f"expectation {item.id!r}",
                        expected="the id of a golden case",
                        came=repr(name),
                        advice="`parity list cases` shows all",
                    )


def load(folder: Path) -> Findings:
    """Read all files of a folder. Raises FindingsError."""
    tables = {path: _read(path) for path in sorted(folder.glob("*.toml"))}
    _check_ids(tables)
    return Findings(
        tuple(_finding(item) for data in tables.values() for item in data.get("finding", ())),
        tuple(_no_defect(item) for data in tables.values() for item in data.get("no_defect", ())),
    )


def published_schema() -> dict[str, Any]:
    """The JSON Schema of a file, as published."""
    schema: dict[str, Any] = json.loads((files("harness.judge") / SCHEMA).read_text(encoding="utf-8"))
    return schema


def _is_regex(text: Any) -> bool:
    if isinstance(text, str) and re.search(text, "") is not None:  # a format speaks of strings only
        raise ValueError("it matches every message")
    return True


def _is_requirement(text: Any) -> bool:
    Requirement(str(text))
    return True


def _is_release(text: Any) -> bool:
    if isinstance(text, str):
        version = Version(text)
        if version.is_devrelease or version.local:
            raise ValueError(f"{text} is no release")
    return True


def _is_deviation(text: Any) -> bool:
    deviations = [outcome.value for outcome in Outcome if not outcome.passes]
    if isinstance(text, str) and text not in deviations:
        raise ValueError(f"{text!r} is none of {', '.join(deviations)}")
    return True


FORMATS = FormatChecker(formats=())
"""What `format` means in the schema."""
FORMATS.checks("says", raises=(re.error, ValueError))(_is_regex)
FORMATS.checks("requirement", raises=InvalidRequirement)(_is_requirement)
FORMATS.checks("release", raises=(InvalidVersion, ValueError))(_is_release)
FORMATS.checks("deviation", raises=ValueError)(_is_deviation)


@cache
def _validator() -> Draft202012Validator:
    """Says what is wrong with a file."""
    return Draft202012Validator(published_schema(), format_checker=FORMATS)


@cache
def _quick_validator() -> jsonschema_rs.Draft202012Validator:
    """Says a hundred times sooner that nothing is wrong with a file."""
    formats: dict[str, Callable[..., bool]] = {
        name: partial(FORMATS.conforms, format=name) for name in FORMATS.checkers
    }
    return jsonschema_rs.Draft202012Validator(published_schema(), formats=formats, validate_formats=True)


def _is_valid(data: Mapping[str, Any]) -> bool:
    with suppress(TypeError, ValueError):  # TOML has dates, JSON has none
        return _quick_validator().is_valid(data)
    return False


def _read(path: Path) -> dict[str, Any]:
    """Read the tables of one file. Raises FindingsError for the first place that does not fit the schema."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FindingsError(f"not a TOML file: {error}", where=path) from error
    faults = [] if _is_valid(data) else list(_validator().iter_errors(data))
    if faults:
        raise _explained(min(faults, key=lambda fault: list(fault.path)), data, path)
    _check_minimal_cases(data, path)
    return data


def _explained(fault: ValidationError, data: Mapping[str, Any], path: Path) -> FindingsError:
    """The error for a place that does not fit the schema: file, entry and key, what was expected and what came."""
    where, key = _place(fault.path, data, path)
    schema = fault.schema if isinstance(fault.schema, Mapping) else {}
    if fault.validator == "additionalProperties" and "properties" in schema:
        known = schema["properties"]
        unknown = next(name for name in fault.instance if name not in known)
        return FindingsError(f"unknown key {unknown!r}", where=where, expected=f"one of {', '.join(known)}")
    if fault.validator == "required":
        lacking = next(name for name in fault.validator_value if name not in fault.instance)
        if lacking not in schema.get("properties", {}):
            return FindingsError(f"it lacks {lacking!r}: {schema['title']}", where=where, advice=ADVICE)
        expected = _title(schema["properties"][lacking])
        return FindingsError(f"it lacks {lacking!r}", where=where, expected=expected, advice=ADVICE)
    expected = f"one of {', '.join(map(repr, fault.validator_value))}" if fault.validator == "enum" else _title(schema)
    problem = f"{key!r} has a wrong value"
    causes = [part.cause for part in (fault, *(fault.context or ())) if part.cause]
    if causes:
        problem += f" ({str(causes[0]).splitlines()[0]})"
    return FindingsError(problem, where=where, expected=expected, came=repr(fault.instance), advice=ADVICE)


def _place(steps: Sequence[str | int], data: Mapping[str, Any], path: Path) -> tuple[str, str]:
    """Names of file and entry, and the key in the entry, such as `when.mask`."""
    where, key, node = str(path), "", data
    for step in steps:
        node = node[step]  # type: ignore[index]
        if isinstance(step, int) and isinstance(node, Mapping):
            name = node.get("id", f"number {step + 1}")
            where, key = f"{where}, {key} {name!r}", ""
        elif isinstance(step, int):
            key += f"[{step}]"
        else:
            key = f"{key}.{step}" if key else step
    return where, key


def _title(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _title(published_schema()["$defs"][schema["$ref"].rpartition("/")[2]])
    return str(schema["title"])


def _check_ids(tables: Mapping[Path, Mapping[str, Any]]) -> None:
    """Raise FindingsError if two entries, or two expectations, have one id."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, data in tables.items():
        for word, name in _ids(data):
            places[word, name].append(path.name)
    for (word, name), named in places.items():
        if len(named) > 1:
            folder = next(iter(tables)).parent
            raise FindingsError(
                f"{word} {name!r} stands {len(named)} times, in {', '.join(sorted(set(named)))}",
                where=folder,
                expected="ids that are unique over all files",
            )


def _check_minimal_cases(data: Mapping[str, Any], path: Path) -> None:
    """Raise FindingsError if the minimal case of an expectation is none of the cases that it covers."""
    for word in ("finding", "no_defect"):
        for entry in data.get(word, ()):
            for item in entry["expectation"]:
                if item["case"] not in item.get("cases", [item["case"]]):
                    raise FindingsError(
                        "its minimal case is none of its cases",
                        where=f"{path}, {word} {entry['id']!r}, expectation {item['id']!r}",
                        expected="one of 'cases'",
                        came=repr(item["case"]),
                    )


def _ids(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in (*data.get("finding", ()), *data.get("no_defect", ())):
        yield "entry", entry["id"]
        for item in entry["expectation"]:
            yield "expectation", item["id"]


def _finding(data: Mapping[str, Any]) -> Finding:
    kind, upstream = Kind(data["kind"]), Upstream(data["upstream"])
    link = data["link"] if upstream is not Upstream.NONE else UNREPORTED
    plain = {key: value for key, value in data.items() if key not in ("kind", "upstream", "versions", "expectation")}
    return Finding(
        **plain,
        kind=kind,
        upstream=upstream,
        versions=tuple(data["versions"]),
        expectations=tuple(_expectation(item, data, data["cause"], link) for item in data["expectation"]),
    )


def _no_defect(data: Mapping[str, Any]) -> NoDefect:
    link = data.get("link", "")
    return NoDefect(
        id=data["id"],
        versions=tuple(data["versions"]),
        reason=data["reason"],
        link=link,
        fixed_in=data.get("fixed_in", ""),
        expectations=tuple(
            _expectation(item, data, data["reason"], link or UNREPORTED) for item in data["expectation"]
        ),
    )


def _expectation(data: Mapping[str, Any], entry: Mapping[str, Any], reason: str, link: str) -> Expectation:
    """One expectation, with its entry's versions before its own; without a reason of its own, with the entry's."""
    return Expectation(
        id=data["id"],
        route=data["route"],
        layer=_listed(data["layer"]),
        outcome=tuple(map(Outcome, _listed(data["outcome"]))),
        blame=_listed(data["blame"]),
        versions=(*entry["versions"], *data.get("versions", ())),
        reason=" ".join(data.get("reason", reason).split()),
        link=link,
        case=data["case"],
        when=data.get("when", {}),
        cases=tuple(data.get("cases", ())),
        random=data.get("random", False),
        says=data.get("says", ""),
        fixed_in=data.get("fixed_in", entry.get("fixed_in", "")),
    )


def _listed(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
