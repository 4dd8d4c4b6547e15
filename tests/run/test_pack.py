"""Packs: what one gives back, and that a damaged or foreign one is refused by name."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness.run.session
from harness.analysis.difference import Base
from harness.cli.outputs import compared
from harness.corpus.store import Store
from harness.judge.record import Cell, Record
from harness.judge.record import load as load_record
from harness.outcomes import Outcome
from harness.results.events import Header, Owed, Stage
from harness.results.evidence import Evidence
from harness.results.file import Results
from harness.run import pack as module
from harness.run.pack import ABOUT, STEPS, Contents, Pack, PackError, goldens_of
from harness.run.session import Selection, SelectionError, Session
from harness.run.step import Step
from tests.gates import CASES, IDS, ROUTE, fill, world
from tests.miniatures import MiniTwoRuntime, dense_case

CHAIN = "mini-copies"
Members = dict[str, bytes]


def write(folder: Path, target: Path, *, goldens: bool = False, steps: int = 2) -> None:
    with Session(Selection(route=(CHAIN, ROUTE), cache=False), folder) as session:
        (route,) = (each for each in session.routes if each.name == CHAIN)
        contents = Contents((CHAIN,), session.header((), {}, 0).versions)
        for entry, each in session.pairs():
            if each == route:
                contents.add(entry, route, session.walk.steps(entry.load(), route)[:steps])
        kept = goldens_of(session.store, session.record, contents.answers, (CHAIN,), folder / "t") if goldens else {}
        contents.write(target, kept)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with goldens, a pack of `mini-copies`, and one with goldens."""
    folder = tmp_path_factory.mktemp("made")
    fill(folder)
    Record({(case, ROUTE): (Cell.parse("faithful 1"),) for case in (*IDS, "keras-Dense-ffff")}).save(
        folder / "golden" / "record"
    )
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(harness.run.session, "installed", world)
        write(folder, folder / "small.pack")
        write(folder, folder / "whole.pack", goldens=True)
    return folder


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.run.session, "installed", world)


def members(path: Path) -> Members:
    with tarfile.open(path) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]


def rewrite(path: Path, content: Members, *more: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in more:
            archive.addfile(member)
    return path


def about_with(content: Members, **changes: Any) -> Members:
    return {**content, ABOUT: json.dumps({**json.loads(content[ABOUT]), **changes}).encode()}


def sealed(content: Members, **changes: Any) -> Members:
    """The members with their own digests, as somebody would write them who knows how."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in content.items() if name != ABOUT}
    return about_with(content, members=digests, **changes)


def test_what_it_holds(made: Path) -> None:
    pack = Pack.read(made / "small.pack")
    assert (pack.chains, tuple(pack.cases), pack.store) == ((CHAIN,), tuple(sorted(IDS)), None)
    assert sorted(pack.members) == sorted([STEPS, *(f"artifacts/{CHAIN}/{case}" for case in IDS)])
    assert pack.versions["numpy"]
    assert [pack.has(IDS[0], chain) for chain in (CHAIN, "mini-other", ROUTE)] == [True, False, False]


def test_only_what_is_behind_it_is_selected_and_its_stages_are_not_walked(made: Path, known: None) -> None:
    with Session(Selection(pack=made / "small.pack", cache=False), made) as session:
        assert [(route.name, route.given) for route in session.routes] == [(ROUTE, 2)]
        assert session.registry.hops[0].name == "copies"
        ((entry, route), *_) = session.pairs()
        result = session.walk.result(entry.load(), route)
    assert [(stage.by, stage.kept) for stage in result.stages] == [("source", True), ("copies", True), ("reads", False)]
    assert result.outcome.passes
    header = session.header((), session.selection.options(), 3).to_json()
    digest = session.pack and session.pack.digest
    assert header["options"] == {"pack": str(made / "small.pack"), "cache": False}
    assert header["pack"] == {"name": "small", "digest": digest, "routes": [ROUTE], "lacking": ["keras-Dense-ffff"]}


def test_what_is_in_front_of_it_need_not_be_installed(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = world()
    gone = replace(whole.hops[0], requires=("no-such-thing>=1",), reference="no.such:Thing")
    lacking = replace(whole, hops=(gone, *whole.hops[1:]), runtimes=whole.runtimes[2:])
    monkeypatch.setattr(harness.run.session, "installed", lambda: lacking)
    with Session(Selection(pack=made / "whole.pack", cache=False), made) as session:
        assert [route.name for route in session.runnable] == [ROUTE]
        entry, route = session.pairs()[0]
        assert session.walk.result(entry.load(), route).outcome.passes


@pytest.mark.parametrize(
    ("runtime", "outcome"), [("MiniTwoRuntime", "faithful"), ("Negates", "divergent"), ("Uninstalled", "")]
)
def test_run_anew(made: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, outcome: str) -> None:
    """What its artifacts give here is judged, whatever they gave where it was made; without their runtime, nothing."""
    whole = world()
    changed = {
        "Negates": {"reference": "tests.run.test_pack:Negates"},
        "Uninstalled": {"requires": ("no-such-thing>=1",)},
    }
    runtimes = [
        replace(each, **changed.get(runtime, {})) if each.format == "mini2" else each for each in whole.runtimes
    ]
    monkeypatch.setattr(harness.run.session, "installed", lambda: replace(whole, runtimes=tuple(runtimes)))
    with Session(Selection(pack=made / "small.pack", anew=True, cache=False), made) as session:
        assert [(route.name, route.given, route.taken) for route in session.routes] == [(CHAIN, 2, 1), (ROUTE, 2, 1)]
        assert bool(session.runnable) is bool(outcome)
        for entry, route in session.pairs()[:1]:
            first, second = session.walk.result(entry.load(), route).stages
            assert (first.kept, second.kept, second.runtime) == (True, False, "oracle32two")
            assert second.outcome.passes is (outcome == "faithful")
            assert outcome == "faithful" or str(second.outcome) == outcome


def test_nothing_to_run_anew(made: Path, known: None) -> None:
    with (
        pytest.raises(SelectionError, match=r"--anew: there is no pack to run anew\. Name one by --pack"),
        Session(Selection(anew=True), made) as session,
    ):
        session.check()


class Negates(MiniTwoRuntime):
    """A runtime of which the pack's maker had another release."""

    def run(self, opened: Any, inputs: Any) -> Any:
        outputs, names = super().run(opened, inputs)
        return [-each for each in outputs], names


def test_its_goldens_and_their_record_take_the_place_of_others(made: Path, tmp_path: Path, known: None) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case(7)], seed=0)
    with Session(Selection(pack=made / "whole.pack"), tmp_path) as session:
        assert sorted(entry.id for entry, _ in session.pairs()) == sorted(IDS)
        assert sorted(session.record.cells) == sorted((case, ROUTE) for case in IDS)
        folder = session.store.root
        assert session.unwalked() == []
    assert not folder.exists()


def test_what_the_record_has_beside_the_pack_is_not_lost(made: Path, known: None) -> None:
    """The record of `made` has a case that is no golden; a whole run owes it, one of the pack does not."""
    with Session(Selection(), made) as session:
        assert session.unwalked() == [("keras-Dense-ffff", ROUTE)]
    with Session(Selection(pack=made / "small.pack"), made) as session:
        assert session.unwalked() == []


@pytest.mark.parametrize("case", [CASES[1], dense_case(9)])
def test_without_goldens_it_needs_the_same(made: Path, tmp_path: Path, known: None, case: Any) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [case], seed=0)
    with pytest.raises(PackError, match=f"made for other goldens: {min(set(IDS) - {case.id})} is no golden here"):
        Session(Selection(pack=made / "small.pack"), tmp_path).pack  # noqa: B018


def test_other_expected_outputs_are_other_goldens(made: Path, tmp_path: Path) -> None:
    content = members(made / "small.pack")
    cases = dict.fromkeys(json.loads(content[ABOUT])["cases"], "0")
    path = rewrite(tmp_path / "other.pack", about_with(content, cases=cases))
    with pytest.raises(PackError, match="has other expected outputs here"):
        Session(Selection(pack=path), made).pack  # noqa: B018


def test_versions_are_those_of_the_pack_where_its_stages_alone_need_them(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = world()
    copies = replace(whole.hops[0], requires=("numpy", "click"))
    reads = replace(whole.hops[1], requires=("numpy", "rich"))
    monkeypatch.setattr(harness.run.session, "installed", lambda: replace(whole, hops=(copies, reads)))
    content = members(made / "small.pack")
    path = rewrite(
        tmp_path / "old.pack", about_with(content, versions=dict.fromkeys(("click", "rich", "numpy"), "0.1"))
    )
    versions = Session(Selection(pack=path), made).header((), {}, 0).versions
    assert versions["click"] == "0.1"
    assert "0.1" not in (versions["rich"], versions["numpy"])


# What is refused


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="there is no such pack"):
        Pack.read(tmp_path / "no.pack")


@pytest.mark.parametrize("size", [0, 1, 40, 300, -40, -1])
def test_a_cut_one(made: Path, tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.pack"
    path.write_bytes((made / "small.pack").read_bytes()[:size])
    with pytest.raises(PackError, match="not a pack"):
        Pack.read(path)


def test_a_flipped_byte(made: Path, tmp_path: Path) -> None:
    data = bytearray((made / "small.pack").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "x.pack").write_bytes(data)
    with pytest.raises(PackError, match=r"not a pack|is edited|is missing"):
        Pack.read(tmp_path / "x.pack")


def test_other_files(made: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zip.pack", "w") as archive:
        archive.writestr(ABOUT, "{}")
    (tmp_path / "text.pack").write_text("a text, and a long one at that" * 99)
    for name in ("zip.pack", "text.pack", "."):
        with pytest.raises(PackError, match="not a pack"):
            Pack.read(tmp_path / name)


ARTIFACT = f"artifacts/{CHAIN}/{IDS[0]}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: {**c, ARTIFACT: c[ARTIFACT] + b" "}, f"its member {ARTIFACT} is edited, or was added"),
        (lambda c: {**c, "more": b""}, "its member more is edited, or was added"),
        (lambda c: {**c, STEPS: c[STEPS].replace(b"exact", b"crash")}, "its member steps.ndjson is edited"),
        (lambda c: {n: d for n, d in c.items() if n != ARTIFACT}, f"its member {ARTIFACT} is missing"),
        (lambda c: {n: d for n, d in c.items() if n != ABOUT}, "not a pack: KeyError: 'pack.json'"),
        (lambda c: about_with(c, schema=2), "a pack of another version; expected schema 1, got 2"),
        (lambda c: {**c, ABOUT: b"[]"}, "not a pack: TypeError"),
        (lambda c: {**c, ABOUT: b"{"}, "not a pack: JSONDecodeError"),
        (lambda c: about_with(c, members=[]), "not a pack: AttributeError"),
        (lambda c: about_with(c, versions=3), "not a pack: TypeError"),
        (lambda c: about_with(c, cases={}), "does not list this case"),
        (lambda c: about_with(c, cases={**json.loads(c[ABOUT])["cases"], "keras-X-1": "0"}), "no stages of this case"),
        (lambda c: about_with(c, chains=[]), "no stages of this case"),
        (lambda c: sealed({**c, STEPS: b""}), "no stages of this case"),
        (lambda c: sealed({**c, STEPS: b"3\n"}), "not a pack: TypeError"),
        (lambda c: sealed({n: d for n, d in c.items() if n != ARTIFACT}), f"it lists {IDS[0]}, and has no stages"),
        (lambda c: sealed({**c, STEPS: c[STEPS].replace(b'"artifact":"mini-', b'"artifact":"../')}), "no file name"),
        (lambda c: sealed({**c, STEPS: c[STEPS].replace(b'"mini-copies.mini2"', b'".."')}), "no file name"),
    ],
)  # fmt: skip
def test_members_that_are_added_missing_or_edited(
    made: Path, tmp_path: Path, change: Callable[[Members], Members], message: str
) -> None:
    path = rewrite(tmp_path / "x.pack", change(members(made / "small.pack")))
    with pytest.raises(PackError) as error:
        Pack.read(path)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{path}: ")


def odd_members() -> Iterator[Any]:
    for name, kind in (
        ("../up", b"0"),
        ("/etc/x", b"0"),
        ("link", b"2"),
        ("hard", b"1"),
        ("folder", b"5"),
        ("p", b"6"),
    ):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, STEPS
        yield pytest.param(member, id=name)


@pytest.mark.parametrize("member", list(odd_members()))
def test_members_that_are_no_plain_files_in_it(made: Path, tmp_path: Path, member: tarfile.TarInfo) -> None:
    path = rewrite(tmp_path / "x.pack", members(made / "small.pack"), member)
    with pytest.raises(PackError, match=f"its member {member.name} is no plain file in the pack"):
        Pack.read(path)


def test_too_much_data(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 100)
    with pytest.raises(PackError, match="it holds more than 100 bytes"):
        Pack.read(made / "small.pack")


def test_goldens_that_do_not_fit_its_cases(made: Path, tmp_path: Path) -> None:
    content = members(made / "whole.pack")
    other = Store(tmp_path / "golden")
    other.put("keras", "Dense", CASES[:2], seed=0)
    for name in ("manifest.json", "keras/Dense.zip"):
        content[f"golden/{name}"] = (other.root / name).read_bytes()
    path = rewrite(tmp_path / "x.pack", sealed(content))
    with pytest.raises(PackError, match=f"{IDS[2]} is no golden in the pack itself"):
        Session(Selection(pack=path), made).pack  # noqa: B018


def test_a_large_artifact_is_left_out_with_its_case(made: Path, tmp_path: Path, known: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "LARGEST", 10)
    with Session(Selection(cache=False), made) as session:
        (route,) = (each for each in session.every_route if each.name == CHAIN)
        contents = Contents((CHAIN,), {})
        entry = session.entries()[0]
        contents.add(entry, route, session.walk.steps(entry.load(), route))
    assert (contents.answers, contents.steps, list(contents.left_out)) == ({}, {}, [entry.id])


def test_a_pack_holds_no_evidence() -> None:
    stage = Stage("onnx", Outcome.DIVERGENT, evidence=Evidence("a note"))
    line = module._line(("case", CHAIN), Step(stage, None, rest=stage))
    assert "a note" not in line


def without_keras() -> Any:
    """The world without the converter that wrote the pack."""
    whole = world()
    (copies,) = (hop for hop in whole.hops if hop.name == "copies")
    hops = [replace(hop, requires=("no-such-thing>=1",)) if hop is copies else hop for hop in whole.hops]
    return replace(whole, hops=(*hops, replace(copies, name="direct")))


@pytest.fixture
def ships(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the pack among its goldens, where the beginning that it has cannot run."""
    shipped = made / "golden" / "packs" / f"{CHAIN}.pack"
    shipped.parent.mkdir(exist_ok=True)
    shipped.write_bytes((made / "small.pack").read_bytes())
    monkeypatch.setattr(harness.run.session, "installed", without_keras)
    return made


def test_a_pack_is_taken_by_itself_where_the_beginning_cannot_run(ships: Path) -> None:
    with Session(Selection(route=(ROUTE,), cache=False), ships) as session:
        session.check()
        assert [(route.name, route.given) for route in session.runnable] == [(ROUTE, 2)]
        assert session.beginning.startswith(
            f"the beginning {CHAIN} cannot run here, and is taken from the pack {CHAIN}, made with "
        )
        options = session.header((), {}, 0).options
        assert (options["pack"], options["beginning"]) == (CHAIN, session.beginning)
        (entry, route), *_ = session.pairs()
        result = session.walk.result(entry.load(), route)
        assert [stage.kept for stage in result.stages] == [True, True, False]
        assert result.replay == f"parity replay {entry.id} --route {ROUTE} --pack {CHAIN}"
        assert session.unwalked() == []


def test_what_can_run_is_walked_whole_beside_a_pack_taken_by_itself(
    ships: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(Selection(route=("*",), cache=False), ships) as session:
        given = {route.name: route.given for route in session.runnable}
        assert {route.given for _, route in session.pairs()} == {0, 2}
    assert given[ROUTE] == 2
    others = {name for name in given if not name.startswith(CHAIN)}
    assert others
    assert all(given[name] == 0 for name in others)
    monkeypatch.setattr(harness.run.session, "installed", world)
    with Session(Selection(route=(ROUTE,)), ships) as session:  # where all is installed nothing changes
        assert (session.pack, session.beginning, [route.given for route in session.routes]) == (None, "", [0])


def test_a_case_that_the_pack_taken_by_itself_lacks(ships: Path) -> None:
    with Session(Selection(route=(ROUTE,)), ships) as session:
        entry = session.pairs()[0][0]
        assert [route.name for route in session.routes_of(entry)] == [ROUTE]
        other = replace(entry, id="keras-Dense-ffff")
        with pytest.raises(SelectionError, match=f"the pack {CHAIN} does not have the case keras-Dense-ffff"):
            session.routes_of(other)


def test_what_the_pack_lacks_is_lost_on_a_route_that_is_walked_whole(ships: Path, tmp_path: Path) -> None:
    """A golden vanished that is on record behind the pack and on another route. The pack excuses what is behind it."""
    shutil.copytree(ships, tmp_path / "lost")
    cells = {("keras-Dense-ffff", chain): (Cell.parse("faithful 1"),) for chain in ("mini-direct", ROUTE)}
    load_record(ships / "golden" / "record").with_cells(cells).save(tmp_path / "lost" / "golden" / "record")
    for patterns, lost in (((ROUTE,), []), (("*",), [("keras-Dense-ffff", "mini-direct")])):
        with Session(Selection(route=patterns), tmp_path / "lost") as session:
            header = session.header((), {}, 0)
            assert header.pack is not None
            assert (header.pack.routes, header.pack.lacking) == ((ROUTE,), ("keras-Dense-ffff",))
            assert Header.from_json(header.to_json()).pack == header.pack
            assert session.unwalked() == lost
            owed = Owed.of((entry.id, route.name) for entry, route in session.pairs())
            what = compared(session, Base.recorded(session.record), Results(header, (), owed=owed))
            assert [change.key for change in what.changes if change.case not in IDS] == lost
            assert what.warnings[0] == (
                f"the head's pack {CHAIN} lacks 1 case on record, which the head does not owe on {ROUTE}; "
                "the first is keras-Dense-ffff"
            )
