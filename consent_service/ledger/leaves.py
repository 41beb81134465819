"""What a leaf says, byte for byte. No I/O.

A leaf is the JSON of RFC 8785 (names in order, no spaces) of what stands in the clear about an
entry, without what is not there. It names no customer, and no other leaf. `token` is 16 random
bytes of this entry alone, so that equal entries have different leaves; `commitment` is
SHA-256(salt ‖ payload), and salt and payload, sealed with the entry, are for the customer and the
officer: whoever has them shows what the leaf stands for, and once they are destroyed nobody can.
"""

import base64
from typing import Any

import msgspec
from msgspec import Struct

FORMAT = 1


class Leaf(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A leaf, its fields in the order of their names."""

    catalogue_version: int | None = None
    channel: str | None = None
    client_id: str | None = None
    commitment: str | None = None
    data_categories: tuple[str, ...] = ()
    kind: str
    known: bool
    outcome: str | None = None
    purpose: str | None = None
    reason: str | None = None
    recipient: str | None = None
    time: str
    token: str
    touchpoint: str | None = None
    version: int


encode_leaf = msgspec.json.Encoder().encode


def leaf_of(row: Any) -> bytes:
    """The leaf of an entry, from its row in the store."""
    commitment = row.commitment
    return encode_leaf(
        Leaf(
            catalogue_version=row.catalogue_version,
            channel=row.channel,
            client_id=row.client_id,
            commitment=None if commitment is None else _base64(commitment),
            data_categories=tuple(row.data_categories.split()),
            kind=row.kind,
            known=row.known,
            outcome=row.outcome,
            purpose=row.purpose,
            reason=row.reason,
            recipient=row.recipient,
            time=row.time,
            token=_base64(row.token),
            touchpoint=row.touchpoint,
            version=FORMAT,
        )
    )


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
