"""Events of the results file: a header, one result per case and route, a footer; and their schema.

The schema is published beside this module as `results.schema.json` (JSON Schema 2020-12), with one definition
per `event`. `harness.results.file` writes and reads the file.

JSON stays strict: an infinite or NaN float is written as the string "inf", "-inf" or "nan". Numbers of stages
and of `metrics` come back as floats; in `config` and `options`, which are only shown, they stay strings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from harness.errors import InputError
from harness.outcomes import Metrics, Outcome

SCHEMA = 2
"""Number of the file's schema; a reader refuses any other."""
NON_FINITE = ("inf", "-inf", "nan")
"""How a float that JSON cannot hold is written."""
SOURCE = "source"
"""Whom a source artifact that deviates is put down to: no hop made it."""


class ResultsError(InputError):
    """A results file that cannot be trusted; `where` names the file and the line."""


class EmptyResults(ResultsError):
    """The file holds no line at all: the run died before it wrote its header."""


class CutRun(ResultsError):
    """The file has no footer: the run was stopped, or is still going on."""


class ForeignResults(ResultsError):
    """A line is not JSON, not of this schema, or not where it belongs: the file is not one of ours."""


class InconsistentResults(ResultsError):
    """Every line is well formed, but they contradict each other, or the schema number is not known here."""


class Judgement(StrEnum):
    """What a result means for the run: `failed` deviates unexpectedly, or was expected to and does not."""

    PASSED = "passed"
    EXPECTED = "expected"
    FAILED = "failed"


def fault_of(stages: Sequence[Stage]) -> Stage | None:
    """The first stage that does not pass: what a bad artifact does further on is its consequence."""
    return next((stage for stage in stages if not stage.outcome.passes), None)


def utc_now() -> str:
    """The time as the file writes it: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def plain(value: Any) -> Any:
    """The value as strict JSON data: tuples as lists, NumPy scalars as numbers, non-finite floats as strings."""
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
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"expected JSON data, got {type(value).__name__}: {value!r}")


def _float(value: float | str | None) -> float | None:
    return None if value is None else float(value)


def _numbers(value: Any) -> Any:
    """The inverse of `plain` for metrics, in which "inf", "-inf" and "nan" can only be numbers."""
    if isinstance(value, str) and value in NON_FINITE:
        return float(value)
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return {key: _numbers(item) for key, item in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True)
class RouteStatus:
    """A route the run knew of, and the reason if it could not run here."""

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
    """What the run knew of a plugin on its routes, so that whoever reads the file need not ask.

    `kind` is `format`, `hop` or `runtime`; `engine` the library that does the work ('' for a format that the suite
    itself writes), `base` the name without the opset, `distribution` the package to name ('' for a loose file).
    """

    name: str
    kind: str
    engine: str
    base: str
    opset: int | None = None
    distribution: str = ""

    def to_json(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PluginNote:
        return cls(**data)


@dataclass(frozen=True)
class Header:
    """First line: what ran, with which versions, over which routes, and how many results it owes (`floor`)."""

    command: tuple[str, ...]
    versions: Mapping[str, str]
    routes: tuple[RouteStatus, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    floor: int = 1
    started: str = field(default_factory=utc_now)
    schema: int = SCHEMA
    plugins: tuple[PluginNote, ...] = ()

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
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Header:
        return cls(
            command=tuple(data["command"]),
            versions=data["versions"],
            routes=tuple(RouteStatus.from_json(route) for route in data["routes"]),
            plugins=tuple(PluginNote.from_json(plugin) for plugin in data.get("plugins", ())),
            options=data["options"],
            floor=data["floor"],
            started=data["started"],
            schema=data["schema"],
        )


@dataclass(frozen=True)
class Stage:
    """One artifact of a route, made by `hop` (None for the source) and run by `runtime` (None if it never ran).

    `metrics` are the error, `where` the output and index of the largest; `seconds` is the framework's time to convert
    and run; `log` the tail of the worker's stderr, kept where a conversion or a run did not end well.
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

    @property
    def by(self) -> str:
        """Whom the stage is put down to: the hop, or `source`."""
        return self.hop or SOURCE

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
        )


@dataclass(frozen=True)
class ExpectationNote:
    """The expectation that spoke about a result: its id, the outcome it foresees, why, and the upstream link."""

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
class Result:
    """One case along one route.

    `judgement` is what it means for the run. `task` are further numbers of a whole task, such as `top1_agreement`,
    `logits_max_abs` and `confusion` (rows: expected class, columns: class got). `facts` follow from the case's
    configuration and sizes, as `harness.judge.facts` derives them.
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
    task: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError(f"case {self.case} on route {self.route} has no stage: record at least the source's")

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the stages."""
        return Outcome.worst(stage.outcome for stage in self.stages)

    @property
    def fault(self) -> Stage | None:
        """The stage at fault; None where all pass."""
        return fault_of(self.stages)

    @property
    def blame(self) -> str | None:
        """The hop at fault, or `source`; None where all stages pass."""
        return None if self.fault is None else self.fault.by

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
            "message": self.message,
            "replay": self.replay,
        }
        more = {"task": self.task, "facts": self.facts}
        return data | {name: plain(value) for name, value in more.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """The result of a line. Raises ValueError where outcome or blame are not those of the stages."""
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
            expectation=None if note is None else ExpectationNote.from_json(note),
            message=data["message"],
            replay=data["replay"],
            task=_numbers(data.get("task")),
            facts=data.get("facts"),
        )
        for name, stated in (("outcome", result.outcome.value), ("blame", result.blame)):
            if data[name] != stated:
                raise ValueError(
                    f"case {result.case} on route {result.route} has {name} {data[name]}, its stages say {stated}"
                )
        return result


@dataclass(frozen=True)
class Footer:
    """Last line: the run came to its end, and how many results it wrote."""

    finished: str
    seconds: float
    results: int
    outcomes: Mapping[str, int]
    judgements: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        return {"event": "footer", **{item.name: plain(getattr(self, item.name)) for item in fields(self)}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Footer:
        return cls(**{item.name: data[item.name] for item in fields(cls)})


def published_schema() -> dict[str, Any]:
    """The JSON Schema of one line, as published."""
    text = (files("harness.results") / "results.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema without `$ref`: following references on every line takes most of the library's time."""
    if isinstance(node, dict):
        if "$ref" in node:
            return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(item, definitions) for key, item in node.items()}
    return [_inlined(item, definitions) for item in node] if isinstance(node, list) else node


@cache
def _validators() -> dict[str, Draft202012Validator]:
    definitions = published_schema()["$defs"]
    return {
        event: Draft202012Validator(_inlined(definitions[event], definitions))
        for event in ("header", "result", "footer")
    }


def check_line(data: Mapping[str, Any]) -> str:
    """What is wrong with one line by the schema of its `event`; empty if nothing is."""
    validator = _validators().get(str(data.get("event")))
    if validator is None:
        return f"expected event 'header', 'result' or 'footer', got {data.get('event')!r}"
    error = best_match(validator.iter_errors(data))
    return f"{error.json_path}: {error.message[:400]}" if error else ""
