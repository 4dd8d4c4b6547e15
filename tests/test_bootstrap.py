"""The set-up script: which Python, which installer, which environment, which commands.

`uv` and `apt-get` are stand-ins that write down what they are asked, so that nothing is downloaded here. The script,
its processes and the bare environments are real.
"""

from __future__ import annotations

import ast
import fcntl
import importlib.util
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "bootstrap.py"
UV = """#!/bin/sh
[ "$1" = cache ] && { echo /the/cache; exit; }
echo "$@" >> "$LOG"
case "$*" in *"$FAILS"*) exit 7;; *"$SLEEPS"*) exec sleep 60;; esac
"""
TOOLS = "pip install -c constraints.txt --only-binary=:all: --no-binary=parity-suite --upgrade pip hatch-vcs hatchling"
PACKAGES = (
    "pip install -c constraints.txt --only-binary=:all: --no-binary=parity-suite --no-build-isolation -e .[all,dev]"
)
INSTALLED = [TOOLS, PACKAGES, "pip check"]
FILELESS = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "/none", "SSL_CERT_DIR", "/none")


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def heed_interrupts() -> None:
    """What a shell starts in the background ignores them, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def bootstrap() -> ModuleType:
    return load(SCRIPT)


class Checkout:
    """A checkout with the script, the two files that decide what is installed, and a stand-in for uv on the PATH."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        shutil.copy(SCRIPT, root)
        (root / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.ruff]\nline-length = 100\n')
        (root / "constraints.txt").write_text("numpy==2.4.6\n")
        program(root / "bin" / "uv", UV)

    @property
    def module(self) -> ModuleType:
        return load(self.root / "bootstrap.py")

    @property
    def asked(self) -> list[str]:
        """What the stand-ins were asked so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def start(self, *arguments: str, fails: str = "nothing", sleeps: str = "nothing") -> subprocess.Popen[str]:
        env = {**os.environ, "LOG": str(self.log), "FAILS": fails, "SLEEPS": sleeps}
        env |= {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": "/none",
        }  # pip can do nothing here
        env["PATH"] = f"{self.root / 'bin'}{os.pathsep}{env['PATH']}"
        command = [sys.executable, str(self.root / "bootstrap.py"), *arguments]
        return subprocess.Popen(
            command,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
            preexec_fn=heed_interrupts,  # noqa: PLW1509 - it takes no lock
        )

    def set_up(self, **how: str) -> tuple[int, str]:
        """Exit code and output of `setup`."""
        with self.start("setup", **how) as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def wait_for(self, request: str) -> None:
        for _ in range(600):
            if request in self.asked:
                return
            time.sleep(0.05)
        raise AssertionError(f"never asked: {request}; but {self.asked}")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


class TestPython:
    def test_supported_are_those_of_the_project_that_have_tensorflow(self, bootstrap: ModuleType) -> None:
        """The wheel goes one Python further: the extras of the importers need no TensorFlow."""
        project = tomllib.loads((SCRIPT.parent / "pyproject.toml").read_text())["project"]
        assert project["requires-python"] == ">=3.11,<3.15"
        assert bootstrap.SUPPORTED == ((3, 13), (3, 12), (3, 11))

    def test_importers_need_nothing_that_the_newest_python_lacks(self) -> None:
        """TensorFlow, and what needs it, and mat-io have no wheels for Python 3.14; nor has the locked h5py."""
        project = tomllib.loads((SCRIPT.parent / "pyproject.toml").read_text())["project"]
        extras = project["optional-dependencies"]
        needed = [
            *project["dependencies"],
            *extras["onnx"],
            *extras["onnx2pytorch"],
            *extras["onnx2torch"],
            *extras["torch"],
        ]
        names = {re.split(r"[^\w-]", each)[0] for each in needed}
        assert {"numpy", "onnx", "onnx2pytorch", "onnx2torch", "torch"} <= names
        assert names.isdisjoint({"h5py", "keras", "mat-io", "tensorflow", "tf-keras", "tf2onnx"})

    def test_old_python_gets_as_far_as_the_message(self) -> None:
        ast.parse(SCRIPT.read_text(), feature_version=(3, 7))
        with pytest.raises(SyntaxError):
            ast.parse(f"{SCRIPT.read_text()}\nif (late := 1):\n    pass\n", feature_version=(3, 7))

    def test_goes_on_with_the_newest_that_starts(
        self, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, body in (("python3.13", "exit 127"), ("python3.12", "echo 3.12"), ("python3.11", "echo 3.11")):
            program(tmp_path / name, f"#!/bin/sh\n{body}\n")
        begun: list[str] = []
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(bootstrap.sys, "version_info", (3, 14, 0))
        monkeypatch.setattr(bootstrap.sys, "argv", ["bootstrap.py", "suites", "-x"])
        monkeypatch.setattr(bootstrap.os, "execv", lambda path, words: begun.extend([path, *words]))
        with pytest.raises(bootstrap.CannotSetUpError):  # the stand-in for execv returns
            bootstrap.ensure_supported_python()
        python = str(tmp_path / "python3.12")
        assert begun[:5] == [python, python, str(SCRIPT), "suites", "-x"]

    def test_no_python_exits_with_2_and_a_remedy(
        self, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
        assert bootstrap.main(["setup"]) == 2
        output = capsys.readouterr().out
        assert "Python 3.9.2" in output
        assert "apt-get install python3" in output

    @pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 2), (["suite"], 2)])
    def test_usage(self, arguments: list[str], code: int) -> None:
        done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert "bootstrap.py suites" in done.stdout + done.stderr


class TestStamp:
    def test_names_interpreter_and_place(self, checkout: Checkout) -> None:
        python, _ = checkout.module.wanted_stamp()
        assert python.startswith("{}.{} ".format(*sys.version_info[:2]))
        assert python.endswith(str(checkout.root))

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("constraints.txt", "numpy==2.4.7\n"),
            ("pyproject.toml", '[project]\nname = "x"\ndependencies = ["numpy"]\n'),
        ],
    )
    def test_changes_with_what_is_installed(self, checkout: Checkout, name: str, text: str) -> None:
        python, packages = checkout.module.wanted_stamp()
        (checkout.root / name).write_text(text)
        assert checkout.module.wanted_stamp()[0] == python
        assert checkout.module.wanted_stamp()[1] != packages

    def test_holds_when_a_linter_changes(self, checkout: Checkout) -> None:
        before = checkout.module.wanted_stamp()
        (checkout.root / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.ruff]\nline-length = 120\n')
        assert checkout.module.wanted_stamp() == before

    def test_without_its_interpreter_is_none(self, bootstrap: ModuleType, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "stamp").write_text("a\nb")
        assert bootstrap.read_stamp(tmp_path) == []
        (tmp_path / "bin" / "python").symlink_to(sys.executable)
        assert bootstrap.read_stamp(tmp_path) == ["a", "b"]


class TestSetUp:
    def test_once(self, checkout: Checkout) -> None:
        assert checkout.set_up()[0] == 0
        code, output = checkout.set_up()
        assert (code, output) == (0, f"bootstrap: ready: {checkout.root / '.venv'}\n")
        assert checkout.asked == INSTALLED
        assert "stamp" in os.listdir(checkout.root / ".venv")
        assert "tmp" not in os.listdir(checkout.root / ".venv")

    def test_changed_packages_are_updated_in_place(self, checkout: Checkout) -> None:
        checkout.set_up()
        (checkout.root / ".venv" / "mine").touch()
        (checkout.root / "constraints.txt").write_text("numpy==2.4.7\n")
        checkout.set_up()
        assert checkout.asked == INSTALLED * 2
        assert (checkout.root / ".venv" / "mine").exists()

    def test_failed_update_is_made_anew(self, checkout: Checkout) -> None:
        checkout.set_up()
        (checkout.root / ".venv" / "mine").touch()
        (checkout.root / "constraints.txt").write_text("numpy==2.4.7\n")
        assert checkout.set_up(fails=PACKAGES)[0] != 0
        assert "stamp" not in os.listdir(checkout.root / ".venv")
        assert checkout.set_up()[0] == 0
        assert not (checkout.root / ".venv" / "mine").exists()

    def test_interrupted_is_repeated(self, checkout: Checkout) -> None:
        with checkout.start("setup", sleeps=PACKAGES) as process:
            checkout.wait_for(PACKAGES)
            (checkout.root / ".venv" / "half").touch()
            os.killpg(process.pid, signal.SIGINT)
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "interrupted; go on with `python3 bootstrap.py setup`" in output
        assert not (checkout.root / ".venv" / "stamp").exists()
        assert checkout.set_up()[0] == 0
        assert not (checkout.root / ".venv" / "half").exists()

    @pytest.mark.parametrize(("number", "alone"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
    @pytest.mark.parametrize("began", [True, False])
    def test_interrupted_suites_go_on(
        self, checkout: Checkout, number: signal.Signals, alone: bool, began: bool
    ) -> None:
        """Once the run has begun its results file."""
        checkout.set_up()
        python, results = checkout.root / ".venv" / "bin" / "python", checkout.root / "reports" / "results.ndjson"
        started = checkout.root / "started"
        results.parent.mkdir()
        results.write_text("of an older run")
        os.utime(results, (1, 1))
        python.unlink()
        program(python, f"#!/bin/sh\n{f'echo cut > {results}' if began else ''}\ntouch {started}\nexec sleep 60\n")
        with checkout.start("suites", "--layer", "ELU") as process:
            while not started.exists():
                time.sleep(0.02)
            (os.kill if alone else os.killpg)(process.pid, number)
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        more = " --resume" if began else ""
        assert output.endswith(f"bootstrap: interrupted; go on with `python3 bootstrap.py suites --layer ELU{more}`\n")

    @pytest.mark.parametrize("other", ["succeeds", "fails"])
    def test_one_at_a_time(self, checkout: Checkout, other: str) -> None:
        with (checkout.root / "constraints.txt").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            second = checkout.start("setup")
            assert second.stdout is not None
            assert "another set-up of this checkout is running" in second.stdout.readline()
            assert checkout.asked == []
            if other == "succeeds":
                (checkout.root / ".venv" / "bin").mkdir(parents=True)
                (checkout.root / ".venv" / "bin" / "python").symlink_to(sys.executable)
                (checkout.root / ".venv" / "stamp").write_text("\n".join(checkout.module.wanted_stamp()))
        assert second.communicate(timeout=60)[0].endswith(f"ready: {checkout.root / '.venv'}\n")
        assert checkout.asked == ([] if other == "succeeds" else INSTALLED)

    def test_silence_is_broken_where_nobody_watches(
        self, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(bootstrap, "HEARTBEAT_S", 0.1)
        command = [sys.executable, "-c", "import time; time.sleep(0.5)"]
        assert bootstrap.call("nap", command, dict(os.environ), heartbeat=True) == 0
        assert "bootstrap: nap: still running, 0 s\n" in capsys.readouterr().out
        assert bootstrap.call("nap", command, dict(os.environ)) == 0
        assert "still running" not in capsys.readouterr().out


class TestInstaller:
    @pytest.fixture
    def commands(self, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What the set-up calls, its folder shortened to `.`, in place of calling it; what fails is chosen by name."""
        called: list[str] = []

        def call(title: str, command: list[str], env: dict[str, str], *, heartbeat: bool = False) -> int:
            called.append(" ".join(command).replace(str(tmp_path), ".").replace(sys.executable, "python"))
            (tmp_path / ".venv").mkdir(exist_ok=True)
            return 1 if title in self.failing else 0

        self.failing: set[str] = set()
        monkeypatch.setattr(bootstrap, "call", call)
        monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
        monkeypatch.setattr(bootstrap.sys, "_base_executable", sys.executable)
        monkeypatch.setenv("PATH", str(tmp_path))
        return called

    def test_locked_uv_is_fetched_by_pip(
        self, bootstrap: ModuleType, commands: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "has_pip", lambda python: True)
        bootstrap.renew(tmp_path / ".venv", keep=False)
        uv = "./.venv/tmp/uv"
        assert commands == [
            "python -m venv --clear --without-pip ./.venv",
            f"python -m pip install -q -c constraints.txt --only-binary=:all: --target {uv} uv",
            *(f"{uv}/bin/uv {words}" for words in INSTALLED),
        ]

    @pytest.mark.parametrize("broken", ["uv", "packages"])
    def test_pip_stands_in_and_says_so(
        self,
        bootstrap: ModuleType,
        commands: list[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        broken: str,
    ) -> None:
        def install(installer: list[str], env: dict[str, str], really=bootstrap.install) -> None:  # type: ignore[no-untyped-def]
            self.failing &= {"packages"} if installer[0].endswith("uv") else set()
            really(installer, env)

        self.failing = {broken}
        monkeypatch.setattr(bootstrap, "has_pip", lambda python: True)
        monkeypatch.setattr(bootstrap, "install", install)
        bootstrap.renew(tmp_path / ".venv", keep=False)
        inside = "./.venv/bin/python"
        assert commands[-4:] == [
            f"python -m pip --python {inside} install -c constraints.txt --only-binary=:all: --upgrade pip",
            *(f"{inside} -m {words}" for words in INSTALLED),
        ]
        output = capsys.readouterr().out
        assert f"{broken} failed with exit code 1" in output
        assert output.count("going on with pip instead of uv, which takes minutes") == 1

    def test_without_pip_uv_has_the_last_word(
        self, bootstrap: ModuleType, commands: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path / "uv", "")
        self.failing = {"packages"}
        monkeypatch.setattr(bootstrap, "has_pip", lambda python: False)
        with pytest.raises(bootstrap.CannotSetUpError, match=r"packages failed with exit code 1: \S*/uv pip install"):
            bootstrap.renew(tmp_path / ".venv", keep=False)
        assert commands[0] == "python -m venv --clear --without-pip ./.venv"

    def test_debian_gets_its_missing_package(
        self, bootstrap: ModuleType, commands: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path / "apt-get", "")
        monkeypatch.setattr(bootstrap, "probe", lambda *command: None)
        monkeypatch.setattr(bootstrap.sys, "base_prefix", "/usr")
        monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
        bootstrap.make_bare(sys.executable, tmp_path / ".venv", {})
        apt = "env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300"
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        assert commands == [
            f"{apt} update",
            f"{apt} install -y --no-install-recommends {package}",
            "python -m venv --clear ./.venv",
        ]

    @pytest.mark.parametrize("obstacle", ["no apt-get", "no administrator", "apt-get fails", "not Debian's"])
    def test_where_nothing_can_be_done_it_says_what_to_run(
        self, bootstrap: ModuleType, commands: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
    ) -> None:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        if obstacle != "no apt-get":
            program(tmp_path / "apt-get", "")
        self.failing = {package} if obstacle == "apt-get fails" else set()
        monkeypatch.setattr(bootstrap, "probe", lambda *command: None)
        monkeypatch.setattr(bootstrap.sys, "base_prefix", "/opt" if obstacle == "not Debian's" else "/usr")
        monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000 if obstacle == "no administrator" else 0)
        with pytest.raises(bootstrap.CannotSetUpError, match=f"apt-get install -y {package}") as caught:
            bootstrap.make_bare(sys.executable, tmp_path / ".venv", {})
        assert caught.value.code == 2
        assert len(commands) == (2 if obstacle == "apt-get fails" else 0)


class TestSettings:
    """What pip is told by its configuration reaches uv. The pip that answers here is real."""

    @pytest.fixture
    def pip(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # no file of this machine
        return [sys.executable, "-m", "pip"]

    def test_places_and_certificates(
        self, bootstrap: ModuleType, pip: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "pip.conf").write_text(
            "[global]\nindex-url = https://mirror.example/simple\nextra-index-url = https://a.example\n"
            "  file:///b\nfind-links = /wheels /more\ncert = /company.pem\ntimeout = 3\n"
            "[install]\ncert = /install.pem\ntrusted-host = a.example\n[download]\nproxy = never.example\n"
        )
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://c.example")
        monkeypatch.setattr(bootstrap.ssl, "get_default_verify_paths", lambda: FILELESS)
        assert bootstrap.uv_settings(pip) == {
            "UV_INDEX_STRATEGY": "unsafe-best-match",
            "UV_COMPILE_BYTECODE": "1",
            "UV_DEFAULT_INDEX": "https://mirror.example/simple",
            "UV_INDEX": "https://c.example",
            "UV_FIND_LINKS": "/wheels,/more",
            "UV_INSECURE_HOST": "a.example",
            "SSL_CERT_FILE": "/install.pem",
        }

    def test_nothing_configured(self, bootstrap: ModuleType, pip: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Not even where there is no pip; packages are compiled as pip does, before the first run."""
        monkeypatch.setattr(bootstrap.ssl, "get_default_verify_paths", lambda: FILELESS._replace(cafile="/ca.pem"))
        plain = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "1", "UV_COMPILE_BYTECODE": "1"}
        assert bootstrap.uv_settings(pip) == plain
        assert bootstrap.uv_settings(["/nowhere/python", "-m", "pip"]) == plain

    def test_uv_is_asked_for_this_environment_and_the_users_word_wins(
        self, checkout: Checkout, pip: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(checkout.root / "bin" / "uv", '#!/bin/sh\necho "$UV_PYTHON $UV_DEFAULT_INDEX $PYTHONPATH." >> "$LOG"\n')
        monkeypatch.setenv("UV_PYTHON", "/elsewhere")
        monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.example")
        monkeypatch.setenv("PIP_INDEX_URL", "https://pips.example")
        monkeypatch.setenv("PYTHONPATH", "/elsewhere")
        assert checkout.set_up()[0] == 0
        assert set(checkout.asked[1:]) == {f"{checkout.root}/.venv/bin/python https://mine.example ."}


class TestCommands:
    def test_suites(self, bootstrap: ModuleType) -> None:
        command, results, page = bootstrap.pytest_command("suites", ["--layer", "Conv*"], python="py")
        written = "--results reports/results.ndjson --page reports/index.html"
        assert " ".join(command) == f"py -m pytest suites -n auto {written} --layer Conv*"
        assert results == SCRIPT.parent / "reports" / "results.ndjson"
        assert page == SCRIPT.parent / "reports" / "index.html"

    @pytest.mark.parametrize("path", ["tests/test_bootstrap.py::TestCommands", "suites/keras", "tests"])
    def test_a_path_replaces_the_folders(self, bootstrap: ModuleType, path: str) -> None:
        assert bootstrap.pytest_command("tests", ["-x", path], python="py")[0] == [
            *("py", "-m", "pytest", "-n", "auto", "--results", "reports/tests.ndjson"),
            *("--plant", "--fail-on", "fixed", "--fail-on", "unexplained", "-x", path),
        ]

    @pytest.mark.parametrize(
        ("extra", "expected"), [(["--results", "a"], "a"), (["--results=b", "-k", "c"], "b"), (["--resume"], None)]
    )
    def test_results_path(self, bootstrap: ModuleType, extra: list[str], expected: str | None) -> None:
        command, results, _ = bootstrap.pytest_command("suites", extra, python="py")
        assert results == SCRIPT.parent / (expected or "reports/results.ndjson")
        assert command[command.index("--results") + 1] == (expected or "reports/results.ndjson")

    def test_exit_code_is_that_of_the_last_failure(
        self, bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        steps = {str(code): [sys.executable, "-c", f"raise SystemExit({code})"] for code in (3, 4, 0)}
        assert bootstrap.run_steps(steps, SCRIPT.parent / ".venv") == 4
        assert "FAILED 3 (exit code 3)" in capsys.readouterr().out

    def test_all_checks_run_whatever_fails(
        self, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        titles: list[str] = []
        monkeypatch.setattr(bootstrap, "call", lambda title, command, env: titles.append(title) or 1)
        assert bootstrap.run("tests", [], Path("/v")) == 1
        schemas = ["check-jsonschema vendor.github-workflows", "check-jsonschema vendor.github-actions"]
        checks = ["ruff check", "ruff format", "mypy", "lint-imports", "page types", "zizmor"]
        assert titles == [*checks, *schemas, "pytest"]
        counted = [line for line in capsys.readouterr().out.splitlines() if line.startswith("bootstrap: FAILED ")]
        assert [line.removeprefix("bootstrap: FAILED ").split(" (")[0] for line in counted] == titles

    @pytest.mark.parametrize("pages", [True, False])
    @pytest.mark.parametrize("code", [1, 4, -9])
    def test_page_is_of_this_run_or_there_is_none(
        self,
        bootstrap: ModuleType,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        code: int,
        pages: bool,
    ) -> None:
        """pytest writes the page of a run; of a run that was killed, `parity report` does."""
        results, page = tmp_path / "reports" / "results.ndjson", tmp_path / "reports" / "index.html"
        results.parent.mkdir()
        results.write_text("of an older run")
        os.utime(results, (1, 1))
        page.write_text("of an older run")

        def call(title: str, command: list[str], env: dict[str, str]) -> int:
            if title == "report":
                assert command == ["/v/bin/parity", "report", str(results), "--out", str(page)]
                page.write_text("of a run that was killed")
                return 0
            assert not page.exists()
            if pages:
                results.write_text("new")
                page.write_text("of pytest")
            return code

        monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
        monkeypatch.setattr(bootstrap, "call", call)
        assert bootstrap.run("suites", [], Path("/v")) == code
        assert page.exists() is pages
        assert ("no page: this run wrote no" in capsys.readouterr().out) is not pages
        if pages:
            assert page.read_text() == ("of a run that was killed" if code < 0 else "of pytest")


def test_continuous_integration_counts_what_the_script_calls_failed() -> None:
    """`.ci/run` reads the lines that `run_steps` prints."""
    (pattern,) = [word for word in (SCRIPT.parent / ".ci" / "run").read_text().split("'") if "FAILED" in word]
    lines = "".join(f"bootstrap: FAILED {title} (exit code 1)\n" for title in ("ruff check", "ruff format", "mypy"))
    lines += "bootstrap: FAILED lint-imports (exit code 1)\nbootstrap: FAILED pytest (exit code 1)\n"
    lines += "bootstrap: FAILED page types (exit code 1)\nbootstrap: FAILED zizmor (exit code 14)\n"
    lines += "bootstrap: FAILED check-jsonschema vendor.github-actions (exit code 1)\n"
    done = subprocess.run(["grep", "-cE", pattern], input=lines, capture_output=True, text=True, check=True)
    assert done.stdout == "7\n"  # pytest's failures are counted one by one


def test_uv_is_locked() -> None:
    lock = (SCRIPT.parent / "constraints.txt").read_text().splitlines()
    assert [line for line in lock if line.startswith("uv==")]
