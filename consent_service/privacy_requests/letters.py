"""The letters of this room, in the language of whoever gets them."""

from collections.abc import Sequence
from datetime import datetime

from babel.dates import format_date
from msgspec import Struct

from consent_service.customers.model import Customer, IdentifierType
from consent_service.mail import layout
from consent_service.mail.model import Letter
from consent_service.privacy_requests.model import (
    Request,
    RequestKind,
    StepKind,
    request_id_text,
)
from consent_service.web.texts import ENGLISH, Language, language_for, say

CONFIRMATION = "privacy_request_link"
LIFT = "restriction_lift"
STEP = "privacy_request_step"
DIGEST = "privacy_request_digest"


class Site(Struct, frozen=True):
    """Where the service is, and whose it is."""

    base_url: str
    name: str


class Counts(Struct, frozen=True):
    """How many open requests are overdue, and how many of the others are due in two days, and in
    seven."""

    overdue: int
    soon: int
    later: int


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


def lift_announced(
    address: str, language: Language, site: Site, request: Request, reason: str, lift_at: datetime
) -> Letter:
    """The letter that says, before it is lifted, that a restriction ends. Source: GDPR art.
    18(3)."""
    return _about(
        address,
        language,
        site,
        request,
        say(language, "The stop to the use of your data ends"),
        (
            say(
                language,
                "The data about you is not used at present, because you asked us to stop. "
                "From %(date)s on we may use it again.",
                date=day(lift_at, language),
            ),
            _reason(reason, language),
            say(
                language,
                "If you asked us for another stop since, that one stays. You can ask for a stop "
                "again at any time, and object to direct marketing.",
            ),
        ),
    )


def lift_cancelled(address: str, language: Language, site: Site, request: Request) -> Letter:
    """The letter that takes back what `lift_announced` said."""
    return _about(
        address,
        language,
        site,
        request,
        say(language, "The stop to the use of your data stays"),
        (
            say(
                language,
                "We wrote to you that we may soon use the data about you again. That no longer "
                "holds: it stays unused, as you asked.",
            ),
        ),
    )


def of_step(
    address: str,
    language: Language,
    site: Site,
    request: Request,
    kind: StepKind,
    reason: str | None,
) -> Letter:
    """The letter about a step of `TOLD_STEPS`."""
    texts = [in_words(request.kind, language)]
    if kind is StepKind.EXTENDED:
        due = day(request.due_at, language)
        texts.append(say(language, "You will have our answer by %(date)s.", date=due))
    if reason is not None:
        texts.append(_reason(reason, language))
    if kind in (StepKind.REJECTED, StepKind.FAILED):
        texts.append(
            say(
                language,
                "If you do not agree, write to us. You can also complain to the authority for data "
                "protection where you live, or go to court.",
            )
        )
    subjects = {
        StepKind.EXTENDED: say(language, "Your request takes longer"),
        StepKind.REJECTED: say(language, "We do not grant your request"),
        StepKind.DONE: say(language, "What you asked for is done"),
        StepKind.FAILED: say(language, "Not all that you asked for could be done"),
        StepKind.CANCELLED: say(language, "Your request was cancelled"),
    }
    return _about(address, language, site, request, subjects[kind], tuple(texts))


def digest(
    address: str, language: Language, site: Site, counts: Counts, due: Sequence[Request]
) -> Letter:
    """The letter to staff about requests that are due: references and dates, of nobody."""
    return layout.write(
        address,
        language.code,
        language.direction,
        site.name,
        say(language, "Privacy requests that are due"),
        (
            say(language, "Overdue: %(count)s", count=counts.overdue),
            say(language, "Due in two days: %(count)s", count=counts.soon),
            say(language, "Due in seven days: %(count)s", count=counts.later),
            *(f"{request_id_text(each.id)} · {day(each.due_at, language)}" for each in due),
        ),
        (say(language, "Sign in"), f"{site.base_url}/staff"),
        (say(language, "The list is cut: these are the first %(count)s.", count=len(due)),)
        if counts.overdue + counts.soon + counts.later > len(due)
        else (),
    )


def address_of(customer: Customer) -> str | None:
    """Where letters to a customer go: the first address on file."""
    found = next((i for i in customer.identifiers if i.type is IdentifierType.EMAIL), None)
    return None if found is None else found.given if found.given.isascii() else found.value


def day(instant: datetime, language: Language) -> str:
    """A day, by UTC."""
    return format_date(instant, "long", locale=language.locale)


def _reason(reason: str, language: Language) -> str:
    return say(language, "The reason: %(reason)s", reason=reason)


def _about(
    address: str,
    language: Language,
    site: Site,
    request: Request,
    subject: str,
    texts: tuple[str, ...],
) -> Letter:
    """A letter about a request, which the person finds by the link once they are signed in."""
    link = f"{site.base_url}/requests/{request_id_text(request.id)}"
    return layout.write(
        address,
        language.code,
        language.direction,
        site.name,
        subject,
        texts,
        (say(language, "See your request"), link),
        (),
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
