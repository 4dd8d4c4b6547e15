"""Facts of a class: what is declared, what holds where it is silent, and that a wrong one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.adapters.hops.tf2onnx import Tf2Onnx, Tf2Onnx13
from harness.adapters.plugin import Plugin, PluginError, facts_of
from harness.adapters.runtimes.keras import KerasJsonRuntime, KerasTorchRuntime
from harness.adapters.runtimes.onnxruntime import OnnxRuntime


class Silent:
    """Only what a hop must have."""

    name: ClassVar[str] = "silent"
    source: ClassVar[str] = "mini"
    target: ClassVar[str] = "mini2"
    requires: ClassVar[Any] = ("torch>=2.1", "numpy")

    def convert(self, artifact: Path, out: Path) -> Path:
        return out


class Speaks(Silent):
    name = "speaks17"
    requires = ["numpy"]  # noqa: RUF012 - a list is as good as a tuple
    opset = 17
    worker = "corner"
    environment: ClassVar[dict[str, str]] = {"B": "1", "A": "2"}
    without = ("keras",)
    programs = ("sh",)
    distribution = "speaks-of-somebody"
    engine = "lungs"
    calls = "speaks.loudly"
    depth = 3
    behind = (None, 0)
    not_behind = ("silent",)
    recipe = """
        import speaks
        speaks.loudly(ARTIFACT, RESULT)
    """

    def convert(self, artifact: Path, out: Path) -> Path:
        return out


class SpeaksOtherwise(Speaks):
    """Inherits every fact, but does not do what the recipe says."""

    def convert(self, artifact: Path, out: Path) -> Path:
        return artifact


def described(cls: type, kind: str = "hops") -> Plugin:
    return Plugin(**facts_of(cls, kind, f"somebody.module:{cls.__name__}"))


def test_a_silent_class_has_defaults() -> None:
    assert described(Silent) == Plugin(
        reference="somebody.module:Silent",
        name="silent",
        worker="torch",  # what it requires first
        requires=("torch>=2.1", "numpy"),
        source="mini",
        target="mini2",
        engine="silent",
        depth=None,
        behind=(),
        not_behind=(),
        environment=(),
        without=(),
        distribution="",
        calls="",
        recipe=None,
    )
    assert described(Silent).distributions == ("torch", "numpy")


def test_what_a_class_says_is_kept() -> None:
    plugin = described(Speaks)
    assert plugin.requires == ("numpy",)
    assert (plugin.opset, plugin.base, plugin.engine, plugin.worker) == (17, "speaks", "lungs", "corner")
    assert (plugin.environment, plugin.without) == ((("B", "1"), ("A", "2")), ("keras",))
    assert (plugin.depth, plugin.behind, plugin.not_behind) == (3, (None, 0), ("silent",))
    assert [plugin.allows(further) for further in (1, 2, 3)] == [None, 0, 0]
    assert (plugin.calls, plugin.recipe) == ("speaks.loudly", Speaks.recipe)
    assert plugin.distributions == ("numpy", "speaks-of-somebody")
    assert hash(plugin) == hash(described(Speaks))


def test_the_engine_is_the_name_without_its_opset() -> None:
    class Told(Silent):
        name = "mine13"
        opset = 13

    class Numbered(Silent):
        name = "mine13"

    assert (described(Told).base, described(Told).engine) == ("mine", "mine")
    assert (described(Numbered).base, described(Numbered).engine) == ("mine13", "mine13")
    assert (described(Tf2Onnx13).base, described(Tf2Onnx13).engine) == ("tf2onnx", "tf2onnx")


def test_a_recipe_holds_for_the_method_beside_it_only() -> None:
    assert described(Speaks).recipe is not None
    assert described(SpeaksOtherwise).recipe is None
    assert described(Tf2Onnx13).recipe == Tf2Onnx.recipe
    torch, json = described(KerasTorchRuntime, "runtimes"), described(KerasJsonRuntime, "runtimes")
    assert torch.run_recipe is not None
    assert "no_grad" in torch.run_recipe
    assert json.open_recipe is None
    assert json.run_recipe is not None


def test_ours_are_told_from_others() -> None:
    assert Plugin("harness.planted.x:Y", "y", "w", ()).is_ours
    assert not Plugin("harness_of_somebody:Y", "y", "w", ()).is_ours
    ours = facts_of(OnnxRuntime, "runtimes", "harness.adapters.runtimes.onnxruntime:OnnxRuntime")
    assert ours["distribution"] == "onnxruntime"
    assert facts_of(Silent, "hops", "harness.x:Silent")["distribution"] == "parity-suite"


@pytest.mark.parametrize(
    ("fact", "value", "expected"),
    [
        ("requires", "tensorflow", 'a tuple of strings, such as ("torch",)'),
        ("requires", ("torch", 2), "a tuple of strings"),
        ("requires", None, "a tuple of strings"),
        ("name", 3, "a string"),
        ("target", None, "a string"),
        ("worker", ("torch",), "a string"),
        ("programs", "sh", "a tuple of strings"),
        ("environment", ("A", "B"), "a dictionary of strings by strings"),
        ("environment", {"A": 1}, "a dictionary of strings by strings"),
        ("without", "keras", "a tuple of strings"),
        ("distribution", 1, "a string"),
        ("engine", None, "a string"),
        ("calls", ("a",), "a string"),
        ("opset", "13", "a whole number from 0 on, or None"),
        ("depth", -1, "a whole number from 0 on, or None"),
        ("depth", True, "a whole number from 0 on, or None"),
        ("depth", 2.0, "a whole number from 0 on, or None"),
        ("behind", 0, "a tuple of whole numbers or None, such as (2, 0)"),
        ("behind", (2, -1), "a tuple of whole numbers or None"),
        ("not_behind", "onnx2torch", "a tuple of strings"),
    ],
)
def test_a_fact_of_another_type_is_named(fact: str, value: object, expected: str) -> None:
    cls = type("Wrong", (Silent,), {fact: value})
    with pytest.raises(PluginError) as caught:
        described(cls)
    message = str(caught.value)
    assert message.startswith(f"somebody.module:Wrong, {fact}: it has a wrong value; expected {expected}")
    assert message.endswith(f", got {value!r}. docs/extending.md explains each fact")


@pytest.mark.parametrize("text", ["import", 3, "return (", "  a()\n b()"])
def test_a_recipe_that_is_no_python_is_named(text: object) -> None:
    with pytest.raises(PluginError, match=r"recipe: .*expected a text of Python statements"):
        described(type("Wrong", (Speaks,), {"recipe": text}))


def test_a_requirement_that_is_none_is_named() -> None:
    with pytest.raises(PluginError) as caught:
        described(type("Wrong", (Silent,), {"requires": ("torch >",)}))
    text = str(caught.value)
    assert text.startswith("somebody.module:Wrong, requires: it is no requirement (")
    assert text.endswith(
        "); expected a requirement such as \"torch>=2.6\", got 'torch >'. docs/extending.md explains each fact"
    )
    assert "\n" not in text


def test_facts_of_another_kind_are_not_looked_at() -> None:
    """A converter may have an attribute `format` of its own, of any type."""
    assert described(type("Hop", (Silent,), {"format": 3, "suffix": None, "open_recipe": 1})).format == ""
