"""Does the memory of each worker stay in bounds over a long run?

    python benchmarks/memory.py [CASES]

Walks golden cases of many layers along the full Keras routes. Prints, for the first and every fiftieth case, the
resident size of each worker in MB and the number of its starts; the pool replaces a worker that grows by more than
`harness.workers.pool.GROWTH`.
"""

from __future__ import annotations

import sys

from harness.run.session import Selection, Session

EVERY = 50


def main(count: int) -> int:
    """Print the curve. Returns the exit code, always 0."""
    with Session(Selection()) as session:
        entries = [entry for entry in session.entries() if entry.dialect == "keras"]
        chosen = entries[:: max(1, len(entries) // count)][:count]
        routes = [route for route in session.runnable_for("keras") if route.depth is None]
        session.warm(routes)
        names = list(dict.fromkeys(name for route in routes for name in route.workers(session.registry)))
        print("case  " + "  ".join(f"{name:>20}" for name in names))
        for index, entry in enumerate(chosen, start=1):
            session.walk.results(entry.load(), routes)
            if index % EVERY == 0 or index == 1:
                cells = []
                for name in names:
                    worker = session.workers[name]
                    size = worker.resident[-1] / 2**20 if worker.resident else 0
                    cells.append(f"{size:9.0f} MB, start {worker.starts}")
                print(f"{index:4}  " + "  ".join(f"{cell:>20}" for cell in cells), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
