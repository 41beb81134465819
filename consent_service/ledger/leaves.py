"""What a leaf says, byte for byte. No I/O.

A leaf is the JSON of RFC 8785 (names in order, no spaces) of what stands in the clear about an
entry, without what is not there. It names no customer, and no other leaf. `token` is 16 random
bytes of this entry alone, so that equal entries have different leaves; `commitment` is
SHA-256(salt ‖ payload), and salt and payload, sealed with the entry, are for the customer and the
officer: whoever has them shows what the leaf stands for, and once they are destroyed nobody can.

Answers that were given together have one leaf, of kind `batch`. Its `commitment` is the root
(RFC 6962) over what would be the leaf of each, in their order.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from consent_service.kernel.clock import rfc3339
from consent_service.ledger.model import Answer, Entry

FORMAT = 1


class Leaf(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A leaf, its fields in the order of their names. Bytes are written in base64."""

    catalogue_version: int | None = None
    channel: str | None = None
    client_id: str | None = None
    commitment: bytes | None = None
    data_categories: tuple[str, ...] = ()
    entries: int | None = None
    kind: str
    known: bool
    outcome: str | None = None
    purpose: str | None = None
    reason: str | None = None
    recipient: str | None = None
    time: str
    token: bytes
    touchpoint: str | None = None
    version: int


def said_by(entry: Entry) -> tuple[Any, ...]:
    """What `leaf_of` takes, of an entry that is not in the store yet."""
    return (
        entry.id,
        entry.catalogue_version,
        entry.channel,
        entry.client_id,
        entry.commitment,
        " ".join(entry.data_categories),
        entry.entries,
        entry.kind.value,
        entry.known,
        entry.outcome,
        entry.purpose,
        entry.reason,
        entry.recipient,
        rfc3339(entry.occurred_at),
        entry.token,
        entry.touchpoint,
    )


encode_leaf = msgspec.json.Encoder().encode


def leaf_of(row: Sequence[Any]) -> bytes:
    """The leaf of an entry, from its row in the store: the id, then the fields of `Leaf` but the
    last, in their order; what comes after is not in it."""
    return encode_leaf(_read(row))


def leaves_of(answers: Sequence[Answer]) -> Iterator[bytes]:
    """The leaf that each of many answers would have; what many share is put together once."""
    shared: dict[int, Leaf] = {}
    for each in answers:
        leaf = shared.get(id(each.said))
        if leaf is None:
            leaf = shared[id(each.said)] = _read(said_by(each.said))
        yield encode_leaf(replace(leaf, commitment=each.commitment, token=each.token))


def _read(row: Sequence[Any]) -> Leaf:
    (
        _,
        catalogue_version,
        channel,
        client_id,
        commitment,
        data_categories,
        entries,
        kind,
        known,
        outcome,
        purpose,
        reason,
        recipient,
        time,
        token,
        touchpoint,
        *_,
    ) = row
    return Leaf(
        catalogue_version=catalogue_version,
        channel=channel,
        client_id=client_id,
        commitment=commitment,
        data_categories=tuple(data_categories.split()),
        entries=entries,
        kind=kind,
        known=known,
        outcome=outcome,
        purpose=purpose,
        reason=reason,
        recipient=recipient,
        time=time,
        token=token,
        touchpoint=touchpoint,
        version=FORMAT,
    )
