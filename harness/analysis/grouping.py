"""Groups the differences between two runs by defect, with the condition under which each shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from harness.analysis.change import Change, harm_of, worst_outcome
from harness.analysis.frames import Frame, last_frame
from harness.analysis.messages import family, shown
from harness.analysis.tally import defects
from harness.judge.accepted import Accepted
from harness.outcomes import Outcome
from harness.results.events import SOURCE, Answer, PluginNote, Result
from harness.results.file import Results

ORDER = (Answer.REGRESSION, Answer.LOST, Answer.CHANGED, Answer.FIXED, Answer.DRIFT)
"""The answers of groups in the order in which they are shown, if they are equally harmful."""
_DEVIATE = (Answer.REGRESSION, Answer.CHANGED)
"""Answers of what deviates now: one defect may give both, as it shows in cases that were right and in others."""


@dataclass(frozen=True)
class Group:
    """Changes of one cause: of one answer, or of a defect that shows now, regressions and changes. What is accepted
    is a group of its own.

    `condition` says when it shows, '' where nobody knows. `frame` is where in the converter's source an
    exception came from.
    """

    changes: tuple[Change, ...]
    condition: str = ""
    frame: Frame | None = None

    @property
    def answer(self) -> Answer:
        """The first of its answers in the order in which they are shown."""
        return min((change.answer for change in self.changes), key=ORDER.index)

    @property
    def fails(self) -> bool:
        return any(change.fails for change in self.changes)

    @property
    def is_worse(self) -> bool:
        return any(change.is_worse for change in self.changes)

    @property
    def accepted(self) -> bool:
        """Whether these changes are worse, and accepted."""
        return self.is_worse and not self.fails

    @property
    def word(self) -> str:
        """The answer; of a change also whether it is for the worse."""
        word = self.answer.value
        if self.answer is Answer.CHANGED and self.is_worse:
            word = "changed for the worse"
        return f"accepted {word}" if self.accepted else word

    @cached_property
    def smallest(self) -> Change:
        """The change of the simplest case, on the shortest route; of those that fail, if any does."""
        return min(self.changes, key=lambda change: (not change.fails, *_simplicity(change)))

    @property
    def hops(self) -> tuple[str, ...]:
        """The converters at which it shows, or the routes of what is lost."""
        if self.answer is Answer.LOST:
            return tuple(dict.fromkeys(change.route for change in self.changes))
        return tuple(sorted({change.by for change in self.changes}))

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(sorted({change.layer for change in self.changes}))

    @property
    def cases(self) -> tuple[str, ...]:
        return tuple(sorted({change.case for change in self.changes}))

    @property
    def outcome(self) -> Outcome | None:
        """The worst outcome now; None for what is lost."""
        return worst_outcome(self.changes)

    @property
    def harm(self) -> str:
        """Whether a user notices; '' where nothing deviates."""
        return "" if self.outcome is None or self.outcome.passes else self.outcome.harm.value

    @property
    def expectations(self) -> tuple[str, ...]:
        """Ids of the expectations that know the deviation, or knew it before it was fixed."""
        notes = [note for c in self.changes for r in (c.result, c.earlier) if r is not None and (note := r.expectation)]
        return tuple(sorted({note.id for note in notes}))

    @property
    def entries(self) -> tuple[Accepted, ...]:
        """What accepts these changes, or did until it expired."""
        return tuple(dict.fromkeys(change.accepted for change in self.changes if change.accepted is not None))

    @property
    def title(self) -> str:
        """Answer, converters, outcome and counts in a line."""
        where = _few(self.hops)
        ends = "" if self.outcome is None or self.answer is Answer.FIXED else f" {self.outcome}"
        ends += f" ({self.harm})" if self.harm and ends else ""
        others = sum(change.answer is not self.answer for change in self.changes)
        also = f", {others:,} of them changed" if others else ""
        counts = f"{_many(len(self.cases), 'case')}, {_many(len(self.changes), 'result')}{also}"
        return f"{self.word}: {where}{ends}, {counts}"

    @property
    def brief(self) -> str:
        """The names of the first layers."""
        return _few(self.layers)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """A line for each stage that differs, with the routes that share it."""
        routes: dict[str, list[str]] = defaultdict(list)
        for change in self.changes:
            routes[change.text].append(change.route)
        return tuple(
            text if names == [text.split()[1].rstrip(":")] else f"{text} ({', '.join(names)})"
            for text, names in routes.items()
        )

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """What fails first, then what is accepted; of these the most harmful, then the most cases."""
        place = ORDER.index(self.answer)
        return (not self.fails, not self.accepted, harm_of(self.changes), place, -len(self.cases), self.smallest.key)

    def to_json(self) -> dict[str, Any]:
        first = self.smallest
        return {
            "answer": self.answer.value,
            "worse": self.is_worse,
            "fails": self.fails,
            "hops": list(self.hops),
            "outcome": None if self.outcome is None else self.outcome.value,
            "harm": self.harm,
            "layers": list(self.layers),
            "condition": self.condition,
            "cases": len(self.cases),
            "results": len(self.changes),
            "smallest": first.case,
            "replay": first.replay,
            "before": first.before,
            "now": first.now,
            "message": first.message,
            "earlier_message": first.earlier_message,
            "file": self.frame.inner if self.frame else None,
            "line": self.frame.line if self.frame else None,
            "expectations": list(self.expectations),
            "changes": [change.to_json() for change in self.changes],
        }


def grouped(changes: Iterable[Change], head: Results, before: Sequence[Result] = ()) -> tuple[Group, ...]:
    """The groups of all changes. `before` are the base's results, none beside the record.

    What deviates now is grouped as `parity defects` does, beside the head's results that pass. What is fixed is grouped
    as the base's deviations, beside what passed there; beside the record, by the expectation that explained it.
    """
    kinds: dict[tuple[Answer, bool], list[Change]] = defaultdict(list)
    for change in changes:
        answer = Answer.CHANGED if change.answer in _DEVIATE else change.answer
        kinds[answer, change.is_worse and not change.fails].append(change)
    groups: list[Group] = []
    for (answer, _), alike in kinds.items():
        if answer is Answer.CHANGED:
            groups += _by_defect(alike, head, head.results, _deviating)
        elif answer is Answer.FIXED:
            known = [change for change in alike if _deviating_before(change) is not None]
            groups += _by_defect(known, head, before, _deviating_before)
            groups += _apart([change for change in alike if _deviating_before(change) is None], _expectation)
        elif answer is Answer.LOST:
            groups += _apart(alike, lambda change: (change.route, change.why))
        else:
            groups += _apart(alike, lambda change: (change.by, family(change.layer)))
    return tuple(sorted(groups, key=lambda group: group.sort_key))


def _by_defect(
    changes: Sequence[Change], head: Results, results: Iterable[Result], deviating: Callable[[Change], Result | None]
) -> list[Group]:
    """One group for each defect of the results that changed, told apart from those that pass."""
    faults = {result.key: change for change in changes if (result := deviating(change)) is not None}
    layers = {change.layer for change in changes}
    passing = [
        result for result in results if result.layer in layers and result.fault is None and result.key not in faults
    ]
    rows = [deviating(change) for change in changes]
    notes = head.header.plugins
    return [
        _group([faults[key] for key in defect.results], defect.condition, notes)
        for defect in defects([*(row for row in rows if row is not None), *passing], notes)
    ]


def _group(changes: Sequence[Change], condition: str, notes: Iterable[PluginNote]) -> Group:
    group = Group(tuple(changes), condition)
    stage = group.smallest.stage
    if stage is None or stage.outcome.passes or not stage.log:
        return group
    kind, name = ("format", stage.artifact) if stage.by == SOURCE else ("hop", stage.by)
    packages = {(note.kind, note.name): note.distribution for note in notes}
    return replace(group, frame=last_frame(stage.log, packages.get((kind, name), "")))


def _apart(changes: Iterable[Change], mark: Callable[[Change], Any]) -> list[Group]:
    alike: dict[Any, list[Change]] = defaultdict(list)
    for change in changes:
        alike[mark(change)].append(change)
    return [Group(tuple(each)) for each in alike.values()]


def _expectation(change: Change) -> tuple[str, ...]:
    note = None if change.result is None else change.result.expectation
    return (note.id,) if note is not None else (change.by, family(change.layer))


def _deviating(change: Change) -> Result | None:
    """The head's result with the stage that changed as its stage at fault."""
    return None if change.result is None else _at_fault(change.result, change.answered.place)


def _deviating_before(change: Change) -> Result | None:
    """The base's result with the stage that changed as its stage at fault; None if it does not deviate there."""
    stage = change.earlier_stage
    if change.earlier is None or stage is None or stage.outcome.passes:
        return None
    return _at_fault(replace(change.earlier, case=change.case), change.answered.place)


def _at_fault(result: Result, place: int) -> Result:
    """The result up to a stage, as if all before it had passed: a defect in front is another one."""
    before = tuple(
        stage if stage.outcome.passes else replace(stage, outcome=Outcome.EXACT) for stage in result.stages[:place]
    )
    return replace(result, stages=(*before, result.stages[place]))


def _simplicity(change: Change) -> tuple[Any, ...]:
    result = change.result or change.earlier
    return (0 if result is None else len(str(result.config)), change.case, change.route.count("-"), change.route)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _many(count: int, singular: str) -> str:
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def message_of(group: Group) -> str:
    """The message of the simplest case, on one short line."""
    return shown(group.smallest.message)
