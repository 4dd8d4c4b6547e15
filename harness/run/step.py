"""One stage of a walk with its artifact and outputs, and its encoding as bytes."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

import execnet

from harness.adapters.routes import Route
from harness.results.events import Stage
from harness.spec import Case
from harness.workers.footprint import Footprint
from harness.workers.protocol import Outputs, decode, encode


@dataclass(frozen=True)
class Step:
    """One stage, and its artifact; None if the route ends here because there is none.

    `outputs` holds the outputs of each sample, empty for a sample that failed. The artifact stays in the walk's scratch
    folder until another case is walked. Where nothing but the empty batch fails, `rest` is the stage without it.
    `entered` is its footprint in converters that are not as released; None if it was not noted.
    """

    stage: Stage
    artifact: Path | None
    outputs: tuple[Outputs, ...] = ()
    rest: Stage | None = None
    entered: Footprint | None = None


class Source(Protocol):
    """Gives steps that were walked before; `place` counts the hops up to a step, 0 for the source."""

    def find(self, case: Case, route: Route, place: int, scratch: Path) -> Step | None:
        """The step, its artifact below the folder `scratch`, where it need not lie yet; None if it is not there."""

    def fetch(self, case: Case, route: Route, place: int, scratch: Path) -> None:
        """Write the artifact of a step that `find` gave into the folder. Raises KeyError if it is gone."""


@runtime_checkable
class Keeper(Source, Protocol):
    """Gives steps, and takes those that were walked."""

    def keep(self, case: Case, route: Route, place: int, step: Step, files: Iterable[Path]) -> None:
        """Take a step that was walked, and the files and folders of its artifact."""


def to_bytes(step: Step) -> bytes:
    """A step without its artifact's content, of which the name is kept."""
    content = {
        "stage": step.stage.to_json(),
        "rest": None if step.rest is None else step.rest.to_json(),
        "outputs": encode(step.outputs),
        "artifact": None if step.artifact is None else step.artifact.name,
        "entered": None if step.entered is None else dict(step.entered),
    }
    return zlib.compress(execnet.dumps(content), 1)


def from_bytes(data: bytes, scratch: Path) -> Step:
    """The step that `to_bytes` encoded, marked as kept, its artifact in the folder `scratch`.

    Raises ValueError for other data. No code in the data runs: it is numbers, texts and bytes.
    """
    try:
        content = execnet.loads(zlib.decompress(data))
        stage, rest = Stage.from_json(content["stage"]), content["rest"]
        name = content["artifact"]
        if name is not None and Path(name).name != name:
            raise ValueError(f"the artifact's name is a path: {name!r}")
        return Step(
            stage=replace(stage, kept=True),
            artifact=None if name is None else scratch / name,
            outputs=tuple(decode(content["outputs"])),
            rest=None if rest is None else replace(Stage.from_json(rest), kept=True),
            entered=content["entered"],
        )
    except (execnet.DataFormatError, zlib.error, EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a step: {error}") from error


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return sum(each.stat().st_size for each in [path, *path.rglob("*")] if each.is_file())


def packed(paths: Iterable[Path]) -> bytes:
    """Files and folders as one compressed archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        for path in sorted(paths):
            archive.add(path, path.name)
    return zlib.compress(buffer.getvalue(), 1)


def unpack(data: bytes, folder: Path) -> None:
    """Write the files and folders that `packed` holds into a folder.

    Raises ValueError for other data: links, and members that would lie elsewhere.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(zlib.decompress(data))) as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
                    raise ValueError(f"not an archive of artifacts: it holds {member.name}")
                if file := archive.extractfile(member):
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(file.read())
                else:
                    (folder / name).mkdir(parents=True, exist_ok=True)
    except (zlib.error, tarfile.TarError) as error:
        raise ValueError(f"not an archive of artifacts: {error}") from error
