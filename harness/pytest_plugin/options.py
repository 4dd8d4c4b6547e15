"""The options of `pytest suites/`, and the session that they select."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from harness.adapters.plugin import CPU
from harness.errors import InputError
from harness.run.budget import seconds_of
from harness.run.selection import SelectionError, Shard
from harness.run.session import Selection, Session
from harness.workers.pool import LIMIT

FAIL_ON = ("fixed", "drift", "unexplained")
"""What fails a run only if asked for: deviations on record that are gone, more noise, deviations nobody explains."""
_SESSION = pytest.StashKey[Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, which docs/usage.md explains."""
    group = parser.getgroup("parity", "parity suite")
    for name, example in (("route", "keras-tf2onnx*"), ("layer", "Conv*")):
        group.addoption(
            f"--{name}",
            metavar="GLOB",
            action="append",
            default=[],
            help=f"take only {name}s whose name matches, as in {example!r} (repeatable)",
        )
    group.addoption(
        "--explore",
        metavar="N",
        type=int,
        default=0,
        help="draw also N fresh cases of each layer (default: %(default)s, goldens only)",
    )
    group.addoption("--random", action="store_true", help="draw them at random instead of the same ones each time")
    group.addoption(
        "--hop", metavar="MODULE:CLASS", action="append", default=[], help="add a converter for this run (repeatable)"
    )
    group.addoption(
        "--worker",
        metavar="NAME=PYTHON",
        action="append",
        default=[],
        help="have this worker, such as torch, use an interpreter of its own (repeatable)",
    )
    group.addoption(
        "--results",
        metavar="PATH",
        default="reports/results.ndjson",
        help="write the results here (default: %(default)s)",
    )
    group.addoption(
        "--opset", metavar="N", type=int, action="append", default=[], help="convert to this ONNX opset (repeatable)"
    )
    group.addoption(
        "--all-cases", action="store_true", help="walk every route over every case, not a few of each layer"
    )
    group.addoption(
        "--fail-on",
        metavar="ANSWER",
        action="append",
        choices=FAIL_ON,
        default=[],
        help="fail the run also for results that are fixed, drift or unexplained beside the record (repeatable)",
    )
    group.addoption(
        "--plant",
        action="store_true",
        help="plant universal faults behind every converter, and fail unless each case that passes fails with each",
    )
    group.addoption(
        "--pack",
        metavar="PATH",
        type=Path,
        help="walk only what is behind the routes of this pack, and take these from it: a file that `parity pack` "
        "made, or keras-tf2onnx, which comes with the suite",
    )
    group.addoption(
        "--anew",
        action="store_true",
        help="run the pack's artifacts here, instead of taking what they gave where it was made",
    )
    group.addoption(
        "--device",
        metavar="NAME",
        default=CPU,
        help="run artifacts on cuda, or on cuda-tf32, where products may be rounded to TF32 (default: %(default)s)",
    )
    group.addoption("--baseline", metavar="PATH", type=Path, help="judge by this results file instead of the record")
    group.addoption(
        "--across",
        metavar="NAME",
        action="append",
        default=[],
        help="judge by the baseline although NAME differs: a distribution, python or platform (repeatable)",
    )
    group.addoption("--shard", metavar="I/N", help="run the I-th of N parts; `parity merge` joins their results")
    group.addoption(
        "--no-cache",
        action="store_true",
        help="walk everything anew, and keep nothing (`parity cache show` says what is kept)",
    )
    group.addoption(
        "--resume",
        action="store_true",
        help="go on with the cut run whose results are in the file of --results: walk what is not there yet",
    )
    group.addoption(
        "--budget",
        metavar="TIME",
        type=_seconds,
        help="begin no test after this time, as in 90s, 5m or 1h: what comes first is the best sample of the whole",
    )
    group.addoption(
        "--page",
        metavar="PATH",
        type=Path,
        help="write the page here, and renew it while the run goes on (of a cut run, default: beside the results)",
    )
    group.addoption(
        "--limit",
        metavar="SECONDS",
        type=float,
        default=LIMIT,
        help="limit the processor time of one request (default: %(default)s)",
    )


def _seconds(text: str) -> float:
    try:
        return seconds_of(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def pytest_configure(config: pytest.Config) -> None:
    """Create the session. Each of its parts opens on first use."""
    try:
        session = config.stash[_SESSION] = Session(_selection(config), None if is_foreign(config) else config.rootpath)
        session.check()
        if (baseline := session.selection.baseline) is not None:
            if baseline.resolve() == (workplace(config) / config.getoption("--results")).resolve():
                raise SelectionError(
                    "the results would replace the baseline", where=baseline, advice="Name another file by --results"
                )
            session.record  # noqa: B018 - it raises
    except InputError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> str:
    """Say that the beginning of a route is taken from a pack, if nobody named one; '' otherwise."""
    return session_of(config).beginning


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the session."""
    if _SESSION in config.stash:
        config.stash[_SESSION].close()


def is_foreign(config: pytest.Config) -> bool:
    """Whether pytest's root has no goldens: it is somebody else's repository, and the project lies elsewhere."""
    return not (config.rootpath / "golden" / "manifest.json").exists()


def workplace(config: pytest.Config) -> Path:
    """The folder below which results are written: the root, in a foreign repository the current folder."""
    return config.invocation_params.dir if is_foreign(config) else config.rootpath


def session_of(config: pytest.Config) -> Session:
    """The session of this run."""
    return config.stash[_SESSION]


def _selection(config: pytest.Config) -> Selection:
    return Selection(
        route=tuple(config.getoption("--route")),
        layer=tuple(config.getoption("--layer")),
        hops=tuple(config.getoption("--hop")),
        anew=config.getoption("--anew"),
        device=config.getoption("--device"),
        workers=tuple(config.getoption("--worker")),
        limit=config.getoption("--limit"),
        opset=tuple(config.getoption("--opset")),
        all_cases=config.getoption("--all-cases"),
        cache=not (config.getoption("--no-cache") or config.getoption("--random")),  # random cases do not come again
        pack=config.getoption("--pack"),
        baseline=config.getoption("--baseline"),
        across=tuple(config.getoption("--across")),
        shard=None if config.getoption("--shard") is None else Shard.parse(config.getoption("--shard")),
    )
