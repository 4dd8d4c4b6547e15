"""The words of an upstream issue: title, what happens, what was expected, how large the error is."""

from __future__ import annotations

import json
from typing import Any

from harness.adapters.registry import Registry
from harness.fingerprint import is_working_copy
from harness.installed import versions
from harness.judge.expectations import UNREPORTED
from harness.outcomes import ABOUT, FAITHFUL, Outcome
from harness.reproducer.deviation import Deviation, beginning
from harness.reproducer.recipes import Recipe, is_shown
from harness.results.events import Stage


def facts(deviation: Deviation, recipe: Recipe, registry: Registry) -> dict[str, Any]:
    """What the issue's template shows, by name."""
    fault, case, expectation = deviation.fault, deviation.case, deviation.expectation
    known = versions(recipe.packages)
    copies = {name for name in recipe.packages if is_working_copy(name)}
    version = "(working copy)" if recipe.package in copies else known.get(recipe.package, "")
    blamed = f"{recipe.package} {version}".strip() or recipe.calls
    words = ABOUT[fault.outcome].wording
    assert words is not None, "an outcome that passes is no deviation"
    layers = ", ".join(dict.fromkeys(layer.kind for layer in case.spec.layers))
    config = {layer.name: {"kind": layer.kind, **layer.config} for layer in case.spec.layers[:5]}
    samples = "It shows only with another batch or other sizes (`again_inputs.npz`)."
    return {
        "title": f"{blamed}: {layers[:60]} {words.happens}{_exception_class(fault)}",
        "happens": f"{recipe.calls}: {layers} {words.happens}.",
        "loudness": words.loudness,
        "versions": {name: _version(text, is_copy=name in copies) for name, text in known.items()},
        "reason": expectation.reason if expectation else "",
        "samples": samples if deviation.needs_second_inputs else "",
        "artifact": _artifact(deviation, recipe, registry),
        "message": fault.message,
        "config": json.dumps(config, indent=1, default=str),
        "expected": f"{words.expected} The outputs are those of the layers' documentation, computed in float64 with "
        "NumPy (`expected.npz`, which holds the largest absolute error allowed as well).".strip(),
        "size": _size(fault),
        "link": expectation.link if expectation and expectation.link != UNREPORTED else "",
    }


def _version(text: str, *, is_copy: bool) -> str:
    return f"a working copy; its metadata says {text}" if is_copy else text


def _exception_class(fault: Stage) -> str:
    """The class of the exception, in brackets, for a title; '' if none was raised."""
    if fault.outcome not in (Outcome.REFUSED, Outcome.INVALID):
        return ""
    return f" ({beginning(fault.message).partition(':')[0]})"


def _artifact(deviation: Deviation, recipe: Recipe, registry: Registry) -> str:
    """Which converter wrote the file that the script starts from, and which runtime computes the right outputs with it.

    '' for a deviation at the source.
    """
    if len(deviation.steps) < 2:
        return ""
    before = deviation.steps[-2].stage
    sentences = []
    hop = next((hop for hop in registry.hops if hop.name == before.hop), None)
    if hop is not None and is_shown(hop, registry):
        origin = "; the model was written in Keras" if deviation.case.spec.dialect == "keras" else ""
        sentences.append(f"`{recipe.artifact}` was made by `{hop.calls or hop.name}`{origin}.")
    runtime = next((runtime for runtime in registry.runtimes if runtime.name == before.runtime), None)
    if before.outcome.passes and runtime is not None and runtime.calls:
        sentences.append(f"{runtime.calls} gives the expected outputs for `{recipe.artifact}`.")
    return " ".join(sentences)


def _size(fault: Stage) -> str:
    """The size of a numerical error in words and in noise units; '' for an error without a size: a NaN, a sign, a
    second call that gives other values."""
    units = fault.units
    if units is None or units <= FAITHFUL or fault.outcome is not Outcome.DIVERGENT:
        return ""
    words = "of the order of the values themselves" if (fault.metrics.max_rel or 0) > 0.1 else "small beside the values"
    words += f", and {units:,.0f} times what rounding to float32 explains"
    return (
        f"The largest absolute error is {fault.metrics.max_abs or 0:.3g}, at `{fault.where}`: {words}. "
        f"(That is {units:.3g} noise units; one unit is the root mean square effect of float32 rounding on the "
        "documented formula with these numbers.)"
    )
