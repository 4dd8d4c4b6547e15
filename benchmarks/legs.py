"""Which legs does the matrix need? Few that between them hold every pair of versions that meet in one process.

    python -m benchmarks.legs              the legs, and the pairs that they hold
    python -m benchmarks.legs --write      the same, written into tox.ini

`benchmarks/legs.toml` has the versions of each component, which components meet in one process, and which versions
cannot be installed together. Components that never share a process meet by files alone, so that their pairs are left to
chance. The legs are a covering array: each next one is the valid completion of a missing pair, of many random ones,
that holds the most missing pairs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from harness.files import atomic_write

ROOT = Path(__file__).resolve().parent.parent
MOST = 12
"""Most legs of the default list."""
OFFERS = 400
"""Random completions of a missing pair, of which the best becomes a leg."""
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
        for name in sorted(set(self.versions) - set(part), key=lambda _: source.random()):
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
        return {pair for pair in wanted if any(self.completed(dict(pair), source) for _ in range(50))}


def held(leg: Mapping[str, str]) -> set[Pair]:
    """All versions of a leg, and all pairs of them."""
    return {frozenset(some) for count in (1, 2) for some in combinations(leg.items(), count)}


def legs(known: Components, *, seeds: int = 30) -> list[Leg]:
    """The legs: first that of the newest versions, then as many as hold every pair; the shortest list of some."""
    return min((_legs(known, seed) for seed in range(seeds)), key=len)


def _legs(known: Components, seed: int) -> list[Leg]:
    source = random.Random(seed)
    newest = {name: next(iter(values)) for name, values in known.versions.items()}
    result, missing = [newest], known.pairs() - held(newest)
    while missing:
        pair = dict(min(missing, key=sorted))
        offers = [offer for _ in range(OFFERS) if (offer := known.completed(pair, source))]
        result.append(max(offers, key=lambda offer: len(held(offer) & missing)))
        missing -= held(result[-1])
    return result


def name_of(leg: Mapping[str, str]) -> str:
    """The tox environment of a leg."""
    return "-".join(f"{name}{value}" for name, value in leg.items())


def block(known: Components, found: Iterable[Leg]) -> str:
    """The part of tox.ini with the list of environments."""
    return "\n".join([BEGIN, "env_list =", *(f"    {name_of(leg)}" for leg in found), END])


def requirements(known: Components) -> str:
    """The part of tox.ini with what each factor installs."""
    lines = [
        f"    {name}{version}: {text}"
        for name, versions in known.versions.items()
        for version, texts in versions.items()
        for text in texts
    ]
    return "\n".join([BEGIN, "deps =", *lines, END])


def written(text: str, parts: Iterable[str]) -> str:
    """tox.ini with these parts in the place of what stands between the marks, in their order. Raises ValueError if it
    has another number of them."""
    pieces = text.split(BEGIN)
    if len(pieces) != len(parts := list(parts)) + 1 or any(END not in piece for piece in pieces[1:]):
        raise ValueError(f"tox.ini has not the marks of {len(parts)} parts: {BEGIN!r} ... {END!r}")
    tails = [piece.split(END, 1)[1] for piece in pieces[1:]]
    return pieces[0] + "".join(part + tail for part, tail in zip(parts, tails, strict=True))


def main() -> None:
    """Print the legs, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="Write the legs into tox.ini.")
    options = parser.parse_args()
    known = Components.read(Path(__file__).with_suffix(".toml"))
    found, wanted = legs(known), known.pairs()
    print(*map(name_of, found), sep="\n")
    pairs = sum(len(each) == 2 for each in wanted)
    print(f"{len(found)} legs hold every version, and all {pairs} pairs of versions that meet in one process")
    if len(found) > MOST:
        sys.exit(f"at most {MOST} legs were wanted")
    if options.write:
        path = ROOT / "tox.ini"
        text = written(path.read_text(encoding="utf-8"), [block(known, found), requirements(known)])
        atomic_write(path, text.encode())


if __name__ == "__main__":
    main()
