"""Serving: the app on a socket, with its workers as processes of their own beside it."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import uvicorn

from ctsieve.web.app import make_app
from ctsieve.web.service import Service
from ctsieve.web.settings import ServeSettings

logger = logging.getLogger(__name__)

RESTART_SECONDS: Final = 2.0
GRACE_SECONDS: Final = 20.0


@contextmanager
def workers(settings: ServeSettings) -> Iterator[None]:
    """Worker processes that are started again when they end, until the block does."""
    stopped = threading.Event()
    threads = [
        threading.Thread(target=_keep_worker, args=(settings, number, stopped), daemon=True)
        for number in range(settings.workers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def _keep_worker(settings: ServeSettings, number: int, stopped: threading.Event) -> None:
    while not stopped.is_set():
        # The worker ends when its input closes: also when this process is killed.
        process = subprocess.Popen(  # noqa: S603  our own program
            _command(settings, number), stdin=subprocess.PIPE, env=_environment(settings)
        )
        logger.info("worker %d is process %d", number, process.pid)
        while process.poll() is None and not stopped.wait(0.2):
            pass
        if stopped.is_set():
            _end(process)
        else:
            logger.warning("worker %d ended with %s; starting it again", number, process.poll())
            stopped.wait(RESTART_SECONDS)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:  # a study under way; it is judged anew at the next start
        process.kill()
        process.wait()


def _command(settings: ServeSettings, number: int) -> list[str]:
    options = {"--home": settings.home, "--name": f"local-{number}"}
    if settings.threads:
        options["--threads"] = str(settings.threads)
    command = [sys.executable, "-m", "ctsieve", "worker", "--until-stdin-closes"]
    return [*command, *(str(part) for pair in options.items() for part in pair)]


def _environment(settings: ServeSettings) -> dict[str, str]:
    # Not an option: everybody on the machine can read command lines, and it may hold a password.
    told = {
        "CTSIEVE_SERVE_DATABASE": settings.database, "CTSIEVE_SERVE_STORAGE": settings.storage,
    }  # fmt: skip
    return {**os.environ, **{name: value for name, value in told.items() if value}}


class _Socket(uvicorn.Server):
    """Leaves signals to the caller: uvicorn would raise them again before workers are ended."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """The service on its socket.  `run` returns soon after `stop`."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.service = Service(settings)
        self.first_password = self.service.accounts.ensure_admin()
        self._server = _Socket(
            uvicorn.Config(
                make_app(self.service),
                host=settings.host,
                port=settings.port,
                ssl_certfile=settings.certificate,
                ssl_keyfile=settings.key,
                log_config=None,
                access_log=False,  # the audit log has the users' acts, without addresses of files
                server_header=False,
                proxy_headers=bool(settings.proxies),
                forwarded_allow_ips=list(settings.proxies),
                timeout_graceful_shutdown=3,
                lifespan="off",
            )
        )

    def run(self) -> None:
        """Serve until `stop` is called."""
        with ExitStack() as stack:
            stack.enter_context(self.service)
            stack.enter_context(workers(self.settings))
            self._server.run()

    def stop(self) -> None:
        """Make `run` return soon; may be called from a signal handler."""
        self._server.should_exit = True
