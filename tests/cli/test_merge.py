"""`parity merge`."""

from __future__ import annotations

from pathlib import Path

from harness.results.file import Results
from harness.results.merge import manifest_digest
from tests.cli.conftest import Parity
from tests.two_runs import ROUTE, result, write

CASES = ["keras-Dense-a1", "keras-Dense-b2"]
MANIFEST = manifest_digest((case, ROUTE) for case in CASES)


def shards() -> list[str]:
    for number, case in enumerate(CASES, 1):
        options = {"shard": f"{number}/2", "manifest": MANIFEST}
        write(Path(f"{number}.ndjson"), [result(case, "exact 0")], options=options)
    return ["1.ndjson", "2.ndjson"]


def test_shards_are_joined(parity: Parity) -> None:
    code, out, _ = parity("merge", *shards(), "-o", "whole.ndjson")
    assert (code, out.splitlines()[-1]) == (0, "whole.ndjson: 2 results of 2 shards")
    assert [each.case for each in Results.load(Path("whole.ndjson")).results] == CASES


def test_a_missing_shard_is_refused_and_nothing_is_written(parity: Parity) -> None:
    code, out, err = parity("merge", shards()[0], "-o", "whole.ndjson")
    assert (code, out) == (2, "")
    assert "shard 2/2 missing" in err
    assert not Path("whole.ndjson").exists()
