"""Accepted deviations of a converter's own repository: a TOML file, each entry one case on one route until a day.

The file fits the schema that is published beside this module, `accepted.schema.json`. Nothing is accepted by pattern or
by the beginning of an id.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from harness.errors import InputError
from harness.patterns import pointer

SCHEMA = "accepted.schema.json"
LOST = "lost"
"""The outcome that accepts that no result comes."""
ADVICE = "docs/ci.md explains the file."


class AcceptedError(InputError):
    """A file of accepted deviations that cannot be used; the message names file, entry and key."""


@dataclass(frozen=True)
class Accepted:
    """One deviation that is accepted up to and including the day `until`."""

    case: str
    route: str
    outcome: str
    reason: str
    link: str
    until: date

    @property
    def key(self) -> tuple[str, str]:
        """Case and route."""
        return (self.case, self.route)

    def is_expired(self, today: date) -> bool:
        return today > self.until

    def __str__(self) -> str:
        return f"{self.case} on {self.route}, {self.outcome} until {self.until}"

    def to_json(self) -> dict[str, str]:
        return {item.name: str(getattr(self, item.name)) for item in fields(self)}


def load(path: Path) -> tuple[Accepted, ...]:
    """The entries of a file. Raises AcceptedError for the first that does not fit the schema or stands twice."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AcceptedError(f"not a TOML file: {error}", where=path, advice=ADVICE) from error
    data = _with_days_as_text(data)
    faults = sorted(_validator().iter_errors(data), key=lambda fault: list(map(str, fault.path)))
    if faults:
        raise _explained(faults[0], path)
    entries = tuple(
        Accepted(**{**each, "until": date.fromisoformat(each["until"])}) for each in data.get("accepted", ())
    )
    for key, count in Counter(each.key for each in entries).items():
        if count > 1:
            raise AcceptedError(
                f"case {key[0]} on route {key[1]} stands {count} times", where=path, expected="each pair once"
            )
    return entries


def check_names(entries: Iterable[Accepted], cases: Collection[str], routes: Collection[str], *, where: object) -> None:
    """Raise AcceptedError for an entry whose case or route is none of these."""
    for place, each in enumerate(entries, 1):
        for noun, name, known in (("case", each.case, cases), ("route", each.route, routes)):
            if name not in known:
                raise AcceptedError(
                    f"there is no {noun} {name!r}",
                    where=f"{where}, accepted number {place}",
                    expected=f"the whole {'id of a case' if noun == 'case' else 'name of a route'}",
                    advice=f"{_longer(name, known) or pointer(name, known)}Remove the entry if the {noun} is gone.",
                )


def _longer(name: str, known: Iterable[str]) -> str:
    """A sentence that names what begins with `name`; '' if nothing does."""
    names = sorted(each for each in known if each.startswith(name))
    return f"It is the beginning of {', '.join(names[:3])}. " if names else ""


def _is_day(text: Any) -> bool:
    return not isinstance(text, str) or bool(date.fromisoformat(text))


FORMATS = FormatChecker(formats=())
"""What `format` means in the schema."""
FORMATS.checks("date", raises=ValueError)(_is_day)


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads((files("harness.judge") / SCHEMA).read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FORMATS)


def _with_days_as_text(node: Any) -> Any:
    """The data with TOML's dates as JSON has them."""
    if isinstance(node, Mapping):
        return {key: _with_days_as_text(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_with_days_as_text(value) for value in node]
    return node.isoformat() if isinstance(node, date) and not isinstance(node, datetime) else node


def _explained(fault: ValidationError, path: Path) -> AcceptedError:
    table, number, key = [*fault.path, None, None, None][:3]
    where = str(path) if number is None else f"{path}, {table} number {int(number) + 1}"
    schema = fault.schema if isinstance(fault.schema, Mapping) else {}
    known = schema.get("properties", {})
    if fault.validator == "additionalProperties":
        unknown = next(name for name in fault.instance if name not in known)
        return AcceptedError(f"unknown key {unknown!r}", where=where, expected=f"one of {', '.join(known)}")
    if fault.validator == "required":
        lacking = next(name for name in fault.validator_value if name not in fault.instance)
        return AcceptedError(f"it lacks {lacking!r}", where=where, expected=known[lacking]["title"], advice=ADVICE)
    return AcceptedError(
        f"{table if key is None else key!r} has a wrong value",
        where=where,
        expected=str(schema.get("title", "")),
        came=repr(fault.instance),
        advice=ADVICE,
    )
