"""Recipes: what the classes say, put together; those of classes that say nothing; and those that cannot be."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.plugin import Plugin
from harness.adapters.registry import installed
from harness.reproducer.recipes import NoRecipe, Recipe, is_shown, of_hop, of_source
from tests.miniatures import Doubles, plugin, registry

KNOWN = installed()
OURS = [part for part in (*KNOWN.formats, *KNOWN.hops) if part.is_ours]
HIDDEN = {"matlab", "matconvnet", "matlab2torch", "matconvnet2torch", "mat-octave"}
"""Formats and converters that are part of the harness."""


def recipe_of(part: Plugin) -> Recipe:
    return (of_hop if part.kind == "hop" else of_source)(part, KNOWN)


def named(name: str) -> Plugin:
    return next(hop for hop in KNOWN.hops if hop.name == name)


def test_what_can_be_shown() -> None:
    assert {part.name for part in OURS if not is_shown(part, KNOWN)} == HIDDEN
    for name in ("matlab2torch", "matconvnet2torch", "mat-octave"):
        with pytest.raises(NoRecipe, match="harness's own"):
            of_hop(named(name), KNOWN)


@pytest.mark.parametrize("part", [part for part in OURS if part.name not in HIDDEN], ids=lambda part: part.name)
def test_recipes_are_python_without_the_harness(part: Plugin) -> None:
    recipe = recipe_of(part)
    for lines in (recipe.convert, recipe.run):
        ast.parse("def f():\n" + "\n".join(f"    {line}" for line in lines))
        assert lines[-1].startswith("return ")
    ast.parse("\n".join(recipe.imports))
    text = "\n".join((*recipe.imports, *recipe.convert, *recipe.run))
    assert not any(word in text for word in ("harness", "ARTIFACT", "RESULT", "OPSET", "check_names"))
    assert f'HERE / "{recipe.artifact}"' in text
    assert recipe.packages[-1] == "numpy"
    assert recipe.package in recipe.packages


def test_recipe_of_a_hop_and_of_the_runtime_behind_it() -> None:
    assert of_hop(named("tf2onnx13"), KNOWN) == Recipe(
        package="tf2onnx",
        packages=("keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime", "numpy"),
        imports=("import keras, onnxruntime, tensorflow, tf2onnx",),
        artifact="model.keras",
        convert=(
            'model = keras.saving.load_model(HERE / "model.keras", compile=False)',
            'tf2onnx.convert.from_keras(model, opset=13, output_path=str(OUT / "model.onnx"))',
            'return onnxruntime.InferenceSession(str(OUT / "model.onnx"), providers=["CPUExecutionProvider"])',
        ),
        run=(
            "names = [item.name for item in model.get_inputs()]",
            "if sorted(names) != sorted(inputs):",
            '    raise ValueError(f"the artifact takes the inputs {sorted(names)}, the model has {sorted(inputs)}")',
            "return list(model.run(None, inputs))",
        ),
        worker="tensorflow",
        calls="tf2onnx.convert.from_keras",
    )
    assert "opset=None" in of_hop(named("tf2onnx"), KNOWN).convert[1]


def test_a_recipe_that_returns_its_model_opens_no_file() -> None:
    recipe = of_hop(named("onnx2torch"), KNOWN)
    assert recipe.convert == ('return onnx2torch.convert(str(HERE / "model.onnx")).eval()',)
    assert recipe.imports == ("import onnx2torch, torch",)


@pytest.mark.parametrize(
    ("name", "packages", "imports", "convert"),
    [
        (
            "keras",
            ("keras", "tensorflow", "h5py", "numpy"),
            ("import keras", "import tensorflow as tf"),
            ('model = keras.saving.load_model(HERE / "model.keras", compile=False)', "return model"),
        ),
        (
            "h5",
            ("keras", "tensorflow", "h5py", "numpy"),
            ("import keras", "import tensorflow as tf"),
            (
                'model = keras.saving.load_model(HERE / "model.keras", compile=False)',
                'model.save(OUT / "model.h5")',
                'return keras.saving.load_model(OUT / "model.h5", compile=False)',
            ),
        ),
        (
            "savedmodel",
            ("keras", "tensorflow", "h5py", "numpy"),  # the file that it starts from needs h5py
            ("import keras", "import tensorflow as tf"),
            (
                'model = keras.saving.load_model(HERE / "model.keras", compile=False)',
                'model.export(OUT / "saved", format="tf_saved_model", verbose=False)',
                'return tf.saved_model.load(str(OUT / "saved"))',
            ),
        ),
        (
            "tfkeras",
            ("tf-keras", "tensorflow", "h5py", "numpy"),
            ("import tf_keras", "import tensorflow as tf"),
            ('return tf_keras.models.load_model(HERE / "model.h5", compile=False)',),
        ),
        (
            "onnx",
            ("onnxruntime", "numpy"),
            ("import onnxruntime",),
            ('return onnxruntime.InferenceSession(str(HERE / "model.onnx"), providers=["CPUExecutionProvider"])',),
        ),
    ],
)
def test_recipe_of_a_source(name: str, packages: tuple[str, ...], imports: tuple[str, ...], convert: Any) -> None:
    form = KNOWN.format(name)
    assert form is not None
    recipe = of_source(form, KNOWN)
    assert (recipe.packages, recipe.imports, recipe.convert) == (packages, imports, convert)


def test_a_program_takes_the_place_of_the_line_that_loads() -> None:
    built = ["x0 = keras.Input((3,))", "return keras.Model([x0], [x0])"]
    recipes = {name: of_source(form, KNOWN) for name in ("keras", "h5", "tfkeras") if (form := KNOWN.format(name))}
    assert recipes["keras"].building(built).convert == tuple(built)
    assert recipes["tfkeras"].building(built).convert == tuple(built)
    assert recipes["h5"].building(built).convert == (
        "x0 = keras.Input((3,))",
        "model = keras.Model([x0], [x0])",
        *recipes["h5"].convert[1:],
    )


def test_classes_of_others_that_say_nothing_are_imported_and_called() -> None:
    known = registry(Doubles)
    recipe = of_hop(replace(known.hops[0], distribution="minis", requires=("numpy", "mini>=2")), known)
    assert recipe == Recipe(
        package="minis",
        packages=("numpy", "mini", "minis"),
        imports=(
            "from tests.miniatures import Doubles",
            "from tests.miniatures import MiniTwoRuntime",
            "runtime = MiniTwoRuntime()",
        ),
        artifact="model.mini",
        convert=('path = Doubles().convert(HERE / "model.mini", OUT / "model.mini2")', "return runtime.open(path)"),
        run=("return runtime.run(model, inputs)[0]",),
        worker="mini",
        calls="doubles",
    )


def test_recipe_of_a_class_of_others_with_a_runtime_of_ours() -> None:
    foreign = replace(plugin(Doubles, "hops"), source="keras", target="torch")
    recipe = of_hop(foreign, KNOWN)
    assert recipe.imports == ("import torch", "from tests.miniatures import Doubles")
    assert recipe.convert == (
        'path = Doubles().convert(HERE / "model.keras", OUT / "model.pt")',
        'return torch.load(path, weights_only=False, map_location="cpu").eval()',
    )
    assert recipe.package == ""
    with pytest.raises(NoRecipe, match="no runtime runs the format nowhere"):
        of_hop(replace(foreign, target="nowhere"), KNOWN)
    with pytest.raises(NoRecipe, match="octave-channels-last: it is the harness's own"):
        of_hop(replace(foreign, target="matlabkeras"), KNOWN)


def test_words_are_replaced_wherever_they_stand(tmp_path: Path) -> None:
    """Paths may hold what a pattern would take for a reference; longer words stay."""
    foreign = replace(
        plugin(Doubles, "hops"),
        target="torch",
        source="odd",
        opset=17,
        recipe=r"""
            from a import b
            import a as c

            b(ARTIFACT, RESULT, "\n", n=OPSET, ARTIFACTS=1)
            import late
        """,
    )
    recipe = of_hop(foreign, KNOWN)
    assert recipe.imports == ("import torch", "from a import b", "import a as c")
    assert recipe.convert == (
        r'b(HERE / "model.odd", OUT / "model.pt", "\n", n=17, ARTIFACTS=1)',
        "import late",
        'return torch.load(OUT / "model.pt", weights_only=False, map_location="cpu").eval()',
    )
