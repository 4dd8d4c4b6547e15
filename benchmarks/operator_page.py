"""Writes docs/operators.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from benchmarks.entered import Function
from benchmarks.operator_values import OPSET, Fact, schema_of
from benchmarks.operators import Corpus, Findings, accepted, importers, is_entered

HEAD = """\
# Operators and attribute values

Which operators of ONNX the golden Keras cases reach through tf2onnx at its default opset, 15, with which values of
their attributes; what tf2onnx could write beyond, and why no case has it; and which code of the converters was never
entered. Written by

    python -m benchmarks.operators -o docs/operators.md

Strings, flags and types are values of their own. Axes, sizes, pads and factors count in classes: whether an axis is
negative, whether pads are lopsided, whether all channels are a group each (`benchmarks/operator_values.py` has them
all). Inputs that are optional, or that some importers take as constants only, count like attributes: `input shape` is
`constant` or `computed`. What tf2onnx can write is read from its source (`benchmarks/handlers.py`), reasons stand in
`benchmarks/operators.toml`. A run that was cut short counts the cases that it came to, those with the most axis values
of a layer first.
"""


def page(findings: Findings) -> str:
    """The Markdown page."""
    return "\n".join([HEAD, *_figures(findings), *_occurring(findings), *_never(findings), *_code(findings)]) + "\n"


def _figures(findings: Findings) -> Iterator[str]:
    corpora = [*([("before", findings.before)] if findings.before else []), ("now", findings.now)]
    operators = len({fact.operator for fact in findings.possible})
    handlers = len(findings.source.handlers)
    yield "| | exist | " + " | ".join(name for name, _ in corpora) + " |"
    yield "|--|--|" + "--|" * len(corpora)
    cells = {
        "cases": [f"{findings.total:,}", *(f"{len(corpus.cases):,}" for _, corpus in corpora)],
        **{
            f"converted by {hop}": ["", *(f"{corpus.converted[hop]:,}" for _, corpus in corpora)]
            for hop in findings.now.converted
        },
        "operators": [operators, *(len({fact.operator for fact in corpus.facts}) for _, corpus in corpora)],
        "pairs of an operator and a value": [
            sum(1 for fact in findings.possible if fact.attribute),
            *(findings.pairs(corpus) for _, corpus in corpora),
        ],
        "handlers of tf2onnx entered": [handlers, *(handlers - _idle(findings, corpus) for _, corpus in corpora)],
    }
    for name, values in cells.items():
        yield f"| {name} | " + " | ".join(str(value) for value in values) + " |"
    yield ""


def _idle(findings: Findings, corpus: Corpus) -> int:
    entered = corpus.entered("keras")
    return sum(one.first not in entered.get(f"tf2onnx/{one.file}", ()) for one in findings.source.handlers)


def _occurring(findings: Findings) -> Iterator[str]:
    counts, before = findings.now.facts, findings.before.facts if findings.before else findings.now.facts
    yield "## What occurs"
    yield ""
    yield "Each value with the number of cases that have it; **bold** where it is new."
    yield ""
    yield "| operator | attribute | values |"
    yield "|--|--|--|"
    for operator, facts in groupby(sorted(counts), key=lambda fact: fact.operator):
        first = True
        for attribute, some in groupby(facts, key=lambda fact: fact.attribute):
            cells = [_cell(fact, counts[fact], is_new=fact not in before) for fact in some]
            if not attribute:
                kinds = ", ".join(findings.now.types.get(operator, []))
                cells = [f"in {cells[0]} cases" + (f"; inputs of {kinds}" if kinds else "")]
            yield f"| {operator if first else ''} | {attribute} | {', '.join(cells)} |"
            first = False
    yield ""


def _cell(fact: Fact, count: int, *, is_new: bool) -> str:
    text = f"`{fact.value}` {count}" if fact.value else str(count)
    return f"**{text}**" if is_new else text


def _never(findings: Findings) -> Iterator[str]:
    yield "## What never occurs"
    yield ""
    by_reason: dict[str, list[Fact]] = {}
    for fact, reason in findings.never.items():
        by_reason.setdefault(reason or "no reason is known", []).append(fact)
    yield f"{len(findings.never)} operators and pairs that the source could write and no case has."
    for reason, facts in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        yield ""
        yield f"*{reason[0].upper()}{reason[1:]}* ({len(facts)}): {'; '.join(_compact(facts))}."
    yield ""


def _compact(facts: Iterable[Fact]) -> Iterator[str]:
    """`Resize: mode cubic, roi computed`; an operator that never occurs is its name alone."""
    for operator, some in groupby(sorted(facts), key=lambda fact: fact.operator):
        members = list(some)
        if not members[0].attribute:
            yield operator
        else:
            yield f"{operator}: " + ", ".join(
                f"{attribute} {'/'.join(fact.value for fact in values)}"
                for attribute, values in groupby(members, key=lambda fact: fact.attribute)
            )


def _code(findings: Findings) -> Iterator[str]:
    yield "## Handlers of tf2onnx that are never entered"
    yield ""
    by_reason: dict[str, list[str]] = {}
    for handler, reason in findings.idle.items():
        by_reason.setdefault(reason or "no reason is known", []).extend(handler.operations)
    for reason, names in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        yield f"- {reason[0].upper()}{reason[1:]}: {', '.join(sorted(names))}."
    yield ""
    yield "## Functions of the importers that are never entered"
    yield ""
    yield (
        "Of the functions that convert, and of the modules that they make, which were run on each case's inputs, "
        "behind tf2onnx alone: other exporters and the cases that start as an ONNX file reach more."
    )
    written = {fact.operator for fact in findings.possible}
    for name, operators in accepted().items():
        foreign = {one for one in operators if one not in written and schema_of(one)}
        attributes = sum(len(schema_of(one).attributes) for one in foreign)
        yield ""
        yield (
            f"{name} has code for {len(operators)} operators; {len(foreign)} of opset {OPSET}, with {attributes} "
            "attributes, tf2onnx never writes."
        )
    entered = findings.now.entered("torch")
    for name, functions in importers().items():
        idle = [one for one in functions if not is_entered(one, entered)]
        blocks = [line for one in functions for line in one.blocks if line not in entered.get(one.file, ())]
        total = sum(len(one.blocks) for one in functions)
        yield ""
        yield (
            f"**{name}**: {len(functions) - len(idle)} of {len(functions)} functions entered, "
            f"{total - len(blocks)} of {total} blocks. Never entered:"
        )
        yield ""
        yield from _by_file(idle, functions)


def _by_file(idle: list[Function], functions: list[Function]) -> Iterator[str]:
    whole = []
    for file, some in groupby(idle, key=lambda one: one.file):
        names = [one.name for one in some]
        module = file.rpartition("/")[2].removesuffix(".py")
        if len(names) == sum(one.file == file for one in functions):
            whole.append(module)
        else:
            yield f"- `{module}`: {', '.join(f'`{name}`' for name in names)}"
    if whole:
        yield f"- no function of {', '.join(f'`{module}`' for module in whole)}"
