"""What the forms of a matrix share: the parts that are shown, and the words of its cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.analysis import suspects
from harness.analysis.legs import Leg, State
from harness.analysis.lines import Chain
from harness.analysis.matrix import Cell, DefectRow, LayerRow, Matrix, Showing, Table
from harness.analysis.news import News
from harness.analysis.pins import Pin
from harness.installed import SUITE
from harness.patterns import few

NOT_COMPARABLE = "not comparable"
SURROUNDINGS = ("platform", SUITE)
"""Components that seldom are what a matrix is about."""
NAMED = 6
"""Most names that a line lists."""


@dataclass(frozen=True)
class View:
    """A matrix, the pins for the `layers` that were asked for, and what is new.

    `model` is the file that the layers are of, '' for patterns; `strangers` are its layers that are not of Keras.
    """

    matrix: Matrix
    layers: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    news: News | None = None
    model: str = ""
    strangers: tuple[str, ...] = ()


def cell(what: Cell) -> str:
    """`not run`, `behind a failure`, `faithful 30`, or with the number of bad cases `refused 3/40`."""
    if not what.state.is_known:
        return what.state.value
    known = what.good + what.bad
    return f"{what.worst} {f'{what.bad:,}/' if what.bad else ''}{known:,}"


def meaning(what: Cell) -> str:
    """The counts of a cell in words."""
    counts = {"good": what.good, "bad": what.bad, "behind a failure": what.blocked}
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or State.NOT_RUN.value


def showing(what: Showing) -> str:
    """`not run`, `behind a failure`, `0`, or the number of cases that show the defect."""
    return what.state.value if not what.state.is_known else f"{what.shows:,}"


def showing_meaning(what: Showing) -> str:
    """The counts of a defect in one leg in words."""
    counts = {"show it": what.shows, "do not": what.gone, "end in another way": what.otherwise}
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or State.NOT_RUN.value


def columns(table: Table) -> tuple[Leg, ...]:
    """The legs that walked the chain, by the versions that concern it; they are sorted by all versions."""
    return table.chain.walked


def since(row: LayerRow) -> list[str]:
    """What became of a layer along each line; where none tells, what it goes with."""
    return ([each.words for each in row.along] or [NOT_COMPARABLE]) + _goes_with(row)


def since_defect(row: DefectRow) -> list[str]:
    """What became of a defect along each line on which it shows; where none tells, what it goes with."""
    lines = [each for each in row.along if each.course.first_bad is not None] or row.along
    return ([each.words_of_defect for each in lines] or [NOT_COMPARABLE]) + _goes_with(row)


def _goes_with(row: LayerRow | DefectRow) -> list[str]:
    return [suspects.words(row.suspects)] if row.suspects else []


def firsts(row: DefectRow) -> tuple[list[str], list[str]]:
    """First bad and first good release along each line, with the component."""
    known = [each for each in row.along if each.course.first_bad is not None]
    bad = [f"{each.line.component} {each.course.first_bad_words}" for each in known]
    good = [f"{each.line.component} {each.course.first_good_words}" for each in known]
    return bad + _goes_with(row), good


def compared(view: View) -> list[DefectRow]:
    """The findings that have a first bad release."""
    return [row for row in view.matrix.findings if firsts(row)[0]]


def versions(leg: Leg, names: tuple[str, ...]) -> str:
    """`torch 2.15.0, onnx2torch 1.5.15`."""
    return ", ".join(f"{name} {leg.version(name)}" for name in names)


def heading(table: Table) -> str:
    """The chain, and what is compared along it."""
    lines = [f"{line.component} {', '.join(v for v, _ in line.points)}" for line in table.chain.lines]
    return f"{table.chain.name}: {'; '.join(lines) if lines else NOT_COMPARABLE}"


def shown(view: View) -> list[Table]:
    """The chains on which something changes, or something cannot be compared; `closing` counts the others."""
    return [table for table in view.matrix.tables if table.changing or table.chain.apart or not table.chain.lines]


def counts(table: Table) -> str:
    """How many layers change, and what the others do."""
    good, bad, unknown = (table.count(state) for state in (State.GOOD, State.BAD, State.NOT_RUN))
    parts = [f"{len(table.changing):,} of {len(table.rows):,} layers change"]
    parts += [f"{good:,} work wherever they were run"] * bool(good)
    parts += [f"{bad:,} are broken and do not change"] * bool(bad)
    parts += [f"of {unknown:,} nothing is known"] * bool(unknown)
    return "; ".join(parts)


def remarks(table: Table) -> Iterator[str]:
    """What was not run, what cannot be compared, and cases that only some legs have."""
    chain = table.chain
    if unrun := [leg.name for leg in chain.legs if leg not in chain.walked]:
        yield f"not run by {few(unrun, NAMED)}"
    yield from _apart(chain)
    if table.partly:
        yield f"{table.partly:,} {'case' if table.partly == 1 else 'cases'} only some of these legs have"


def _apart(chain: Chain) -> Iterator[str]:
    if not chain.apart:
        return
    for name, pair in chain.alone:
        other = next(each for each in pair.legs if each != name)
        yield (
            f"{name} is not comparable with any other leg; it differs least from {other}: "
            f"{' and '.join(pair.components)}"
        )
    first = chain.apart[0]
    pairs = f"{len(chain.apart):,} {'pair' if len(chain.apart) == 1 else 'pairs'} of legs"
    yield (
        f"{pairs} not comparable with each other, such as {' and '.join(first.legs)}, which differ in "
        f"{' and '.join(first.components)}"
    )


def closing(view: View) -> Iterator[str]:
    """Remarks on the matrix as a whole."""
    matrix = view.matrix
    changing = {table.chain.name for table in shown(view)}
    if calm := [table.chain.name for table in matrix.tables if table.chain.name not in changing]:
        yield f"nothing changes on {len(calm):,} {'chain' if len(calm) == 1 else 'chains'}: {few(calm, NAMED)}"
    if matrix.single:
        by_leg: dict[str, list[str]] = {}
        for chain in matrix.single:
            by_leg.setdefault(chain.walked[0].name, []).append(chain.name)
        for name, chains in by_leg.items():
            count = f"{len(chains):,} {'chain' if len(chains) == 1 else 'chains'}"
            yield f"{count} walked by {name} only: {few(chains, NAMED)}"
    pairs = [set(pair.components) for table in matrix.tables for pair in table.chain.apart]
    for name in SURROUNDINGS:
        if pairs and all(name in pair for pair in pairs):
            yield f"all pairs that are not comparable differ in {name}; --across {name} makes this difference not count"
    if matrix.across:
        yield f"differences that do not count: {', '.join(matrix.across)}"


def asked(view: View) -> str:
    """What the pins are for."""
    count = f"{len(view.layers)} {'layer' if len(view.layers) == 1 else 'layers'}"
    what = f"the {count} of {view.model}" if view.model else count
    return f"What should I pin? For {what}: {few(view.layers, 12)}"


def pin_lines(pin: Pin) -> Iterator[str]:
    """The answer for one route, a line each: the newest good legs and pairs, or the nearest leg and what it lacks."""
    for leg in pin.newest:
        yield f"{pin.chain}: {leg.name} is the newest that is all good ({versions(leg, pin.components)})"
    for (first, one), (second, other) in pin.pairs:
        yield f"{pin.chain}: newest good pair: {first} {one} with {second} {other}"
    if pin.newest:
        return
    ran = sum(not fit.missing for fit in pin.fits)
    if (nearest := pin.nearest) is None:
        lacking = min((fit.missing for fit in pin.fits), key=len)
        yield f"{pin.chain}: no leg ran all of these layers; not run at least: {few(lacking, 12)}"
        return
    bad = [f"{name} {_lack(what)}" for name, what in nearest.bad]
    yield (
        f"{pin.chain}: no leg is all good, of {ran:,} that ran these layers; nearest is "
        f"{nearest.leg.name}, where {nearest.cases:,} cases do not pass: {few(bad, 12)}"
    )


def _lack(what: Cell) -> str:
    """The counts of `cell`: `11/92`, `11/92 and 4 behind a failure`."""
    parts = [f"{what.bad:,}/{what.good + what.bad:,}"] * bool(what.good + what.bad)
    parts += [f"{what.blocked:,} {State.BLOCKED}"] * bool(what.blocked)
    return " and ".join(parts)
