"""`ctsieve serve`: the web page and REST API, with workers beside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ctsieve.web.settings import ServeSettings


def run(
    settings: Annotated[
        Path | None, typer.Option("--settings", "-s", help="TOML file; options win over it.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="Folder of uploads, studies, results and accounts.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; loopback by default.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port; 8080 by default.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes beside the service; 1 by default.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the settings as JSON and stop.")
    ] = False,
    check_log: Annotated[
        bool, typer.Option("--check-log", help="Check the whole audit log and stop.")
    ] = False,
    expect: Annotated[
        str, typer.Option(help="With --check-log: a digest that must be in the log.")
    ] = "",
    new_password: Annotated[
        str, typer.Option(help="Print a one-time password for this user and stop.")
    ] = "",
) -> None:
    """Serve the page and the REST API: upload studies, read the answers.

    The first start prints the one-time password of the user `admin`.  Listens on this machine only
    unless there is TLS.  Stops at Ctrl-C or SIGTERM; what is under way is resumed next time.
    Exit codes: 0 stopped, 1 the audit log is broken, 2 settings that cannot be, 4 the bundle is
    missing or damaged.
    """
    from ctsieve.cli._extra import serve_extra

    with serve_extra():
        from ctsieve.web.server import Server
        from ctsieve.web.settings import load_settings

    import logging
    import signal

    chosen = load_settings(settings, home=home, host=host, port=port, workers=workers)
    if show:
        typer.echo(chosen.model_dump_json(indent=1, exclude={"database"}))
        return
    if check_log:
        _check_log(chosen, expect)
        return
    if new_password:
        _new_password(chosen, new_password)
        return
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(message)s")
    for name in ("dbos", "sqlalchemy", "uvicorn", "highdicom"):
        logging.getLogger(name).setLevel("ERROR")
    server = Server(chosen)
    if server.first_password is not None:
        typer.echo(f"first sign-in: user admin, one-time password {server.first_password}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    scheme = "https" if chosen.certificate else "http"
    typer.echo(f"serving {scheme}://{chosen.host}:{chosen.port}", err=True)
    server.run()


def _new_password(settings: "ServeSettings", name: str) -> None:
    from ctsieve.web.database import Database
    from ctsieve.web.recovery import new_password

    database = Database(settings.home, settings.database)
    try:
        typer.echo(new_password(database, name, by=None))
    finally:
        database.close()


def _check_log(settings: "ServeSettings", expected: str) -> None:
    from ctsieve.web.audit import check
    from ctsieve.web.database import Database

    database = Database(settings.home, settings.database)
    with database.reading() as session:
        found = check(session, expected=expected)
    database.close()
    typer.echo(f"{found.entries} entries, the last is {found.last}")
    if found.broken_at is not None:
        typer.echo(f"broken at entry {found.broken_at}: it was changed, or one before removed")
    if not found.holds:
        typer.echo(f"no entry is {expected}: the log was cut off or made anew")
    if found.broken_at is not None or not found.holds:
        raise typer.Exit(1)
