"""`ctsieve send`: bring DICOM files to a peer, by C-STORE or STOW-RS."""

from pathlib import Path
from typing import Annotated

import typer


def run(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, or folders of them.")],
    to: Annotated[
        str, typer.Option("--to", help="dicom://AET@host:port, dicoms://... or https://host/path.")
    ],
    ae_title: Annotated[str, typer.Option(help="Our AE title.")] = "CTSIEVE",
    echo: Annotated[bool, typer.Option("--echo", help="First ask whether the peer answers.")] = (
        False
    ),
    tries: Annotated[int, typer.Option(min=1, help="Times to try, waiting longer each time.")] = 3,
) -> None:
    """Send DICOM files; files of a folder that are not DICOM are left out.

    Exit codes: 0 all are stored, 2 nothing to send, 7 the peer refused or does not answer.
    """
    from ctsieve.cli._extra import serve_extra

    with serve_extra():
        from ctsieve.node import sender
        from ctsieve.node.settings import peer_at
    from ctsieve.types.errors import UsageError

    peer = peer_at(to)
    files = sender.dicom_files(paths)
    if not files:
        raise UsageError("there is no DICOM file to send", hint="give files or folders of DICOM")
    if echo and not peer.is_web:
        sender.echo(peer, calling=ae_title)
    sender.send_patiently(files, peer, calling=ae_title, tries=tries)
    typer.echo(f"{len(files)} files sent", err=True)
