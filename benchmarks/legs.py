"""Which legs does the matrix need? Few that between them hold every pair of versions that meet in one process.

    python -m benchmarks.legs              the legs, and the pairs that they hold
    python -m benchmarks.legs --write      the same, written into tox.ini
    python -m benchmarks.legs --check LEG  whether this environment has what the name of a leg says

`benchmarks/legs.toml` has the versions of each component, which components meet in one process, and which versions
cannot be installed together. Components that never share a process meet by files alone, so that their pairs are left to
chance. The legs are a covering array.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from packaging.requirements import Requirement

from harness.files import atomic_write
from harness.installed import NOT_INSTALLED, STAND_INS, version_of
from harness.patterns import pointer

ROOT = Path(__file__).resolve().parent.parent
MOST = 12
"""Most legs of the default list."""
SEEDS, STEPS = 20, 150_000
"""Searches, and changes that each tries."""
HEAT, COOLING = 2.0, 0.99995
"""How readily a change for the worse is taken at first, in pairs, and how that shrinks with each change."""
PYTHON, SPECIAL = "py", ("oldest", "pre", "cuda", "tf32")
"""The component that is no distribution, and the factors that are of no component."""
BEGIN, END = "# legs: written by `python -m benchmarks.legs --write`", "# end of the legs"
Leg = dict[str, str]
Pair = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Components:
    """Versions of each component with what they install, newest first; the components that meet in one process; and
    the combinations that cannot be installed."""

    versions: Mapping[str, Mapping[str, list[str]]]
    together: tuple[frozenset[str], ...]
    apart: tuple[Mapping[str, list[str]], ...]

    @classmethod
    def read(cls, path: Path) -> Components:
        """Read `legs.toml`. Raises ValueError for a name that is no component or version."""
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        known = cls(
            data["components"],
            tuple(frozenset(each["components"]) for each in data["together"]),
            tuple(each["versions"] for each in data["apart"]),
        )
        for each in known.apart:
            for name, values in each.items():
                if unknown := set(values) - set(known.versions[name]):
                    raise ValueError(f"{path}: {name} has no version {', '.join(sorted(unknown))}")
        return known

    def allows(self, leg: Mapping[str, str]) -> bool:
        """Whether the versions of a leg, or of a part of one, can be installed together."""
        return not any(all(leg.get(name) in values for name, values in each.items()) for each in self.apart)

    def completed(self, part: Mapping[str, str], source: random.Random) -> Leg | None:
        """A random leg with these versions; None if there is none."""
        leg = dict(part)
        open_ones = [name for name in self.versions if name not in part]
        for name in source.sample(open_ones, len(open_ones)):
            fitting = [value for value in self.versions[name] if self.allows({**leg, name: value})]
            if not fitting:
                return None
            leg[name] = source.choice(fitting)
        return {name: leg[name] for name in self.versions}

    def pairs(self) -> set[Pair]:
        """Each version, and the pairs of versions that meet in one process and can be installed together."""
        source = random.Random("pairs")
        meeting = {frozenset(pair) for group in self.together for pair in combinations(sorted(group), 2)}
        wanted = {
            frozenset([(one, a), (other, b)])
            for one, other in map(sorted, meeting)
            for a in self.versions[one]
            for b in self.versions[other]
        }
        wanted |= {frozenset([(name, value)]) for name, values in self.versions.items() for value in values}
        return {
            pair for pair in sorted(wanted, key=sorted) if any(self.completed(dict(pair), source) for _ in range(50))
        }


def held(leg: Mapping[str, str]) -> set[Pair]:
    """All versions of a leg, and all pairs of them."""
    return {frozenset(some) for count in (1, 2) for some in combinations(leg.items(), count)}


def legs(known: Components, count: int = MOST) -> list[Leg]:
    """As many legs as were asked for, the first of the newest versions, which hold every pair that is wanted.

    Raises ValueError if the search finds none. It begins with random legs, and changes one version of one leg at a
    time: simulated annealing, as in M. B. Cohen et al., "Augmenting simulated annealing to build interaction test
    suites", ISSRE 2003.
    """
    wanted = known.pairs()
    for seed in range(SEEDS):
        found = _annealed(known, wanted, count, random.Random(seed))
        if found is not None:
            return [found[0], *sorted(found[1:], key=name_of, reverse=True)]
    raise ValueError(f"no {count} legs were found that hold all {len(wanted)} pairs")


def _annealed(known: Components, wanted: set[Pair], count: int, source: random.Random) -> list[Leg] | None:
    newest = {name: next(iter(values)) for name, values in known.versions.items()}
    found = [newest, *(known.completed({}, source) or newest for _ in range(count - 1))]
    uses = Counter(pair for leg in found for pair in held(leg) & wanted)
    missing, heat = len(wanted) - len(uses), HEAT
    for _ in range(STEPS):
        if not missing:
            return found
        heat *= COOLING
        place = source.randrange(1, count)
        name = source.choice(list(known.versions))
        leg = {**found[place], name: source.choice(list(known.versions[name]))}
        if not known.allows(leg):
            continue
        lost, won = held(found[place]) & wanted, held(leg) & wanted
        change = sum(uses[pair] == 1 for pair in lost - won) - sum(not uses[pair] for pair in won - lost)
        if change <= 0 or source.random() < math.exp(-change / heat):
            uses.subtract(lost)
            uses.update(won)
            found[place], missing = leg, missing + change
    return None


def name_of(leg: Mapping[str, str]) -> str:
    """The tox environment of a leg."""
    return "-".join(f"{name}{value}" for name, value in leg.items())


def block(known: Components, found: Iterable[Leg]) -> str:
    """The part of tox.ini with the list of environments."""
    return "\n".join([BEGIN, "env_list =", *(f"    {name_of(leg)}" for leg in found), END])


def requirements(known: Components) -> str:
    """The part of tox.ini with what each factor installs."""
    lines = [
        f"    {name}{version}{line}"
        for name, versions in known.versions.items()
        for version, texts in versions.items()
        for text in texts
        for line in _lines(text)
    ]
    return "\n".join([BEGIN, "deps =", *lines, END])


def _lines(requirement: str) -> list[str]:
    """The ends of the lines that install a requirement; on a GPU, what takes its place there."""
    name, equals, version = requirement.partition("==")
    on_gpu = [f"-cuda: {other}{equals}{version}" for other in STAND_INS.get(name, ())]
    return [f"-!cuda: {requirement}", *on_gpu] if on_gpu else [f": {requirement}"]


def written(text: str, parts: Iterable[str]) -> str:
    """tox.ini with these parts in the place of what stands between the marks, in their order. Raises ValueError if it
    has another number of them."""
    pieces = text.split(BEGIN)
    if len(pieces) != len(parts := list(parts)) + 1 or any(END not in piece for piece in pieces[1:]):
        raise ValueError(f"tox.ini has not the marks of {len(parts)} parts: {BEGIN!r} ... {END!r}")
    tails = [piece.split(END, 1)[1] for piece in pieces[1:]]
    return pieces[0] + "".join(part + tail for part, tail in zip(parts, tails, strict=True))


def contradictions(name: str, known: Components, python: str, version_of: Callable[[str], str]) -> list[str]:
    """What an environment has otherwise than its name says, a sentence each. `python` is its version, as `3.13`.

    tox takes any name of digits behind `py` for a Python, and runs the one that it is installed in if there is none.
    """
    wrong: list[str] = []
    factors = {component + version: component for component in known.versions for version in known.versions[component]}
    for factor in name.split("-"):
        component = factors.get(factor, "")
        if not component and factor not in SPECIAL:
            wrong.append(f"{factor!r} is no factor. {pointer(factor, [*factors, *SPECIAL])}".strip())
        elif component == PYTHON and factor != f"{PYTHON}{python.replace('.', '')}":
            wrong.append(f"{factor!r} has Python {python}")
        for text in known.versions[component][factor.removeprefix(component)] if component else ():
            wanted, came = Requirement(text), version_of(Requirement(text).name)
            if came == NOT_INSTALLED or not wanted.specifier.contains(came, prereleases=True):
                wrong.append(f"{factor!r} wants {wanted}, and has {came}")
    return wrong


def main() -> None:
    """Print the legs, write them, or check this environment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="Write the legs into tox.ini.")
    parser.add_argument("--json", action="store_true", help="Print their names as JSON, for a workflow.")
    parser.add_argument("--check", metavar="LEG", help="Exit with 2 if this environment has not what the name says.")
    options = parser.parse_args()
    known = Components.read(Path(__file__).with_suffix(".toml"))
    if options.check:
        if wrong := contradictions(options.check, known, ".".join(map(str, sys.version_info[:2])), version_of):
            parser.error(f"the environment is not {options.check}: {'; '.join(wrong)}")
        return
    found, wanted = legs(known), known.pairs()
    if options.json:
        print(json.dumps([name_of(leg) for leg in found]))
        return
    print(*map(name_of, found), sep="\n")
    pairs = sum(len(each) == 2 for each in wanted)
    print(f"{len(found)} legs hold every version, and all {pairs} pairs of versions that meet in one process")
    if options.write:
        path = ROOT / "tox.ini"
        text = written(path.read_text(encoding="utf-8"), [block(known, found), requirements(known)])
        atomic_write(path, text.encode())


if __name__ == "__main__":
    main()
