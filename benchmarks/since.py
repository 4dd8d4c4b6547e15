"""Since which release is each finding there, and which release ends it?

    python -m benchmarks.since [FINDING...] [--package NAME] [-o docs/since.md]

Bisects the smallest case of each finding over the releases of the package at fault, as `parity bisect` does:
`benchmarks/since.toml` lists the releases, and the findings that turn with another package. What was searched stays in
`docs/since.json`, and is searched again only if it is named. FINDING is a glob pattern. The page is made of that file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from textwrap import shorten
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from harness.bisection.script import Script
from harness.bisection.trials import BisectError, Trials, installed
from harness.bisection.uv import Uv
from harness.errors import InputError
from harness.files import atomic_write
from harness.judge.findings import Finding
from harness.patterns import fits
from harness.reproducer.running import Answer
from harness.run.session import Session

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "docs" / "since.json"
HEAD = """# Since when

The first release with each finding, what the release before it does, and the first release without it. Made by
`python -m benchmarks.since` of `since.json`; do not edit. It runs the smallest case of each finding in throw-away
environments with other releases of the package, as `parity bisect` does. Other packages keep the versions of the lock
where these fit.
"""
Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The releases to try of each package, the oldest first; which findings turn with another package; and what the
    scripts of some need besides what they name."""

    releases: Mapping[str, Sequence[str]]
    beside: Sequence[Mapping[str, Any]] = ()
    needed: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def read(cls, path: Path) -> Plan:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(data["releases"], data.get("beside", ()), data.get("with", ()))

    def packages(self, finding: Finding) -> tuple[str, ...]:
        """The packages of which releases are tried: the one at fault, then others."""
        own = canonicalize_name(Requirement(finding.versions[0]).name)
        others = [each["package"] for each in self.beside if fits(finding.id, each["findings"])]
        return tuple(dict.fromkeys(name for name in (own, *others) if name in self.releases))

    def limits(self, finding: Finding) -> tuple[str, ...]:
        """Requirements of the environments beside those of the script."""
        return tuple(each for entry in self.needed if fits(finding.id, entry["findings"]) for each in entry["needs"])


def search(trials: Trials, here: str, listed: Sequence[str]) -> Row:
    """What came of it for a deviation that is there in the installed release `here`: the first release with it, and
    the first without.

    The listed releases are searched first, then all between the two that differ. A release that fails in another way
    counts as one without, and the row says so.
    """
    begun = time.monotonic()
    if trials.release(here).answer is not Answer.FAILED:
        raise BisectError("the installed release does not deviate", where=here, came=trials.tried[-1].line)
    older = [each for each in listed if Version(each) < Version(here)]
    newer = [each for each in listed if Version(each) > Version(here)]
    row: Row = {"package": trials.package, "installed": here, "newest": [here, *newer][-1]}
    before, first = turn(older, lambda each: trials.release(each).answer is Answer.FAILED, here)
    if before:
        before, first = turn(
            [before, *trials.uv.releases(trials.package, above=before, below=first)],
            lambda each: trials.release(each).answer is Answer.FAILED, first,
        )  # fmt: skip
        last = trials.release(before)
        row["before"] = {"release": last.name, "answer": last.word, "line": last.line}
    row["first_bad"] = first
    if newer and trials.release(newer[-1]).answer is Answer.FIXED:
        between = trials.uv.releases(trials.package, above=here, below=newer[-1])
        row["first_good"] = turn([here, *between], lambda each: trials.release(each).answer is Answer.FIXED, newer[-1])[
            1
        ]
    row["seconds"] = round(time.monotonic() - begun, 1)
    return {**row, "trials": len(trials.tried)}


def turn(names: Sequence[str], is_after: Callable[[str], bool], end: str) -> tuple[str, str]:
    """The last name that is not `is_after`, or '', and the first one behind it, which may be the `end`.

    One is expected to be, from which on all are. The first name is tried first, then the names are halved.
    """
    if not names or is_after(names[0]):
        return "", [*names, end][0]
    low, high = 0, len(names)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_after(names[middle]) else (middle, high)
    return names[low], [*names, end][high]


def page(rows: Iterable[Row]) -> str:
    """The table of all findings that were searched, those of which a release is known first."""
    rows = sorted(rows, key=lambda row: (kind(row), row["package"], row["finding"]))
    counts = Counter(map(kind, rows))
    lines = [
        HEAD,
        f"{counts[Kind.NAMED]} searches name the first bad release behind a good one, or the first good one; in "
        f"{counts[Kind.OTHERWISE]} the release\nbefore fails in another way, which may hide it; in {counts[Kind.ALL]} "
        f"all releases from the oldest one tried on are bad; {counts[Kind.NONE]} could not be made.\n",
        "| finding | package | first bad | the release before | first good | trials | seconds |",
        "|--|--|--|--|--|--:|--:|",
    ]
    return "\n".join([*lines, *("| " + " | ".join(_cells(row)) + " |" for row in rows)]) + "\n"


class Kind(IntEnum):
    """What is known of a finding: a release before it that is good, one that fails in another way, or neither."""

    NAMED = 0
    OTHERWISE = 1
    ALL = 2
    NONE = 3


def kind(row: Row) -> Kind:
    """What a row tells."""
    if "problem" in row:
        return Kind.NONE
    if row.get("first_good"):
        return Kind.NAMED
    before = row.get("before")
    return Kind.ALL if before is None else Kind.NAMED if before["answer"] == "good" else Kind.OTHERWISE


def _cells(row: Row) -> list[str]:
    finding = f"[{row['finding']}](findings.md#{row['finding']})"
    if "problem" in row:
        return [finding, row["package"], "not searched: " + _escaped(row["problem"]), *[""] * 4]
    first, told = row["first_bad"], ""
    if before := row.get("before"):
        told = f"{before['release']} is good"
        if before["answer"] != "good":
            told = f"{before['release']} fails otherwise: {_escaped(before['line'])}"
    else:
        first += ", the oldest one tried"
    good = row.get("first_good") or f"none up to {row['newest']}"
    return [finding, row["package"], first, told, good, str(row["trials"]), f"{row['seconds']:.0f}"]


def _escaped(line: str) -> str:
    return shorten(line, 90, placeholder=" ...").replace("|", "\\|")


def run(session: Session, plan: Plan, finding: Finding, package: str, folder: Path) -> Row:
    """The row of a finding: of its first expectation of which a script can be written that uses the package."""
    problem = "no expectation applies here"
    for item in finding.expectations:
        place = Path(tempfile.mkdtemp(dir=folder))
        try:
            script = Script.of_known(session, item.id, place / "reproducer")
            where = folder / "-".join(sorted(script.packages))  # one environment for all scripts that need the same
            where.mkdir(exist_ok=True)
            here = installed()
            tell = lambda line: print("   ", line, flush=True)  # noqa: E731
            limits = plan.limits(finding)
            trials = Trials(
                Uv.here(where), script.folder, package, script.packages, where, here, limits=limits, tell=tell
            )
            if not script.deviates:
                problem = "its smallest case agrees here"
                continue
            return {"expectation": item.id, **search(trials, Version(here[package]).public, plan.releases[package])}
        except InputError as error:
            problem = str(error)
    return {"package": package, "problem": problem[:200]}


def main() -> None:
    """Search what was not searched, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("finding", nargs="*", help="Search these findings, also those searched earlier.")
    parser.add_argument("--package", action="append", help="Search releases of this package only (repeatable).")
    parser.add_argument("-o", "--out", type=Path, default=DATA.with_suffix(".md"))
    options = parser.parse_args()
    plan = Plan.read(Path(__file__).with_suffix(".toml"))
    known = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else []
    rows = {(row["finding"], row["package"]): row for row in known}
    with Session() as session, tempfile.TemporaryDirectory(prefix="parity-since-") as folder:
        for finding in session.findings.findings:
            for package in plan.packages(finding):
                if options.package and package not in options.package:
                    continue
                key = finding.id, package
                if key in rows if not options.finding else not fits(finding.id, options.finding):
                    continue
                print(*key, flush=True)
                rows[key] = {"finding": finding.id, **run(session, plan, finding, package, Path(folder))}
                atomic_write(DATA, json.dumps(list(rows.values()), indent=1).encode() + b"\n")
    atomic_write(options.out, page(rows.values()).encode())


if __name__ == "__main__":
    main()
