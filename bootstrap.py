#!/usr/bin/env python3
"""From a bare checkout to a run: make the environment, then run the suites or every check.

    python3 bootstrap.py setup              make .venv, or bring it up to date, and stop
    python3 bootstrap.py suites [ARG ...]   set up, run the suites, write reports/index.html
    python3 bootstrap.py tests [ARG ...]    set up, run ruff, mypy and all tests

ARGs go to pytest, e.g. `suites --route 'keras-*'` or `tests tests/test_bootstrap.py`; a path among them replaces
the default folders. It needs Python 3.11, 3.12 or 3.13 and the standard library, nothing else. Everything it writes
lies in this checkout (one shared `.venv`, about 8 GB); where Python came without `ensurepip`, as on Debian without
python3-venv, it installs that package, if it may. Exit codes: that of the last step that failed; 2 when the
environment cannot be made; 130 when interrupted.
"""

from __future__ import annotations  # so that an old Python gets as far as the message that it is too old

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SUPPORTED = ((3, 13), (3, 12), (3, 11))
LOCK = "constraints.txt"
EXTRAS = "all,dev"
RESULTS = {"suites": "reports/results.ndjson", "tests": "reports/tests.ndjson"}  # tests must not wipe out a run's file
PAGE = "reports/index.html"
TARGETS = {"suites": ("suites",), "tests": ("tests", "suites")}
GIB = 1 << 30
DISK_GIB = 11  # what the environment takes while it is being made, without a cache of downloads
CACHE_GIB = 20  # from here on downloads are kept until the set-up is complete: a second try is quick
WORKER_GIB = 3  # memory of one pytest worker with its framework processes
HEARTBEAT_S = 20.0
CANNOT = 2
INTERRUPTED = 130


class CannotSetUpError(Exception):
    """The environment cannot be made; the message says what to do. Carries the exit code."""

    def __init__(self, message: str, code: int = CANNOT) -> None:
        super().__init__(message)
        self.code = code


def say(message: str) -> None:
    """Print one line (or more) of progress, at once: output often goes through a pipe."""
    print(f"bootstrap: {message}", flush=True)


# --- the interpreter ---------------------------------------------------------------------------------------------


def supported(version: tuple[int, int]) -> bool:
    """Whether the project runs on this (major, minor)."""
    return version in SUPPORTED


def probe(python: str, code: str) -> str | None:
    """What `python -c code` prints, stripped; None where it cannot be run or fails."""
    try:
        done = subprocess.run(  # noqa: S603
            [python, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def other_python() -> str | None:
    """The newest supported interpreter on the PATH that really starts (a pyenv shim may not)."""
    for major, minor in SUPPORTED:
        python = shutil.which(f"python{major}.{minor}")
        if python and probe(python, "import sys; print(*sys.version_info[:2])") == f"{major} {minor}":
            return python
    return None


def wrong_python_message(version: str, executable: str) -> str:
    """What to say where no supported interpreter is to be found."""
    return (
        f"this project needs Python 3.11, 3.12 or 3.13; this is Python {version} ({executable}),\n"
        "and none of python3.13, python3.12, python3.11 is on the PATH.\n"
        "On Debian 12 or 13 run, as an administrator:  apt-get install python3 python3-venv\n"
        "Elsewhere install one of these versions, then run this command with it:  python3.13 bootstrap.py ..."
    )


def ensure_supported_python() -> None:
    """Go on in a supported interpreter: this one, or else one from the PATH (then this call does not return)."""
    if os.name != "posix":
        raise CannotSetUpError("this project runs on Linux and macOS; on Windows use WSL")
    if supported(sys.version_info[:2]):
        return
    python = other_python()
    version = ".".join(str(part) for part in sys.version_info[:3])
    if python is None:
        raise CannotSetUpError(wrong_python_message(version, sys.executable))
    say(f"this is Python {version}, which is not supported; going on with {python}")
    os.execv(python, [python, str(ROOT / "bootstrap.py"), *sys.argv[1:]])  # noqa: S606


def base_python() -> str:
    """The interpreter that the environment is made from: never that of an environment which happens to be active."""
    return getattr(sys, "_base_executable", None) or sys.executable


# --- running commands --------------------------------------------------------------------------------------------


def call(command: list[str], *, env: dict[str, str] | None = None, heartbeat: str = "") -> int:
    """Run a command in the checkout and return its exit code.

    `heartbeat` names the step: where nobody watches a terminal, a line with the elapsed seconds comes now and then.
    """
    started = time.monotonic()
    beats = bool(heartbeat) and not sys.stdout.isatty()
    stdin = None if sys.stdin and not sys.stdin.closed and sys.stdin.isatty() else subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=stdin) as process:  # noqa: S603
        while True:
            try:
                return process.wait(timeout=HEARTBEAT_S if beats else None)
            except subprocess.TimeoutExpired:
                say(f"{heartbeat}: still running, {time.monotonic() - started:.0f} s")
            except KeyboardInterrupt:  # the child has it too: let it close down
                process.wait()
                raise


def must(title: str, command: list[str], *, env: dict[str, str] | None = None) -> None:
    """One step of the set-up: announce it, run it, say how long it took; CannotSetUpError where it fails."""
    say(f"{title}: {shlex.join(command)}")
    started = time.monotonic()
    code = call(command, env=env, heartbeat=title)
    seconds = time.monotonic() - started
    if code:
        raise CannotSetUpError(
            f"{title} failed with exit code {code} after {seconds:.0f} s: {shlex.join(command)}", code
        )
    say(f"{title}: done in {seconds:.0f} s")


def install_env(venv: Path) -> dict[str, str]:
    """The environment variables of installers: the user's own, but all that is written stays inside `venv`."""
    env = {k: v for k, v in os.environ.items() if k not in {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX"}}
    env.update(TMPDIR=str(venv / "tmp"), PIP_USER="0", PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    if shutil.disk_usage(venv.parent).free < CACHE_GIB * GIB:
        env.pop("PIP_CACHE_DIR", None)
        env["PIP_NO_CACHE_DIR"] = "1"
    elif "PIP_NO_CACHE_DIR" not in env:
        env.setdefault("PIP_CACHE_DIR", str(venv / "cache"))
    return env


def run_env(venv: Path) -> dict[str, str]:
    """The environment variables of what runs inside the environment: as if it were activated."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONHOME"}
    env["PATH"] = os.pathsep.join([str(venv / "bin"), env.get("PATH", os.defpath)])
    env["VIRTUAL_ENV"] = str(venv)
    return env


# --- the stamp: which environment this is, written when it is complete --------------------------------------------


def wanted_stamp(root: Path) -> dict[str, str]:
    """What the environment must have been made from: interpreter and place; packages.

    Of pyproject.toml only the tables that say what is installed count: a linter's setting reinstalls nothing.
    """
    import tomllib  # from Python 3.11 on

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    tables = json.dumps({key: project.get(key) for key in ("build-system", "project")}, sort_keys=True)
    digest = hashlib.sha256()
    for part in (tables.encode(), (root / LOCK).read_bytes(), EXTRAS.encode()):
        digest.update(hashlib.sha256(part).digest())
    version = "{}.{}".format(*sys.version_info[:2])
    return {"python": f"{version} {sys.base_prefix} {root}", "packages": digest.hexdigest()}


def read_stamp(venv: Path) -> dict[str, str]:
    """The stamp of a complete environment; empty where there is none, or where it cannot be read."""
    try:
        stamp = json.loads((venv / "stamp.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    usable = isinstance(stamp, dict) and os.access(venv / "bin" / "python", os.X_OK)
    return stamp if usable else {}


def write_stamp(venv: Path, stamp: dict[str, str]) -> None:
    """Mark the environment as complete, in one move."""
    partial = venv / "stamp.partial"
    partial.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    partial.replace(venv / "stamp.json")


# --- making the environment --------------------------------------------------------------------------------------


def has_ensurepip(python: str) -> bool:
    """Whether `python -m venv` can make an environment with pip in it (Debian's plain python3 cannot)."""
    return probe(python, "import ensurepip, venv; print(ensurepip.version())") is not None


def administrator() -> list[str] | None:
    """The words to put before a command that needs root: none for root; None where there is no way."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    allowed = subprocess.run([sudo, "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    return [sudo, "-n"] if allowed.returncode == 0 else None


def venv_package() -> str:
    """The Debian package that completes the running version of Python."""
    return "python{}.{}-venv".format(*sys.version_info[:2])


def install_venv_package() -> bool:
    """Install Debian's missing half of `venv`; False where this is not Debian's Python, or we may not, or it fails."""
    apt, prefix = shutil.which("apt-get"), administrator()
    if apt is None or prefix is None or sys.base_prefix != "/usr":
        return False
    quiet = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", apt, "-q", "-o", "DPkg::Lock::Timeout=300"]
    title = f"Debian package {venv_package()}"
    say(f"{title} is missing: installing it")
    call([*quiet, "update"], heartbeat=title)  # a broken third source fails this, and need not matter
    return call([*quiet, "install", "-y", "--no-install-recommends", venv_package()], heartbeat=title) == 0


def no_way_message(python: str, package: str) -> str:
    """What to say where Python lacks ensurepip and nothing on this machine can stand in for it."""
    return (
        f"{python} came without `ensurepip`, so no virtual environment can be made from it; it could not be\n"
        "installed from here, and there is no `pip` and no `virtualenv` to stand in. Have an administrator run\n"
        f"    apt-get update && apt-get install -y {package}\n"
        "(or, on other systems, install pip or virtualenv for this Python), then run this command again."
    )


def make_bare(python: str, venv: Path) -> None:
    """Make an environment with pip in it, from what this machine has."""
    env = install_env(venv)
    if has_ensurepip(python) or (install_venv_package() and has_ensurepip(python)):
        must("environment", [python, "-m", "venv", str(venv)], env=env)
    elif probe(sys.executable, "import pip, venv; print(pip.__version__)"):
        must("environment without pip", [python, "-m", "venv", "--without-pip", str(venv)], env=env)
        target = ["--python", str(venv / "bin" / "python")]
        must("pip", [sys.executable, "-m", "pip", *target, "install", "-c", str(ROOT / LOCK), "pip"], env=env)
    elif shutil.which("virtualenv"):
        own = ["--no-periodic-update", "--app-data", str(venv / "tmp" / "virtualenv")]
        must("environment", ["virtualenv", *own, "-p", python, str(venv)], env=env)
    else:
        raise CannotSetUpError(no_way_message(python, venv_package()))


def clear(venv: Path) -> None:
    """Remove what an interrupted or outdated set-up left, except its downloads."""
    if not venv.exists():
        return
    say(f"removing an incomplete or outdated {venv.name}")
    for entry in venv.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            if entry.name != "cache":
                shutil.rmtree(entry)
        else:
            entry.unlink()


def install_packages(root: Path, venv: Path) -> None:
    """Install the project, editable, with exactly the locked versions."""
    env = install_env(venv)
    pip = [str(venv / "bin" / "python"), "-m", "pip"]
    install = [*pip, "install", "-c", str(root / LOCK), "--only-binary=:all:"]
    must("installer", [*install, "--upgrade", "pip", "setuptools", "wheel"], env=env)
    say("the frameworks are about 3 GB to download and 8 GB on disk: this takes some minutes, once")
    must("packages", [*install, "--no-build-isolation", "-e", f"{root}[{EXTRAS}]"], env=env)
    must("consistency", [*pip, "check"], env=env)


def lock_checkout(root: Path) -> int | None:
    """Let one set-up at a time work in this checkout; the lock goes when the returned descriptor is closed."""
    import fcntl

    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another set-up of this checkout is running: waiting for it")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None
    return descriptor


def set_up(root: Path, venv: Path) -> None:
    """Make the environment complete. An up-to-date one costs a few milliseconds.

    Where only the packages changed, a complete environment is brought up to date in place; anything else is made anew.
    """
    wanted = wanted_stamp(root)
    if read_stamp(venv) == wanted:
        return
    lock = lock_checkout(root)
    try:
        found = read_stamp(venv)
        if found != wanted:  # not made by another set-up while this one waited
            renew(root, venv, wanted, keep=found.get("python") == wanted["python"])
    finally:
        if lock is not None:
            os.close(lock)


def renew(root: Path, venv: Path, wanted: dict[str, str], *, keep: bool) -> None:
    """Make the environment anew, or (`keep`) bring it up to date, and stamp it."""
    started = time.monotonic()
    say(f"setting up {venv} with {base_python()}")
    free = shutil.disk_usage(root).free / GIB
    if not keep and free < DISK_GIB:
        say(f"warning: {free:.0f} GB are free here; the set-up takes about {DISK_GIB}")
    (venv / "stamp.json").unlink(missing_ok=True)
    if not keep:
        clear(venv)
    (venv / "tmp").mkdir(parents=True, exist_ok=True)
    if not keep:
        make_bare(base_python(), venv)
    install_packages(root, venv)
    for scratch in ("cache", "tmp"):
        shutil.rmtree(venv / scratch, ignore_errors=True)
    write_stamp(venv, wanted)
    say(f"the environment is complete: {time.monotonic() - started:.0f} s")


# --- what runs in the environment --------------------------------------------------------------------------------


def workers() -> int:
    """How many pytest workers this machine carries: its processors, as far as its memory reaches."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (WORKER_GIB * GIB)
    except (OSError, ValueError):
        memory = processors
    return max(1, min(processors, memory, 8))


def pytest_command(verb: str, extra: list[str], *, python: str, count: int) -> list[str]:
    """The pytest command of a verb; what the user adds comes last, so that it wins."""
    folders = TARGETS[verb]
    named = any(arg.partition("::")[0].split("/")[0] in folders for arg in extra if not arg.startswith("-"))
    chosen = [] if named else folders
    return [python, "-m", "pytest", *chosen, "-n", str(count), "--results", RESULTS[verb], *extra]


def results_path(command: list[str]) -> Path:
    """The results file that a pytest command writes: the last one it names."""
    path = RESULTS["suites"]
    for option, value in zip(command, [*command[1:], ""], strict=True):
        if option == "--results" and value:
            path = value
        elif option.startswith("--results="):
            path = option.partition("=")[2]
    return ROOT / path


def modified(path: Path) -> int:
    """When a file was last written, in nanoseconds; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


def run_steps(steps: list[tuple[str, list[str]]], env: dict[str, str]) -> int:
    """Run all steps, whatever fails; the exit code of the last that failed, or 0."""
    failures = []
    for title, command in steps:
        say(f"{title}: {shlex.join(command)}")
        code = call(command, env=env)
        if code:
            failures.append((title, code))
    for title, code in failures:
        say(f"FAILED {title} (exit code {code})")
    return failures[-1][1] if failures else 0


def run_tests(venv: Path, extra: list[str]) -> int:
    """Linter, formatter, types, then the tests of the harness and the suites."""
    python = str(venv / "bin" / "python")
    steps = [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("mypy", [python, "-m", "mypy"]),
        ("pytest", pytest_command("tests", extra, python=python, count=workers())),
    ]
    return run_steps(steps, run_env(venv))


def run_suites(venv: Path, extra: list[str]) -> int:
    """The suites, then the page about them; no page where the run wrote no results."""
    env = run_env(venv)
    command = pytest_command("suites", extra, python=str(venv / "bin" / "python"), count=workers())
    results = results_path(command)
    before = modified(results)
    (ROOT / PAGE).unlink(missing_ok=True)  # a page of an older run must not pass for this one's
    code = run_steps([("suites", command)], env)
    if modified(results) == before:
        say(f"no page: this run wrote no {results}")
        return code
    report = [str(venv / "bin" / "parity"), "report", str(results), "--out", PAGE]
    return run_steps([("report", report)], env) or code


def main(argv: list[str]) -> int:
    """Run one verb; see the module's docstring."""
    verb, extra = (argv[0], argv[1:]) if argv else ("", [])
    if verb not in {"setup", *TARGETS}:
        print(__doc__, file=sys.stdout if verb in {"-h", "--help"} else sys.stderr)
        return 0 if verb in {"-h", "--help"} else CANNOT
    venv = ROOT / ".venv"
    try:
        ensure_supported_python()
        set_up(ROOT, venv)
        if verb == "setup":
            say(f"ready: {venv}")
            return 0
        return run_tests(venv, extra) if verb == "tests" else run_suites(venv, extra)
    except CannotSetUpError as error:
        say(str(error))
        return error.code
    except KeyboardInterrupt:
        say("interrupted; run the same command again to go on")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
