"""What the log keeps of apps: which one a customer allowed, or what was allowed to which one ended.
With the customer it is kept what exactly was allowed."""

from datetime import datetime

from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind

ALLOWED, ENDED = "app_allowed", "app_ended"


def log_grant(customer: CustomerId, client_id: str, what: str, now: datetime) -> None:
    """Logs it, in the caller's unit of work. The client is the app."""
    kind = EntryKind.CUSTOMER
    entry = Entry(new_uuid(), customer, True, kind, now, now, client_id=client_id, reason=what)
    ledger.append([ledger.bare_entry(entry)])
