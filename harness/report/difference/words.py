"""The difference between two runs in words: one sentence that says what to do, and the lines around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.analysis.choice import Choice
from harness.analysis.difference import Difference
from harness.analysis.grouping import Group
from harness.analysis.messages import shown
from harness.judge.record import plain_id
from harness.patterns import few
from harness.results.changed import Changed
from harness.results.environments import version_in
from harness.results.events import Answer

NAMED = 10
"""Most pairs that a list names."""
_NOUNS = {
    Answer.REGRESSION: ("regression", "regressions"),
    Answer.CHANGED: ("change for the worse", "changes for the worse"),
    Answer.LOST: ("loss", "losses"),
}


def title(difference: Difference) -> str:
    """What is compared with what."""
    base, head = difference.base, difference.head
    cases = many(len({plain_id(result.case) for result in head.results}), "case")
    if not base.under_test:
        name = "the record" if base.results is None else base.name
        return f"head of {head.header.started} beside {name}; {cases}"
    installed = ", ".join(f"{name} {version_in(head.header.versions, name)}" for name in base.under_test)
    if not base.beside:
        return f"{installed} (installed) beside {'the record' if base.results is None else base.name}; {cases}"
    others = [f"{each.name} {each.head}" for each in base.apart if each.name not in base.under_test]
    both = f", both with {', '.join(others)}" if others else ""
    return f"{installed} (installed) beside {base.name}{both}; {cases}"


def sentence(difference: Difference) -> str:
    """What came of it and what to do, in one sentence."""
    failing = [group for group in difference.groups if group.fails]
    if not failing:
        return _good(difference)
    counts = Counter(change.answer for change in difference.failing)
    parts = [f"{counts[answer]:,} {nouns[counts[answer] != 1]}" for answer, nouns in _NOUNS.items() if counts[answer]]
    defects = [group for group in failing if group.answer is not Answer.LOST]
    where = f" of {many(len(defects), 'defect')} in {few(_hops(defects))}" if defects else ""
    return f"{' and '.join(parts)}{where}: {_advice(failing[0])}, then mend it or accept it by its id."


def _advice(group: Group) -> str:
    first = group.smallest
    if group.answer is Answer.LOST:
        return f"see why {first.case} has no result on {first.route} ({first.why})"
    return f"look at the first with `{first.replay}`"


def _good(difference: Difference) -> str:
    changes = difference.changes
    accepted = sum(change.is_worse for change in changes)
    also = {
        "fixed": difference.counts.get(Answer.FIXED, 0),
        "changed, but not worse": sum(each.answer is Answer.CHANGED and not each.is_worse for each in changes),
        "with drift": difference.counts.get(Answer.DRIFT, 0),
        "worse, but accepted": accepted,
        "new": len(difference.new),
    }
    counted = ", ".join(f"{count:,} {words}" for words, count in also.items() if count)
    compared = f"{many(difference.compared, 'compared result')}{f': {counted}' if counted else ''}"
    what = "Nothing else" if accepted else "Nothing"
    if difference.untried:
        return f"{what} that was tried got worse in {compared}; {_number(difference.untried)} not tried."
    return f"{what} got worse in {compared}."


def untried(difference: Difference) -> Iterator[str]:
    """What has changed in the converters and no case entered, a line for each, and what to do."""
    left = difference.untried
    for each in left[:NAMED]:
        yield f"not tried: {not_tried(each)}"
    if len(left) > NAMED:
        yield f"not tried: {len(left) - NAMED:,} more, which `--json` names"
    if any(each.gone for each in left):
        yield "What is gone may have been needed by no selected case: the record does not say which cases entered it."
    if here := [each for each in left if not each.gone]:
        narrow = "Without `--layer` more cases are walked. " if Choice.of(difference.head).layers else ""
        them = "it" if len(here) == 1 else "them"
        yield (
            f"{narrow}Other routes may enter {them}: `parity list routes`. "
            f"If none does, only the converter's own tests try {them}."
        )


def not_tried(each: Changed) -> str:
    """What differs, from what, and what kept it from being tried."""
    if each.gone:
        return f"{each} of {each.distribution} {each.release} is gone; no case can enter it"
    kept = "no selected case imports it" if each.is_file else "no selected case enters it"
    return f"{each} differs from {each.distribution} {each.release}; {kept}"


def _number(left: Sequence[Changed]) -> str:
    """`1 changed file and 2 removed functions of onnx2torch were`."""
    kinds = Counter(
        f"{'removed' if each.gone else 'changed'} {'file' if each.is_file else 'function'}" for each in left
    )
    parts = [many(count, kind) for kind, count in sorted(kinds.items())]
    converters = " and ".join(sorted({each.distribution for each in left}))
    return f"{' and '.join(parts)} of {converters} {'was' if len(left) == 1 else 'were'}"


def environment(difference: Difference) -> Iterator[str]:
    """What differs between the environments, a line for each."""
    for each in difference.environment:
        yield f"{each}{'' if each.allowed or not each.matters else ' (not allowed)'}"


def remarks(difference: Difference) -> Iterator[str]:
    """Warnings, acceptances that ended, and what was not compared, a line for each."""
    yield from difference.warnings
    for entry in difference.expired:
        yield f"the acceptance of {entry} has expired, and it still happens: {entry.reason} {entry.link}"
    for entry, now in difference.idle:
        yield f"the acceptance of {entry} is not needed: it is {now} now. Remove it."
    for name, pairs in (("base", difference.only_base), ("head", difference.only_head)):
        if pairs:
            cases = sorted({case for case, _ in pairs})
            named = few(cases, NAMED)
            yield f"only the {name} has {many(len(pairs), 'result')} of {many(len(cases), 'case')}: {named}"
    for name, other, count in zip(("base", "head"), ("head", "base"), difference.unselected, strict=True):
        if count:
            yield f"{many(count, 'result')} of the {name} not compared: the {other} was not asked for them"
    if difference.random:
        yield f"{many(difference.random, 'result')} of stages whose outcome is random: each is one of those known"
    if difference.failing_new:
        yield f"{many(len(difference.failing_new), 'new result')} failed in the head's own run"


def counts(difference: Difference) -> str:
    """The counts of the answers in a line."""
    return ", ".join(f"{count:,} {answer}" for answer, count in difference.counts.items())


def details(group: Group) -> dict[str, str]:
    """What there is to say of a group, by label, without what is not known."""
    first = group.smallest
    known = {
        "layers": group.brief,
        "when": group.condition,
        "before": joined(first.before, first.earlier_message),
        "now": joined(first.now, "" if group.answer is Answer.LOST else first.message),
        "at": "" if group.frame is None else str(group.frame),
        "known as": ", ".join(group.expectations),
        "accepted": "; ".join(
            dict.fromkeys(f"{each.reason} ({each.link}, until {each.until})" for each in group.entries)
        ),
        "smallest": first.case,
        "replay": first.replay,
    }
    return {label: text for label, text in known.items() if text}


def joined(ending: str, message: str) -> str:
    """An ending and its message."""
    return f"{ending}: {shown(message)}" if message else ending


def many(count: int, singular: str) -> str:
    """A count with its noun."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def _hops(groups: Sequence[Group]) -> list[str]:
    return sorted({hop for group in groups for hop in group.hops})
