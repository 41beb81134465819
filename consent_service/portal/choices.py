"""Seeing and recording a person's choices, under their lock where something is recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Catalogue
from consent_service.consents import service as consents
from consent_service.consents.model import Event, EventKind, NewEvent
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.customers.model import Facts, IdentifierType
from consent_service.decisions.model import Person
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, base32, customer_id_text
from consent_service.portal.model import Plan, Shown, Use, in_language, list_uses, plan, want_all
from consent_service.privacy_requests.carrying_out import usual_touchpoint
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.suppressions import service as suppressions

ALL = {"accept": True, "refuse": False}
_PAGE = {"page": "choices"}
_FEW = 20


@dataclass(frozen=True, slots=True)
class Picture:
    """Every use for one person, by a catalogue, at an instant."""

    catalogue: Catalogue
    facts: Facts
    uses: list[Use]


@dataclass(frozen=True, slots=True)
class Said:
    """What was sent: an answer for each use by its name, or `all_of` it, accepted or refused.
    `shown` is what the form was opened with, in `language`."""

    answers: Mapping[str, bool]
    all_of: bool | None
    shown: Mapping[str, Shown]
    language: str


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of it. `event` leads to the confirmation; None when there is nothing to confirm."""

    plan: Plan
    event: UUID | None


def look(customer_id: CustomerId, now: datetime) -> Picture:
    """What holds for a customer now. Raises: NotFound."""
    catalogue = catalogues.current()
    record = customers.get_record(customer_id)
    found = consents.list_effective(record.id, None, now)
    person = Person(
        record.facts,
        {(c.purpose.key, c.channel): c.record for c in found if c.record is not None},
        tuple(suppressions.list_of_customer(record.id)),
        None,
        _addresses(record.id),
    )
    return Picture(catalogue, record.facts, list_uses(catalogue, found, person, now))


def save(customer_id: CustomerId, said: Said, now: datetime, keys: Keyring) -> Saved:
    """Records what somebody said on the page, all of it or, where a yes is stale, the noes alone.
    The same form sent twice records once. Raises: NotFound."""
    with unit_of_work():
        resolved, _ = customers.lock_resolved([customer_id])
        owner = resolved[customer_id]
        picture = look(owner, now)
        wanted = said.answers if said.all_of is None else want_all(picture.uses, said.all_of)
        found = plan(picture.uses, wanted, said.shown)
        new = [
            new_event(owner, use, kind, said.language, picture, now) for use, kind in found.events
        ]
        actor = Actor(ActorKind.CUSTOMER, customer_id_text(owner))
        done = consents.record_consents(new, actor, now, keys) if new else []
    return Saved(found, done[0].event.id if done else _latest(found))


def list_saved(customer_id: CustomerId, event_id: UUID) -> list[Event]:
    """What was recorded at once, found by the first of it. Raises: NotFound."""
    return consents.list_recorded_with(consents.get_event(customer_id, event_id))


def is_first(recorded: Sequence[Event]) -> bool:
    """Whether nobody had answered for the person before, as far as their oldest events tell."""
    known = {event.id for event in recorded}
    oldest = consents.list_events(recorded[0].customer_id, None, len(known) + _FEW).items
    return all(event.id in known or event.imported for event in oldest)


def _latest(found: Plan) -> UUID | None:
    """The first of what a form that is sent again had come to."""
    records = [use.record for use in found.meant if use.record is not None]
    since = max((record.recorded_from for record in records), default=None)
    together = [record for record in records if record.recorded_from == since]
    first = min(together, key=lambda record: record.revision, default=None)
    return None if first is None else first.event_id


def new_event(
    owner: CustomerId,
    use: Use,
    kind: EventKind,
    language: str,
    picture: Picture,
    now: datetime,
    page: Mapping[str, str] = _PAGE,
    touchpoint: str | None = None,
) -> NewEvent:
    """An answer as it was given on a page; `page` is its evidence, beside what was shown."""
    where = touchpoint or usual_touchpoint(picture.catalogue)
    code, _ = spoken(use, language, picture.catalogue)
    evidence = dict(page)
    if use.notice is not None:
        evidence["notice_sha256"] = use.notice.sha256(code)
    return NewEvent(
        owner, use.purpose.key, kind, use.channel, use.version, code, where, now, None,
        evidence,
    )  # fmt: skip


def spoken(use: Use, language: str, catalogue: Catalogue) -> tuple[str, str]:
    """The notice of a use as it is shown: the language, which is recorded, and the text."""
    if use.notice is None:
        return language, ""
    return in_language(use.notice.text, [language, *catalogue.languages])


def _addresses(customer_id: CustomerId) -> dict[IdentifierType, frozenset[UUID]]:
    found: dict[IdentifierType, frozenset[UUID]] = {}
    for kept in customers.list_identifiers(customer_id):
        found[kept.type] = found.get(kept.type, frozenset()) | {kept.id}
    return found


def get_own_event(customer_id: CustomerId, text: str) -> Event:
    """An event of the customer by the id in an address. Raises: NotFound."""
    try:
        return consents.get_event(customer_id, UUID(hex=text))
    except ValueError:
        raise NotFound() from None


def reference(event_id: UUID) -> str:
    """What to name when one asks about it: short enough to be read out."""
    text = base32(event_id.int)[-12:].upper()
    return "-".join(text[at : at + 4] for at in range(0, 12, 4))
