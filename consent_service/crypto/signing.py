"""Signed statements that anyone can check offline: JWS over Ed25519, keys in a JWKS.

Source: RFC 7515 (JWS), RFC 8037 and RFC 9864 (Ed25519), RFC 7638 (key ids by thumbprint).
"""

import base64
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization, OKPKey

from consent_service.crypto.keyring import Keyring, KeyUse, ServiceKey

ALGORITHM = "Ed25519"


class BadSignature(Exception):
    """The statement was not signed by a key of this set, or was changed."""


def sign(keyring: Keyring, kind: str, claims: Mapping[str, Any]) -> str:
    """A compact JWS of `claims` by the newest signing key, with `typ` `kind`."""
    key = _private(keyring.newest(KeyUse.SIGNING))
    header = {"alg": ALGORITHM, "typ": kind, "kid": key.kid}
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False)
    return jws.serialize_compact(header, payload, key, algorithms=[ALGORITHM])


def verify(jwks: Mapping[str, Any], statement: str, kind: str) -> dict[str, Any]:
    """The claims of a statement of that kind. Raises: BadSignature."""
    try:
        signed = jws.deserialize_compact(
            statement,
            KeySet.import_key_set(cast(KeySetSerialization, jwks)),
            algorithms=[ALGORITHM],
        )
        header = signed.headers()
        if header.get("typ") != kind:
            raise BadSignature("a statement of another kind")
        claims: dict[str, Any] = json.loads(signed.payload)
    except (JoseError, ValueError, KeyError) as error:
        raise BadSignature(str(error)) from None
    return claims


def jwks(keyring: Keyring) -> dict[str, Any]:
    """The public half of every signing key (RFC 7517)."""
    keys = [_private(key).as_dict(private=False) for key in keyring.of(KeyUse.SIGNING)]
    return {"keys": [{**key, "use": "sig", "alg": ALGORITHM} for key in keys]}


@lru_cache(maxsize=16)
def _private(key: ServiceKey) -> OKPKey:
    private = Ed25519PrivateKey.from_private_bytes(key.secret)
    bare = {
        "kty": "OKP",
        "crv": "Ed25519",
        "d": _base64url(key.secret),
        "x": _base64url(private.public_key().public_bytes_raw()),
    }
    loaded = OKPKey.import_key(bare)  # type: ignore[arg-type]  # plain JSON, checked by the library
    loaded.ensure_kid()
    return loaded


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
