"""Distinct defects of released converters and runtimes: `golden/findings.toml`, and the page made of it.

An expectation says when the suite tolerates a deviation; a finding says what is broken. One finding may cover several
expectations, and parts of one expectation may belong to several findings. Facts are data; outcomes, sizes and the case
to replay come from results files.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.results.events import Result, Stage
from harness.results.file import Results
from harness.spec import canonical

_NEEDED = {"id", "component", "kind", "condition", "parts", "file", "function", "cause", "upstream"}
_OPTIONAL = {"error", "link", "note", "shared"}


class FindingsError(InputError):
    """A findings file that cannot be used; the message names the entry and what is wrong."""


class Kind(StrEnum):
    """How a defect shows, worst first."""

    NUMBERS = "numbers"
    STRUCTURE = "structure"
    LOUD = "loud"

    @property
    def silent(self) -> bool:
        """Whether a user gets an answer, and a wrong one."""
        return self is not Kind.LOUD


class Upstream(StrEnum):
    """Whether the project at fault knows."""

    EXACT = "exact"
    RELATED = "related"
    NONE = "none"


TITLES = {
    Kind.NUMBERS: "Silent: wrong numbers",
    Kind.STRUCTURE: "Silent: wrong shape or number of steps",
    Kind.LOUD: "Loud: refused, invalid, or the process ends",
}


@dataclass(frozen=True)
class Part:
    """An expectation, or those of its results that these conditions hold for. Empty conditions hold for all."""

    expectation: str
    layer: tuple[str, ...] = ()
    outcome: tuple[Outcome, ...] = ()
    says: str = ""
    when: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether it is all of the expectation."""
        return not (self.layer or self.outcome or self.says or self.when)

    def holds(self, result: Result) -> bool:
        """Whether the result deviated as this part says."""
        fault = result.fault
        if fault is None or result.expectation is None or result.expectation.id != self.expectation:
            return False
        values = {key: {canonical(value) for value in listed} for key, listed in self.when.items()}
        return (
            (not self.layer or any(fnmatchcase(result.layer, pattern) for pattern in self.layer))
            and (not self.outcome or fault.outcome in self.outcome)
            and re.search(self.says, fault.message) is not None
            and all(canonical(result.config.get(key)) in listed for key, listed in values.items())
        )


@dataclass(frozen=True)
class NoDefect:
    """Expectations, or parts of them, behind which nothing is broken, and why."""

    id: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Finding:
    """One defect. `file` and `function` are those of the installed source, `cause` what is wrong there."""

    id: str
    component: str
    kind: Kind
    condition: str
    parts: tuple[Part, ...]
    file: str
    function: str
    cause: str
    upstream: Upstream
    error: str = ""
    link: str = ""
    note: str = ""
    shared: str = ""

    @property
    def converter(self) -> str:
        """The component without versions and companions."""
        return re.split(r" \d| with ", self.component, maxsplit=1)[0]


@dataclass(frozen=True)
class Findings:
    """A findings file."""

    findings: tuple[Finding, ...]
    no_defect: tuple[NoDefect, ...]

    @property
    def entries(self) -> tuple[Finding | NoDefect, ...]:
        return (*self.findings, *self.no_defect)

    def faults(self, expectations: Iterable[Expectation]) -> list[str]:
        """What does not fit the expectations: one that no entry has, one unknown, one that several have whole."""
        known = {item.id for item in expectations}
        parts = [(part, entry.id) for entry in self.entries for part in entry.parts]
        named = {part.expectation for part, _ in parts}
        found = [f"expectation {name} is in no finding" for name in sorted(known - named)]
        found += [
            f"{owner} names {part.expectation}, which is no expectation"
            for part, owner in parts
            if part.expectation not in known
        ]
        for name in sorted(named):
            owners = [(part, owner) for part, owner in parts if part.expectation == name]
            whole = [owner for part, owner in owners if part.whole]
            if whole and len(owners) > 1:
                found.append(f"{name} is all of {whole[0]} and part of others too")
        return found

    def unassigned(self, results: Iterable[Result]) -> list[Result]:
        """Results that deviate as expected and are in no entry, or in several."""
        parts = [(entry.id, part) for entry in self.entries for part in entry.parts]
        return [
            result
            for result in results
            if result.expectation is not None and len({owner for owner, part in parts if part.holds(result)}) != 1
        ]


def _part(data: Any, where: str) -> Part:
    if isinstance(data, str):
        return Part(data)
    if unknown := sorted(set(data) - {"expectation", "layer", "outcome", "says", "when"}):
        raise FindingsError(f"{where}: unknown keys {unknown} of a part")
    try:
        re.compile(data.get("says", ""))
        outcome = tuple(Outcome(text) for text in data.get("outcome", ()))
    except (ValueError, re.error) as error:
        raise FindingsError(f"{where}: {error}") from error
    return Part(data["expectation"], tuple(data.get("layer", ())), outcome, data.get("says", ""), data.get("when", {}))


def parse(data: Mapping[str, Any]) -> Findings:
    """The tables of a file. Raises FindingsError."""
    findings = []
    for item in data.get("finding", []):
        where = f"finding {item.get('id', '(without id)')!r}"
        if wrong := sorted((set(item) - _NEEDED - _OPTIONAL) | (_NEEDED - set(item))):
            raise FindingsError(f"{where}: unknown or missing {wrong}")
        try:
            kind, upstream = Kind(item["kind"]), Upstream(item["upstream"])
        except ValueError as error:
            raise FindingsError(f"{where}: {error}") from error
        link = item.get("link", "")
        if (upstream is not Upstream.NONE and not link) or (link and not link.startswith("https://")):
            raise FindingsError(f"{where}: what upstream knows needs a link")
        if kind is Kind.LOUD and not item.get("error"):
            raise FindingsError(f"{where}: a loud defect needs its error")
        parts = tuple(_part(part, where) for part in item["parts"])
        findings.append(Finding(**{**item, "kind": kind, "upstream": upstream, "parts": parts}))
    none = [
        NoDefect(item["id"], item["title"], tuple(_part(part, f"no_defect {item['id']!r}") for part in item["parts"]))
        for item in data.get("no_defect", [])
    ]
    ids = [item.id for item in findings] + [entry.id for entry in none]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise FindingsError(f"ids used twice: {twice}")
    return Findings(tuple(findings), tuple(none))


def load(path: Path) -> Findings:
    """Read a findings file. Raises FindingsError."""
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise FindingsError(f"{path}: {error}") from error


@dataclass(frozen=True)
class Seen:
    """What results files show of a finding."""

    results: tuple[Result, ...]

    @property
    def _faults(self) -> list[Stage]:
        return [result.fault for result in self.results if result.fault is not None]

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of results by the outcome of the stage at fault, most frequent first."""
        return dict(Counter(fault.outcome.value for fault in self._faults).most_common())

    @property
    def units(self) -> float:
        """Largest error of a stage at fault that gave numbers, in noise units; 0 if none did."""
        known = (stage.units for stage in self._faults if stage.outcome is Outcome.DIVERGENT)
        return max((units for units in known if units is not None), default=0.0)

    def example(self, cases: Sequence[str]) -> Result | None:
        """The result to replay: a minimal case of the expectations if it is among them, on the shortest route."""
        ranked = sorted(
            self.results,
            key=lambda result: (
                cases.index(result.case) if result.case in cases else len(cases),
                result.route.count("-"),
                result.route,
                result.case,
            ),
        )
        return ranked[0] if ranked else None


def _gather(files: Iterable[Results]) -> list[Result]:
    """The results of all files; where two have the same case and route, the later file's."""
    found: dict[tuple[str, str], Result] = {}
    for results in files:
        found.update((result.key, result) for result in results.results)
    return list(found.values())


def page(findings: Findings, expectations: Sequence[Expectation], files: Sequence[Results]) -> str:
    """The Markdown page. Raises FindingsError if the file does not fit the expectations."""
    if faults := findings.faults(expectations):
        raise FindingsError("; ".join(faults))
    results = _gather(files)
    seen = {
        item.id: Seen(tuple(result for result in results if any(part.holds(result) for part in item.parts)))
        for item in findings.findings
    }
    cases = {item.id: item.case for item in expectations}
    lines = [*_head(files), *_summary(findings)]
    for kind, title in TITLES.items():
        own = [item for item in findings.findings if item.kind is kind]
        if kind.silent:
            own.sort(key=lambda item: -seen[item.id].units)
        lines += [f"## {title}", ""]
        for item in own:
            lines += _section(item, seen[item.id], [cases[part.expectation] for part in item.parts])
    lines += ["## Expectations without a defect", ""]
    for entry in findings.no_defect:
        names = ", ".join(f"`{part.expectation}`{'' if part.whole else ' (in part)'}" for part in entry.parts)
        lines += [f"- {entry.title} {names}"]
    return "\n".join(lines) + "\n"


def _head(files: Sequence[Results]) -> list[str]:
    versions = files[0].header.versions if files else {}
    named = ", ".join(f"{name} {versions[name]}" for name in ("python", "tensorflow", "torch") if name in versions)
    return [
        "# Findings",
        "",
        "Every distinct defect of released converters and runtimes that the suite has shown. Made by `parity findings`",
        "of `golden/findings.toml`, the expectations and results files; do not edit. Causes were found by reading the",
        f"installed source. Sizes are the largest seen, in noise units; {named}.",
        "What Keras does against its own documentation and cases avoid is in [variants.md](variants.md).",
        "",
    ]


def _summary(findings: Findings) -> list[str]:
    names = list(dict.fromkeys(item.converter for item in findings.findings))
    lines = [
        "| converter or runtime | numbers | structure | loud | all | upstream knows | not in the first notes |",
        "|--|--:|--:|--:|--:|--:|--:|",
    ]
    for name in [*names, "all"]:
        own = [item for item in findings.findings if name in (item.converter, "all")]
        counts = [sum(item.kind is kind for item in own) for kind in Kind]
        exact = sum(item.upstream is Upstream.EXACT for item in own)
        new = sum(not item.shared for item in own)
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {len(own)} | {exact} | {new} |")
    return [
        *lines,
        "",
        "Wrong numbers and wrong structure are silent. *Upstream knows* counts issues and changes about this very",
        "fault; *the first notes* are those that this project began with. Missing operators count one by one, although",
        "tf2onnx writes all of them for one reason: an operator without a handler, or whose handler raises, is logged",
        "and left in the file under TensorFlow's name (`tf2onnx/tfonnx.py`, `tensorflow_onnx_mapping`; `from_keras`",
        "sets `continue_on_error`).",
        "",
    ]


def _section(item: Finding, seen: Seen, cases: Sequence[str]) -> list[str]:
    outcomes = ", ".join(f"{count} {name}" for name, count in seen.outcomes.items()) or "not in these results"
    size = f" Largest error {seen.units:.3g} noise units." if seen.units else ""
    place = f"`{item.file}`" + (f", `{item.function}`" if item.function != "-" else "")
    known = {
        Upstream.EXACT: f"known: <{item.link}>",
        Upstream.RELATED: f"related: <{item.link}>",
        Upstream.NONE: f"not found; <{item.link}>" if item.link else "not found",
    }[item.upstream]
    lines = [f"### {item.id}", "", f"{item.component}: {item.condition}.", ""]
    lines.append(f"- Shows as: {outcomes}.{size}" + (f" `{item.error}`" if item.error else ""))
    lines.append(f"- Cause: {place}. {item.cause}")
    lines.append(
        f"- Upstream: {known}{f' ({item.note})' if item.note else ''}. First notes: {item.shared or 'nothing'}."
    )
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(part.expectation for part in item.parts))
    if example := seen.example(cases):
        lines.append(f"- Again: `parity replay {example.case} --route {example.route}`")
    return [*lines, f"- Expectations: {names}", ""]
