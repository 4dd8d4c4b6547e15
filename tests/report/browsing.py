"""What the tests of the page in a browser share: an opened page, waiting, text without line ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.report.runs import ROUTE

WRONG = f"case=transpose-4&on={ROUTE}"
"""The address of the case with evidence."""
Open = Callable[..., Any]


def until(page: Any, condition: str) -> None:
    """Wait for a condition. Playwright's own waiting evaluates strings in the page, which its policy forbids."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {condition}; {page.url}")


def count(page: Any) -> str:
    """The sentence that says how much the filters show."""
    until(page, "document.querySelector('.count').textContent.includes(' of ')")
    return str(page.text_content(".count"))


def texts(nodes: Any) -> list[str]:
    """The text of each node, on one line."""
    return [" ".join(text.split()) for text in nodes.all_inner_texts()]


def fits(page: Any) -> bool:
    """Whether nothing is wider than the window. A phone zooms out instead, and its `innerWidth` grows."""
    return bool(page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"])
