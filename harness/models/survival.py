"""Whether a model survives: its ways to PyTorch, judged by one truth, and what to say about them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.adapters.routes import Route
from harness.models import counterpart
from harness.models.alone import Culprit, Ground
from harness.models.guard import ModelError
from harness.models.origin import KERAS, TORCH, Origin, kind_of, open_model
from harness.models.samples import FEWEST, LAWS, PIXELS, drawn, labels_of, read_inputs
from harness.models.truth import Truth, by_framework, case_of, truth_of, weaknesses
from harness.models.ways import HOPS, OURS, Way, missing, routes_of, walked
from harness.run.session import Selection, Session
from harness.spec import Case

PATIENCE = 60.0
"""Seconds after which no other inputs are tried for a model whose outputs hide errors."""
NAMED = 5
"""Most layers that the sentence names."""


@dataclass(frozen=True)
class Question:
    """What is asked of a model. Inputs are drawn unless a file has them; `ways` are patterns of names of routes,
    `hops` converters to add, as `module:Class`; `form` is the format of the last artifact, '' for any. With `against`,
    the only way is this file."""

    model: Path
    inputs: Path | None = None
    labels: Path | None = None
    ways: tuple[str, ...] = ()
    hops: tuple[str, ...] = ()
    trust: bool = False
    seed: int = 0
    form: str = ""
    against: Path | None = None


@dataclass(frozen=True)
class Piece:
    """A layer that breaks a way in the converter `by`, as a case that shows it on `route`."""

    layer: str
    by: str
    case: Case
    route: str


@dataclass(frozen=True)
class Survival:
    """The answer: the model as it was read, the truth that judged it, its ways, why others were not walked, and notes
    of how the model was read, of its inputs, and of what its outputs cannot show."""

    origin: Origin
    truth: Truth
    ways: tuple[Way, ...]
    missing: Mapping[str, str]
    notes: tuple[str, ...] = ()
    equal_if: str = ""
    """The preparation of its input that makes the file of `against` agree."""

    @property
    def is_pair(self) -> bool:
        """Whether the model was compared with another file."""
        return any(way.route.endswith(f"-{counterpart.NAME}") for way in self.ways)

    @property
    def good(self) -> tuple[Way, ...]:
        return tuple(way for way in self.ways if way.works)

    @property
    def best(self) -> Way | None:
        """The way to take: of those that work, one that ends in PyTorch before others, then the smallest error."""
        return min(self.good, key=_preference, default=None)

    @property
    def best_by_format(self) -> tuple[Way, ...]:
        """The way to take to each format that some way reaches."""
        formats = dict.fromkeys(way.result.stages[-1].artifact for way in self.good)
        return tuple(
            min((way for way in self.good if way.result.stages[-1].artifact == form), key=_error) for form in formats
        )

    @property
    def culprits(self) -> tuple[Culprit, ...]:
        """The layers that break some way, each once, in the model's order."""
        order = {layer.name: place for place, layer in enumerate(self.origin.spec.layers)}
        each = {culprit.layer: culprit for way in reversed(self.ways) if not way.works for culprit in way.culprits}
        return tuple(sorted(each.values(), key=lambda culprit: order.get(culprit.layer, len(order))))

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The layers that break a way alone, once for each converter that they break, in the model's order."""
        order = {layer.name: place for place, layer in enumerate(self.origin.spec.layers)}
        each = {
            (culprit.layer, culprit.by): Piece(culprit.layer, culprit.by, culprit.piece, way.route)
            for way in reversed(self.ways)
            for culprit in way.culprits
            if culprit.piece is not None
        }
        return tuple(sorted(each.values(), key=lambda piece: (order[piece.layer], piece.by)))

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        count, good = len(self.ways), len(self.good)
        if not count:
            return "No way can run here."
        if self.is_pair:
            return self._of_a_pair
        head = f"{good} of {count} ways {'computes' if good == 1 else 'compute'} what the model computes"
        if good == count:
            return f"{head}."
        if self.culprits:
            return f"{head}; {self._named}."
        return f"{head}; no layer alone breaks {self._others}." if self.origin.weights else f"{head}."

    @property
    def _of_a_pair(self) -> str:
        if len(self.good) == len(self.ways):
            return "The two files are one network."
        if self.equal_if:
            return f"The networks are equal, their preprocessing is not: the other file agrees {self.equal_if}."
        return f"The two files are not one network{f': {self._named}' if self.culprits else ''}."

    @property
    def _named(self) -> str:
        """The layers that break some way, as a sentence has them."""
        names = [f"`{culprit.layer}`" for culprit in self.culprits]
        if len(names) > NAMED:
            names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more layers"]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        return f"{listed} {'breaks' if len(names) == 1 else 'break'} {'the other' if self.is_pair else self._others}"

    @property
    def _others(self) -> str:
        """The ways that do not work, as a sentence has them behind the number of those that do."""
        broken = len(self.ways) - len(self.good)
        if self.good:
            return "the other" if broken == 1 else "the others"
        return "it" if broken == 1 else "them"


def selection_of(question: Question) -> Selection:
    """What a session needs to examine a model: every route, and the converters that were named or only it needs."""
    source = kind_of(question.model)
    if question.against is None:
        return Selection(hops=(*question.hops, *HOPS.get(source, ()), *OURS.get(source, ())), all_cases=True)
    counterpart.check_kinds(source, question.against)
    return Selection(hops=(counterpart.HOPS[source],), all_cases=True)


def _preference(way: Way) -> tuple[bool, float]:
    """What makes a way the better one: False comes before True."""
    last = way.result.stages[-1]
    return last.artifact not in (TORCH, "kerastorch"), last.units or 0.0


def _error(way: Way) -> float:
    return way.result.stages[-1].units or 0.0


@contextmanager
def examined(
    question: Question, session: Session, told: Callable[[str], None] = lambda text: None
) -> Iterator[Survival]:
    """Examine a model. Within the context, the artifacts of its ways exist.

    `told` is called with what is being done. Raises ModelError.
    """
    with tempfile.TemporaryDirectory(prefix="parity-model-") as folder:
        told("reading the model")
        origin = open_model(question.model, session.workers, Path(folder), trust=question.trust)
        samples, said = (
            read_inputs(question.inputs, origin) if question.inputs else (drawn(origin, seed=question.seed), "")
        )
        routes = _chosen(routes_of(session, origin, question.form), question.ways)
        told("computing what it must give")
        most = PIXELS
        try:
            truth = truth_of(origin, samples, session.workers, trust=question.trust)
        except ModelError:
            if question.inputs is not None or not any("int" in item.dtype for item in origin.inputs):
                raise
            most, said = FEWEST, "whole numbers are drawn as 0 and 1 only"
            samples = drawn(origin, seed=question.seed, most=most)
            truth = truth_of(origin, samples, session.workers, trust=question.trust)
        if question.inputs is None and any(weaknesses(truth)):
            truth, law = _telling(question, session, origin, truth, most)
            said = "; ".join(filter(None, (said, law)))
        theirs = None
        if question.against is not None:
            theirs = counterpart.put_behind(origin, truth, question.against, session.workers, Path(folder))
        ground = _ground(question, session, origin, truth, Path(folder))
        ways = list(walked(ground, routes, told))
        disagreeing = next((way for way in ways if not way.result.stages[0].outcome.passes), None)
        if disagreeing is not None and origin.source == KERAS and truth.is_documented:
            why = f"Keras and our oracle disagree ({disagreeing.result.stages[0].message})"
            told("computing it by Keras itself")
            truth = by_framework(
                origin, [sample.inputs for sample in truth.samples], session.workers, why, trust=question.trust
            )
            ways = list(walked(_ground(question, session, origin, truth, Path(folder)), routes, told))
        notes = tuple(filter(None, (*origin.notes, said, *weaknesses(truth))))
        changed = ""
        if theirs is not None and not all(way.works for way in ways):
            changed = counterpart.equal_if(origin, truth, theirs, session.workers)
        yield Survival(origin, truth, tuple(ways), missing(session, routes), notes, changed)


def model_case(path: Path, session: Session) -> Case:
    """A Keras model as a case that can be cut: its layers, as our oracle knows them, on drawn inputs.

    Raises ModelError for another model, and for one with layers that the oracle does not compute.
    """
    with tempfile.TemporaryDirectory(prefix="parity-model-") as folder:
        origin = open_model(path, session.workers, Path(folder))
        if origin.source != KERAS:
            raise ModelError(f"a model of {origin.source} cannot be cut", where=path, expected="a .keras or .h5 file")
        truth = truth_of(origin, drawn(origin), session.workers)
    if not truth.is_documented:
        raise ModelError(f"it cannot be cut: {truth.why}", where=path)
    return case_of(origin, truth)


def piece_of(path: Path, patterns: Sequence[str], layer: str | None, session: Session) -> Piece:
    """The layer of this name, by default the first, that alone breaks a way whose name fits a pattern.

    Raises ModelError if no such layer does.
    """
    with examined(Question(path, ways=tuple(patterns)), session) as survival:
        pieces = survival.pieces
    chosen = next((piece for piece in pieces if layer in (None, piece.layer)), None)
    if chosen is None:
        names = ", ".join(dict.fromkeys(piece.layer for piece in pieces))
        raise ModelError(
            f"{'no layer' if layer is None else repr(layer)} breaks it alone on {' or '.join(patterns)}",
            where=path,
            expected=f"one of {names}" if names else "",
            advice="" if names else "`parity reduce` cuts a model of several layers that breaks.",
        )
    return chosen


def _telling(question: Question, session: Session, origin: Origin, weak: Truth, most: int) -> tuple[Truth, str]:
    """The truth on inputs of which the outputs hide no errors, and what they are; the weak one where none are found."""
    began = time.perf_counter()
    for law in list(LAWS)[1:]:
        if time.perf_counter() - began > PATIENCE:
            break
        samples = drawn(origin, seed=question.seed, law=law, most=most)
        try:
            truth = truth_of(origin, samples, session.workers, trust=question.trust)
        except ModelError:  # one that does not run on such numbers
            continue
        if not any(weaknesses(truth)):
            return truth, f"inputs are drawn {'as ' * law.startswith('pixels')}{law}: on others the outputs hide errors"
    return weak, ""


def _ground(question: Question, session: Session, origin: Origin, truth: Truth, folder: Path) -> Ground:
    count = next(iter(truth.samples[0].inputs.values())).shape[0]
    labels = labels_of(question.labels, count) if question.labels else None
    return Ground(session, origin, truth, case_of(origin, truth, labels=labels), folder)


def _chosen(routes: Sequence[Route], patterns: Sequence[str]) -> list[Route]:
    chosen = [route for route in routes if not patterns or any(fnmatchcase(route.name, each) for each in patterns)]
    if not chosen:
        names = ", ".join(route.name for route in routes)
        raise ModelError("no way fits", where="--way", expected=f"a pattern of {names}", came=", ".join(patterns))
    return chosen


def plain(culprit: Culprit) -> dict[str, object]:
    """A culprit as JSON data."""
    outcome = None if culprit.outcome is None else culprit.outcome.value
    known = None if culprit.known is None else culprit.known.id
    return {
        **{key: value for key, value in vars(culprit).items() if key != "piece"},
        "outcome": outcome,
        "known": known,
    }
