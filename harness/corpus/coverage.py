"""Coverage of the corpus: layers, pairs and triples of axis values, and constructor arguments."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.catalogue import Row
from harness.catalogue.excluded import LAYERS, reason_to_omit
from harness.corpus.keras_layers import exported
from harness.corpus.store import Entry
from harness.draw.cover import apart, covered, held, wanted
from harness.spec import canonical

Record = dict[str, Any]


def _percent(part: tuple[int, int]) -> float:
    return round(100.0 * part[0] / part[1], 1) if part[1] else 100.0


def layer_records(rows: Iterable[Row], entries: Iterable[Entry]) -> list[Record]:
    """One record for each layer of the catalogue, then one for each excluded layer, with the reason."""
    choices: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for entry in entries:
        choices[entry.dialect, entry.subject].append(entry.choice)
    records = []
    for row in rows:
        drawn = choices[row.key]
        records.append(
            {
                "dialect": row.dialect,
                "layer": row.layer,
                "cases": len(drawn),
                "pairs": _percent(covered(row, drawn)),
                "threeway": _percent(covered(row, drawn, 3)),
                "profiles": list(row.axes["profile"]),
                "excluded": None,
            }
        )
    empty = {"cases": 0, "pairs": 0.0, "threeway": 0.0, "profiles": list[str]()}
    return records + [{"dialect": "keras", "layer": layer, **empty, "excluded": why} for layer, why in LAYERS.items()]


def pair_records(
    rows: Iterable[Row], entries: Iterable[Entry], converted: Mapping[str, Mapping[str, bool]]
) -> list[Record]:
    """One record for each layer and route: how many valid pairs of axis values occur in which cases.

    `converted` says by route and id of a case whether the case came to an answer there. `frozen` counts the pairs in
    any case of the corpus, `walked` those in a case that the route was walked with, `converted` those in a case that
    came to an answer, and `apart` those that did in none although both values did.
    """
    choices: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for entry in entries:
        choices[entry.dialect, entry.subject][entry.id] = entry.choice
    records = []
    for row in rows:
        drawn = choices[row.key]
        routes = {
            route: walked
            for route, by_case in converted.items()
            if (walked := {case: ended for case, ended in by_case.items() if case in drawn})
        }
        pairs = wanted(row) if routes else {}
        frozen = len(pairs.keys() & held(row, drawn.values())) if routes else 0
        for route, walked in routes.items():
            ended = [drawn[case] for case in walked if walked[case]]
            records.append(
                {
                    "dialect": row.dialect,
                    "layer": row.layer,
                    "route": route,
                    "cases": len(walked),
                    "ended": len(ended),
                    "pairs": len(pairs),
                    "frozen": frozen,
                    "walked": len(pairs.keys() & held(row, (drawn[case] for case in walked))),
                    "converted": len(pairs.keys() & held(row, ended)),
                    "apart": apart(row, pairs, ended),
                }
            )
    return records


@dataclass(frozen=True)
class Argument:
    """A constructor argument of a layer: the number of its values in the corpus, or why it needs only one."""

    layer: str
    name: str
    values: int
    reason: str | None

    @property
    def drawn(self) -> bool:
        return self.values > 1

    def to_json(self) -> Record:
        return {"layer": self.layer, "argument": self.name, "values": self.values, "reason": self.reason}


def arguments(entries: Iterable[Entry]) -> list[Argument]:
    """Every constructor argument of every Keras layer of the corpus, with the number of its values.

    Layers inside wrappers count too. The default of an omitted argument counts as one value.
    Raises ModuleNotFoundError if Keras is not installed.
    """
    values_of: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    calls: Counter[str] = Counter()
    named: Counter[tuple[str, str]] = Counter()

    def note(kind: str, config: Mapping[str, Any]) -> None:
        calls[kind] += 1
        for name, value in config.items():
            values_of[kind][name].add(canonical(value))
            named[kind, name] += 1
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and set(item) == {"kind", "config"}:
                    note(item["kind"], item["config"])

    subjects = set()
    for entry in entries:
        if entry.dialect == "keras":
            subjects.add(entry.subject)
            for layer in entry.data["spec"]["layers"]:
                note(layer["kind"], layer["config"])
    records = []
    for layer, cls in exported().items():
        for name in cls.arguments if layer in subjects else ():
            omitted = named[layer, name] < calls[layer]
            count = len(values_of[layer][name]) + omitted
            records.append(Argument(layer, name, count, None if count > 1 else reason_to_omit(layer, name)))
    return records
