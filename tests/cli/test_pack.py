"""`parity pack`, and a gate behind what it made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.corpus.store import Store
from harness.run.pack import Pack
from tests.gates import CASES, IDS, RESULTS, ROUTE, Parity, fill, results, world
from tests.miniatures import Doubles, MatlabFormat, plugin

PACK = ("pack", "--route", "mini-copies")


@pytest.fixture
def parity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Parity:
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "kept"))
    return Parity(monkeypatch, capsys).over(world)


def test_a_gate_over_a_pack(parity: Parity) -> None:
    assert parity("run")[0] == 0
    assert parity("record", "accept", str(RESULTS), "--reason", "the first whole run")[0] == 0
    code, out = parity(*PACK, "-o", "small.pack")
    assert code == 0
    assert out.splitlines()[-1].split() == ["small.pack", str(Path("small.pack").stat().st_size), "3", "3", "0", "yes"]
    for path in Path("golden").rglob("*.zip"):
        path.unlink()  # the pack has them
    code, out = parity.gate("--pack", "small.pack")
    assert (code, "Nothing got worse in 3 compared results.\n" in out) == (0, True)
    assert all([stage.kept for stage in each.stages] == [True, True, False] for each in results().results)
    assert parity.over(lambda: world(Doubles)).gate("--pack", "small.pack")[0] == 1


def test_a_gate_whose_route_is_not_behind_the_pack(parity: Parity) -> None:
    parity(*PACK, "-o", "small.pack")
    code, out = parity("gate", "-n", "1", "--pack", "small.pack", "--route", "mini-copies")
    assert (code, "no route fits 'mini-copies'. Nearest: mini-copies-reads." in out) == (2, True)
    code, out = parity.over(lambda: world(source="mini")).gate("--pack", "small.pack")
    assert (code, f"no route fits '{ROUTE}'" in out) == (2, True)


def test_a_layer_alone_and_without_goldens(parity: Parity) -> None:
    Store(Path("golden")).put("keras", "Other", [], seed=0)
    assert parity(*PACK, "--layer", "Dense", "--no-goldens", "-o", "small.pack")[0] == 0
    pack = Pack.read(Path("small.pack"))
    assert (sorted(pack.cases), pack.store) == (sorted(IDS), None)
    Store(Path("golden")).put("keras", "Dense", CASES[:1], seed=0)
    code, out = parity.gate("--pack", "small.pack")
    assert (code, "the pack was made for other goldens" in out) == (2, True)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--route", "mini-copy"], "no route fits 'mini-copy'. Nearest: mini-copies, mini-copies-reads."),
        (["--route", "*"], "a pack is of routes by their whole names"),
        (["--route", ROUTE], f"{ROUTE} ends in 'mini3', which is code: a pack is data"),
        (["--route", "mini-copies", "--layer", "Dens"], "no golden layer fits 'Dens'. Nearest: Dense."),
        ([], "Missing option '--route'"),
    ],
)
def test_what_cannot_be_packed(parity: Parity, args: list[str], message: str) -> None:
    code, out = parity("pack", *args, "-o", "small.pack")
    assert (code, message in out) == (2, True), out
    assert not Path("small.pack").exists()


def test_a_route_that_no_selected_case_walks(parity: Parity) -> None:
    small = world()
    parity.over(lambda: replace(small, formats=(*small.formats, plugin(MatlabFormat, "formats"))))
    code, out = parity("pack", "--route", "mini-copies", "--route", "minimat", "-o", "small.pack")
    assert (code, "no selected case is walked along minimat" in out) == (2, True), out
