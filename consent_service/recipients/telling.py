"""Telling recipients by the webhooks of their clients, which is handed in by `app.py`."""

from datetime import datetime

from consent_service.kernel.clock import rfc3339
from consent_service.recipients.model import WITHIN, Task, task_id_text
from consent_service.web.runtime import keys
from consent_service.webhooks import service as webhooks
from consent_service.webhooks.events import FOR_RECIPIENT
from consent_service.webhooks.model import DeliveryState


def by_webhook(task: Task, now: datetime) -> bool:
    """Has the recipient told by every webhook of its own that wants to know; whether one has taken
    it. Where none was there, or all have given up or wanted no more, those that are there now."""
    told = webhooks.list_told(task.id)
    if DeliveryState.DELIVERED in told:
        return True
    if DeliveryState.WAITING not in told:
        webhooks.tell(task.recipient, FOR_RECIPIENT, _said(task), task.id, now, keys())
    return False


def _said(task: Task) -> dict[str, str]:
    """Not whom it is about: that is in the queue."""
    return {
        "id": task_id_text(task),
        "recipient": task.recipient,
        "kind": task.kind.value,
        "told_at": rfc3339(task.told_at),
        "answer_by": rfc3339(task.told_at + WITHIN),
    }
