"""SHELL: one command per file; this one wires them and is the only place that translates errors."""

import sys

import typer

from ctsieve.cli import (
    bundle,
    calibrate,
    compare,
    data,
    doctor,
    evaluate,
    explain,
    fit,
    gate,
    info,
    listen,
    phantom,
    reproduce,
    screen,
    send,
    serve,
    worker,
)
from ctsieve.types.errors import CtsieveError, OutOfResources
from ctsieve.version import __version__

app = typer.Typer(
    name="ctsieve",
    help=(
        "Screen chest CT for COVID-19 and other pneumonia, with the evidence. "
        "Research use only. Not a medical device."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # frames round the help would cost more time than all the rest of it
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    screen,
    explain,
    gate,
    info,
    phantom,
    fit,
    reproduce,
    evaluate,
    compare,
    calibrate,
    serve,
    worker,
    listen,
    send,
    doctor,
):
    app.command(name=command.__name__.rpartition(".")[2])(command.run)
app.add_typer(bundle.app, name="bundle")
app.add_typer(data.app, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ctsieve {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; errors of the outside become a sentence, a hint and an exit code."""
    try:
        app()
    except CtsieveError as error:
        _fail(error)
    except MemoryError:
        _fail(OutOfResources("memory is exhausted", hint="close programs, or give fewer slices"))
    except OSError as error:
        # Without a file it is no matter of the user's disk but a defect, and keeps its traceback.
        if error.filename is None:
            raise
        _fail(
            OutOfResources(
                f"cannot use {error.filename}: {error.strerror}",
                hint="check the path, its permissions and the free space",
            )
        )


def _fail(error: CtsieveError) -> None:
    typer.echo(f"error: {error}", err=True)
    if error.hint:
        typer.echo(f"hint: {error.hint}", err=True)
    sys.exit(error.exit_code)
