"""The export of every golden network holds the weights of that network: what a run without Octave judges a file by."""

from pathlib import Path

import pytest

from harness.adapters.formats.matlab_file import MatlabFile
from harness.corpus.store import Store
from harness.installed import shipped
from harness.workers.protocol import encode

STORE = Store(shipped("golden"))
LAYERS = sorted(Path(name).stem for name in STORE.manifest["archives"] if name.startswith("matlab/"))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_file_read_back_holds_the_weights_that_were_written(layer: str, tmp_path: Path):
    form, file = MatlabFile(), tmp_path / "net.mat"
    others = []
    for entry in STORE.entries(layer, folder="matlab"):
        case = entry.load()
        form.write(case.spec, case.weights, file)
        if encode(form.read(file)[1]) != encode(dict(case.weights)):
            others.append(entry.id)
    assert others == []


def test_every_layer_of_the_toolbox_is_read_back():
    assert len(LAYERS) > 70
