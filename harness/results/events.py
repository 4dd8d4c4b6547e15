"""The events of a results file: a header, what the run owes, one result per case and route, and a footer.

Their schema is `results.schema.json` beside this module (JSON Schema 2020-12), with one definition per `event`.
`harness.results.file` writes and reads the file.

JSON stays strict: an infinite or NaN float is the string "inf", "-inf" or "nan". Reading turns these strings back into
floats in the numbers of stages and tasks; in `config` and `options`, which are only shown, they stay strings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from harness.errors import InputError
from harness.outcomes import Metrics, Outcome
from harness.results.changed import Changed
from harness.results.device import DeviceNote
from harness.results.evidence import Evidence
from harness.results.packs import PackNote

SCHEMA = 3
"""Number of the file's schema; a reader refuses other numbers."""
NON_FINITE = ("inf", "-inf", "nan")
"""Strings for the floats that JSON cannot express."""
SOURCE = "source"
"""The blame for a source artifact that deviates, which no hop wrote."""


class ResultsError(InputError):
    """A results file that cannot be trusted; `where` names the file and the line."""


class EmptyResults(ResultsError):
    """The file is empty: the run died before it wrote its header."""


class CutRun(ResultsError):
    """The file has no footer: the run was stopped, or still runs."""


class ForeignResults(ResultsError):
    """A line is not JSON, does not fit the schema, or is in a wrong place: no run of the suite wrote the file."""


class InconsistentResults(ResultsError):
    """The lines are well formed, but contradict each other, or have an unknown schema number."""


class Judgement(StrEnum):
    """The meaning of a result for the run. `failed`: a regression, a worse or an unexpected deviation."""

    PASSED = "passed"
    EXPECTED = "expected"
    FAILED = "failed"


class Answer(StrEnum):
    """What a result is beside the record of what the same stages did before; `same` is no difference."""

    SAME = "same"
    REGRESSION = "regression"
    CHANGED = "changed"
    FIXED = "fixed"
    DRIFT = "drift"
    LOST = "lost"
    NEW = "new"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Answer.SAME: "As on record.",
    Answer.REGRESSION: "It passed and deviates now. It fails, whatever expectation covers it.",
    Answer.CHANGED: "It deviates in another way: another outcome, or an error of another size. It fails if it is "
    "silent, or more harmful than before.",
    Answer.FIXED: "It deviated and passes now.",
    Answer.DRIFT: "It passes, with more than four times the noise units on record and more than one.",
    Answer.LOST: "It is owed, and no result came. It fails.",
    Answer.NEW: "It is not on record: expectations judge it.",
}


def fault_of(stages: Sequence[Stage]) -> Stage | None:
    """The first stage that does not pass; None if all pass. Later deviations are its consequence."""
    return next((stage for stage in stages if not stage.outcome.passes), None)


def utc_now() -> str:
    """The time as the file writes it: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def plain(value: Any) -> Any:
    """The value as strict JSON data: tuples as lists, NumPy scalars as numbers, non-finite floats and
    paths as strings."""
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"expected JSON data, got {type(value).__name__}: {value!r}")


def _float(value: float | str | None) -> float | None:
    return None if value is None else float(value)


def _known(**values: Any) -> dict[str, Any]:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _numbers(value: Any) -> Any:
    """The inverse of `plain` for data in which "inf", "-inf" and "nan" can only be numbers."""
    if isinstance(value, str) and value in NON_FINITE:
        return float(value)
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return {key: _numbers(item) for key, item in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True)
class RouteStatus:
    """A route of the run, and the reason if it could not run."""

    name: str
    available: bool = True
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "available": self.available, "reason": self.reason}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RouteStatus:
        return cls(name=data["name"], available=data["available"], reason=data["reason"])


@dataclass(frozen=True)
class PluginNote:
    """The facts of a plugin on the run's routes, so that readers of the file need no registry.

    `kind` is `format`, `hop` or `runtime`; `engine` the library that does the work ('' for a format that the suite
    writes itself), `base` the name without the opset, `distribution` the package ('' for a loose file). `requires` are
    the names of all distributions that it needs; None if the run did not say.
    """

    name: str
    kind: str
    engine: str
    base: str
    opset: int | None = None
    distribution: str = ""
    requires: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        data = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "requires"}
        return data | _known(requires=None if self.requires is None else list(self.requires))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PluginNote:
        requires = data.get("requires")
        return cls(**{**data, "requires": None if requires is None else tuple(requires)})


@dataclass(frozen=True)
class Header:
    """The first line: command, versions, routes, and the number of results that the run owes (`floor`).

    `load` is that of the machine (`harness.results.load`) at the start; None if it is not known. `changed` are the
    functions of the walked converters that are not as released, as far as their releases are on record. `pack` is what
    gave the beginnings of routes; None if all were walked whole. A gate names the distributions of the converters
    `under_test`, and the releases that it has walked `beside`, if any: `onnx2torch 1.5.15 (released)`.
    """

    command: tuple[str, ...]
    versions: Mapping[str, str]
    routes: tuple[RouteStatus, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    floor: int = 1
    started: str = field(default_factory=utc_now)
    schema: int = SCHEMA
    plugins: tuple[PluginNote, ...] = ()
    load: float | None = None
    changed: tuple[Changed, ...] = ()
    pack: PackNote | None = None
    under_test: tuple[str, ...] = ()
    beside: str = ""

    @property
    def unavailable(self) -> tuple[RouteStatus, ...]:
        """Routes that could not run, each with its reason."""
        return tuple(route for route in self.routes if not route.available)

    def to_json(self) -> dict[str, Any]:
        return {
            "event": "header",
            "schema": self.schema,
            "started": self.started,
            "command": list(self.command),
            "versions": dict(self.versions),
            "routes": [route.to_json() for route in self.routes],
            "plugins": [plugin.to_json() for plugin in self.plugins],
            "options": plain(self.options),
            "floor": self.floor,
            **_known(load=self.load),
            **({"changed": [each.to_json() for each in self.changed]} if self.changed else {}),
            **_known(
                pack=None if self.pack is None else self.pack.to_json(),
                under_test=list(self.under_test) or None,
                beside=self.beside or None,
            ),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Header:
        pack = data.get("pack")
        return cls(
            command=tuple(data["command"]),
            versions=data["versions"],
            routes=tuple(RouteStatus.from_json(route) for route in data["routes"]),
            plugins=tuple(PluginNote.from_json(plugin) for plugin in data["plugins"]),
            options=data["options"],
            floor=data["floor"],
            started=data["started"],
            schema=data["schema"],
            load=data.get("load"),
            changed=tuple(Changed.from_json(each) for each in data.get("changed", ())),
            pack=None if pack is None else PackNote.from_json(pack),
            under_test=tuple(data.get("under_test", ())),
            beside=data.get("beside", ""),
        )


@dataclass(frozen=True)
class Stage:
    """One artifact of a route, written by `hop` (None for the source) and run by `runtime` (None if it never ran).

    `metrics` measure the error, `where` names the output and index of the largest error; `seconds` is the framework's
    time to convert and run; `log` is the end of the worker's output, or a traceback, of a stage without an answer.
    `kept`: the stage was walked by an earlier run, or comes from a pack. `device`: on what it ran; None for the CPU.
    `evidence` is for people to look at, and no part of what happened: two stages may be equal that have other evidence.
    """

    artifact: str
    outcome: Outcome
    hop: str | None = None
    runtime: str | None = None
    metrics: Metrics = field(default_factory=Metrics)
    seconds: float = 0.0
    message: str = ""
    where: str | None = None
    picture: tuple[str, ...] | None = None
    log: str = ""
    kept: bool = False
    device: DeviceNote | None = None
    evidence: Evidence | None = field(default=None, compare=False)

    @property
    def by(self) -> str:
        """The hop that wrote the artifact, or `source`."""
        return self.hop or SOURCE

    @property
    def blamed(self) -> str:
        """The hop that wrote the artifact, or `source`; the runtime where the same artifact is right on the CPU."""
        on_cpu = self.device.on_cpu if self.device else None
        wrong = self.outcome is Outcome.DIVERGENT and on_cpu is not None and on_cpu.passes
        return self.runtime or self.by if wrong else self.by

    @property
    def units(self) -> float | None:
        """Largest normwise error in noise units; NaN counts as infinite."""
        units = self.metrics.units
        return math.inf if units is not None and math.isnan(units) else units

    def to_json(self) -> dict[str, Any]:
        return {
            "artifact": self.artifact,
            "outcome": self.outcome.value,
            "hop": self.hop,
            "runtime": self.runtime,
            **plain(dict(self.metrics.items())),
            "seconds": self.seconds,
            "message": self.message,
            "where": self.where,
            "picture": plain(self.picture),
            "log": self.log,
            **({"kept": True} if self.kept else {}),
            **({} if self.device is None else {"device": self.device.to_json()}),
            **_known(evidence=None if self.evidence is None else self.evidence.to_json()),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Stage:
        picture = data["picture"]
        return cls(
            artifact=data["artifact"],
            outcome=Outcome(data["outcome"]),
            hop=data["hop"],
            runtime=data["runtime"],
            metrics=Metrics(**{name: _float(data[name]) for name in Metrics.names()}),
            seconds=data["seconds"],
            message=data["message"],
            where=data["where"],
            picture=None if picture is None else tuple(picture),
            log=data["log"],
            kept=data.get("kept", False),
            device=DeviceNote.from_json(data["device"]) if "device" in data else None,
            evidence=Evidence.from_json(data["evidence"]) if "evidence" in data else None,
        )


@dataclass(frozen=True)
class ExpectationNote:
    """The expectation that decided a result: its id, the outcome it foresees, the reason, and the upstream link."""

    id: str
    outcome: Outcome
    reason: str
    link: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "outcome": self.outcome.value, "reason": self.reason, "link": self.link}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ExpectationNote:
        return cls(id=data["id"], outcome=Outcome(data["outcome"]), reason=data["reason"], link=data["link"])


@dataclass(frozen=True)
class RecordNote:
    """What the record has at a stage, the one with this number: outcome and noise units, as `harness.judge.record`
    writes them."""

    stage: int
    cells: str

    def to_json(self) -> dict[str, Any]:
        return {"stage": self.stage, "cells": self.cells}


@dataclass(frozen=True)
class Result:
    """The result of one case on one route.

    `judgement` is its meaning for the run, `answer` what it is beside the record, `recorded` what the record has at the
    stage that gives the answer (None for the same or nothing). `task` holds the metrics of a classifier, such as
    `top1_agreement`, `logits_max_abs` and `confusion` (rows: expected class, columns: actual class). `facts` are
    derived from the case's configuration and sizes by `harness.judge.facts`. `entered` has the digests of those
    functions of the header's `changed` that the walk entered.
    """

    case: str
    dialect: str
    layer: str
    profile: str
    config: Mapping[str, Any]
    route: str
    stages: tuple[Stage, ...]
    judgement: Judgement
    expectation: ExpectationNote | None = None
    message: str = ""
    replay: str = ""
    answer: Answer = Answer.NEW
    recorded: RecordNote | None = None
    task: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None
    entered: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError(f"case {self.case} on route {self.route} has no stage: record at least the source's")

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the stages."""
        return Outcome.worst(stage.outcome for stage in self.stages)

    @property
    def fault(self) -> Stage | None:
        """The stage at fault; None if all pass."""
        return fault_of(self.stages)

    @property
    def blame(self) -> str | None:
        """The hop at fault, `source`, or the runtime of a device (`Stage.blamed`); None if all stages pass."""
        return None if self.fault is None else self.fault.blamed

    @property
    def key(self) -> tuple[str, str]:
        """Case and route: no two results of a run share them."""
        return (self.case, self.route)

    @property
    def units(self) -> float | None:
        """Largest normwise error of any stage, in noise units; NaN counts as infinite."""
        return max((stage.units for stage in self.stages if stage.units is not None), default=None)

    @property
    def seconds(self) -> float:
        """Framework time of all stages."""
        return sum(stage.seconds for stage in self.stages)

    def to_json(self) -> dict[str, Any]:
        data = {
            "event": "result",
            "case": self.case,
            "dialect": self.dialect,
            "layer": self.layer,
            "profile": self.profile,
            "config": plain(self.config),
            "route": self.route,
            "stages": [stage.to_json() for stage in self.stages],
            "blame": self.blame,
            "outcome": self.outcome.value,
            "expectation": None if self.expectation is None else self.expectation.to_json(),
            "judgement": self.judgement.value,
            "answer": self.answer.value,
            "recorded": None if self.recorded is None else self.recorded.to_json(),
            "message": self.message,
            "replay": self.replay,
        }
        more = {"task": self.task, "facts": self.facts, "entered": self.entered or None}
        return data | {name: plain(value) for name, value in more.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """The result of a line. Raises ValueError if outcome, blame or judgement contradict the stages."""
        note = data["expectation"]
        result = cls(
            case=data["case"],
            dialect=data["dialect"],
            layer=data["layer"],
            profile=data["profile"],
            config=data["config"],
            route=data["route"],
            stages=tuple(Stage.from_json(stage) for stage in data["stages"]),
            judgement=Judgement(data["judgement"]),
            answer=Answer(data["answer"]),
            recorded=None if data["recorded"] is None else RecordNote(**data["recorded"]),
            expectation=None if note is None else ExpectationNote.from_json(note),
            message=data["message"],
            replay=data["replay"],
            task=_numbers(data.get("task")),
            facts=data.get("facts"),
            entered=tuple(data.get("entered", ())),
        )
        for name, stated in (("outcome", result.outcome.value), ("blame", result.blame)):
            if data[name] != stated:
                raise ValueError(
                    f"case {result.case} on route {result.route} has {name} {data[name]}, its stages say {stated}"
                )
        if result.judgement is Judgement.PASSED and result.fault is not None:
            raise ValueError(f"case {result.case} on route {result.route} passed, its stages say {result.outcome}")
        return result


@dataclass(frozen=True)
class Owed:
    """The cases that the run owes on one route. These lines follow the header, before the first case is walked."""

    route: str
    cases: tuple[str, ...]

    @property
    def keys(self) -> frozenset[tuple[str, str]]:
        """Case and route of each result that is owed."""
        return frozenset((case, self.route) for case in self.cases)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> tuple[Owed, ...]:
        """What is owed on each route, given pairs of case and route."""
        routes: dict[str, list[str]] = {}
        for case, route in pairs:
            routes.setdefault(route, []).append(case)
        return tuple(cls(route, tuple(cases)) for route, cases in routes.items())

    def to_json(self) -> dict[str, Any]:
        return {"event": "owed", "route": self.route, "cases": list(self.cases)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Owed:
        return cls(data["route"], tuple(data["cases"]))


@dataclass(frozen=True)
class Footer:
    """The last line: the end of the run, and the number of results written.

    `load` is the highest of the machine at the end of any result; None if it is not known.
    """

    finished: str
    seconds: float
    results: int
    outcomes: Mapping[str, int]
    judgements: Mapping[str, int]
    load: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {"event": "footer", **_known(**{item.name: plain(getattr(self, item.name)) for item in fields(self)})}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Footer:
        return cls(**{item.name: data[item.name] for item in fields(cls) if item.name in data})


def published_schema() -> dict[str, Any]:
    """The published JSON Schema of one line."""
    text = (files("harness.results") / "results.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with each `$ref` replaced by its definition, since the validator resolves references on every line."""
    if isinstance(node, dict):
        if "$ref" in node:
            return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(item, definitions) for key, item in node.items()}
    return [_inlined(item, definitions) for item in node] if isinstance(node, list) else node


@cache
def _schema(event: str) -> dict[str, Any] | None:
    """The schema of one kind of line; None for an unknown kind."""
    definitions = published_schema()["$defs"]
    return _inlined(definitions[event], definitions) if event in ("header", "owed", "result", "footer") else None


@cache
def _validator(event: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_schema(event) or {})


def check_line(data: Mapping[str, Any]) -> str:
    """The fault of one line by the schema of its `event`; '' if it has none.

    A run writes ten thousands of lines, so a compiled validator looks first; jsonschema words the fault.
    """
    event = str(data.get("event"))
    schema = _schema(event)
    if schema is None:
        return f"expected event 'header', 'owed', 'result' or 'footer', got {data.get('event')!r}"
    if _validator(event).is_valid(data):
        return ""
    error = best_match(Draft202012Validator(schema).iter_errors(data))
    return f"{error.json_path}: {error.message[:400]}" if error else "the line does not fit its schema"
