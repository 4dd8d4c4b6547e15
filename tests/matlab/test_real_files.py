"""Every real file is read, or refused in words, as it was when this table was written."""

from __future__ import annotations

import pytest

from harness.matlab.matfile.read import MatFileError, read_mat
from harness.models.reader import Reader, network_of, variables_of

READS = {
    "ccn_net": 1,
    "daakuang_case2_oldnetwork": 4,
    "dcfnet_params_and_matlab_activations": 5,
    "dcfnet_simplenn": 1,
    "malaria_cnn": 1,
    "nnvmt_example2": 3,
    "types_matio_basic_v7": 52,
    "types_matio_basic_v73": 52,
    "types_matio_enum_v73": 4,
    "types_matio_function_handles_v7": 5,
    "types_matio_function_handles_v73": 5,
    "types_matio_string_v7": 3,
    "types_matio_string_v73": 3,
    "types_matio_type_systems_v7": 2,
    "types_matio_user_defined_v7": 7,
    "types_matio_user_defined_v73": 7,
    "types_scipy_big_endian": 2,
    "types_scipy_broken_utf8": 1,
    "types_scipy_nasty_duplicate_fieldnames": 1,
    "types_scipy_testbool_8_WIN64": 1,
    "types_scipy_testcell_7.4_GLNX86": 1,
    "types_scipy_testcellnest_7.4_GLNX86": 1,
    "types_scipy_testdouble_4.2c_SOL2": 1,
    "types_scipy_testfunc_7.4_GLNX86": 1,
    "types_scipy_testhdf5_7.4_GLNX86": 1,
    "types_scipy_testmatlabstring_7_WIN64": 2,
    "types_scipy_testobject_7.4_GLNX86": 1,
    "types_scipy_testsparse_7.4_GLNX86": 1,
    "types_scipy_teststructarr_7.4_GLNX86": 1,
}
REFUSED = {
    "types_scipy_bad_miuint32": "is damaged: variable 1 has the size",
    "types_scipy_corrupted_zlib_checksum": "is damaged: variable 1 cannot be decompressed",
    "types_scipy_corrupted_zlib_data": "is damaged: variable 3 ends before its compressed data do",
    "types_scipy_malformed1": "is damaged: variable 1 claims 658840 bytes, the file ends after",
}
NETWORKS = {
    "ccn_net": ("SeriesNetwork", 17),
    "daakuang_case2_oldnetwork": ("network", 9),
    "malaria_cnn": ("SeriesNetwork", 23),
}


@pytest.fixture(scope="module")
def reader():
    with Reader() as shared:
        yield shared


def path_of(name, folder):
    path = folder / f"{name}.mat"
    if not path.is_file():
        pytest.skip(f"no {path.name} in {folder}")
    return path


def test_table_is_complete(real_files):
    assert {path.stem for path in real_files.glob("*.mat")} <= READS.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", READS)
def test_reads(name, real_files, reader):
    path = path_of(name, real_files)
    there = variables_of(path, reader)
    assert len(there) == READS[name]
    assert list(read_mat(path)) == list(there)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, real_files, reader):
    path = path_of(name, real_files)
    with pytest.raises(MatFileError, match=REFUSED[name]) as caught:
        variables_of(path, reader)
    assert str(caught.value).startswith(str(path))
    with pytest.raises(MatFileError, match=REFUSED[name]):
        read_mat(path)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name, real_files, reader):
    network = network_of(path_of(name, real_files), by=reader)
    assert (network.dialect, len(network.spec.layers)) == NETWORKS[name]
    assert network.weights
    assert all(array.size for array in network.weights.values())
