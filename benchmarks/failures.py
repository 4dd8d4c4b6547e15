"""What do a worker that dies and one that hangs cost a run?

    python benchmarks/failures.py

Walks twenty golden cases along `keras-tf2onnx-onnx2torch` twice with the real frameworks. The second time the
TensorFlow worker gets SIGKILL in the middle of the fifth case, and the torch worker gets SIGSTOP before the
twelfth, so that it exceeds its limit by the clock. The fifth case must end as `crash`, and all others as before: the
request that hangs is tried again. Exit code 0 if they do, else 1.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from harness.results.events import Result
from harness.run.session import Selection, Session

ROUTE = "keras-tf2onnx-onnx2torch"
KILLED, STOPPED = 4, 11
LIMIT = 10.0


def shoot(session: Session, delay: float) -> None:
    """Send SIGKILL to the TensorFlow worker `delay` seconds after the request."""
    time.sleep(delay)
    os.kill(session.workers["tensorflow"].pid or 0, signal.SIGKILL)


def walk(session: Session, *, disturbed: bool) -> list[Result]:
    """The results of the fixed cases; with `disturbed`, two workers get their signals on the way."""
    route = session.routes[0]
    session.warm([route])
    entries = session.store.entries("[DR]e*", folder="keras")[::4][:20]
    results = []
    for index, entry in enumerate(entries):
        case = entry.load()
        if disturbed and index == KILLED:
            threading.Thread(target=shoot, args=(session, 0.02)).start()
        if disturbed and index == STOPPED:
            os.kill(session.workers["torch"].pid or 0, signal.SIGSTOP)
        results.append(session.walk.result(case, route))
    return results


def signature(result: Result) -> list[tuple[str, float | None]]:
    """Outcome and units of every stage, which a second walk must repeat."""
    return [(str(stage.outcome), stage.units) for stage in result.stages]


def main() -> None:
    """Print the cases that differ between the two walks."""
    with Session(Selection(route=(ROUTE,), limit=LIMIT)) as session:
        before = walk(session, disturbed=False)
        after = walk(session, disturbed=True)
    changed = [index for index in range(len(before)) if signature(before[index]) != signature(after[index])]
    for index in changed:
        print(f"case {index}: {before[index].outcome} -> {after[index].outcome} at {after[index].blame}")
        print(f"    {after[index].message}")
    right = changed == [KILLED] and after[KILLED].outcome == "crash"
    print(f"{len(before) - len(changed)} of {len(before)} cases as before")
    print("the crash costs its case, the hang none" if right else "NOT as it should be")
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
