"""What all tests share: where real data lies, and whether a skip is allowed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("CTSIEVE_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real CT; a test that asks for it is skipped where it is absent."""
    if not (DATA / "manifest.csv").is_file():
        pytest.skip("real CT data is not at hand: set CTSIEVE_DATA to its folder")
    return DATA


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's imported bundles out of the tests, and the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CTSIEVE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure: there everything a test needs is at hand."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CTSIEVE_ALLOW_SKIPS") == "0" and reporter is not None:
        skipped = reporter.stats.get("skipped", [])
        if skipped and exitstatus == 0:
            reporter.write_line(f"CI allows no skipped tests, and {len(skipped)} were skipped")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
