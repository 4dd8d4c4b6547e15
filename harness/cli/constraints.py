"""Print the recorded versions as a constraints file of pip.

The record says what every case does with exactly these versions. `pip install -c FILE "parity-suite[onnx2torch]"`
installs what the extra asks for in these versions, and nothing more. What the record does not name has the version with
which the suite was tested.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.console import page_option, print_page
from harness.installed import SUITE, constraints, version_of
from harness.judge.record import recorded_versions
from harness.run.session import RECORD, home


@click.command(help=__doc__, epilog="\b\nExample: parity constraints -o constraints.txt")
@page_option
def command(target: Path | None) -> None:
    pins = constraints(recorded_versions(home() / "golden" / RECORD))
    lines = [f"# The versions on record of {SUITE} {version_of(SUITE)}", *(f"{name}=={pins[name]}" for name in pins)]
    print_page("".join(f"{line}\n" for line in lines), target)
