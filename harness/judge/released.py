"""The functions of a released converter, as digests: what a working copy has changed is told by them.

They lie beside the record, `golden/record/functions/<distribution>.json`, for the converters of its versions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from harness.errors import InputError
from harness.files import atomic_write
from harness.judge.functions import Function, files_of, functions_of
from harness.results.changed import MODULE

FOLDER = "functions"


class ReleasedError(InputError):
    """A file of digests that cannot be used."""


@dataclass(frozen=True)
class File:
    """The digest of a file's text, and those of its functions by name; several functions may have one name."""

    text: str
    functions: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Released:
    """The files of a release's package, by name."""

    distribution: str
    version: str
    files: Mapping[str, File]

    @classmethod
    def of(cls, distribution: str, version: str, package: Path) -> Released:
        """Those of an installed release, whose package lies in this folder."""
        files = {}
        for name, source in files_of(package):
            functions: dict[str, list[str]] = {}
            for each in functions_of(name, source):
                functions.setdefault(each.name, []).append(each.digest)
            files[name] = File(_digest(source), {name: tuple(some) for name, some in functions.items()})
        return cls(distribution, version, files)

    def changed(self, package: Path) -> Iterator[Function]:
        """The functions in this folder that the release does not have like this, and changed code outside functions."""
        for name, functions in self._edited(package):
            known = self.files.get(name)
            has = {digest for some in known.functions.values() for digest in some} if known else set()
            yield from (each for each in functions if each.digest not in has)

    def gone(self, package: Path) -> Iterator[Function]:
        """The functions of the release that this folder lacks, each in line 0. `MODULE` stands for a whole file.

        A function with the same body in another file, or under another name, has moved and is not listed; nor is a file
        from which a function moved. Where the release has several functions of one name, the name says how many.
        """
        there = {name for name, _ in files_of(package)}
        edited = dict(self._edited(package))
        new = list(self.changed(package))
        for file, known in self.files.items():
            left = edited.get(file, [])
            if file in there and not (left and left[0].words):  # as released, or it cannot be parsed
                continue
            lost = list(_lost(known, left))
            gone = [
                (name, digest) for name, digest in lost if all(each.digest_as(file, name) != digest for each in new)
            ]
            for name, digest in gone:
                if name != MODULE or len(gone) == len(lost):
                    many = len(known.functions[name])
                    yield Function(file, f"{name} (one of {many})" if many > 1 else name, 0, 0, digest)

    def _edited(self, package: Path) -> Iterator[tuple[str, list[Function]]]:
        """The files in this folder that differ from the release, and the functions of each file."""
        for name, source in files_of(package):
            known = self.files.get(name)
            if known is not None and known.text == _digest(source):
                continue
            try:
                yield name, functions_of(name, source)
            except SyntaxError:  # who imports the file says so
                yield name, [Function(name, MODULE, 0, 0, _digest(source))]

    def save(self, folder: Path) -> Path:
        """Write the file of this release. Returns its path."""
        path = folder / FOLDER / f"{self.distribution}.json"
        files = {name: {"text": file.text, "functions": file.functions} for name, file in self.files.items()}
        content = {"distribution": self.distribution, "version": self.version, "files": files}
        atomic_write(path, (json.dumps(content, indent=0) + "\n").encode())
        return path


def _lost(known: File, left: Sequence[Function]) -> Iterator[tuple[str, str]]:
    """Names and digests of a file's functions for which too few of the same name are left."""
    names, digests = Counter(each.name for each in left), {each.digest for each in left}
    for name, some in known.functions.items():
        fewer = len(some) - names[name]
        yield from [(name, digest) for digest in some if digest not in digests][: max(fewer, 0)]


def load(folder: Path) -> dict[str, Released]:
    """The releases of which a record has functions, by distribution. Raises ReleasedError for a damaged file."""
    return {path.stem: _parsed(path) for path in sorted((folder / FOLDER).glob("*.json"))}


def _parsed(path: Path) -> Released:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        files = {
            name: File(file["text"], {each: tuple(some) for each, some in file["functions"].items()})
            for name, file in data["files"].items()
        }
        return Released(data["distribution"], data["version"], files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleasedError(
            "it holds no functions of a release",
            where=path,
            came=f"{type(error).__name__}: {error}",
            advice="Take the file as it was committed; `parity record functions` is what writes it.",
        ) from None


def _digest(source: bytes) -> str:
    return blake2b(source, digest_size=6).hexdigest()
