"""Legs: the results files that a matrix puts side by side, each of one environment, and what each case did there.

What is compared is the stage of a case on a *chain*, the source format and the hops up to it, as in the record: routes
share their first stages, and what a converter did does not depend on what comes behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from packaging.version import InvalidVersion, Version

from harness.errors import InputError
from harness.installed import AT
from harness.judge.acceptance import chains
from harness.judge.record import plain_id
from harness.outcomes import Outcome
from harness.patterns import fits, pointer
from harness.results.environments import IDLE, version_in
from harness.results.events import Result, Stage
from harness.results.file import Results
from harness.spec import EMPTY_BATCH

Layer = tuple[str, str]
"""Dialect and name."""


class MatrixError(InputError):
    """Results files that cannot be put side by side."""


class State(StrEnum):
    """What is known of one thing in one leg."""

    GOOD = "good"
    BAD = "bad"
    BLOCKED = "behind a failure"
    NOT_RUN = "not run"

    @property
    def is_known(self) -> bool:
        """Whether it is good or bad. What lies behind a failure, and what was not run, is neither."""
        return self in (State.GOOD, State.BAD)


@dataclass(frozen=True)
class Stop:
    """The end of one stage: bad at the stage at fault, blocked behind it. `result` is that of one route through it, in
    which it has the number `place`."""

    state: State
    outcome: Outcome
    result: Result
    place: int

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the chain, this one last."""
        return self.result.stages[: self.place + 1]


@dataclass(frozen=True)
class Leg:
    """One environment: its name, and the results of its run."""

    name: str
    results: Results

    @property
    def versions(self) -> Mapping[str, str]:
        return self.results.header.versions

    def version(self, component: str) -> str:
        """The version of a distribution, `python` or `platform`; `not installed` if the leg lacks it.

        A worker with an interpreter of its own has what differs there under `onnx (torch)`. A leg without such an
        entry has the same version in all workers.
        """
        return self.versions.get(component) or version_in(self.versions, plain_name(component))

    @cached_property
    def chains(self) -> dict[str, dict[str, Stop]]:
        """What each case did on each chain. Of routes that share a stage, one that an expectation explains counts."""
        stops: dict[str, dict[str, Stop]] = {}
        for result in self.results.results:
            is_blocked = False
            for place, (chain, stage) in enumerate(chains(result)):
                passes = stage.outcome.passes
                state = State.BLOCKED if is_blocked else State.GOOD if passes else State.BAD
                is_blocked = is_blocked or not passes
                known = stops.setdefault(chain, {}).get(result.case)
                if known is None or (known.result.expectation is None and result.expectation is not None):
                    stops[chain][result.case] = Stop(state, stage.outcome, result, place)
        return stops

    def state(self, case: str, chain: str) -> State:
        """What is known of a case on a chain.

        An empty batch that is no result of its own is part of its case: as good as that, and behind its failure.
        """
        stops = self.chains.get(chain, {})
        if (stop := stops.get(case)) is not None:
            return stop.state
        if case.endswith(EMPTY_BATCH) and (stop := stops.get(plain_id(case))) is not None:
            return State.BLOCKED if stop.state is State.BAD else stop.state
        return State.NOT_RUN

    def of_layers(self, patterns: Sequence[str], dialect: str = "") -> Leg:
        """The leg with the results of these layers only, of one dialect if it is not ''."""
        return self._of(lambda each: fits(each.layer, patterns) and (not dialect or each.dialect == dialect))

    def of_routes(self, patterns: Sequence[str]) -> Leg:
        """The leg with the results of these routes only."""
        return self._of(lambda each: fits(each.route, patterns))

    def _of(self, is_chosen: Callable[[Result], bool]) -> Leg:
        return Leg(self.name, replace(self.results, results=tuple(filter(is_chosen, self.results.results))))


def plain_name(component: str) -> str:
    """The distribution of `onnx (torch)`, which is `onnx` in the worker `torch`."""
    return component.partition(" (")[0]


def apart(leg: Leg) -> tuple[Leg, ...]:
    """The leg, and another one for each converter that the same run walked in another release, `onnx2torch@1.5.13`.

    A release has its own worker, whose versions are those of its leg.
    """
    several: dict[tuple[str, ...], list[Result]] = {}
    for result in leg.results.results:
        labels = tuple(stage.hop for stage in result.stages if stage.hop and AT in stage.hop)
        several.setdefault(labels, []).append(result)
    if set(several) <= {()}:
        return (leg,)
    return tuple(_in_releases(leg, labels, results) for labels, results in sorted(several.items()))


def _in_releases(leg: Leg, labels: Sequence[str], results: Sequence[Result]) -> Leg:
    packages = {note.name: note.distribution for note in leg.results.header.plugins if note.kind == "hop"}
    marks = {f"{AT}{label.partition(AT)[2]})" for label in labels}
    versions: dict[str, str] = {}
    for name, version in leg.versions.items():
        mark = next((mark for mark in marks if name.endswith(mark)), "")
        if mark:
            versions[f"{name.removesuffix(mark)})"] = version
        elif AT not in name:
            versions.setdefault(name, version)
    for label in labels:
        name, _, release = label.partition(AT)
        versions[packages.get(label) or name] = release
    # The release stands in its own worker, too: counted twice, it would be two components, and no leg comparable.
    versions = {
        name: version
        for name, version in versions.items()
        if name == plain_name(name) or version != versions.get(plain_name(name))
    }
    renamed = tuple(
        replace(
            result,
            route="-".join(part.partition(AT)[0] for part in result.route.split("-")),
            stages=tuple(replace(stage, hop=stage.hop and stage.hop.partition(AT)[0]) for stage in result.stages),
        )
        for result in results
    )
    header = replace(leg.results.header, versions=versions)
    return Leg(" ".join((leg.name, *labels)), replace(leg.results, header=header, results=renamed))


def release_key(version: str) -> tuple[int, Any]:
    """Sorts versions as releases follow each other: 1.5.9 before 1.5.10. What is no version comes first, as text."""
    try:
        return (1, Version(version))
    except InvalidVersion:
        return (0, version)


def components(legs: Iterable[Leg]) -> tuple[str, ...]:
    """The distributions, `python` and `platform` whose versions differ between the legs, in the headers' order."""
    legs = list(legs)
    names = dict.fromkeys(name for leg in legs for name in leg.versions if name not in IDLE)
    return tuple(name for name in names if len({leg.version(name) for leg in legs}) > 1)


def side_by_side(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """The legs, sorted by the versions of what differs, a converter in two releases as two legs.

    Raises MatrixError for what makes no matrix.
    """
    legs = [each for leg in legs for each in apart(leg)]
    _check_names(legs)
    _check_whole(legs)
    _check_corpus(legs)
    names = components(legs)
    return tuple(sorted(legs, key=lambda leg: ([release_key(leg.version(name)) for name in names], leg.name)))


def select(legs: Sequence[Leg], *, layers: Sequence[str] = (), routes: Sequence[str] = ()) -> tuple[Leg, ...]:
    """The legs with the results of these layers on these routes.

    Raises MatrixError for a pattern that fits no layer, or no route, of any leg.
    """
    results = [result for leg in legs for result in leg.results.results]
    for option, patterns, names in (
        ("--layer", layers, sorted({result.layer for result in results})),
        ("--route", routes, sorted({result.route for result in results})),
    ):
        for pattern in patterns:
            if not any(fits(name, [pattern]) for name in names):
                raise MatrixError(
                    f"no leg has a result for {pattern!r}",
                    where=option,
                    expected=f"a pattern that fits one of {len(names)} names",
                    advice=pointer(pattern, names).strip(),
                )
    return tuple(leg.of_layers(layers).of_routes(routes) for leg in legs)


def _check_names(legs: Sequence[Leg]) -> None:
    if len(legs) < 2:
        raise MatrixError(
            f"there is one leg only: {', '.join(leg.name for leg in legs)}",
            where="RESULTS",
            expected="two results files or more, of different versions",
            advice="`parity report` shows one run.",
        )
    twice = [name for name, count in Counter(leg.name for leg in legs).items() if count > 1]
    if twice:
        raise MatrixError(
            f"{len([leg for leg in legs if leg.name == twice[0]])} legs have the name {twice[0]!r}",
            where="RESULTS",
            expected="a name for each",
            advice="Name them: NAME=FILE.",
        )


def _check_whole(legs: Iterable[Leg]) -> None:
    for leg in legs:
        if shard := leg.results.header.options.get("shard"):
            raise MatrixError(
                f"the leg is shard {shard} of a run", where=leg.name, advice="Join the shards with `parity merge`."
            )
        if not leg.results.results:
            raise MatrixError("the leg has no result", where=leg.name, advice="Repeat the run; it walked nothing.")


def _check_corpus(legs: Sequence[Leg]) -> None:
    """Raise MatrixError for a leg without a case of another, or with a case that is another one elsewhere."""
    meanings: dict[str, tuple[Leg, Result]] = {}
    for leg in legs:
        for result in leg.results.results:
            first, known = meanings.setdefault(plain_id(result.case), (leg, result))
            if (known.dialect, known.layer, known.config) != (result.dialect, result.layer, result.config):
                raise MatrixError(
                    f"case {result.case} has another dialect, layer or configuration than in leg {first.name}",
                    where=leg.name,
                    expected="the goldens of one corpus",
                    advice="Walk both with the same version of the suite.",
                )
    cases = {leg.name: {plain_id(result.case) for result in leg.results.results} for leg in legs}
    for leg in legs:
        others = set().union(*(cases[other.name] for other in legs if other is not leg))
        if not cases[leg.name] & others:
            raise MatrixError(
                "the leg is of another corpus: none of its cases is in another leg",
                where=leg.name,
                expected="cases that the legs have in common",
                came=f"{len(cases[leg.name])} cases, such as {min(cases[leg.name])}",
                advice="Walk all legs with the same goldens, and with layers and routes in common.",
            )
