"""What this room holds about a customer. Its `erase` and `absorb` run last: the keys go there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from consent_service.crypto.data_keys import Holder, OpenKeys
from consent_service.customers import identifiers_store, key_store, normaliser, store
from consent_service.customers.model import CustomerRecord, Facts, StoredIdentifier
from consent_service.customers.sealing import (
    open_identifier,
    open_profile,
    reseal_identifier,
    seal_profile,
)
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, customer_id_text

TABLES = (
    "customers",
    "customer_facts",
    "customer_keys",
    "customer_identifiers",
    "identifier_index",
    "customer_aliases",
)


def export(tx: Connection, customer: CustomerId, keys: OpenKeys) -> dict[str, Any]:
    """Profile, identifiers with their sources, the facts that were kept about the person, and ids
    that lead to them. What was a value's own spelling is given, not what it was normalised to."""
    record = _get(tx, customer)
    profile = open_profile(customer, record.profile, keys.life)
    return {
        "customer": [
            {
                "id": customer_id_text(customer),
                "created_at": rfc3339(record.created_at),
                "language": record.language,
            }
        ],
        "former_ids": [
            {"id": customer_id_text(former), "merged_at": rfc3339(at)}
            for former, at in store.list_aliases(tx, customer)
        ],
        "profile": [
            {"name": name, "value": v.value, "source": v.source} for name, v in profile.items()
        ],
        "identifiers": [
            {
                "type": kept.type.value,
                "value": open_identifier(kept, keys.life).given,
                "source": kept.source,
                "added_at": rfc3339(kept.added_at),
            }
            for kept in identifiers_store.list_identifiers(tx, [customer])
        ],
        "facts": [
            {
                "recorded_from": rfc3339(row["recorded_from"]),
                "jurisdiction": row["jurisdiction"],
                "age_band": row["age_band"],
                "restricted": row["restricted"],
                "gpc_since": None if row["gpc_since"] is None else rfc3339(row["gpc_since"]),
            }
            for row in store.list_facts(tx, customer)
        ],
    }


def erase(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Destroys the keys and removes the rows."""
    key_store.delete_keys(tx, customers)
    store.delete_customer(tx, customers)


def absorb(tx: Connection, kept: Holder, absorbed: Holder, now: datetime) -> None:
    """Moves identifiers and what the kept profile lacks; the stricter facts win; the absorbed id
    becomes an alias, its keys are destroyed. Jurisdictions are weighed by the caller."""
    ours, theirs = _get(tx, kept.customer), _get(tx, absorbed.customer)
    moved = identifiers_store.list_identifiers(tx, [absorbed.customer])
    identifiers_store.delete_identifiers(tx, absorbed.customer, [i.id for i in moved])
    identifiers_store.add_identifiers(
        tx, [_moved(i, kept, absorbed) for i in moved], normaliser.VERSION
    )
    profile = {
        **open_profile(theirs.id, theirs.profile, absorbed.keys.life),
        **open_profile(ours.id, ours.profile, kept.keys.life),
    }
    sealed = seal_profile(ours.id, profile, kept.keys.life)
    store.set_customer(tx, ours.id, ours.language or theirs.language, sealed, now)
    revision = max(ours.revision, theirs.revision) + 1
    store.set_revisions(tx, {ours.id: revision})
    store.replace_facts(tx, ours.id, revision, stricter(ours.facts, theirs.facts), now)
    key_store.delete_keys(tx, [absorbed.customer])
    store.add_alias(tx, theirs, kept.customer, now)
    store.delete_customer(tx, [absorbed.customer])


def stricter(ours: Facts, theirs: Facts) -> Facts:
    """Restriction and GPC on either side hold, the younger age band counts."""
    signals = [since for since in (ours.gpc_since, theirs.gpc_since) if since is not None]
    bands = [band for band in (ours.age_band, theirs.age_band) if band is not None]
    return replace(
        ours,
        restricted=ours.restricted or theirs.restricted,
        gpc_since=min(signals, default=None),
        age_band=min(bands, key=lambda band: band.youngest, default=None),
    )


def _get(tx: Connection, customer: CustomerId) -> CustomerRecord:
    record = store.find_customer(tx, customer)
    if record is None:
        raise NotFound()
    return record


def _moved(kept: StoredIdentifier, to: Holder, of: Holder) -> StoredIdentifier:
    return reseal_identifier(kept, of.keys.life, to.customer, to.keys.life)
