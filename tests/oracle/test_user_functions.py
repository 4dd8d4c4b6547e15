"""A user's files of oracle functions: run once in each process, and told where they fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import InputError
from harness.oracle import FILES, OracleError, load_files, semantics

FILE = """
from harness.oracle import oracle

@oracle("keras", "{kind}")
def double(config, weights, x):
    return x * 2
"""


def test_a_function_is_found_by_the_name_of_its_layer(
    own_semantics: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OracleError, match=r"no oracle for 'layers_of_mine\.Double'"):
        semantics("keras", "layers_of_mine.Double")
    (tmp_path / "functions.py").write_text(FILE.format(kind="layers_of_mine.Double"))
    monkeypatch.setenv(FILES, str(tmp_path / "functions.py"))
    for _ in range(2):
        assert semantics("keras", "layers_of_mine.Double")({}, {}, np.array([3.0])).tolist() == [6.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import nothing_of_that_name",
            "it cannot be run: ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        (FILE.format(kind="Dense"), "it cannot be run: ValueError: keras Dense has two oracles"),
    ],
)
def test_a_file_that_fails_is_told(tmp_path: Path, text: str, message: str) -> None:
    semantics("keras", "Dense")
    (tmp_path / "functions.py").write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        load_files(str(tmp_path / "functions.py"))
    assert "functions.py" in str(raised.value)
