"""Packs: the artifacts of released converters in one file, so that what is behind them runs without them.

A pack is a tar archive, compressed as a whole by xz. `pack.json` holds the schema, the chains of hops, the versions
that walked them, the digest of each case's answers, and that of every other member; `steps.ndjson` holds the
stages of each case, `artifacts/<chain>/` the artifacts. A pack with goldens also has `golden/`, a store of its cases
with record and findings; one without takes them from the store here, which must have the same.

A pack is data: reading one runs no code. So a chain that ends in a torch module, which is code, cannot be packed.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from harness.adapters.routes import Route
from harness.corpus.store import Entry, Store
from harness.errors import InputError
from harness.files import atomic_write
from harness.judge.record import Record, plain_id
from harness.results.events import Stage, utc_now
from harness.run.step import Step
from harness.spec import Case

SCHEMA = 1
ABOUT, STEPS, GOLDENS = "pack.json", "steps.ndjson", "golden"
LARGEST = 4 << 20
"""Most bytes of an artifact in a pack; a case with a larger one is left out."""
MOST = 1 << 30
"""Most bytes of all members of a pack that is read."""
Key = tuple[str, str]
"""A case, and the chain of hops up to one of its stages."""


class PackError(InputError):
    """A pack that is damaged, foreign, or made for other goldens, or what cannot be packed."""


@dataclass(frozen=True)
class Contents:
    """What a pack is made of: steps with the files of their artifacts, and the digest of each case's answers."""

    chains: tuple[str, ...]
    versions: Mapping[str, str]
    answers: dict[str, str] = field(default_factory=dict)
    steps: dict[Key, Step] = field(default_factory=dict)
    artifacts: dict[Key, bytes] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, entry: Entry, route: Route, steps: Sequence[Step]) -> None:
        """Take the steps of a case, with the artifact of the last one if the whole route was walked."""
        last = steps[-1]
        whole = len(steps) == len(route.chains) and last.artifact is not None
        if last.artifact is not None and last.artifact.is_dir():
            raise PackError(f"the artifacts of {route.name} are folders", advice="Pack a chain that ends in a file")
        if whole and last.artifact is not None and (size := last.artifact.stat().st_size) > LARGEST:
            self.left_out[entry.id] = f"its artifact takes {size:,} bytes, a pack at most {LARGEST:,}"
            return
        self.answers[entry.id] = str(entry.data["answers"])
        for (chain, _), step in zip(route.chains, steps, strict=False):
            self.steps[entry.id, chain] = step
        if whole and last.artifact is not None:
            self.artifacts[entry.id, route.name] = last.artifact.read_bytes()

    def write(self, path: Path, goldens: Mapping[str, bytes]) -> None:
        """Write the pack, with these files below `golden/` if there are any."""
        lines = [_line(key, step) for key, step in sorted(self.steps.items())]
        members = {STEPS: "".join(lines).encode()}
        members |= {f"artifacts/{chain}/{case}": data for (case, chain), data in sorted(self.artifacts.items())}
        members |= {f"{GOLDENS}/{name}": data for name, data in sorted(goldens.items())}
        about = {
            "schema": SCHEMA,
            "made": utc_now(),
            "chains": list(self.chains),
            "versions": dict(self.versions),
            "cases": self.answers,
            "left_out": self.left_out,
            "members": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:xz", preset=9) as archive:
            for name, data in {ABOUT: json.dumps(about, indent=1).encode(), **members}.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        atomic_write(path, buffer.getvalue())


def _line(key: Key, step: Step) -> str:
    data = {
        "case": key[0],
        "chain": key[1],
        "stage": replace(step.stage, kept=False, evidence=None).to_json(),
        "rest": None if step.rest is None else replace(step.rest, kept=False, evidence=None).to_json(),
        "artifact": None if step.artifact is None else step.artifact.name,
    }
    return json.dumps(data, allow_nan=False, separators=(",", ":")) + "\n"


@dataclass(frozen=True)
class Pack:
    """A pack that was read. A `Source` of a walk; `close` removes the goldens that it unpacked."""

    path: Path
    about: Mapping[str, Any]
    members: Mapping[str, bytes]

    @classmethod
    def read(cls, path: Path) -> Pack:
        """Raises PackError for a file that is no pack, or damaged: cut, edited, or with members too many or missing."""
        try:
            members = dict(_members(path))
            about = json.loads(members.pop(ABOUT))
            if about["schema"] != SCHEMA:
                raise _damaged(
                    path, "a pack of another version", expected=f"schema {SCHEMA}", came=str(about["schema"])
                )
            listed = about["members"]
            wrong = next((name for name, data in members.items() if listed.get(name) != _digest(data)), None)
            missing = next((name for name in listed if name not in members), None)
            if wrong is not None:
                raise _damaged(path, f"its member {wrong} is edited, or was added")
            if missing is not None:
                raise _damaged(path, f"its member {missing} is missing")
            pack = cls(path, about, members)
            pack._check_whole()
        except PackError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(path, f"not a pack: {type(error).__name__}: {error}") from error
        return pack

    @property
    def chains(self) -> tuple[str, ...]:
        """The chains of hops that need not be walked, as `keras-tf2onnx`."""
        return tuple(self.about["chains"])

    @property
    def versions(self) -> dict[str, str]:
        """The versions of all distributions with which the chains were walked."""
        return dict(self.about["versions"])

    @property
    def digest(self) -> str:
        """Digest of what the pack gives, whenever it was made."""
        return _digest(json.dumps([self.about["versions"], self.about["members"]], sort_keys=True).encode())

    @property
    def cases(self) -> Mapping[str, str]:
        """The digest of the answers of each case, by id."""
        answers: Mapping[str, str] = self.about["cases"]
        return answers

    @cached_property
    def store(self) -> Store | None:
        """The goldens of the pack, unpacked into a temporary folder; None if it has none."""
        files = {name: data for name, data in self.members.items() if name.startswith(f"{GOLDENS}/")}
        if not files:
            return None
        for name, data in files.items():
            atomic_write(self._folder / name, data)
        return Store(self._folder / GOLDENS)

    @cached_property
    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="parity-pack-"))

    @cached_property
    def _steps(self) -> dict[Key, Mapping[str, Any]]:
        lines = map(json.loads, self.members[STEPS].decode().splitlines())
        return {(str(line["case"]), str(line["chain"])): line for line in lines}

    def _check_whole(self) -> None:
        """Raise PackError unless each case has its stages, and each stage a case.

        The digests in `pack.json` say nothing of that file itself.
        """
        answers, chains = dict(self.cases), self.chains
        dict(self.versions)
        for (case, chain), line in self._steps.items():
            if case not in answers:
                raise _damaged(self.path, f"it has stages of {case}, and does not list this case")
            name = line["artifact"]
            if name is not None and (PurePosixPath(name).name != name or name == ".."):
                raise _damaged(self.path, f"the artifact of {case} at {chain} has no file name: {name!r}")
        for case in answers:
            if not any(self.has(case, chain) for chain in chains):
                raise _damaged(self.path, f"it lists {case}, and has no stages of this case")

    def has(self, case: str, chain: str) -> bool:
        """Whether it has the stages of a case on a chain: all of them, or those up to one that made nothing."""
        last = self._steps.get((case, chain))
        if last is not None and last["artifact"] is not None:
            return f"artifacts/{chain}/{case}" in self.members
        words = chain.split("-")
        ends = (self._steps.get((case, "-".join(words[:count]))) for count in range(1, len(words) + 1))
        return any(end is not None and end["artifact"] is None for end in ends)

    def check(self, entries: Iterable[Entry]) -> None:
        """Raise PackError if a case of the pack is not among these goldens, or has other answers there."""
        known = {entry.id: entry.data["answers"] for entry in entries}
        for case, answers in self.cases.items():
            if known.get(case) != answers:
                what = "is no golden" if case not in known else "has other expected outputs"
                where = "here" if self.store is None else "in the pack itself"
                raise PackError(
                    f"the pack was made for other goldens: {case} {what} {where}",
                    where=self.path,
                    advice="Make the pack anew with `parity pack`, or take one with goldens",
                )

    def places(self, route: Route) -> int:
        """The stages of a route that the pack has; 0 if none."""
        names = [chain for chain, _ in route.chains]
        return max((names.index(chain) + 1 for chain in self.chains if chain in names), default=0)

    def find(self, case: Case, route: Route, place: int, scratch: Path) -> Step | None:
        line = self._steps.get((case.id, route.chains[place][0]))
        if line is None:
            return None
        name = line["artifact"]
        rest = line["rest"]
        return Step(
            stage=replace(Stage.from_json(line["stage"]), kept=True),
            artifact=None if name is None else scratch / PurePosixPath(name).name,
            rest=None if rest is None else replace(Stage.from_json(rest), kept=True),
        )

    def fetch(self, case: Case, route: Route, place: int, scratch: Path) -> None:
        chain = route.chains[place][0]
        data = self.members[f"artifacts/{chain}/{case.id}"]
        (scratch / PurePosixPath(self._steps[case.id, chain]["artifact"]).name).write_bytes(data)

    def close(self) -> None:
        if "_folder" in self.__dict__:
            shutil.rmtree(self._folder, ignore_errors=True)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _damaged(path: Path, problem: str, *, expected: str = "", came: str = "") -> PackError:
    return PackError(problem, where=path, expected=expected, came=came, advice="Make or fetch it anew: `parity pack`")


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each member. Links, folders, paths that lead elsewhere and too much data are refused."""
    total = 0
    too_much = _damaged(path, f"it holds more than {MOST:,} bytes")
    try:
        with lzma.open(path) as file:
            data = file.read(MOST + 1)  # to the end, which tarfile would not look at
        if len(data) > MOST:
            raise too_much
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                total += member.size
                parts = PurePosixPath(member.name).parts
                if not member.isreg() or ".." in parts or PurePosixPath(member.name).is_absolute():
                    raise _damaged(path, f"its member {member.name} is no plain file in the pack")
                if total > MOST:  # a sparse one says more than there is
                    raise too_much
                content = archive.extractfile(member)
                yield member.name, b"" if content is None else content.read()
    except FileNotFoundError:
        raise PackError("there is no such pack", where=path, advice="Make one with `parity pack`") from None
    except (OSError, EOFError, tarfile.TarError, lzma.LZMAError) as error:
        raise _damaged(path, f"not a pack: {error}") from error


def goldens_of(
    store: Store, record: Record, cases: Iterable[str], chains: Sequence[str], folder: Path
) -> dict[str, bytes]:
    """The files of a store with these cases alone: archives, manifest, findings, and the record of the chains and of
    all behind them. `folder` is a temporary one."""
    wanted = set(cases)
    small = Store(folder / GOLDENS)
    for path, about in store.archives():
        members = [entry for entry in store.entries(path.stem, folder=path.parent.name) if entry.id in wanted]
        if members:
            small.put(path.parent.name, path.stem, [entry.load() for entry in members], seed=about["seed"])
    kept = {
        key: cells
        for key, cells in record.cells.items()
        if plain_id(key[0]) in wanted
        and any(chain == key[1] or chain.startswith(f"{key[1]}-") or key[1].startswith(f"{chain}-") for chain in chains)
    }
    replace(record, cells=kept).save(small.root / "record")
    if (findings := store.root / "findings").is_dir():
        shutil.copytree(findings, small.root / "findings")
    paths = [path for path in small.root.rglob("*") if path.is_file()]
    return {path.relative_to(small.root).as_posix(): path.read_bytes() for path in paths}
