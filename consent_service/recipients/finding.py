"""To whom customers' data went: by the log, by the audiences they were in, and by the catalogue
where a yes of theirs is in force."""

from collections.abc import Sequence, Set

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.consents import service as consents
from consent_service.decisions.model import Outcome, outcome_of
from consent_service.kernel.ids import CustomerId
from consent_service.ledger import service as ledger
from consent_service.ledger.model import EntryFilter, EntryKind
from consent_service.screenings import service as screenings

_SCREENINGS = frozenset({EntryKind.SCREENING})
_AT_ONCE = 500

_Found = dict[CustomerId, set[str]]


def find_recipients(customer_ids: Sequence[CustomerId], *, marketing_only: bool) -> _Found:
    """The keys of those who have received data about each customer, or were allowed to; of the
    catalogue in force or of an older one. For direct marketing alone, if so asked."""
    catalogue = catalogues.current()
    purposes = _marketing(catalogue) if marketing_only else None
    found: _Found = {customer_id: set() for customer_id in customer_ids}
    for place, recipient in ledger.list_recipients(customer_ids, purposes):
        found[CustomerId(place)].add(recipient)
    for customer_id, purpose in consents.list_given(customer_ids):
        if purpose in catalogue.purposes and (purposes is None or purpose in purposes):
            found[customer_id] |= set(catalogue.purposes[purpose].recipients)
    _add_screened(found, purposes)
    return found


def _marketing(catalogue: Catalogue) -> frozenset[str]:
    return frozenset(p.key for p in catalogue.purposes.values() if p.direct_marketing)


def _add_screened(found: _Found, purposes: Set[str] | None) -> None:
    """Adds those to whom an audience was permitted that a customer was in. One is enough: of
    whoever is found nothing more is looked through."""
    after = None
    while some := ledger.list_after(EntryFilter(kinds=_SCREENINGS), after, _AT_ONCE):
        asked = {
            entry.id: entry.recipient
            for entry in some
            if entry.recipient is not None and (purposes is None or entry.purpose in purposes)
        }
        for customer_id, known in found.items():
            wanted = {audience: key for audience, key in asked.items() if key not in known}
            told = screenings.find_memberships(customer_id, wanted) if wanted else {}
            for audience, reason in told.items():
                if outcome_of(reason) is Outcome.PERMIT:
                    known.add(wanted[audience])
        after = some[-1].id
