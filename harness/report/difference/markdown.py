"""The difference between two runs as Markdown, for the summary of a job and for a comment of a pull request."""

from __future__ import annotations

import html
import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2 import Template as JinjaTemplate

from harness.analysis.difference import Difference
from harness.report.difference import words

MOST = 60_000
"""Most characters: GitHub takes 65,536 in a comment."""
LINES = 200
"""Most stages that a group lists."""
LONGEST = 400
"""Most characters of one line of a list, and of a remark."""
_HIDDEN = re.compile("\x1b\\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Escapes of a terminal, and marks that hide or turn the direction of writing."""
_MARKUP = re.compile(r"[\\`*_\[\]<>&#|!~@$]")


def markdown(difference: Difference, *, most: int = MOST) -> str:
    """The page, at most `most` characters. Groups that do not fit are left out from the end, and counted."""
    head = _template("head.md.jinja").render(difference=difference, words=words, rows=_rows(difference))
    budget = most - len(head) - 300
    template = _template("group.md.jinja")
    blocks: list[str] = []
    for place, group in enumerate(difference.groups, 1):
        block = _fitting(template, place, group, budget)
        if not block:
            break
        budget -= len(block)
        blocks.append(block)
    rest = difference.groups[len(blocks) :]
    if rest:
        results = sum(len(group.changes) for group in rest)
        blocks.append(
            f"\n**{words.many(len(rest), 'more group')}** of {words.many(results, 'result')} "
            "did not fit here; `parity diff` has them all with `--json`.\n"
        )
    return head + "".join(blocks)


def _fitting(template: JinjaTemplate, place: int, group: object, budget: int) -> str:
    """The block of a group with as many lines as fit; '' if it does not fit without any."""
    lines = LINES
    while True:
        block = template.render(place=place, group=group, words=words, most=lines)
        if len(block) <= budget:
            return block
        if lines == 0:
            return ""
        lines //= 4


def _rows(difference: Difference) -> list[tuple[str, int, str]]:
    base = "on record" if difference.base.results is None else "in the base"
    meanings = {answer: answer.meaning.replace("on record", base) for answer in difference.counts}
    return [(answer.value, count, meanings[answer]) for answer, count in difference.counts.items()]


def safe(text: str) -> str:
    """The text on one line, such that it is neither Markdown nor HTML, and calls nobody by `@name`."""
    line = _HIDDEN.sub("\ufffd", " ".join(text.split()))
    line = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}\u2026"
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", line)


def spoken(text: str) -> str:
    """A sentence of ours, whose commands stand in backticks."""
    return re.sub("&#96;(.+?)&#96;", r"<code>\1</code>", safe(text))


def raw(text: str) -> str:
    """The text for a `<pre>` block."""
    line = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\u2026"
    return html.escape(_HIDDEN.sub("\ufffd", " ".join(line.split())))


def _template(name: str) -> JinjaTemplate:
    pages = Environment(  # noqa: S701 - it is Markdown; the filters escape
        loader=PackageLoader("harness.report", "difference"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters.update(safe=safe, raw=raw, spoken=spoken)
    return pages.get_template(name)
