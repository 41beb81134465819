import base64
import json
from datetime import UTC, datetime

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from consent_service.crypto import keyring
from consent_service.crypto.keyring import KeyUse
from consent_service.crypto.signing import BadSignature, jwks, sign, verify

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KIND = "consent-receipt+jws"
CLAIMS = {"purpose": "marketing.newsletter", "text": "да"}


@pytest.fixture
def ring():
    return keyring.generate(NOW)


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_statement_is_verified_by_the_public_keys(ring):
    assert verify(jwks(ring), sign(ring, KIND, CLAIMS), KIND) == CLAIMS


def test_the_key_set_holds_public_halves_only(ring):
    (key,) = jwks(ring)["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "Ed25519")


def test_a_statement_of_before_a_rotation_stays_good(ring):
    statement = sign(ring, KIND, CLAIMS)
    newer = ring.with_new(KeyUse.SIGNING, NOW)
    assert verify(jwks(newer), statement, KIND) == CLAIMS
    header = json.loads(base64.urlsafe_b64decode(sign(newer, KIND, CLAIMS).split(".")[0] + "=="))
    assert header["kid"] == jwks(newer)["keys"][-1]["kid"] != jwks(ring)["keys"][0]["kid"]


def test_a_statement_by_a_retired_key_is_refused(ring):
    statement = sign(ring, KIND, CLAIMS)
    newer = ring.with_new(KeyUse.SIGNING, NOW).without(ring.newest(KeyUse.SIGNING).id)
    with pytest.raises(BadSignature):
        verify(jwks(newer), statement, KIND)


def test_another_kind_is_refused(ring):
    with pytest.raises(BadSignature, match="another kind"):
        verify(jwks(ring), sign(ring, "consent-decision+jws", CLAIMS), KIND)


def test_changed_claims_are_refused(ring):
    header, _, signature = sign(ring, KIND, CLAIMS).split(".")
    with pytest.raises(BadSignature):
        verify(jwks(ring), f"{header}.{part({'purpose': 'other'})}.{signature}", KIND)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
def test_no_signature_is_no_signature(ring, algorithm):
    kid = jwks(ring)["keys"][0]["kid"]
    header = part({"alg": algorithm, "typ": KIND, "kid": kid})
    with pytest.raises(BadSignature):
        verify(jwks(ring), f"{header}.{part(CLAIMS)}.", KIND)


@pytest.mark.parametrize("form", ["x", "jwk"])
def test_the_public_key_is_no_shared_secret(ring, form):
    public = jwks(ring)["keys"][0]
    secret = public["x"] if form == "x" else json.dumps(public)
    header = {"alg": "HS256", "typ": KIND, "kid": public["kid"]}
    forged = jws.serialize_compact(
        header, json.dumps(CLAIMS), OctKey.import_key(secret), algorithms=["HS256"]
    )
    with pytest.raises(BadSignature):
        verify(jwks(ring), forged, KIND)


@pytest.mark.parametrize("name", ["jwk", "jku", "x5c"])
def test_a_key_that_the_statement_brings_itself_is_not_used(ring, name):
    stranger = keyring.generate(NOW)
    brought = {
        "jwk": jwks(stranger)["keys"][0],
        "jku": "https://example.org/keys",
        "x5c": ["MA=="],
    }[name]
    secret = stranger.newest(KeyUse.SIGNING).secret
    encoded = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    private = OKPKey.import_key({**jwks(stranger)["keys"][0], "d": encoded})
    for kid in (private.kid, jwks(ring)["keys"][0]["kid"]):
        header = {"alg": "Ed25519", "typ": KIND, "kid": kid, name: brought}
        forged = jws.serialize_compact(header, json.dumps(CLAIMS), private, algorithms=["Ed25519"])
        with pytest.raises(BadSignature):
            verify(jwks(ring), forged, KIND)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "a.b.c.d", "..", "☃.☃.☃"])
def test_what_is_no_statement_is_refused(ring, text):
    with pytest.raises(BadSignature):
        verify(jwks(ring), text, KIND)
