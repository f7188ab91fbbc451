"""One jobs' database, one home: workers of another would take studies that they cannot see.

They would find no image, say so as the outcome, and the study would be refused for good.  So the
home has a name, which the first who uses a database writes into it.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ctsieve.jobs.durable import write_synced
from ctsieve.jobs.settings import database_url
from ctsieve.types.errors import UsageError

NAME: Final = "place-id"
"""File of the home that holds its name: one home, however it is mounted."""
_TABLE: Final = sa.Table(
    "ctsieve_place",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("place", sa.String, nullable=False),
)
_ONE: Final = 1


def claim(home: Path, *, database: str | None, storage: str | None) -> None:
    """See that the database has the jobs of this home; the first home that asks has it.

    Where the database lies in the home, or a storage by URL is what all share, nothing is to see.

    Raises:
        UsageError: it has the jobs of another home.
    """
    if database is None or storage is not None:
        return
    own = _name_of(home)
    address = database_url(home, database)
    if address.startswith("postgresql://"):
        address = address.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(address)
    try:
        # Two that start at once may both make the table, or both write: one of them is right.
        with suppress(IntegrityError), engine.begin() as connection:
            _TABLE.create(connection, checkfirst=True)
        with suppress(IntegrityError), engine.begin() as connection:
            if connection.scalar(sa.select(_TABLE.c.place)) is None:
                connection.execute(sa.insert(_TABLE).values(id=_ONE, place=own))
        with engine.begin() as connection:
            kept = connection.scalar(sa.select(_TABLE.c.place))
    finally:
        engine.dispose()
    if kept != own:
        raise UsageError(
            f"the database has the jobs of another folder than {home}",
            hint="give every home a database of its own: workers of one cannot see the other's"
            " studies",
        )


def _name_of(home: Path) -> str:
    file = home / NAME
    if not file.is_file():
        home.mkdir(parents=True, exist_ok=True)
        made = home / f".{NAME}-{uuid4().hex}"
        write_synced(made, uuid4().hex.encode("ascii"))
        with suppress(FileExistsError):
            os.link(made, file)
        made.unlink()
    return file.read_text("ascii")
