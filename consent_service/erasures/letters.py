"""The last letter to people who are erased: written before their addresses go, sealed under a
master key, and gone once it is sent."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from consent_service.crypto.keyring import Keyring
from consent_service.customers.model import Customer, IdentifierType
from consent_service.kernel.ids import CustomerId
from consent_service.mail import layout
from consent_service.mail import service as mail
from consent_service.mail.model import Letter
from consent_service.privacy_requests.letters import Site
from consent_service.web.texts import ENGLISH, language_for, say

LAST = "erasure_done"
_TRIED_FOR = timedelta(days=3)


def send_last(
    people: Mapping[CustomerId, Customer],
    tokens: Mapping[CustomerId, str],
    site: Site,
    now: datetime,
    keys: Keyring,
) -> set[CustomerId]:
    """Writes the letters, in the caller's unit of work; those who get one: who has no address on
    file does not. `tokens` lead to the certificates."""
    written = {
        who: _write(customer, site, tokens[who])
        for who, customer in people.items()
        if any(i.type is IdentifierType.EMAIL for i in customer.identifiers)
    }
    mail.post_to_nobody(list(written.values()), LAST, keys.master, now, now + _TRIED_FOR)
    return set(written)


def _write(customer: Customer, site: Site, token: str) -> Letter:
    to = next(i for i in customer.identifiers if i.type is IdentifierType.EMAIL)
    language = language_for(customer.language) or ENGLISH
    return layout.write(
        to.given if to.given.isascii() else to.value,
        language.code,
        language.direction,
        site.name,
        say(language, "Your data has been erased"),
        (
            say(language, "We have erased the data about you, as you asked."),
            say(
                language,
                "Whoever received data about you from us has been told. When all of them have "
                "answered, you find our certificate of the erasure under this link.",
            ),
        ),
        (say(language, "See the certificate"), f"{site.base_url}/requests/certificate/{token}"),
        (
            say(
                language,
                "Keep this letter: we do not have your address any more, and cannot send it again.",
            ),
        ),
    )
