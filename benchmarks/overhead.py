"""How much time does the harness add to the framework calls?

    python benchmarks/overhead.py [--cases 100] [--profile]

Walks every k-th golden case of the Keras layers along every Keras route, with one set of workers. Workers measure the
time of framework calls around formats, converters and runtimes. The rest of a walk reads goldens, transports, judges
and writes results. The start of the workers (their imports) is a figure of its own.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from pathlib import Path

from harness.results.file import Writer
from harness.run.session import Session
from harness.workers.protocol import Load


def corpus(session: Session, count: int) -> list:
    """`count` golden cases spread evenly over the Keras layers, in the store's order."""
    entries = session.store.entries(folder="keras")
    step = max(1, len(entries) // count)
    return entries[::step][:count]


def measure(session: Session, entries: list, path: Path) -> dict[str, float]:
    """Seconds of start, walk and framework calls, and the number of results."""
    routes = session.runnable_for("keras")
    cold = time.perf_counter()
    session.warm(routes)
    for name in dict.fromkeys(worker for route in routes for worker in route.workers(session.registry)):
        session.workers[name].request(Load())
    started = time.perf_counter()
    results = 0
    with Writer(path, session.header(sys.argv, {}, 1)) as writer:
        for entry in entries:
            for result in session.walk.results(entry.load(), routes):
                writer.add(result)
                results += 1
    return {
        "start": started - cold,
        "walk": time.perf_counter() - started,
        "framework": session.walk.framework_seconds,
        "results": results,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--profile", action="store_true", help="also print where the harness's own time goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Session() as session:
        entries = corpus(session, options.cases)
        profiler = cProfile.Profile()
        if options.profile:
            profiler.enable()
        seen = measure(session, entries, Path(folder) / "results.ndjson")
        profiler.disable()
    ratio = seen["walk"] / seen["framework"]
    print(f"cases                      {len(entries)} ({int(seen['results'])} results)")
    print(f"start of the workers       {seen['start']:.2f} s")
    print(f"walk                       {seen['walk']:.2f} s")
    print(f"inside framework calls     {seen['framework']:.2f} s")
    print(f"walk / framework calls     {ratio:.3f}")
    print(f"cases per second           {len(entries) / seen['walk']:.2f} warm, ", end="")
    print(f"{len(entries) / (seen['walk'] + seen['start']):.2f} cold")
    if options.profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main()
