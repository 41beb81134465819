"""What the preference widget shows and records on other sites, and how its choices become those
of somebody who signs in.

A device id is known to one browser alone. Whoever has it may say yes only while it is of nobody
who is known otherwise: on a shared computer it may be another's. A no always counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Touchpoint
from consent_service.consents import service as consents
from consent_service.consents.model import effective
from consent_service.crypto import passes
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.customers.model import Facts, Identifier, IdentifierType
from consent_service.decisions.model import Person
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import Conflict, Invalid, NotFound
from consent_service.kernel.ids import CustomerId, customer_id_text
from consent_service.personal_data import service as personal_data
from consent_service.portal.choices import Picture, look, new_event
from consent_service.portal.model import Shown, Use, list_uses, plan
from consent_service.storage.unit_of_work import unit_of_work

BY_DEVICE = Actor(ActorKind.CUSTOMER, "device")
TIE_LASTS = timedelta(hours=1)
_TIE = "device_tie"
_NOBODY = Person(Facts(None, None, False, None), {})


class NotShown(Conflict):
    """What was answered is not what is in use by now."""

    code = "not_as_shown"
    detail = "The notice has changed since it was shown. Show it anew."


@dataclass(frozen=True, slots=True)
class Site:
    """Where the widget stands."""

    origin: str
    touchpoint: Touchpoint


@dataclass(frozen=True, slots=True)
class Answered:
    """What the widget was told: answers by use, to a purpose as shown in a version of its notice
    and a language."""

    purpose: str
    answers: Mapping[str, bool]
    version: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A purpose as it is for a device. `anonymous`: its choices are nobody's who is known
    otherwise; `sign_in`: a yes was left out that wants a sign-in."""

    picture: Picture
    uses: list[Use]
    anonymous: bool
    event: UUID | None = None
    sign_in: bool = False


def look_from(purpose: str, device: Identifier | None, now: datetime, keys: Keyring) -> Seen:
    """What holds for a device; for one that is new, what holds for anybody. Raises: Invalid."""
    owner = None if device is None else customers.find_by_identifier(device, keys)
    if owner is None:
        return _seen(_anybody(now), purpose, anonymous=False)
    return _seen(look(owner, now), purpose, anonymous=_is_anonymous(customers.resolve(owner)))


def answer(device: Identifier, said: Answered, site: Site, now: datetime, keys: Keyring) -> Seen:
    """Records what was answered on a site. Raises: Invalid, NotShown."""
    with unit_of_work():
        found = customers.get_or_create_owners([device], now, keys)[device]
        resolved, _ = customers.lock_resolved([found])
        owner = resolved[found]
        anonymous = _is_anonymous(owner)
        before = _seen(look(owner, now), said.purpose, anonymous=anonymous)
        allowed = said.answers if anonymous else _noes(said.answers)
        shown = {u.name: Shown(None, u.known) for u in before.uses if u.version == said.version}
        planned = plan(before.uses, allowed, shown)
        if planned.stale:
            raise NotShown()
        page = {"page": "widget", "site": site.origin}
        new = [
            new_event(
                owner, use, kind, said.language, before.picture, now, page, site.touchpoint.key
            )
            for use, kind in planned.events
        ]
        done = consents.record_consents(new, BY_DEVICE, now, keys) if new else []
        after = look(owner, now)
    first = done[0].event.id if done else None
    left_out = len(allowed) < len(said.answers)
    return replace(_seen(after, said.purpose, anonymous=anonymous), event=first, sign_in=left_out)


def make_tie(device: Identifier, now: datetime, keys: Keyring) -> str:
    """A pass by which somebody who signs in takes over the choices of a device. Raises: NotFound
    when it has none."""
    owner = customers.get_by_identifier(device, keys)
    until = int((now + TIE_LASTS).timestamp()).to_bytes(5)
    return passes.make(keys, _TIE, owner.bytes + until)


def find_tie(token: str, customer_id: CustomerId, now: datetime, keys: Keyring) -> Picture | None:
    """The choices that a pass brings; None where there are none to take over: it is too old, or
    made up, or they are of somebody who is known otherwise."""
    device = _tied(token, now, keys)
    if device is None or customers.resolve(device) == customers.resolve(customer_id):
        return None
    try:
        return look(device, now) if _is_anonymous(customers.resolve(device)) else None
    except NotFound:
        return None  # erased meanwhile


def tie(token: str, customer_id: CustomerId, now: datetime, keys: Keyring) -> bool:
    """Makes the choices of a device those of a customer: a no on either side stays a no. False
    where there are none to take over."""
    device = _tied(token, now, keys)
    if device is None:
        return False
    with unit_of_work():
        try:
            resolved, _ = customers.lock_resolved([customer_id, device])
        except NotFound:
            return False
        kept, absorbed = resolved[customer_id], resolved[device]
        if kept == absorbed or not _is_anonymous(absorbed):
            return False
        actor = Actor(ActorKind.CUSTOMER, customer_id_text(kept))
        personal_data.merge(kept, absorbed, actor, now, keys)
    return True


def _tied(token: str, now: datetime, keys: Keyring) -> CustomerId | None:
    plain = passes.read(keys, _TIE, token)
    if plain is None or datetime.fromtimestamp(int.from_bytes(plain[16:]), UTC) <= now:
        return None
    return CustomerId(UUID(bytes=plain[:16]))


def _is_anonymous(customer_id: CustomerId) -> bool:
    found = customers.list_identifiers(customer_id)
    return bool(found) and all(each.type is IdentifierType.DEVICE for each in found)


def _noes(answers: Mapping[str, bool]) -> dict[str, bool]:
    return {name: wanted for name, wanted in answers.items() if not wanted}


def _anybody(now: datetime) -> Picture:
    catalogue = catalogues.current()
    assert _NOBODY.facts is not None
    found = effective(catalogue, {}, None, now)
    return Picture(catalogue, _NOBODY.facts, list_uses(catalogue, found, _NOBODY, now))


def _seen(picture: Picture, purpose: str, *, anonymous: bool) -> Seen:
    uses = [use for use in picture.uses if use.purpose.key == purpose]
    if not uses:
        raise Invalid.at("/purpose", "unknown_purpose", "Not in the catalogue.")
    return Seen(picture, uses, anonymous)
