"""The walk of a selection with released converters, in processes that find these before what is installed."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import harness
from harness.beside.release import Release
from harness.errors import InputError
from harness.fingerprint import digest_of
from harness.results.events import Header, Owed
from harness.results.file import Writer
from harness.results.merge import manifest_digest
from harness.run.crew import Pair, walked
from harness.run.session import Selection, Session
from harness.signals import interruptible
from harness.spec import EMPTY_BATCH

MOST = 20
"""Most results files that are kept; those used last stay."""
WALKED, KEPT_AT, FAILED = "parity walked", "parity results ", "parity error "
"""What the process says, a line each: one more result is there; where all results lie; or why there are none."""
_START = "import sys; sys.path.append({root!r}); from harness.beside.walk import main; main()"


class BesideError(InputError):
    """The walk of released converters could not be made, and why."""


@dataclass(frozen=True)
class Order:
    """What a process walks: a selection over the goldens of `root`, with these releases, in `jobs` processes.

    The results are kept in `folder`, where they are found again as long as nothing that could change them has changed.
    """

    selection: Selection
    root: Path
    releases: tuple[Release, ...]
    folder: Path
    jobs: int
    command: tuple[str, ...] = ()

    def results(self, tell: Callable[[], None] = lambda: None) -> Path:
        """The file of the results, kept or walked; `tell` is called for each that is walked. Raises BesideError."""
        path = ""
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _START.format(root=str(Path(harness.__file__).parent.parent))],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(pickle.dumps(self))
            process.stdin.close()
            try:
                for line in (each.decode(errors="replace").rstrip("\n") for each in process.stdout):
                    if line == WALKED:
                        tell()
                    elif line.startswith(FAILED):
                        raise BesideError(**json.loads(line.removeprefix(FAILED)))
                    elif line.startswith(KEPT_AT):
                        path = line.removeprefix(KEPT_AT)
            except KeyboardInterrupt:
                process.terminate()  # it ends its own workers; a Ctrl-C it may have been started to ignore
                raise
        if process.returncode or not path:
            raise BesideError(
                "the process that walks the released converters died",
                came=f"exit code {process.returncode}",
                advice="Its own message may stand above; where memory ran out, use fewer processes by -n",
            )
        return Path(path)

    @property
    def _environment(self) -> dict[str, str]:
        """This environment, in which every process finds the releases first, and the working directory late."""
        ours = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        path = [*(str(each.folder) for each in self.releases), *ours, os.getcwd()]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "1"}

    def walk(self) -> Path:
        """Walk it in this process, unless the results are kept. Returns their file."""
        for release in self.releases:
            release.check_imported()
        with Session(self.selection, self.root) as session:
            session.check()
            pairs = session.pairs()
            header = session.header(self.command, self.selection.options(), len(pairs))
            key = _key(session, header, pairs)
            place = self.folder / f"{key or token_hex(8)}.ndjson"
            if place.exists():
                place.touch()
                return place
            begun = self.folder / f"{token_hex(8)}.begun"
            try:
                with Writer(begun, header, Owed.of((entry.id, route.name) for entry, route in pairs)) as writer:
                    for result in walked(session, pairs, self.jobs):
                        writer.add(result)
                        if not result.case.endswith(EMPTY_BATCH):
                            print(WALKED, flush=True)
                if session.kept is not None and session.kept.trouble:
                    place = place.with_stem(token_hex(8))  # a file has changed meanwhile: nobody is to find it again
                begun.replace(place)
            finally:
                begun.unlink(missing_ok=True)
        for old in sorted(self.folder.glob("*.ndjson"), key=lambda path: path.stat().st_mtime)[:-MOST]:
            old.unlink(missing_ok=True)
        return place


def _key(session: Session, header: Header, pairs: Sequence[Pair]) -> str:
    """The name of all that the results depend on; '' if they cannot be kept."""
    if session.kept is None:
        return ""
    plugins = dict.fromkeys(part for _, route in pairs for part in route.walked(session.registry))
    owed = manifest_digest((entry.id, route.name) for entry, route in pairs)
    goldens = digest_of(str(session.store.manifest_path)), session.pack.digest if session.pack else ""
    facts = dict(header.versions), dict(header.options), owed, goldens, session.selection.limit
    return session.kept.key_of(json.dumps(facts, sort_keys=True, default=str), plugins)


def main() -> None:
    """The process: it takes an order from its standard input, and says on the standard output what came of it."""
    order: Order = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - it comes from the process that started this one
    try:
        with interruptible():
            print(f"{KEPT_AT}{order.walk()}", flush=True)
    except InputError as error:
        print(f"{FAILED}{json.dumps(error.parts)}", flush=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)  # who started this one says so
