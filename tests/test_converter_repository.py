"""The example of a converter's repository: every step of its workflow, on changes that pull requests bring.

`tests/workflows.py` runs the steps and says what stands in for GitHub and for the network.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.workflows import ROOT, Ended, Job, called, load

EXAMPLE = ROOT / "examples" / "converter_repository"
WORKFLOW = ".github/workflows/parity.yml"
STEPS = [
    "actions/checkout@v6",
    "actions/setup-python@v6",
    "Install the suite, and the working copy of the converter over its release",
    "Take up the steps that were kept",
    "Find the baseline",
    "Walk and judge",
    "Show the differences and make the report",
    "Keep results, report and summary",
]
FLATTEN = "return values.reshape(values.shape[:axis].numel(), -1)"
WORSE = [
    *("onnx-Network-042a17a2ee48", "onnx-Network-0b9a7132c8d0", "onnx-Network-5131459302e0"),
    *("onnx-Network-d41845930c44", "onnx-Network-da909d518c82", "onnx-Network-eae94c491a3b"),
    *("onnx-Network-ffdc9a2bd8cd", "onnx-Network-ffdc9a2bd8cd+empty"),
]
"""What a wrong epsilon of the normalisation makes divergent, of 24 networks that have one."""
ENTRY = """
[[accepted]]
case = "{case}"
route = "onnx-smallonnx"
outcome = "divergent"
reason = "planted by the tests of the suite"
link = "https://example.org/issues/1"
until = {until}
"""
EPSILON = 'attributes.get("epsilon", 1e-5)'


class Repository:
    """A working copy of the example, and the machine on which its workflow runs.

    Goldens in the working copy take the place of the suite's, a quarter of those that the workflow would walk.
    """

    def __init__(self, folder: Path, green: Path) -> None:
        self.folder, self.green = folder / "work", green
        self.temp = folder / "temp"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("onnx/Network.zip", "record/onnx/Network.txt", "record/versions.json"):
            (self.folder / "golden" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "golden" / name, self.folder / "golden" / name)
        manifest = json.loads((ROOT / "golden" / "manifest.json").read_text())
        manifest["archives"] = {"onnx/Network.zip": manifest["archives"]["onnx/Network.zip"]}
        (self.folder / "golden" / "manifest.json").write_text(json.dumps(manifest))

    def edit(self, file: str, right: str, wrong: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert text.count(right) == 1
        path.write_text(text.replace(right, wrong))

    def gate(self) -> Ended:
        """The workflow's job as it is called; its inputs are those that the workflow gives."""
        (job,) = load(self.folder / WORKFLOW)["jobs"].values()
        return Job(called(job["uses"]), self.folder, self.temp, self.green).run(job["with"])


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the artifact of the last green run of the main branch will be."""
    return tmp_path_factory.mktemp("main") / "artifact"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, green: Path) -> Ended:
    """The first run, on the main branch as it is, when there is nothing yet to compare with."""
    ended = Repository(tmp_path_factory.mktemp("first"), green).gate()
    shutil.copytree(ended.artifacts["parity"], green)
    return ended


@pytest.fixture
def repository(first: Ended, tmp_path: Path, green: Path) -> Repository:
    return Repository(tmp_path, green)


def outcomes(ended: Ended) -> Counter[str]:
    lines = map(json.loads, (ended.artifacts["parity"] / "results.ndjson").read_text().splitlines())
    return Counter(line["outcome"] for line in lines if "outcome" in line and "case" in line)


def test_the_first_run_has_no_baseline_and_passes(first: Ended) -> None:
    assert first.code == 0, first.output
    assert first.steps == STEPS
    assert "::notice::no results of main yet: compared with the recorded outcomes" in first.output
    assert {path.name for path in first.artifacts["parity"].iterdir()} == {
        "index.html", "junit.xml", "results.ndjson", "summary.md",
    }  # fmt: skip
    assert first.summary == (first.artifacts["parity"] / "summary.md").read_text() != ""
    counted = outcomes(first)
    assert counted["refused"] == 21  # the networks whose padding is `same`
    assert counted["invalid"] == 5  # the empty batches of those with a Flatten that come so far
    assert sum(counted.values()) == 48 + 5


def test_a_regression_fails_and_is_shown_and_passes_once_it_is_accepted(repository: Repository) -> None:
    repository.edit("src/smallonnx/operators.py", EPSILON, 'attributes.get("eps", 1e-5)')
    ended = repository.gate()
    assert ended.code == 1
    assert ended.steps == STEPS  # summary, report and artifact all the same
    assert "7 regressions and 1 change for the worse of 2 defects in smallonnx" in ended.summary
    assert "onnx-Network-d41845930c44 onnx-smallonnx: faithful 1.3 -&gt; divergent 1.9e+04" in ended.summary
    assert "::error title=regression" in ended.output
    assert "index.html" in {path.name for path in ended.artifacts["parity"].iterdir()}
    accepted = "".join(ENTRY.format(case=case, until=date.today() + timedelta(days=7)) for case in WORSE)
    (repository.folder / "accepted.toml").write_text(accepted)
    assert repository.gate().code == 0


def test_a_fix_passes_and_is_shown(repository: Repository) -> None:
    right = "return values.reshape(values.shape[:axis].numel(), values.shape[axis:].numel())"
    repository.edit("src/smallonnx/operators.py", FLATTEN, right)
    ended = repository.gate()
    assert ended.code == 0, ended.output
    assert "Nothing got worse in 53 compared results: 5 fixed." in ended.summary


def test_a_change_that_shows_nowhere_passes_and_its_version_is_that_of_the_working_copy(repository: Repository) -> None:
    repository.edit("src/smallonnx/operators.py", '"""Over one axis from', '"""The softmax: over one axis from')
    repository.edit("pyproject.toml", 'version = "0.1.0"', 'version = "0.1.1.dev7"')
    ended = repository.gate()
    assert ended.code == 0, ended.output
    assert "| same | 53 |" in ended.summary
    assert (repository.temp / "installs").read_text() == "parity-suite[onnx,torch]\n.\n"
    header = json.loads((ended.artifacts["parity"] / "results.ndjson").read_text().partition("\n")[0])
    assert header["versions"]["smallonnx"] == "0.1.1.dev7"


def test_the_workflow_refuses_a_working_copy_that_cannot_be_imported(repository: Repository) -> None:
    repository.edit("src/smallonnx/hop.py", '    name = "smallonnx"', "    name = undefined")
    ended = repository.gate()
    assert ended.code != 0
    assert "smallonnx" in ended.output


def test_the_comment_is_the_summary(first: Ended, tmp_path: Path, green: Path) -> None:
    (job,) = load(EXAMPLE / ".github" / "workflows" / "parity-comment.yml")["jobs"].values()
    run = "github.event.workflow_run"
    event = {f"{run}.id": "17", f"{run}.head_branch": "mend", f"{run}.head_repository.owner.login": "stranger"}
    temp = tmp_path / "temp"
    ended = Job(called(job["uses"]), tmp_path, temp, green, event).run({})
    assert ended.code == 0, ended.output
    assert (temp / "asked").read_text().splitlines() == [
        "run download 17 --name parity --dir parity",
        "pr comment stranger:mend --body-file parity/summary.md --edit-last --create-if-none",
    ]
    assert (temp / "asked.comment").read_text() == first.summary
