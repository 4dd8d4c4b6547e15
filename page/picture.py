#!/usr/bin/env python3
"""Makes the README's picture, docs/report.png: the first screen of a page, in Chromium.

    python page/picture.py reports/index.html
    python page/picture.py reports/index.html --address 'tab=matrix' --out matrix.png --dark

It needs Chromium on the PATH, and Playwright (`pip install -e ".[dev]"`).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZE = {"width": 1440, "height": 900}


def main(argv: list[str]) -> int:
    """Open the page, take the picture; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--address", default="", help="the view, as it stands behind the # of the address")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "report.png")
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args(argv)
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("there is no chromium on the PATH: `apt-get install chromium`", file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="dark" if chosen.dark else "light")
        page.goto(f"{chosen.page.resolve().as_uri()}#{chosen.address}")
        page.wait_for_selector("main")
        page.wait_for_timeout(1000)  # the index is opened behind the first screen
        page.screenshot(path=chosen.out)
        browser.close()
    print(chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
