"""Other releases of a converter beside the record: what came between a release and the recorded one?

    python -m benchmarks.releases PACKAGE FOLDER ... [--most N] [--keep FOLDER]

Each FOLDER holds one release alone, as `pip install --no-deps --target FOLDER PACKAGE==VERSION` makes it. It comes first
on Python's path of the workers, and the golden cases are walked along the Keras routes that end with the package. The
results are judged by the record of the recorded release: where the other release is older, a `regression` is what has
been mended since, and `fixed` is what has broken since. Prints the counts for each release, and the defects of the
results that answer `regression` or `changed`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from benchmarks.regressions import Bench, Edit
from harness.analysis.tally import Tally
from harness.results.events import Answer


def release_of(package: str, folder: Path) -> Edit:
    """What walks a release: no change of a file, but the package in this folder. Raises FileNotFoundError."""
    found = next(folder.glob(f"{package}-*.dist-info"), None)
    if found is None:
        raise FileNotFoundError(f"{folder} holds no {package}: pip install --no-deps --target {folder} {package}==...")
    version = found.name.removesuffix(".dist-info").rsplit("-", 1)[1]
    return Edit(f"{package} {version}", package, "", "", "", f"release {version}", ("*",), f"keras-tf2onnx-{package}")


def main() -> None:
    """Walk the releases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package")
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=0, help="Walk at most this many cases of each layer; 0: all.")
    parser.add_argument("--keep", type=Path, help="Keep the results of each release in this folder.")
    options = parser.parse_args()
    bench = Bench(options.package, options.most)
    try:
        for folder in map(Path.resolve, options.folder):
            edit = release_of(options.package, folder)
            begun = time.perf_counter()
            results = bench.results(edit, folder)
            tally = Tally(bench.session.header((), {}, 0).plugins)
            counts = dict.fromkeys(Answer, 0)
            for result in results:
                counts[result.answer] += 1
                if result.answer in (Answer.REGRESSION, Answer.CHANGED):
                    tally.add(result)
            answers = ", ".join(f"{count} {answer}" for answer, count in counts.items() if count)
            defects = tally.defects()
            print(
                f"{edit.id}: {len(results)} results: {answers}; {len(defects)} defects; "
                f"{time.perf_counter() - begun:.0f} s",
                flush=True,
            )
            for defect in defects:
                print(f"    {defect.brief}", flush=True)
            if options.keep is not None:
                options.keep.mkdir(parents=True, exist_ok=True)
                lines = (json.dumps(result.to_json(), allow_nan=False) + "\n" for result in results)
                (options.keep / f"{edit.id.replace(' ', '-')}.ndjson").write_text("".join(lines), encoding="utf-8")
    finally:
        bench.close()


if __name__ == "__main__":
    main()
