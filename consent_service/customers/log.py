"""What the log keeps of a change to a customer: that there was one, and whose. What was changed is
with the customer."""

from collections.abc import Mapping
from datetime import datetime

from consent_service.kernel.actors import Actor
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind

CREATED, CHANGED = "created", "changed"


def log_changes(
    revisions: Mapping[CustomerId, int], what: str, actor: Actor, now: datetime
) -> None:
    """Logs a change of each customer, which made these revisions, in the caller's unit of work."""
    ledger.append(
        [
            ledger.bare_entry(
                Entry(
                    new_uuid(),
                    customer,
                    True,
                    EntryKind.CUSTOMER,
                    now,
                    now,
                    client_id=actor.in_log,
                    reason=what,
                    revision=revision,
                )
            )
            for customer, revision in revisions.items()
        ]
    )
