"""Stands in for NVML where no GPU is: one device, unless PARITY_STAND_IN is `none`."""

import os


class NVMLError(Exception):
    """What NVML raises."""


def nvmlInit() -> None:
    if os.environ.get("PARITY_STAND_IN") == "none":
        raise NVMLError("Driver Not Loaded")


def nvmlDeviceGetHandleByIndex(index: int) -> int:
    if index:
        raise NVMLError("Invalid Argument")
    return index


def nvmlDeviceGetHandleByUUID(text: str) -> int:
    raise NVMLError(f"Not Found: {text}")


def nvmlDeviceGetCudaComputeCapability(_handle: int) -> tuple[int, int]:
    return 9, 0


def nvmlDeviceGetName(_handle: int) -> bytes:
    return b"Stand-in GPU"


def nvmlSystemGetDriverVersion() -> str:
    return "580.0"
