"""A real OpenID provider on loopback, made of Authlib's server: it checks PKCE and signs tokens."""
# ruff: noqa: D102  (the library says what they are)

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from flask import Flask, Response, jsonify
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

CLIENT = "ctsieve"
SECRET = "of the client"  # noqa: S105  of a test


@dataclass(slots=True)
class Client(ClientMixin):  # type: ignore[misc]  # the library has no types
    """The one client that the provider knows."""

    redirect_uri: str
    id: str = CLIENT

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass(slots=True)
class Code:
    """A code that was given out."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass(slots=True)
class Provider:
    """What the provider says; a test may change it while it runs."""

    issuer: str
    redirect_uri: str = ""
    user: dict[str, Any] = field(default_factory=dict)
    lie: dict[str, Any] = field(default_factory=dict)
    """Claims that are put in place of the true ones before the token is signed."""
    keys: KeySet = field(default_factory=lambda: KeySet([new_key("one")]))
    published: KeySet | None = None
    """Keys that the provider shows, where they are not those it signs with."""
    codes: dict[str, Code] = field(default_factory=dict)


def new_key(name: str) -> RSAKey:
    """A key to sign with."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider that runs until the block ends."""
    app = Flask(__name__)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    found = Provider(issuer=f"http://127.0.0.1:{server.server_port}")
    _add_routes(app, found)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _add_routes(app: Flask, known: Provider) -> None:
    server = AuthorizationServer(
        app,
        query_client=lambda name: Client(known.redirect_uri) if name == CLIENT else None,
        save_token=lambda _token, _request: None,
    )
    server.register_grant(_grant(known), [CodeChallenge(required=True), _word(known)()])

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        found = {name: f"{known.issuer}/{place}" for name, place in places.items()}
        return jsonify(issuer=known.issuer, jwks_uri=f"{known.issuer}/keys", **found)

    @app.get("/keys")
    def keys() -> Response:
        return jsonify((known.published or known.keys).as_dict(private=False))

    @app.get("/authorize")
    def authorize() -> Response:
        grant = server.get_consent_grant(end_user=known.user)
        answer: Response = server.create_authorization_response(grant_user=known.user, grant=grant)
        return answer

    @app.post("/token")
    def token() -> Response:
        answer: Response = server.create_token_response()
        return answer


def _grant(known: Provider) -> type:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: Any) -> None:  # noqa: ANN401
            asked = request.payload.data
            known.codes[code] = Code(
                code=code,
                redirect_uri=request.payload.redirect_uri,
                scope=request.payload.scope,
                nonce=asked["nonce"],
                code_challenge=asked["code_challenge"],
                code_challenge_method=asked["code_challenge_method"],
            )

        def query_authorization_code(self, code: str, _client: Client) -> Code | None:
            return known.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del known.codes[authorization_code.code]

        def authenticate_user(self, _authorization_code: Code) -> dict[str, Any]:
            return known.user

    return Grant


def _word(known: Provider) -> type:
    class Word(OpenIDCode):  # type: ignore[misc]
        def resolve_client_private_key(self, _client: Client) -> KeySet:
            return known.keys

        def get_client_algorithm(self, _client: Client) -> str:
            return "RS256"

        def get_client_claims(self, _client: Client) -> dict[str, Any]:
            return {"iss": known.issuer}

        def exists_nonce(self, _nonce: str, _request: object) -> bool:
            return False

        def generate_user_info(self, user: dict[str, Any], _scope: str) -> dict[str, Any]:
            return {**user, **known.lie}

    return Word
