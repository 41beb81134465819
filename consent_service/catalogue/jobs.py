"""What the worker does by the catalogue in force."""

from datetime import datetime

from consent_service.catalogue import service
from consent_service.catalogue.service import NoCatalogue
from consent_service.ledger import retention


def forget_entries(now: datetime) -> int:
    """Lets entries of the log go that are past what the catalogue keeps of their kind; how many.
    It stops after a while, and is to be called again."""
    try:
        days = service.current().log_retention_days
    except NoCatalogue:
        return 0
    return retention.forget(now, days)
