"""`ctsieve worker`: judges the studies that services hand in."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    home: Annotated[
        Path, typer.Option(help="The service's folder, on storage that both reach.")
    ] = Path("ctsieve-serve"),
    database: Annotated[
        str | None,
        typer.Option(
            envvar="CTSIEVE_SERVE_DATABASE",
            help="The service's PostgreSQL database; SQLite below the folder by default.",
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            envvar="CTSIEVE_SERVE_STORAGE",
            help="URL of the service's storage; then the folder is this machine's own.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(help="Unique, and the same at every start: it resumes its own work.")
    ] = "worker",
    threads: Annotated[
        int | None, typer.Option(help="Processor threads; all of them by default.")
    ] = None,
    until_stdin_closes: Annotated[
        bool, typer.Option("--until-stdin-closes", help="Stop when standard input ends.")
    ] = False,
) -> None:
    """Judge studies until Ctrl-C or SIGTERM; what is under way is resumed at the next start.

    Exit codes: 0 stopped, 2 another worker has this name.
    """
    from ctsieve.cli._extra import serve_extra

    with serve_extra():
        from ctsieve.jobs.engine import Jobs
        from ctsieve.jobs.settings import JobSettings

    import logging
    import signal
    import sys
    import threading

    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("dbos", "sqlalchemy", "highdicom"):
        logging.getLogger(noisy).setLevel("ERROR")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    if until_stdin_closes:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who holds the input

        def wait_for_end() -> None:
            sys.stdin.buffer.read()
            stopped.set()

        threading.Thread(target=wait_for_end, daemon=True).start()
    settings = JobSettings(
        home=home, database=database, storage=storage, worker=name, threads=threads,
        poll_seconds=0.25,
    )  # fmt: skip
    with Jobs(settings):
        stopped.wait()
