"""One database behind the service: SQLite in the home, or PostgreSQL by URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from ctsieve.types.promise import promise
from ctsieve.web.tables import Table

_WRITES: Final = "ctsieve_writes"

_KEEP_SQLITE: Final = (
    "CREATE TRIGGER IF NOT EXISTS audit_{verb} BEFORE {verb} ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
)
_KEEP_POSTGRES: Final = (
    "CREATE OR REPLACE FUNCTION audit_kept() RETURNS trigger AS $$ BEGIN"
    " RAISE EXCEPTION 'the audit log is append-only'; END $$ LANGUAGE plpgsql",
    "CREATE OR REPLACE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_kept()",
)


class Database:
    """Short transactions: `reading` and `writing`."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        """Open the database and make what is missing."""
        home.mkdir(parents=True, exist_ok=True)
        address = url or f"sqlite:///{(home / 'service.sqlite').absolute()}"
        if address.startswith("postgresql://"):
            address = address.replace("postgresql://", "postgresql+psycopg://", 1)
        self._engine = sa.create_engine(address, pool_pre_ping=True)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        if self._is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        self._writer = self._engine.execution_options(**{_WRITES: True})
        Table.metadata.create_all(self._engine)
        self._add_columns()
        self._keep_audit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that changes nothing."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is committed at the end of the block, or leaves no trace."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def lock_audit(self, session: Session) -> None:
        """Until the transaction ends nobody else adds to the audit log."""
        if not self._is_sqlite:  # there, one transaction writes at a time anyway
            session.execute(sa.text("LOCK TABLE audit IN EXCLUSIVE MODE"))

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    def _add_columns(self) -> None:
        """Give tables of an older version the columns that came since."""
        inspector = sa.inspect(self._engine)
        quote = self._engine.dialect.identifier_preparer.quote
        with self._writer.begin() as connection:
            for table in Table.metadata.sorted_tables:
                there = {column["name"] for column in inspector.get_columns(table.name)}
                for column in (c for c in table.columns if c.name not in there):
                    kind = column.type.compile(self._engine.dialect)
                    default = "" if column.nullable else f" NOT NULL DEFAULT {_written(column)}"
                    statement = f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)}"
                    connection.execute(sa.text(f"{statement} {kind}{default}"))

    def _keep_audit(self) -> None:
        statements = [_KEEP_SQLITE.format(verb=verb) for verb in ("UPDATE", "DELETE")]
        with self._writer.begin() as connection:
            for statement in statements if self._is_sqlite else _KEEP_POSTGRES:
                connection.execute(sa.text(statement))


def _written(column: "sa.Column[Any]") -> str:
    """A column's default, which is a plain value, as SQL has it."""
    value = getattr(column.default, "arg", None)
    promise(isinstance(value, (str, int)), f"the new column {column.name} has a plain default")
    return "''" if value == "" else str(value)


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's own
    # The driver would open transactions late and as readers; `_begin_sqlite` says which it is.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    # A reader that turns into a writer halfway may be refused at once, whatever the timeout.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
