"""What the links in mails do: say no for somebody who has not signed in, and never yes."""

from collections.abc import Callable
from datetime import datetime

from consent_service.catalogue.model import Catalogue
from consent_service.consents import service as consents
from consent_service.consents.model import EventKind, NewEvent
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.kernel.actors import Actor, ActorKind
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.portal.choices import Picture, look
from consent_service.portal.model import Ask, Use, plan
from consent_service.preference_links import service
from consent_service.privacy_requests.carrying_out import usual_touchpoint
from consent_service.storage.unit_of_work import unit_of_work

BY_LINK = Actor(ActorKind.CUSTOMER, "link")


def unsubscribe(token: str, now: datetime, keys: Keyring) -> None:
    """Withdraws what an unsubscribe link is for. A link of nobody, or of somebody who was erased,
    withdraws nothing, and nobody is told so."""
    found = service.find_unsubscribe(token)
    if found is None:
        return
    _refuse(
        found.customer_id,
        lambda use: use.purpose.key == found.purpose and found.channel in (None, use.channel),
        ("unsubscribe", None),
        now,
        keys,
    )


def look_by_link(token: str, now: datetime, keys: Keyring) -> Picture | None:
    """What a preference link shows; None when it leads to nobody, or is too old."""
    customer_id = service.find_preferences(token, now, keys)
    try:
        return None if customer_id is None else look(customer_id, now)
    except NotFound:
        return None


def refuse_by_link(
    token: str, names: set[str] | None, language: str, now: datetime, keys: Keyring
) -> bool:
    """Says no to uses by their names, or with None to all that "refuse all" bears on. False when
    the link leads to nobody, or is too old."""
    customer_id = service.find_preferences(token, now, keys)
    if customer_id is None:
        return False
    return _refuse(
        customer_id,
        lambda use: use.by_all if names is None else use.name in names,
        ("preferences", language),
        now,
        keys,
    )


def refusable(picture: Picture) -> list[Use]:
    """Uses to which one can say no."""
    return [use for use in picture.uses if use.ask is not Ask.NOTHING]


def _refuse(
    customer_id: CustomerId,
    meant: Callable[[Use], bool],
    page: tuple[str, str | None],
    now: datetime,
    keys: Keyring,
) -> bool:
    """Records a no to each use that is meant and has none. False when there is nobody."""
    with unit_of_work():
        try:
            resolved, _ = customers.lock_resolved([customer_id])
            owner = resolved[customer_id]
            picture = look(owner, now)
        except NotFound:
            return False
        wanted = {use.name: False for use in picture.uses if meant(use)}
        found = plan(picture.uses, wanted, {}).events
        new = [_event(owner, use, kind, page, picture.catalogue, now) for use, kind in found]
        if new:
            consents.record_consents(new, BY_LINK, now, keys)
    return True


def _event(
    owner: CustomerId,
    use: Use,
    kind: EventKind,
    page: tuple[str, str | None],
    catalogue: Catalogue,
    now: datetime,
) -> NewEvent:
    name, language = page
    return NewEvent(
        owner, use.purpose.key, kind, use.channel, None, language, _touchpoint(catalogue), now,
        evidence={"page": name, "by": "link in a mail"},
    )  # fmt: skip


def _touchpoint(catalogue: Catalogue) -> str:
    """That of mails, where the catalogue has one."""
    mails = (t.key for t in catalogue.touchpoints.values() if t.kind == "email")
    return next(mails, None) or usual_touchpoint(catalogue)
