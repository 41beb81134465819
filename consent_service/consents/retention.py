"""Letting go what the catalogue says is past its time: of a consent that ended, what proves it, as
many days later as the purpose says (`proof_retention_days`). What holds now, and the last event of
each kind, of which it is made, stays for as long as the customer does.
"""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.catalogue.service import NoCatalogue
from consent_service.consents import retention_store as store
from consent_service.customers import unopened
from consent_service.kernel.ids import CustomerId
from consent_service.ledger import service as ledger
from consent_service.storage.unit_of_work import unit_of_work

_BATCH = 1_000
_NOBODY = CustomerId(UUID(int=0))


class Round:
    """Walks through all customers, a batch at a time, and then again from the first."""

    def __init__(self) -> None:
        self._after = _NOBODY

    def forget(self, now: datetime) -> int:
        """Removes what is past its time of the next customers, and logs how much of each kind;
        how much."""
        try:
            cutoffs = _cutoffs(catalogues.current(), now)
        except NoCatalogue:
            return 0
        found = unopened.list_after(self._after, _BATCH)
        if not found or not cutoffs:
            self._after = _NOBODY
            return 0
        until = found[-1]
        with unit_of_work() as tx:
            gone = Counter(consent_records=store.delete_ended(tx, self._after, until, cutoffs))
            gone["consent_events"] = store.delete_superseded(tx, self._after, until, cutoffs)
            gone["consent_proofs"] = store.delete_proofs(tx, self._after, until, cutoffs)
            ledger.append_removals(gone, now)
        self._after = until
        return gone.total()


def _cutoffs(catalogue: Catalogue, now: datetime) -> dict[str, datetime]:
    return {
        key: now - timedelta(days=purpose.proof_retention_days)
        for key, purpose in catalogue.purposes.items()
    }
