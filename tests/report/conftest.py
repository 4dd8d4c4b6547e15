"""A browser for the tests of the page: Chromium of this machine, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.optional import absence, program
from harness.report.page import write_page
from harness.report.run import page_of, summary_of
from tests.report.browsing import Open
from tests.report.runs import sample

CHROMIUM = program("chromium")


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium. The tests are skipped where it, or Playwright, is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the page is not tested in a browser: no playwright")
    if CHROMIUM is None:
        pytest.skip(f"the page is not tested in a browser: {absence('chromium')}")
    with playwright.sync_playwright() as known:
        started = known.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="package")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of `sample`."""
    return write_page(page_of(summary_of(sample())), tmp_path_factory.mktemp("page") / "run.html")


@pytest.fixture
def open_page(browser: Any, file: Path) -> Iterator[Open]:
    """Opens a page at an address. In the end: no message on the console, no error, and nothing was asked for."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def start(address: str = "", *, at: Path = file, ready: str = "main", **options: Any) -> Any:
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{at.as_uri()}#{address}" if address else at.as_uri())
        page.wait_for_selector(ready)
        return page

    yield start
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
