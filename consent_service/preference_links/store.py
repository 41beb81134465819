"""SQL of unsubscribe links."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, select, update

from consent_service.catalogue.model import Channel
from consent_service.crypto.envelope import Sealed
from consent_service.kernel.ids import CustomerId
from consent_service.preference_links.model import Mailing
from consent_service.preference_links.tables import UnsubscribeLinkRow
from consent_service.storage.bulk import insert_rows
from consent_service.storage.many import rows_among

Kept = tuple[bytes, Sealed]


def find(tx: Connection, sha256: bytes) -> Mailing | None:
    """What a link withdraws, and whose it is."""
    row = UnsubscribeLinkRow
    query = select(row.customer_id, row.purpose, row.channel).where(row.sha256 == sha256)
    found = tx.execute(query).one_or_none()
    if found is None:
        return None
    return _mailing(found.customer_id, found.purpose, found.channel)


def list_kept(tx: Connection, customers: Sequence[CustomerId]) -> dict[Mailing, Kept]:
    """The links of customers that can be handed out again: the hash and the sealed token."""
    row = UnsubscribeLinkRow
    query = select(row.customer_id, row.purpose, row.channel, row.sha256, row.token)
    found = rows_among(tx, query, row.customer_id, customers)
    return {
        _mailing(one.customer_id, one.purpose, one.channel): (bytes(one.sha256), one.token)
        for one in found
        if one.token is not None
    }


def add(tx: Connection, links: Mapping[Mailing, Kept]) -> None:
    """Adds links."""
    insert_rows(
        tx,
        UnsubscribeLinkRow,
        [
            {
                "sha256": sha256,
                "customer_id": mailing.customer_id,
                "purpose": mailing.purpose,
                "channel": mailing.channel or "",
                "token": token,
            }
            for mailing, (sha256, token) in links.items()
        ],
    )


def move(tx: Connection, kept: CustomerId, absorbed: CustomerId) -> None:
    """Makes links another customer's. They work on; other ones are handed out from now on."""
    row = UnsubscribeLinkRow
    moved = update(row).where(row.customer_id == absorbed).values(customer_id=kept, token=None)
    tx.execute(moved)


def delete_customers(tx: Connection, customers: Sequence[CustomerId]) -> None:
    """Makes every link of customers useless."""
    row = UnsubscribeLinkRow
    tx.execute(delete(row).where(row.customer_id.in_(customers)))


def _mailing(customer: object, purpose: str, channel: str) -> Mailing:
    return Mailing(customer, purpose, Channel(channel) if channel else None)  # type: ignore[arg-type]  # a UUID
