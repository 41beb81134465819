"""The letter of this room, in the language of whoever gets it."""

from msgspec import Struct

from consent_service.mail import layout
from consent_service.mail.model import Letter
from consent_service.privacy_requests.model import RequestKind
from consent_service.web.texts import ENGLISH, Language, language_for, say

CONFIRMATION = "privacy_request_link"


class Site(Struct, frozen=True):
    """Where the service is, and whose it is."""

    base_url: str
    name: str


def confirmation(
    address: str, language_code: str | None, site: Site, kind: RequestKind, token: str
) -> Letter:
    """The letter with the link that confirms a request."""
    language = language_for(language_code) or ENGLISH
    return layout.write(
        address,
        language.code,
        language.direction,
        site.name,
        say(language, "Confirm your request"),
        (
            say(language, "We were asked for this in your name:"),
            in_words(kind, language),
            say(language, "Open the link to confirm that it was you. It works once, for 24 hours."),
        ),
        (say(language, "Confirm your request"), f"{site.base_url}/requests/confirm/{token}"),
        (
            say(
                language,
                "Did you not ask for it? Then you need not do anything: what is not confirmed is "
                "not carried out.",
            ),
        ),
    )


def in_words(kind: RequestKind, language: Language) -> str:
    """What is asked for, as the person would say it."""
    words = {
        RequestKind.ACCESS: say(language, "A copy of the data about you"),
        RequestKind.PORTABILITY: say(language, "Your data in a form to take elsewhere"),
        RequestKind.RECTIFICATION: say(language, "A correction of the data about you"),
        RequestKind.ERASURE: say(language, "The erasure of the data about you"),
        RequestKind.RESTRICTION: say(language, "A stop to the use of the data about you"),
        RequestKind.OBJECTION: say(language, "An end to direct marketing to you"),
    }
    return words[kind]
