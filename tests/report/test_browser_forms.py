"""Phones, dark, print, access, size; and the pages of a difference and of a matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.difference import Base, difference
from harness.analysis.legs import side_by_side
from harness.analysis.matrix import matrix
from harness.analysis.pins import pins
from harness.outcomes import Outcome
from harness.report.difference.page import page_of as page_of_difference
from harness.report.matrix.page import page_of as page_of_matrix
from harness.report.matrix.view import View
from harness.report.page import write_page
from harness.report.run import page_of
from harness.report.summary import Summary
from harness.results.events import Judgement
from tests.legs import GOOD, REFUSED, A, B, leg
from tests.report.browsing import WRONG, Open, count, fits, texts
from tests.report.runs import ROUTES, result, run
from tests.two_runs import base, head, note
from tests.two_runs import result as walked

pytestmark = pytest.mark.xdist_group("browser")


SCREENS = {
    "summary": ("", ".summary"),
    "matrix": ("tab=matrix", ".grid"),
    "settings": ("tab=matrix&by=settings&of=Conv2DTranspose", ".grid"),
    "pairs": ("tab=matrix&by=pairs&of=Conv2DTranspose", ".grid"),
    "cases": ("tab=cases", ".cases"),
    "defects": ("tab=defects", ".defects"),
    "plots": ("tab=plots", "figure.chart svg"),
    "words": ("tab=words", ".words"),
    "values": (WRONG, ".maps canvas"),
    "graphs": (f"{WRONG}&part=graphs", ".panes"),
    "numbers": (f"{WRONG}&part=numbers", ".numbers"),
    "report": (f"{WRONG}&part=report", ".issue"),
}


def screens(page: Any) -> Iterator[str]:
    """Goes through all screens of an opened page."""
    for name, (address, ready) in SCREENS.items():
        page.evaluate("address => { location.hash = address; }", address)
        page.wait_for_selector(ready)
        yield name


def test_a_phone_needs_no_sideways_scrolling(open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert [name for name in screens(page) if not fits(page)] == []


@pytest.mark.parametrize(
    ("scheme", "rules"),
    [("light", ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]), ("dark", ["color-contrast"])],
)
def test_axe_finds_nothing(open_page: Open, scheme: str, rules: list[str]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the page's access is not tested: no axe")
    page = open_page(color_scheme=scheme)
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    violations = [
        (name, each["id"], node["html"][:200])
        for name in screens(page)
        for each in axe.Axe().run(page, options=options).response["violations"]
        for node in each["nodes"][:3]
    ]
    assert violations == []


def test_the_dark_page_is_dark(open_page: Open) -> None:
    page = open_page("tab=matrix", ready=".grid", color_scheme="dark")
    colours = page.evaluate(
        "[document.body, document.querySelector('.tone-failed')].map(node => getComputedStyle(node).backgroundColor)"
    )
    assert colours == ["rgb(20, 22, 25)", "rgb(107, 32, 24)"]


def test_print_leaves_out_what_nobody_can_press(open_page: Open) -> None:
    page = open_page("tab=matrix", ready=".grid", color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator("header nav").is_visible()
    assert not page.locator("#search").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.gridbox')).overflow") == "visible"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 251, 250)"


def test_twenty_thousand_results_filter_at_once(open_page: Open, tmp_path: Path) -> None:
    rows = [
        result(
            f"case-{place:05}",
            layer=f"Layer{place % 90:02}",
            route=route,
            config={"units": place % 7, "bias": place % 2},
        )
        for place in range(10_000)
        for route in ROUTES[:2]
    ]
    rows[-1] = result("last", Outcome.CRASH, judgement=Judgement.FAILED)
    at = write_page(page_of(Summary(run(*rows), ())), tmp_path / "large.html")
    page = open_page("tab=matrix", at=at, ready=".grid")
    assert count(page).startswith("20,000 of 20,000 results")
    took = page.evaluate(
        """async () => {
            const field = document.getElementById('search');
            const times = [];
            for (const text of ['layer0', 'layer03', 'units=3', '']) {
                const start = performance.now();
                field.value = text;
                field.dispatchEvent(new Event('input', { bubbles: true }));
                await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
                times.push(performance.now() - start);
            }
            return times;
        }"""
    )
    assert sorted(took)[1] < 250, f"the machine of the tests may be slow, but not so slow: {took}"
    linked = open_page("case=last", at=at, ready='.case[data-ready="yes"]')
    assert re.match(r"\d", linked.evaluate("String(performance.now())"))
    assert linked.evaluate("performance.now()") < 3000


@pytest.fixture
def differing(tmp_path: Path) -> Path:
    """The page of a difference: one regression, one fix."""
    was = base(tmp_path, walked(A, *GOOD), walked(B, *REFUSED, message="no"))
    now = head(tmp_path, walked(A, *REFUSED, message="no more"), walked(B, *GOOD))
    return write_page(page_of_difference(difference(Base.of("base.ndjson", was), now)), tmp_path / "d.html")


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """The page of a matrix: one layer works since a release, another one always did, a third is known not to."""
    known = walked("keras-GRU-d4", *REFUSED, message="no GRU", **note("no-gru", "refused"))
    legs = [
        leg(tmp_path, "old", walked(A, *REFUSED, message="no"), walked(B, *GOOD), known, onnx2torch="1.5.9"),
        leg(tmp_path, "new", walked(A, *GOOD), walked(B, *GOOD), known, onnx2torch="1.5.10"),
    ]
    whole = matrix(side_by_side(legs))
    return write_page(page_of_matrix(View(whole, layers=("Dense",), pins=pins(whole, ("Dense",)))), tmp_path / "m.html")


def test_a_difference_is_the_same_page(open_page: Open, differing: Path) -> None:
    page = open_page(at=differing)
    assert page.locator(".verdict").inner_text().split() == ["\u2717", "Worse"]
    assert texts(page.locator(".counts li"))[0] == "1 regression"
    assert "Beside base.ndjson" in page.inner_text(".summary")
    (news,) = texts(page.locator(".news li"))
    assert news.startswith("\u2717 regression refused onnx2torch Dense")
    page.locator(".smallest").click()
    page.wait_for_selector('.case[data-ready="yes"]')
    note = page.locator(".case .note").first.inner_text()
    assert note.startswith("regression: base.ndjson has faithful 1 at onnx2torch, now it is refused")
    page.locator("header nav a", has_text="Changes").click()
    page.get_by_text("Fixed, accepted or not worse (1)").click()
    assert [line.split()[2] for line in texts(page.locator(".defects .head"))] == ["regression", "fixed"]


def test_a_matrix_is_the_same_page(open_page: Open, versions: Path) -> None:
    page = open_page(at=versions, ready=".summary")
    assert "onnx2torch: fixed in 1.5.10" in page.inner_text(".news")
    assert " ".join(page.inner_text(".news li").split()).startswith("refused onnx2torch Dense onnx2torch: fixed")
    assert page.locator("h2#pin").inner_text().startswith("What should I pin?")
    page.locator("header nav a", has_text="Matrix").click()
    page.wait_for_selector(".grid")
    heads = texts(page.locator(".grid thead th"))
    assert heads == ["Layer", "old onnx2torch 1.5.9", "new onnx2torch 1.5.10", "Since"]
    (row,) = page.locator(".grid tbody tr").all()
    assert texts(row.locator("th, td"))[1:] == [
        "\u2717 refused 1 of 2",
        "\u2713 faithful 2",
        "onnx2torch: works since 1.5.10",
    ]
    assert fits(page)
    page.keyboard.press("/")
    page.keyboard.type("nothing")
    page.wait_for_selector("text=No layer")
    page.locator("header nav a", has_text="Defects").click()
    page.wait_for_selector(".filters")
    page.fill("#search", "dense refused")
    page.wait_for_selector(".grid")
    name = page.locator(".grid tbody th").first.inner_text().split()
    assert name[:3] == ["Dense", "onnx2torch,", "refused"]
    assert name[3].startswith("onnx2torch-refused-")
    page.get_by_role("button", name="Only what changes").click()
    page.fill("#search", "gru")
    page.wait_for_selector("text=no-gru")
    assert page.locator(".grid tbody th").first.inner_text().split() == ["no-gru", "onnx2torch,", "refused:", "GRU"]
    page.fill("#search", "dense divergent")
    page.wait_for_selector("text=No defect")


@pytest.mark.parametrize("which", ["differing", "versions"])
def test_axe_finds_nothing_on_the_other_pages(open_page: Open, which: str, request: pytest.FixtureRequest) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the page's access is not tested: no axe")
    page = open_page(at=request.getfixturevalue(which), ready=".summary")
    for link in ("Summary", "Matrix", "Words"):
        page.locator("header nav a", has_text=link).click()
        page.wait_for_timeout(100)
        found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found] == []
