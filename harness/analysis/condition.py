"""The condition under which a defect shows: its words, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MANY = 5
"""A condition with this many equally simple others is not trusted; `always` needs this many failing stages."""
ALWAYS = "always"
LARGEST = "largest of "
"""Beginning of the name of an axis that holds the largest number of a list."""
_NOT_SEPARATED = "not told apart by three axes or two alternatives"


@dataclass(frozen=True)
class Condition:
    """The condition under which a defect shows. `words` reads `padding = same and strides > 1`, or `always`.

    `precision` is the share of failing stages among the stages that it covers, `recall` the share of failing stages
    that it covers; a `perfect` condition has 1 and 1. `failing` and `passing` count the stages of the search, `cases`
    the failing cases, `others` the equally simple conditions over other axes that separate as well. `chance`: a
    condition as simple also separates the same number of cases picked at random. `alike` says which of its parts the
    cases cannot tell from which others, such as `dilation > 1 from strides = 1`: these hold in the same cases.
    """

    words: str
    layers: tuple[str, ...]
    axes: tuple[str, ...] = ()
    precision: float = 1.0
    recall: float = 1.0
    failing: int = 0
    passing: int = 0
    cases: int = 0
    others: int = 0
    chance: bool = False
    alike: tuple[str, ...] = ()

    @property
    def perfect(self) -> bool:
        return self.precision == 1 and self.recall == 1

    @property
    def sure(self) -> bool:
        """Whether it is perfect, has few `others`, rests on several cases, and is unlikely by chance."""
        return self.perfect and not self._vague and self.cases > 1

    @property
    def text(self) -> str:
        """The words, and how far to trust them."""
        if not self.perfect:
            return self._guess
        if self.words == ALWAYS and self.failing < MANY:
            return f"in all {self.failing} that got there" if self.failing > 1 else "in the only case that got there"
        if self._vague:
            others = self.others + len(self.alike)
            rest = f", or {_others(others)} as simple" if others else ""
            return f"too few cases to tell: {self.words}{rest}"
        marks = self._untold
        marks += [f"or {_others(self.others)} as simple"] if self.others else []
        marks += ["one case"] if self.cases == 1 and self.axes else []
        return f"{self.words} ({'; '.join(marks)})" if marks else self.words

    @property
    def _vague(self) -> bool:
        return self.others + len(self.alike) >= MANY or self.chance

    @property
    def _guess(self) -> str:
        hint = f"; best guess {self.words}" if self.axes else ""
        measures = [f"precision {_percent(self.precision)}, recall {_percent(self.recall)}", *self._untold]
        return f"{_NOT_SEPARATED}{hint} ({'; '.join(measures)})"

    @property
    def _untold(self) -> list[str]:
        return [f"these cases cannot tell {', or '.join(self.alike)}"] if self.alike else []

    def joined(self, other: Condition) -> Condition:
        """This condition joined with one of the same words: for other layers, or from another group of results.

        What the cases of one layer tell apart is told apart.
        """
        return Condition(
            words=self.words,
            layers=tuple(dict.fromkeys((*self.layers, *other.layers))),
            axes=self.axes,
            precision=min(self.precision, other.precision),
            recall=min(self.recall, other.recall),
            failing=self.failing + other.failing,
            passing=self.passing + other.passing,
            cases=self.cases + other.cases,
            others=min(self.others, other.others),
            chance=self.chance and other.chance,
            alike=tuple(words for words in self.alike if words in other.alike),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "layers": list(self.layers),
            "perfect": self.perfect,
            "sure": self.sure,
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "failing": self.failing,
            "passing": self.passing,
            "cases": self.cases,
            "others": self.others,
            "chance": self.chance,
            "alike": list(self.alike),
        }


def collected(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Conditions of several layers, with perfect conditions of the same words joined."""
    by_words: dict[tuple[str, ...], Condition] = {}
    for condition in conditions:
        mark = (condition.words,) if condition.perfect else (condition.words, *condition.layers)
        by_words[mark] = by_words[mark].joined(condition) if mark in by_words else condition
    return tuple(by_words.values())


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Axes with plain values. An inner layer yields its kind and its axes; a list of numbers also its largest."""
    for name, value in config.items():
        if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
            yield f"{prefix}{name}", value["kind"]
            yield from flat(value["config"], f"{prefix}{name}.")
        elif isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
            if isinstance(value, list | tuple) and len(value) > 1 and all(map(is_number, value)):
                yield f"{LARGEST}{prefix}{name}", max(value)


def is_number(value: Any) -> bool:
    """Whether a value can be compared by size."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _others(count: int) -> str:
    return f"{count:,} other{'' if count == 1 else 's'}"
