"""What the corpus covers: layers, pairs and triples of axis values, arguments; and what became of routes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.catalogue import Row
from harness.catalogue.excluded import LAYERS, why_left_out
from harness.corpus.keras_layers import exported
from harness.corpus.store import Entry
from harness.draw.cover import covered
from harness.spec import canonical

Record = dict[str, Any]


def _percent(part: tuple[int, int]) -> float:
    return round(100.0 * part[0] / part[1], 1) if part[1] else 100.0


def layer_records(rows: Iterable[Row], entries: Iterable[Entry]) -> list[Record]:
    """One record for each layer of the catalogue, then one for each that is excluded, with the reason."""
    choices: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for entry in entries:
        choices[entry.dialect, entry.subject].append(entry.choice)
    records = []
    for row in rows:
        own = choices[row.key]
        records.append(
            {
                "dialect": row.dialect,
                "layer": row.layer,
                "cases": len(own),
                "pairs": _percent(covered(row, own)),
                "threeway": _percent(covered(row, own, 3)),
                "profiles": list(row.axes["profile"]),
                "excluded": None,
            }
        )
    empty = {"cases": 0, "pairs": 0.0, "threeway": 0.0, "profiles": list[str]()}
    return records + [{"dialect": "keras", "layer": layer, **empty, "excluded": why} for layer, why in LAYERS.items()]


@dataclass(frozen=True)
class Argument:
    """A constructor argument of a layer: how many values the corpus gives it, or why it needs none."""

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
    """Every constructor argument of every Keras layer of the corpus.

    Values are counted in the layers of the golden cases, those inside wrappers included; leaving an argument out is
    one. Raises ModuleNotFoundError where Keras is not installed.
    """
    given: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    calls: Counter[str] = Counter()
    named: Counter[tuple[str, str]] = Counter()

    def note(kind: str, config: Mapping[str, Any]) -> None:
        calls[kind] += 1
        for name, value in config.items():
            given[kind][name].add(canonical(value))
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
    found = []
    for layer, cls in exported().items():
        for name in cls.arguments if layer in subjects else ():
            left_out = named[layer, name] < calls[layer]
            count = len(given[layer][name]) + left_out
            found.append(Argument(layer, name, count, None if count > 1 else why_left_out(layer, name)))
    return found
