"""Write MATLAB's objects into files of version 7 and 7.3, as Deep Learning Toolbox nests them.

mat-io writes objects, but stumbles over arrays of objects within properties; `nested` goes round that. An object
may also be mat-io's own (`MatlabOpaque`), which can hold itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from harness.matlab.matfile.read import Cell, Object


def save(path: Path, variables: Mapping[str, Any], version: str = "v7") -> None:
    """Write plain values (`Object`, `Cell`, dict, text, arrays) as variables."""
    import matio
    from matio.subsystem.subsys import MatSubsystem
    from matio.utils.matclass import MatlabOpaque, MatlabOpaqueArray

    plain = MatSubsystem.serialize_nested_props

    def nested(self: Any, value: Any) -> Any:
        if isinstance(value, MatlabOpaque | MatlabOpaqueArray):
            return self.set_object_metadata(value)
        return plain(self, value)

    with mock.patch.object(MatSubsystem, "serialize_nested_props", nested):
        values = {name: stored(value) for name, value in variables.items()}
        matio.save_to_mat(str(path), values, version=version, oned_as="row")


def stored(value: Any) -> Any:
    """A value as mat-io writes it; a cell of objects is an array of objects."""
    from matio.utils.matclass import MatlabOpaque, MatlabOpaqueArray

    if isinstance(value, Object):
        return MatlabOpaque({name: stored(item) for name, item in value.fields.items()}, value.class_name, "MCOS")
    if isinstance(value, Cell):
        items = np.empty(len(value.items), object)
        for k, item in enumerate(value.items):
            items[k] = stored(item)
        items = items.reshape(value.shape, order="F")
        if len(value) and all(isinstance(item, Object) for item in value):
            return MatlabOpaqueArray(items, value.items[0].class_name, "MCOS")
        return items
    if isinstance(value, Mapping):
        struct = np.empty((1, 1), [(name, object) for name in value])
        for name, item in value.items():
            struct[0, 0][name] = stored(item)
        return struct
    if isinstance(value, list):
        return stored(Cell(tuple(value), (len(value), 1)))
    return value
