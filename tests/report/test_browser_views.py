"""The first screen, search, menus and links, in a browser."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.report.page import write_page
from harness.report.run import page_of, summary_of
from harness.results.events import Owed, utc_now
from tests.report.browsing import Open, count, fits, texts, until
from tests.report.runs import ROUTE, result, run

pytestmark = pytest.mark.xdist_group("browser")


def test_the_first_screen_answers_three_people(open_page: Open) -> None:
    page = open_page()
    assert page.title() == "Parity report: not passed"
    assert page.locator(".verdict").inner_text().split() == ["\u2717", "Not", "passed"]
    merge, way, whole = (page.locator(f"section[aria-labelledby={name}]") for name in ("merge", "way", "whole"))
    assert "4 of 114 results of 59 cases along 3 routes failed. 4 more deviate as expected." in merge.inner_text()
    assert texts(merge.locator(".counts li")) == [
        "0 regression", "0 changed", "0 lost", "114 new", "0 drift", "0 fixed",
    ]  # fmt: skip
    news = merge.locator(".news li").all_inner_texts()
    assert [line.split()[1] for line in news] == ["divergent", "invalid"]
    assert "onnx2torch Conv2DTranspose strides = 2 3 results" in " ".join(news[0].split())
    rows = texts(way.locator("tbody tr"))
    assert rows == [
        "keras \u2192 tf2onnx \u2192 onnx2torch 51 of 59 \u2717 4 failed 86.4 %",
        "keras \u2192 tf2onnx 54 of 54 100.0 %",
    ]
    assert way.get_by_role("link", name="Show 1 side route").count() == 1
    facts = texts(whole.locator(".facts > div"))
    assert facts == ["Owed 114", "Run 114", "Lost 0", "Time 10 min 0 s"]
    assert "1 route could not run" in whole.inner_text()


def test_a_count_leads_to_its_cases_and_back(open_page: Open) -> None:
    page = open_page()
    page.locator(".judgements a", has_text="failed").click()
    assert count(page) == "4 of 114 results, 4 cases"
    assert urlsplit(page.url).fragment == "tab=cases&judgement=failed"
    page.go_back()
    page.wait_for_selector(".summary")
    assert urlsplit(page.url).fragment == ""
    page.go_forward()
    assert count(page) == "4 of 114 results, 4 cases"


def test_search_finds_names_settings_and_messages(open_page: Open) -> None:
    page = open_page("tab=matrix")
    count(page)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    for text, expected in (
        ("LAYER03", "8 of 114 results, 4 cases"),
        ("strides=2 padding=same", "2 of 114 results, 1 case"),
        ("no dense", "4 of 114 results, 4 cases"),
        ("onnx2torch divergent", "3 of 114 results, 3 cases"),
        ("Divergent onnx2torch conv2dtranspose failed strides=2", "3 of 114 results, 3 cases"),
        ("keras-side", "1 of 114 results, 1 case"),
        ("onnx2torch divergent dense", "0 of 114 results, 0 cases"),
        ("nowhere", "0 of 114 results, 0 cases"),
    ):
        page.fill("#search", text)
        until(page, f"document.querySelector('.count').textContent === '{expected}'")
    assert "q=nowhere" in page.url
    assert "No result fits" in page.inner_text("main")


def test_menus_count_what_each_choice_would_show(open_page: Open) -> None:
    page = open_page("tab=cases&layer=Conv2DTranspose")
    count(page)
    page.get_by_role("button", name="Outcome").click()
    menu = page.get_by_role("group", name="Outcome")
    assert [line.split() for line in menu.locator("label").all_inner_texts()] == [
        ["faithful", "10"],
        ["divergent", "3"],
    ]
    menu.get_by_label("divergent").check()
    assert count(page) == "3 of 114 results, 3 cases"
    assert [line.split() for line in menu.locator("label").all_inner_texts()] == [
        ["faithful", "10"],
        ["divergent", "3"],
    ]
    page.keyboard.press("Escape")
    assert menu.count() == 0
    page.get_by_role("button", name="Route").click()
    routes = page.get_by_role("group", name="Route").locator("label").all_inner_texts()
    assert [line.split() for line in routes] == [[ROUTE, "3"]]
    page.keyboard.press("Escape")
    page.locator(".chip", has_text="divergent").click()
    assert count(page) == "13 of 114 results, 6 cases"
    page.get_by_role("button", name="Clear").click()
    assert count(page) == "114 of 114 results, 59 cases"


def test_a_link_holds_the_whole_view(open_page: Open) -> None:
    address = f"tab=cases&outcome=divergent&outcome=refused&route={ROUTE}&q=transpose&sort=units"
    page = open_page(address)
    assert count(page) == "3 of 114 results, 3 cases"
    assert page.input_value("#search") == "transpose"
    assert page.get_by_label("Order").input_value() == "units"
    assert sorted(page.locator(".chip").all_inner_texts()) != []
    page.locator(".cases a.open").first.click()
    page.wait_for_selector('.case[data-ready="yes"]')
    assert "case=transpose-" in page.url
    assert "outcome=divergent" in page.url
    assert "sort=units" in page.url
    again = open_page(urlsplit(page.url).fragment, ready='.case[data-ready="yes"]')
    assert again.inner_text(".case-head h2") == page.inner_text(".case-head h2")
    page.go_back()
    assert count(page) == "3 of 114 results, 3 cases"


def test_an_address_by_hand_is_read_and_nonsense_is_not(open_page: Open) -> None:
    page = open_page("judgement=failed")
    assert count(page) == "4 of 114 results, 4 cases"
    page.evaluate("location.hash = 'tab=matrix&by=none&sort=up&judgement=expected'")
    page.wait_for_selector(".grid")
    assert count(page) == "4 of 114 results, 4 cases"


def test_the_address_can_be_copied(open_page: Open) -> None:
    page = open_page("tab=cases&outcome=divergent", permissions=["clipboard-read", "clipboard-write"])
    count(page)
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_results_that_were_not_owed_are_explained(open_page: Open, tmp_path: Path) -> None:
    rows = [result("a"), result("a+empty"), result("b"), result("c")]
    whole = run(*rows, owed=(Owed(ROUTE, ("a", "b")),))
    page = open_page(at=write_page(page_of(summary_of(whole)), tmp_path / "p.html"), ready=".facts")
    facts = page.locator("section[aria-labelledby=whole]")
    assert texts(facts.locator(".facts > div"))[:2] == ["Owed 2", "Run 4"]
    beside = "1 of empty batches, which stand apart from their case where they end otherwise; 1 of cases drawn afresh."
    assert f"Beside what was owed: {beside}" in facts.inner_text()
    assert "Beside what was owed" not in open_page(ready=".facts").inner_text("main")


@pytest.mark.parametrize("width", [1300, 400])
def test_long_names_of_routes_are_whole_in_the_plots(open_page: Open, tmp_path: Path, width: int) -> None:
    long = f"{ROUTE}-torchscript-onnxruntimetraining-onnx2pytorch-torchonnx"
    whole = run(result("a"), result("b", route=long, layer="ContrastLimitedAdaptiveHistogramEqualization"))
    at = write_page(page_of(summary_of(whole)), tmp_path / "p.html")
    page = open_page("tab=plots", at=at, ready=".chart svg", viewport={"width": width, "height": 800})
    places = page.evaluate(
        """[...document.querySelectorAll('.chart .canvas')].slice(0, 2).map(box => {
            const left = box.getBoundingClientRect().left;
            const names = [...box.querySelectorAll('svg text')].filter(node => /[a-z]{4}/i.test(node.textContent));
            return [names.map(node => node.textContent).join(' '),
                    Math.min(...names.map(node => node.getBoundingClientRect().left)) - left];
        })"""
    )
    (routes, of_routes), (layers, of_layers) = places
    assert long in routes
    assert "ContrastLimitedAdaptiveHistogramEqualization" in layers.replace("-", "").replace("\u00ad", "")
    assert of_routes >= 0
    assert of_layers >= 0
    assert fits(page)


def test_the_page_of_a_run_that_goes_on_renews_itself(open_page: Open, tmp_path: Path) -> None:
    """Not while the reader types. It keeps the view, and says when nobody renews it any more."""
    owed = (Owed(ROUTE, tuple("abcd")),)
    file = tmp_path / "p.html"

    def write(*names: str, end: bool = False, at: str = utc_now()) -> None:
        written = run(*map(result, names), owed=owed, finished=end)
        write_page(page_of(summary_of(written, "" if end else at)), file)

    write("a", at="2026-01-02T03:14:05+00:00")
    page = open_page(at=file, ready=".facts")
    assert page.locator(".verdict").inner_text().split() == ["\u2026", "Running"]
    assert "it may have been killed" in page.locator(".merge [role=status]").inner_text()
    assert texts(page.locator(".facts > div"))[:3] == ["Owed 4", "Run 1", "To come 3"]
    page.clock.install()
    write("a", "b")
    page.goto(f"{file.as_uri()}#tab=cases")
    page.reload()
    page.wait_for_selector("#search")
    write("a", "b", "c")
    page.locator("#search").focus()
    page.clock.run_for(65_000)
    page.wait_for_timeout(300)
    assert count(page).startswith("2 ")
    page.locator("#search").blur()
    page.clock.run_for(31_000)
    page.locator(".count", has_text=re.compile("^3 ")).wait_for()
    assert page.url.endswith("#tab=cases")
    write("a", "b", "c", "d", end=True)
    page.clock.run_for(31_000)
    page.locator(".verdict", has_text="Passed").wait_for()
    page.evaluate("window.same = true")
    page.clock.run_for(65_000)
    page.wait_for_timeout(300)
    assert page.evaluate("window.same")  # a page of what has ended stays
