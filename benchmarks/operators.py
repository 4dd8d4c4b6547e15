"""Which operators and attribute values of ONNX does the corpus reach, and which code of the converters?

    python -m benchmarks.operators -o docs/operators.md [--before FOLDER]

Converts every golden Keras case to ONNX by tf2onnx, and on by onnx2torch and onnx2pytorch. That takes an hour of one
core; what is converted stays in `reports/operators`, and a second run goes on from there. Compares what the files have
with what tf2onnx's source can write, and which functions were entered. FOLDER is the `golden` folder of an earlier
commit, to count what has come since.

`benchmarks/operators.toml` says why a pair never occurs and why a handler is never entered. Exit status 1 if a reason
is missing, or if one speaks of nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks import handlers
from benchmarks.conversions import WATCHED, package
from benchmarks.entered import Function, functions
from benchmarks.operator_reasons import Reasons, load_reasons
from benchmarks.operator_values import KINDS, STRINGS, Fact, classed, facts, kind_of, load, possible_places, types
from harness.corpus.store import Entry, Store
from harness.files import atomic_write
from harness.run.session import home, ranked

BATCH = 300
"""Cases for one process: frameworks keep what they compiled."""


@dataclass(frozen=True)
class Record:
    """What each converter said to a case, '' where it converted, and the lines that the case entered first, by file."""

    said: Mapping[str, str]
    entered: Mapping[str, list[int]]


def convert(name: str, cases: Sequence[str], folder: Path) -> None:
    """Convert the cases that no earlier run has converted. A case at which the process ends is left out."""
    rest = [case for case in cases if case not in recorded(name, folder)]
    while rest:
        print(f"{name}: {len(rest)} cases to convert", flush=True)
        program = [sys.executable, "-m", "benchmarks.conversions", name, str(folder)]
        child = subprocess.run(program, input="\n".join(rest[:BATCH]), text=True, capture_output=True, check=False)
        left = [case for case in rest if case not in recorded(name, folder)]
        if child.returncode:
            print(f"{left[0]} ended the process:\n{child.stderr[-500:]}", flush=True)
            left = left[1:]
        rest = left


def recorded(name: str, folder: Path) -> dict[str, Record]:
    """The cases that were converted, in order."""
    path = folder / f"{name}.ndjson"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {one["case"]: Record(one["said"], one["entered"]) for one in map(json.loads, lines)}


@dataclass(frozen=True)
class Corpus:
    """What one set of cases reaches."""

    cases: frozenset[str]
    folder: Path

    @cached_property
    def facts(self) -> Counter[Fact]:
        """Each fact, with the number of cases whose ONNX file has it."""
        counts: Counter[Fact] = Counter()
        for path in self.files:
            counts.update(set(facts(load(path))))
        return counts

    @cached_property
    def types(self) -> dict[str, list[str]]:
        """Types of the first inputs of each operator."""
        pairs = {pair for path in self.files for pair in types(load(path))}
        return {operator: sorted(kind for one, kind in pairs if one == operator) for operator, _ in pairs}

    @property
    def files(self) -> Iterator[Path]:
        """The ONNX files, of the cases that tf2onnx converts."""
        paths = (self.folder / "onnx" / f"{case}.onnx" for case in sorted(self.cases))
        return (path for path in paths if path.exists())

    def entered(self, name: str) -> dict[str, set[int]]:
        """The lines that these cases entered, by file."""
        lines: dict[str, set[int]] = {}
        for case, record in recorded(name, self.folder).items():
            for file, some in record.entered.items() if case in self.cases else ():
                lines.setdefault(file, set()).update(some)
        return lines

    @property
    def converted(self) -> dict[str, int]:
        """Number of cases that each converter converts."""
        records = [recorded(name, self.folder) for name in WATCHED]
        said = [one.said for some in records for case, one in some.items() if case in self.cases]
        return {hop: sum(one.get(hop) == "" for one in said) for names in WATCHED.values() for hop in names}


def possible(writes: Iterable[handlers.Write], seen: Iterable[Fact]) -> dict[Fact, set[str]]:
    """The facts that tf2onnx can write, by its source or because it did, each with the functions that write it."""
    can: dict[Fact, set[str]] = {fact: set() for fact in seen}
    for write in writes:
        for fact in (Fact(write.operator, "", ""), *possible_places(write.operator), *_values(write)):
            can.setdefault(fact, set()).add(write.function)
    return can


def _values(write: handlers.Write) -> Iterator[Fact]:
    operator, attribute, value, _ = write
    if not attribute:
        return
    if value is not handlers.COMPUTED:
        yield Fact(operator, attribute, classed(operator, attribute, value))
    elif (operator, attribute) in STRINGS:
        yield from (Fact(operator, attribute, one) for one in STRINGS[operator, attribute].split())
    else:
        yield from (Fact(operator, attribute, one) for one in KINDS[kind_of(attribute)])


def is_entered(function: Function, entered: Mapping[str, set[int]]) -> bool:
    """Whether the function was called."""
    return function.first in entered.get(function.file, ())


@dataclass(frozen=True)
class Findings:
    """What the page tells."""

    now: Corpus
    before: Corpus | None
    total: int
    """Number of Keras cases, converted so far or not."""
    source: handlers.Source
    reasons: Reasons

    @cached_property
    def possible(self) -> dict[Fact, set[str]]:
        return possible(self.source.writes, self.now.facts)

    @cached_property
    def never(self) -> dict[Fact, str]:
        """Pairs that never occur, each with its reason; '' where none is known."""
        idle = {f"{one.file} {one.name}" for one in self.idle}
        return {
            fact: self.reasons.of_pair(fact, self.possible[fact], idle)
            for fact in sorted(self.possible)
            if fact not in self.now.facts
        }

    @cached_property
    def idle(self) -> dict[handlers.Handler, str]:
        """Handlers that are never entered, each with its reason; '' where none is known."""
        entered = self.now.entered("keras")
        return {
            one: self.reasons.of_handler(one)
            for one in self.source.handlers
            if one.first not in entered.get(f"tf2onnx/{one.file}", ())
        }

    @property
    def unexplained(self) -> list[str]:
        """What has no reason, and reasons that speak of nothing."""
        pairs = [" | ".join(fact) for fact, reason in self.never.items() if not reason]
        names = [f"{one.file} {one.name}" for one, reason in self.idle.items() if not reason]
        return [*pairs, *names, *(f"nothing fits {text!r}" for text in self.reasons.unused)]

    def pairs(self, corpus: Corpus) -> int:
        """Pairs of an operator and a value that the corpus has."""
        return sum(1 for fact in corpus.facts if fact.attribute)


def main(arguments: argparse.Namespace) -> int:
    """Convert, compare and write the page. Returns the exit code."""
    from benchmarks.operator_page import page

    entries = keras_entries(home() / "golden")
    folder: Path = arguments.cache
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    for name in () if arguments.as_is else WATCHED:
        convert(name, entries, folder)
    done = frozenset(recorded("keras", folder))
    before = frozenset(keras_entries(arguments.before)) & done if arguments.before else None
    findings = Findings(
        Corpus(frozenset(entries) & done, folder),
        None if before is None else Corpus(before, folder),
        len(entries),
        handlers.read(package("tf2onnx")),
        load_reasons(Path(__file__).with_name("operators.toml")),
    )
    text = page(findings)
    if arguments.output:
        atomic_write(arguments.output, text.encode())
    print("\n".join(findings.unexplained) or "every pair that never occurs has its reason")
    return 1 if findings.unexplained else 0


def keras_entries(golden: Path) -> list[str]:
    """Ids of the Keras cases; those with the most axis values that no case before them has come first."""
    entries: list[Entry] = [entry for entry in Store(golden).entries() if entry.dialect == "keras"]
    ranks = ranked(entries)
    return sorted((entry.id for entry in entries), key=lambda case: (ranks[case], case))


def accepted() -> dict[str, set[str]]:
    """The operators that each importer has code for, read from its source."""
    torch_files = (package("onnx2torch") / "node_converters").glob("*.py")
    table = (package("onnx2pytorch") / "convert" / "operations.py").read_text(encoding="utf-8")
    sources = "\n".join(file.read_text(encoding="utf-8") for file in torch_files)
    return {
        "onnx2torch": set(re.findall(r"operation_type='(\w+)'", sources)),
        "onnx2pytorch": set(re.findall(r'node\.op_type == "(\w+)"', table)),
    }


def importers() -> dict[str, list[Function]]:
    """The functions of the converters of onnx2torch and onnx2pytorch."""
    return {
        "onnx2torch": functions(package("onnx2torch"), ("node_converters",)),
        "onnx2pytorch": functions(package("onnx2pytorch"), ("operations", "convert")),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("reports", "operators"))
    parser.add_argument("--as-is", action="store_true", help="convert nothing: judge by what is converted already")
    sys.exit(main(parser.parse_args()))
