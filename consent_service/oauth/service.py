"""Clients and tokens, use case by use case."""

import hmac
import re
from datetime import datetime, timedelta

from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import Conflict, Invalid, NotFound
from consent_service.kernel.ids import new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.oauth import store
from consent_service.oauth.model import (
    ACCESS_TOKEN_LIFETIME,
    Caller,
    Client,
    NewSecret,
    Scope,
    digest,
    new_secret,
)
from consent_service.storage.unit_of_work import reading, unit_of_work

_CLIENT_ID = re.compile(r"[a-z][a-z0-9_\-]{1,63}")


class ClientExists(Conflict):
    """The id is taken."""

    code = "client_exists"
    detail = "A client with this id exists."


def create_client(
    client_id: str,
    name: str,
    scopes: frozenset[str],
    recipients: tuple[str, ...],
    actor: Actor,
    now: datetime,
) -> NewSecret:
    """Registers a client and makes its first secret. Raises: Invalid, ClientExists."""
    if not _CLIENT_ID.fullmatch(client_id):
        raise Invalid.at("/client_id", "invalid", "2 to 64 of a-z, 0-9, _ and -, a letter first.")
    _check_scopes(scopes)
    with unit_of_work() as tx:
        client = Client(client_id, name, scopes, recipients, now, None, None)
        if not store.add_client(tx, client):
            raise ClientExists()
        secret = new_secret()
        store.add_secret(tx, client_id, digest(secret), now)
        _log(actor, "client_created", now)
    return NewSecret(client_id, secret)


def change_access(
    client_id: str,
    scopes: frozenset[str],
    recipients: tuple[str, ...],
    actor: Actor,
    now: datetime,
) -> None:
    """Changes what a client may do, at its next request. Raises: NotFound, Invalid."""
    _check_scopes(scopes)
    with unit_of_work() as tx:
        client = _existing(store.find_client(tx, client_id, lock=True))
        if (client.scopes, client.recipients) == (scopes, recipients):
            return
        store.set_access(tx, client_id, scopes, recipients)
        store.delete_client_tokens(tx, client_id)
        _log(actor, "client_changed", now)


def rotate_secret(client_id: str, overlap: timedelta, actor: Actor, now: datetime) -> NewSecret:
    """A new secret; the others live on for `overlap`. Raises: NotFound."""
    with unit_of_work() as tx:
        _existing(store.find_client(tx, client_id, lock=True))
        secret = new_secret()
        kept = store.add_secret(tx, client_id, digest(secret), now)
        store.end_other_secrets(tx, client_id, kept, now + overlap)
        _log(actor, "client_secret_rotated", now)
    return NewSecret(client_id, secret)


def disable_client(client_id: str, actor: Actor, now: datetime) -> None:
    """Disables a client; its tokens are dead at the next request. Raises: NotFound."""
    with unit_of_work() as tx:
        _existing(store.find_client(tx, client_id, lock=True))
        store.disable(tx, client_id, now)
        store.delete_client_tokens(tx, client_id)
        _log(actor, "client_disabled", now)


def list_clients() -> list[Client]:
    """Every client, by id."""
    with reading() as tx:
        return store.list_clients(tx)


def find_client(client_id: str) -> Client | None:
    """One client, disabled or not."""
    with reading() as tx:
        return store.find_client(tx, client_id)


def authenticate_client(client_id: str, secret: str, now: datetime) -> Client | None:
    """The client, when the secret is one of its live ones and it is not disabled. Unknown
    client and wrong secret take the same way through here."""
    presented = digest(secret)
    with reading() as tx:
        live = store.list_live_secrets(tx, client_id, now)
        client = store.find_client(tx, client_id)
    matches = [hmac.compare_digest(presented, kept) for kept in live or [bytes(32)]]
    if client is None or client.disabled_at is not None or not any(matches):
        return None
    return client


def issue_token(token: str, client_id: str, scopes: frozenset[str], now: datetime) -> None:
    """Keeps an access token for a client, unless it was disabled meanwhile. Raises: NotFound."""
    with unit_of_work() as tx:
        client = _existing(store.find_client(tx, client_id, lock=True))
        if client.disabled_at is not None:
            raise NotFound()
        caller = Caller(client_id, scopes & client.scopes, client.recipients, None)
        store.add_token(tx, digest(token), caller, now, now + ACCESS_TOKEN_LIFETIME)
        store.touch(tx, client_id, now)


def find_caller(token: str, now: datetime) -> Caller | None:
    """Whom a live access token belongs to."""
    with reading() as tx:
        return store.find_caller(tx, digest(token), now)


def delete_expired_tokens(now: datetime) -> int:
    """Removes dead tokens; how many."""
    with unit_of_work() as tx:
        return store.delete_expired_tokens(tx, now)


def _existing(client: Client | None) -> Client:
    if client is None:
        raise NotFound("There is no client with this id.")
    return client


def _check_scopes(scopes: frozenset[str]) -> None:
    if not scopes or not scopes <= frozenset(Scope):
        raise Invalid.at("/scope", "unknown_scope", "Scopes must be of the API's list.")


def _log(actor: Actor, what: str, now: datetime) -> None:
    entry_id = new_uuid()
    entry = Entry(
        entry_id, entry_id, False, EntryKind.STAFF_ACT, now, now, client_id=actor.id, reason=what
    )
    ledger.append([ledger.bare_entry(entry)])
