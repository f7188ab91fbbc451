"""The command line, called as a function."""

from typer.testing import CliRunner

from ctsieve.cli import app


def run(*words: object) -> str:
    """What a command prints; its error is raised."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output
