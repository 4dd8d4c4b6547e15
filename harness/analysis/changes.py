"""What a run changes beside the record, in lines for people: counts of the answers, and every result that differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from harness.outcomes import Outcome
from harness.results.events import Answer, Judgement, Result

TOLD = (Answer.REGRESSION, Answer.CHANGED, Answer.FIXED, Answer.DRIFT)
"""Answers whose results are listed one by one, the worst first."""


@dataclass
class Changes:
    """Collects results as they come."""

    counts: Counter[Answer] = field(default_factory=Counter)
    drifting: int = 0
    """Results with the outcome drift, whatever the record says."""
    kept: int = 0
    """Results of which every stage was walked by an earlier run, or comes from a pack."""
    unexplained: int = 0
    """Deviations on record that no expectation explains."""
    differing: dict[Answer, list[Result]] = field(default_factory=lambda: {answer: [] for answer in TOLD})
    explaining: set[str] = field(default_factory=set)
    """Expectations that foresaw a deviation of this run."""

    def add(self, result: Result) -> None:
        self.counts[result.answer] += 1
        self.kept += all(stage.kept for stage in result.stages)
        self.drifting += result.outcome is Outcome.DRIFT
        if result.answer in self.differing:
            self.differing[result.answer].append(result)
        if result.judgement is Judgement.EXPECTED:
            if result.expectation is None:
                self.unexplained += 1
            else:
                self.explaining.add(result.expectation.id)

    @property
    def obsolete(self) -> list[str]:
        """Expectations that explained what is fixed now, and that explained nothing in this run."""
        ids = {result.expectation.id for result in self.differing[Answer.FIXED] if result.expectation is not None}
        return sorted(ids - self.explaining)

    def count(self, answer: Answer) -> int:
        return self.counts[answer]

    def lines(self, lost: Collection[tuple[str, str]] = ()) -> Iterator[str]:
        """The counts in one line, then every result that differs, and what no longer comes."""
        counts = Counter(self.counts) + Counter({Answer.LOST: len(lost)})
        yield "beside the record: " + ", ".join(f"{counts[answer]:,} {answer}" for answer in Answer if counts[answer])
        if self.kept:
            yield f"{self.kept:,} results are kept from earlier runs; --no-cache walks everything anew"
        if self.drifting:
            yield f"{self.drifting:,} results pass with drift"
        for answer, results in self.differing.items():
            yield from (f"{answer}: {line}" for line in _by_stage(results))
        for case, chain in sorted(lost):
            yield f"lost: {case} on {chain}"
        for name in self.obsolete:
            yield f"obsolete: expectation {name} explained what is fixed, and explains nothing now"
        if self.unexplained:
            yield f"{self.unexplained:,} deviations are on record, and no expectation explains them"


def _by_stage(results: Iterable[Result]) -> Iterator[str]:
    """One line for each stage that differs, with the routes that share it."""
    routes: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        if result.recorded is not None:
            stage = result.stages[result.recorded.stage]
            now = stage.outcome.value + ("" if stage.units is None else f" {stage.units:.2g}")
            routes.setdefault((result.case, stage.by, f"{result.recorded.cells} -> {now}"), []).append(result.route)
    for (case, by, change), names in routes.items():
        yield f"{case} at {by}: {change} ({', '.join(names)})"
