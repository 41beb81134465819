"""Where what is known of a customer came from: names of fields, never a value."""

from collections.abc import Iterator

from msgspec import Struct

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.customers.model import Customer
from consent_service.disclosures.texts import name_in
from consent_service.kernel.ids import CustomerId
from consent_service.web.texts import Language


class SourceUse(Struct):
    """What came from one source. `source` None: nobody said; `party` and `text` None: not in the
    catalogue."""

    source: str | None
    party: str | None
    text: str | None
    identifiers: list[str]
    profile: list[str]


def list_sources(customer_id: CustomerId, language: Language, keys: Keyring) -> list[SourceUse]:
    """The sources of a customer's identifiers and profile, by key; what has none comes last.
    Raises: NotFound."""
    customer = customers.get_customer(customer_id, keys)
    catalogue = catalogues.current()
    named = sorted(source for source in set(_all_sources(customer)) if source is not None)
    found = [_use_of(source, customer, catalogue, language) for source in [*named, None]]
    return [use for use in found if use.identifiers or use.profile]


def _all_sources(customer: Customer) -> Iterator[str | None]:
    yield from (identifier.source for identifier in customer.identifiers)
    yield from (value.source for value in customer.profile.values())


def _use_of(
    source: str | None, customer: Customer, catalogue: Catalogue, language: Language
) -> SourceUse:
    declared = catalogue.data_sources.get(source or "")
    return SourceUse(
        source,
        None if declared is None else declared.party.value,
        None if declared is None else name_in(language, declared.text, catalogue),
        sorted({i.type.value for i in customer.identifiers if i.source == source}),
        sorted(name for name, value in customer.profile.items() if value.source == source),
    )
