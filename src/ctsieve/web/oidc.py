"""Signing in by OpenID Connect: authorisation code with PKCE, state and nonce.

Sources  OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3.7; Discovery 1.0, section 4.3;
         RFC 7636 (PKCE); RFC 9700 (best current practice).
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import requests
import sqlalchemy as sa
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from ctsieve.types.errors import PeerRefused
from ctsieve.web.database import Database
from ctsieve.web.errors import NotSignedIn, TooMany
from ctsieve.web.passwords import digest_of, new_token
from ctsieve.web.tables import OidcAttempt

Role = Literal["viewer", "clinician", "reviewer", "admin"]
SIGNED_BY: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Keys that only the provider has: never "none", never a secret that clients share."""
ATTEMPT_SECONDS: Final = 600.0
MOST_ATTEMPTS: Final = 10_000
TIMEOUT_SECONDS: Final = 10.0
LEEWAY_SECONDS: Final = 60
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class OidcSettings(BaseModel):
    """A provider, and how its users become ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    """Such as https://login.example.org/realms/hospital; its discovery document says the rest."""
    client_id: str
    client_secret: SecretStr | None = None
    """Give it as CTSIEVE_SERVE_OIDC__CLIENT_SECRET; None: a public client."""
    scope: str = "openid profile email"
    name_claim: str = "preferred_username"
    role_claim: str = "roles"
    """Path of the claim, dots between its parts: realm_access.roles."""
    roles: dict[str, Role]
    """Value of the claim to role: of several the one that may most; without any nobody comes in."""
    workspace: str = Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$")
    """Where new users work."""
    title: str = "your institution's account"
    """What the page calls this way."""
    public_url: str | None = None
    """Address of the service as browsers see it, where a proxy changes it."""

    @field_validator("issuer", "public_url")
    @classmethod
    def _encrypted(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://x")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError(f"{url!r} must begin with https://")
        return url


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where to send the browser, and what it must bring back as a cookie."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    name: str
    role: Role


class Oidc:
    """The way in by one provider."""

    def __init__(self, settings: OidcSettings, database: Database) -> None:
        self.settings = settings
        self._database = database

    def begin(self, redirect_uri: str) -> Begun:
        """Start to sign in.

        Raises:
            PeerRefused: the provider does not answer.
            TooMany: too many have begun lately.
        """
        state, nonce, verifier, cookie = (new_token() for _ in range(4))
        endpoint = self._discovered()["authorization_endpoint"]
        with self._database.writing() as session:
            session.execute(sa.delete(OidcAttempt).where(OidcAttempt.expires < time.time()))
            if (session.scalar(sa.select(sa.func.count(OidcAttempt.state))) or 0) >= MOST_ATTEMPTS:
                raise TooMany("too many sign-ins have begun", hint="wait some minutes")
            session.add(
                OidcAttempt(
                    state=digest_of(state), browser=digest_of(cookie), nonce=nonce,
                    verifier=verifier, expires=time.time() + ATTEMPT_SECONDS,
                )
            )  # fmt: skip
        client = self._client(redirect_uri)
        url, _ = client.create_authorization_url(
            endpoint, state=state, nonce=nonce, code_verifier=verifier
        )
        return Begun(url=url, cookie=cookie)

    def end(self, *, state: str, code: str, cookie: str, redirect_uri: str) -> Person:
        """Whom the provider sent back with a code.

        Raises:
            NotSignedIn: this browser did not begin it, or the provider's word is not good.
            PeerRefused: the provider does not answer or refuses the code.
        """
        attempt = self._attempt(state, cookie)
        found = self._discovered()
        with _answering():
            token = self._client(redirect_uri).fetch_token(
                found["token_endpoint"],
                code=code,
                grant_type="authorization_code",
                code_verifier=attempt.verifier,
            )
            answer = requests.get(found["jwks_uri"], timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            keys: KeySetSerialization = answer.json()
        claims = self._claims(str(token.get("id_token", "")), keys, attempt.nonce)
        return self._person(claims)

    def _attempt(self, state: str, cookie: str) -> OidcAttempt:
        with self._database.writing() as session:
            row = session.get(OidcAttempt, digest_of(state))
            if row is not None:
                session.delete(row)  # once, whatever comes of it
        same_browser = row is not None and secrets.compare_digest(row.browser, digest_of(cookie))
        if row is None or row.expires < time.time() or not same_browser:
            raise NotSignedIn("this sign-in was not begun here, or too long ago", hint="begin anew")
        return row

    def _discovered(self) -> dict[str, Any]:
        issuer = self.settings.issuer
        with _answering():
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            answer = requests.get(url, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != issuer or not all(name in found for name in needed):
            raise PeerRefused("the sign-in provider's document is not its own", hint="ask an admin")
        return found

    def _client(self, redirect_uri: str) -> OAuth2Session:
        secret = self.settings.client_secret
        return OAuth2Session(
            self.settings.client_id,
            secret.get_secret_value() if secret else None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=self.settings.scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_SECONDS,
        )

    def _claims(self, token: str, keys: KeySetSerialization, nonce: str) -> dict[str, Any]:
        client_id = self.settings.client_id
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            found = jwt.decode(token, KeySet.import_key_set(keys), algorithms=list(SIGNED_BY))
            registry.validate(found.claims)
        except (JoseError, ValueError, KeyError) as error:
            raise NotSignedIn("the provider's word is not good", hint="ask an admin") from error
        claims: dict[str, Any] = dict(found.claims)
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else client_id) != client_id:
            raise NotSignedIn("the provider's word is for somebody else")
        return claims

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name = str(_at(claims, self.settings.name_claim) or claims["sub"])
        held = _at(claims, self.settings.role_claim)
        values = held if isinstance(held, list) else [held]
        order: tuple[Role, ...] = ("viewer", "clinician", "reviewer", "admin")
        mine = {self.settings.roles[v] for v in map(str, values) if v in self.settings.roles}
        if not mine:
            raise NotSignedIn("this account has no role here", hint="ask an admin of the provider")
        return Person(
            issuer=self.settings.issuer,
            subject=str(claims["sub"]),
            name=name,
            role=max(mine, key=order.index),
        )


def _at(claims: Mapping[str, Any], path: str) -> object:
    value: object = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, AuthlibBaseError, ValueError) as error:
        raise PeerRefused(
            "the sign-in provider does not answer, or refuses", hint="try again, or ask an admin"
        ) from error
