"""Making the links of mails, and finding what one that was used is about.

An unsubscribe link is good for ever: its token is random, and a row says what it withdraws. A
preference link is good for 30 days and is no row: the token says whose it is, under a key of ours.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from consent_service.accounts.model import digest, new_token
from consent_service.catalogue import service as catalogues
from consent_service.crypto import passes
from consent_service.crypto.data_keys import OpenKeys
from consent_service.crypto.envelope import Field, Sealed, seal, unseal
from consent_service.crypto.keyring import Keyring
from consent_service.customers import keys as data_keys
from consent_service.customers import service as customers
from consent_service.kernel.ids import CustomerId
from consent_service.preference_links import store
from consent_service.preference_links.model import (
    PREFERENCES_LAST,
    Links,
    Mailing,
    check_mailing,
)
from consent_service.storage.unit_of_work import reading, unit_of_work

_PASS = "preference_link"  # noqa: S105  # what the pass is for


def make_links(
    mailings: Sequence[Mailing], pointers: Sequence[str], now: datetime, keys: Keyring
) -> list[Links]:
    """The links of mails that are about to be sent, in order; `pointers` lead to each in the body.
    The unsubscribe link for the same use is the same every time. Raises: Invalid, NotFound."""
    with unit_of_work() as tx:
        catalogue = catalogues.current()
        for mailing, pointer in zip(mailings, pointers, strict=True):
            check_mailing(mailing, catalogue, pointer)
        resolved, _ = customers.lock_resolved(sorted({m.customer_id for m in mailings}))
        wanted = [Mailing(resolved[m.customer_id], m.purpose, m.channel) for m in mailings]
        kept = store.list_kept(tx, sorted(set(resolved.values())))
        opened = data_keys.open_many(sorted(set(resolved.values())), keys)
        fresh = {m: new_token() for m in dict.fromkeys(wanted) if m not in kept}
        tokens = fresh | {
            m: _open(m.customer_id, *kept[m], opened[m.customer_id]) for m in wanted if m in kept
        }
        store.add(tx, {m: _seal(m, token, opened[m.customer_id]) for m, token in fresh.items()})
    until = now + PREFERENCES_LAST
    return [Links(tokens[m], _preferences(m.customer_id, until, keys), until) for m in wanted]


def find_unsubscribe(token: str) -> Mailing | None:
    """What an unsubscribe link withdraws; None for one that is nobody's, or nobody's any more."""
    with reading() as tx:
        return store.find(tx, digest(token))


def find_preferences(token: str, now: datetime, keys: Keyring) -> CustomerId | None:
    """Whose choices a preference link shows; None when it is made up or too old."""
    plain = passes.read(keys, _PASS, token)
    if plain is None or datetime.fromtimestamp(int.from_bytes(plain[16:]), UTC) <= now:
        return None
    return CustomerId(UUID(bytes=plain[:16]))


def _preferences(customer: CustomerId, until: datetime, keys: Keyring) -> str:
    return passes.make(keys, _PASS, customer.bytes + int(until.timestamp()).to_bytes(5))


def _seal(mailing: Mailing, token: str, opened: OpenKeys) -> store.Kept:
    sha256 = digest(token)
    return sha256, seal(opened.life, _field(mailing.customer_id, sha256), token.encode())


def _open(customer: CustomerId, sha256: bytes, sealed: Sealed, opened: OpenKeys) -> str:
    return unseal(opened.life, _field(customer, sha256), sealed).decode()


def _field(customer: CustomerId, sha256: bytes) -> Field:
    return Field("unsubscribe_link.token", customer, UUID(bytes=sha256[:16]))
