"""How large is the page of a run, and how long does it take to make, to open and to use?

    python benchmarks/page.py RESULTS [--times N]... [--word TEXT]

Takes the results once, or N times over under other names of cases (`--times 5` of 20,000 are 100,000), without their
evidence the other times. Prints for each the bytes of the page, the seconds to group the defects and to write it, and,
as the median of five in Chromium: milliseconds until the first screen shows, from a letter typed into the search to the
painted answer, from a menu's choice to it, and until the last case shows whose address is opened.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.report.page import write_page
from harness.report.run import page_of, summary_of
from harness.results.file import Results

ROUNDS = 5
CASE = ".case[data-ready=yes]"
# From a change of the search, or of the address, to the frame in which another count is painted.
CHANGED = """([change, value]) => new Promise(done => {
    const shown = () => document.querySelector('.count').textContent;
    const before = shown(), start = performance.now();
    const look = () => shown() === before ? requestAnimationFrame(look)
        : requestAnimationFrame(() => done(performance.now() - start));
    if (change === 'address') location.hash = value;
    else {
        const box = document.querySelector('#search');
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(box, value);
        box.dispatchEvent(new Event('input', { bubbles: true }));
    }
    requestAnimationFrame(look);
})"""


def many(results: Results, times: int) -> Results:
    """The results `times` over, each time of other cases."""
    rows = list(results.results)
    for turn in range(1, times):
        rows += [
            replace(
                row,
                case=f"{row.case}-{turn}",
                stages=tuple(replace(stage, evidence=None) for stage in row.stages),
            )
            for row in results.results
        ]
    return replace(results, results=tuple(rows), owed=())


def milliseconds(browser: Any, file: Path, address: str, ready: str) -> float:
    """From the call to the first frame after `ready` is there, in a new window."""
    page = browser.new_page()
    start = time.perf_counter()
    page.goto(f"{file.as_uri()}#{address}")
    page.wait_for_selector(ready)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seconds = time.perf_counter() - start
    page.close()
    return 1000 * seconds


def filtered(browser: Any, file: Path, change: str, values: tuple[str, str]) -> list[float]:
    """Milliseconds of changes of the search or the address, to one value and back."""
    page = browser.new_page()
    page.goto(f"{file.as_uri()}#tab=cases")
    page.wait_for_selector(".count")
    page.wait_for_timeout(2000)
    seen = [page.evaluate(CHANGED, [change, value]) for _ in range(ROUNDS) for value in values]
    page.close()
    return seen


def main() -> None:
    """Print a line of figures for each size."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS", type=Path)
    parser.add_argument("--times", metavar="N", type=int, action="append")
    parser.add_argument("--word", default="con", help="what is searched for")
    options = parser.parse_args()
    given = Results.load(options.results, cut_ok=True)
    print(
        f"{'results':>8} {'bytes':>11} {'group s':>8} {'write s':>8} {'open':>6} {'search':>7} {'menu':>6} {'case':>6}"
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as known:
        browser = known.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for times in options.times or [1]:
            results = many(given, times)
            start = time.perf_counter()
            summary = summary_of(results)
            middle = time.perf_counter()
            file = write_page(page_of(summary), Path(folder) / "page.html")
            end = time.perf_counter()
            last = results.results[-1]
            layer = f"tab=cases&layer={last.layer}"
            opened = [milliseconds(browser, file, "", "main h2") for _ in range(ROUNDS)]
            case = [milliseconds(browser, file, f"case={last.case}&on={last.route}", CASE) for _ in range(ROUNDS)]
            searched = filtered(browser, file, "search", (options.word, ""))
            chosen = filtered(browser, file, "address", (layer, "tab=cases"))
            print(
                f"{len(results.results):8,} {file.stat().st_size:11,} {middle - start:8.1f} {end - middle:8.1f} "
                f"{statistics.median(opened):6.0f} {statistics.median(searched):7.0f} {statistics.median(chosen):6.0f} "
                f"{statistics.median(case):6.0f}",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
