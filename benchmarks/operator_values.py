"""Which operators an ONNX file has, with which values of which attributes, in classes.

Strings, flags and types are classes of their own. Axes, sizes, pads, factors and lists have the few classes that
converters treat differently (`KINDS`), so that the list of all pairs of an operator and a value stays finite.
Optional inputs and outputs, and inputs that some importers take as constants only, count as attributes: `input shape`
is `constant` or `computed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto
from onnx.defs import OpSchema

OPSET = 15
"""The default of tf2onnx 1.17, at which it converts here."""

PARAMETERS = {
    "ConstantOfShape": "input",
    "Conv": "W",
    "ConvTranspose": "W",
    "Expand": "shape",
    "Gather": "indices",
    "Gemm": "B",
    "MatMul": "B",
    "OneHot": "depth",
    "Reshape": "shape",
    "ReverseSequence": "sequence_lens",
    "Slice": "starts ends",
    "Tile": "repeats",
    "TopK": "K",
}
"""Inputs that some importers take as constants only."""
KINDS = {
    "flag": ("0", "1"),
    "axis": ("0", "1", "2 or more", "negative"),
    "axes": ("one", "several", "one negative", "several negative"),
    "strides": ("1", "equal", "unequal"),
    "steps": ("1", "more", "negative"),
    "pads": ("none", "symmetric", "lopsided", "negative"),
    "perm": ("identity", "channels first", "channels last", "last two", "other"),
    "split": ("equal", "unequal"),
    "group": ("1", "several", "each channel"),
    "factor": ("default", "other"),
    "count": ("1", "2", "3 or more"),
    "type": ("bool", "float", "float16", "double", "int32", "int64", "uint8", "int8", "string", "other"),
    "any": ("any",),
}
"""Kinds of attributes, and the classes of their values."""

_KIND_OF = {
    "flag": "ceil_mode count_include_pad exclude_outside exclusive input_forget keepdims largest linear_before_reset "
    "noop_with_empty_axes reverse select_last_index sorted training_mode transA transB upper layout fmod allowzero",
    "axis": "axis batch_axis time_axis k",
    "axes": "axes",
    "strides": "dilations strides kernel_shape",
    "steps": "steps",
    "pads": "pads output_padding",
    "perm": "perm",
    "split": "split",
    "group": "group",
    "factor": "alpha beta gamma lambd bias epsilon cubic_coeff_a extrapolation_value momentum low high mean scale",
    "type": "to dtype value",
}
STRINGS = {
    ("AveragePool", "auto_pad"): "NOTSET SAME_UPPER",
    ("BitShift", "direction"): "LEFT RIGHT",
    ("Conv", "auto_pad"): "NOTSET SAME_UPPER",
    ("ConvTranspose", "auto_pad"): "NOTSET SAME_LOWER SAME_UPPER",
    ("GRU", "direction"): "bidirectional forward reverse",
    ("LSTM", "direction"): "bidirectional forward reverse",
    ("MaxPool", "auto_pad"): "NOTSET SAME_UPPER",
    ("Pad", "mode"): "constant reflect edge",
    ("Resize", "coordinate_transformation_mode"): "align_corners asymmetric half_pixel tf_crop_and_resize "
    "tf_half_pixel_for_nn",
    ("Resize", "mode"): "cubic linear nearest",
    ("Resize", "nearest_mode"): "floor round_prefer_ceil round_prefer_floor",
    ("ScatterND", "reduction"): "add none",
}
"""Strings that tf2onnx computes: the choices in its source."""
KIND_OF = {name: kind for kind, names in _KIND_OF.items() for name in names.split()}
"""Kind of each attribute by its name; strings are their own classes, the rest is `any`."""


class Fact(NamedTuple):
    """An operator, an attribute (or what stands for one) and the class of its value."""

    operator: str
    attribute: str
    value: str


def kind_of(attribute: str) -> str:
    """The kind of an attribute that is no string: a key of `KINDS`."""
    return KIND_OF.get(attribute, "any")


def classed(operator: str, attribute: str, value: Any) -> str:
    """The class of a value: a string, a number, or a list of them; a type is an ONNX number. Presumes nothing of the
    graph around it, so that a group of all channels is `several` here."""
    if isinstance(value, bytes | str):
        return value.decode() if isinstance(value, bytes) else value
    if isinstance(value, list | tuple) and value and isinstance(value[0], bytes | str):
        return ", ".join(classed(operator, attribute, one) for one in value)
    return _CLASSES[kind_of(attribute)](operator, attribute, value)


def _axis(operator: str, attribute: str, value: int) -> str:
    return "negative" if value < 0 else "2 or more" if value > 1 else str(value)


def _axes(operator: str, attribute: str, value: Sequence[int]) -> str:
    return ("one" if len(value) == 1 else "several") + (" negative" if min(value, default=0) < 0 else "")


def _steps(operator: str, attribute: str, value: Sequence[int]) -> str:
    return "negative" if min(value) < 0 else "1" if set(value) == {1} else "more"


def _strides(operator: str, attribute: str, value: Sequence[int]) -> str:
    return "unequal" if len(set(value)) > 1 else "1" if set(value) <= {1} else "equal"


def _pads(operator: str, attribute: str, value: Sequence[int]) -> str:
    half = len(value) // 2
    if min(value, default=0) < 0:
        return "negative"
    return "none" if not any(value) else "symmetric" if value[:half] == value[half:] else "lopsided"


def _perm(operator: str, attribute: str, value: Sequence[int]) -> str:
    order, rank = list(value), len(value)
    if order == list(range(rank)):
        return "identity"
    if order == [*range(rank - 2), rank - 1, rank - 2]:
        return "last two"
    if order == [0, rank - 1, *range(1, rank - 1)]:
        return "channels first"
    return "channels last" if order == [0, *range(2, rank), 1] else "other"


def _factor(operator: str, attribute: str, value: float) -> str:
    schema = onnx.defs.get_schema(operator, OPSET)
    default = schema.attributes[attribute].default_value
    return "default" if default.type and _plain(default) == value else "other"


def _type(operator: str, attribute: str, value: int) -> str:
    name = TensorProto.DataType.Name(value).lower()
    return name if name in KINDS["type"] else "other"


_CLASSES = {
    "flag": lambda operator, attribute, value: str(int(value)),
    "axis": _axis,
    "axes": _axes,
    "strides": _strides,
    "steps": _steps,
    "pads": _pads,
    "perm": _perm,
    "split": lambda operator, attribute, value: "equal" if len(set(value)) < 2 else "unequal",
    "group": lambda operator, attribute, value: "1" if value == 1 else "several",
    "factor": _factor,
    "type": _type,
    "any": lambda operator, attribute, value: "any",
}


def _plain(attribute: AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    return value.data_type if isinstance(value, TensorProto) else value


def facts(model: ModelProto) -> Iterator[Fact]:
    """The facts of all nodes, those of subgraphs and functions included. An attribute that is left out has the value
    of its default."""
    yield from _of_graph(model.graph, {})
    for function in model.functions:
        yield from _of_nodes(function.node, {})


def _of_graph(graph: GraphProto, outer: Mapping[str, TensorProto]) -> Iterator[Fact]:
    constants = {**outer, **{one.name: one for one in graph.initializer}}
    constants |= {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    yield from _of_nodes(graph.node, constants)


def _of_nodes(nodes: Sequence[NodeProto], constants: Mapping[str, TensorProto]) -> Iterator[Fact]:
    for node in nodes:
        yield Fact(node.op_type, "", "")
        schema = schema_of(node.op_type, node.domain)
        if schema is None:
            continue
        yield from _of_inputs(node, schema, constants)
        for place, parameter in enumerate(schema.outputs):
            if parameter.option == OpSchema.FormalParameterOption.Optional:
                is_there = place < len(node.output) and bool(node.output[place])
                yield Fact(node.op_type, f"output {parameter.name}", "present" if is_there else "absent")
        written = {one.name: one for one in node.attribute}
        for name in schema.attributes:
            attribute = written.get(name, schema.attributes[name].default_value)
            if attribute.type == AttributeProto.GRAPH:
                yield Fact(node.op_type, name, "any")
                yield from _of_graph(attribute.g, constants)
            elif attribute.type:
                value = classed(node.op_type, name, _plain(attribute))
                if name == "group" and value == "several" and _is_depthwise(node, constants):
                    value = "each channel"
                yield Fact(node.op_type, name, value)


def _is_depthwise(node: NodeProto, constants: Mapping[str, TensorProto]) -> bool:
    kernel = constants.get(node.input[1])
    return kernel is not None and kernel.dims[1] == 1


def _of_inputs(node: NodeProto, schema: OpSchema, constants: Mapping[str, TensorProto]) -> Iterator[Fact]:
    for place, parameter in enumerate(schema.inputs):
        if parameter.option == OpSchema.FormalParameterOption.Variadic:
            count = len(node.input) - place
            yield Fact(node.op_type, "number of inputs", "3 or more" if count > 2 else str(count))
        elif place and (kind := _place_kind(node.op_type, parameter)):
            name = node.input[place] if place < len(node.input) else ""
            value = "absent" if not name else "constant" if name in constants else "computed"
            if value == "constant" and kind != "place":
                value = classed(node.op_type, parameter.name, onnx.numpy_helper.to_array(constants[name]).tolist())
            yield Fact(node.op_type, f"input {parameter.name}", value)


def _place_kind(operator: str, parameter: Any) -> str:
    """What is told of an input: `place`, whether it is constant; the kind of its constant values; '' for nothing."""
    if parameter.name in ("axes", "steps", "pads"):
        return kind_of(parameter.name)
    is_optional = parameter.option == OpSchema.FormalParameterOption.Optional
    return "place" if is_optional or parameter.name in PARAMETERS.get(operator, "").split() else ""


def possible_places(operator: str) -> Iterator[Fact]:
    """What the inputs and outputs of an operator could be."""
    schema = schema_of(operator)
    for place, parameter in enumerate(schema.inputs if schema else ()):
        if parameter.option == OpSchema.FormalParameterOption.Variadic:
            yield from (Fact(operator, "number of inputs", value) for value in KINDS["count"])
        elif place and (kind := _place_kind(operator, parameter)):
            is_optional = parameter.option == OpSchema.FormalParameterOption.Optional
            values = ("constant",) if kind == "place" else KINDS[kind]
            for value in (*(("absent",) if is_optional else ()), *values, "computed"):
                yield Fact(operator, f"input {parameter.name}", value)
    for parameter in schema.outputs if schema else ():
        if parameter.option == OpSchema.FormalParameterOption.Optional:
            yield from (Fact(operator, f"output {parameter.name}", value) for value in ("absent", "present"))


def schema_of(operator: str, domain: str = "") -> OpSchema | None:
    """The operator's schema at `OPSET`; None for an operator that ONNX does not have."""
    try:
        return onnx.defs.get_schema(operator, OPSET, domain)
    except onnx.defs.SchemaError:
        return None


def types(model: ModelProto) -> Iterator[tuple[str, str]]:
    """Each operator with the type of its first input, where inference knows it."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    known = {one.name: one.type.tensor_type.elem_type for one in (*inferred.value_info, *inferred.input)}
    known |= {one.name: one.data_type for one in inferred.initializer}
    for node in inferred.node:
        if node.input and known.get(node.input[0]):
            yield node.op_type, TensorProto.DataType.Name(known[node.input[0]]).lower()


def load(path: Path) -> ModelProto:
    """An ONNX file as tf2onnx writes it."""
    return onnx.load(path)
