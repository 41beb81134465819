"""Keeping webhooks, and telling a recipient what is for it alone."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from consent_service.crypto.envelope import seal, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.kernel import paging
from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import new_uuid
from consent_service.kernel.paging import Page
from consent_service.ledger import feed
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.oauth import service as oauth
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web import egress
from consent_service.web.egress import NotAllowed
from consent_service.webhooks import delivery_store, store
from consent_service.webhooks.envelope import new_secret
from consent_service.webhooks.events import is_wanted
from consent_service.webhooks.model import (
    GIVEN_UP_AFTER,
    Delivery,
    DeliveryState,
    Secret,
    TooManyWebhooks,
    Webhook,
    field_of,
)

MOST = 200


def add_webhook(
    url: str,
    event_types: Iterable[str],
    client_id: str,
    actor: Actor,
    now: datetime,
    keys: Keyring,
    *,
    private_hosts: Collection[str] = (),
) -> tuple[Webhook, str]:
    """Adds a webhook of a client, which is told of what happens from now on, and its signing
    secret, shown this once. Raises: Invalid, TooManyWebhooks."""
    check_target(url, private_hosts)
    if oauth.find_client(client_id) is None:
        raise Invalid.at("/client_id", "unknown", "There is no such client.")
    made = new_uuid()
    sealed = seal(keys.master, field_of("webhook.url", made, made), url.encode())
    types = tuple(sorted(set(event_types)))
    with unit_of_work() as tx:
        if len(store.list_all(tx)) >= MOST:
            raise TooManyWebhooks()
        new = Webhook(made, client_id, sealed, types, now, feed.find_size(), now)
        store.add(tx, new)
        secret, text = _new_secret(made, now, keys)
        store.add_secret(tx, secret)
        _log(actor, "webhook_added", now)
    return new, text


def check_target(url: str, private_hosts: Collection[str]) -> None:
    """Raises: Invalid for what is nothing to send to, as far as it can be seen by its letters."""
    try:
        egress.check_url(url, private=is_private(url, private_hosts))
    except NotAllowed as error:
        raise Invalid.at("/url", "invalid", f"It {error}.") from None


def is_private(url: str, private_hosts: Collection[str]) -> bool:
    """Whether the host of an address is allowed by name to be at a private one."""
    try:
        return (urlsplit(url).hostname or "") in private_hosts
    except ValueError:
        return False


def list_webhooks() -> list[Webhook]:
    """Every webhook, the oldest first."""
    with reading() as tx:
        return store.list_all(tx)


def get_webhook(webhook_id: UUID) -> Webhook:
    """A webhook. Raises: NotFound."""
    with reading() as tx:
        found = store.find(tx, webhook_id)
    if found is None:
        raise NotFound()
    return found


def count_deliveries() -> Mapping[tuple[UUID, str], int]:
    """How many deliveries each webhook has in each state."""
    with reading() as tx:
        return delivery_store.count_by_state(tx)


def open_url(webhook: Webhook, keys: Keyring) -> str:
    """Where a webhook is. Raises: MisconfiguredError, SealBroken."""
    key = keys.master_by_id(sealed_under(webhook.url))
    return unseal(key, webhook.url_field, webhook.url).decode()


def list_live_secrets(webhook_id: UUID, now: datetime, keys: Keyring) -> list[str]:
    """The secrets that sign, the newest first. Raises: MisconfiguredError, SealBroken."""
    with reading() as tx:
        found = store.list_secrets(tx, webhook_id, now)
    return [
        unseal(keys.master_by_id(sealed_under(each.sealed)), each.field, each.sealed).decode()
        for each in found
    ]


def rotate_secret(
    webhook_id: UUID, overlap: timedelta, actor: Actor, now: datetime, keys: Keyring
) -> str:
    """A new secret; the one before signs as well for `overlap`. Raises: NotFound."""
    with unit_of_work() as tx:
        get_webhook(webhook_id)
        secret, text = _new_secret(webhook_id, now, keys)
        store.add_secret(tx, secret)
        store.end_other_secrets(tx, secret, now, now + overlap)
        _log(actor, "webhook_secret_rotated", now)
    return text


def enable_webhook(webhook_id: UUID, actor: Actor, now: datetime) -> Webhook:
    """Sends to a webhook again that wanted no more. Raises: NotFound."""
    with unit_of_work() as tx:
        if get_webhook(webhook_id).disabled_at is not None:
            store.set_disabled(tx, webhook_id, None, now)
            _log(actor, "webhook_enabled", now)
        return get_webhook(webhook_id)


def delete_webhook(webhook_id: UUID, actor: Actor, now: datetime) -> None:
    """Forgets a webhook, with what was still to be sent. Raises: NotFound."""
    with unit_of_work() as tx:
        if not store.remove(tx, webhook_id):
            raise NotFound()
        delivery_store.delete_of_webhook(tx, webhook_id)
        _log(actor, "webhook_deleted", now)


def list_deliveries(
    webhook_id: UUID, state: DeliveryState | None, cursor: str | None, limit: int
) -> Page[Delivery]:
    """A page of deliveries, the oldest first. Raises: NotFound, Invalid for a cursor of another
    list."""
    get_webhook(webhook_id)
    bound_to = f"{webhook_id} {state}"
    after = None if cursor is None else paging.read_cursor(cursor, bound_to, UUID)
    with reading() as tx:
        found = delivery_store.list_page(tx, webhook_id, state, after, limit + 1)
    items, more = found[:limit], len(found) > limit
    return Page(items, paging.encode_cursor(items[-1].id.hex, bound_to) if more else None)


def replay(
    webhook_id: UUID, delivery_ids: Sequence[UUID] | None, actor: Actor, now: datetime
) -> int:
    """Sends deliveries again that have ended: some, or, with None, all that were given up. How
    many. Raises: NotFound."""
    with unit_of_work() as tx:
        get_webhook(webhook_id)
        for each in delivery_ids or ():
            if delivery_store.find(tx, webhook_id, each) is None:
                raise NotFound()
        again = delivery_store.replay(tx, webhook_id, delivery_ids, now, now + GIVEN_UP_AFTER)
        if again:
            _log(actor, "webhook_replayed", now)
    return again


def tell(
    recipient: str,
    event_type: str,
    data: Mapping[str, Any],
    about: UUID,
    now: datetime,
    keys: Keyring,
) -> int:
    """Tells a recipient alone, by the webhooks of its clients that want this type, in the caller's
    unit of work; how many those are. `data` is thin: ids and codes. What is told about one thing is
    sent in order; it stays until `forget_told`, or for 30 days after it was sent."""
    clients = _list_clients_of(recipient)
    event_id, plain = new_uuid(), json.dumps(data).encode()
    with unit_of_work() as tx:
        hooks = [each for each in store.list_enabled(tx) if each.client_id in clients]
        wanted = [each for each in hooks if is_wanted(event_type, each.event_types)]
        told = [_told(each, event_id, event_type, plain, about, now, keys) for each in wanted]
        delivery_store.add(tx, told)
    return len(told)


def list_told(about: UUID) -> list[DeliveryState]:
    """How far what was told about something is, by each webhook that it was for."""
    with reading() as tx:
        return delivery_store.list_states(tx, about)


def forget_told(about: Collection[UUID]) -> int:
    """Forgets what was told about some things, sent or not, in the caller's unit of work; how many
    deliveries went."""
    with unit_of_work() as tx:
        return delivery_store.delete_about(tx, about)


def _told(
    webhook: Webhook,
    event_id: UUID,
    event_type: str,
    plain: bytes,
    about: UUID,
    now: datetime,
    keys: Keyring,
) -> Delivery:
    made = new_uuid()
    return Delivery(
        made,
        webhook.id,
        about,
        event_id,
        event_type,
        int(now.timestamp() * 1_000_000),
        now,
        now,
        now + GIVEN_UP_AFTER,
        about=about,
        told=seal(keys.master, field_of("webhook.told", made, made), plain),
    )


def _list_clients_of(recipient: str) -> set[str]:
    live = (each for each in oauth.list_clients() if each.disabled_at is None)
    return {each.id for each in live if recipient in each.recipients}


def _new_secret(webhook_id: UUID, now: datetime, keys: Keyring) -> tuple[Secret, str]:
    made, text = new_uuid(), new_secret()
    sealed = seal(keys.master, field_of("webhook.secret", webhook_id, made), text.encode())
    return Secret(made, webhook_id, sealed, now), text


def _log(actor: Actor, what: str, now: datetime) -> None:
    entry_id = new_uuid()
    entry = Entry(
        entry_id,
        entry_id,
        False,
        EntryKind.STAFF_ACT,
        now,
        now,
        client_id=actor.in_log,
        reason=what,
    )
    ledger.append([ledger.bare_entry(entry)])
