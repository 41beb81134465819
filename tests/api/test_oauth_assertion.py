"""Clients that sign (private_key_jwt): what is asked of an assertion, line by line."""

import base64
import json
import warnings
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import Invalid
from consent_service.oauth import service as oauth
from consent_service.oauth.client_keys import ALGORITHMS, checked_jwks
from tests.support.oauth import LoyaltyApp, add_customer

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KINDS = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "RS256": lambda: RSAKey.generate_key(2048),
    "PS256": lambda: RSAKey.generate_key(2048),
}


@pytest.fixture(scope="module")
def keys():
    return {name: make() for name, make in KINDS.items()}


@pytest.fixture
def register(app, clock):
    """`register(*keys)`: a service that signs with them."""

    def made(*keys, name="signer"):
        public = [key.as_dict(private=False) for key in keys]
        with app.app_context():
            oauth.create_client(
                name, name, frozenset({"catalogue:read"}), (), SYSTEM, clock(),
                jwks=checked_jwks({"keys": public}),
            )  # fmt: skip

    return made


@pytest.fixture
def ask(client, contract):
    """Asks for a token with an assertion."""

    def send(assertion, path="/oauth/token", **more):
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": TYPE,
            "client_assertion": assertion,
            **more,
        }
        reply = client.post(path, data={n: v for n, v in form.items() if v is not None})
        contract.check(reply)
        return reply

    return send


@pytest.fixture
def sign(app, clock):
    """`sign(key, algorithm)`: a good assertion, but for what is changed."""
    audience = app.test_client().get("/.well-known/oauth-authorization-server").json["issuer"]
    numbers = iter(range(1_000))

    def made(key, algorithm="ES256", header=None, drop=(), **changes):
        now = int(clock().timestamp())
        claims = {
            "iss": "signer",
            "sub": "signer",
            "aud": audience,
            "iat": now,
            "exp": now + 60,
            "jti": f"jti-{next(numbers)}",
            **changes,
        }
        for name in drop:
            del claims[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EdDSA is the old name of Ed25519
            return jws.serialize_compact(
                {"alg": algorithm, **(header or {})},
                json.dumps(claims),
                key,
                algorithms=[algorithm],
                registry=jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False),
            )

    return made


def unknown(reply):
    return (reply.status_code, reply.json.get("error")) == (401, "invalid_client")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_named_works(keys, register, ask, sign, algorithm):
    register(keys[algorithm])
    reply = ask(sign(keys[algorithm], algorithm))
    assert reply.status_code == 200, reply.json
    assert reply.json["scope"] == "catalogue:read"


def test_an_assertion_is_good_once(keys, register, ask, sign):
    register(keys["ES256"])
    assertion = sign(keys["ES256"])
    assert ask(assertion).status_code == 200
    assert unknown(ask(assertion))
    assert unknown(ask(sign(keys["ES256"], jti="jti-0")))


def test_the_number_of_one_client_is_not_anothers(keys, register, ask, sign):
    register(keys["ES256"])
    register(keys["Ed25519"], name="other")
    assert ask(sign(keys["ES256"], jti="same")).status_code == 200
    mine = sign(keys["Ed25519"], "Ed25519", iss="other", sub="other", jti="same")
    assert ask(mine).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": []},
        {"aud": None},
        {"aud": 1},
        {"aud": {}},
        {"iss": "other"},
        {"iss": "other", "sub": "other"},
        {"sub": 1, "iss": 1},
        {"sub": ["signer"], "iss": ["signer"]},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e400},
        {"exp": 10**30},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "x" * 257},
        {"nbf": "now"},
        {"iat": []},
    ],
)
def test_a_claim_that_is_not_right_is_refused(keys, register, ask, sign, changes):
    register(keys["ES256"])
    assert unknown(ask(sign(keys["ES256"], **changes)))


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "jti"])
def test_a_claim_that_is_missing_is_refused(keys, register, ask, sign, name):
    register(keys["ES256"])
    assert unknown(ask(sign(keys["ES256"], drop=[name])))


@pytest.mark.parametrize(
    ("name", "seconds", "good"),
    [
        ("exp", -31, False),
        ("exp", -29, True),
        ("exp", 600, True),
        ("exp", 700, False),
        ("nbf", 20, True),
        ("nbf", 40, False),
        ("iat", 40, False),
    ],
)
def test_an_assertion_has_its_time(keys, register, ask, sign, clock, name, seconds, good):
    register(keys["ES256"])
    at = (clock() + timedelta(seconds=seconds)).timestamp()
    assert (ask(sign(keys["ES256"], **{name: at})).status_code == 200) == good


@pytest.mark.parametrize("many", [True, False])
def test_the_audience_is_this_server_however_it_is_written(keys, register, ask, sign, client, many):
    register(keys["ES256"])
    metadata = client.get("/.well-known/oauth-authorization-server").json
    for name in ("issuer", "token_endpoint"):
        audience = [metadata[name]] if many else metadata[name]
        assert ask(sign(keys["ES256"], aud=audience)).status_code == 200
    both = [metadata["issuer"], "https://other.example"]
    assert unknown(ask(sign(keys["ES256"], aud=both)))


def test_another_key_does_not_sign_for_the_client(keys, register, ask, sign):
    register(keys["ES256"])
    assert unknown(ask(sign(ECKey.generate_key("P-256"))))
    assert unknown(ask(sign(keys["Ed25519"], "Ed25519")))


def test_two_keys_live_during_a_rotation_and_the_kid_chooses(register, ask, sign):
    old = ECKey.generate_key("P-256", {"kid": "old"})
    new = ECKey.generate_key("P-256", {"kid": "new"})
    register(old, new)
    assert ask(sign(old)).status_code == 200
    assert ask(sign(new, header={"kid": "new"})).status_code == 200
    assert unknown(ask(sign(new, header={"kid": "old"})))


def test_no_signature_is_no_assertion(keys, register, ask, sign):
    register(keys["ES256"])
    _, claims, _ = sign(keys["ES256"]).split(".")
    for algorithm in ("none", "None", "NONE", ""):
        header = part({"alg": algorithm})
        assert unknown(ask(f"{header}.{claims}."))
        assert unknown(ask(f"{header}.{claims}.AAAA"))


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_a_public_key_is_no_secret_to_sign_with(keys, register, ask, sign, algorithm):
    register(keys["RS256"])
    _, claims, _ = sign(keys["RS256"], "RS256").split(".")
    signed = f"{part({'alg': algorithm})}.{claims}"
    pem = keys["RS256"].public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, pem.strip(), json.dumps(keys["RS256"].as_dict(private=False)).encode()):
        kind = hashes.SHA256() if algorithm == "HS256" else hashes.SHA512()
        mac = hmac.HMAC(secret, kind)
        mac.update(signed.encode())
        assert unknown(ask(f"{signed}.{encoded(mac.finalize())}"))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5c", "x5u", "crit", "b64"])
def test_an_assertion_that_brings_its_key_along_is_refused(keys, register, ask, sign, name):
    register(keys["ES256"])
    values = {"jwk": keys["ES256"].as_dict(private=False), "x5c": ["AAAA"], "crit": ["exp"]}
    if name in ("crit", "b64"):
        _, claims, signature = sign(keys["ES256"]).split(".")
        header = {"alg": "ES256", name: values.get(name, True)}
        assert unknown(ask(f"{part(header)}.{claims}.{signature}"))
        return
    value = values.get(name, "https://app.example.org/keys")
    assert unknown(ask(sign(keys["ES256"], header={name: value})))


@pytest.mark.parametrize("algorithm", ["ES384", "RS512", "PS384", "RS256"])
def test_an_algorithm_that_is_not_the_keys_is_refused(keys, register, ask, sign, algorithm):
    register(keys["ES256"])
    _, claims, signature = sign(keys["ES256"]).split(".")
    assert unknown(ask(f"{part({'alg': algorithm})}.{claims}.{signature}"))


@pytest.mark.parametrize(
    "assertion", ["", "x", "a.b", "a.b.c", "..", "é.é.é", "x" * 9_000, "e30.e30.", "W10.W10.AAAA"]
)
def test_what_is_no_assertion_is_refused(keys, register, ask, assertion):
    register(keys["ES256"])
    assert unknown(ask(assertion))


def test_an_assertion_of_an_unknown_client_looks_like_a_wrong_one(keys, register, ask, sign):
    register(keys["ES256"])
    wrong = ask(sign(ECKey.generate_key("P-256")))
    nobody = ask(sign(keys["ES256"], iss="nobody", sub="nobody"))
    assert (wrong.status_code, wrong.data) == (nobody.status_code, nobody.data)


def test_a_client_that_signs_has_no_secret_and_one_with_a_secret_does_not_sign(
    app, keys, register, ask, sign, make_client, client, clock
):
    register(keys["ES256"])
    for secret in ("", "x"):
        form = {"grant_type": "client_credentials"}
        assert unknown(client.post("/oauth/token", data=form, auth=("signer", secret)))
    made = make_client("website", ["catalogue:read"])
    assert unknown(ask(sign(keys["ES256"], iss="website", sub="website")))
    assertion = sign(keys["ES256"])
    assert unknown(ask(assertion, client_id="website", client_secret=made.secret))
    assert unknown(ask(assertion, client_id="website"))


@pytest.mark.parametrize("kind", [None, "", "urn:ietf:params:oauth:grant-type:jwt-bearer"])
def test_the_type_of_assertion_is_said(keys, register, ask, sign, kind):
    register(keys["ES256"])
    assert unknown(ask(sign(keys["ES256"]), client_assertion_type=kind))


def test_an_assertion_is_no_access_token(keys, register, sign, client):
    register(keys["ES256"])
    for assertion in (sign(keys["ES256"]), sign(keys["ES256"], jti="1" * 43)):
        reply = client.get("/v1/catalogue", headers={"Authorization": f"Bearer {assertion}"})
        assert (reply.status_code, reply.json["code"]) == (401, "not_authenticated")


def test_an_app_signs_for_codes_and_refreshing_too(app, clock, keys, sign):
    key = keys["ES256"]
    jwks = checked_jwks({"keys": [key.as_dict(private=False)]})
    loyalty = LoyaltyApp(app, clock, jwks=jwks)
    loyalty.signed_in = add_customer(app, clock)

    def assertion():
        signed = sign(key, iss="loyalty", sub="loyalty")
        return {"client_assertion_type": TYPE, "client_assertion": signed}

    code, client = loyalty.code(), app.test_client()
    loyalty.auth = None
    tokens = loyalty.redeem(code, client, **assertion()).json
    assert loyalty.sees(tokens["access_token"]) == 200
    tokens = loyalty.refresh(tokens["refresh_token"], client, **assertion()).json
    assert loyalty.sees(tokens["access_token"]) == 200
    told = loyalty.ask(
        {"token": tokens["access_token"], **assertion()}, client, "/oauth/introspect"
    )
    assert told.json["active"] is True
    gone = loyalty.ask({"token": tokens["access_token"], **assertion()}, client, "/oauth/revoke")
    assert gone.status_code == 200
    assert loyalty.sees(tokens["access_token"]) == 401


def bad_keys():
    good = ECKey.generate_key("P-256").as_dict(private=False)
    return [
        {"keys": []},
        {"keys": "x"},
        {},
        {"keys": [1]},
        {"keys": [{}]},
        {"keys": [{"kty": "oct", "k": "AAAA"}]},
        {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]},
        {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]},
        {"keys": [OKPKey.generate_key("X25519").as_dict(private=False)]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]},
        {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]},
        {"keys": [{"kty": "EC", "crv": ["P-256"], "x": 1, "y": 2}]},
        {"keys": [good] * 11},
        {"keys": [{**good, "alg": "HS256"}]},
        {"keys": [{**good, "use": "enc"}]},
    ]


@pytest.mark.parametrize("at", range(16))
def test_a_key_that_is_not_public_and_of_our_kinds_is_not_registered(at):
    with pytest.raises(Invalid):
        checked_jwks(bad_keys()[at])


def test_the_kinds_of_keys_are_those_the_metadata_names(client):
    metadata = client.get("/.well-known/oauth-authorization-server").json
    named = metadata["token_endpoint_auth_signing_alg_values_supported"]
    assert sorted(named) == sorted(ALGORITHMS) == sorted(KINDS)


def part(header):
    return encoded(json.dumps(header).encode())


def encoded(value):
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
