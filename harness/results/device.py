"""On what an artifact really ran, as a stage of a results file tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.outcomes import Outcome

CPU = "cpu"


@dataclass(frozen=True)
class DeviceNote:
    """What a runtime of a device says of one artifact.

    `asked` is the device that the run asked for. `name`, compute `capability` and `driver` are the device's; `provider`
    the library that reached it. `tf32`, `deterministic` and `benchmark` are the settings in force: products in TF32,
    deterministic algorithms of cuDNN, and its search among them. `operators` counts what ran by where it ran, `reason`
    says why the device could not run what the CPU did. `on_cpu` is the outcome of the same artifact on the CPU, which
    is asked where the stage does not pass.
    """

    asked: str
    name: str = ""
    capability: str = ""
    driver: str = ""
    provider: str = ""
    tf32: bool = False
    deterministic: bool = False
    benchmark: bool = False
    operators: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    on_cpu: Outcome | None = None

    @property
    def kind(self) -> str:
        """`cuda` for `cuda` and `cuda-tf32`."""
        return self.asked.partition("-")[0]

    @property
    def is_fallen_back(self) -> bool:
        """Whether nothing ran on the device, without a reason that the runtime knows."""
        return not self.operators.get(self.kind, 0) and not self.reason

    @property
    def is_mistaken(self) -> bool:
        """Whether TF32 was in force although it was not asked for, or the other way round."""
        return self.tf32 != self.asked.endswith("tf32")

    @property
    def trouble(self) -> str:
        """The reason why this is no result of the device that was asked for, in words; '' if it is one."""
        if self.is_fallen_back:
            where = ", ".join(f"{count} on {place}" for place, count in sorted(self.operators.items())) or "none at all"
            return f"asked for {self.asked}, and no operator ran there ({where}; {self.provider})"
        if self.is_mistaken:
            return f"asked for {self.asked}, and TF32 was {'on' if self.tf32 else 'off'} ({self.provider})"
        return ""

    def to_json(self) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "name": self.name,
            "capability": self.capability,
            "driver": self.driver,
            "provider": self.provider,
            "tf32": self.tf32,
            "deterministic": self.deterministic,
            "benchmark": self.benchmark,
            "operators": dict(self.operators),
            "reason": self.reason,
            "on_cpu": None if self.on_cpu is None else self.on_cpu.value,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DeviceNote:
        on_cpu = data["on_cpu"]
        return cls(**{**data, "on_cpu": None if on_cpu is None else Outcome(on_cpu)})
