"""What the worker does for this room, each given the present instant."""

from datetime import datetime

from consent_service.accounts.jobs import has_mailbox, site_name
from consent_service.privacy_requests import (
    carrying_out,
    confirming,
    intake,
    lifting,
    service,
    store,
    telling,
)
from consent_service.privacy_requests.letters import Site
from consent_service.web.runtime import keys, runtime


def site() -> Site:
    """Where the service is, and whose it is."""
    return Site(runtime().settings.base_url, site_name())


def is_one_to_look_up(now: datetime) -> bool:
    """Whether there is anything for `look_up` to do."""
    return store.is_one_to_look_up(now)


def look_up(now: datetime) -> int:
    """Finds out whose requests are that came in, and sends links to confirm them."""
    return intake.look_up(site(), now, keys())


def is_one_under_way(now: datetime) -> bool:
    """Whether there may be anything for `carry_out` to do."""
    return store.is_one_under_way(now)


def carry_out(now: datetime) -> int:
    """Has what was approved carried out."""
    return carrying_out.carry_out(now, keys())


def lift(now: datetime) -> int:
    """Lifts restrictions whose end was announced and has come."""
    return lifting.lift_due(now, keys(), has_mailbox=has_mailbox())


def remind(now: datetime) -> int:
    """Warns of requests that are due soon, or overdue, in the service's own log and by mail."""
    return service.remind(now) + telling.send_digests(site(), now, keys())


def tell(now: datetime) -> int:
    """Writes to people whose request takes longer, or has ended."""
    return telling.tell(site(), now, keys())


def delete_expired(now: datetime) -> int:
    """Removes links past their time."""
    return confirming.delete_expired(now)
