"""The matrix: legs side by side, for each chain and layer, and for each defect; since when it works or is broken.

A layer is compared over the cases of which all its legs know something. A defect is gone in a leg where a case that
shows it elsewhere passes, or, of a refusal, is converted. Where its cases deviate in another way, nothing is known of
it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.analysis.courses import Course
from harness.analysis.legs import Layer, Leg, State, components
from harness.analysis.lines import Chain, Line, Plugins
from harness.analysis.marks import Mark, Marks, marks_of
from harness.analysis.suspects import Suspect, is_mixed, suspects
from harness.judge.record import split_id
from harness.outcomes import Harm, Outcome

_Place = tuple[str, str]
"""A case and a chain."""
_CONVERTED = (Outcome.MUTATING, Outcome.DIVERGENT, Outcome.MALFORMED, Outcome.INVALID)
"""Outcomes of a converter that reported success."""


@dataclass(frozen=True)
class Cell:
    """The cases of a layer in one leg, by what is known of them; `worst` is the worst outcome that is known."""

    good: int = 0
    bad: int = 0
    blocked: int = 0
    worst: Outcome | None = None

    @property
    def state(self) -> State:
        if self.bad:
            return State.BAD
        if self.good:
            return State.GOOD
        return State.BLOCKED if self.blocked else State.NOT_RUN


@dataclass(frozen=True)
class Showing:
    """The cases of a defect in one leg: those that show it, in which it is gone, and of which nothing is known because
    they deviate in another way or end before."""

    shows: int = 0
    gone: int = 0
    otherwise: int = 0

    @property
    def state(self) -> State:
        if self.shows:
            return State.BAD
        if self.gone:
            return State.GOOD
        return State.BLOCKED if self.otherwise else State.NOT_RUN


@dataclass(frozen=True)
class Along:
    """What became of a layer or a defect along a line.

    `compared` cases have part in it; `partly` cases do not, because something is known of them in some legs only.
    `turned` counts the cases that themselves turned good (or bad) with a version; `cases` are their courses.
    """

    line: Line
    course: Course
    compared: int
    partly: int = 0
    turned: tuple[tuple[str, bool, int], ...] = ()
    cases: tuple[tuple[str, Course], ...] = ()

    @property
    def changes(self) -> bool:
        return bool(self.course.turns or self.turned)

    @property
    def words(self) -> str:
        """Of a layer: `onnx2torch: works since 1.5.12; 8 cases fixed in 1.5.12`."""
        return self._worded(self.course.words)

    @property
    def words_of_defect(self) -> str:
        """Of a defect: `onnx2torch: fixed in 1.5.12; 8 cases fixed in 1.5.12`."""
        return self._worded(self.course.words_of_defect)

    def _worded(self, words: str) -> str:
        parts = [f"{self.line.component}: {words}"]
        parts += [
            f"{count:,} {'case' if count == 1 else 'cases'} {'fixed' if is_good else 'broken'} in {version}"
            for version, is_good, count in self.turned
        ]
        return "; ".join(parts)


@dataclass(frozen=True)
class LayerRow:
    """A layer on a chain: a cell for each leg, and what became of it along each line.

    `differs`: it is good in some legs and bad in others. Where no line tells why, there may be `suspects`.
    """

    chain: str
    layer: Layer
    cells: Mapping[str, Cell]
    along: tuple[Along, ...]
    differs: bool = False
    suspects: tuple[Suspect, ...] = ()

    @property
    def turns(self) -> bool:
        """Whether it, or one of its cases, turns along a line."""
        return any(each.changes for each in self.along)

    @property
    def changes(self) -> bool:
        return self.turns or self.differs

    @property
    def state(self) -> State:
        """Good or bad if it is so in all legs that know it."""
        states = {cell.state for cell in self.cells.values() if cell.state.is_known}
        return State.BAD if State.BAD in states else State.GOOD if states else State.NOT_RUN


@dataclass(frozen=True)
class DefectRow:
    """A defect, a finding with several marks or one mark: what shows it in each leg, and what became of it.

    `differs` and `suspects` are as those of a layer.
    """

    id: str
    marks: tuple[Mark, ...]
    layers: tuple[str, ...]
    chains: tuple[str, ...]
    showing: Mapping[str, Showing]
    along: tuple[Along, ...]
    differs: bool = False
    suspects: tuple[Suspect, ...] = ()

    @property
    def turns(self) -> bool:
        """Whether it turns along a line."""
        return any(each.course.turns for each in self.along)

    @property
    def changes(self) -> bool:
        return self.turns or self.differs

    @property
    def hop(self) -> str:
        return ", ".join(dict.fromkeys(mark.hop for mark in self.marks))

    @property
    def outcome(self) -> Outcome:
        return Outcome.worst(mark.outcome for mark in self.marks)

    @property
    def is_expected(self) -> bool:
        """Whether an expectation foresees it."""
        return any(mark.expectation for mark in self.marks)

    @property
    def results(self) -> int:
        return sum(each.shows for each in self.showing.values())

    @property
    def sort_key(self) -> tuple[object, ...]:
        return (not self.turns, not self.changes, list(Harm).index(self.outcome.harm), -self.results, self.id)


@dataclass(frozen=True)
class Table:
    """All layers on one chain. `partly` counts the cases that only some of the legs that walked it have."""

    chain: Chain
    rows: tuple[LayerRow, ...]
    partly: int

    @cached_property
    def changing(self) -> tuple[LayerRow, ...]:
        return tuple(row for row in self.rows if row.changes)

    def count(self, state: State) -> int:
        """Layers that do not change, and are good or bad in all legs that know them, or of which nothing is known."""
        return sum(not row.changes and row.state is state for row in self.rows)


@dataclass(frozen=True)
class Matrix:
    """The legs side by side. `single` are chains that differ in something, and that one leg only walked."""

    legs: tuple[Leg, ...]
    components: tuple[str, ...]
    tables: tuple[Table, ...]
    defects: tuple[DefectRow, ...]
    findings: tuple[DefectRow, ...] = ()
    across: tuple[str, ...] = ()
    single: tuple[Chain, ...] = ()

    def needs(self, chain: str) -> tuple[str, ...]:
        """The components that differ between the legs and concern a chain."""
        chains = [*(table.chain for table in self.tables), *self.single]
        return next((each.needs for each in chains if each.name == chain), ())

    @property
    def sentence(self) -> str:
        layers = {row.layer for table in self.tables for row in table.rows if row.turns}
        turning = sum(row.turns for row in self.defects)
        others = sum(row.changes and not row.turns for row in self.defects)
        more = (
            f"; {_many(others, 'more defect')} {'differs' if others == 1 else 'differ'} between legs" if others else ""
        )
        if not self.components:
            return f"{_many(len(self.legs), 'leg')} of the same versions: there is nothing to put side by side."
        if not any(table.chain.lines for table in self.tables):
            return (
                f"{_many(len(self.legs), 'leg')}: no two of them can be compared; "
                f"each pair differs in more than one component, or walked nothing in common that differs{more}."
            )
        return (
            f"{_many(len(self.legs), 'leg')}: {_many(len(layers), 'layer')} and {_many(turning, 'defect')} "
            f"of {len(self.defects):,} change with {_joined(self._compared)}{more}."
        )

    @property
    def _compared(self) -> list[str]:
        """The components along which something is compared, in order."""
        names = {line.component for table in self.tables for line in table.chain.lines}
        return [name for name in self.components if name in names]


def matrix(legs: Sequence[Leg], *, across: Collection[str] = (), owners: Mapping[str, str] | None = None) -> Matrix:
    """The matrix of legs that `side_by_side` sorted.

    `across` names components whose difference does not count, `owners` the finding of each expectation.
    """
    plugins = Plugins(legs)
    names = dict.fromkeys(chain for leg in legs for chain in leg.chains)
    chains = [Chain.of(name, legs, plugins, across) for name in names]
    concerned = [chain for chain in chains if chain.needs]
    marks = marks_of(legs)
    by_name = {chain.name: chain for chain in concerned}
    owned = {name: (owners or {}).get(name, "") for name in marks.marks}
    return Matrix(
        legs=tuple(legs),
        components=components(legs),
        tables=tuple(table_of(chain) for chain in concerned if len(chain.walked) > 1),
        defects=_defect_rows(legs, marks, {name: name for name in marks.marks}, by_name),
        findings=_defect_rows(legs, marks, {name: owner for name, owner in owned.items() if owner}, by_name),
        across=tuple(across),
        single=tuple(chain for chain in concerned if len(chain.walked) == 1),
    )


def table_of(chain: Chain) -> Table:
    """All layers on a chain, in the legs that differ in something that concerns it."""
    layers: dict[Layer, dict[str, None]] = defaultdict(dict)
    for leg in chain.walked:
        for case, stop in leg.chains[chain.name].items():
            layers[stop.result.dialect, stop.result.layer][case] = None
    rows = tuple(_layer_row(chain, layer, tuple(cases)) for layer, cases in sorted(layers.items()))
    partly = sum(
        any(leg.state(case, chain.name) is State.NOT_RUN for leg in chain.walked)
        for cases in layers.values()
        for case in cases
    )
    return Table(chain, rows, partly)


def _layer_row(chain: Chain, layer: Layer, cases: Sequence[str]) -> LayerRow:
    states = {leg.name: {case: leg.state(case, chain.name) for case in cases} for leg in chain.legs}
    cells = {leg.name: _cell(leg, chain.name, states[leg.name]) for leg in chain.legs}
    along = tuple(_along(line, states, cases) for line in chain.lines)
    whole, *_ = _over_common(chain.legs, states, cases)
    row = LayerRow(chain.name, layer, cells, along, is_mixed(whole))
    return row if row.turns else replace(row, suspects=suspects(whole, chain.needs))


def _cell(leg: Leg, chain: str, states: Mapping[str, State]) -> Cell:
    counts = Counter(states.values())
    stops = leg.chains.get(chain, {})
    known = [stops[case].outcome for case, state in states.items() if state.is_known and case in stops]
    worst = Outcome.worst(known) if known else None
    return Cell(counts[State.GOOD], counts[State.BAD], counts[State.BLOCKED], worst)


def _along(line: Line, states: Mapping[str, Mapping[str, State]], cases: Sequence[str]) -> Along:
    own = [(case, line.course({leg.name: states[leg.name][case] for leg in line.legs})) for case in cases]
    several, compared, partly = _over_common(line.legs, states, cases)
    whole = line.course({leg.name: state for leg, state in several})
    return _turning(Along(line, whole, compared, partly), own)


def _over_common(
    legs: Sequence[Leg], states: Mapping[str, Mapping[str, State]], cases: Sequence[str]
) -> tuple[list[tuple[Leg, State]], int, int]:
    """What is known of a layer in each leg, over the cases of which every leg that walked it knows something; the
    number of these cases, and of those that only some legs know."""
    walked = [leg for leg in legs if any(state is not State.NOT_RUN for state in states[leg.name].values())]
    known = {case: [states[leg.name][case].is_known for leg in walked] for case in cases}
    common = [case for case, each in known.items() if each and all(each)]
    partly = sum(any(each) and not all(each) for each in known.values())

    def state(leg: Leg) -> State:
        if leg not in walked:
            return State.NOT_RUN
        if not common:
            return State.BLOCKED
        return State.BAD if any(states[leg.name][case] is State.BAD for case in common) else State.GOOD

    return [(leg, state(leg)) for leg in legs], len(common), partly


def _turning(along: Along, cases: Iterable[tuple[str, Course]]) -> Along:
    """With the courses of the cases that turn, and their counts."""
    turning = tuple((case, own) for case, own in cases if own.turns)
    turned = Counter((turn.version, turn.is_good) for _, own in turning for turn in own.turns)
    versions = [version for version, _ in along.line.points]
    ordered = sorted(turned.items(), key=lambda item: (versions.index(item[0][0]), item[0][1]))
    counts = tuple((version, is_good, count) for (version, is_good), count in ordered)
    return replace(along, turned=counts, cases=turning)


def _defect_rows(
    legs: Sequence[Leg], marks: Marks, rows: Mapping[str, str], by_name: Mapping[str, Chain]
) -> tuple[DefectRow, ...]:
    """A row for each value of `rows`, which names the row of a mark."""
    places: dict[str, dict[_Place, None]] = defaultdict(dict)
    for leg in legs:
        for place, mark in marks.by_leg[leg.name].items():
            if mark in rows:
                places[rows[mark]][place] = None
    of_row: dict[str, list[Mark]] = defaultdict(list)
    for mark, name in rows.items():
        of_row[name].append(marks.marks[mark])
    whole = (_Defect(name, of_row[name], tuple(each), legs, marks).row(by_name) for name, each in places.items())
    return tuple(sorted(whole, key=lambda row: row.sort_key))


class _Defect:
    """One defect, and what is known of it at each of its places in each leg."""

    def __init__(
        self, name: str, of: Sequence[Mark], places: Sequence[_Place], legs: Sequence[Leg], marks: Marks
    ) -> None:
        self.name, self.of, self.places, self.legs, self.marks = name, of, places, legs, marks
        self._of = {mark.id: mark for mark in of}
        self._refusals = self._refused()
        self.states = {leg.name: {place: self._state(leg, place) for place in places} for leg in legs}

    def row(self, by_name: Mapping[str, Chain]) -> DefectRow:
        """The row. `by_name` has the chains that a difference concerns."""
        chains = tuple(sorted({chain for _, chain in self.places}))
        concerned = [by_name[chain] for chain in chains if chain in by_name]
        several: dict[tuple[str, tuple[str, ...]], tuple[Line, list[_Place]]] = {}
        for chain in concerned:
            for line in chain.lines:
                several.setdefault(line.key, (line, []))[1].extend(
                    each for each in self.places if each[1] == chain.name
                )
        whole = [(leg, _showing(self.states[leg.name].values()).state) for leg in self.legs]
        row = DefectRow(
            id=self.name,
            marks=tuple(self.of),
            layers=tuple(sorted({split_id(case)[1] for case, _ in self.places})),
            chains=chains,
            showing={leg.name: _showing(self.states[leg.name].values()) for leg in self.legs},
            along=tuple(self._along(line, part) for line, part in several.values()),
            differs=is_mixed(whole),
        )
        needs = dict.fromkeys(name for chain in concerned for name in chain.needs)
        return row if row.turns else replace(row, suspects=suspects(whole, needs))

    def _refused(self) -> frozenset[_Place]:
        """The places at which the defect is a refusal wherever it shows."""
        outcomes: dict[_Place, set[Outcome]] = defaultdict(set)
        for shown in self.marks.by_leg.values():
            for place in self.places:
                if (mark := self._of.get(shown.get(place, ""))) is not None:
                    outcomes[place].add(mark.outcome)
        return frozenset(place for place, each in outcomes.items() if each == {Outcome.REFUSED})

    def _state(self, leg: Leg, place: _Place) -> State:
        """Bad where the place shows the defect. Where it deviates in another way, the defect lies behind that failure;
        but what was refused and is converted now is no longer refused, whatever the artifact does."""
        state = leg.state(*place)
        if state is not State.BAD or self.marks.by_leg[leg.name].get(place) in self._of:
            return state
        case, chain = place
        is_gone = place in self._refusals and leg.chains[chain][case].outcome in _CONVERTED
        return State.GOOD if is_gone else State.BLOCKED

    def _along(self, line: Line, places: Sequence[_Place]) -> Along:
        states = self.states
        own = [(place[0], line.course({leg.name: states[leg.name][place] for leg in line.legs})) for place in places]
        several = {leg.name: _showing(states[leg.name][place] for place in places).state for leg in line.legs}
        return _turning(Along(line, line.course(several), len(places)), own)


def _showing(states: Iterable[State]) -> Showing:
    counts = Counter(states)
    return Showing(counts[State.BAD], counts[State.GOOD], counts[State.BLOCKED])


def _many(count: int, singular: str) -> str:
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
