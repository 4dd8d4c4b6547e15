"""What a stage says of the device that it ran on."""

from __future__ import annotations

import pytest

from harness.outcomes import Metrics, Outcome
from harness.results.device import DeviceNote
from harness.results.environments import OtherEnvironment, discrepancies
from harness.results.events import Judgement, Result, Stage, check_line


@pytest.mark.parametrize(
    ("note", "trouble"),
    [
        (DeviceNote("cuda", operators={"cuda": 3, "cpu": 2}), ""),
        (DeviceNote("cuda-tf32", tf32=True, operators={"cuda": 1}), ""),
        (DeviceNote("cuda", operators={"cpu": 1}, reason="no CUDA kernel of Unique"), ""),
        (
            DeviceNote("cuda", operators={"cpu": 2}, provider="CPUExecutionProvider"),
            "asked for cuda, and no operator ran there (2 on cpu; CPUExecutionProvider)",
        ),
        (DeviceNote("cuda", provider="p"), "asked for cuda, and no operator ran there (none at all; p)"),
        (
            DeviceNote("cuda", tf32=True, operators={"cuda": 1}, provider="p"),
            "asked for cuda, and TF32 was on (p)",
        ),
        (DeviceNote("cuda-tf32", operators={"cuda": 1}, provider="p"), "asked for cuda-tf32, and TF32 was off (p)"),
    ],
)
def test_what_is_no_result_of_the_device(note: DeviceNote, trouble: str) -> None:
    assert note.trouble == trouble
    assert DeviceNote.from_json(note.to_json()) == note


@pytest.mark.parametrize(
    ("outcome", "on_cpu", "blamed"),
    [
        (Outcome.DIVERGENT, Outcome.FAITHFUL, "torch-cuda"),  # other numbers of the same program
        (Outcome.DIVERGENT, Outcome.DIVERGENT, "onnx2torch"),
        (Outcome.DIVERGENT, None, "onnx2torch"),
        (Outcome.INVALID, Outcome.EXACT, "onnx2torch"),  # a program that does not run there
        (Outcome.EXACT, Outcome.EXACT, "onnx2torch"),
    ],
)
def test_numbers_that_the_cpu_has_right_are_the_runtimes(outcome: Outcome, on_cpu: Outcome | None, blamed: str) -> None:
    note = DeviceNote("cuda", operators={"cuda": 1}, on_cpu=on_cpu)
    stage = Stage("torch", outcome, hop="onnx2torch", runtime="torch-cuda", device=note, metrics=Metrics())
    assert stage.blamed == blamed
    assert Stage.from_json(stage.to_json()) == stage


GPU = "cuda (NVIDIA H100 PCIe, 9.0)"


def test_runs_on_two_devices_are_compared_only_where_one_says_so() -> None:
    """A run that does not say ran on the CPU."""
    with pytest.raises(OtherEnvironment, match=r"device cpu -> cuda \(NVIDIA H100 PCIe, 9.0\);.*--across device"):
        discrepancies({"torch": "2.15.0"}, {"torch": "2.15.0", "device": GPU})
    (differing,) = discrepancies({}, {"device": GPU}, across=["device"])
    assert (differing.base, differing.head, differing.allowed) == ("cpu", GPU, True)
    assert discrepancies({}, {"device": "cpu"}) == ()


def test_the_schema_knows_the_note() -> None:
    stage = Stage("torch", Outcome.EXACT, hop="onnx2torch", device=DeviceNote("cuda", operators={"cuda": 1}))
    item = Result(
        "c", "keras", "Dense", "main", {}, "keras-tf2onnx", (Stage("keras", Outcome.EXACT), stage), Judgement.PASSED
    )
    line = item.to_json()
    assert check_line(line) == ""
    line["stages"][1]["device"]["operators"]["cuda"] = "many"
    assert "'many'" in check_line(line)
