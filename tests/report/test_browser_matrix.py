"""The matrix in a browser: what stands out, what stays, keys, folds, settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.outcomes import Outcome
from harness.report.page import write_page
from harness.report.run import page_of, summary_of
from harness.results.events import Judgement
from tests.report.browsing import Open, count, texts
from tests.report.runs import NOTE, ROUTE, result, run

pytestmark = pytest.mark.xdist_group("browser")


def cells(page: Any, layer: str) -> list[str]:
    row = page.locator(".grid tbody tr").filter(has=page.locator("th", has_text=re.compile(f"^{layer}$")))
    return texts(row.locator("td"))


def test_the_worst_unexpected_outcome_colours_a_cell(open_page: Open) -> None:
    page = open_page("tab=matrix", ready=".grid")
    heads = texts(page.locator(".grid thead th"))
    assert heads == ["Layer", "keras \u2192 tf2onnx \u2192 onnx2torch", "keras \u2192 tf2onnx", "1 side route"]
    assert cells(page, "Conv2DTranspose") == ["\u2717 divergent 3 of 6", "\u2713 6", "\u2713 1"]
    assert cells(page, "Dense") == ["\u25c7 4 of 4", "\u00b7", "\u00b7"]
    assert cells(page, "Layer03") == ["\u2713 4", "\u2713 4", "\u00b7"]
    names = page.locator(".grid tbody th").all_inner_texts()
    assert names[0] == "Conv2DTranspose", "what failed comes first"
    assert names[1].startswith("Evil")
    classes = page.locator(".grid td").first.get_attribute("class")
    assert classes == "tone-failed o-divergent open"
    assert "tone-known" in page.locator('td[aria-label^="Dense on"]').first.get_attribute("class")
    page.get_by_role("button", name="Unfold 1 side route").click()
    assert page.locator(".grid thead th").last.inner_text().split() == ["keras", "\u2192", "side"]
    assert "side=1" in page.url


def test_a_new_failure_is_not_hidden_behind_a_worse_one_that_is_known(open_page: Open, tmp_path: Path) -> None:
    known = result("a", Outcome.INVALID, judgement=Judgement.EXPECTED, expectation=NOTE)
    at = write_page(page_of(summary_of(run(known, result("b", Outcome.DIVERGENT), result("c")))), tmp_path / "p.html")
    page = open_page("tab=matrix", at=at, ready=".grid")
    assert cells(page, "Conv2DTranspose") == ["\u2717 divergent 1 of 3"]
    assert page.locator(".grid td").get_attribute("class") == "tone-failed o-divergent open"
    words = f"Conv2DTranspose on {ROUTE}: 1 failed, the worst divergent; 1 deviate as expected; 1 agree"
    assert page.locator(".grid td").get_attribute("aria-label") == words


def test_headings_and_names_stay(open_page: Open) -> None:
    page = open_page("tab=matrix", ready=".grid", viewport={"width": 420, "height": 360})
    place = """(() => {
        const box = node => document.querySelector(node).getBoundingClientRect();
        const [head, name, around] = ['.grid thead th:nth-child(2)', '.grid tbody th', '.gridbox'].map(box);
        return [head.top - around.top, name.left - around.left];
    })()"""
    before = page.evaluate(place)
    page.evaluate("document.querySelector('.gridbox').scrollTo(50, 40)")
    assert page.evaluate("document.querySelector('.gridbox').scrollTop") == 40
    assert page.evaluate("document.querySelector('.gridbox').scrollLeft") == 50
    assert page.evaluate(place) == before


def test_arrow_keys_move_in_the_matrix_and_enter_opens(open_page: Open) -> None:
    page = open_page("tab=matrix", ready=".grid")
    assert page.locator('.grid [tabindex="0"]').count() == 1
    page.locator('.grid [tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        f"Conv2DTranspose on {ROUTE}: 3 failed"
    )
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.at") == "0:3"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.at") == "0:0"
    page.keyboard.press("ArrowRight")
    assert page.locator('.grid [tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    assert count(page) == "6 of 114 results, 6 cases"
    assert f"layer=Conv2DTranspose&route={ROUTE}" in page.url


def test_tab_stops_are_few(open_page: Open) -> None:
    page = open_page("tab=matrix", ready=".grid")
    stops = page.evaluate(
        "[...document.querySelectorAll('a[href], button, input, select, [tabindex]')]"
        ".filter(node => node.tabIndex >= 0 && node.getClientRects().length).length"
    )
    assert stops < 35


def test_families_of_layers_fold(open_page: Open, tmp_path: Path) -> None:
    rows = [
        result(f"c{size}", layer=f"Conv{size}D", outcome=Outcome.CRASH if size == 2 else Outcome.EXACT)
        for size in (1, 2, 3)
    ]
    at = write_page(page_of(summary_of(run(*rows, result("d", layer="Dense")))), tmp_path / "p.html")
    page = open_page("tab=matrix", at=at, ready=".grid")
    assert texts(page.locator(".grid tbody th")) == [
        "\u25be Conv 3", "Conv1D", "Conv2D", "Conv3D", "Dense",
    ]  # fmt: skip
    page.locator('th[data-fold="Conv"]').click()
    assert texts(page.locator(".grid tbody th")) == [
        "\u25b8 Conv 3",
        "Dense",
    ]
    assert " ".join(page.locator(".grid td").first.inner_text().split()) == "\u2717 crash 1 of 3"
    assert "folded=Conv" in page.url
    page.get_by_role("button", name="Fold families of layers").click()
    assert page.locator(".grid tbody tr").count() == 2


def test_settings_tell_where_a_layer_is_wrong(open_page: Open) -> None:
    page = open_page("tab=matrix&by=settings&of=Conv2DTranspose", ready=".grid")
    assert page.locator(".grid tbody tr.group th").first.inner_text().split()[1] == "strides"
    cell = page.locator('td[aria-label="strides=2: 3 of 6 divergent"]')
    assert " ".join(cell.inner_text().split()) == "3 50 %"
    cell.click()
    assert count(page) == "3 of 114 results, 3 cases"
    assert "having=strides%3D2" in page.url
    page.locator(".chip", has_text="divergent").click()
    assert count(page) == "6 of 114 results, 3 cases"


def test_pairs_of_settings_are_a_heat_map(open_page: Open) -> None:
    page = open_page("tab=matrix&by=pairs&of=Conv2DTranspose&pair=strides&pair=padding", ready=".grid")
    found = {cell.get_attribute("aria-label"): cell.get_attribute("class") for cell in page.locator(".grid td").all()}
    assert found == {
        "strides = 1, padding = same: 0 of 5 deviate": "tone-heat heat-0 open",
        "strides = 1, padding = valid: 0 of 2 deviate": "tone-heat heat-0 open",
        "strides = 2, padding = same: 1 of 2 deviate, 1 failed": "tone-heat heat-2 open",
        "strides = 2, padding = valid: 2 of 4 deviate, 2 failed": "tone-heat heat-2 open",
    }


def test_defects_by_route(open_page: Open) -> None:
    page = open_page("tab=matrix&by=defects", ready=".grid")
    assert page.locator(".grid tbody tr").count() == 3
    assert " ".join(page.locator(".grid td").first.inner_text().split()) == "\u2717 divergent 3 of 3"
