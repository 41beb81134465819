"""A decision as a signed statement, verifiable offline."""

from typing import Any
from uuid import UUID

from consent_service.crypto import signing
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.ids import CustomerId, customer_id_text, encode

JWS_TYPE = "consent-decision+jws"


def sign_statement(
    place: UUID, decision_id: UUID, entry: dict[str, Any], issuer: str, keys: Keyring
) -> str:
    """What `service.get_entry` tells of a decision, as a compact JWS."""
    known, told = entry["known"], {n: value for n, value in entry.items() if n != "known"}
    claims = {
        "iss": issuer,
        "decision_id": encode("dec", place, decision_id),
        "customer_id": customer_id_text(CustomerId(place)) if known else None,
        **told,
    }
    return signing.sign(keys, JWS_TYPE, claims)
