"""Joins the results files of shards to the file of the whole run, and refuses what does not make it up.

Each shard's header has the options `shard`, such as "2/4", and `manifest`, the digest of all pairs of case and route
that the run owes. A shard owes its own part of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.results.environments import discrepancies
from harness.results.events import Header, Owed, Result
from harness.results.file import Results, Writer
from harness.spec import EMPTY_BATCH

SHARD, MANIFEST = "shard", "manifest"
"""Options of a shard's header."""
_AGAIN = "Run that shard again with the same command as the others."
Pair = tuple[str, str]
"""A case and a route."""


class MergeError(InputError):
    """Files that are not the shards of one run, each once."""


def manifest_digest(pairs: Iterable[Pair]) -> str:
    """The digest of pairs of case and route, in whatever order: SHA-256 of the sorted lines `case route`."""
    lines = sorted({f"{case} {route}\n" for case, route in pairs})
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Shard:
    """One of `count` results files: the `number`-th, counted from 1."""

    path: Path
    results: Results
    number: int
    count: int

    @classmethod
    def of(cls, path: Path, results: Results) -> Shard:
        """Raises MergeError if the file says nothing of a shard, or the shard is empty."""
        text = str(results.header.options.get(SHARD, ""))
        match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
        if match is None or int(match[1]) > int(match[2]) or MANIFEST not in results.header.options:
            raise MergeError(
                "the file is no shard",
                where=path,
                expected="a header with the options 'shard', such as 2/4, and 'manifest'",
                came=repr(text) if text else "a whole run",
                advice="`--shard I/N` makes one.",
            )
        if not results.owed_pairs or not results.results:
            raise MergeError(
                f"shard {text} is empty: of {len(results.owed_pairs)} owed results it has {len(results.results)}",
                where=path,
                expected="a part of the run",
                advice="Take fewer shards." if not results.owed_pairs else _AGAIN,
            )
        return cls(path, results, int(match[1]), int(match[2]))

    @property
    def manifest(self) -> str:
        return str(self.results.header.options[MANIFEST])


def merge(paths: Sequence[Path], target: Path, *, across: Iterable[str] = ()) -> Results:
    """Write the file of the whole run. Returns it as read back.

    `across` names what may differ between the environments of the shards. Raises MergeError, OtherEnvironment, and
    ResultsError for a file that cannot be read or was cut; then nothing is written.
    """
    shards = sorted((Shard.of(path, Results.load(path)) for path in paths), key=lambda shard: shard.number)
    _check_numbers(shards)
    for shard in shards[1:]:
        _check_alike(shards[0], shard, across)
    _check_pairs(shards)
    header = _header(shards)
    part = target.with_name(f".{target.name}.part")
    writer = Writer(part, header, Owed.of(pair for shard in shards for pair in _owed(shard.results)))
    try:
        writer.open()
        for shard in shards:
            for result in shard.results.results:
                writer.add(result)
        writer.close(sum(shard.results.footer.seconds for shard in shards if shard.results.footer is not None))
        merged = Results.load(part)
        part.replace(target)
    finally:
        writer.abandon()
        part.unlink(missing_ok=True)
    return merged


def _check_numbers(shards: Sequence[Shard]) -> None:
    if not shards:
        raise MergeError("no shard was given", expected="the results files of all shards")
    count = shards[0].count
    by_number: dict[int, list[Shard]] = {}
    for shard in shards:
        if shard.count != count:
            raise MergeError(
                "the files are of different divisions", where=shard.path, expected=f"/{count}", came=f"/{shard.count}"
            )
        by_number.setdefault(shard.number, []).append(shard)
    for number, alike in by_number.items():
        if len(alike) > 1:
            raise MergeError(
                f"shard {number}/{count} was given {len(alike)} times",
                where=", ".join(str(shard.path) for shard in alike),
                expected="each shard once",
            )
    missing = [f"{number}/{count}" for number in range(1, count + 1) if number not in by_number]
    if missing:
        raise MergeError(
            f"{'shard' if len(missing) == 1 else 'shards'} {', '.join(missing)} missing",
            expected=f"all {count} shards",
            came=", ".join(f"{shard.number}/{count}" for shard in shards),
            advice=_AGAIN,
        )


def _check_alike(first: Shard, other: Shard, across: Iterable[str]) -> None:
    """Raise MergeError or OtherEnvironment if two shards are of different runs."""
    try:
        differing = discrepancies(first.results.header.versions, other.results.header.versions, across=across)
    except InputError as error:
        raise error.at(other.path) from None
    lacking = [str(each) for each in differing if not (each.matters or each.is_idle)]
    for what, was, now in (
        ("released converters", *(shard.results.header.beside or "none" for shard in (first, other))),
        ("packs", *(str(shard.results.header.pack or "no pack") for shard in (first, other))),
        ("manifests", first.manifest, other.manifest),
        ("options", _options(first), _options(other)),
        ("routes", first.results.header.routes, other.results.header.routes),
        ("installed distributions", [], lacking),
        ("changed functions", *(_changed(shard) for shard in (first, other))),
    ):
        if was != now:
            raise MergeError(
                f"shards {first.number} and {other.number} are of different runs: their {what} differ",
                where=other.path,
                expected=str(was)[:400],
                came=str(now)[:400],
                advice=_AGAIN,
            )


def _check_pairs(shards: Sequence[Shard]) -> None:
    """Raise MergeError if a case is in two shards, a result is not owed by its shard, or a pair of the run by none."""
    places: dict[Pair, Shard] = {}
    for shard in shards:
        owed = shard.results.owed_pairs
        for pair in sorted(owed | {_plain(result) for result in shard.results.results}):
            if pair not in owed:
                raise MergeError(
                    f"case {pair[0]} on route {pair[1]} has a result that its shard does not owe",
                    where=shard.path,
                    advice="The file was edited; " + _AGAIN.lower(),
                )
            first = places.setdefault(pair, shard)
            if first is not shard:
                raise MergeError(
                    f"case {pair[0]} on route {pair[1]} is in two shards",
                    where=f"{first.path} and {shard.path}",
                    expected="each pair in one",
                )
    digest = manifest_digest(places)
    if digest != shards[0].manifest:
        raise MergeError(
            "the shards do not make up the run: what they owe is not what the whole run owes",
            expected=f"a manifest {shards[0].manifest}",
            came=f"{digest} of {len(places):,} pairs",
            advice="Run all shards again with the same version of the suite.",
        )


def _header(shards: Sequence[Shard]) -> Header:
    headers = [shard.results.header for shard in shards]
    loads = [header.load for header in headers if header.load is not None]
    return replace(
        headers[0],
        options=_options(shards[0]),
        floor=sum(header.floor for header in headers),
        started=min(header.started for header in headers),
        load=max(loads, default=None),
    )


def _options(shard: Shard) -> Mapping[str, Any]:
    options = shard.results.header.options
    return {name: value for name, value in options.items() if name not in (SHARD, MANIFEST)}


def _changed(shard: Shard) -> list[str]:
    return [f"{each} {each.digest}" for each in shard.results.header.changed]


def _owed(results: Results) -> Iterator[Pair]:
    for owed in results.owed:
        yield from ((case, owed.route) for case in owed.cases)


def _plain(result: Result) -> Pair:
    return (result.case.removesuffix(EMPTY_BATCH), result.route)
