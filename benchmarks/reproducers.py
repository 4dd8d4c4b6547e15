"""Do the reproducers of all known deviations show them?

    python benchmarks/reproducers.py [--id GLOB] [--folder FOLDER] [--jobs N]

Writes one reproducer for the minimal case of each expectation and runs each script in a new process. Prints its id,
its answer (FAILED: it shows the deviation; FIXED; ERROR), its seconds and its lines. With `--folder`, runs the
reproducers of that folder instead. Exit code 0 if every reproducer answers FAILED, else 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

from harness.cli.console import tracked
from harness.reproducer.known import choose, write_known
from harness.reproducer.running import Answer, run_reproducer
from harness.reproducer.write import SCRIPT
from harness.run.session import Selection, Session


def show(folder: Path) -> bool:
    """Run one reproducer and print its line. Returns whether it shows its deviation."""
    begun = time.perf_counter()
    answer, last = run_reproducer(folder)
    lines = len((folder / SCRIPT).read_text().splitlines())
    print(f"{folder.name:52} {answer.name:7} {time.perf_counter() - begun:6.1f} {lines:4}  {last[:120]}", flush=True)
    return answer is Answer.FAILED


def main() -> int:
    """Write and run the reproducers. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--id", default="*")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parity-reproducers-") as scratch:
        folder = options.folder or Path(scratch)
        problems = []
        if options.folder is None:
            with Session(Selection(all_cases=True)) as session:
                chosen = choose(session, options.id)
                problems = write_known(session, tracked(chosen, lambda item: item.id, total=len(chosen)), folder)
        folders = [path for path in sorted(folder.iterdir()) if path.is_dir() and fnmatchcase(path.name, options.id)]
        with ThreadPoolExecutor(options.jobs) as pool:
            shown = list(pool.map(show, folders))
    for text in problems:
        print(f"not written: {text}")
    print(f"{sum(shown)} of {len(shown)} show their deviation; {len(problems)} not written")
    return 0 if all(shown) else 1


if __name__ == "__main__":
    sys.exit(main())
