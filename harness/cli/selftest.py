"""Plant known faults and check that the goldens catch them.

Exit code 1 if a fault survives: it shows a hole in the corpus.
"""

from __future__ import annotations

import json

import click

from harness.cli.console import json_option, print_records, tracked
from harness.cli.main import AGREED, DEVIATIONS
from harness.patterns import fits
from harness.planted import Fault, faults
from harness.results.events import plain
from harness.run import selftest
from harness.run.selection import check_patterns
from harness.run.session import Session

COLUMNS = ("name", "caught", "cases", "units", "outcome", "by")


@click.command(help=__doc__, epilog="\b\nExample: parity selftest --fault '*pads*'")
@click.option("--fault", metavar="GLOB", default="*", help="Plant only faults whose name matches.")
@json_option
def command(fault: str, as_json: bool) -> int:
    planted = _matching(fault)
    with Session() as session:
        hunt = tracked(selftest.run(session, planted), lambda catch: catch.name, total=len(planted))
        catches = [catch.to_json() for catch in hunt]
    rate = round(100.0 * sum(catch["caught"] for catch in catches) / len(catches), 2)
    if as_json:
        click.echo(json.dumps(plain({"faults": catches, "kill_rate": rate}), indent=1, allow_nan=False))
    else:
        print_records([{key: catch[key] for key in COLUMNS} for catch in catches], as_json=False)
        click.echo(f"kill rate {rate:g} % of {len(catches)} faults")
    return AGREED if rate == 100 else DEVIATIONS


def _matching(glob: str) -> list[Fault]:
    advice = "docs/planted-faults.md shows all"
    check_patterns((glob,), (each.name for each in faults()), noun="planted fault", where="--fault", advice=advice)
    return [each for each in faults() if fits(each.name, (glob,))]
