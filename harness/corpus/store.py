"""The store of goldens: small archives `golden/<dialect>/<layer>.zip`, committed with the code.

Each archive contains `index.json` (Spec, choice, judging rules, array order and digests of every case) and one
safetensors member per case with inputs, weights, expected outputs and noise scale. `golden/manifest.json` contains
each archive's digest and provenance. The same cases always give the same bytes. The store contains arrays and no
seeds, because random streams may change between NumPy versions; only models with many weights are an exception
(`harness.corpus.architectures`).
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import scipy

from harness.draw.weights import drawn_weights
from harness.errors import InputError
from harness.files import atomic_write
from harness.patterns import fits
from harness.spec import Array, Case, Drawn, Exactness, Golden, Sample, Spec, SpecError, array_digest, digest

SCHEMA = 1
EXPLORED = Path("reports", "explored")
"""Folder of the failing cases of explorations, one archive per case."""


class GoldenError(InputError):
    """A golden file is missing, cut, edited or foreign, or a case does not exist."""


def oracle_files() -> list[Path]:
    """Source files of the code that computes expected outputs and noise scales."""
    root = Path(str(files("harness")))
    return [*sorted((root / "oracle").rglob("*.py")), root / "units.py"]


def oracle_digest() -> str:
    """Digest of the oracle's source files."""
    root = Path(str(files("harness")))
    parts: list[str | bytes] = []
    for path in oracle_files():
        parts += [path.relative_to(root).as_posix(), path.read_bytes()]
    return digest(*parts)


def provenance(seed: int) -> dict[str, Any]:
    """Origin of a golden: oracle digest, versions of Python and its libraries, and the seed of the draw."""
    return {
        "oracle": oracle_digest(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
        "seed": seed,
    }


@dataclass(frozen=True)
class Entry:
    """One case of an archive as in the index, without arrays."""

    archive: Path
    id: str
    data: Mapping[str, Any]

    @property
    def dialect(self) -> str:
        return str(self.data["spec"]["dialect"])

    @property
    def subject(self) -> str:
        return str(self.data["subject"])

    @property
    def choice(self) -> dict[str, Any]:
        return dict(self.data["choice"])

    @property
    def is_large(self) -> bool:
        """Whether the archive stores a seed instead of the weights, which are too many."""
        return "drawn" in self.data

    def load(self) -> Case:
        """The case with its arrays. Raises GoldenError if they are missing or cut, or differ from the index."""
        try:
            member = _opened(self.archive, self.archive.stat().st_mtime_ns).read(f"{self.id}.safetensors")
            tensors = safetensors.numpy.load(member)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, safetensors.SafetensorError) as error:
            raise _damaged(self.archive, f"case {self.id} cannot be read", came=str(error)) from error
        drawn = Drawn.from_json(self.data["drawn"]) if "drawn" in self.data else None
        texts = {name: np.array(value, dtype=np.str_) for name, value in self.data.get("texts", {}).items()}
        try:
            arrays = {
                group: {name: (texts if (key := f"{group}/{name}") in texts else tensors)[key] for name in names}
                for group, names in self.data["arrays"].items()
            }
        except KeyError as error:
            raise _damaged(self.archive, f"case {self.id} lacks the array {error}") from error
        case = Case(
            spec=Spec.from_json(self.data["spec"]),
            subject=self.subject,
            choice=self.choice,
            weights=arrays["weights"] if drawn is None else drawn_weights(drawn),
            samples=tuple(self._samples(arrays)),
            labels=tuple(self.data["labels"]) if "labels" in self.data else None,
            drawn=drawn,
        )
        if case.id != self.id or answers_of(case) != self.data["answers"]:
            raise _damaged(self.archive, f"case {self.id} was edited: its digests do not fit its arrays")
        return case

    def _samples(self, arrays: Mapping[str, Mapping[str, Array]]) -> Iterator[Sample]:
        rules = Exactness(self.data["exactness"]), self.data["channel_axis"]
        for prefix in takewhile(lambda prefix: f"{prefix}inputs" in arrays, _prefixes()):
            inputs, expected, noise = (arrays[f"{prefix}{kind}"] for kind in ("inputs", "expected", "noise"))
            yield Sample(inputs, Golden(expected, noise, *rules))


@lru_cache(maxsize=1)
def _opened(path: Path, changed: int) -> zipfile.ZipFile:
    """An archive as it was when it was last changed. The cases of a layer are loaded in a row, and each would read the
    list of all again."""
    return zipfile.ZipFile(io.BytesIO(path.read_bytes()))


def _prefixes() -> Iterator[str]:
    """Prefixes of the array groups of the samples: none for the first, then `again_`, `again2_`, `again3_` ..."""
    yield from ("", "again_")
    yield from (f"again{place}_" for place in count(2))


def _damaged(path: Path, problem: str, *, expected: str = "", came: str = "") -> GoldenError:
    advice = "Restore the file from version control, or freeze it again with `parity golden freeze`."
    return GoldenError(problem, where=path, expected=expected, came=came, advice=advice)


def answers_of(case: Case) -> str:
    """Digest of the arrays that the case id does not cover: expected outputs, noise scales and further inputs."""
    return "".join(
        array_digest(values) for group, values in _groups(case).items() if group not in ("inputs", "weights")
    )


def _texts(case: Case) -> dict[str, Array]:
    """Arrays of strings, which are stored in the index because safetensors has no such type."""
    return {
        f"{group}/{name}": value
        for group, values in _groups(case).items()
        for name, value in values.items()
        if value.dtype.kind == "U"
    }


def _index_of(case: Case) -> dict[str, Any]:
    golden = _golden(case, case.samples[0])
    labels = {} if case.labels is None else {"labels": list(case.labels)}
    texts = {name: value.tolist() for name, value in _texts(case).items()}
    return {
        **labels,
        **({"texts": texts} if texts else {}),
        **({"drawn": case.drawn.to_json()} if case.drawn else {}),
        "spec": case.spec.to_json(),
        "subject": case.subject,
        "choice": dict(case.choice),
        "exactness": golden.exactness.value,
        "channel_axis": golden.channel_axis,
        "arrays": {group: list(values) for group, values in _groups(case).items()},
        "answers": answers_of(case),
    }


def _golden(case: Case, sample: Sample) -> Golden:
    if sample.golden is None or not sample.golden.expected:
        raise GoldenError(f"case {case.id} has no golden to store")
    return sample.golden


def _groups(case: Case) -> dict[str, Mapping[str, Array]]:
    """All arrays of a case: each sample's inputs and golden, and the weights unless they are drawn."""
    groups: dict[str, Mapping[str, Array]] = {}
    for prefix, sample in zip(_prefixes(), case.samples, strict=False):
        golden = _golden(case, sample)
        groups[f"{prefix}inputs"] = sample.inputs
        if not prefix:
            groups["weights"] = {} if case.drawn else case.weights
        groups |= {f"{prefix}expected": golden.expected, f"{prefix}noise": golden.noise}
    return groups


def _member(case: Case) -> bytes:
    return bytes(
        safetensors.numpy.save(
            {
                f"{group}/{name}": np.ascontiguousarray(value).reshape(value.shape)
                for group, values in _groups(case).items()
                for name, value in values.items()
                if value.dtype.kind != "U"
            }
        )
    )


def pack_archive(cases: Iterable[Case]) -> bytes:
    """An archive of cases as bytes; the same cases give the same bytes."""
    from io import BytesIO

    ordered = sorted(cases, key=lambda case: case.id)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        index = {"schema": SCHEMA, "cases": {case.id: _index_of(case) for case in ordered}}
        members = [("index.json", json.dumps(index, separators=(",", ":")).encode())]
        members += [(f"{case.id}.safetensors", _member(case)) for case in ordered]
        for name, data in members:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


class Store:
    """The goldens below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def manifest_path(self) -> Path:
        return self.root / "manifest.json"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest as JSON. Raises GoldenError if it is missing, unreadable or of another schema."""
        try:
            data = json.loads(self.manifest_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise _damaged(self.manifest_path, "there is no manifest of goldens here") from None
        except (OSError, ValueError) as error:
            raise _damaged(self.manifest_path, f"not a manifest: {error}") from error
        if not isinstance(data, dict) or data.get("schema") != SCHEMA or not isinstance(data.get("archives"), dict):
            raise _damaged(self.manifest_path, "not a manifest of this version", expected=f"schema {SCHEMA}")
        return data

    def archives(self, *layers: str, folder: str | None = None) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Path and manifest record of each archive of `folder` (None: all) whose layer fits one of the glob patterns
        (none: all)."""
        for name, record in sorted(self.manifest["archives"].items()):
            dialect, _, file = name.partition("/")
            if folder in (None, dialect) and fits(file.removesuffix(".zip"), layers):
                yield self.root / name, record

    def entries(self, *layers: str, folder: str | None = None) -> list[Entry]:
        """Cases of the archives that `archives` gives, by layer, then id.

        Raises GoldenError if one of the archives is missing, cut, edited or foreign.
        """
        return [
            entry
            for path, record in self.archives(*layers, folder=folder)
            for entry in read_index(path, record["sha256"])
        ]

    def find(self, case: str) -> Entry:
        """The entry whose id is `case` or begins with it. Raises GoldenError unless exactly one case fits."""
        matches = [entry for entry in self.entries() if entry.id.startswith(case)]
        if len(matches) == 1 or (matches and matches[0].id == case):
            return matches[0]
        if not matches:
            raise GoldenError(f"no golden case {case!r}", where=self.root, advice="`parity list cases` shows all.")
        names = ", ".join(entry.id for entry in matches[:5])
        raise GoldenError(f"{case!r} fits {len(matches)} cases: {names} ...", advice="Give more of the id.")

    def put(self, folder: str, layer: str, cases: Iterable[Case], *, seed: int) -> Path:
        """Write one archive and enter it in the manifest."""
        path = self.root / folder / f"{layer}.zip"
        ordered = list(cases)
        data = pack_archive(ordered)
        atomic_write(path, data)
        archives = dict(self.manifest["archives"]) if self.manifest_path.exists() else {}
        archives[f"{folder}/{layer}.zip"] = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "cases": len(ordered),
            "bytes": len(data),
            **provenance(seed),
        }
        self._write_manifest(archives)
        return path

    def drop(self, name: str) -> None:
        """Remove an archive and its manifest record."""
        (self.root / name).unlink(missing_ok=True)
        self._write_manifest({key: value for key, value in self.manifest["archives"].items() if key != name})

    def _write_manifest(self, archives: Mapping[str, Any]) -> None:
        text = json.dumps({"schema": SCHEMA, "archives": dict(sorted(archives.items()))}, indent=1) + "\n"
        atomic_write(self.manifest_path, text.encode())
        self.__dict__.pop("manifest", None)


def read_index(path: Path, sha256: str | None = None) -> list[Entry]:
    """Entries of one archive. Raises GoldenError if it is missing, damaged or of another schema.

    With `sha256`, raises GoldenError also if the file has another digest.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(path, f"the golden is missing: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        state = "empty" if not data else "cut or edited: its digest is not the manifest's"
        raise _damaged(path, f"the file is {state}")
    return list(_index(path, found))


@lru_cache(maxsize=512)
def _index(path: Path, sha256: str) -> tuple[Entry, ...]:
    """The entries of the archive with this digest: a session asks for them several times, and parsing takes seconds."""
    try:
        with zipfile.ZipFile(path) as archive:
            index = json.loads(archive.read("index.json"))
        if index["schema"] != SCHEMA:
            raise _damaged(
                path, "an archive of another version", expected=f"schema {SCHEMA}", came=str(index["schema"])
            )
        return tuple(Entry(path, name, record) for name, record in sorted(index["cases"].items()))
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile, SpecError) as error:
        if isinstance(error, GoldenError):
            raise
        raise _damaged(path, f"not an archive of goldens: {error}") from error


def keep(case: Case, root: Path) -> Path:
    """Store a case that is not a golden beside the goldens of `root`, so that its id can be replayed.

    Returns the path. An installed package is not written to: the current folder stands in for it.
    """
    path = _explored(root) / f"{case.id}.zip"
    atomic_write(path, pack_archive([case]))
    return path


def explored_cases(root: Path) -> list[Entry]:
    """The cases that `keep` stored. Raises GoldenError for a file that is not such an archive."""
    return [entry for path in sorted(_explored(root).glob("*.zip")) for entry in read_index(path)]


def _explored(root: Path) -> Path:
    is_package = root == Path(str(files("harness")))
    return (Path.cwd() if is_package else root) / EXPLORED
