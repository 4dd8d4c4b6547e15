"""An opened case in a browser: settings, stages, values, graphs, the bug report, and hostile text."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.outcomes import Metrics, Outcome
from harness.report.page import write_page
from harness.report.run import page_of, summary_of
from harness.results.events import Judgement, RecordNote, Result, Stage
from tests.report.browsing import WRONG, Open, texts, until
from tests.report.runs import EVIL, PACKED, ROUTE, result, run

pytestmark = pytest.mark.xdist_group("browser")


def test_a_case_marks_what_decides_and_what_the_nearest_has(open_page: Open) -> None:
    page = open_page(WRONG, ready='.case[data-ready="yes"]')
    assert texts(page.locator("tr.decides th")) == ["strides decides"]
    differing = texts(page.locator(".config tr.differs"))
    assert differing == ["strides decides 2 1", "filters 4 0"]
    page.locator(".config thead a").click()
    page.wait_for_selector("text=transpose-0")
    assert "case=transpose-0" in page.url


def test_the_ways_of_a_case_are_a_tree(open_page: Open) -> None:
    page = open_page(WRONG, ready='.case[data-ready="yes"]')
    nodes = page.locator('svg[aria-label="Stages of the routes of this case"] g.node')
    words = [node.get_attribute("aria-label") for node in nodes.all()]
    assert sorted(words) == [
        "onnx2torch makes torch, run in torch: divergent, 500,000 units, at fault",
        "source makes keras, run in keras: exact, 1 units",
        "tf2onnx makes onnx, run in onnxruntime: faithful, 1 units",
    ]
    assert (
        page.locator(".case .note")
        .first.inner_text()
        .startswith("new: the record has faithful 2 at onnx2torch, now it is divergent 500,000")
    )
    page.locator("g.node", has_text="tf2onnx").click()
    until(page, "location.hash.endsWith('on=keras-tf2onnx') || location.hash.includes('on=keras-tf2onnx&')")


def test_the_values_under_the_pointer_and_the_slices(open_page: Open) -> None:
    page = open_page(WRONG, ready=".maps canvas")
    value = page.locator(".value")
    assert "y[0, 0, 0, 1] expected 1, got NaN" in value.inner_text(), "a NaN is the largest error of all"
    page.get_by_label("Slice of axis 0").fill("1")
    page.get_by_label("Slice of axis 3").fill("2")
    canvas = page.locator('canvas[aria-label^="Difference"]')
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] * 5.5 / 7, "y": box["height"] * 4.5 / 6})
    assert "y[1, 4, 5, 2] expected 227, got 227.5, difference 0.5, 500,000 units" in value.inner_text()
    pixel = "node => { const at = node.getContext('2d').getImageData(5, 4, 1, 1).data; return [at[0], at[1], at[2]]; }"
    assert canvas.evaluate(pixel) == [236, 141, 127], "the colour of an error below four million units"
    assert canvas.evaluate("node => [node.width, node.height]") == [7, 6]
    page.locator(".maps").focus()
    page.keyboard.press("ArrowLeft")
    assert "y[1, 4, 4, 2] expected 224, got 224, difference 0, 0 units" in value.inner_text()
    page.keyboard.press("PageUp")
    assert "y[0, 4, 4, 2]" in value.inner_text()
    page.get_by_label("Show axes").select_option("0,3")
    assert canvas.evaluate("node => [node.width, node.height]") == [3, 2]


def test_the_histogram_has_the_edges(open_page: Open) -> None:
    page = open_page(WRONG, ready="figure.chart svg")
    chart = page.locator("figure.chart")
    assert "252 values, 1 of them infinite or NaN" in chart.inner_text()
    assert {"32", "1024"} <= set(chart.locator("svg text").all_text_contents())
    chart.locator("summary").click()
    assert [row.split() for row in chart.locator("tbody tr").all_inner_texts()] == [
        ["0.015625", "0.03125", "250"],
        ["262144", "524288", "1"],
    ]


def test_graphs_share_the_selection(open_page: Open) -> None:
    page = open_page(f"{WRONG}&part=graphs", ready=".panes")
    selected = "g.node.selected .name"
    assert page.locator(f".pane {selected}").all_text_contents() == [
        "Conv2DTranspose",
        "ConvTranspose",
        "\u2717 ConvTranspose2d",
    ]
    assert "at fault" in page.get_by_label("Graph of torch").locator("h4").inner_text()
    page.get_by_label("Graph of ONNX").locator("g.node", has_text="Relu").click()
    assert page.get_by_label("Graph of torch").locator(selected).all_text_contents() == ["ReLU"]
    assert page.get_by_label("Graph of Keras").locator(selected).count() == 0
    assert "500,000" not in page.get_by_label("Graph of torch").locator(".node-facts").inner_text()
    page.get_by_label("Graph of ONNX").locator("g.node.selected").focus()
    page.keyboard.press("ArrowUp")
    until(page, "document.activeElement.dataset.node === 'Conv_1'")
    assert "500,000 units" in page.get_by_label("Graph of torch").locator(".node-facts").inner_text()
    fill = (
        page.get_by_label("Graph of torch")
        .locator("g.node.selected rect")
        .evaluate("node => getComputedStyle(node).fill")
    )
    assert fill == "rgb(236, 141, 127)"


def test_numbers_times_and_logs(open_page: Open) -> None:
    page = open_page(f"{WRONG}&part=numbers", ready=".numbers")
    rows = texts(page.locator(".numbers tbody tr"))
    assert rows[0] == "source: keras in keras exact 1 250 ms"
    assert rows[2].endswith("500 ms")


def test_the_bug_report_is_filled_in(open_page: Open) -> None:
    page = open_page("case=dense-1&part=report", ready=".issue")
    link = page.get_by_role("link", name="Open an issue upstream")
    form = urlsplit(link.get_attribute("href"))
    assert (form.netloc, form.path, link.get_attribute("rel")) == (
        "github.com",
        "/a/b/issues/new",
        "noreferrer noopener",
    )
    filled = parse_qs(form.query)
    assert filled["title"] == ["onnx2torch 1.5.15: Dense is refused (no Dense)"]
    assert "units = 1" in filled["body"][0]
    assert "loud: the conversion raises" in filled["body"][0]
    assert "onnx2torch 1.5.15" in filled["body"][0]
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the script").click()
    assert waiting.value.suggested_filename == "reproduce-dense-1.py"
    script = Path(waiting.value.path()).read_text()
    compile(script, "reproduce.py", "exec")
    assert '#     "onnx2torch==1.5.15",' in script
    assert f'COMMAND = "parity reproduce dense-1 --route {ROUTE}"' in script
    assert f"Shown by `parity replay dense-1 --route {ROUTE}`; `parity reproduce dense-1" in filled["body"][0]
    assert f"parity reproduce dense-1 --route {ROUTE} -o reproducer" in page.inner_text(".report")


def test_a_reproducer_has_the_options_that_it_knows(open_page: Open) -> None:
    page = open_page("case=dense-3&part=report", ready=".issue")
    assert PACKED in page.inner_text(".report")
    command = f"parity reproduce dense-3 --route {ROUTE} --hop 'an old/mine:Mine' --pack keras-tf2onnx --anew"
    assert f"{command} -o reproducer" in page.inner_text(".report")


def clicks(page: Any, *targets: str) -> int:
    """Click these, each a selector or a text; return how many they were."""
    for target in targets:
        page.locator(target).first.click()
    return len(targets)


def test_a_first_reader_needs_few_clicks(open_page: Open) -> None:
    page = open_page(ready=".news")
    assert "strides = 2" in page.inner_text(".news li >> nth=0"), "which defect is new: none"
    assert clicks(page, ".smallest", "text=Graphs") == 2
    page.wait_for_selector(".panes")
    node = page.get_by_label("Graph of torch").locator(".node-facts").inner_text()
    assert "conv_transpose" in node, "its smallest case and its node"
    page = open_page(ready=".news")
    assert clicks(page, "header nav a:has-text('Matrix')", "th:has-text('Conv2DTranspose')") == 2
    assert "Settings of Conv2DTranspose" in page.locator(".grid").get_attribute("aria-label"), "with which settings not"
    page = open_page(ready=".news")
    with page.expect_download() as waiting:
        assert clicks(page, ".smallest", "text=Report it", "text=Download the script") == 3
    assert waiting.value.suggested_filename == "reproduce-transpose-4.py"


def test_keys_lead_through_the_cases(open_page: Open) -> None:
    page = open_page("tab=cases&layer=Dense", ready=".cases a.open")
    page.locator(".cases a.open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector('.case[data-ready="yes"]')
    assert "case=dense-1" in page.url
    page.keyboard.press("n")
    until(page, "location.hash.includes('case=dense-2')")
    page.keyboard.press("p")
    until(page, "location.hash.includes('case=dense-1')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".cases")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_what_files_say_is_shown_and_never_run(open_page: Open) -> None:
    page = open_page("tab=cases&judgement=failed", ready=".cases")
    page.locator(".cases a.open", has_text="Evil").click()
    page.wait_for_selector('.case[data-ready="yes"]')
    for part in ("values", "graphs", "numbers", "report"):
        page.locator(f'.case .choices a[href*="part={part}"]').click()
        page.wait_for_timeout(30)
    for tab in ("summary", "matrix", "defects", "plots", "words"):
        page.locator(
            f"header nav a >> nth={('summary', 'matrix', 'cases', 'defects', 'plots', 'words').index(tab)}"
        ).click()
        page.wait_for_timeout(60)
        assert page.locator("main img, main script, main iframe").count() == 0
    assert page.title() == "Parity report: not passed"


def test_marks_of_direction_and_of_terminals_are_taken_out(open_page: Open) -> None:
    page = open_page("tab=defects&layer=" + "Evil", ready=".filters")
    page.goto(page.url.partition("#")[0] + "#tab=defects")
    page.wait_for_selector(".defects")
    text = page.inner_text("main")
    assert "</script><script>document.title='owned'</script>" in text
    assert "\ufffdgnp.exe" in text
    assert not set("\x1b\u202e") & set(text)
    assert "[31mred" not in text
    assert "{{7*7}} ${x}" in text
    assert EVIL not in page.content()


SAID = "ValueError: the weights are others"


def source(case: str, message: str, **changes: Any) -> Result:
    """A result whose source stage fails, with a message of the result that repeats that of the stage."""
    stage = Stage("keras", Outcome.INVALID, message=SAID)
    return result(case, Outcome.INVALID, stages=(stage,), message=message, **changes)


def test_a_failed_source_says_its_message_once_and_that_it_has_no_values(open_page: Open, tmp_path: Path) -> None:
    ending = f"invalid at source: {SAID}"
    before = RecordNote(0, "exact 0")
    wrong = Stage("keras", Outcome.DIVERGENT, runtime="keras", metrics=Metrics(units=5000.0))
    rows = [
        source("new", ending),
        source("worse", f"regression: the record has exact 0 at source, now it is {ending}", recorded=before),
        source("known", f"{ending} (on record, and no expectation explains it)", judgement=Judgement.EXPECTED),
        result("numbers", Outcome.DIVERGENT, stages=(wrong,)),
        result("right"),
    ]
    at = write_page(page_of(summary_of(run(*rows))), tmp_path / "p.html")
    for case in ("new", "worse", "known"):
        page = open_page(f"tab=cases&case={case}", at=at, ready='.case[data-ready="yes"]')
        text = page.inner_text(".case .opened")
        assert text.count(SAID) == 1
        assert "There are no values to compare (source: invalid)." in text
    text = open_page("tab=cases&case=numbers", at=at, ready='.case[data-ready="yes"]').inner_text(".case .opened")
    replay = f"parity replay numbers --route {ROUTE}"
    assert f"The results file has no tensor of the source. To see its values: {replay}" in text
    text = open_page("tab=cases&case=right", at=at, ready='.case[data-ready="yes"]').inner_text(".case .opened")
    assert "No tensor was kept of this result: they are kept of what does not pass." in text
