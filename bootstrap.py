#!/usr/bin/env python3
"""From a bare checkout to a run: make the environment, then run the suites or every check.

    python3 bootstrap.py setup              make .venv, or bring it up to date, and stop
    python3 bootstrap.py suites [ARG ...]   set up, run the suites, write and renew reports/index.html
    python3 bootstrap.py tests [ARG ...]    set up, run ruff, mypy, lint-imports, tsc, zizmor, ... and all tests

ARGs go to pytest, e.g. `suites --route 'keras-*'`, `suites --budget 5m` or `tests tests/test_bootstrap.py`; a path
among them replaces the default folders. `suites --resume` goes on with a run that was cut. It needs Python 3.11, 3.12
or 3.13 and the standard library, nothing else. uv installs the packages, or pip where uv cannot be had. Everything it
writes lies in this checkout (`.venv`, about 8 GB), except uv's cache, which all checkouts share. Where Python came
without `ensurepip`, as on Debian without python3-venv, it installs that package, if it may. Exit codes: that of the
last step that failed; 2 when the environment cannot be made; 130 when interrupted.
"""

from __future__ import annotations  # so that an old Python gets as far as the message that it is too old

import argparse
import ast
import contextlib
import hashlib
import json
import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SUPPORTED = ((3, 13), (3, 12), (3, 11))
LOCK = "constraints.txt"
PROJECT = "parity-suite"  # the one distribution that is built here, which uv would refuse together with all others
EXTRAS = "all,dev"
RESULTS = {"suites": "reports/results.ndjson", "tests": "reports/tests.ndjson"}  # tests must not wipe out a run's file
PAGE = "reports/index.html"
WORKFLOWS = {"vendor.github-workflows": ".github/workflows/*.yml", "vendor.github-actions": "action.yml"}  # by schema
AUDITED = ("action.yml", ".github/workflows", "examples/converter_repository/.github/workflows")  # what runs on GitHub
STRICT = ("--plant", "--fail-on", "fixed", "--fail-on", "unexplained")  # what only this project's own checks ask for
TARGETS = {"suites": ("suites",), "tests": ("tests", "suites")}
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}
HEARTBEAT_S = 20.0
INTERRUPTED = 130
RESUME = "--resume"


class CannotSetUpError(Exception):
    """The environment cannot be made: a message that says what to do, and the exit code."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


def say(message: str) -> None:
    """Print one line (or more) of progress, at once: output often goes through a pipe."""
    print(f"bootstrap: {message}", flush=True)


def probe(*command: str) -> str | None:
    """What a command prints, stripped; None where it cannot be run or fails."""
    try:
        options = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 60}
        return subprocess.check_output(command, text=True, **options).strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None


def call(title: str, command: list[str], env: dict[str, str], *, heartbeat: bool = False) -> int:
    """Run a command in the checkout and return its exit code.

    With `heartbeat`, where nobody watches a terminal, a line with the elapsed seconds comes now and then.
    """
    say(f"{title}: {shlex.join(command)}")
    started = time.monotonic()
    pause = HEARTBEAT_S if heartbeat and not sys.stdout.isatty() else None
    stdin = None if sys.stdin and not sys.stdin.closed and sys.stdin.isatty() else subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=stdin) as process:  # noqa: S603
        while True:
            try:
                return process.wait(timeout=pause)
            except subprocess.TimeoutExpired:
                say(f"{title}: still running, {time.monotonic() - started:.0f} s")
            except KeyboardInterrupt:  # let the child close down: a signal to us alone it does not have
                process.terminate()
                process.wait()
                raise


def must(title: str, command: list[str], env: dict[str, str]) -> None:
    """One step of the set-up. Raises CannotSetUpError where it fails."""
    code = call(title, command, env, heartbeat=True)
    if code:
        raise CannotSetUpError(f"{title} failed with exit code {code}: {shlex.join(command)}", code)


# --- the interpreter ---------------------------------------------------------------------------------------------


def ensure_supported_python() -> None:
    """Go on in a supported interpreter: this one, or else the newest on the PATH (then this call does not return)."""
    if os.name != "posix":
        raise CannotSetUpError("this project runs on Linux and macOS; on Windows use WSL")
    if sys.version_info[:2] in SUPPORTED:
        return
    running = ".".join(str(part) for part in sys.version_info[:3])
    for version in ("{}.{}".format(*pair) for pair in SUPPORTED):
        python = shutil.which(f"python{version}")
        # a shim may be on the PATH and not start
        if python and probe(python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))") == version:
            say(f"this is Python {running}, which is not supported; going on with {python}")
            os.execv(python, [python, str(ROOT / "bootstrap.py"), *sys.argv[1:]])  # noqa: S606
    raise CannotSetUpError(
        f"this project needs Python 3.11, 3.12 or 3.13; this is Python {running} ({sys.executable}),\n"
        "and none of python3.13, python3.12, python3.11 is on the PATH.\n"
        "On Debian 12 or 13 run, as an administrator:  apt-get install python3 python3-venv\n"
        "Elsewhere install one of these versions, then run this command with it:  python3.13 bootstrap.py ..."
    )


def install_venv_package(env: dict[str, str]) -> None:
    """Install Debian's missing half of `venv`. Raises CannotSetUpError where that is not possible."""
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sys.base_prefix == "/usr" and all(map(shutil.which, ["apt-get", *sudo[:1]])):
        apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
        call("Debian's packages", [*apt, "update"], env, heartbeat=True)  # a broken third source need not matter
        if call(package, [*apt, "install", "-y", "--no-install-recommends", package], env, heartbeat=True) == 0:
            return
    raise CannotSetUpError(
        f"{sys.executable} came without `ensurepip`, it could not be installed from here, and there is neither `pip`\n"
        "nor `uv` to stand in. Have an administrator run\n"
        f"    apt-get update && apt-get install -y {package}\n"
        "(or, on other systems, install uv, or pip for this Python), then run this command again."
    )


# --- the environment ---------------------------------------------------------------------------------------------


def wanted_stamp() -> list[str]:
    """What the environment must have been made from: interpreter and place; packages.

    Of pyproject.toml only the tables that say what is installed count: a linter's setting reinstalls nothing.
    """
    import tomllib  # from Python 3.11 on

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tables = json.dumps([project.get("build-system"), project.get("project"), EXTRAS], sort_keys=True)
    packages = hashlib.sha256(tables.encode() + (ROOT / LOCK).read_bytes()).hexdigest()
    return ["{}.{} {} {}".format(*sys.version_info[:2], sys.base_prefix, ROOT), packages]


def read_stamp(venv: Path) -> list[str]:
    """The stamp of a complete environment; empty where there is none, or where its interpreter is gone."""
    with contextlib.suppress(OSError):
        if os.access(venv / "bin" / "python", os.X_OK):
            return (venv / "stamp").read_text(encoding="utf-8").splitlines()
    return []


def set_up(venv: Path) -> None:
    """Make the environment complete, one set-up at a time. An up-to-date one costs a few milliseconds."""
    import fcntl

    wanted = wanted_stamp()
    if read_stamp(venv) == wanted:
        return
    with (ROOT / LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another set-up of this checkout is running: waiting for it")
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = read_stamp(venv)
        if stamp != wanted:  # the other set-up may have made it
            renew(venv, keep=stamp[:1] == wanted[:1])
            (venv / "stamp").write_text("\n".join(wanted), encoding="utf-8")


def renew(venv: Path, *, keep: bool) -> None:
    """Make the environment anew, or (`keep`: only the packages changed) bring a complete one up to date in place."""
    started = time.monotonic()
    python = getattr(sys, "_base_executable", None) or sys.executable  # not that of an active environment
    inside = str(venv / "bin" / "python")
    unwanted = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"}
    env = {"PIP_NO_CACHE_DIR": "1", **{key: value for key, value in os.environ.items() if key not in unwanted}}
    env |= {
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    env["TMPDIR"] = str(venv / "tmp")
    say(f"setting up {venv} with {python}: the frameworks are about 3 GB to download and 8 GB on disk, once")
    (venv / "stamp").unlink(missing_ok=True)
    if not keep:
        make_bare(python, venv, env)
    (venv / "tmp").mkdir(exist_ok=True)
    pip = [python if has_pip(python) else inside, "-m", "pip"]
    try:
        install([uv_program(pip, venv, env), "pip"], uv_settings(pip) | env | {"UV_PYTHON": inside})
    except CannotSetUpError as error:
        if not has_pip(pip[0]):
            raise
        say(f"{error}; going on with pip instead of uv, which takes minutes")
        must("pip", [*pip, "--python", inside, "install", "-c", LOCK, "--only-binary=:all:", "--upgrade", "pip"], env)
        install([inside, "-m", "pip"], env)
    shutil.rmtree(venv / "tmp")
    say(f"the environment is complete: {time.monotonic() - started:.0f} s")


def has_pip(python: str) -> bool:
    """Whether this interpreter has pip."""
    return probe(python, "-c", "import pip") is not None


def make_bare(python: str, venv: Path, env: dict[str, str]) -> None:
    """Make an empty environment, with a pip of its own where nothing else could install into it."""
    options = ["--clear"]
    if shutil.which("uv") or has_pip(python):
        options.append("--without-pip")
    elif probe(python, "-c", "import ensurepip") is None:
        install_venv_package(env)
    must("environment", [python, "-m", "venv", *options, str(venv)], env)


def uv_program(pip: list[str], venv: Path, env: dict[str, str]) -> str:
    """The uv on the PATH, or else the locked one, in a scratch folder. Raises CannotSetUpError without either."""
    uv = shutil.which("uv")
    if uv is None:
        target = venv / "tmp" / "uv"
        must("uv", [*pip, "install", "-q", "-c", LOCK, "--only-binary=:all:", "--target", str(target), "uv"], env)
        uv = str(target / "bin" / "uv")
    say(f"uv's cache, from which environments on the same disk take their files: {probe(uv, 'cache', 'dir')}")
    return uv


def uv_settings(pip: list[str]) -> dict[str, str]:
    """uv's environment variables that make it do as pip does here: uv does not read pip's configuration."""
    lines = [line.partition("=") for line in (probe(*pip, "config", "list") or "").splitlines()]
    settings = {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # several indexes are one, as for pip
    settings["UV_COMPILE_BYTECODE"] = "1"  # else each worker of the first run would compile its framework by itself
    certificates = ssl.get_default_verify_paths()
    if certificates.cafile or (certificates.capath and os.listdir(certificates.capath)):
        settings["UV_SYSTEM_CERTS"] = "1"  # as pip does; uv's own list lacks a company's
    for section in ("global", "install", ":env:"):  # the later one rules
        for key, _, value in lines:
            uv_name = PIP_TO_UV.get(key.removeprefix(f"{section}."))
            if uv_name:
                settings[uv_name] = ("," if uv_name == "UV_FIND_LINKS" else " ").join(ast.literal_eval(value).split())
    return settings


def install(installer: list[str], env: dict[str, str]) -> None:
    """Install the project, editable, with exactly the locked versions. uv and pip take the same words."""
    words = [*installer, "install", "-c", LOCK, "--only-binary=:all:", f"--no-binary={PROJECT}"]
    must("installer", [*words, "--upgrade", "pip", "hatch-vcs", "hatchling"], env)
    must("packages", [*words, "--no-build-isolation", "-e", f".[{EXTRAS}]"], env)
    must("consistency", [*installer, "check"], env)


# --- what runs in the environment --------------------------------------------------------------------------------


def pytest_command(verb: str, extra: list[str], *, python: str) -> tuple[list[str], Path, Path]:
    """The pytest command of a verb, and the results file and the page that it writes. What the user adds comes last, so
    that it wins."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--results", default=RESULTS[verb])
    parser.add_argument("--page", default=PAGE)
    chosen, words = parser.parse_known_args(extra)
    named = any(word.partition("::")[0].split("/")[0] in TARGETS[verb] for word in words if not word.startswith("-"))
    folders = () if named else TARGETS[verb]
    more = STRICT if verb == "tests" else ("--page", chosen.page)
    command = [python, "-m", "pytest", *folders, "-n", "auto", "--results", chosen.results, *more, *words]
    return command, ROOT / chosen.results, ROOT / chosen.page


def run_steps(steps: dict[str, list[str]], venv: Path) -> int:
    """Run all steps as if the environment were active, whatever fails; the last exit code that is not 0, or 0."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    env |= {"PATH": f"{venv / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}", "VIRTUAL_ENV": str(venv)}
    codes = {title: call(title, command, env) for title, command in steps.items()}
    for title, code in codes.items():
        if code:
            say(f"FAILED {title} (exit code {code})")
    return next((code for code in reversed(codes.values()) if code), 0)


def files(glob: str) -> list[str]:
    """The files of the checkout that a pattern finds, as paths below it."""
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(glob))


def run(verb: str, extra: list[str], venv: Path) -> int:
    """`tests`: every check. `suites`: the suites, which write their page."""
    programs = ("python", "lint-imports", "zizmor", "parity")
    python, lint_imports, zizmor, parity = (str(venv / "bin" / name) for name in programs)
    pytest, results, page = pytest_command(verb, extra, python=python)
    if verb == "suites":
        return run_suites(pytest, [parity, "report", str(results), "--out", str(page)], results, page, venv)
    check = [python, "-m", "check_jsonschema", "--builtin-schema"]
    steps = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "lint-imports": [lint_imports, "--no-cache"],
        "page types": [python, "page/build.py", "--types"],
        "zizmor": [zizmor, "--offline", "--no-progress", *AUDITED],
        **{f"check-jsonschema {name}": [*check, name, *files(glob)] for name, glob in WORKFLOWS.items()},
        "pytest": pytest,
    }
    return run_steps(steps, venv)


def run_suites(pytest: list[str], report: list[str], results: Path, page: Path, venv: Path) -> int:
    """Run the suites. pytest writes the page, also when it is interrupted; where it was killed, `report` does.

    Raises KeyboardInterrupt, with words to go on with where the run had begun.
    """
    page.unlink(missing_ok=True)  # a page of an older run must not pass for this one's
    before = state(results)
    try:
        code = run_steps({"pytest": pytest}, venv)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(*[RESUME] * (state(results) != before)) from None
    if code < 0 and state(results) != before:
        run_steps({"report": report}, venv)
    if not page.exists():
        say(f"no page: this run wrote no {results}")
    return code


def state(path: Path) -> int | None:
    """When a file was last written; None where there is none."""
    return path.stat().st_mtime_ns if path.exists() else None


def main(argv: list[str]) -> int:
    """Run one verb; see the module's docstring."""
    verb, extra = (argv[0], argv[1:]) if argv else ("", [])
    if verb not in {"setup", *TARGETS}:
        asked = verb in {"-h", "--help"}
        print(__doc__, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    venv = ROOT / ".venv"
    try:
        ensure_supported_python()
        set_up(venv)
        if verb == "setup":
            say(f"ready: {venv}")
            return 0
        return run(verb, extra, venv)
    except CannotSetUpError as error:
        say(str(error))
        return error.code
    except KeyboardInterrupt as stop:
        words = [word for word in stop.args if word not in argv]
        say(f"interrupted; go on with `{shlex.join(['python3', 'bootstrap.py', *argv, *words])}`")
        return INTERRUPTED


def interrupt(_number: int, _frame: object) -> None:
    """A CI system ends a job by SIGTERM: as Ctrl-C, once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main(sys.argv[1:]))
