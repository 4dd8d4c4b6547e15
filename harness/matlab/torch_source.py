"""A Spec of MATLAB layers as a PyTorch program: one class with one submodule per layer, and its `state_dict`.

The text is what `parity convert` delivers, and what the hop runs: the program is written once, and the module that is
judged is the one that a user gets. Submodules carry the layers' names (`torch_name`). PyTorch's own layers are used
wherever one means the same; others come from `harness.matlab.torch_blocks`, whose source goes along.
"""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.simplenn import groups_of
from harness.oracle import part
from harness.oracle.matlab.layer_core import INERT, concatenation_axis
from harness.oracle.matlab.shapes import as_sides
from harness.spec import Array, Layer, Spec, source_of

CLASS = "Network"
WEIGHTS = "weights.safetensors"
LOADER = f'''


def load(path: str | Path = Path(__file__).with_name("{WEIGHTS}")) -> {CLASS}:
    """The network with its weights, in evaluation mode; the file is a length, a JSON header and the numbers."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    state = {{}}
    for name, entry in header.items():
        if name != "__metadata__":
            dtype = {{"F32": torch.float32, "I64": torch.int64}}[entry["dtype"]]
            first, last = (start + n for n in entry["data_offsets"])
            held = last > first  # frombuffer refuses none at all
            flat = torch.frombuffer(bytearray(data[first:last]), dtype=dtype) if held else torch.zeros(0, dtype=dtype)
            state[name] = flat.reshape(entry["shape"])
    network = {CLASS}()
    network.load_state_dict(state)
    return network.eval()


if __name__ == "__main__":
    print(load())
'''
"""What a delivered program ends with: it needs torch alone."""


@dataclass(frozen=True)
class Module:
    """How a layer is written: the expression that makes its module, and the module's parameters and buffers."""

    text: str
    state: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """A layer where it stands: its configuration, weights, rank of what comes in, groups of a MatConvNet bank."""

    layer: Layer
    weights: Mapping[str, Array]
    rank: int
    groups: int = 1

    @property
    def config(self) -> Mapping[str, Any]:
        return self.layer.config


@dataclass(frozen=True)
class Program:
    """The text of `model.py`, the weights by `state_dict` key, and the names of inputs and outputs in order."""

    source: str
    state: Mapping[str, Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    modules: Mapping[str, str]
    """Name of the submodule by layer name."""


def program(spec: Spec, weights: Mapping[str, Array], title: str = "") -> Program:
    """Write the program. Raises ValueError for a layer that cannot be written, or whose weights do not fit."""
    ranks = ranks_of(spec)
    groups = groups_of(spec, weights) if spec.dialect == "matconvnet" else {}
    names = torch_names(spec)
    state: dict[str, Array] = {}
    made, lines = [], []
    for layer in spec.layers:
        site = Site(layer, part(weights, layer.owner), ranks[source_of(layer.inputs[0])], groups.get(layer.name, 1))
        module = WRITERS[layer.kind](site)
        made.append((names[layer.name], module.text))
        state |= {f"{names[layer.name]}.{key}": _number(v) for key, v in module.state.items()}
        lines.append(_call(layer, names))
    taken = tuple(names[item.name] for item in spec.inputs)
    same = _unchanged(spec, {layer.name: text for layer, (_, text) in zip(spec.layers, made, strict=True)})
    given = tuple(f"{_tensor(tensor, names)}{'.clone()' * (tensor in same)}" for tensor in spec.outputs)
    text = _text(title, spec, made, lines, taken=taken, given=given)
    return Program(text, state, taken, tuple(spec.outputs), {layer.name: names[layer.name] for layer in spec.layers})


def _number(value: Array) -> Array:
    """float32, or int64 for a counter; without losing the rank of a scalar."""
    kind = np.int64 if value.dtype.kind == "i" else np.float32
    return np.array(value, dtype=kind, order="C")


def torch_names(spec: Spec) -> dict[str, str]:
    """Names as identifiers: every other character becomes `_`, what is taken or reserved ends in `_`. None begins with
    two of them, which Python would mangle in a class; a layer's further outputs (`pool_1`) are taken, too."""
    taken = {*dir(builtins), *keyword.kwlist, "self", "torch", "nn", "F", "Tensor", *_module_attributes()}
    names: dict[str, str] = {}
    counts = {layer.name: outputs_of(layer) for layer in spec.layers}
    for name in [*(item.name for item in spec.inputs), *(layer.name for layer in spec.layers)]:
        text = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
        text = f"_{text}" if not text or text[0].isdigit() else text
        text = f"layer{text}" if text.startswith("__") else text
        more = range(1, counts.get(name, 1))
        while taken & {text, *(f"{text}_{k}" for k in more)}:
            text += "_"
        taken |= {text, *(f"{text}_{k}" for k in more)}
        names[name] = text
    return names


def _unchanged(spec: Spec, texts: Mapping[str, str]) -> set[str]:
    """Tensors that are an input, passed on. torch.onnx.export gives an output that is one the input's own name."""
    same = {item.name for item in spec.inputs}
    for layer in spec.layers:
        if texts[layer.name].startswith(("nn.Identity(", "nn.Dropout(")) and layer.inputs[0] in same:
            same.add(layer.name)
    return same


def _module_attributes() -> set[str]:
    from torch import nn

    return set(dir(nn.Module()))


FLATTENING = ("FullyConnectedLayer", "FlattenLayer")


def outputs_of(layer: Layer) -> int:
    """How many outputs a layer has."""
    return 3 if layer.kind == "MaxPooling2DLayer" and layer.config.get("HasUnpoolingOutputs") else 1


def ranks_of(spec: Spec) -> dict[str, int]:
    """Rank of what each input and layer gives, batch included."""
    ranks = {item.name: len(item.shape) + 1 for item in spec.inputs}
    for layer in spec.layers:
        rank = ranks[source_of(layer.inputs[0])]
        ends = layer.kind in ("LSTMLayer", "LSTMProjectedLayer", "BiLSTMLayer", "GRULayer", "GRUProjectedLayer")
        flat = layer.kind in FLATTENING and rank > 3
        whole = layer.kind.startswith("Global") and rank == 3
        if flat or whole or (ends and layer.config.get("OutputMode") == "last"):
            rank = 2
        elif layer.kind in IMAGES and rank == 2:
            rank = 4
        ranks[layer.name] = rank
    return ranks


IMAGES = ("Convolution2DLayer", "GroupedConvolution2DLayer", "TransposedConvolution2DLayer")


def _tensor(tensor: str, names: Mapping[str, str]) -> str:
    name, colon, number = tensor.partition(":")
    return f"{names[name]}_{number}" if colon else names[name]


def _call(layer: Layer, names: Mapping[str, str]) -> str:
    given = ", ".join(_tensor(tensor, names) for tensor in layer.inputs)
    target = names[layer.name]
    if outputs_of(layer) == 3:
        return f"{target}, {target}_1, {target}_2 = self.{names[layer.name]}({given})"
    return f"{target} = self.{names[layer.name]}({given})"


def _text(
    title: str,
    spec: Spec,
    made: Sequence[tuple[str, str]],
    lines: Sequence[str],
    *,
    taken: Sequence[str],
    given: Sequence[str],
) -> str:
    blocks = _blocks([text for _, text in made])
    shapes = "; ".join(
        f"`{name}` N x {' x '.join('T' if n is None else str(n) for n in item.shape)}"
        for name, item in zip(taken, spec.inputs, strict=True)
    )
    functional = "from torch.nn import functional as F\n" if any("F." in block for block in blocks) else ""
    parts = [
        f'"""{title or "A network converted from MATLAB"}, for PyTorch.\n\n'
        "Images are N x C x H x W, sequences N x T x C, features N x C. MATLAB's H x W x C x N array `x` is\n"
        "`torch.from_numpy(x.transpose(3, 2, 0, 1))` here, its C x N x T array `x.transpose(1, 2, 0)`.\n"
        f'Inputs: {shapes}.\n"""\n',
        "from __future__ import annotations\n",
        f"import json\nfrom pathlib import Path\n\nimport torch\nfrom torch import Tensor, nn\n{functional}\n",
        *(f"{block}\n" for block in blocks),
        f"class {CLASS}(nn.Module):",
        '    """One submodule per layer of the network, under the layer\'s name."""\n',
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        self.{name} = {text}" for name, text in made),
        "",
        f"    def forward(self, {', '.join(f'{name}: Tensor' for name in taken)}):",
        *(f"        {line}" for line in lines),
        f"        return {', '.join(given)}",
    ]
    return "\n".join(parts) + LOADER


@cache
def _sources() -> Mapping[str, tuple[str, frozenset[str]]]:
    """Source of each of our own modules, and the names that it uses; read, not imported."""
    text = Path(__file__).with_name("torch_blocks.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min(item.lineno for item in (node, *node.decorator_list)) - 1
            own = "\n".join(lines[first : node.end_lineno]) + "\n"
            found[node.name] = own, frozenset(_words([own]))
    return found


def _blocks(texts: Sequence[str]) -> list[str]:
    """Source of our own modules that these expressions name, in the order of their module."""
    sources = _sources()
    used, found = set[str](), _words(texts)
    while found - used:
        used |= found
        found = {word for name in used & set(sources) for word in sources[name][1]}
    return [source for name, (source, _) in sources.items() if name in used]


def _words(texts: Iterable[str]) -> set[str]:
    """Names that Python text uses."""
    return {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def build(made: Program) -> Any:
    """The module in evaluation mode, with its weights. Raises what PyTorch raises where they do not fit."""
    import torch

    space: dict[str, Any] = {"__name__": "converted_network", "__file__": "model.py"}
    exec(compile(made.source, "model.py", "exec"), space)  # noqa: S102 - text that this module has just written
    module = space[CLASS]()
    module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in made.state.items()})
    return module.eval()


# --- writers: one per kind of layer ------------------------------------------------------------------------------

Writer = Callable[[Site], Module]
BLOCKS_OF_RANK = {1: "1d", 2: "2d", 3: "3d"}


def _pairs(sides: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(a), int(b)) for a, b in sides)


def _sides(config: Mapping[str, Any], axes: int, what: str = "Padding") -> tuple[tuple[int, int], ...] | None:
    if config.get(f"{what}Mode", "manual") == "same":
        return None
    return _pairs(as_sides(config.get(f"{what}Size", [0] * (2 * axes) if axes < 3 else [[0] * 3] * 2)))


def _even(pads: tuple[tuple[int, int], ...] | None) -> tuple[int, ...] | None:
    """Pads that are alike on both sides of each axis."""
    return tuple(a for a, _ in pads) if pads is not None and all(a == b for a, b in pads) else None


def _bank(weights: Array) -> Array:
    """Spatial x C x F to F x C x spatial."""
    return np.moveaxis(weights, (-1, -2), (0, 1))


def _convolution_text(
    bank: Array,
    stride: Sequence[int],
    dilation: Sequence[int],
    pads: tuple[tuple[int, int], ...] | None,
    *,
    groups: int = 1,
    bias: bool = True,
    value: float | str = 0,
) -> str:
    even = _even(pads)
    axes = bank.ndim - 2
    if even is not None and value == 0 and axes > 1:
        return (
            f"nn.Conv{axes}d({bank.shape[1] * groups}, {bank.shape[0]}, {bank.shape[2:]}, stride={tuple(stride)}, "
            f"padding={even}, dilation={tuple(dilation)}, groups={groups}, bias={bias})"
        )
    mode = {"replicate": "replicate", "symmetric-include-edge": "symmetric", "symmetric-exclude-edge": "reflect"}
    more = f", mode={mode[value]!r}" if isinstance(value, str) else (f", value={value}" if value else "")
    return f"Convolution({bank.shape}, {tuple(stride)}, {tuple(dilation)}, {pads}, groups={groups}, bias={bias}{more})"


def _convolution(site: Site) -> Module:
    bank = _bank(site.weights["Weights"])
    axes = bank.ndim - 2
    ones = [1] * axes
    stride, dilation = site.config.get("Stride", ones), site.config.get("DilationFactor", ones)
    if site.config.get("PaddingMode") == "causal":
        pads: Any = (((bank.shape[2] - 1) * dilation[0], 0),)
    else:
        pads = _sides(site.config, axes)
    text = _convolution_text(bank, stride, dilation, pads, value=site.config.get("PaddingValue", 0))
    if site.rank == 2:
        text = f"nn.Sequential(nn.Unflatten(1, (-1, 1, 1)), {text})"
        return Module(text, {"1.weight": bank, "1.bias": site.weights["Bias"]})
    return Module(text, {"weight": bank, "bias": site.weights["Bias"]})


def _grouped(site: Site) -> Module:
    stored = site.weights["Weights"]
    flat = np.moveaxis(stored, -1, -2).reshape(*stored.shape[:-2], -1)
    bank = _bank(flat)
    stride, dilation = site.config.get("Stride", (1, 1)), site.config.get("DilationFactor", (1, 1))
    pads, value = _sides(site.config, 2), site.config.get("PaddingValue", 0)
    text = _convolution_text(bank, stride, dilation, pads, groups=stored.shape[-1], value=value)
    return Module(text, {"weight": bank, "bias": site.weights["Bias"].T.reshape(-1)})


def _transposed_text(
    bank: Array, stride: Sequence[int], crops: tuple[tuple[int, int], ...] | None, groups: int, bias: bool
) -> str:
    """bank is C x F x spatial."""
    even, axes = _even(crops), bank.ndim - 2
    if even is not None and axes > 1 and all(n < k for n, k in zip(even, bank.shape[2:], strict=True)):
        return (
            f"nn.ConvTranspose{axes}d({bank.shape[0]}, {bank.shape[1] * groups}, {bank.shape[2:]}, "
            f"stride={tuple(stride)}, padding={even}, groups={groups}, bias={bias})"
        )
    return f"TransposedConvolution({bank.shape}, {tuple(stride)}, {crops}, groups={groups}, bias={bias})"


def _transposed(site: Site) -> Module:
    bank = _bank(site.weights["Weights"])
    axes = bank.ndim - 2
    crops = _sides(site.config, axes, "Cropping")
    text = _transposed_text(bank, site.config.get("Stride", [1] * axes), crops, 1, True)
    return Module(text, {"weight": bank, "bias": site.weights["Bias"]})


def _pool_text(how: str, window: Sequence[int], stride: Sequence[int], pads: tuple[tuple[int, int], ...] | None) -> str:
    even, axes = _even(pads), len(window)
    if even is not None and axes > 1 and all(n <= k // 2 for n, k in zip(even, window, strict=True)):
        if how == "max":
            return f"nn.MaxPool{axes}d({tuple(window)}, {tuple(stride)}, {even})"
        return f"nn.AvgPool{axes}d({tuple(window)}, {tuple(stride)}, {even}, count_include_pad={how == 'average'})"
    return f"Pool({how!r}, {tuple(window)}, {tuple(stride)}, {pads})"


def _pooling(site: Site) -> Module:
    window = site.config["PoolSize"]
    stride = site.config.get("Stride", [1] * len(window))
    pads = _sides(site.config, len(window))
    if site.config.get("HasUnpoolingOutputs"):
        return Module(f"PoolWithIndices({tuple(window)}, {tuple(stride)}, {pads})")
    how = "max"
    if site.layer.kind.startswith("Average"):
        how = "inside" if site.config.get("PaddingValue") == "mean" else "average"
    return Module(_pool_text(how, window, stride, pads))


def _linear(site: Site) -> Module:
    weights = site.weights["Weights"]
    name = "ColumnMajorLinear" if site.rank > 3 else "nn.Linear"
    state = {"weight": weights, "bias": site.weights["Bias"]}
    return Module(f"{name}({weights.shape[1]}, {weights.shape[0]})", state)


def _spatial_shape(values: Array, rank: int) -> Array:
    """A statistic ready to be combined with an array of that rank, the batch left out."""
    if values.size == 1:
        return values.reshape([1] * (rank - 1))
    if values.ndim > 1:
        return np.moveaxis(values, -1, 0)
    return values.reshape(-1, *[1] * (rank - 2)) if rank > 3 else values.reshape([1] * (rank - 2) + [-1])


def _input(site: Site) -> Module:
    kind = site.config.get("Normalization", "none")
    if kind == "none":
        return Module("nn.Identity()")
    own = {name: _spatial_shape(value.astype(np.float64), site.rank) for name, value in site.weights.items()}
    if kind == "zerocenter":
        return Module(f"Normalize({own['Mean'].shape})", {"shift": own["Mean"]})
    if kind == "zscore":
        shapes = f"{own['Mean'].shape}, {own['StandardDeviation'].shape}"
        return Module(f"Normalize({shapes})", {"shift": own["Mean"], "scale": own["StandardDeviation"]})
    scale = own["Max"].astype(np.float32) - own["Min"].astype(np.float32)
    more = ", factor=2.0, offset=-1.0" if kind == "rescale-symmetric" else ""
    return Module(f"Normalize({own['Min'].shape}, {scale.shape}{more})", {"shift": own["Min"], "scale": scale})


def _affine(site: Site) -> dict[str, Array]:
    return {"weight": site.weights["Scale"], "bias": site.weights["Offset"]}


def _batch_norm(site: Site) -> Module:
    name = {2: "nn.BatchNorm1d", 3: "SequenceBatchNorm", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}[site.rank]
    mean, variance = site.weights["TrainedMean"], site.weights["TrainedVariance"]
    state = {**_affine(site), "running_mean": mean, "running_var": variance, "num_batches_tracked": np.array(0)}
    return Module(f"{name}({mean.size}, eps={site.config.get('Epsilon', 1e-5)})", state)


def _layer_norm(site: Site) -> Module:
    mode, channels = site.config.get("OperationDimension", "auto"), site.weights["Scale"].size
    wide = mode == "batch-excluded" or (mode in ("auto", "spatial-channel") and site.rank > 3)
    name = "AxesNorm" if wide and site.rank > 2 else "ChannelNorm" if site.rank > 3 else "nn.LayerNorm"
    return Module(f"{name}({channels}, eps={site.config.get('Epsilon', 1e-5)})", _affine(site))


def _group_norm(site: Site) -> Module:
    channels = site.weights["Scale"].size
    groups = {"all-channels": 1, "channel-wise": channels}.get(site.config["NumGroups"], site.config["NumGroups"])
    if groups == channels:
        return _instance_norm(site)
    name = "SequenceGroupNorm" if site.rank == 3 else "nn.GroupNorm"
    return Module(f"{name}({groups}, {channels}, eps={site.config.get('Epsilon', 1e-5)})", _affine(site))


def _instance_norm(site: Site) -> Module:
    text = f"InstanceNorm({site.weights['Scale'].size}, eps={site.config.get('Epsilon', 1e-5)})"
    return Module(text, _affine(site))


def _window_norm_text(size: int, kappa: float, alpha: float, beta: float) -> str:
    """alpha is per element, as in MatConvNet; PyTorch and Deep Learning Toolbox divide it by the window."""
    if size % 2:
        return f"nn.LocalResponseNorm({size}, alpha={alpha * size!r}, beta={beta}, k={kappa})"
    return f"ChannelWindowNorm({size}, kappa={kappa}, alpha={alpha!r}, beta={beta})"


def _cross_channel(site: Site) -> Module:
    c = site.config
    size, alpha = c["WindowChannelSize"], c.get("Alpha", 1e-4)
    return Module(_window_norm_text(size, c.get("K", 2.0), alpha / size, c.get("Beta", 0.75)))


def _effective(site: Site) -> tuple[Array, Array]:
    w, r = (site.weights[name].astype(np.float64) for name in ("InputWeights", "RecurrentWeights"))
    if "InputProjector" in site.weights:
        w = w @ site.weights["InputProjector"].astype(np.float64).T
        r = r @ site.weights["OutputProjector"].astype(np.float64).T
    return w, r


def _states(site: Site, ways: int) -> dict[str, Array]:
    return {
        ours: site.weights[name].reshape(ways, -1)
        for ours, name in (("hidden", "HiddenState"), ("cell", "CellState"))
        if name in site.weights
    }


def _both_states(site: Site, ways: int, units: int) -> dict[str, Array]:
    """Both states or none: one alone leaves the other at zero."""
    found = _states(site, ways)
    return {name: np.zeros((ways, units), np.float32) for name in ("hidden", "cell")} | found if found else {}


def _is_default(site: Site) -> bool:
    return (
        site.config.get("StateActivationFunction", "tanh") == "tanh"
        and site.config.get("GateActivationFunction", "sigmoid") == "sigmoid"
    )


def _lstm(site: Site) -> Module:
    w, r = _effective(site)
    ways = 2 if site.layer.kind == "BiLSTMLayer" else 1
    units, bias, last = r.shape[0] // (4 * ways), site.weights["Bias"], site.config.get("OutputMode") == "last"
    states = _both_states(site, ways, units)
    if not _is_default(site):
        state, gate = site.config["StateActivationFunction"], site.config["GateActivationFunction"]
        zeros = {name: np.zeros((ways, units), np.float32) for name in ("hidden", "cell")}
        split = {name: value.reshape(ways, 4 * units, -1) for name, value in (("weight_ih", w), ("weight_hh", r))}
        text = f"CellLSTM({w.shape[1]}, {units}, {last=}, both_ways={ways == 2}, {state=}, {gate=})"
        return Module(text, {**split, "bias": bias.reshape(ways, -1), **zeros, **states})
    found: dict[str, Array] = {}
    for way, ending in enumerate(("", "_reverse")[:ways]):
        rows = slice(way * 4 * units, (way + 1) * 4 * units)
        found |= _gates(w[rows], r[rows], bias[rows], np.zeros(4 * units), ending)
    text = f"LastOrAll('LSTM', {w.shape[1]}, {units}, last={last}, both_ways={ways == 2}, states={len(states)})"
    return Module(text, {**found, **states})


def _gates(w: Array, r: Array, b: Array, rb: Array, ending: str = "") -> dict[str, Array]:
    named = {"weight_ih": w, "weight_hh": r, "bias_ih": b, "bias_hh": rb}
    return {f"rnn.{name}_l0{ending}": value for name, value in named.items()}


def _gru(site: Site) -> Module:
    w, r = _effective(site)
    units, bias, last = r.shape[0] // 3, site.weights["Bias"], site.config.get("OutputMode") == "last"
    mode = site.config.get("ResetGateMode", "after-multiplication")
    b, rb = (bias, np.zeros(3 * units, np.float32)) if bias.size == 3 * units else np.split(bias, 2)
    states = _states(site, 1)
    if mode == "before-multiplication" or not _is_default(site):
        state = site.config.get("StateActivationFunction", "tanh")
        gate = site.config.get("GateActivationFunction", "sigmoid")
        early = mode == "before-multiplication"
        text = f"CellGRU({w.shape[1]}, {units}, {last=}, {early=}, {state=}, {gate=})"
        own = {"weight_ih": w, "weight_hh": r, "bias_ih": b, "bias_hh": rb}
        return Module(text, {**own, "hidden": np.zeros((1, units), np.float32), **states})
    text = f"LastOrAll('GRU', {w.shape[1]}, {units}, last={last}, states={len(states)})"
    return Module(text, {**_gates(w, r, b, rb), **states})


def _attention(site: Site) -> Module:
    own = site.weights
    keys, inputs = own["KeyWeights"].shape
    outputs, values = own["OutputWeights"].shape
    causal = site.config.get("AttentionMask") == "causal"
    state: dict[str, Array] = {}
    for name in ("Query", "Key", "Value", "Output"):
        state |= {f"{name.lower()}.weight": own[f"{name}Weights"], f"{name.lower()}.bias": own[f"{name}Bias"]}
    text = f"SelfAttention({inputs}, {keys}, {values}, {outputs}, heads={site.config['NumHeads']}, causal={causal})"
    return Module(text, state)


def _embedding(site: Site) -> Module:
    table = site.weights["Weights"].T
    unknown = site.config.get("OOVMode", "map-to-last") == "map-to-last"
    return Module(f"WordEmbedding({table.shape[0]}, {table.shape[1]}, unknown={unknown})", {"weight": table})


def _prelu(site: Site) -> Module:
    name = "SequencePReLU" if site.rank == 3 else "nn.PReLU"
    return Module(f"{name}({site.weights['Alpha'].size})", {"weight": site.weights["Alpha"]})


def _depth_to_space(site: Site) -> Module:
    rows, columns = site.config["BlockSize"]
    mode = site.config.get("Mode", "dcr")
    if mode == "crd" and rows == columns:
        return Module(f"nn.PixelShuffle({rows})")
    return Module(f"DepthToSpace({rows}, {columns}, {mode!r})")


def _resize(site: Site) -> Module:
    c = site.config
    size, scale = c.get("OutputSize"), c.get("Scale")
    half = c.get("GeometricTransformMode", "half-pixel") == "half-pixel"
    return Module(
        f"Resize({tuple(size) if size else None}, {tuple(scale) if not size and scale else None}, "
        f"{c.get('Method', 'nearest')!r}, {half}, {c.get('NearestRoundingMode', 'round')!r})"
    )


def _crop(site: Site) -> Module:
    if site.config.get("Mode", "centercrop") == "centercrop":
        return Module("Crop(None)")
    left, top = (int(n) - 1 for n in site.config["Location"])
    return Module(f"Crop(({top}, {left}))")


def _channels(site: Site) -> int:
    return 2 if site.rank == 3 else 1


def _concatenate(site: Site) -> Module:
    dim = _channels(site) if site.layer.kind.startswith("Depth") else concatenation_axis(site.config["Dim"], site.rank)
    return Module(f"Concatenate({dim})")


def _mapping(reverse: bool) -> Writer:
    def write(site: Site) -> Module:
        own = {name: site.weights[name] for name in ("xoffset", "gain")}
        return Module(f"Mapping({own['gain'].size}, {site.config['y']}, {reverse})", own)

    return write


def _rows(site: Site, name: str) -> tuple[int, ...]:
    return tuple(int(n) - 1 for n in site.config[name])


def _constant(text: str) -> Writer:
    return lambda site: Module(text)


# --- MatConvNet --------------------------------------------------------------------------------------------------


def _mcn_conv(site: Site) -> Module:
    c, bank = site.config, _bank(site.weights["filters"])
    pads = _pairs(as_sides(c.get("pad", (0, 0, 0, 0))))
    bias = "biases" in site.weights
    text = _convolution_text(
        bank, c.get("stride", (1, 1)), c.get("dilate", (1, 1)), pads, groups=site.groups, bias=bias
    )
    return Module(text, {"weight": bank, **({"bias": site.weights["biases"]} if bias else {})})


def _mcn_convt(site: Site) -> Module:
    c, bank = site.config, _bank(site.weights["filters"])
    crops = _pairs(as_sides(c.get("crop", (0, 0, 0, 0))))
    bias = "biases" in site.weights
    text = _transposed_text(bank, c.get("upsample", (1, 1)), crops, site.groups, bias)
    return Module(text, {"weight": bank, **({"bias": site.weights["biases"]} if bias else {})})


def _mcn_pool(site: Site) -> Module:
    c = site.config
    how = "max" if c.get("method", "max") == "max" else "inside"
    return Module(_pool_text(how, c["pool"], c.get("stride", (1, 1)), _pairs(as_sides(c.get("pad", (0, 0, 0, 0))))))


def _mcn_bnorm(site: Site) -> Module:
    own, moments = site.weights, site.weights["moments"]
    columns = {"weight": own["multipliers"], "bias": own["biases"], "mean": moments[:, 0], "sigma": moments[:, 1]}
    return Module(f"MomentsNorm({moments.shape[0]})", columns)


def _mcn_lrn(site: Site) -> Module:
    size, kappa, alpha, beta = site.config.get("param", (5, 1, 0.0001 / 5, 0.75))
    return Module(_window_norm_text(int(size), kappa, alpha, beta))


def _mcn_relu(site: Site) -> Module:
    return Module(f"nn.LeakyReLU({site.config['leak']})" if site.config.get("leak") else "nn.ReLU()")


def _mcn_scale(site: Site) -> Module:
    own = site.weights
    bias = {"bias": own["biases"]} if "biases" in own else {}
    return Module(f"Scale({own['multipliers'].size}, bias={bool(bias)})", {"weight": own["multipliers"], **bias})


def _mcn_crop(site: Site) -> Module:
    top, left = site.config["crop"]
    return Module(f"Crop(({top}, {left}))")


def _softmax(site: Site) -> Module:
    return Module(f"nn.Softmax({_channels(site)})")


WRITERS: Mapping[str, Writer] = {
    **dict.fromkeys(("ImageInputLayer", "Image3DInputLayer", "SequenceInputLayer", "FeatureInputLayer"), _input),
    **dict.fromkeys(INERT, _constant("nn.Identity()")),
    **{f"Convolution{n}DLayer": _convolution for n in (1, 2, 3)},
    "GroupedConvolution2DLayer": _grouped,
    **{f"TransposedConvolution{n}DLayer": _transposed for n in (1, 2, 3)},
    **{f"{kind}Pooling{n}DLayer": _pooling for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"GlobalAveragePooling{n}DLayer": _constant("GlobalPool('average')") for n in (1, 2, 3)},
    **{f"GlobalMaxPooling{n}DLayer": _constant("GlobalPool('max')") for n in (1, 2, 3)},
    "MaxUnpooling2DLayer": _constant("Unpool()"),
    "FullyConnectedLayer": _linear,
    "FlattenLayer": _constant("ColumnMajorFlatten()"),
    "BatchNormalizationLayer": _batch_norm,
    "LayerNormalizationLayer": _layer_norm,
    "GroupNormalizationLayer": _group_norm,
    "InstanceNormalizationLayer": _instance_norm,
    "CrossChannelNormalizationLayer": _cross_channel,
    "LSTMLayer": _lstm,
    "LSTMProjectedLayer": _lstm,
    "BiLSTMLayer": _lstm,
    "GRULayer": _gru,
    "GRUProjectedLayer": _gru,
    "SelfAttentionLayer": _attention,
    "WordEmbeddingLayer": _embedding,
    "ReLULayer": _constant("nn.ReLU()"),
    "LeakyReLULayer": lambda site: Module(f"nn.LeakyReLU({site.config.get('Scale', 0.01)})"),
    "ClippedReLULayer": lambda site: Module(f"nn.Hardtanh(0.0, {site.config['Ceiling']})"),
    "ELULayer": lambda site: Module(f"nn.ELU({site.config.get('Alpha', 1.0)})"),
    "PReLULayer": _prelu,
    "TanhLayer": _constant("nn.Tanh()"),
    "SigmoidLayer": _constant("nn.Sigmoid()"),
    "SwishLayer": _constant("nn.SiLU()"),
    "SoftplusLayer": _constant("nn.Softplus()"),
    "GELULayer": lambda site: Module(f"nn.GELU({site.config.get('Approximation', 'none')!r})"),
    "SoftmaxLayer": _softmax,
    "AdditionLayer": _constant("Add()"),
    "MultiplicationLayer": _constant("Multiply()"),
    "DepthConcatenationLayer": _concatenate,
    "ConcatenationLayer": _concatenate,
    "DepthToSpace2DLayer": _depth_to_space,
    "Resize2DLayer": _resize,
    "Crop2DLayer": _crop,
    "tansig": _constant("nn.Tanh()"),
    "logsig": _constant("nn.Sigmoid()"),
    "poslin": _constant("nn.ReLU()"),
    "satlin": _constant("nn.Hardtanh(0.0, 1.0)"),
    "satlins": _constant("nn.Hardtanh()"),
    "elliotsig": _constant("nn.Softsign()"),
    **{name: _constant(f"Transfer({name!r})") for name in ("radbas", "tribas", "hardlim", "hardlims")},
    **{name: _mapping(False) for name in ("mapminmax", "mapstd")},
    **{name: _mapping(True) for name in ("mapminmax_reverse", "mapstd_reverse")},
    "removeconstantrows": lambda site: Module(f"KeepRows({_rows(site, 'keep')})"),
    "removeconstantrows_reverse": lambda site: Module(
        f"RestoreRows({_rows(site, 'keep')}, {_rows(site, 'remove')})", {"value": site.weights["value"]}
    ),
    "softmax": _softmax,
    "conv": _mcn_conv,
    "convt": _mcn_convt,
    "pool": _mcn_pool,
    "bnorm": _mcn_bnorm,
    "lrn": _mcn_lrn,
    "relu": _mcn_relu,
    "sigmoid": _constant("nn.Sigmoid()"),
    "dropout": lambda site: Module(f"nn.Dropout({site.config.get('rate', 0.5)})"),
    "sum": _constant("Add()"),
    "concat": _constant("Concatenate(1)"),
    "scale": _mcn_scale,
    "crop": _mcn_crop,
}
"""Writer of each kind of layer, of both dialects."""
