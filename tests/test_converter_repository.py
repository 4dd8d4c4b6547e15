"""The example of a converter's repository: every step of its workflow, on changes that pull requests bring.

`tests/workflows.py` runs the steps and says what stands in for GitHub and for the network.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.hub import Hub
from tests.printed.blocks import Block, blocks
from tests.workflows import ROOT, Ended, Job, called, load

EXAMPLE = ROOT / "examples" / "converter_repository"
WORKFLOW = ".github/workflows/parity.yml"
VERSIONS = "golden/record/versions.json"
STEPS = [
    "actions/checkout",
    "actions/setup-python",
    "Take up what pip downloaded",
    "Install the suite in the record's versions, and the working copy of the converter over its release",
    "Take up the steps that were kept",
    "Find the baseline",
    "Walk and judge",
    "Show the differences and make the report",
    "Keep results, report and summary",
]
INSTALL = STEPS[3]
FLATTEN = "return values.reshape(values.shape[:axis].numel(), -1)"
WORSE = [
    *("onnx-Network-042a17a2ee48", "onnx-Network-0b9a7132c8d0", "onnx-Network-5131459302e0"),
    *("onnx-Network-d41845930c44", "onnx-Network-da909d518c82", "onnx-Network-eae94c491a3b"),
    *("onnx-Network-ffdc9a2bd8cd", "onnx-Network-ffdc9a2bd8cd+empty"),
]
"""What a wrong epsilon of the normalisation makes divergent, of 24 networks that have one."""
SHOWN = [block for block in blocks() if block.page == "examples/converter_repository/README.md"]
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

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder, self.kept = folder / "work", kept
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

    def gate(self, *only: str, **inputs: str) -> Ended:
        """The workflow's job as it is called; its inputs are those that the workflow gives, and `inputs`."""
        (job,) = load(self.folder / WORKFLOW)["jobs"].values()
        return self._job(called(job["uses"])).run(job["with"] | inputs, only=only)

    def type(self, script: str) -> Ended:
        """A script in the working copy."""
        return self._job(self.folder / WORKFLOW).type(script)

    def _job(self, path: Path) -> Job:
        return Job(path, self.folder, self.temp, self.kept)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What GitHub keeps from job to job."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, kept: Path) -> Ended:
    """The first run, on the main branch as it is, when there is nothing yet to compare with."""
    ended = Repository(tmp_path_factory.mktemp("first"), kept).gate()
    Hub(kept / "hub.json").run(17, ended.artifacts["parity"])
    return ended


@pytest.fixture
def repository(first: Ended, tmp_path: Path, kept: Path) -> Repository:
    return Repository(tmp_path, kept)


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


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.name)
def test_what_the_readme_shows_without_github(block: Block, tmp_path: Path) -> None:
    """Where the comment speaks of an edit, a wrong one is made: beside the results of before, the gate is red."""
    before, comment, after = re.split(r"(^# .*edit.*\n)", block.script, flags=re.MULTILINE)
    assert "pip install . again" in comment
    edit = 'sed -i \'s/"epsilon", 1e-5/"eps", 1e-5/\' src/smallonnx/operators.py'
    ended = Repository(tmp_path, tmp_path).type(f"{before}{edit}\npip install .\n{after}")
    assert (ended.code, ended.output.count("Nothing got worse")) == (1, 1), ended.output
    assert "7 regressions and 1 change for the worse of 1 defect in smallonnx" in ended.output


def test_a_regression_fails_and_is_shown_and_passes_once_it_is_accepted(repository: Repository) -> None:
    repository.edit("src/smallonnx/operators.py", EPSILON, 'attributes.get("eps", 1e-5)')
    ended = repository.gate()
    assert ended.code == 1
    assert ended.steps == STEPS  # summary, report and artifact all the same
    assert "7 regressions and 1 change for the worse of 1 defect in smallonnx" in ended.summary
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
    cpu, pins = "--extra-index-url https://download.pytorch.org/whl/cpu", repository.temp / "parity-constraints.txt"
    assert (repository.temp / "installs").read_text().splitlines() == [
        f"{cpu} parity-suite",
        f"{cpu} -c {pins} parity-suite[onnx,torch]",
        f"{cpu} .",
    ]
    assert f"\ntorch=={json.loads((ROOT / VERSIONS).read_text())['torch']}\n" in pins.read_text()
    header = json.loads((ended.artifacts["parity"] / "results.ndjson").read_text().partition("\n")[0])
    assert header["versions"]["smallonnx"] == "0.1.1.dev7"


def test_the_workflow_refuses_a_working_copy_that_cannot_be_imported(repository: Repository) -> None:
    repository.edit("src/smallonnx/hop.py", '    name = "smallonnx"', "    name = undefined")
    ended = repository.gate()
    assert ended.code != 0
    assert "smallonnx" in ended.output


def test_a_wheel_replaces_a_release_of_the_same_version(tmp_path: Path) -> None:
    """pip leaves what is installed in the version of the wheel: the gate would walk the release."""
    repository = Repository(tmp_path, tmp_path)
    repository.gate(INSTALL, package="dist/smallonnx-0.1.0-py3-none-any.whl", index="", suite="parity-suite[x]==0.2.*")
    assert (repository.temp / "installs").read_text().splitlines() == [
        "parity-suite==0.2.*",
        f"-c {repository.temp / 'parity-constraints.txt'} parity-suite[x]==0.2.*",
        "dist/smallonnx-0.1.0-py3-none-any.whl",
        "--force-reinstall --no-deps dist/smallonnx-0.1.0-py3-none-any.whl",
    ]


def test_a_repository_with_nothing_but_a_setup_cfg_gets_as_far_as_any_other(tmp_path: Path) -> None:
    repository = Repository(tmp_path, tmp_path)
    shutil.rmtree(repository.folder / ".github" / "workflows")
    (repository.folder / "pyproject.toml").rename(repository.folder / "setup.cfg")
    (job,) = load(EXAMPLE / WORKFLOW)["jobs"].values()
    steps = ["actions/checkout", "actions/setup-python", "Take up what pip downloaded"]
    ended = Job(called(job["uses"]), repository.folder, repository.temp, tmp_path).run(job["with"], only=steps)
    assert (ended.code, ended.steps) == (0, steps)


@pytest.mark.parametrize(
    "other",
    [
        {"event": "pull_request"},  # from the branch `main` of a fork
        {"event": "pull_request_target"},
        {"branch": "mend"},
        {"workflow": "other.yml"},
        {"status": "failure"},
    ],
    ids=str,
)
def test_the_baseline_is_the_last_green_push_and_nothing_that_a_stranger_can_run(
    other: dict[str, str], tmp_path: Path
) -> None:
    hub = Hub(tmp_path / "hub.json")
    for number, name in ((17, "right"), (18, "wrong")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.ndjson").write_text(name)
        hub.run(number, tmp_path / name, **(other if name == "wrong" else {}))
    ended = Repository(tmp_path, tmp_path).gate("Find the baseline")
    assert Path(ended.outputs["file"]).read_text() == "right"


def test_the_baseline_is_the_artifact_that_this_job_writes(tmp_path: Path) -> None:
    """Two gates in one workflow, each with an artifact of its own."""
    hub, repository = Hub(tmp_path / "hub.json"), Repository(tmp_path, tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "results.ndjson").write_text("of the other gate")
    hub.run(17, tmp_path / "other", name="other")
    assert repository.gate("Find the baseline").outputs["file"] == "recorded"
    ended = repository.gate("Find the baseline", artifact="other")
    assert Path(ended.outputs["file"]).read_text() == "of the other gate"


def commented(folder: Path, **event: str) -> Ended:
    """The workflow that comments, after run 17 on the branch `mend` of a stranger."""
    (job,) = load(EXAMPLE / ".github" / "workflows" / "parity-comment.yml")["jobs"].values()
    known = {"id": "17", "head_branch": "mend", "head_sha": "a1", "head_repository.owner.login": "stranger", **event}
    values = {f"github.event.workflow_run.{name}": text for name, text in known.items()}
    return Job(called(job["uses"]), folder, folder / "temp", folder, values).run({})


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """Run 17 was on the head of pull request 5; 4 is closed, 6 has moved on since, 7 is of somebody else."""
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    (artifact / "summary.md").write_text("## Failed\n\none regression\n")
    hub = Hub(tmp_path / "hub.json")
    hub.run(17, artifact, event="pull_request", branch="mend")
    hub.pull(4, "stranger", "mend", "a1", state="closed")
    hub.pull(5, "stranger", "mend", "a1")
    hub.pull(6, "stranger", "mend", "b2")
    hub.pull(7, "somebody", "mend", "a1")
    return hub


MARK = "<!-- parity-suite: parity -->"
COMMENT = f"{MARK}\n\n## Failed\n\none regression\n"


def test_the_comment_is_the_summary_on_the_pull_request_whose_head_was_walked(hub: Hub, tmp_path: Path) -> None:
    ended = commented(tmp_path)
    assert ended.code == 0, ended.output
    assert Hub(hub.path).comments == [(5, COMMENT)]


def test_the_comment_is_renewed_and_nobody_elses_is_touched(hub: Hub, tmp_path: Path) -> None:
    hub.comment(5, f"{MARK}\n\nsaid by a person", login="somebody")
    hub.comment(5, f"{MARK}\n\nof the run before")
    for number in range(40):  # GitHub gives thirty on a page
        hub.comment(5, f"of another workflow {number}, and the last comment of the bot")
    others = hub.comments[2:]
    ended = commented(tmp_path)
    assert ended.code == 0, ended.output
    assert Hub(hub.path).comments == [(5, f"{MARK}\n\nsaid by a person"), (5, COMMENT), *others]


def test_a_pull_request_that_has_moved_on_gets_no_comment(hub: Hub, tmp_path: Path) -> None:
    ended = commented(tmp_path, head_sha="older")
    assert (ended.code, Hub(hub.path).comments) == (0, [])
    assert "::notice::no open pull request has the head older" in ended.output


def test_a_long_summary_is_cut_to_what_github_takes(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "artifact" / "summary.md").write_text("x" * 100_000)
    assert commented(tmp_path).code == 0
    ((_, body),) = Hub(hub.path).comments
    assert len(body) < 65_536
