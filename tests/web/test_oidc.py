"""Signing in by an institution's accounts: against a real provider that signs real tokens."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey
from joserfc.util import json_b64encode
from pydantic import ValidationError
from tests.web.provider import CLIENT, SECRET, Provider, new_key, provider
from tests.web.serving import Person, serving

from ctsieve.web.app import PREFIX
from ctsieve.web.errors import NotSignedIn
from ctsieve.web.oidc import OidcSettings
from ctsieve.web.service import Service

pytestmark = pytest.mark.enable_socket
CALLBACK = f"http://127.0.0.1{PREFIX}/session/oidc/callback"
USER = {"sub": "s-1", "preferred_username": "ann", "groups": {"ct": ["readers", "others"]}}


@pytest.fixture(scope="module")
def known() -> Iterator[Provider]:
    with provider() as found:
        found.redirect_uri = CALLBACK
        yield found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, known: Provider) -> Iterator[Service]:
    told = {
        "issuer": known.issuer, "client_id": CLIENT, "client_secret": SECRET,
        "role_claim": "groups.ct", "roles": {"readers": "reviewer", "others": "viewer"},
        "workspace": "north",
    }  # fmt: skip
    with serving(tmp_path_factory.mktemp("oidc"), oidc=told) as found:
        found.accounts.ensure_admin()
        yield found


@pytest.fixture(autouse=True)
def _honest(known: Provider) -> None:
    known.user, known.lie, known.published = dict(USER), {}, None


def begun(person: Person) -> str:
    """Where the provider sends the browser back to."""
    start = person.client.get("session/ways").json()["provider"]["start"]
    answer = person.client.get(f"http://127.0.0.1{start}", follow_redirects=False)
    assert answer.status_code == 303
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"] != asked["nonce"]
    back = requests.get(answer.headers["location"], allow_redirects=False, timeout=10)
    assert back.status_code == 302, back.text
    return str(back.headers["location"])


def test_a_user_comes_in_with_the_role_the_provider_says(service: Service, known: Provider) -> None:
    person = Person(service)
    answer = person.client.get(begun(person), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if "ctsieve_session" in c)
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    shown = person.client.get("session").json()
    assert shown["user"] == {"name": "ann", "role": "reviewer"}
    assert shown["workspace"]["name"] == "north"
    assert not shown["must_change_password"]
    known.user["groups"] = {"ct": ["others"]}
    again = Person(service)
    again.client.get(begun(again), follow_redirects=False)
    assert again.client.get("session").json()["user"] == {"name": "ann", "role": "viewer"}
    wrong = Person(service).client.post("session", json={"name": "ann", "password": ""})
    assert wrong.status_code == 401


def test_a_way_back_is_good_once_and_in_its_browser(service: Service) -> None:
    person, thief = Person(service), Person(service)
    address = begun(person)
    assert thief.client.get(address, follow_redirects=False).status_code == 401
    assert person.client.get(address, follow_redirects=False).status_code == 401
    address = begun(person)
    assert person.client.get(address, follow_redirects=False).status_code == 303
    assert person.client.get(address, follow_redirects=False).status_code == 401


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "another client": {"aud": "other"},
    "for several, of another": {"aud": [CLIENT, "other"], "azp": "other"},
    "another nonce": {"nonce": "replayed"},
    "expired": {"exp": int(time.time()) - 3600},
    "no role": {"groups": {"ct": ["strangers"]}},
    "no groups": {"groups": None},
    "a name that cannot be": {"sub": "s-9", "preferred_username": "a/../b"},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_word_that_is_not_good_opens_nothing(
    service: Service, known: Provider, lie: dict[str, Any]
) -> None:
    known.lie = lie
    person = Person(service)
    answer = person.client.get(begun(person), follow_redirects=False)
    assert answer.status_code == 401, answer.text
    assert person.client.get("session").status_code == 401


def test_a_token_signed_by_anothernew_key_opens_nothing(service: Service, known: Provider) -> None:
    known.published = KeySet([new_key("one")])
    person = Person(service)
    assert person.client.get(begun(person), follow_redirects=False).status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_the_providers_signature_is_not_read(
    service: Service, known: Provider, algorithm: str
) -> None:
    assert service.oidc is not None
    claims = {
        "iss": known.issuer, "aud": CLIENT, "sub": "s-1", "nonce": "n",
        "iat": int(time.time()), "exp": int(time.time()) + 60,
    }  # fmt: skip
    public = known.keys.as_dict(private=False)
    signed = _forged(claims, algorithm, str(public))
    with pytest.raises(NotSignedIn, match="word is not good"):
        service.oidc._claims(signed, public, "n")


def _forged(claims: dict[str, Any], algorithm: str, secret: str) -> str:
    key = OctKey.import_key(secret)
    header = {"alg": algorithm, "kid": "one"}
    signed = jwt.encode({**header, "alg": "HS256"}, claims, key, algorithms=["HS256"])
    if algorithm == "HS256":
        return signed
    body = signed.split(".")[1]
    return f"{json_b64encode(header).decode()}.{body}."


def test_a_local_account_is_not_taken_over(service: Service, known: Provider) -> None:
    known.user |= {"sub": "s-2", "preferred_username": "admin"}
    person = Person(service)
    answer = person.client.get(begun(person), follow_redirects=False)
    assert answer.status_code == 409
    assert person.client.get("session").status_code == 401


def test_a_locked_user_stays_out(service: Service, known: Provider) -> None:
    known.user |= {"sub": "s-3", "preferred_username": "eve"}
    person = Person(service)
    person.client.get(begun(person), follow_redirects=False)
    admin = Person(service)
    known.user = {"sub": "s-4", "preferred_username": "boss", "groups": {"ct": "admins"}}
    assert service.oidc is not None
    roles = {**service.oidc.settings.roles, "admins": "admin"}
    service.oidc.settings = service.oidc.settings.model_copy(update={"roles": roles})
    admin.client.get(begun(admin), follow_redirects=False)
    admin.client.headers["X-CSRF-Token"] = admin.client.get("session").json()["csrf"]
    assert admin.client.patch("users/eve", json={"locked": True}).status_code == 204
    assert person.client.get("session").status_code == 401
    known.user = {**USER, "sub": "s-3", "preferred_username": "eve"}
    answer = person.client.get(begun(person), follow_redirects=False)
    assert answer.status_code == 401
    assert "locked" in answer.json()["detail"]


def test_a_provider_that_is_down_is_said(tmp_path: Path) -> None:
    told = {
        "issuer": "http://127.0.0.1:9", "client_id": CLIENT, "roles": {}, "workspace": "north",
    }  # fmt: skip
    with serving(tmp_path, oidc=told) as service:
        answer = Person(service).client.get("session/oidc", follow_redirects=False)
        assert answer.status_code == 502
        assert "provider" in answer.json()["detail"]
    with serving(tmp_path / "none") as service:
        assert Person(service).client.get("session/ways").json() == {"provider": None}
        assert Person(service).client.get("session/oidc").status_code == 404


def test_a_provider_speaks_https_unless_it_is_on_this_machine() -> None:
    with pytest.raises(ValidationError, match="https"):
        OidcSettings(issuer="http://login.example", client_id="x", roles={}, workspace="north")
