"""Walk what is selected, and say what got worse: a gate.

The cases are walked in several processes, the results are compared with what is on record, or with a results file as
the baseline, and the differences are grouped by defect. Where the record does not fit, the released converter is walked
beside, with all else as it is here, and takes the place of the record: with other versions, another opset, a device, or
fresh cases. The first line says so. With --pack only what is behind a pack's converters is walked, without TensorFlow
and Keras. Exit code 1 on a regression, a change for the worse or a loss that is not accepted, and on nothing else; 2
for an input that cannot be used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import randbits
from tempfile import TemporaryDirectory
from typing import Any

import click

from harness.adapters.routes import Route
from harness.analysis.difference import RECORDED, Base, check_common
from harness.beside.base import Bar, Standard
from harness.beside.stored import path_of
from harness.cli.console import (
    RESULTS,
    anew_option,
    cache_option,
    device_option,
    hop_option,
    layer_option,
    load_results,
    opset_option,
    pack_option,
    progress,
    route_option,
    tell_beginning,
    worker_option,
)
from harness.cli.main import AGREED, DEVIATIONS, walking
from harness.cli.outputs import Outputs, across_option, base_of, compared, output_options, shown
from harness.corpus.store import Entry, keep
from harness.judge.record import plain_id
from harness.results.events import Header, Owed
from harness.results.file import Results, Writer, check_free
from harness.run.crew import most_jobs, walked
from harness.run.selection import Fresh, Selection, SelectionError, Shard
from harness.run.session import Session
from harness.spec import EMPTY_BATCH
from harness.workers.garbage import uncollected


@click.command(
    help=__doc__,
    epilog="\b\nExample: parity gate --pack tf2onnx.pack --route '*-onnx2torch' -n 2 --markdown gate.md",
)
@route_option
@layer_option
@hop_option
@worker_option
@device_option
@opset_option
@pack_option
@anew_option
@cache_option
@click.option(
    "--baseline",
    metavar="FILE",
    default=RECORDED,
    show_default="the record",
    help="Compare with this results file instead of the record.",
)
@across_option
@click.option("--shard", metavar="I/N", help="Walk the I-th of N parts; `parity merge` joins their results.")
@click.option(
    "-n",
    "jobs",
    metavar="N",
    type=click.IntRange(1),
    default=most_jobs,
    show_default="as many as processors and memory carry",
    help="Use N processes.",
)
@click.option(
    "--limit", metavar="SECONDS", type=float, default=Selection.limit, help="Limit the processor time of one request."
)
@click.option(
    "--results", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, help="Write the results here."
)
@click.option(
    "--explore",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    help="Walk N fresh cases of each layer, too, which the released converter judges.",
)
@click.option("--random", is_flag=True, help="Draw other fresh cases each time.")
@output_options
def command(**options: Any) -> int:
    if options["random"] and not options["explore"]:
        raise SelectionError("there are no fresh cases to draw", where="--random", advice="Say how many by --explore N")
    if options["random"] and options["shard"]:
        raise SelectionError("each shard would draw other cases", where="--random", advice="Go without it in shards")
    with TemporaryDirectory(prefix="parity-fresh-", ignore_cleanup_errors=True) as scratch:
        count, seed = options.pop("explore"), randbits(32) if options.pop("random") else 0
        return _gate(**options, explore=Fresh(count, seed, Path(scratch, "fresh.zip")) if count else None)


def _gate(*, results: Path, baseline: str, across: Sequence[str], shard: str | None, jobs: int, **options: Any) -> int:
    outputs = Outputs(**{name: options.pop(name) for name in Outputs.names()})
    words = () if baseline == RECORDED else _words(baseline, across)
    selection = Selection(**options, compared=words, shard=None if shard is None else Shard.parse(shard))
    _check_apart(results, baseline)
    check_free(results)  # the released converters may be walked first
    with Session(selection) as session:
        pairs = _pairs(session)
        tell_beginning(session)
        header = session.header(["parity", *sys.argv[1:]], selection.options(), len(pairs))
        asked = base_of(session, baseline, part=selection.shard is not None)
        if selection.shard is None:
            _check_common(asked, header, pairs)
        outputs.acceptances()
        base = Standard(session, header, results, jobs, _bar(len(pairs))).base(asked, across)
        header = replace(header, under_test=base.under_test, beside=base.name if base.beside else "")
        if base.beside and selection.shard is None:  # the released converters judge a printed replay, too
            session.selection = replace(selection, compared=_words(path_of(results), base.under_test))
        head = _walk(session, pairs, header, results, jobs)
        _keep(session, (result.case for result in head.failures))
        if selection.shard is not None:
            beside = f" beside {base.name}, whose results are in {path_of(results)}" if base.beside else ""
            click.echo("\n".join([f"shard {selection.shard}{beside}: {head.sentence}", *base.remarks]))
            return DEVIATIONS if head.lost else AGREED
        what = compared(session, base, head, across=across)
        _keep(session, (change.case for change in what.failing))
        code = shown(session, what, outputs)
        if code == AGREED and what.tries_nothing:
            first = head.results[0]
            raise SelectionError(
                "no converter was tried: every result ended at the source, as it does in what it is compared with",
                where=first.route,
                came=first.message,
                advice=f"Mend what writes the source, or select other cases; look at one with `{first.replay}`",
            )
        return code


def _words(baseline: str | Path, across: Iterable[str]) -> tuple[str, ...]:
    """What a printed command needs to judge by this baseline, although these distributions differ."""
    return ("--baseline", str(baseline), *(word for name in across for word in ("--across", name)))


def _check_apart(results: Path, baseline: str) -> None:
    """Raise SelectionError for results that would replace the baseline."""
    if baseline != RECORDED and results.resolve() == Path(baseline).resolve():
        raise SelectionError(
            "the results would replace the baseline", where=results, advice="Name another file by --results"
        )


def _check_common(base: Base, header: Header, pairs: Sequence[tuple[Entry, Route]]) -> None:
    """Raise InconsistentResults for a baseline that has nothing of what is to be walked."""
    owed = tuple(Owed.of((entry.id, route.name) for entry, route in pairs))
    check_common(base, Results(header, (), owed=owed), {(entry.id, route.chains[-1][0]) for entry, route in pairs})


def _pairs(session: Session) -> list[tuple[Entry, Route]]:
    """The selected pairs. Raises SelectionError if there is none."""
    with uncollected():
        session.check()
        pairs = session.pairs()
    if not pairs:
        raise SelectionError("no route can run for these layers; `parity list routes` says why")
    session.check_walked(route for _, route in pairs)
    return pairs


def _keep(session: Session, cases: Iterable[str]) -> None:
    """Keep the fresh cases among these, so that a reader can replay their ids."""
    fresh = {entry.id: entry for entry, _ in session.fresh}
    for name in {plain_id(case) for case in cases} & fresh.keys():
        keep(fresh[name].load(), session.root)


def _bar(total: int) -> Bar:
    """Opens a bar for a walk of so many results."""

    @contextmanager
    def opened(title: str) -> Iterator[Callable[[], None]]:
        with progress() as bar:
            task = bar.add_task(title, total=total)
            yield lambda: bar.advance(task)
            bar.update(task, completed=total)  # what was kept is done, too

    return opened


def _walk(session: Session, pairs: Sequence[tuple[Entry, Route]], header: Header, path: Path, jobs: int) -> Results:
    """Walk the pairs and write their results."""
    with (
        walking(path),
        Writer(path, header, Owed.of((entry.id, route.name) for entry, route in pairs)) as writer,
        progress() as bar,
    ):
        task = bar.add_task("walking", total=len(pairs))
        for result in walked(session, pairs, jobs):
            writer.add(result)
            bar.advance(task, not result.case.endswith(EMPTY_BATCH))  # which is a part of its case
    return load_results(path)
