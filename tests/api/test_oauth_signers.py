"""Clients that sign: whose signature counts, and how long an assertion stays used."""

import json
from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from consent_service.kernel.actors import SYSTEM
from consent_service.oauth import service as oauth
from consent_service.oauth.client_keys import checked_jwks

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KINDS = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "PS256": lambda: RSAKey.generate_key(2048),
}


@pytest.fixture
def register(app, clock):
    """`register(key)`: the client `signer`."""

    def made(key):
        jwks = checked_jwks({"keys": [key.as_dict(private=False)]})
        with app.app_context():
            scopes = frozenset({"catalogue:read"})
            oauth.create_client("signer", "Signer", scopes, (), SYSTEM, clock(), jwks=jwks)

    return made


@pytest.fixture
def sign(client, clock):
    """`sign(key, algorithm)`: an assertion of `signer`, good for a minute."""
    audience = client.get("/.well-known/oauth-authorization-server").json["issuer"]

    def made(key, algorithm="ES256", **header):
        claims = {"iss": "signer", "sub": "signer", "aud": audience, "jti": "1"}
        claims["exp"] = int(clock().timestamp()) + 60
        header = {"alg": algorithm, **header}
        return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[algorithm])

    return made


@pytest.fixture
def ask(client):
    """The status of asking for a token with an assertion."""

    def send(assertion):
        form = {"grant_type": "client_credentials", "client_assertion": assertion}
        reply = client.post("/oauth/token", data={**form, "client_assertion_type": TYPE})
        return reply.status_code

    return send


@pytest.mark.parametrize("algorithm", KINDS)
def test_another_key_of_the_same_kind_does_not_sign(register, sign, ask, algorithm):
    own, other = KINDS[algorithm](), KINDS[algorithm]()
    register(own)
    assert ask(sign(other, algorithm)) == 401
    assert ask(sign(own, algorithm)) == 200


def test_an_assertion_stays_used_as_long_as_it_would_be_good(app, clock, register, sign, ask):
    key = KINDS["ES256"]()
    register(key)
    assertion = sign(key)
    assert ask(assertion) == 200
    clock.advance(timedelta(seconds=89))  # a minute, and half a minute for clocks that differ
    with app.app_context():
        oauth.delete_expired_tokens(clock())
    assert ask(assertion) == 401


def test_a_disabled_client_does_not_sign(app, clock, register, sign, ask):
    key = KINDS["ES256"]()
    register(key)
    with app.app_context():
        oauth.disable_client("signer", SYSTEM, clock())
    assert ask(sign(key)) == 401


@pytest.mark.parametrize(
    ("kind", "status"),
    [("JWT", 200), ("client-authentication+jwt", 200), ("at+jwt", 401), ("logout+jwt", 401)],
)
def test_a_token_of_another_type_is_no_assertion(register, sign, ask, kind, status):
    key = KINDS["ES256"]()
    register(key)
    assert ask(sign(key, typ=kind)) == status
