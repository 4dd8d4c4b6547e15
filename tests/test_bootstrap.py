"""The set-up script: which Python, which environment, which commands. Nothing is installed here."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "bootstrap.py"


@pytest.fixture(scope="module")
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the two files that decide what is installed."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.ruff]\nline-length = 100\n')
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n")
    return tmp_path


def environment(venv: Path, stamp: object) -> Path:
    """A folder that looks like an environment with this stamp."""
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "stamp.json").write_text(stamp if isinstance(stamp, str) else json.dumps(stamp))
    return venv


class TestPython:
    @pytest.mark.parametrize(
        ("version", "expected"),
        [((2, 7), False), ((3, 10), False), ((3, 11), True), ((3, 12), True), ((3, 13), True), ((3, 14), False)],
    )
    def test_supported(self, bootstrap: ModuleType, version: tuple[int, int], expected: bool) -> None:
        assert bootstrap.supported(version) is expected

    def test_agrees_with_the_project(self, bootstrap: ModuleType) -> None:
        assert 'requires-python = ">=3.11,<3.14"' in (SCRIPT.parent / "pyproject.toml").read_text()
        assert sorted(bootstrap.SUPPORTED) == [(3, 11), (3, 12), (3, 13)]

    def test_a_python_that_does_not_start_is_not_chosen(
        self, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, body in (("python3.13", "exit 127"), ("python3.12", "echo 3 12"), ("python3.11", "echo 3 11")):
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert bootstrap.other_python() == str(tmp_path / "python3.12")

    def test_no_python_exits_with_2_and_a_remedy(
        self, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
        assert bootstrap.main(["setup"]) == 2
        said = capsys.readouterr().out
        assert "Python 3.9.2" in said
        assert "apt-get install python3" in said

    @pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 2), (["suite"], 2)])
    def test_usage(self, arguments: list[str], code: int) -> None:
        done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert "bootstrap.py suites" in done.stdout + done.stderr


class TestStamp:
    def test_names_interpreter_and_place(self, bootstrap: ModuleType, checkout: Path) -> None:
        stamp = bootstrap.wanted_stamp(checkout)
        assert stamp["python"].startswith("{}.{} ".format(*sys.version_info[:2]))
        assert stamp["python"].endswith(str(checkout))

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("constraints.txt", "numpy==2.4.7\n"),
            ("pyproject.toml", '[project]\nname = "x"\ndependencies = ["numpy"]\n'),
        ],
    )
    def test_changes_with_what_is_installed(self, bootstrap: ModuleType, checkout: Path, name: str, text: str) -> None:
        before = bootstrap.wanted_stamp(checkout)
        (checkout / name).write_text(text)
        after = bootstrap.wanted_stamp(checkout)
        assert after["packages"] != before["packages"]
        assert after["python"] == before["python"]

    def test_holds_when_a_linter_changes(self, bootstrap: ModuleType, checkout: Path) -> None:
        before = bootstrap.wanted_stamp(checkout)
        (checkout / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.ruff]\nline-length = 120\n')
        assert bootstrap.wanted_stamp(checkout) == before

    def test_round_trip(self, bootstrap: ModuleType, tmp_path: Path) -> None:
        venv = environment(tmp_path / ".venv", {})
        bootstrap.write_stamp(venv, {"python": "a", "packages": "b"})
        assert bootstrap.read_stamp(venv) == {"python": "a", "packages": "b"}

    @pytest.mark.parametrize("stamp", ["", "{", "[]"])
    def test_an_unreadable_stamp_is_none(self, bootstrap: ModuleType, tmp_path: Path, stamp: str) -> None:
        assert bootstrap.read_stamp(environment(tmp_path / ".venv", stamp)) == {}

    def test_a_stamp_without_its_python_is_none(self, bootstrap: ModuleType, tmp_path: Path) -> None:
        venv = environment(tmp_path / ".venv", {"python": "a"})
        (venv / "bin" / "python").unlink()
        (venv / "bin" / "python").symlink_to(tmp_path / "gone")
        assert bootstrap.read_stamp(venv) == {}


class TestSetUp:
    @pytest.fixture
    def made(self, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The parts of the set-up that ran, in place of running them."""
        parts: list[str] = []

        def make_bare(python: str, venv: Path) -> None:
            parts.append("bare")
            (venv / "bin").mkdir(parents=True)
            (venv / "bin" / "python").symlink_to(python)

        monkeypatch.setattr(bootstrap, "make_bare", make_bare)
        monkeypatch.setattr(bootstrap, "install_packages", lambda root, venv: parts.append("packages"))
        return parts

    def test_once(self, bootstrap: ModuleType, checkout: Path, made: list[str]) -> None:
        bootstrap.set_up(checkout, checkout / ".venv")
        bootstrap.set_up(checkout, checkout / ".venv")
        assert made == ["bare", "packages"]
        assert sorted(os.listdir(checkout / ".venv")) == ["bin", "stamp.json"]

    def test_changed_packages_are_updated_in_place(
        self, bootstrap: ModuleType, checkout: Path, made: list[str]
    ) -> None:
        bootstrap.set_up(checkout, checkout / ".venv")
        (checkout / "constraints.txt").write_text("numpy==2.4.7\n")
        bootstrap.set_up(checkout, checkout / ".venv")
        assert made == ["bare", "packages", "packages"]

    def test_an_interrupted_set_up_is_made_anew_but_keeps_its_downloads(
        self, bootstrap: ModuleType, checkout: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        venv = checkout / ".venv"

        def interrupted(root: Path, venv: Path) -> None:
            (venv / "lib" / "half").mkdir(parents=True)
            (venv / "cache").mkdir(exist_ok=True)
            raise KeyboardInterrupt

        def again(root: Path, venv: Path) -> None:
            made.append("packages")
            assert not (venv / "lib").exists()
            assert (venv / "cache").is_dir()

        monkeypatch.setattr(bootstrap, "install_packages", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.set_up(checkout, venv)
        assert bootstrap.read_stamp(venv) == {}
        monkeypatch.setattr(bootstrap, "install_packages", again)
        bootstrap.set_up(checkout, venv)
        assert made == ["bare", "bare", "packages"]
        assert bootstrap.read_stamp(venv) == bootstrap.wanted_stamp(checkout)

    def test_an_interrupted_update_is_made_anew(
        self, bootstrap: ModuleType, checkout: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        venv = environment(checkout / ".venv", bootstrap.wanted_stamp(checkout))
        (checkout / "constraints.txt").write_text("numpy==2.4.7\n")

        def fails(root: Path, venv: Path) -> None:
            raise bootstrap.CannotSetUpError("no", 1)

        with monkeypatch.context() as patch:
            patch.setattr(bootstrap, "install_packages", fails)
            with pytest.raises(bootstrap.CannotSetUpError):
                bootstrap.set_up(checkout, venv)
        assert bootstrap.read_stamp(venv) == {}
        bootstrap.set_up(checkout, venv)
        assert made == ["bare", "packages"]

    def test_where_nothing_can_be_done_it_says_what_to_run(
        self, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(bootstrap, "probe", lambda python, code: None)
        monkeypatch.setattr(bootstrap, "install_venv_package", lambda: False)
        with pytest.raises(bootstrap.CannotSetUpError, match=r"apt-get install -y python3\.\d+-venv") as caught:
            bootstrap.make_bare("/usr/bin/python3", tmp_path)
        assert caught.value.code == 2

    def test_installers_write_inside_the_environment(
        self, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", "/elsewhere")
        monkeypatch.delenv("PIP_CACHE_DIR", raising=False)
        env = bootstrap.install_env(tmp_path / ".venv")
        assert env["TMPDIR"] == str(tmp_path / ".venv" / "tmp")
        assert "PYTHONPATH" not in env
        assert env.get("PIP_CACHE_DIR", str(tmp_path / ".venv" / "cache")) == str(tmp_path / ".venv" / "cache")
        assert "PIP_CACHE_DIR" in env or "PIP_NO_CACHE_DIR" in env


class TestCommands:
    def test_suites(self, bootstrap: ModuleType) -> None:
        command = bootstrap.pytest_command("suites", ["--layer", "Conv*"], python="py", count=2)
        assert " ".join(command) == "py -m pytest suites -n 2 --results reports/results.ndjson --layer Conv*"

    @pytest.mark.parametrize("path", ["tests/test_bootstrap.py::TestCommands", "suites/keras", "tests"])
    def test_a_path_replaces_the_folders(self, bootstrap: ModuleType, path: str) -> None:
        assert bootstrap.pytest_command("tests", ["-x", path], python="py", count=2) == [
            *("py", "-m", "pytest", "-n", "2", "--results", "reports/tests.ndjson", "-x", path)
        ]

    @pytest.mark.parametrize(
        ("extra", "expected"),
        [([], "reports/results.ndjson"), (["--results", "a"], "a"), (["--results=b"], "b"), (["--results"], None)],
    )
    def test_results_path(self, bootstrap: ModuleType, extra: list[str], expected: str | None) -> None:
        command = bootstrap.pytest_command("suites", extra, python="py", count=1)
        assert bootstrap.results_path(command) == SCRIPT.parent / (expected or bootstrap.RESULTS["suites"])

    def test_exit_code_is_that_of_the_last_failure(
        self, bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        steps = [(str(code), [sys.executable, "-c", f"raise SystemExit({code})"]) for code in (3, 4, 0)]
        assert bootstrap.run_steps(steps, dict(os.environ)) == 4
        assert "FAILED 3 (exit code 3)" in capsys.readouterr().out

    def test_workers(self, bootstrap: ModuleType) -> None:
        assert 1 <= bootstrap.workers() <= 8
