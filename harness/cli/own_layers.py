"""Layers of the user's own: the options that name their files, and what tells every worker of these."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from harness.adapters.keras_model import IMPORTS, TRUST
from harness.oracle import FILES, load_files

import_option = click.option(
    "--import",
    "imports",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Run this Python file first: it registers layers of yours with keras.saving (repeatable).",
)
semantics_option = click.option(
    "--semantics",
    "functions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Judge layers of yours by the functions that this Python file registers with harness.oracle (repeatable).",
)


def make_known(imports: Sequence[Path], functions: Sequence[Path] = (), *, trust: bool = False) -> None:
    """Name a user's files to all workers that start from now on. `imports` register layers. `functions` say what the
    layers compute; they run in this process, too. `trust` lets a model bring code. Raises InputError for a file that
    fails."""
    os.environ[IMPORTS] = _joined(imports)
    os.environ[FILES] = _joined(functions)
    load_files(os.environ[FILES])
    os.environ[TRUST] = "1" if trust else ""


def _joined(files: Sequence[Path]) -> str:
    return os.pathsep.join(str(path.absolute()) for path in files)
