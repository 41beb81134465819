"""What others are told of an entry of the log: its type, ids, and nothing that says who it is.
No I/O."""

from collections.abc import Collection, Iterable
from typing import Any

from msgspec import Struct

from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, customer_id_text, encode
from consent_service.ledger.model import Entry, EntryKind

ERASED = "customer.erased"
FOR_RECIPIENT = "privacy_request.for_recipient"

_SAID = (
    *("requested", "given", "refused", "withdrawn", "objected", "revoked", "renewed", "gpc"),
)  # fmt: skip
_STEPS = (
    *("received", "confirmed", "approved", "rejected", "extended", "running"),
    *("done", "failed", "cancelled", "held", "released"),
    *("lift_announced", "lift_cancelled", "lifted"),
)
_ACTS = {
    "customer_merged": "customer.merged",
    "suppression_recorded": "suppression.recorded",
    "suppression_closed": "suppression.closed",
    "catalogue_loaded": "catalogue.loaded",
}
IN_FEED = (
    *(f"consent.{kind}" for kind in _SAID),
    *("customer.created", "customer.changed", "customer.merged", ERASED),
    *("customer.app_allowed", "customer.app_ended"),
    *("suppression.recorded", "suppression.closed"),
    *(f"privacy_request.{step}" for step in _STEPS),
    "catalogue.loaded",
)
TYPES = (*IN_FEED, FOR_RECIPIENT)
FAMILIES = tuple(dict.fromkeys(name.partition(".")[0] + ".*" for name in TYPES))

_KINDS = {
    "consent": (EntryKind.CONSENT,),
    "customer": (EntryKind.CUSTOMER, EntryKind.STAFF_ACT, EntryKind.ERASURE),
    "suppression": (EntryKind.STAFF_ACT,),
    "privacy_request": (EntryKind.PRIVACY_REQUEST,),
    "catalogue": (EntryKind.STAFF_ACT,),
}


class Event(Struct, frozen=True):
    """What happened: a type, the id that it keeps however often it is sent, and what is told."""

    id: str
    type: str
    time: str
    said: dict[str, Any]


def type_of(entry: Entry) -> str | None:
    """The type of what an entry records; None when nobody is told."""
    match entry.kind:
        case EntryKind.CONSENT:
            return f"consent.{entry.reason}"
        case EntryKind.CUSTOMER:
            return f"customer.{entry.reason}"
        case EntryKind.PRIVACY_REQUEST:
            return f"privacy_request.{entry.outcome}"
        case EntryKind.ERASURE:
            return ERASED
        case EntryKind.STAFF_ACT:
            return _ACTS.get(entry.reason or "")
    return None


def event_of(entry: Entry, erased: CustomerId | None = None) -> Event | None:
    """What is told of an entry. `erased` is whom an erasure was of, while that may be told."""
    kind = type_of(entry)
    if kind is None:
        return None
    about = CustomerId(entry.place) if entry.known else erased
    said = {
        "customer_id": None if about is None else customer_id_text(about),
        "revision": entry.revision,
        "occurred_at": rfc3339(entry.occurred_at),
        "recorded_at": rfc3339(entry.recorded_at),
        "purpose": entry.purpose,
        "channel": entry.channel,
        "catalogue_version": entry.catalogue_version,
        **_cited(kind, entry),
    }
    told = {name: value for name, value in said.items() if value is not None}
    return Event(encode("chg", entry.id), kind, rfc3339(entry.occurred_at), told)


def _cited(kind: str, entry: Entry) -> dict[str, str]:
    if entry.cites is None:
        return {}
    if kind == "customer.merged":
        return {"absorbed_id": customer_id_text(CustomerId(entry.cites))}
    family = kind.partition(".")[0]
    name, prefix = {
        "privacy_request": ("request_id", "req"),
        "suppression": ("suppression_id", "sup"),
    }[family]
    return {name: encode(prefix, entry.cites)}


def is_wanted(kind: str, wanted: Collection[str]) -> bool:
    """Whether a type is one of those, or of one of these families."""
    return kind in wanted or kind.partition(".")[0] + ".*" in wanted


def kinds_of(wanted: Iterable[str]) -> set[EntryKind]:
    """Of which kinds the entries are that types, or families, are told of."""
    return {kind for name in wanted for kind in _KINDS[name.partition(".")[0]]}
