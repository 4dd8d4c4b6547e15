"""Write a Spec of Keras layers as a PyTorch program, whose tensors have Keras' order of axes everywhere.

In a model file the masks are tensors of the graph, which layers get as an argument. Only in a Sequential within a
model, and in a Spec that was not read from a file, they go from layer to layer unsaid, as `_mask_of` has it.

A layer that no program has is refused by name, with all others that are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.adapters.torch_artifact import KEPT_AS
from harness.matlab.torch import source as matlab
from harness.matlab.torch.text import Body, Program, blocks, identifiers, number, quoted, text_of
from harness.models.keras_program.layers import WRITERS
from harness.models.keras_program.models import unfolded
from harness.models.keras_program.writers import Site, Unwritten, real, written
from harness.oracle import part
from harness.spec import Array, Layer, Spec

FILES = (Path(__file__).with_name("blocks.py"), *matlab.FILES)
"""The classes that a program may carry."""
PASSING = (
    *("Activation", "ActivityRegularization", "AlphaDropout", "BatchNormalization", "Dense", "Dropout", "ELU"),
    *("GaussianDropout", "GaussianNoise", "GroupNormalization", "Identity", "LayerNormalization", "LeakyReLU", "PReLU"),
    *("ReLU", "Rescaling", "SpatialDropout1D", "TimeDistributed"),
)
"""Layers that pass on the mask of what they read, and compute as without (`supports_masking` in Keras)."""
READING = ("LSTM", "GRU", "SimpleRNN", "Bidirectional", "GlobalAveragePooling1D")
"""Layers that leave masked steps out."""
TAKING = (*PASSING, *READING, "Softmax")
"""Layers that get the mask of what they read. Behind all others there is none, as Keras warns."""
STATES = "initial_state"
"""The argument of a call that starts a recurrent layer from other tensors."""
MOST = 6
"""Tensors that a layer gives at most: both ways of a bidirectional LSTM, each with two states."""


class NoProgramError(ValueError):
    """A model with layers that no program has; the message names all of them."""


def program(spec: Spec, weights: Mapping[str, Array], title: str = "") -> Program:
    """Write the program. Raises NoProgramError."""
    spec = unfolded(spec)
    writer = _Writer(spec)
    for layer in spec.layers:
        writer.add(layer, part(weights, layer.owner))
    if writer.refused:
        raise NoProgramError(f"no PyTorch program has {'; '.join(writer.refused)}")
    inputs = tuple(writer.names[item.name] for item in spec.inputs)
    given = set(inputs)
    outputs = [writer.tensor(name) for name in spec.outputs]
    signature = [(name, (None, *item.shape), item.dtype) for name, item in zip(inputs, spec.inputs, strict=True)]
    body = Body(
        modules=writer.modules,
        calls=writer.calls,
        parameters=inputs,
        outputs=[f"{name}{'.clone()' * (name in given)}" for name in outputs],
        attributes=[f"{KEPT_AS} = {signature!r}"],
    )
    source = text_of(_docstring(title, signature), body, blocks(writer.modules.values(), *FILES))
    return Program(source, writer.state, inputs, tuple(spec.outputs), writer.owners)


def _docstring(title: str, signature: Sequence[tuple[str, tuple[int | None, ...], str]]) -> str:
    lines = [
        f"`{name}`: {dtype} {' x '.join(['N', *('?' if n is None else str(n) for n in shape[1:])])}"
        for name, shape, dtype in signature
    ]
    return (
        f"{quoted(title) or 'A network converted from Keras'}, for PyTorch.\n\n"
        "Axes are in Keras' order: the batch first, the channels last.\n"
        f"Inputs: {'; '.join(lines)}.\n"
    )


class _Writer:
    """A program under construction, and the layers that it cannot have."""

    def __init__(self, spec: Spec) -> None:
        ends = [f"_{k}" for k in range(1, MOST)]
        wanted = {item.name: ends for item in spec.inputs} | {layer.name: ends for layer in spec.layers}
        self.names = identifiers(wanted, (KEPT_AS,))
        self.modules: dict[str, str] = {}
        self.state: dict[str, Array] = {}
        self.calls: list[str] = []
        self.owners: dict[str, str] = {}
        self.refused: list[str] = []
        self._masks: dict[str, str] = {}
        """The mask of a tensor that has one, as an expression."""
        self._texts: dict[str, str] = {}

    def tensor(self, name: str) -> str:
        """The name of a tensor in the program."""
        owner, colon, place = name.partition(":")
        return f"{self.names[owner]}_{place}" if colon else self.names[owner]

    def add(self, layer: Layer, weights: Mapping[str, Array]) -> None:
        """Write a layer and its call, or note that it is refused."""
        try:
            mask = self._mask_of(layer) if layer.kind in WRITERS else None
            found = written(Site(layer.kind, layer.config, weights, masked=mask is not None))
        except Unwritten as why:
            self.refused.append(f"{layer.kind} {layer.name!r}" + (f" ({why})" if str(why) else ""))
            return
        except (KeyError, TypeError, ValueError) as error:  # weights or options that a layer of this kind never has
            self.refused.append(f"{layer.kind} {layer.name!r} ({type(error).__name__}: {error})")
            return
        name = self.names[layer.name]
        owner = self.names[layer.owner]
        if not layer.of or self._texts.get(layer.of) != found.text:  # else its module is called once more
            owner = name
            self.modules[name] = found.text
            self.state |= {f"{name}.{key}": number(value) for key, value in found.state.items()}
            self.owners[layer.name] = name
        self._texts[layer.name] = found.text
        arguments = [self.tensor(each) for each in layer.inputs]
        if mask is not None and layer.kind in READING:
            arguments.append(f"mask={mask}")
        if states := layer.keywords.get(STATES):
            arguments.append(f"state=({', '.join(self.tensor(each) for each in states)},)")
        targets = [name, *(f"{name}_{k}" for k in range(1, found.outputs))]
        self.calls.append(f"{', '.join(targets)} = self.{owner}({', '.join(arguments)})")
        self._pass_on(layer, mask)

    def _mask_of(self, layer: Layer) -> str | None:
        """The mask that a layer gets. Raises Unwritten for arguments that no program passes."""
        known = {"mask"} if layer.kind in TAKING else set()
        known |= {STATES} if layer.kind in READING else set()
        if more := [*(key for key in layer.keywords if key not in known), *layer.arguments]:
            raise Unwritten(f"call with {', '.join(more)}")
        if explicit := layer.keywords.get("mask"):
            return self.tensor(explicit[0])
        return self._masks.get(layer.inputs[0]) if layer.kind in TAKING else None

    def _pass_on(self, layer: Layer, mask: str | None) -> None:
        """Note the mask of what a layer gives; it is computed where a layer reads it."""
        read = self.tensor(layer.inputs[0])
        if layer.kind == "Embedding" and layer.config.get("mask_zero", False):
            self._masks[layer.name] = f"{read} != 0"
        elif layer.kind == "Masking":
            self._masks[layer.name] = f"({read} != {real(layer.config, 'mask_value', 0.0)}).any(-1)"
        elif mask is not None and (layer.kind in PASSING or _gives_sequences(layer)):
            self._masks[layer.name] = mask


def _gives_sequences(layer: Layer) -> bool:
    inner = layer.config.get("layer")
    config = layer.config if inner is None else inner["config"]
    return layer.kind in READING and bool(config.get("return_sequences", False))
