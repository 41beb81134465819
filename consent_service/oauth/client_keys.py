"""Clients' public keys, and the assertions they sign with the private halves.

Source: RFC 7523, sections 2.2 and 3; RFC 8725, section 3. The algorithm is the key's to say:
an assertion that names another, or brings a key along, is refused.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from consent_service.kernel.errors import Invalid

ALGORITHMS = ("ES256", "EdDSA", "Ed25519", "PS256", "RS256")
MAX_LIFETIME = timedelta(minutes=10)
LEEWAY = timedelta(seconds=30)

_MAX_KEYS = 10
_MAX_LENGTH = 8_000
_HEADER = {"alg", "kid", "typ"}
_TYPES = {"jwt", "client-authentication+jwt"}
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_KINDS: dict[str, tuple[type[ECKey | OKPKey | RSAKey], tuple[str, ...]]] = {
    "EC": (ECKey, ("ES256",)),
    "OKP": (OKPKey, ("EdDSA", "Ed25519")),
    "RSA": (RSAKey, ("PS256", "RS256")),
}
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_KEPT = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use")

Key = ECKey | OKPKey | RSAKey


@dataclass(frozen=True, slots=True)
class Unverified:
    """An assertion as it came, taken apart and not believed yet."""

    text: str
    algorithm: str
    key_id: str | None
    client_id: str


def checked_jwks(given: Mapping[str, Any]) -> str:
    """A set of public keys as it is kept. Raises: Invalid, at `/jwks`."""
    keys = given.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MAX_KEYS:
        raise _bad("One to ten keys in `keys` (RFC 7517).")
    return json.dumps({"keys": [_checked(key) for key in keys]}, separators=(",", ":"))


def read_assertion(text: str) -> Unverified | None:
    """What an assertion says of itself; None when it cannot be one of ours."""
    if len(text) > _MAX_LENGTH:
        return None
    try:
        found = jws.extract_compact(text.encode("ascii"))
        header = found.headers()
        claims = json.loads(found.payload)
    except (JoseError, ValueError, RecursionError):
        return None
    if not isinstance(claims, dict) or not header.keys() <= _HEADER:
        return None
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if algorithm not in ALGORITHMS or not isinstance(key_id, str | None):
        return None
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        return None
    client_id = claims.get("sub")
    if not isinstance(client_id, str) or claims.get("iss") != client_id:
        return None
    return Unverified(text, str(algorithm), key_id, client_id)


def verify(
    assertion: Unverified, jwks: str | None, audiences: frozenset[str], now: datetime
) -> tuple[str, datetime] | None:
    """The `jti` and the end of an assertion that one of the keys signed, for us, now."""
    for bare in json.loads(jwks or '{"keys":[]}')["keys"]:
        if assertion.key_id is not None and bare.get("kid", assertion.key_id) != assertion.key_id:
            continue
        claims = _signed_claims(assertion, bare)
        if claims is not None:
            return _timely(claims, audiences, now)
    return None


def _signed_claims(assertion: Unverified, bare: dict[str, str]) -> dict[str, Any] | None:
    kind, algorithms = _KINDS[bare["kty"]]
    if assertion.algorithm not in algorithms or bare.get("alg", assertion.algorithm) not in (
        assertion.algorithm,
        *(("EdDSA", "Ed25519") if kind is OKPKey else ()),
    ):
        return None
    key = kind.import_key(bare)  # type: ignore[arg-type]  # checked when it was registered
    try:
        if isinstance(key, OKPKey):
            return _by_ed25519(assertion.text, key)
        signed = jws.deserialize_compact(assertion.text, key, algorithms=[assertion.algorithm])
        claims: dict[str, Any] = json.loads(signed.payload)
    except (JoseError, InvalidSignature, ValueError):
        return None
    return claims


def _by_ed25519(text: str, key: OKPKey) -> dict[str, Any]:
    """As `EdDSA` is an old name of Ed25519 (RFC 9864), both are verified the same way."""
    message, _, signature = text.rpartition(".")
    public = key.public_key
    assert isinstance(public, Ed25519PublicKey)  # the only curve that is registered
    padded = signature + "=" * (-len(signature) % 4)
    public.verify(base64.urlsafe_b64decode(padded), message.encode("ascii"))
    claims: dict[str, Any] = json.loads(jws.extract_compact(text.encode("ascii")).payload)
    return claims


def _timely(
    claims: dict[str, Any], audiences: frozenset[str], now: datetime
) -> tuple[str, datetime] | None:
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not named or not all(isinstance(one, str) and one in audiences for one in named):
        return None
    ends = _instant(claims.get("exp"))
    if ends is None or not now - LEEWAY < ends <= now + MAX_LIFETIME + LEEWAY:
        return None
    for name in ("nbf", "iat"):
        if name in claims:
            begins = _instant(claims[name])
            if begins is None or begins > now + LEEWAY:
                return None
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 256:
        return None
    return jti, ends + LEEWAY


def _instant(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _checked(key: object) -> dict[str, str]:
    if not isinstance(key, dict) or key.get("kty") not in _KINDS:
        raise _bad("Keys of EC P-256, Ed25519 or RSA.")
    if key.keys() & _PRIVATE:
        raise _bad("Public keys only. Make a new pair: this one is not secret any more.")
    kept = {name: key[name] for name in _KEPT if name in key}
    if not all(isinstance(value, str) and len(value) <= 2_000 for value in kept.values()):
        raise _bad("A key's parts are texts.")
    kind, algorithms = _KINDS[kept["kty"]]
    if kept.get("crv") != _CURVES.get(kept["kty"]) or kept.get("use", "sig") != "sig":
        raise _bad("Keys of EC P-256, Ed25519 or RSA, for signatures.")
    if kept.get("alg", algorithms[0]) not in algorithms:
        raise _bad("The key cannot be used with its `alg`.")
    try:
        loaded = kind.import_key(kept)
        size = loaded.public_key.key_size if isinstance(loaded, RSAKey) else None
    except (JoseError, ValueError, KeyError, TypeError):
        raise _bad("Not a key.") from None
    if size is not None and not 2048 <= size <= 4096:
        raise _bad("An RSA key of 2048 to 4096 bits.")
    return kept


def _bad(detail: str) -> Invalid:
    return Invalid.at("/jwks", "invalid_key", detail)
