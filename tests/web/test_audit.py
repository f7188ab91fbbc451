"""The audit log: what was done around the service is found."""

import contextlib
import sqlite3
from pathlib import Path

import sqlalchemy as sa
from tests.web.serving import serving
from typer.testing import CliRunner

from ctsieve.cli import app
from ctsieve.web.audit import check


def test_a_changed_audit_entry_is_found(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.accounts.ensure_admin()
        with service.database.writing() as session:
            session.execute(sa.text("DROP TRIGGER audit_UPDATE"))
            session.execute(sa.text("UPDATE audit SET action='nothing' WHERE id=1"))
        with service.database.reading() as session:
            assert check(session).broken_at == 1


def test_the_log_is_checked_by_a_command(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.accounts.ensure_admin()
        admin = service.accounts.users()[0][0].name
        assert admin == "admin"
    command = ["serve", "--home", str(tmp_path / "home"), "--check-log"]
    whole = CliRunner().invoke(app, command)
    assert whole.exit_code == 0, whole.output
    digest = whole.output.split()[-1]
    assert CliRunner().invoke(app, [*command, "--expect", digest]).exit_code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "service.sqlite")) as database:
        database.execute("DROP TRIGGER audit_DELETE")
        database.execute("DELETE FROM audit WHERE id=(SELECT max(id) FROM audit)")
        database.commit()
    cut = CliRunner().invoke(app, [*command, "--expect", digest])
    assert cut.exit_code == 1
    assert "cut off" in cut.output
