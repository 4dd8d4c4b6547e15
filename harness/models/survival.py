"""Whether a model survives: its ways to PyTorch, judged by one truth, and what to say about them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from harness.adapters.routes import Route
from harness.models import counterpart
from harness.models.alone import Culprit, Ground
from harness.models.guard import ModelError
from harness.models.origin import KERAS, TORCH, Origin, kind_of, open_model
from harness.models.samples import FEWEST, PIXELS, drawn, labels_of, read_inputs, unread
from harness.models.sensitivity import Sensitivity
from harness.models.telling import telling
from harness.models.truth import Truth, by_framework, case_of, truth_of
from harness.models.ways import HOPS, OURS, Way, missing, routes_of, walked
from harness.patterns import few
from harness.run.session import Selection, Session
from harness.spec import Array, Case

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
    sensitivity: Sensitivity | None = None
    """What a change of each layer does to the outputs; None where that could not be measured."""

    @property
    def unread(self) -> tuple[str, ...]:
        """The inputs of a pair that do not meet every row of a table."""
        return unread(self.origin, [sample.inputs for sample in self.truth.samples]) if self.is_pair else ()

    @property
    def is_pair(self) -> bool:
        """Whether the model was compared with another file."""
        return any(way.route.endswith(f"-{counterpart.NAME}") for way in self.ways)

    @property
    def is_undecided(self) -> bool:
        """Whether every way agrees, and a layer may be wrong on one of them."""
        return bool(self.ways) and len(self.good) == len(self.ways) and any(map(self._leaves_open, self.ways))

    def _leaves_open(self, way: Way) -> bool:
        """Whether a way that works may be wrong; the other file of a pair, where a layer inside differs, too."""
        is_open = bool(way.culprits or self.unread) or self.sensitivity is None
        return way.is_undecided or (self.is_pair and is_open)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The layers of which nothing tells on some way that works."""
        return tuple(dict.fromkeys(name for way in self.good for name in way.hidden))

    @property
    def good(self) -> tuple[Way, ...]:
        return tuple(way for way in self.ways if way.works)

    @property
    def best(self) -> Way | None:
        """The way to take, of the ways that work; of the ways that arrive, if no way works.

        A way to PyTorch comes first, then a way that can be judged, then the smallest error.
        """
        return min(self.good or self.arriving, key=_preference, default=None)

    @property
    def arriving(self) -> tuple[Way, ...]:
        """The ways with a broken file on the way, and a right one at the end."""
        return tuple(way for way in self.ways if way.arrives)

    @property
    def best_by_format(self) -> tuple[Way, ...]:
        """The way to take to each format that some way reaches."""
        ends: dict[str, list[Way]] = {}
        for way in (*self.good, *self.arriving):
            ends.setdefault(way.result.stages[-1].artifact, []).append(way)
        return tuple(
            min(ways, key=lambda way: (not way.works, way.is_undecided, way.units or 0.0)) for ways in ends.values()
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
        if self.arriving:
            head += f", {len(self.arriving)} more in spite of a file on the way that does not"
        if good == count:
            return f"{head}{self._behind}."
        if self.culprits:
            return f"{head}; {self._named}{self._as_a_whole}{self._behind}."
        untried = dict.fromkeys(name for way in self.ways for name in way.untried)
        if untried:
            head = f"{head}; no layer that was tried alone breaks {self._others}; not tried: {few(list(untried))}"
        elif self.origin.weights:
            head = f"{head}; no layer alone breaks {self._others}"
        return f"{head}{self._behind}."

    @property
    def _as_a_whole(self) -> str:
        """The ways that none of the named layers is the first to break, as the end of a clause."""
        ways = [way.route for way in self.ways if not way.works and way.first is None]
        return f"; no layer alone breaks {few(ways)}" if ways else ""

    @property
    def _inside(self) -> list[str]:
        """The layers that err on ways that work."""
        return list(dict.fromkeys(culprit.layer for way in self.good for culprit in way.culprits))

    @property
    def _behind(self) -> str:
        """What the outputs of ways that work hide, as the end of a sentence."""
        accused = {culprit.layer for culprit in self.culprits}
        others = [name for name in self._inside if name not in accused]
        said = f"; inside, {few(others)} err{'s' * (len(others) == 1)}, which the outputs hide" if others else ""
        return f"{said}; cannot be judged: the outputs hide {few(self.hidden)}" if self.hidden else said

    @property
    def _of_a_pair(self) -> str:
        if self.is_undecided:
            head = "It cannot be judged whether the two files are one network: the outputs agree"
            if self._inside:
                return f"{head}, and inside, {few(self._inside)} differ{'s' * (len(self._inside) == 1)}."
            if self.unread and not self.hidden:
                return f"{head}, and the numbers of {few(self.unread)} do not read every row of a table."
            return f"{head}, and hide {few(self.hidden) or 'what was not measured'}."
        if len(self.good) == len(self.ways):
            felt = self.sensitivity
            if felt is not None and felt.hidden:
                return f"The two files are one network: the outputs agree, and inside, so do {few(felt.hidden)}."
            return f"The two files are one network: {felt}."
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


def _preference(way: Way) -> tuple[bool, bool, float]:
    """What makes a way the better one: False comes before True."""
    last = way.result.stages[-1]
    return last.artifact not in (TORCH, "kerastorch"), way.is_undecided, way.units or 0.0


OF_A_WAY, OF_A_LAYER, OF_A_MEGABYTE = 1.0, 0.022, 0.1
"""Seconds of a way, of each of its layers, and of each megabyte of the model: about those of two cores of a server of
2023, fitted to ten models from one layer to ResNet-50."""


def seconds_for(origin: Origin, ways: int) -> float:
    """About how long it takes to examine a model."""
    size = origin.file.stat().st_size / 1e6 if origin.file.is_file() else 0.0
    return ways * (OF_A_WAY + OF_A_LAYER * len(origin.spec.layers) + OF_A_MEGABYTE * size)


def _nothing(text: str) -> None:
    """Where nobody listens."""


@contextmanager
def examined(
    question: Question,
    session: Session,
    told: Callable[[str], None] = _nothing,
    begins: Callable[[float, str], None] = lambda seconds, text: None,
) -> Iterator[Survival]:
    """Examine a model. Within the context, the artifacts of its ways exist.

    `told` is called with what is being done. `begins` is called once, with the seconds that the walk takes, about, and
    with the number of ways and layers in words. Raises ModelError.
    """
    with tempfile.TemporaryDirectory(prefix="parity-model-") as folder:
        told("reading the model")
        origin = open_model(question.model, session.workers, Path(folder), trust=question.trust)
        samples, said = (
            read_inputs(question.inputs, origin) if question.inputs else (drawn(origin, seed=question.seed), "")
        )
        routes = _chosen(routes_of(session, origin, question.form), question.ways)
        layers = len(origin.spec.layers)
        what = f"{len(routes)} way{'s' * (len(routes) != 1)} of a model of {layers} layer{'s' * (layers != 1)}"
        begins(seconds_for(origin, len(routes)), what)
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
        told("changing each layer, to see what the outputs hide")

        def draw(law: str) -> tuple[dict[str, Array], ...]:
            return drawn(origin, seed=question.seed, law=law, most=most)

        told_by = telling(
            origin,
            truth,
            session.workers,
            draw if question.inputs is None else None,
            trust=question.trust,
            channels=question.against is not None,
        )
        truth = told_by.truth
        theirs = None
        if question.against is not None:
            theirs = counterpart.put_behind(origin, truth, question.against, session.workers, Path(folder))
        hidden = () if told_by.sensitivity is None else told_by.sensitivity.hidden
        ground = replace(_ground(question, session, origin, truth, Path(folder)), hidden=hidden)
        ways = list(walked(ground, routes, told))
        disagreeing = next((way for way in ways if not way.result.stages[0].outcome.passes), None)
        if disagreeing is not None and origin.source == KERAS and truth.is_documented:
            why = f"Keras and our oracle disagree ({disagreeing.result.stages[0].message})"
            told("computing it by Keras itself")
            truth = by_framework(
                origin, [sample.inputs for sample in truth.samples], session.workers, why, trust=question.trust
            )
            ground = replace(_ground(question, session, origin, truth, Path(folder)), hidden=hidden)
            ways = list(walked(ground, routes, told))
        notes = tuple(filter(None, (*origin.notes, said, *told_by.notes)))
        changed = ""
        if theirs is not None and not all(way.works for way in ways):
            changed = counterpart.equal_if(origin, truth, theirs, session.workers)
        yield Survival(origin, truth, tuple(ways), missing(session, routes), notes, changed, told_by.sensitivity)


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
