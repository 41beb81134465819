"""From the log to the webhooks: every change becomes a delivery for each webhook that wants it,
once, in the order of the feed."""

from collections.abc import Iterable
from datetime import datetime

from consent_service.kernel.ids import new_uuid
from consent_service.ledger import feed
from consent_service.ledger.model import Entry
from consent_service.oauth import service as oauth
from consent_service.storage.direct import direct
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.webhooks import delivery_store, store
from consent_service.webhooks.events import is_wanted, type_of
from consent_service.webhooks.model import GIVEN_UP_AFTER, Delivery, Webhook

BATCH = 1_000


def dispatch(now: datetime) -> int:
    """Makes deliveries of the changes that no worker has made any of, a batch; 0 when there are
    none. The head moves on with them in one unit of work."""
    with direct() as door:
        head = store.read_head(door)
    if head is None:
        return _begin()
    if not feed.is_one_from(head):
        return 0
    with unit_of_work() as tx:
        if store.lock_head(tx) != head:
            return 1  # another worker was faster: look again
        found = feed.hold_changes(head, BATCH)
        delivery_store.add(tx, list(_deliveries(found.entries, _list_live(), now)))
        store.set_head(tx, head, found.until)
    return found.until - head


def _begin() -> int:
    """Puts the head where the oldest webhook begins: nobody wanted what was before."""
    with unit_of_work() as tx:
        if store.lock_head(tx) is None:
            firsts = [each.first_leaf for each in store.list_all(tx)]
            store.set_head(tx, None, min(firsts, default=feed.find_size()))
    return 1


def _list_live() -> list[Webhook]:
    live = {each.id for each in oauth.list_clients() if each.disabled_at is None}
    with reading() as tx:
        return [each for each in store.list_enabled(tx) if each.client_id in live]


def _deliveries(
    entries: Iterable[tuple[int, Entry]], webhooks: Iterable[Webhook], now: datetime
) -> Iterable[Delivery]:
    for index, entry in entries:
        kind = type_of(entry)
        for webhook in webhooks:
            new = index >= webhook.first_leaf
            if new and kind is not None and is_wanted(kind, webhook.event_types):
                yield Delivery(
                    new_uuid(),
                    webhook.id,
                    entry.place,
                    entry.id,
                    kind,
                    index,
                    now,
                    now,
                    now + GIVEN_UP_AFTER,
                )


def pass_by(leaf_index: int) -> None:
    """Lets what is before a leaf be, in the caller's unit of work: it was sent out, by a store that
    was put back since."""
    with unit_of_work() as tx:
        before = store.lock_head(tx)
        if before is not None:
            store.set_head(tx, before, leaf_index)
