"""Webhooks, their deliveries, and when one is tried again. No I/O."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import Field, Sealed
from consent_service.kernel.errors import Conflict, Gone
from consent_service.kernel.ids import decode, encode

GIVEN_UP_AFTER = timedelta(hours=75)
KEPT_DAYS = 30
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=5), timedelta(hours=4)
_LONGEST_PAUSE = timedelta(seconds=60)
_JITTER = 0.2


class CursorTooOld(Gone):
    """What came after the cursor may be gone."""

    code = "cursor_too_old"
    detail = "What followed this cursor is not kept any more. Read everything again from the start."


class TooManyWebhooks(Conflict):
    """A bound, so that no mistake sends everything a thousand times."""

    code = "too_many_webhooks"
    detail = "There are as many webhooks as there may be."


class DeliveryState(StrEnum):
    """How far a delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Webhook(Struct, frozen=True):
    """Where to send what. It is one client's, and ends to be sent anything when that is disabled.
    `failures` counts tries in a row that failed; until `due_at` none is made. Changes with a leaf
    before `first_leaf` are older than it."""

    id: UUID
    client_id: str
    url: Sealed
    event_types: tuple[str, ...]
    created_at: datetime
    first_leaf: int
    due_at: datetime
    disabled_at: datetime | None = None
    failures: int = 0
    leased_until: datetime | None = None

    @property
    def url_field(self) -> Field:
        """What the sealed address is."""
        return field_of("webhook.url", self.id, self.id)


class Secret(Struct, frozen=True):
    """A signing secret, sealed. During a rotation two are alive."""

    id: UUID
    webhook_id: UUID
    sealed: Sealed
    created_at: datetime
    expires_at: datetime | None = None

    @property
    def field(self) -> Field:
        """What the sealed secret is."""
        return field_of("webhook.secret", self.webhook_id, self.id)


class Delivery(Struct, frozen=True):
    """One event for one webhook. What is sent of a change is read from the log when it is sent, so
    that nothing of it stands here; `told` is what was said to a recipient alone, sealed.

    `place` is the customer, or what else events are in order within; `position` is the order.
    """

    id: UUID
    webhook_id: UUID
    place: UUID
    event_id: UUID
    event_type: str
    position: int
    created_at: datetime
    due_at: datetime
    give_up_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    tries: int = 0
    about: UUID | None = None
    told: Sealed | None = None
    last_status: int | None = None
    last_error: str | None = None
    finished_at: datetime | None = None

    @property
    def told_field(self) -> Field:
        """What the sealed part is."""
        return field_of("webhook.told", self.id, self.id)


class Tried(Struct, frozen=True):
    """What came of a try: the status that was answered, if any, and what is wrong with it."""

    status: int | None
    error: str | None = None

    @property
    def is_gone(self) -> bool:
        """The other side wants no more."""
        return self.status == 410


def field_of(name: str, place: UUID, row: UUID) -> Field:
    """What a value of this room is sealed as."""
    return Field(name, place, row)


def webhook_id_text(webhook_id: UUID) -> str:
    """The public form, `whk_…`."""
    return encode("whk", webhook_id)


def parse_webhook_id(text: str) -> UUID:
    """The id behind `whk_…`. Raises: NotFound."""
    return decode("whk", text)[0]


def delivery_id_text(delivery_id: UUID) -> str:
    """The public form, `dlv_…`."""
    return encode("dlv", delivery_id)


def parse_delivery_id(text: str) -> UUID:
    """The id behind `dlv_…`. Raises: NotFound."""
    return decode("dlv", text)[0]


def judge(status: int) -> Tried:
    """What a status means: 2xx is taken, all else is not."""
    if 200 <= status < 300:
        return Tried(status)
    if 300 <= status < 400:
        return Tried(status, "points elsewhere, and that is not followed")
    if status == 410:
        return Tried(status, "wants no more")
    return Tried(status, "does not take it")


def retry_at(delivery: Delivery, tries: int, now: datetime, chance: float) -> datetime:
    """When a delivery that failed so many times is tried again: four times as long each time, at
    most four hours, a fifth more or less by `chance` (0 to 1); the last time at `give_up_at`."""
    wait = min(_FIRST_RETRY * (1 << min(2 * (tries - 1), 32)), _LONGEST_RETRY)
    return min(now + wait * (1 - _JITTER + 2 * _JITTER * chance), delivery.give_up_at)


def pause(failures: int) -> timedelta:
    """How long a webhook that failed so many times in a row is left alone."""
    return min(timedelta(seconds=1 << min(failures - 1, 16)), _LONGEST_PAUSE)
