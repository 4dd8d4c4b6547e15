"""The switch that hides what a machine may lack."""

from pathlib import Path

import pytest

from harness.adapters.registry import installed
from harness.optional import FOLDER, REAL_FILES, VARIABLE, OptionalError, absence, hidden, program, real_files


@pytest.fixture(autouse=True)
def a_machine_that_has_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("octave-cli", "google-chrome", "other"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


def test_an_optional_program_is_found_by_any_of_its_names(tmp_path: Path):
    assert program("octave") == program("octave-cli") == str(tmp_path / "octave-cli")
    assert program("chromium") == str(tmp_path / "google-chrome")
    assert program("other") == str(tmp_path / "other")
    assert program("missing") is None


def test_the_switch_hides_what_it_names_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(VARIABLE, "octave, real-files")
    assert hidden() == {"octave", REAL_FILES}
    assert program("octave") is program("octave-cli") is None
    assert program("chromium")
    assert program("other")
    assert real_files(tmp_path) is None
    assert absence("octave") == "PARITY_WITHOUT hides octave"
    monkeypatch.setenv(VARIABLE, "chromium")
    assert program("chromium") is None
    assert program("octave")
    assert real_files(tmp_path) == tmp_path


def test_a_runtime_without_its_program_cannot_run(monkeypatch: pytest.MonkeyPatch):
    octave = installed().runtime_of("matlab")
    assert octave is not None
    assert octave.missing == ""
    monkeypatch.setenv(VARIABLE, "octave")
    assert octave.missing == "not installed: octave"


def test_real_files_lie_beside_the_checkout_or_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv(FOLDER)
    checkout = tmp_path / "checkout"
    assert real_files(checkout) is None
    assert absence(REAL_FILES) == "there are no files of MATLAB; set PARITY_REAL_FILES to their folder"
    (tmp_path / "shared" / "realmat").mkdir(parents=True)
    assert real_files(checkout) == tmp_path / "shared" / "realmat"


def test_what_is_not_optional_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "octave,torch")
    with pytest.raises(
        OptionalError, match=r"PARITY_WITHOUT: torch is not optional; expected octave, chromium, real-files"
    ):
        program("chromium")
