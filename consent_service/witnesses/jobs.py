"""What the worker does for this room, given the present instant."""

from datetime import datetime

from consent_service.config import Environment
from consent_service.web.runtime import keys, runtime
from consent_service.witnesses import sending, store


def is_one_due(now: datetime) -> bool:
    """Whether there may be anything for `send_due` to do."""
    return store.is_one_due(now)


def send_due(now: datetime) -> int:
    """Sends checkpoints to the witnesses whose time has come; how many took one."""
    found = sending.send_due(now, keys(), can_mail=can_mail())
    return sum(each.error is None for each in found)


def can_mail() -> bool:
    """Whether letters are sent, or shown in the demo's mailbox."""
    settings = runtime().settings
    return settings.smtp_host is not None or settings.environment is Environment.DEMO
