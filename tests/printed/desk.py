"""Where a reader sits: a copy of the checkout whose store holds a few cases, and the files that the pages speak of.

A command of a page runs there as it is printed. What makes it quick is the store: `parity gate` walks the same routes
over 30 cases instead of 6,800. Files that a block names, such as `net.mat`, are made when a block first names them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.io import savemat

from harness.corpus.store import Entry, Store
from harness.judge.findings import load as load_findings
from harness.judge.record import load as load_record
from harness.matlab.readers.plain import write_plain
from harness.run.pack import ABOUT, STEPS, Pack, goldens_of
from tests.printed.blocks import ROOT, blocks

FEW = {
    "keras": ("ELU", "Dense", "Conv1D", "GRU", "Graph", "UnitNormalization"),
    "matlab": ("ReLULayer", "ScalingLayer"),
    "onnx": ("Network",),
    "models": ("digits",),
}
"""The layers of the small store, by folder."""
MOST = 3
"""Cases of a layer there, besides those that pages and findings name."""
ID = re.compile(r"\b(?:keras|matlab|onnx)-\w+-[0-9a-f]{4,12}\b")
SECONDS = 500
"""A block that takes longer has failed."""


@dataclass(frozen=True)
class Ended:
    """What became of a script: its exit code, and what it printed."""

    code: int
    output: str


@dataclass
class Desk:
    """A folder in which a reader types commands. `made` are the files of `MAKERS` that are there."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def lay(self, script: str) -> None:
        """Make the files that a script names."""
        for name, maker in MAKERS.items():
            if name not in self.made and re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w.-])", script):
                maker(self)
                if name != LATEST:
                    self.made.add(name)

    def run(self, script: str, **more: str) -> Ended:
        """Type the lines of a script into a shell that stops at the first line that fails."""
        environment = {**os.environ, **self.environment, **more}
        environment["PATH"] = (
            f"{self.environment.get('BIN', Path(sys.executable).parent)}{os.pathsep}{os.environ['PATH']}"
        )
        ended = subprocess.run(  # its exit code is what a test looks at
            ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
            check=False,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        return Ended(ended.returncode, ended.stdout)

    def must(self, script: str) -> None:
        ended = self.run(script)
        assert ended.code == 0, f"{script}\n{ended.output}"


def checkout(folder: Path) -> Desk:
    """A copy of this checkout with the small store; nothing there is ignored by git or belongs to a run."""
    listed = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file() and not name.startswith("golden/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    small_store(folder)
    return Desk(folder, {"PYTHONDONTWRITEBYTECODE": "1", "PARITY_CACHE": "off"})


PROJECT = """
[project]
name = "onnx2torch"
version = "1.5.15"

[tool.setuptools.packages.find]
include = ["onnx2torch*"]
"""


def repository(folder: Path) -> Desk:
    """A repository with the source of onnx2torch and the small store, and an empty environment beside it.

    pip finds this project's wheel in the place of an index, and the packages that it asks for are there already, from
    the cache of uv, at which pip would download gigabytes.
    """
    place, site, dist = Desk(folder / "work"), folder / "site", folder / "dist"
    package = Path(find_spec("onnx2torch").origin).parent
    shutil.copytree(package, place.folder / "onnx2torch", ignore=shutil.ignore_patterns("__pycache__"))
    (place.folder / "pyproject.toml").write_text(PROJECT)
    small_store(place.folder)
    Desk(ROOT, {}).must(f"python -m build --wheel --no-isolation --outdir {shlex.quote(str(dist))} .")
    (wheel,) = dist.glob("*.whl")
    place.must(f"uv venv -q --seed --python {sys.executable} {site}")
    place.must(f"uv pip install -q -p {site}/bin/python -c {ROOT}/constraints.txt '{wheel}[onnx2torch]'")
    place.must(f"uv pip uninstall -q -p {site}/bin/python parity-suite onnx2torch")
    links = " ".join(filter(None, (str(dist), os.environ.get("PIP_FIND_LINKS"))))
    place.environment = {"BIN": f"{site}/bin", "PIP_FIND_LINKS": links, "PARITY_CACHE": "off", "VIRTUAL_ENV": str(site)}
    return place


def small_store(folder: Path) -> None:
    """Write `golden/` with a few cases of the layers of `FEW`, their record, findings and pack."""
    store = Store(ROOT / "golden")
    record = load_record(store.root / "record")
    cases = {entry.id for entry in _few(store)}
    with TemporaryDirectory() as scratch:
        files = goldens_of(store, record, cases, list(FEW), Path(scratch))
    for name, data in files.items():
        (folder / "golden" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "golden" / name).write_bytes(data)
    target = folder / "golden" / "packs" / "keras-tf2onnx.pack"
    target.parent.mkdir(parents=True)
    write_part(Pack.read(store.root / "packs" / target.name), cases, target)


def write_part(pack: Pack, cases: set[str], target: Path) -> None:
    """Write what a pack holds of some cases."""
    lines = pack.members[STEPS].splitlines(keepends=True)
    members = {STEPS: b"".join(line for line in lines if json.loads(line)["case"] in cases)}
    members |= {name: data for name, data in pack.members.items() if name.rpartition("/")[2] in cases}
    about = {
        **pack.about,
        "cases": {case: answers for case, answers in pack.cases.items() if case in cases},
        "members": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    }
    with tarfile.open(target, "w:xz") as archive:
        for name, data in {ABOUT: json.dumps(about).encode(), **members}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def _few(store: Store) -> Iterator[Entry]:
    named = set(ID.findall("\n".join(block.script for block in blocks())))
    for item in load_findings(store.root / "findings").expectations:
        named |= {item.case, *item.cases}
    for folder, layers in FEW.items():
        for layer in layers:
            entries = store.entries(layer, folder=folder)
            wanted = [entry for entry in entries if any(entry.id.startswith(name) for name in named)]
            yield from (*wanted, *entries[:MOST])


PACKED = (
    "parity gate --pack keras-tf2onnx --route 'keras-tf2onnx-onnx2*' --layer 'Conv*' --layer Dense --layer ELU -n 1"
)
EARLIER, LATER = "runs/earlier.ndjson", "runs/later.ndjson"
LATEST = "reports/results.ndjson"
"""Where commands leave their results unless they are told otherwise: it is laid anew for each block that names it."""
RELU = "matlab-ReLULayer-6f9b82e0c3e8"


def _run_of(name: str) -> Callable[[Desk], None]:
    """A results file of one of two runs of the same cases: `LATEST` is of the later one."""

    def make(desk: Desk) -> None:
        for file in (EARLIER, LATER):
            if file not in desk.made:
                desk.made.add(file)
                desk.must(f"{PACKED} --results {file}")
        _copy(LATER if name == LATEST else EARLIER, name)(desk)

    return make


def _shards(*names: str) -> Callable[[Desk], None]:
    def make(desk: Desk) -> None:
        for number, name in enumerate(names, start=1):
            desk.must(f"{PACKED} --shard {number}/{len(names)} --results {name}")

    return make


def _copy(source: str, name: str) -> Callable[[Desk], None]:
    def make(desk: Desk) -> None:
        (desk.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(desk.folder / source, desk.folder / name)

    return make


def _legs(desk: Desk) -> None:
    _run_of(LATEST)(desk)
    for name in ("a", "b"):
        _copy(LATER, f"legs/{name}.ndjson")(desk)


def _network(name: str) -> Callable[[Desk], None]:
    """The network of a golden case as a `.mat` file."""

    def make(desk: Desk) -> None:
        found = Store(ROOT / "golden").find(RELU).load()
        write_plain(found.spec, found.weights, desk.folder / name)

    return make


def _as_onnx(desk: Desk) -> None:
    """The same network as ONNX file."""
    _network("net.mat")(desk)
    desk.must("parity convert net.mat --to onnx -o made && mv made/model.onnx net.onnx")


def _as_keras(name: str, function: str = "cnn_lstm") -> Callable[[Desk], None]:
    """A model of `tests.model_files` as Keras file."""
    model = f"from tests.model_files import {function}, shaken; shaken({function}())"
    return lambda desk: desk.must(f'PYTHONPATH={ROOT} python -c "{model}.save({name!r})"')


def _inputs(desk: Desk) -> None:
    """Two samples for the model of `_as_keras`."""
    savemat(desk.folder / "in.mat", {"x1": np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")})


def _trained(name: str) -> Callable[[Desk], None]:
    """A model that a program of docs/own-layers.md saves, beside all files of this page."""

    def make(desk: Desk) -> None:
        page = (ROOT / "docs/own-layers.md").read_text()
        for file, text in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", page, re.DOTALL):
            (desk.folder / file).write_text(text)
        desk.must(f"python train_{name}.py")

    return make


def _my_module(desk: Desk) -> None:
    """The converter that README prints."""
    (text,) = re.findall(r"```python\n(class MyConverter.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (desk.folder / "my_module.py").write_text(text)


def _old(desk: Desk) -> None:
    """An interpreter with older releases of a converter and of ONNX Runtime."""
    older = {"onnx2torch": "1.5.13", "onnxruntime": "1.31.0"}
    lines = [
        line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.partition("==")[0] not in older
    ]
    lines += [f"{name}=={version}" for name, version in older.items()]
    (desk.folder / "older.txt").write_text("\n".join(lines))
    desk.must(f"uv venv -q --python {sys.executable} old")
    wanted = "onnxruntime onnx2torch tf2onnx tensorflow psutil packaging scipy"
    desk.must(f"uv pip install -q -p old/bin/python -c older.txt {wanted}")


MAKERS: dict[str, Callable[[Desk], None]] = {
    **{name: _run_of(name) for name in ("main.ndjson", "old.ndjson", "mon.ndjson", "tue.ndjson", LATEST)},
    **{name: _run_of(name) for name in ("last-week/a.ndjson", "last-week/b.ndjson")},
    "legs/*.ndjson": _legs,
    "before.ndjson": lambda desk: desk.must("parity gate --route onnx-onnx2torch -n 1 --results before.ndjson"),
    "shards/*.ndjson": _shards("shards/1.ndjson", "shards/2.ndjson"),
    "shard-1.ndjson": _shards(*(f"shard-{number}.ndjson" for number in range(1, 5))),
    "tf2onnx.pack": _copy("golden/packs/keras-tf2onnx.pack", "tf2onnx.pack"),
    "accepted.toml": _copy("examples/converter_repository/accepted.toml", "accepted.toml"),
    "net.mat": _network("net.mat"),
    "net.onnx": _as_onnx,
    "dag.mat": _network("dag.mat"),
    **{name: _as_keras(name) for name in ("net.keras", "model.keras", "cnn_lstm.keras")},
    "cnn.keras": _as_keras("cnn.keras", "picture"),
    **{f"{name}.keras": _trained(name) for name in ("gated", "squared", "scaled", "wrapped")},
    "lstm.keras": _as_keras("lstm.keras", "lstm"),
    "in.mat": _inputs,
    "my_module": _my_module,
    "old/bin/python": _old,
}
"""What makes each file that a page speaks of, by the name that the page gives it."""
