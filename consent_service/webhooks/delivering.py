"""Sending what is due to one webhook after another.

A webhook is leased by one worker at a time, and each try is counted before it is made: two workers
never make the same one. Those whose last try failed are served apart from the others, and after a
failure a webhook is left alone for a while: one that is dead costs the others nothing.
"""

import json
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from random import SystemRandom

import structlog

from consent_service.crypto.envelope import SealBroken, sealed_under, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.clock import Clock, rfc3339
from consent_service.kernel.ids import encode
from consent_service.ledger import service as ledger
from consent_service.oauth import service as oauth
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web import egress
from consent_service.web.egress import NoAnswer, NotAllowed
from consent_service.webhooks import delivery_store, envelope, store
from consent_service.webhooks.changes import tell_all
from consent_service.webhooks.events import ERASED, Event
from consent_service.webhooks.model import (
    Delivery,
    DeliveryState,
    Tried,
    Webhook,
    judge,
    pause,
    retry_at,
)
from consent_service.webhooks.service import is_private, list_live_secrets, open_url

LEASE = timedelta(minutes=1)  # longer than a turn and a try; who loses it loses no order
PATIENCE_S = 10.0
_TURN_S, _TURN = 5.0, 50
_CLIENT_IS_OFF = timedelta(minutes=1)

_log = structlog.get_logger("consent.webhooks")
_random = SystemRandom()


def serve_next(
    clock: Clock,
    keys: Keyring,
    source: str,
    private_hosts: Collection[str],
    *,
    failing: bool,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Sends what is due to the webhook that waits longest, for a turn; how many tries it made."""
    now = clock()
    if not delivery_store.is_one_due(now, failing=failing):
        return 0
    with reading() as tx:
        webhook = delivery_store.find_due(tx, now, failing=failing)
    if webhook is None:
        return 0
    until = now + LEASE
    with unit_of_work() as tx:
        if not store.lease(tx, webhook, now, until):
            return 0
    try:
        return _take_turn(webhook, clock, keys, source, private_hosts, stopped)
    finally:
        with unit_of_work() as tx:
            store.release(tx, webhook.id, until)


def _take_turn(
    webhook: Webhook,
    clock: Clock,
    keys: Keyring,
    source: str,
    private_hosts: Collection[str],
    stopped: Callable[[], bool],
) -> int:
    client = oauth.find_client(webhook.client_id)
    if client is None or client.disabled_at is not None:
        with unit_of_work() as tx:
            store.set_failures(tx, webhook.id, webhook.failures, clock() + _CLIENT_IS_OFF)
        return 0
    started, tries = time.monotonic(), 0
    while tries < _TURN and time.monotonic() - started < _TURN_S and not stopped():
        delivery = _find_next(webhook, clock())
        if delivery is None or not _claim(delivery, clock()):
            break
        tries += 1
        tried = _try(webhook, delivery, clock(), keys, source, private_hosts)
        _keep(webhook, delivery, tried, clock())
        if tried is not None and tried.error is not None:
            break
    return tries


def _find_next(webhook: Webhook, now: datetime) -> Delivery | None:
    """What is due longest; what waits for an earlier event in its place, which is put off, is put
    off with it."""
    while True:
        with reading() as tx:
            first = delivery_store.find_next(tx, webhook.id, now)
        if first is None or first.due_at <= now:
            return first
        with unit_of_work() as tx:
            delivery_store.put_behind(tx, first)


def _claim(delivery: Delivery, now: datetime) -> bool:
    due_at = retry_at(delivery, delivery.tries + 1, now, _random.random())
    with unit_of_work() as tx:
        return delivery_store.claim(tx, delivery, due_at)


def _try(
    webhook: Webhook,
    delivery: Delivery,
    now: datetime,
    keys: Keyring,
    source: str,
    private_hosts: Collection[str],
) -> Tried | None:
    """What came of it; None when there is nothing to tell any more."""
    try:
        event = _event(delivery, keys)
        if event is None:
            return None
        url, live = open_url(webhook, keys), list_live_secrets(webhook.id, now, keys)
        body = envelope.body_of(event, source)
        answer = egress.post(
            url,
            body,
            envelope.MEDIA_TYPE,
            private=is_private(url, private_hosts),
            headers=envelope.headers_of(event.id, int(now.timestamp()), body, live),
            listen=False,
            seconds=PATIENCE_S,
        )
    except (NotAllowed, NoAnswer) as error:
        return Tried(None, str(error))
    except SealBroken:
        return Tried(None, "cannot be opened with these keys")
    return judge(answer.status)


def _event(delivery: Delivery, keys: Keyring) -> Event | None:
    if delivery.told is not None:
        key = keys.master_by_id(sealed_under(delivery.told))
        said = json.loads(unseal(key, delivery.told_field, delivery.told))
        event_id = encode("chg", delivery.event_id)
        return Event(event_id, delivery.event_type, rfc3339(delivery.created_at), said)
    entry = ledger.find_entry(delivery.place, delivery.event_id)
    for event in [] if entry is None else tell_all([entry], keys):
        if event.type != ERASED or "customer_id" in event.said:
            return event
    return None


def _keep(webhook: Webhook, delivery: Delivery, tried: Tried | None, now: datetime) -> None:
    with unit_of_work() as tx:
        if tried is None:
            delivery_store.remove(tx, delivery)
            return
        if tried.error is None:
            delivery_store.set_tried(tx, delivery, tried, DeliveryState.DELIVERED, now)
            store.set_failures(tx, webhook.id, 0, now)
            return
        over = tried.is_gone or now >= delivery.give_up_at
        state = DeliveryState.GIVEN_UP if over else DeliveryState.WAITING
        delivery_store.set_tried(tx, delivery, tried, state, now if over else None)
        if tried.is_gone:
            store.set_disabled(tx, webhook.id, now, now)
        else:
            failures = webhook.failures + 1
            store.set_failures(tx, webhook.id, failures, now + pause(failures))
    _say(webhook, delivery, tried, over=over)


def _say(webhook: Webhook, delivery: Delivery, tried: Tried, *, over: bool) -> None:
    about = {"webhook": webhook.id.hex, "delivery": delivery.id.hex, "fault": tried.error}
    if tried.is_gone:
        _log.warning("webhooks:webhook:disabled", **about)
    elif over:
        _log.error("webhooks:delivery:given_up", **about)
    else:
        _log.warning("webhooks:delivery:failed", **about, tries=delivery.tries + 1)
