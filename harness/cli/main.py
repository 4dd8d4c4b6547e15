"""The `parity` command: the group that finds the verbs, and the exit codes.

A verb is a module of this package with a function `command`. The module's name is the verb; the first line of its
docstring is its line in `parity --help`.
"""

from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import click

import harness.cli
from harness.errors import InputError, Undecided
from harness.signals import interruptible

AGREED, DEVIATIONS, USAGE, INTERNAL, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes: nothing unexpected, deviations, wrong usage or input, an internal error, a model that cannot be judged,
an interruption."""


class Interrupted(Exception):
    """A walk was interrupted by Ctrl-C or SIGTERM. `results` is its results file, which is cut."""

    def __init__(self, results: Path) -> None:
        super().__init__(str(results))
        self.results = results


@contextmanager
def walking(results: Path) -> Iterator[None]:
    """Raise Interrupted, with this results file, where the walk within is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(results) from None


class Verbs(click.Group):
    """Offers every verb of the package.

    Names and summaries are read from the sources; a verb and its imports are loaded only when it is called or asked for
    help.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(summaries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in summaries():
            return None
        command: click.Command = import_module(f"harness.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(summaries().items()))


def summaries() -> dict[str, str]:
    """The verbs in alphabetical order, each with the first line of its module's docstring."""
    modules = (path for folder in harness.cli.__path__ for path in Path(folder).glob("*.py"))
    trees = {path.stem: ast.parse(path.read_bytes(), path) for path in sorted(modules, key=lambda path: path.stem)}
    return {name: (ast.get_docstring(tree) or "").partition("\n")[0] for name, tree in trees.items() if _is_verb(tree)}


def _is_verb(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "command" for node in tree.body)


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110, "show_default": True},
)
@click.version_option(package_name="parity-suite")
def cli() -> None:
    """Test model converters: Keras -> ONNX -> PyTorch, and MATLAB .mat -> PyTorch.

    \b
    Exit codes: 0 agreed, 1 deviations, 2 usage or input error, 3 internal error,
    4 cannot be judged (check, convert), 130 interrupted.
    `parity COMMAND --help` shows an example.
    """


@cli.result_callback()
def _end(code: int | None) -> None:
    """End with the exit code that the verb returned."""
    click.get_current_context().exit(code or AGREED)


def main() -> None:
    """Run the command; turn every kind of failure into its documented exit code."""
    with interruptible():
        sys.exit(_ended())


def _ended() -> int:
    """The exit code, once what there is to say has been said."""
    try:
        return int(cli.main(prog_name="parity", standalone_mode=False) or AGREED)
    except Interrupted as interrupted:
        _show_cut(interrupted.results)
        return INTERRUPTED
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("parity: interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except Undecided as error:
        click.echo(f"parity: {error}", err=True)
        return UNDECIDED
    except InputError as error:
        click.echo(f"parity: {error}", err=True)
        return USAGE
    except Exception:
        traceback.print_exc()
        click.echo("parity: internal error; please report it with the lines above", err=True)
        return INTERNAL


def _show_cut(path: Path) -> None:
    """Say how far the walk came, and write a page of that."""
    from harness.report import cut  # which the other ends of a command do not need
    from harness.results.file import Results

    with suppress(KeyboardInterrupt):
        results = Results.load(path, cut_ok=True)
        page = cut.page_of(path)
        click.secho(cut.line(results, page), fg="red", err=True)
        cut.write(results, page)
