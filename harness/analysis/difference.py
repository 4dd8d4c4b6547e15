"""The difference between two runs: what the head's results answer to the base's, as they would answer to a record.

The results of the base are made a record, and each result of the head is held to it. So regression, changed, fixed,
drift, lost and new mean what they mean beside the record, and the record itself may be the base.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from harness.analysis.change import Change
from harness.analysis.choice import Choice
from harness.analysis.grouping import Group, grouped
from harness.analysis.untried import untried
from harness.judge.acceptance import chains
from harness.judge.accepted import Accepted
from harness.judge.answers import Answered, Cells, answered
from harness.judge.baseline import record_of
from harness.judge.expectations import Expectation, covering
from harness.judge.record import Key, Record, plain_id, split_id
from harness.results.changed import Changed
from harness.results.device import CPU
from harness.results.environments import DEVICE, Discrepancy, differing, discrepancies, refused_of
from harness.results.events import Answer, InconsistentResults, Judgement, Result, Stage
from harness.results.file import Results
from harness.spec import EMPTY_BATCH

RECORDED = "recorded"
"""The name of the record as a base."""
NOT_WALKED = "the head does not walk this route"
NO_RESULT = "the head owes it, and no result came"
NOT_OWED = "it is on record, and the head does not owe it"


@dataclass(frozen=True)
class Base:
    """What a head is held to: the results of another run, or the record, which has no `results`.

    `under_test` names the distributions of the converters that may differ. With `beside`, the run is that of their
    releases, walked beside the head; `apart` is what made the record, or another run, unfit for that.
    """

    name: str
    record: Record
    results: Results | None = None
    under_test: tuple[str, ...] = ()
    beside: bool = False
    apart: tuple[Discrepancy, ...] = ()
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, results: Results, known: Record | None = None, *, part: bool = False) -> Base:
        """The results of a run; stages that are random in the record `known` are so in the base.

        Raises InconsistentResults for a shard, unless a `part` will do.
        """
        if not part:
            _check_whole("base", results)
        return cls(name, record_of(results, known), results)

    @classmethod
    def released(
        cls,
        name: str,
        results: Results,
        known: Record,
        *,
        under_test: tuple[str, ...],
        apart: tuple[Discrepancy, ...] = (),
    ) -> Base:
        """What released converters did, walked beside the head or beside a shard of it."""
        return replace(cls.of(name, results, known, part=True), under_test=under_test, beside=True, apart=apart)

    @classmethod
    def recorded(cls, record: Record) -> Base:
        """The record. Raises InconsistentResults for an empty one."""
        if not record.cells:
            raise InconsistentResults(
                "there is no record", where=RECORDED, advice="`parity record accept` makes one; or name a results file."
            )
        return cls(RECORDED, record)

    @cached_property
    def owed(self) -> frozenset[Key]:
        """Case and route of each result that the base has or owes; none for the record, which knows chains only."""
        return frozenset() if self.results is None else _pairs(self.results)

    def environment(self, versions: Mapping[str, str], across: Iterable[str] = ()) -> tuple[Discrepancy, ...]:
        """What differs from the versions of a head. Raises OtherEnvironment as `discrepancies` does."""
        return discrepancies(self._versions(versions), versions, across=(*across, *self._may_differ(versions)))

    def _may_differ(self, versions: Mapping[str, str]) -> Iterator[str]:
        return (name for name in self.under_test if name in versions)

    def unlike(self, versions: Mapping[str, str], across: Iterable[str] = ()) -> tuple[Discrepancy, ...]:
        """What differs from the versions of a head and may not. Raises OtherEnvironment for a name that neither has."""
        return refused_of(differing(self._versions(versions), versions, across=across))

    def _versions(self, head: Mapping[str, str]) -> Mapping[str, str]:
        """Its versions; of interpreter and platform the record knows nothing, and takes those of the head. It was made
        on the CPU."""
        known = {**head, DEVICE: CPU, **self.record.versions}
        return known if self.results is None else self.results.header.versions

    @cached_property
    def _cases(self) -> frozenset[str]:
        return frozenset(case for case, _ in self.record.cells)

    def knows(self, result: Result) -> bool:
        """Whether it has or owes a result of the same case and route; of the record, whether it has the case."""
        if self.results is None:
            return plain_id(result.case) in self._cases
        return (plain_id(result.case), result.route) in self.owed


@dataclass(frozen=True)
class Difference:
    """What differs between a base and a head, the head's results.

    `changes` are all answers but the same and the new; `new` the results of which the base has no stage at fault, or
    none at all; `same` counts the rest, and `random` those of the same that are random. Of what only one corpus has
    there are pairs of case and route, of what only one selected there are counts.
    """

    base: Base
    head: Results
    environment: tuple[Discrepancy, ...]
    changes: tuple[Change, ...]
    new: tuple[Result, ...]
    same: int
    random: int
    only_base: tuple[Key, ...]
    only_head: tuple[Key, ...]
    unselected: tuple[int, int]
    warnings: tuple[str, ...] = ()
    entries: tuple[Accepted, ...] = ()
    today: date | None = None

    @property
    def fails(self) -> bool:
        """Whether a regression, a change for the worse or a loss is not accepted."""
        return any(change.fails for change in self.changes)

    @cached_property
    def failing(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.fails)

    @cached_property
    def compared(self) -> int:
        """Results of the head that the base knows, and losses."""
        return self.same + len(self.changes)

    @cached_property
    def counts(self) -> dict[Answer, int]:
        """Number of results by answer, zeros left out."""
        counts = Counter(change.answer for change in self.changes)
        counts += Counter({Answer.SAME: self.same, Answer.NEW: len(self.new)})
        return {answer: counts[answer] for answer in Answer if counts[answer]}

    @cached_property
    def failing_new(self) -> tuple[Result, ...]:
        """New results that neither pass nor are expected. They fail the run that made them, not the comparison."""
        return tuple(result for result in self.new if result.judgement is Judgement.FAILED)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The changes by defect: those that fail first, of these the most harmful."""
        before = () if self.base.results is None else self.base.results.results
        return grouped(self.changes, self.head, before)

    def accepting(self, entries: Iterable[Accepted], today: date) -> Difference:
        """The same difference, with what these entries accept on this day."""
        entries = tuple(entries)
        by_key = {each.key: each for each in entries}

        def judged(change: Change) -> Change:
            entry = by_key.get(change.key)
            if entry is None or not change.is_worse or entry.outcome != change.outcome:
                return change
            return replace(change, accepted=entry, expired=entry.is_expired(today))

        return replace(self, changes=tuple(map(judged, self.changes)), entries=entries, today=today)

    @cached_property
    def untried(self) -> tuple[Changed, ...]:
        """What has changed in the converters, and no result of the head entered."""
        return untried(self.head, self.base.results)

    @property
    def tries_nothing(self) -> bool:
        """Whether routes of the head have converters, and no result reached any of them."""
        converters = _hops(self.head)
        return bool(converters) and converters == set(unreached(self.head))

    @cached_property
    def expired(self) -> tuple[Accepted, ...]:
        """Acceptances whose day has passed, of what still happens."""
        return tuple(
            each
            for each in self.entries
            if self.today and each.is_expired(self.today) and self._happening.get(each.key) == each.outcome
        )

    @cached_property
    def idle(self) -> tuple[tuple[Accepted, str], ...]:
        """Acceptances of what no longer happens, with what happens instead. Of what was not walked nothing is known."""
        ends = ((each, self._happening.get(each.key, each.outcome)) for each in self.entries)
        return tuple((each, now) for each, now in ends if now != each.outcome)

    @cached_property
    def _happening(self) -> dict[Key, str]:
        """What an acceptance would have to name, for each pair that the head has or lost."""
        ends = {result.key: result.fault.outcome.value if result.fault else "passed" for result in self.head.results}
        return ends | {change.key: change.outcome for change in self.changes if change.is_worse}


def difference(
    base: Base,
    head: Results,
    *,
    across: Iterable[str] = (),
    backwards: bool = False,
    expectations: Iterable[Expectation] = (),
    spared: Callable[[str, str], bool] = lambda case, chain: False,
) -> Difference:
    """What differs between a base and a head.

    `across` names what may differ between their environments; `backwards` admits a head that began before the base.
    `expectations` tell which outcomes are random, `spared` which stages (case, chain) on record need not be walked
    again. Raises OtherEnvironment, and InconsistentResults for two runs of
    which nothing can be compared, or that are one.
    """
    environment = base.environment(head.header.versions, across)
    _check_order(base, head, backwards=backwards)
    answers = list(_answers(base, head, [item for item in expectations if item.random]))
    changes = [change for change, _ in answers if change.answer not in (Answer.SAME, Answer.NEW)]
    same = [random for change, random in answers if change.answer is Answer.SAME]
    new = [change.result for change, _ in answers if change.answer is Answer.NEW and change.result is not None]
    missing = _missing(base, head, spared)
    asked = Choice.of(base.results)
    only_head = [result.key for result in new if asked.covers(*result.key) and not base.knows(result)]
    unselected = (missing.unselected, sum(not asked.covers(*result.key) for result in new))
    if base.results is not None and not same and not changes and not missing.lost:
        raise _nothing_in_common(base, len(head.results))
    return Difference(
        base=base,
        head=head,
        environment=environment,
        changes=(*changes, *missing.lost),
        new=tuple(new),
        same=len(same),
        random=sum(same),
        only_base=tuple(sorted(missing.foreign)),
        only_head=tuple(sorted(only_head)),
        unselected=unselected,
        warnings=(*_warnings(base, head, environment), *_compared_with_nothing(base, head, new)),
    )


def check_common(base: Base, head: Results, ends: Iterable[Key]) -> None:
    """Raise InconsistentResults, before it is walked, for a head of which nothing can be compared with the base.

    `ends` are case and chain of the last stage of each result that the head owes.
    """
    if base.results is None or base.owed & head.owed_pairs or not base.record.cells.keys().isdisjoint(ends):
        return
    if len(_missing(base, head, lambda case, chain: False).lost) == len(head.lost):  # no route of the base is selected
        raise _nothing_in_common(base, len(head.owed_pairs))


def _nothing_in_common(base: Base, results: int) -> InconsistentResults:
    return InconsistentResults(
        f"nothing can be compared: base and head have no case on the same route ({results} results)",
        where=base.name,
        advice="Compare runs of the same layers and routes.",
    )


def _answers(base: Base, head: Results, random: Sequence[Expectation]) -> Iterator[tuple[Change, bool]]:
    """The change of each result, and whether it is the same only because its stage is random."""
    earlier = {} if base.results is None else {result.key: result for result in base.results.results}
    apart = {result.key for result in head.results if result.case.endswith(EMPTY_BATCH)}
    for result in head.results:
        cells = _cells(base.record, result)
        yield _change(result, cells, random, earlier)
        if result.key in apart:
            continue
        with_empty = _cells(base.record, replace(result, case=result.case + EMPTY_BATCH))
        if (result.case + EMPTY_BATCH, result.route) not in apart and with_empty != cells:
            # the base's empty batch failed by itself, the head's did not: it is part of this result
            yield _change(replace(result, case=result.case + EMPTY_BATCH), with_empty, random, earlier)


def _cells(record: Record, result: Result) -> list[Cells]:
    """The cells of each stage; an empty batch without its own has those of its case."""
    return [record.at(result.case, chain) or record.at(plain_id(result.case), chain) for chain, _ in chains(result)]


def _change(
    result: Result, cells: Sequence[Cells], random: Sequence[Expectation], earlier: dict[Key, Result]
) -> tuple[Change, bool]:
    speaking = _speaking_of(result, random)
    free = [_may_happen(stage, speaking) for stage in result.stages]
    against = answered(result.stages, [() if is_free else each for is_free, each in zip(free, cells, strict=True)])
    is_random = against.answer is Answer.NEW and free[against.place] and bool(cells[against.place])
    if is_random:
        against = Answered(Answer.SAME)
    before = earlier.get(result.key) or earlier.get((plain_id(result.case), result.route))
    is_random = is_random or any(len(each) > 1 for each in cells)
    return Change(result.case, result.route, against, result, before), is_random


def _may_happen(stage: Stage, random: Sequence[Expectation]) -> bool:
    """Whether an outcome that is known to be random may be this one: what augments at random may agree or be divergent,
    as its expectation says, and may not refuse."""
    return any(item.blames(stage.by) and (stage.outcome.passes or item.foresees(stage)) for item in random)


def _speaking_of(result: Result, expectations: Sequence[Expectation]) -> list[Expectation]:
    """The expectations that cover a result, by the layer of its case."""
    if not expectations:
        return []
    config = {**(result.facts or {}), **result.config}
    return covering(expectations, case=plain_id(result.case), route=result.route, layer=result.layer, config=config)


@dataclass(frozen=True)
class _Missing:
    """What the base has and the head has not: what is lost, what only the base's corpus has, what was not selected."""

    lost: tuple[Change, ...]
    foreign: tuple[Key, ...]
    unselected: int


def _missing(base: Base, head: Results, spared: Callable[[str, str], bool]) -> _Missing:
    earlier = {} if base.results is None else {result.key: result for result in base.results.results}
    lost = [Change.lost(*key, NO_RESULT, header=head.header, earlier=earlier.get(key)) for key in head.lost]
    if base.results is None:
        return _Missing((*lost, *_off_the_record(base.record, head, spared)), (), 0)
    choice, was = Choice.of(head), Choice.of(base.results)
    owed = _pairs(head)
    walked = {route for _, route in owed}
    routes = {route.name: route for route in head.header.routes}
    foreign, unselected = [], 0
    for case, route in sorted(base.owed - owed):
        is_owed = (plain_id(case), route) in base.results.owed_pairs
        if case.endswith(EMPTY_BATCH) and (plain_id(case), route) in owed:
            continue  # what it was is answered by the case
        if not choice.covers(case, route) or not is_owed or (choice.breadth != was.breadth and route not in routes):
            unselected += 1
        elif route not in walked and (route not in routes or not routes[route].available):
            reason = routes[route].reason if route in routes else "it has no such route"
            why, before = f"{NOT_WALKED}: {reason}", earlier.get((case, route))
            lost.append(Change.lost(case, route, why, header=head.header, earlier=before))
        elif choice.breadth != was.breadth:
            unselected += 1
        else:
            foreign.append((case, route))
    return _Missing(tuple(lost), tuple(foreign), unselected)


def _off_the_record(record: Record, head: Results, spared: Callable[[str, str], bool]) -> Iterator[Change]:
    """What is on record of the routes and layers of the head, and is owed by none of its cases."""
    choice = Choice.of(head)
    routes = [route.name for route in head.header.routes if route.available]
    through: dict[str, list[str]] = {}
    owed = _pairs(head)
    for case, chain in sorted(record.cells):
        if chain not in through:
            through[chain] = [name for name in routes if f"{name}-".startswith(f"{chain}-")]
        if (
            through[chain]
            and choice.selects_layer(split_id(case)[1])
            and not any((plain_id(case), name) in owed for name in through[chain])
            and not spared(plain_id(case), chain)
        ):
            yield Change.lost(case, chain, NOT_OWED, header=head.header, cells=record.at(case, chain))


def unreached(head: Results) -> tuple[str, ...]:
    """The converters on the routes of a run's results that none of its results reached."""
    called = {stage.hop for result in head.results for stage in result.stages}
    return tuple(sorted(_hops(head) - called))


def _hops(head: Results) -> set[str]:
    """The converters on the routes of a run's results."""
    words = {word for result in head.results for word in result.route.split("-")}
    return {each.name for each in head.header.plugins if each.kind == "hop" and each.name in words}


def _pairs(results: Results) -> frozenset[Key]:
    return results.owed_pairs | {result.key for result in results.results}


def _check_whole(name: str, results: Results) -> None:
    if shard := results.header.options.get("shard"):
        raise InconsistentResults(
            f"the {name} is shard {shard} of a run", where=name, advice="Join the shards with `parity merge`."
        )


def _check_order(base: Base, head: Results, *, backwards: bool) -> None:
    """Raise InconsistentResults if both are one run, or the head is a shard or began before the base."""
    _check_whole("head", head)
    if base.results is None or base.beside:
        return
    if (base.results.header, base.results.footer) == (head.header, head.footer):
        raise InconsistentResults(
            "base and head are the same run", where=base.name, expected="two runs", came=f"twice {head.header.started}"
        )
    if head.header.started < base.results.header.started and not backwards:
        raise InconsistentResults(
            "the head began before the base: they may be swapped",
            where=base.name,
            expected=f"a head later than {base.results.header.started}",
            came=head.header.started,
            advice="Exchange the two, or say --backwards.",
        )


def _compared_with_nothing(base: Base, head: Results, new: Iterable[Result]) -> Iterator[str]:
    """The routes of which every result is new beside the results of another run."""
    if base.results is None:
        return
    walked, lacking = (Counter(result.route for result in some) for some in (head.results, new))
    for route, count in lacking.items():
        if count == walked[route]:
            yield (
                f"{base.name} has no result of the route {route}: nothing judges the head's "
                f"{count:,} {'result' if count == 1 else 'results'} of this route"
            )


def _warnings(base: Base, head: Results, environment: Iterable[Discrepancy]) -> Iterator[str]:
    older = [each for each in environment if each.is_backwards]
    if older and base.results is not None:  # nobody swaps a run and the record
        yield f"the head has older versions than the base: {', '.join(map(str, older))}; are they swapped?"
    if base.results is not None and not base.beside and head.header.started < base.results.header.started:
        yield f"the head began before the base: {head.header.started} and {base.results.header.started}"
    if base.results is not None and base.results.lost:
        yield f"the base lost {len(base.results.lost)} results that it owed: the head's are new"
    yield from base.remarks
    if (pack := head.header.pack) is not None and pack.lacking:
        cases = f"{len(pack.lacking):,} {'case' if len(pack.lacking) == 1 else 'cases'}"
        behind = pack.routes[0] if len(pack.routes) == 1 else f"the {len(pack.routes):,} routes behind it"
        yield (
            f"the head's pack {pack.name} lacks {cases} on record, which the head does not owe on {behind}; "
            f"the first is {pack.lacking[0]}"
        )
    for name in unreached(head):
        yield f"no selected case reached {name}: each case ended before {name}, which was not tried"
    for route in head.header.unavailable:
        yield f"route {route.name} could not be walked: {route.reason}"
