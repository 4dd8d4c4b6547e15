"""Workers that die and hang, for real: what it costs a run.

    python benchmarks/failures.py

Twenty golden cases go along `keras-tf2onnx-onnx2torch` twice with the real frameworks. The second time the
TensorFlow worker gets SIGKILL in the middle of the fifth case, and the torch worker gets SIGSTOP before the
twelfth, so that it sleeps past its limit. The two cases must read `crash` and `hang`, and all others as before.
Exit code 0 if so, else 1.
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
    """SIGKILL to the TensorFlow worker, once the request is on its way."""
    time.sleep(delay)
    os.kill(session.workers["tensorflow"].pid or 0, signal.SIGKILL)


def walk(session: Session, *, disturbed: bool) -> list[Result]:
    """The results of the fixed cases; with `disturbed`, workers are hit on the way."""
    route = session.routes[0]
    session.warm([route])
    entries = session.store.entries(layer="[DR]e*", folder="keras")[::4][:20]
    results = []
    for index, entry in enumerate(entries):
        case = entry.load()
        if disturbed and index == KILLED:
            threading.Thread(target=shoot, args=(session, 0.02)).start()
        if disturbed and index == STOPPED:
            os.kill(session.workers["torch"].pid or 0, signal.SIGSTOP)
        results.append(session.walk.result(case, route))
    return results


def told(result: Result) -> list[tuple[str, float | None]]:
    """What a repetition must give again: outcome and units of every stage."""
    return [(str(stage.outcome), stage.units) for stage in result.stages]


def main() -> None:
    """Print the cases that differ between the two walks."""
    with Session(Selection(route=ROUTE, limit=LIMIT)) as session:
        before = walk(session, disturbed=False)
        after = walk(session, disturbed=True)
    changed = [index for index in range(len(before)) if told(before[index]) != told(after[index])]
    for index in changed:
        print(f"case {index}: {before[index].outcome} -> {after[index].outcome} at {after[index].blame}")
        print(f"    {after[index].message}")
    right = changed == [KILLED, STOPPED] and after[KILLED].outcome == "crash" and after[STOPPED].outcome == "hang"
    print(f"{len(before) - len(changed)} of {len(before)} cases as before")
    print("crash and hang as they should be" if right else "NOT as it should be")
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
