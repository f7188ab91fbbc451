"""`ctsieve listen`: a DICOM node that screens what it is sent and sends back the results."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ctsieve.node.station import Station


def run(
    settings: Annotated[
        Path | None, typer.Option("--settings", "-s", help="TOML file; options win over it.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="Folder of received studies, jobs and results.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; loopback by default.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port; 11112 by default, 0 for any.")] = None,
    ae_title: Annotated[str | None, typer.Option(help="Our AE title; CTSIEVE by default.")] = None,
    shadow: Annotated[
        bool | None, typer.Option("--shadow", help="Screen and log, send nothing.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry-failed", help="First do again what failed before.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the settings as JSON and stop.")
    ] = False,
) -> None:
    """Receive CT studies by DICOM, screen each once, send the results to the configured peers.

    Stops at Ctrl-C or SIGTERM; what is under way is resumed at the next start.
    Exit codes: 0 stopped, 2 settings that cannot be, 4 the bundle is missing or damaged.
    """
    from ctsieve.cli._extra import serve_extra

    with serve_extra():
        from ctsieve.node.settings import load_settings
        from ctsieve.node.station import Station

    chosen = load_settings(
        settings, home=home, host=host, port=port, ae_title=ae_title, shadow=shadow
    )
    if show:
        typer.echo(chosen.model_dump_json(indent=1))
        return
    _serve(Station(chosen), retry=retry)


def _serve(station: "Station", *, retry: bool) -> None:
    import logging
    import signal

    # Other people's log lines quote UIDs and headers; ours name studies by hashes.
    logging.basicConfig(level="ERROR", format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("ctsieve").setLevel("INFO")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: station.stop())
    with station:
        typer.echo(f"listening on {station.settings.host}:{station.listener.port}", err=True)
        if retry:
            station.retry_failed()
        station.run()
