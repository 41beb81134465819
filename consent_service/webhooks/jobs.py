"""What the worker does for this room."""

from collections.abc import Callable
from datetime import datetime, timedelta

from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys, now, runtime
from consent_service.webhooks import delivering, delivery_store, store
from consent_service.webhooks.dispatching import dispatch
from consent_service.webhooks.model import KEPT_DAYS

__all__ = ["dispatch", "serve_next", "tidy"]

_LAST_TRY_TAKES = timedelta(hours=1)


def serve_next(stopped: Callable[[], bool], *, failing: bool) -> int:
    """Sends what is due to one webhook; how many tries were made."""
    settings = runtime().settings
    return delivering.serve_next(
        now, keys(), settings.base_url, settings.private_hosts, failing=failing, stopped=stopped
    )


def tidy(now: datetime) -> int:
    """Gives up what waits for a webhook that is disabled, and forgets deliveries that ended long
    ago and secrets that have run out; how many rows."""
    with unit_of_work() as tx:
        given_up = delivery_store.give_up(tx, now, now - _LAST_TRY_TAKES)
        gone = delivery_store.delete_finished(tx, now - timedelta(days=KEPT_DAYS))
        return given_up + gone + store.delete_secrets(tx, now)
