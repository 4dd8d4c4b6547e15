"""`parity golden freeze` and `verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import AGREED, DEVIATIONS, USAGE
from harness.corpus.store import Store
from tests.cli.conftest import Parity
from tests.miniatures import dense_case


def test_golden_verify_as_json(parity: Parity) -> None:
    code, out, _ = parity("golden", "verify", "--layer", "Dense", "--json")
    data = json.loads(out)
    assert code == DEVIATIONS
    assert {"cases", "drifted", "edited", "unused", "missing", "pairs"} <= set(data)
    assert data["missing"] > 0
    assert parity("golden", "freeze", "--layer", "Dense")[0] == AGREED
    code, out, _ = parity("golden", "verify", "--layer", "Dense", "--json")
    assert code == AGREED
    assert json.loads(out)["pairs"] == 100.0


def test_golden_verify_as_a_table(parity: Parity) -> None:
    code, out, _ = parity("golden", "verify", "--layer", "Dense")
    assert code == DEVIATIONS
    assert out.splitlines()[0].split() == [
        "dialect", "layer", "cases", "drifted", "edited", "unused", "missing", "covered", "valid", "pairs",
    ]  # fmt: skip
    assert out.splitlines()[-1].startswith("cases 1, drifted 0, edited 0, unused 0, missing ")


def test_a_stray_archive_is_named(parity: Parity) -> None:
    parity("golden", "freeze", "--layer", "Dense")
    manifest = Path("golden/manifest.json")
    data = json.loads(manifest.read_text())
    data["archives"]["keras/Dance.zip"] = data["archives"]["keras/Dense.zip"]
    manifest.write_text(json.dumps(data))
    code, out, _ = parity("golden", "verify", "--layer", "Dense")
    assert code == DEVIATIONS
    assert "unused archive: keras/Dance.zip; `parity golden freeze` removes it" in out
    assert "unused 1, missing 0, pairs 100.0" in out


def test_a_pattern_that_fits_layers_and_models_verifies_both(parity: Parity) -> None:
    Store(Path("golden")).put("models", "Dense121", [dense_case(1)], seed=0)
    data = json.loads(parity("golden", "verify", "--layer", "Dense*", "--json")[1])
    assert [(each["dialect"], each["layer"]) for each in data["layers"]] == [("models", "Dense121"), ("keras", "Dense")]
    data = json.loads(parity("golden", "verify", "--layer", "Dense1*", "--json")[1])
    assert [each["layer"] for each in data["layers"]] == ["Dense121"]


@pytest.mark.parametrize("verb", ["freeze", "verify"])
def test_a_pattern_that_fits_nothing(parity: Parity, verb: str) -> None:
    code, _, err = parity("golden", verb, "--layer", "Nope")
    assert code == USAGE
    assert "--layer: no layer of the catalogue fits 'Nope'. `parity list layers` shows all" in err


def test_an_edited_case_is_exit_code_2(parity: Parity) -> None:
    path = Path("golden/keras/Dense.zip")
    path.write_bytes(path.read_bytes()[:-1])
    code, out, _ = parity("golden", "verify", "--layer", "Dense")
    assert code == USAGE
    assert "edited 1" in out
    assert "keras Dense: " in out
