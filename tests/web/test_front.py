"""In front of the service: a proxy that speaks TLS, and strangers who send too much."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from tests.web.serving import admin_of, serving
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ctsieve.web.app import PREFIX, make_app
from ctsieve.web.bodies import MOST, MOST_OF_A_STRANGER
from ctsieve.web.server import Server
from ctsieve.web.service import Service
from ctsieve.web.settings import ServeSettings

MIB = 1 << 20


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path) as found:
        yield found


def test_behind_a_proxy_that_is_believed_cookies_are_for_tls_alone(service: Service) -> None:
    password = service.accounts.ensure_admin()
    given = {"name": "admin", "password": password}
    for proxy, told in (("10.0.0.1", True), ("10.0.0.2", False)):
        app = ProxyHeadersMiddleware(make_app(service), ["10.0.0.1"])  # type: ignore[arg-type]
        client = TestClient(app, base_url=f"http://ct.example.org{PREFIX}", client=(proxy, 4000))  # type: ignore[arg-type]
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        answer = client.post("session", json=given, headers=headers)
        assert answer.status_code == 200
        assert ("Secure" in answer.headers["set-cookie"]) == told
        assert ("strict-transport-security" in answer.headers) == told


def test_a_server_believes_the_proxies_of_its_settings_and_no_other(tmp_path: Path) -> None:
    for proxies in ((), ("127.0.0.1", "10.0.0.0/8")):
        settings = ServeSettings(home=tmp_path, proxies=proxies, min_free_mb=0)
        config = Server(settings)._server.config
        assert config.proxy_headers == bool(proxies)
        assert config.forwarded_allow_ips == list(proxies)
    with pytest.raises(ValidationError, match="does not appear to be"):
        ServeSettings(proxies=("*",))


def _endless(size: int, taken: list[int]) -> Iterator[bytes]:
    """A body that does not say how long it is."""
    while sum(taken) < size:
        taken.append(MIB // 4)
        yield b" " * (MIB // 4)


@pytest.mark.parametrize("path", ["session", "uploads", "contributions", "session/oidc"])
def test_a_stranger_cannot_fill_the_memory(service: Service, path: str) -> None:
    client = TestClient(make_app(service), base_url=f"http://127.0.0.1{PREFIX}")
    taken: list[int] = []
    headers = {"Content-Type": "application/json"}
    endless = client.post(path, content=_endless(64 * MIB, taken), headers=headers)
    announced = client.post(path, content=b" " * (MOST_OF_A_STRANGER + 1), headers=headers)
    for answer in (endless, announced):
        assert answer.status_code in (413, 405), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_who_is_signed_in_may_announce_many_files_and_no_more_than_that(service: Service) -> None:
    client = admin_of(service).client
    headers = {"Content-Type": "application/json"}
    many = {"files": [{"name": "n" * 400, "size": 1} for _ in range(10_000)]}
    assert client.post("uploads", json=many).status_code == 200
    more = client.post("uploads", content=b" " * (MOST + 1), headers=headers)
    assert (more.status_code, more.json()["code"]) == (413, "too-large")
