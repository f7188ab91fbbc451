"""The command line in this process: its exit code and what it printed."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ctsieve.cli import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def ctsieve(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `ctsieve ARGS...` as the installed program does."""

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["ctsieve", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        code = stopped.value.code
        return Done(
            code=code if isinstance(code, int) else int(code is not None),
            out=printed.out,
            err=printed.err,
        )

    return run
