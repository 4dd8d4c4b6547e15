"""The page of findings: distinct defects of released converters and runtimes, worst first.

Causes and conditions come from `golden/findings`; outcomes, errors and the case to replay come from results files. A
result belongs to the finding whose expectation foresees it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.judge.findings import Entry, Finding, Findings, Kind, Upstream
from harness.outcomes import Outcome
from harness.results.events import Result, Stage
from harness.results.file import Results

TITLES = {
    Kind.NUMBERS: "Silent: wrong numbers",
    Kind.STRUCTURE: "Silent: wrong shape or number of steps",
    Kind.LOUD: "Loud: refused, invalid, or the process ends",
}


@dataclass(frozen=True)
class Seen:
    """The results of a finding."""

    results: tuple[Result, ...] = ()

    @property
    def _faults(self) -> list[Stage]:
        return [result.fault for result in self.results if result.fault is not None]

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of results by the outcome of the stage at fault, most frequent first."""
        return dict(Counter(fault.outcome.value for fault in self._faults).most_common())

    @property
    def units(self) -> float:
        """Largest error of a divergent stage at fault, in noise units; 0 if there is none."""
        known = (stage.units for stage in self._faults if stage.outcome is Outcome.DIVERGENT)
        return max((units for units in known if units is not None), default=0.0)

    def example(self, cases: Sequence[str]) -> Result | None:
        """The result to replay: of one of the minimal `cases` if there is one, on the shortest route."""
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


def unowned(findings: Findings, results: Iterable[Result]) -> list[Result]:
    """Results whose expectation no entry owns, because their file is older than the findings."""
    return [
        result for result in results if result.expectation is not None and result.expectation.id not in findings.owners
    ]


def page(findings: Findings, files: Sequence[Results]) -> str:
    """The Markdown page. If several files have a result of one case on one route, the last file counts."""
    seen = _seen(findings, files)
    lines = [*_head(files), *_summary(findings)]
    for kind, title in TITLES.items():
        listed = [(item, seen.get(item.id, Seen())) for item in findings.findings if item.kind is kind]
        if kind.silent:
            listed.sort(key=lambda pair: -pair[1].units)
        lines += [f"## {title}", ""]
        for item, shown in listed:
            lines += _section(item, shown)
    lines += ["## Deviations that are no defect", ""]
    lines += [
        f"- {entry.reason} {f'<{entry.link}> ' if entry.link else ''}{_named(entry)}" for entry in findings.no_defect
    ]
    return "\n".join(lines) + "\n"


def _seen(findings: Findings, files: Iterable[Results]) -> Mapping[str, Seen]:
    """The results of each entry, by the entry's id."""
    latest = {result.key: result for results in files for result in results.results}
    by_owner: dict[str, list[Result]] = defaultdict(list)
    for result in latest.values():
        if result.fault is not None and result.expectation is not None:
            owner = findings.owners.get(result.expectation.id)
            if owner is not None:
                by_owner[owner.id].append(result)
    return {name: Seen(tuple(results)) for name, results in by_owner.items()}


def _head(files: Sequence[Results]) -> list[str]:
    versions = files[0].header.versions if files else {}
    named = ", ".join(f"{name} {versions[name]}" for name in ("python", "tensorflow", "torch") if name in versions)
    return [
        "# Findings",
        "",
        "Every distinct defect of released converters and runtimes that the suite has shown. Made by `parity findings`",
        "of `golden/findings` and results files; do not edit. Causes were found by reading the installed source.",
        f"Errors are the largest seen, in noise units; {named}.",
        "What Keras does against its own documentation and cases avoid is in [variants.md](variants.md).",
        "",
    ]


def _summary(findings: Findings) -> list[str]:
    names = list(dict.fromkeys(item.converter for item in findings.findings))
    lines = [
        "| converter, framework or runtime | numbers | structure | loud | all | upstream knows |",
        "|--|--:|--:|--:|--:|--:|",
    ]
    for name in [*names, "all"]:
        listed = [item for item in findings.findings if name in (item.converter, "all")]
        counts = [sum(item.kind is kind for item in listed) for kind in Kind]
        exact = sum(item.upstream is Upstream.EXACT for item in listed)
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {len(listed)} | {exact} |")
    return [
        *lines,
        "",
        "Wrong numbers and wrong structure are silent. *Upstream knows* counts issues and changes about this very",
        "fault. Missing operators count one by one, although tf2onnx writes all of them for one reason: an operator",
        "without a handler, or whose handler raises, is logged and left in the file under TensorFlow's name",
        "(`tf2onnx/tfonnx.py`, `tensorflow_onnx_mapping`; `from_keras` sets `continue_on_error`).",
        "",
    ]


def _section(item: Finding, seen: Seen) -> list[str]:
    outcomes = ", ".join(f"{count} {name}" for name, count in seen.outcomes.items()) or "not in these results"
    size = f" Largest error {seen.units:.3g} noise units." if seen.units else ""
    place = f"`{item.file}`" + (f", `{item.function}`" if item.function != "-" else "")
    known = {
        Upstream.EXACT: f"known: <{item.link}>",
        Upstream.RELATED: f"related: <{item.link}>",
        Upstream.NONE: f"not found; <{item.link}>" if item.link else "not found",
    }[item.upstream]
    lines = [
        f"### {item.id}",
        "",
        f"{item.component}: {item.condition}.",
        "",
        f"- Shows as: {outcomes}.{size}" + (f" `{item.error}`" if item.error else ""),
        f"- Cause: {place}. {item.cause}",
        f"- Upstream: {known}{f' ({item.note})' if item.note else ''}.",
        f"- Releases: {', '.join(f'`{text}`' for text in item.versions)}"
        + (f", fixed in {item.fixed_in}" if item.fixed_in else ""),
    ]
    if example := seen.example([expectation.case for expectation in item.expectations]):
        lines.append(f"- Replay: `{example.replay}`")
    return [*lines, f"- Expectations: {_named(item)}", ""]


def _named(entry: Entry) -> str:
    return ", ".join(f"`{item.id}`" for item in entry.expectations)
