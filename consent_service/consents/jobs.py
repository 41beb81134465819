"""What the worker does for this room, each given the present instant."""

from datetime import datetime

from consent_service.accounts.jobs import site_name
from consent_service.consents import confirming, confirming_store
from consent_service.web.runtime import keys, runtime


def is_confirmation_waiting(now: datetime) -> bool:
    """Whether there is anything for `send_confirmations` to do."""
    return confirming_store.is_one_waiting(now)


def send_confirmations(now: datetime) -> int:
    """Writes the letters for yeses that are to be confirmed."""
    return confirming.send_letters(runtime().settings.base_url, site_name(), now, keys())


def delete_expired(now: datetime) -> int:
    """Removes links past their time."""
    return confirming.delete_expired(now)
