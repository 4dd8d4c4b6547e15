"""The first screen in words: may I merge, which way should I take, is the run whole. Page and Markdown share it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from harness.analysis.defects import Defect, sentence
from harness.results.events import Answer, Judgement, plain
from harness.results.file import Results
from harness.spec import EMPTY_BATCH

MAIN = 0.5
"""A main route has at least this share of the results of the widest route from the same kind of source."""
BUSY = 1.5
"""Load for each processor from which on a machine counts as busy."""
COUNTED = (Answer.REGRESSION, Answer.CHANGED, Answer.LOST, Answer.NEW, Answer.DRIFT, Answer.FIXED)
"""The six counts of the first screen: what differs from the record, worst first."""
LISTED = 50
"""Most lost results that the page lists."""


@dataclass(frozen=True)
class RouteShare:
    """The results of one route for one kind of source: how many there are, agree, fail, and deviate as expected."""

    route: str
    dialect: str
    results: int
    agree: int
    failed: int
    expected: int
    main: bool

    @property
    def share(self) -> str:
        """The share that agrees, rounded down: 100 % means all."""
        return f"{1000 * self.agree // self.results / 10:.1f} %"

    def to_json(self) -> dict[str, Any]:
        names = ("route", "dialect", "results", "agree", "failed", "expected", "main", "share")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Summary:
    """What the first screen says of a run. `running` is the time, in ISO 8601, at which a run that goes on was looked
    at; '' for a run that has ended."""

    results: Results
    defects: Sequence[Defect]
    running: str = ""

    @property
    def verdict(self) -> str:
        """`Running`, `Passed`, `Cut` or `Not passed`."""
        if self.running:
            return "Running"
        return "Passed" if self.results.passed else "Cut" if self.results.cut else "Not passed"

    @property
    def sentence(self) -> str:
        """The end of the run, or how far it is."""
        if self.running:
            return f"The run goes on. {self.results.sentence_of_what_came}"
        return self.results.sentence

    @property
    def new_defects(self) -> list[Defect]:
        """The defects of which nothing expects at least one result."""
        return [defect for defect in self.defects if defect.unexpected]

    @property
    def sentence_of_defects(self) -> str:
        return sentence(self.defects)

    @cached_property
    def routes(self) -> list[RouteShare]:
        """The share of each route that agrees; main routes first, then by number of results."""
        cells: dict[tuple[str, str], list[tuple[bool, Judgement]]] = {}
        for result in self.results.results:
            kept = cells.setdefault((result.dialect, result.route), [])
            kept.append((result.outcome.passes, result.judgement))
        widest: dict[str, int] = {}
        for (dialect, _), kept in cells.items():
            widest[dialect] = max(widest.get(dialect, 0), len(kept))
        shares = [
            RouteShare(
                route,
                dialect,
                len(kept),
                sum(agrees for agrees, _ in kept),
                sum(judgement is Judgement.FAILED for _, judgement in kept),
                sum(judgement is Judgement.EXPECTED for _, judgement in kept),
                main=len(kept) >= MAIN * widest[dialect],
            )
            for (dialect, route), kept in cells.items()
        ]
        return sorted(shares, key=lambda each: (not each.main, -widest[each.dialect], each.dialect, -each.results))

    @property
    def lost(self) -> Sequence[tuple[str, str]]:
        """Case and route of each result that did not come. Of a run without an end none is lost: it may go on."""
        return () if self.results.cut else self.results.lost

    @property
    def counts(self) -> list[tuple[Answer, int]]:
        """The six counts beside the record."""
        counts = {**self.results.answers, Answer.LOST.value: len(self.lost)}
        return [(answer, counts.get(answer.value, 0)) for answer in COUNTED]

    @property
    def seconds(self) -> float | None:
        """How long the run took, or has taken so far; None for a run that was cut."""
        if self.running:
            begun = datetime.fromisoformat(self.results.header.started)
            return (datetime.fromisoformat(self.running) - begun).total_seconds()
        return self.results.footer.seconds if self.results.footer else None

    @property
    def busy(self) -> str:
        """A sentence about a machine that was busy, from its load at the start and its highest; '' if it was not."""
        footer = self.results.footer
        start, highest = self.results.header.load, footer.load if footer else None
        loads = [load for load in (start, highest) if load is not None]
        if not loads or max(loads) < BUSY:
            return ""
        when = "at its height" if highest is not None else "at the start"
        return f"The machine was busy: load {max(loads):.1f} a processor {when}."

    @property
    def beside(self) -> str:
        """A sentence about results that the run did not owe; '' if there are none."""
        if not self.results.owed:
            return ""
        more = [result.case for result in self.results.results if result.key not in self.results.owed_pairs]
        empty = sum(case.endswith(EMPTY_BATCH) for case in more)
        apart = f"{empty:,} of empty batches, which stand apart from their case where they end otherwise"
        fresh = f"{len(more) - empty:,} of cases drawn afresh"
        parts = [text for text, count in ((apart, empty), (fresh, len(more) - empty)) if count]
        return f"Beside what was owed: {'; '.join(parts)}." if parts else ""

    def to_json(self) -> dict[str, Any]:
        """What the page shows at once."""
        results, header, footer = self.results, self.results.header, self.results.footer
        return {
            "verdict": self.verdict,
            "good": results.passed,
            "running": self.running,
            "sentence": self.sentence,
            "judgements": {kind.value: results.judgements.get(kind.value, 0) for kind in Judgement},
            "counts": [{"name": answer.value, "count": count} for answer, count in self.counts],
            "defects": self.sentence_of_defects,
            "routes": [each.to_json() for each in self.routes],
            "run": {
                "command": shlex.join(header.command),
                "started": header.started,
                "finished": footer.finished if footer else None,
                "seconds": self.seconds,
                "floor": header.floor,
                "owed": len(results.owed_pairs),
                "results": len(results.results),
                "beside": self.beside,
                "unwalked": len(results.lost) - len(self.lost),
                "lost": len(self.lost),
                "lost_first": [list(pair) for pair in self.lost[:LISTED]],
                "unavailable": [{"name": route.name, "reason": route.reason} for route in header.unavailable],
                "busy": self.busy,
                "versions": dict(header.versions),
                "options": {key: plain(value) for key, value in header.options.items()},
            },
        }
