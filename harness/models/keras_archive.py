"""Which layers a `.keras` file has: its `config.json` is read as data. No code of the model runs, Keras is not needed.

A `.keras` file is a ZIP archive with `config.json`, `metadata.json` and the weights
(https://keras.io/guides/serialization_and_saving/). A layer is an object with `class_name`, `module` and `config`;
layers stand within models, wrappers and cells at any depth.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InputError

CONFIG = "config.json"
MOST_BYTES = 64 * 2**20
"""Most bytes of a configuration; more is neither unpacked nor read."""
MODELS = ("Functional", "Model", "Sequential")
INPUT = "InputLayer"


class ArchiveError(InputError):
    """A file that is no `.keras` file."""


@dataclass(frozen=True)
class Contents:
    """The layers of a model by class: those of Keras, and those of somebody else."""

    layers: tuple[str, ...]
    custom: tuple[str, ...]


def contents(path: Path) -> Contents:
    """The layers of a model file, each class once, in the order of their first place. Raises ArchiveError."""
    layers: dict[str, None] = {}
    custom: dict[str, None] = {}
    for module, name in _layers(_config(path), path):
        ours = module == "keras.layers" or module.startswith("keras.src.layers")
        (layers if ours else custom)[name] = None
    if not layers and not custom:
        raise _error(path, "the model has no layer", expected="layers in its configuration")
    return Contents(tuple(layers), tuple(custom))


def _config(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(CONFIG) as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _error(path, f"it cannot be read: {error.strerror or error}") from None
    except zipfile.BadZipFile:
        raise _error(path, "it is no .keras file", expected="a ZIP archive", came=_beginning(path)) from None
    except KeyError:
        raise _error(path, f"it is no .keras file: the archive has no {CONFIG}") from None
    except (zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise _error(path, f"its {CONFIG} is damaged: {error}") from None
    if len(text) > MOST_BYTES:
        raise _error(path, f"its {CONFIG} is too large", expected=f"at most {MOST_BYTES:,} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _error(path, f"its {CONFIG} is not JSON ({str(error)[:100]})") from None


def _layers(config: Any, path: Path) -> Iterator[tuple[str, str]]:
    """Module and class of each layer within the configuration, outermost first."""
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise _error(path, f"its {CONFIG} is not of a Keras 3 model", expected="an object with 'class_name'")
    todo: list[Any] = [config]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if _is_layer(node):
                yield str(node.get("module") or ""), str(node["class_name"])
            todo.extend(reversed(node.values()))
        elif isinstance(node, list):
            todo.extend(reversed(node))


def _is_layer(node: dict[Any, Any]) -> bool:
    """Whether an object is a layer. Layers in a model have `build_config` or `inbound_nodes`; cells and wrapped layers
    are told by their module, which the serializer writes for each."""
    name, module = node.get("class_name"), node.get("module")
    if not isinstance(name, str) or name in (*MODELS, INPUT, "__tensor__", "__keras_tensor__"):
        return False
    if isinstance(module, str) and (module == "keras.layers" or module.startswith("keras.src.layers")):
        return True
    return "inbound_nodes" in node or "build_config" in node


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        return repr(file.read(16))


def _error(path: Path, problem: str, expected: str = "", came: str = "") -> ArchiveError:
    advice = "Save the model with Keras 3: model.save('model.keras')."
    return ArchiveError(problem, where=path, expected=expected, came=came, advice=advice)
