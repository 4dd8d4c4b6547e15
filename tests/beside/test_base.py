"""What a gate compares with where the record does not fit: the released converter, walked beside, in real processes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from harness.judge.record import load as load_record
from tests.beside.miniature import DEPENDENCY, install
from tests.bisection.miniature import BAD, GOOD, REFUSES, release
from tests.gates import IDS, RESULTS, ROUTE, Parity

RED, REFUSED = 1, 2
KEPT = Path("..", "cache", "beside")


def gate(parity: Parity, *args: str) -> tuple[int, str, str]:
    """Exit code, first line of the answer and all that was said, of a gate that keeps its steps."""
    code, out = parity("gate", "-n", "1", "--route", ROUTE, *args)
    answer = [line for line in out.splitlines() if "\u2501" not in line]  # the bars are not part of it
    return code, answer[0] if answer else "", out


def test_the_record_where_it_fits(parity: Parity, index: Path) -> None:
    code, title, _ = gate(parity)
    assert (code, title) == (0, "minipkg 1.2 (installed) beside the record; 3 cases")
    assert not KEPT.exists()


def test_another_version_of_a_dependency(parity: Parity, site: Path) -> None:
    """An unchanged converter is green, a fault is red, and all else is the same on both sides."""
    install(site, "1.1", "", name=DEPENDENCY)
    code, title, out = gate(parity)
    expected = "minipkg 1.2 (installed) beside minipkg 1.2 (released), both with minidep 1.1; 3 cases"
    assert (code, title) == (0, expected), out
    install(site, "1.2", BAD)
    code, title, out = gate(parity)
    assert (code, title, "3 regressions of 1 defect in reads" in out) == (RED, expected, True)


def test_another_version_of_what_runs_tests(parity: Parity, site: Path, index: Path) -> None:
    """No result depends on it: nothing is walked beside."""
    install(site, "99.0", "", name="pytest")
    (index / "minipkg-1.2-py3-none-any.whl").unlink()
    code, title, out = gate(parity)
    assert (code, title) == (0, "minipkg 1.2 (installed) beside the record; 3 cases"), out
    assert "pytest " in out
    assert "99.0" in out


def test_a_working_copy_in_the_working_directory(parity: Parity, site: Path) -> None:
    """Workers look there first; with the release they look there last, or release and fault were the same."""
    install(site, "1.1", "", name=DEPENDENCY)
    Path("minipkg.py").write_text(BAD)
    code, _, out = gate(parity)
    assert (code, "3 regressions of 1 defect in reads" in out) == (RED, True)


def test_a_walk_that_fails_says_why(parity: Parity, site: Path, index: Path) -> None:
    """An error of the process beside is an error of the gate, in its words."""
    release(index, "1.2", "raise SystemExit")
    (site / "sitecustomize.py").write_text(f"import sys\nif sys.flags.safe_path: sys.path[:0] = [{str(site)!r}]\n")
    install(site, "1.1", "", name=DEPENDENCY)
    code, _, out = gate(parity)
    assert (code, "is not what would be imported" in out, "--across minidep" in out) == (REFUSED, True, True)


def test_a_fault_that_the_dependency_brings_to_both(parity: Parity, site: Path, index: Path) -> None:
    """What the release does not do with it either is nothing that the converter broke."""
    source = "import minidep\n\ndef answer(): return minidep.VALUE"
    release(index, "1.2", source)
    install(site, "1.2", source)
    install(site, "1.1", "VALUE = 2.0", name=DEPENDENCY)
    code, title, out = gate(parity)
    assert (code, "both with minidep 1.1" in title, "3 same" in out) == (0, True, True)


def test_what_is_kept_is_not_walked_again(parity: Parity, site: Path, index: Path) -> None:
    """Neither index nor walk: a file of results that was kept answers. Another release of a dependency has its own."""
    install(site, "1.1", "", name=DEPENDENCY)
    assert gate(parity)[0] == 0
    (kept,) = KEPT.glob("results/*.ndjson")
    lines = kept.read_text().splitlines()
    (index / "minipkg-1.2-py3-none-any.whl").unlink()
    kept.write_text("\n".join([*lines[:-1], lines[-1].replace('"event":', '"event" :')]) + "\n")
    mark = kept.read_text()
    install(site, "1.2", BAD)
    assert gate(parity)[0] == RED
    assert kept.read_text() == mark
    install(site, "1.3", "", name=DEPENDENCY)
    assert gate(parity)[0] == RED
    assert len(list(KEPT.glob("results/*.ndjson"))) == 2
    assert parity("cache", "clear")[0] == 0
    assert not KEPT.exists()


def test_nothing_is_kept_where_no_steps_are(parity: Parity, site: Path) -> None:
    install(site, "1.1", "", name=DEPENDENCY)
    assert gate(parity, "--no-cache")[0] == 0
    assert not KEPT.exists()


def test_no_release_can_be_had(parity: Parity, site: Path, index: Path) -> None:
    """It is refused, with what to do; and --across compares with the record all the same."""
    (index / "minipkg-1.2-py3-none-any.whl").unlink()
    install(site, "1.1", "", name=DEPENDENCY)
    code, _, out = gate(parity)
    assert (code, "expected minidep 1.0, got minidep 1.1" in out) == (REFUSED, True)
    assert "no release of minipkg can be had" in out
    assert out.rstrip().endswith(
        "Install the versions on record, which `parity constraints` prints; or compare all the same: --across minidep"
    )
    code, title, _ = gate(parity, "--across", "minidep")
    assert (code, title) == (0, "minipkg 1.2 (installed) beside the record; 3 cases")


def test_what_is_not_on_record_is_judged_by_the_release(parity: Parity, site: Path) -> None:
    """Without it, what a fault refuses were new, and green."""
    record = load_record(Path("golden/record"))
    record.with_cells({key: () for key in record.cells if key[1] == ROUTE}).save(Path("golden/record"))
    assert gate(parity)[:2] == (0, "minipkg 1.2 (installed) beside minipkg 1.2 (released); 3 cases")
    install(site, "1.3.dev0", REFUSES)
    code, title, out = gate(parity)
    assert (code, title) == (RED, "minipkg 1.3.dev0 (installed) beside minipkg 1.2 (released); 3 cases")
    assert "3 regressions" in out
    printed = re.search("`parity (replay .*?)`", out)
    assert printed is not None
    code, out = parity(*shlex.split(printed[1]))
    assert (code, "beside the baseline: regression" in out) == (RED, True), out


def test_a_converter_without_any_release_is_new(parity: Parity, site: Path, index: Path) -> None:
    """It is not on record, and not in the index: nothing can be worse than before, and the answer says so."""
    path = Path("golden/record/versions.json")
    path.write_text(
        json.dumps({name: text for name, text in json.loads(path.read_text()).items() if name != "minipkg"})
    )
    record = load_record(Path("golden/record"))
    record.with_cells({key: () for key in record.cells if key[1] == ROUTE}).save(Path("golden/record"))
    (index / "minipkg-1.2-py3-none-any.whl").unlink()
    install(site, "0.1.dev0", BAD)
    code, _, out = gate(parity)
    assert (code, "3 new" in out, "no release of minipkg can be had" in out) == (0, True, True)
    code, _, out = gate(parity, "--shard", "1/2")
    assert (code, "no release of minipkg can be had" in out) == (0, True)


def test_a_working_copy_ahead_of_the_release_on_record(parity: Parity, site: Path, index: Path) -> None:
    """The record is that of its release, so nothing is walked beside, whether there is an index or not."""
    install(site, "1.3.dev0", GOOD)
    assert gate(parity)[:2] == (0, "minipkg 1.3.dev0 (installed) beside the record; 3 cases")
    install(site, "1.3.dev0", BAD)
    (index / "minipkg-1.2-py3-none-any.whl").unlink()
    assert gate(parity)[:2] == (RED, "minipkg 1.3.dev0 (installed) beside the record; 3 cases")


@pytest.mark.parametrize("version", ["1.1", "1.3"])
def test_another_release_of_the_converter_unchanged(parity: Parity, site: Path, index: Path, version: str) -> None:
    """It is as good as it was released, older or newer than the one on record."""
    release(index, version, REFUSES)
    install(site, version, REFUSES)
    code, title, out = gate(parity)
    assert (code, title) == (0, f"minipkg {version} (installed) beside minipkg {version} (released); 3 cases"), out


def test_a_baseline_of_another_environment(parity: Parity, site: Path) -> None:
    """The release takes its place; of the converter itself the version may differ."""
    assert gate(parity, "--results", "base.ndjson")[0] == 0
    install(site, "1.3.dev0", GOOD)
    assert gate(parity, "--baseline", "base.ndjson")[1] == "minipkg 1.3.dev0 (installed) beside base.ndjson; 3 cases"
    install(site, "1.1", "", name=DEPENDENCY)
    code, title, _ = gate(parity, "--baseline", "base.ndjson")
    assert (code, "beside minipkg 1.2 (released), both with minidep 1.1" in title) == (0, True)


def test_a_name_that_nobody_knows_is_refused(parity: Parity, site: Path) -> None:
    install(site, "1.1", "", name=DEPENDENCY)
    code, _, out = gate(parity, "--across", "minidip")
    assert (code, "neither run knows 'minidip'" in out) == (REFUSED, True)


def shards(parity: Parity, *args: str) -> tuple[int, str, str]:
    """Exit code, first line and all of `parity diff recorded` over the joined shards of a gate."""
    for number in ("1", "2"):
        code, _, out = gate(parity, *args, "--shard", f"{number}/2", "--results", f"{number}/results.ndjson")
        assert code == 0, out
    code, out = parity("merge", "1/results.ndjson", "2/results.ndjson", "-o", "whole.ndjson")
    assert code == 0, out
    code, out = parity("diff", "recorded", "whole.ndjson")
    return code, out.splitlines()[0], out


def plain(text: str) -> str:
    """An answer without line ends, and without the baseline of its replays, which shards do not have."""
    return " ".join(re.sub(r"\s+--baseline\s+\S+\s+--across\s+minipkg", "", text).split())


def test_shards_where_the_record_fits(parity: Parity, site: Path, index: Path) -> None:
    """Nothing is walked beside, and the verdict needs no option."""
    (index / "minipkg-1.2-py3-none-any.whl").unlink()
    title = "minipkg {} (installed) beside the record; 3 cases"
    assert shards(parity)[:2] == (0, title.format("1.2"))
    install(site, "1.3.dev0", BAD)
    assert shards(parity)[:2] == (RED, title.format("1.3.dev0"))
    assert not Path("whole.ndjson.released").exists()


def test_shards_with_another_version_of_a_dependency(parity: Parity, site: Path) -> None:
    """Each shard walks its part of the release, and the verdict is that of a gate in one piece. It needs no converter,
    no framework and no index."""
    install(site, "1.1", "", name=DEPENDENCY)
    expected = "minipkg 1.2 (installed) beside minipkg 1.2 (released), both with minidep 1.1; 3 cases"
    assert shards(parity)[:2] == (0, expected)
    install(site, "1.2", BAD)
    code, title, out = shards(parity)
    assert (code, title, "3 regressions of 1 defect in reads" in out) == (RED, expected, True)
    code, title, whole = gate(parity)
    assert (code, title) == (RED, expected)
    code, again = parity("diff", "recorded", str(RESULTS))
    assert (code, plain(again)) == (RED, plain(out))
    assert plain(again) in plain(whole)
    code, out = parity("diff", "recorded", "whole.ndjson", "--across", "minidep")
    assert (code, out.splitlines()[0]) == (RED, "minipkg 1.2 (installed) beside the record; 3 cases")


def test_shards_of_which_one_has_what_is_not_on_record(parity: Parity, site: Path) -> None:
    """All have the same base."""
    record = load_record(Path("golden/record"))
    record.with_cells({(IDS[0], ROUTE): ()}).save(Path("golden/record"))
    assert shards(parity)[:2] == (0, "minipkg 1.2 (installed) beside minipkg 1.2 (released); 3 cases")


def test_a_shard_without_the_results_of_the_release(parity: Parity, site: Path) -> None:
    install(site, "1.1", "", name=DEPENDENCY)
    assert shards(parity)[0] == 0
    Path("whole.ndjson").unlink()
    Path("2/results.ndjson.released").unlink()
    code, out = parity("merge", "1/results.ndjson", "2/results.ndjson", "-o", "whole.ndjson")
    assert (code, Path("whole.ndjson").exists()) == (REFUSED, False)
    assert "2/results.ndjson.released: shard 2/results.ndjson was walked beside minipkg 1.2 (released)" in out


def test_a_whole_run_that_was_there_outlives_a_merge_that_fails(parity: Parity, site: Path) -> None:
    install(site, "1.1", "", name=DEPENDENCY)
    assert shards(parity)[0] == 0
    before = {path.name: path.read_bytes() for path in Path().glob("*whole.ndjson*")}
    Path("2/results.ndjson.released").unlink()
    assert parity("merge", "1/results.ndjson", "2/results.ndjson", "-o", "whole.ndjson")[0] == REFUSED
    assert {path.name: path.read_bytes() for path in Path().glob("*whole.ndjson*")} == before
    assert len(before) == 2


def test_results_that_cannot_be_written_beside(parity: Parity, site: Path) -> None:
    install(site, "1.1", "", name=DEPENDENCY)
    Path("taken").write_text("")
    code, _, out = gate(parity, "--results", "taken/results.ndjson")
    assert (code, "taken/results.ndjson.released: the file cannot be written: " in out) == (REFUSED, True), out


def test_a_difference_from_a_run_of_another_environment(parity: Parity, site: Path) -> None:
    """The gate compared with the release in its place, and so does `diff`. One of the same environment stays."""
    assert gate(parity, "--results", "base.ndjson")[0] == 0
    install(site, "1.1", "", name=DEPENDENCY)
    title = "minipkg 1.2 (installed) beside minipkg 1.2 (released), both with minidep 1.1; 3 cases"
    assert gate(parity, "--baseline", "base.ndjson", "--results", "now.ndjson")[1] == title
    assert parity("diff", "base.ndjson", "now.ndjson")[1].splitlines()[0] == title
    assert gate(parity, "--results", "later.ndjson")[1] == title
    code, out = parity("diff", "now.ndjson", "later.ndjson")
    assert (code, out.splitlines()[0]) == (0, "minipkg 1.2 (installed) beside now.ndjson; 3 cases")


def test_routes_without_a_converter_under_test(parity: Parity, site: Path) -> None:
    """`copies` needs what the source is written with: no release of it could be walked. Another version is refused,
    and what is not on record is new, which is said."""
    record = load_record(Path("golden/record"))
    record.with_cells({key: () for key in record.cells if key[1] == "mini-copies"}).save(Path("golden/record"))
    code, out = parity("gate", "-n", "1", "--route", "mini-copies")
    assert (code, "3 new" in out) == (0, True)
    assert "what is not on record is new, and nothing more: no converter on these routes has a release" in out
    install(site, "1.1", "", name=DEPENDENCY)
    code, out = parity("gate", "-n", "1", "--route", "mini-copies")
    assert (code, "no converter on these routes has a release that could be walked beside" in out) == (REFUSED, True)
    assert out.rstrip().endswith("--across minidep")


def test_a_device(parity: Parity, site: Path) -> None:
    """The record is that of the CPU. What deviates on a device with the release, too, is nothing that the converter
    broke; and a fault is red."""
    path = Path("golden/record/versions.json")
    versions = json.loads(path.read_text())
    assert versions.pop("device") == "cpu"
    path.write_text(json.dumps(versions))  # as a record of before there were devices
    title = "minipkg 1.2 (installed) beside minipkg 1.2 (released), both with device fake (Stand-in, 1.0); 3 cases"
    code, first, out = gate(parity, "--device", "fake")
    assert (code, first, "3 same" in out) == (0, title, True), out
    install(site, "1.2", BAD)
    code, first, out = gate(parity, "--device", "fake")
    assert (code, first, "1 regression, 2 changed" in out) == (RED, title, True), out
    code, out = parity("diff", "recorded", str(RESULTS))
    assert (code, out.splitlines()[0]) == (RED, title)
    code, first, out = gate(parity, "--device", "fake", "--across", "device")
    assert (code, first) == (RED, "minipkg 1.2 (installed) beside the record; 3 cases")


def test_fresh_cases(parity: Parity, site: Path) -> None:
    """The release judges what is on no record. The same cases come again, and those that fail can be replayed."""
    fresh = ("--layer", "Dense", "--explore", "4")
    title = "minipkg 1.2 (installed) beside minipkg 1.2 (released); 7 cases"
    code, first, out = gate(parity, *fresh)
    assert (code, first, "7 same" in out) == (0, title, True), out
    (kept,) = KEPT.glob("results/*.ndjson")
    assert gate(parity, *fresh)[0] == 0
    assert list(KEPT.glob("results/*.ndjson")) == [kept]
    assert not Path("reports/explored").exists()
    install(site, "1.2", BAD)
    code, first, out = gate(parity, *fresh)
    assert (code, first, "7 regressions" in out) == (RED, title, True), out
    assert len(list(Path("reports/explored").glob("keras-Dense-*.zip"))) == 4
    name = next(case for case in (path.stem for path in Path("reports/explored").iterdir()))
    assert name not in IDS
    code, out = parity("replay", name, "--route", ROUTE)
    assert (code, "minipkg gives 2.0" in out) == (RED, True)
    install(site, "1.2", GOOD)
    assert gate(parity, *fresh, "--random")[:2] == (0, title)
    assert len(list(KEPT.glob("results/*.ndjson"))) == 2


def test_fresh_cases_in_shards_and_beside_a_baseline(parity: Parity, site: Path) -> None:
    fresh = ("--layer", "Dense", "--explore", "4")
    title = "minipkg 1.2 (installed) beside {}; 7 cases"
    assert shards(parity, *fresh)[:2] == (0, title.format("minipkg 1.2 (released)"))
    assert gate(parity, *fresh, "--baseline", "whole.ndjson")[:2] == (0, title.format("whole.ndjson"))
    assert gate(parity, "--results", "few.ndjson")[0] == 0
    assert gate(parity, *fresh, "--baseline", "few.ndjson")[:2] == (0, title.format("minipkg 1.2 (released)"))
    install(site, "1.2", BAD)
    assert gate(parity, *fresh, "--baseline", "few.ndjson")[0] == RED
    assert shards(parity, *fresh)[:2] == (RED, title.format("minipkg 1.2 (released)"))


def test_no_fresh_cases(parity: Parity) -> None:
    code, _, out = gate(parity, "--random")
    assert (code, "Say how many by --explore N" in out) == (REFUSED, True)
    code, _, out = gate(parity, "--explore", "2", "--random", "--shard", "1/2")
    assert (code, "each shard would draw other cases" in out) == (REFUSED, True)
    assert parity("pack", "--route", "mini-copies", "-o", "mini.pack")[0] == 0
    code, _, out = gate(parity, "--layer", "Dense", "--explore", "2", "--pack", "mini.pack")
    assert (code, "no selected route walks fresh cases of these layers. No pack has any" in out) == (REFUSED, True), out
