"""Writes and reads a results file.

`results.ndjson` has one JSON object per line: a header, the cases that the run owes, a result for each case and route,
written as soon as it is known, and a footer. A file without a footer is a cut run. Lines are checked against the
published schema on writing and on reading.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TextIO, TypeVar

from harness.files import CannotWriteError, claimed, writing
from harness.outcomes import Outcome
from harness.results.events import (
    SCHEMA,
    Answer,
    CutRun,
    EmptyResults,
    Footer,
    ForeignResults,
    Header,
    InconsistentResults,
    Judgement,
    Owed,
    Result,
    ResultsError,
    check_line,
    utc_now,
)
from harness.results.evidence import Allowance
from harness.results.load import load

K = TypeVar("K")


class Writer:
    """Writes a results file line by line. Each line is flushed, so that a killed run leaves its results.

    As a context manager, it writes the footer on leaving. After an exception, or `abandon`, it writes none, and the
    file reads as a cut run. Without `with`, call `open`, then `close` or `abandon`.
    """

    def __init__(self, path: Path, header: Header, owed: Iterable[Owed] = (), *, cut: Results | None = None) -> None:
        self.path = Path(path)
        self.cut = cut
        self.header = header
        self.owed = tuple(owed)
        self._file: TextIO | None = None
        self._begun = 0.0
        self._keys: set[tuple[str, str]] = set()
        self._outcomes: Counter[str] = Counter()
        self._judgements: Counter[str] = Counter()
        self._load = 0.0
        self._allowance = Allowance()

    def open(self) -> Self:
        """Begin the file with its header and what the run owes; an existing file is replaced. Or go on behind the
        results of the run that was `cut`, which `harness.results.resumed` has found to be the same run.

        Raises CannotWriteError, also if another process is writing the file.
        """
        if self.cut is not None:
            return self._resume(self.cut)
        with writing(self.path):
            self._file = _claimed(self.path, "a")
            if self.path.is_file():  # and not a device
                self._file.truncate(0)
        self._begun = time.monotonic()
        self._write(self.header.to_json())
        for owed in self.owed:
            self._write(owed.to_json())
        return self

    def _resume(self, cut: Results) -> Self:
        """A torn last line goes."""
        with writing(self.path):
            self._file = _claimed(self.path, "a")
            text = self.path.read_bytes()
            self._file.truncate(text.rfind(b"\n") + 1)
            earlier = max(self.path.stat().st_mtime - datetime.fromisoformat(cut.header.started).timestamp(), 0.0)
        self._begun = time.monotonic() - earlier
        for result in cut.results:
            for stage in result.stages:
                if stage.evidence is not None:
                    self._allowance.admit(stage.evidence, expected=result.judgement is Judgement.EXPECTED)
            self._count(result)
        return self

    def add(self, result: Result) -> None:
        """Append one result. Raises InconsistentResults if its case and route are already written; CannotWriteError
        where the disk is full."""
        if result.key in self._keys:
            raise InconsistentResults(
                f"case {result.case} on route {result.route} is written twice",
                where=self.path,
                expected="each pair once",
            )
        self._write(self._with_less_evidence(result).to_json())
        self._count(result)

    def _count(self, result: Result) -> None:
        self._keys.add(result.key)
        self._outcomes[result.outcome.value] += 1
        self._judgements[result.judgement.value] += 1
        self._load = max(self._load, load())

    def _with_less_evidence(self, result: Result) -> Result:
        """The result with as much evidence as the file may still take."""
        if all(stage.evidence is None for stage in result.stages):
            return result
        expected = result.judgement is Judgement.EXPECTED
        stages = (
            stage
            if stage.evidence is None
            else replace(stage, evidence=self._allowance.admit(stage.evidence, expected=expected))
            for stage in result.stages
        )
        return replace(result, stages=tuple(stages))

    def close(self, seconds: float | None = None) -> None:
        """Write the footer and close the file of a complete run, which took `seconds` (None: since it was opened)."""
        footer = Footer(
            finished=utc_now(),
            seconds=round(time.monotonic() - self._begun if seconds is None else seconds, 3),
            results=len(self._keys),
            outcomes=_ordered(self._outcomes, Outcome),
            judgements=_ordered(self._judgements, Judgement),
            load=max(self._load, load()),
        )
        self._write(footer.to_json())
        self.abandon()

    def abandon(self) -> None:
        """Close the file without a footer, as that of a cut run."""
        if self._file is not None:
            with suppress(OSError):  # a full disk has said so before
                self._file.close()
        self._file = None

    def _write(self, data: Mapping[str, Any]) -> None:
        if self._file is None:
            raise ResultsError(
                "not open", where=self.path, advice="Use the writer in a `with` statement, or call open()."
            )
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
        fault = check_line(data)
        if fault:
            raise ForeignResults(f"refused to write a line that the schema forbids: {fault}", where=self.path)
        with writing(self.path):
            self._file.write(text + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._file is not None:
            self.close()
        else:
            self.abandon()


def check_free(path: Path) -> None:
    """Raise CannotWriteError if another process is writing this results file."""
    if path.is_file():
        with writing(path):
            _claimed(path, "r+").close()


def is_running(path: Path) -> bool:
    """Whether another process is writing this results file."""
    with suppress(OSError), path.open("rb") as file:
        return not claimed(file)
    return False


def _claimed(path: Path, mode: str) -> TextIO:
    """The opened file, claimed. Raises CannotWriteError if somebody else has claimed it."""
    file: TextIO = path.open(mode, encoding="utf-8", newline="\n")  # type: ignore[assignment]
    if not claimed(file):
        file.close()
        raise CannotWriteError(
            f"another run is writing this file: {_command_of(path)}",
            where=path,
            advice="Wait for its end, or name another file by `--results OTHER`.",
        )
    return file


def _command_of(path: Path) -> str:
    """What writes a file that has no end yet."""
    with suppress(OSError, ValueError, KeyError), path.open(encoding="utf-8") as file:
        header = Header.from_json(json.loads(file.readline()))
        return f"`{' '.join(header.command)}`, begun at {header.started}"
    return "it has just begun"


def _ordered(counts: Mapping[str, int], kinds: type[StrEnum]) -> dict[str, int]:
    """Counts that are not zero, in the order of the enumeration."""
    return {kind.value: counts[kind.value] for kind in kinds if counts.get(kind.value)}


@dataclass(frozen=True)
class Cell:
    """A group of results, such as those of one layer on one route."""

    results: tuple[Result, ...]

    @property
    def worst(self) -> Outcome:
        return Outcome.worst(result.outcome for result in self.results)

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of results by outcome, best first, zeros left out."""
        return _ordered(Counter(result.outcome.value for result in self.results), Outcome)

    @property
    def judgements(self) -> dict[str, int]:
        """Number of results by judgement, zeros left out."""
        return _ordered(Counter(result.judgement.value for result in self.results), Judgement)

    @property
    def units(self) -> float | None:
        """Largest error of any result, in noise units."""
        return max((result.units for result in self.results if result.units is not None), default=None)


@dataclass(frozen=True)
class Results:
    """A checked results file. It answers the questions of report, gate and diff."""

    header: Header
    results: tuple[Result, ...]
    footer: Footer | None = None
    owed: tuple[Owed, ...] = ()

    @classmethod
    def load(cls, path: Path, *, cut_ok: bool = False) -> Results:
        """Read and check a file. `cut_ok` admits a file without a footer; its `cut` is true.

        Raises EmptyResults, CutRun, ForeignResults or InconsistentResults.
        """
        return _Reader(Path(path)).read(cut_ok=cut_ok)

    @property
    def cut(self) -> bool:
        """Whether the file has no footer, because the run was stopped before its end."""
        return self.footer is None

    @cached_property
    def outcomes(self) -> dict[str, int]:
        """Number of results by outcome, best first, zeros left out."""
        return Cell(self.results).outcomes

    @cached_property
    def judgements(self) -> dict[str, int]:
        """Number of results by judgement, zeros left out."""
        return Cell(self.results).judgements

    @cached_property
    def routes(self) -> dict[str, Cell]:
        """Results by route, in the header's order of routes, without routes that have no result."""
        order = {route.name: place for place, route in enumerate(self.header.routes)}
        groups = _grouped(self.results, lambda result: result.route)
        return {name: groups[name] for name in sorted(groups, key=lambda name: (order.get(name, len(order)), name))}

    @cached_property
    def layers(self) -> dict[tuple[str, str], Cell]:
        """Results by dialect and layer, in alphabetical order."""
        groups = _grouped(self.results, lambda result: (result.dialect, result.layer))
        return {key: groups[key] for key in sorted(groups)}

    @cached_property
    def matrix(self) -> dict[tuple[str, str], dict[str, Cell]]:
        """Results by dialect and layer, then by route."""
        return {key: _grouped(cell.results, lambda result: result.route) for key, cell in self.layers.items()}

    @cached_property
    def failures(self) -> tuple[Result, ...]:
        """Results that fail the run: unexpected deviations, and expected deviations that no longer happen."""
        return tuple(result for result in self.results if result.judgement is Judgement.FAILED)

    @cached_property
    def expected(self) -> tuple[Result, ...]:
        """Deviations that an expectation foresees."""
        return tuple(result for result in self.results if result.judgement is Judgement.EXPECTED)

    @cached_property
    def answers(self) -> dict[str, int]:
        """Number of results by their answer to the record, and of those that are lost; zeros left out."""
        counts = Counter(result.answer.value for result in self.results)
        return _ordered(counts + Counter({Answer.LOST.value: len(self.lost)}), Answer)

    @cached_property
    def owed_pairs(self) -> frozenset[tuple[str, str]]:
        """Case and route of each result that the run owes."""
        return frozenset(key for owed in self.owed for key in owed.keys)

    @cached_property
    def lost(self) -> tuple[tuple[str, str], ...]:
        """Case and route of each result that the run owes and that did not come."""
        return tuple(sorted(self.owed_pairs - {result.key for result in self.results}))

    @property
    def share_that_came(self) -> str:
        """How many of the owed results came, such as `153 of 21,458`; of a run that owes none, how many there are."""
        owed = len(self.owed_pairs)
        return f"{owed - len(self.lost):,} of {owed:,}" if owed else _many(len(self.results), "results")

    @property
    def below_floor(self) -> bool:
        """Whether the run wrote fewer results than it owes, or none."""
        return len(self.results) < max(self.header.floor, 1)

    @property
    def passed(self) -> bool:
        """Whether the run is complete, reached its floor, lost nothing, and has no failure."""
        return not (self.cut or self.below_floor or self.lost or self.failures)

    @property
    def exit_code(self) -> int:
        """0 if the run passed, else 1."""
        return 0 if self.passed else 1

    @property
    def _over(self) -> str:
        cases = len({result.case for result in self.results})
        counted = f"{_many(len(self.results), 'results')} of {_many(cases, 'cases')}"
        return f"{counted} along {_many(len(self.routes), 'routes')}"

    @property
    def sentence_of_what_came(self) -> str:
        """How far a run without an end got."""
        owed = f"{self.share_that_came} owed results came:" if self.owed else "It got to"
        return f"{owed} {self._over}; {len(self.failures)} failed."

    @property
    def sentence(self) -> str:
        """The end of the run in one sentence."""
        total, over = len(self.results), self._over
        if self.cut:
            return f"The run was cut: it has no end. {self.sentence_of_what_came}"
        if self.below_floor:
            return f"The run did too little: {over}, expected at least {_many(max(self.header.floor, 1), 'results')}."
        if self.lost:
            case, route = self.lost[0]
            return (
                f"{_many(len(self.lost), 'results')} of {_many(total + len(self.lost), 'owed results')} did not come: "
                f"case {case} on route {route} is the first. {len(self.failures)} failed."
            )
        known = _many(len(self.expected), "more deviate", "more deviates")
        if self.failures:
            return f"{len(self.failures):,} of {over} failed.{f' {known} as expected.' if self.expected else ''}"
        drifting = self.outcomes.get(Outcome.DRIFT, 0)
        drift = f" ({drifting:,} with drift)" if drifting else ""
        if self.expected:
            known = _many(len(self.expected), "deviate", "deviates")
            return f"Nothing unexpected: {total - len(self.expected):,} of {over} agree{drift}, {known} as expected."
        return f"Nothing that matters is wrong: {over} agree{drift}."


def _many(count: int, plural: str, singular: str | None = None) -> str:
    return f"{count:,} {plural if count != 1 else singular or plural.removesuffix('s')}"


def _grouped(results: Iterable[Result], key: Callable[[Result], K]) -> dict[K, Cell]:
    groups: dict[K, list[Result]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return {name: Cell(tuple(group)) for name, group in groups.items()}


class _Reader:
    """Reads one file line by line. Its errors name the line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Header | None = None
        self.footer: Footer | None = None
        self.owed: list[Owed] = []
        self.results: list[Result] = []
        self.lines: dict[tuple[str, str], int] = {}
        self.cases: dict[str, Result] = {}

    def read(self, *, cut_ok: bool) -> Results:
        try:
            text = self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise ForeignResults(
                f"there is no results file that can be read: {error.strerror}",
                where=self.path,
                advice="`pytest suites/` and `parity gate` make one.",
            ) from None
        except UnicodeDecodeError as error:
            raise self._foreign("not text", expected="UTF-8", came=str(error)) from None
        if not text.strip():
            raise EmptyResults(
                "the file is empty",
                where=self.path,
                expected="a header line",
                advice="The run died at once; repeat it.",
            )
        *whole, last = text.split("\n")
        for number, line in enumerate(whole, 1):
            self._line(number, line)
        torn = bool(last)
        if self.header is None:
            raise self._foreign("not a results file", 1, expected="a whole header line", came=last)
        if torn and self.footer is not None:
            raise self._foreign("a line too many", len(whole) + 1, expected="nothing after the footer", came=last)
        if self.footer is None and not cut_ok:
            raise CutRun(
                f"the run was cut after {len(self.results)} results, or still runs",
                where=self.path,
                expected=f"a footer after line {len(whole)}",
                came="a torn line" if torn else "the end of the file",
                advice="Repeat the run; a report of what there is can be made all the same.",
            )
        self._check_footer()
        return Results(self.header, tuple(self.results), self.footer, tuple(self.owed))

    def _line(self, number: int, line: str) -> None:
        data = self._parsed(number, line)
        event = data.get("event")
        if self.header is None:
            if event != "header":
                raise self._foreign("not a results file", number, expected="the header", came=line)
            if isinstance(data.get("schema"), int) and data["schema"] != SCHEMA:
                raise InconsistentResults(
                    "the file is of another version of the suite",
                    where=self._line_of(number),
                    expected=f"schema {SCHEMA}",
                    came=str(data["schema"]),
                    advice="Read it with that version, or repeat the run.",
                )
        elif event == "header":
            raise self._foreign("a second header", number, expected="a result or the footer", came=line)
        elif event == "owed" and self.results:
            raise self._foreign(
                "what the run owes stands too late", number, expected="a result or the footer", came=line
            )
        elif self.footer is not None:
            raise self._foreign("a line too many", number, expected="nothing after the footer", came=line)
        fault = check_line(data)
        if fault:
            raise self._foreign(fault, number, came=line)
        self._take(number, data)

    def _take(self, number: int, data: Mapping[str, Any]) -> None:
        if data["event"] == "header":
            self.header = Header.from_json(data)
        elif data["event"] == "footer":
            self.footer = Footer.from_json(data)
        elif data["event"] == "owed":
            self.owed.append(Owed.from_json(data))
        else:
            try:
                result = Result.from_json(data)
            except ValueError as error:
                raise self._inconsistent(str(error), number) from None
            first = self.lines.setdefault(result.key, number)
            if first != number:
                pair = f"case {result.case} on route {result.route}"
                raise self._inconsistent(f"{pair} is already on line {first}", number, expected="each pair once")
            self._same_case(number, result)
            self.results.append(result)

    def _same_case(self, number: int, result: Result) -> None:
        """Raise InconsistentResults if a case has another layer or configuration than on an earlier route."""
        first = self.cases.setdefault(result.case, result)
        if (first.dialect, first.layer, first.config) != (result.dialect, result.layer, result.config):
            raise self._inconsistent(
                f"case {result.case} has another dialect, layer or configuration than on line {self.lines[first.key]}",
                number,
                expected="the same on every route",
            )

    def _parsed(self, number: int, line: str) -> dict[str, Any]:
        try:
            data = json.loads(line, parse_constant=_refuse_constant)
        except ValueError as error:
            raise self._foreign(f"not JSON ({error})", number, expected="one line of strict JSON", came=line) from None
        if not isinstance(data, dict):
            raise self._foreign("not a results file", number, expected="a JSON object", came=line)
        return data

    def _line_of(self, number: int | None) -> str:
        return str(self.path) if number is None else f"{self.path}, line {number}"

    def _foreign(self, problem: str, number: int | None = None, *, came: str, expected: str = "") -> ForeignResults:
        advice = "Give the path of a results.ndjson that `parity run` or `pytest suites/ --results PATH` wrote."
        where = self._line_of(number)
        return ForeignResults(problem, where=where, expected=expected, came=f"{came[:80]!r}", advice=advice)

    def _inconsistent(self, problem: str, number: int | None = None, *, expected: str = "") -> InconsistentResults:
        advice = "The file was edited or two runs wrote to it; repeat the run."
        return InconsistentResults(problem, where=self._line_of(number), expected=expected, advice=advice)

    def _check_footer(self) -> None:
        if self.footer is None:
            return
        cell = Cell(tuple(self.results))
        counted = (len(self.results), cell.outcomes, cell.judgements)
        stated = (self.footer.results, dict(self.footer.outcomes), dict(self.footer.judgements))
        if counted != stated:
            raise self._inconsistent(
                f"the footer states {stated[0]} results {stated[1]} {stated[2]}, "
                f"the lines hold {counted[0]} {counted[1]} {counted[2]}"
            )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
