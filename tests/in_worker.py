"""What tests ask of a worker: a function there, or a Keras file of `tests.model_files`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.workers.pool import Workers
from harness.workers.protocol import Call, Failure


def asked(workers: Workers, function: str, *arguments: Any, worker: str = "tensorflow") -> Any:
    """What `module:function` gives in a worker, where it must not fail."""
    value = workers[worker].request(Call(function, arguments)).value
    assert not isinstance(value, Failure), value
    return value


def keras_file(workers: Workers, name: str, path: Path) -> Path:
    """Write the model of a function of `tests.model_files`."""
    asked(workers, "tests.model_files:write_keras", name, path)
    return path
