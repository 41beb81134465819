"""Clients and tokens, use case by use case."""

import hmac
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import Conflict, Invalid, NotFound
from consent_service.kernel.ids import new_uuid
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryKind
from consent_service.oauth import grant_store, store
from consent_service.oauth.model import (
    ACCESS_TOKEN_LIFETIME,
    CUSTOMER_SCOPES,
    AuthMethod,
    Caller,
    Client,
    ClientChanges,
    ClientKind,
    NewSecret,
    Scope,
    digest,
    is_redirect_address,
    new_secret,
)
from consent_service.oauth.recipients import check_recipients
from consent_service.storage.direct import direct
from consent_service.storage.unit_of_work import reading, unit_of_work

_CLIENT_ID = re.compile(r"[a-z][a-z0-9_\-]{1,63}")


class ClientExists(Conflict):
    """The id is taken."""

    code = "client_exists"
    detail = "A client with this id exists."


class SignsInstead(Conflict):
    """There is no secret to rotate."""

    code = "client_signs"
    detail = "This client signs with its own key and has no secret."


def create_client(
    client_id: str,
    name: str,
    scopes: frozenset[str],
    recipients: tuple[str, ...],
    actor: Actor,
    now: datetime,
    *,
    kind: ClientKind = ClientKind.SERVICE,
    redirect_uris: tuple[str, ...] = (),
    jwks: str | None = None,
) -> NewSecret:
    """Registers a client and makes its first secret; one with `jwks` (public keys that were
    checked) signs instead. With no catalogue in force any recipient is taken.
    Raises: Invalid, ClientExists."""
    if not _CLIENT_ID.fullmatch(client_id):
        raise Invalid.at("/client_id", "invalid", "2 to 64 of a-z, 0-9, _ and -, a letter first.")
    method = AuthMethod.SECRET if jwks is None else AuthMethod.PRIVATE_KEY_JWT
    client = Client(
        client_id, name, scopes, recipients, now, None, None, kind, redirect_uris, jwks, method
    )
    _check(client)
    check_recipients(recipients)
    with unit_of_work() as tx:
        if not store.add_client(tx, client):
            raise ClientExists()
        secret = ""
        if method is AuthMethod.SECRET:
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
    changes = ClientChanges(scopes=scopes, recipients=recipients)
    change_client(client_id, changes, actor, now)


def change_client(client_id: str, changes: ClientChanges, actor: Actor, now: datetime) -> Client:
    """Changes a client; what it holds of the old rights is dead at the next request. With no
    catalogue in force any recipient is taken. Raises: NotFound, Invalid."""
    with unit_of_work() as tx:
        before = _existing(store.find_client(tx, client_id, lock=True))
        after = _changed(before, changes, now)
        _check(after)
        check_recipients(after.recipients, before.recipients)
        if after != before:
            store.change_client(tx, after)
            _end_access(client_id, before, after)
            _log(actor, _what_changed(before, after), now)
    return after


def rotate_secret(client_id: str, overlap: timedelta, actor: Actor, now: datetime) -> NewSecret:
    """A new secret; the others live on for `overlap`. Raises: NotFound."""
    with unit_of_work() as tx:
        client = _existing(store.find_client(tx, client_id, lock=True))
        if client.auth_method is not AuthMethod.SECRET:
            raise SignsInstead()
        secret = new_secret()
        kept = store.add_secret(tx, client_id, digest(secret), now)
        store.end_other_secrets(tx, client_id, kept, now + overlap)
        _log(actor, "client_secret_rotated", now)
    return NewSecret(client_id, secret)


def disable_client(client_id: str, actor: Actor, now: datetime) -> None:
    """Disables a client; its tokens are dead at the next request. Raises: NotFound."""
    change_client(client_id, ClientChanges(disabled=True), actor, now)


def delete_client(client_id: str, actor: Actor, now: datetime) -> None:
    """Removes a client, its secrets and its tokens, and ends what customers allowed it.
    Raises: NotFound."""
    with unit_of_work() as tx:
        _existing(store.find_client(tx, client_id, lock=True))
        grant_store.end_grants(tx, now, client_id=client_id)
        grant_store.delete_all(tx, client_id=client_id)
        store.delete_client(tx, client_id)
        _log(actor, "client_deleted", now)


def list_clients() -> list[Client]:
    """Every client, by id."""
    with reading() as tx:
        return store.list_clients(tx)


def find_client(client_id: str) -> Client | None:
    """One client, disabled or not."""
    with reading() as tx:
        return store.find_client(tx, client_id)


def get_client(client_id: str) -> Client:
    """One client, disabled or not. Raises: NotFound."""
    return _existing(find_client(client_id))


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
    return client if client.auth_method is AuthMethod.SECRET else None


def authenticate_by_assertion(
    client_id: str,
    verified: Callable[[Client], tuple[str, datetime] | None],
    now: datetime,
) -> Client | None:
    """The client, when `verified` finds its signature good and answers the assertion's `jti`
    and end, and the assertion was not shown before. Source: RFC 7523, section 3."""
    client = find_client(client_id)
    if client is None or client.disabled_at is not None:
        return None
    found = verified(client) if client.auth_method is AuthMethod.PRIVATE_KEY_JWT else None
    if found is None:
        return None
    with unit_of_work() as tx:
        is_new = grant_store.add_used_assertion(tx, client_id, digest(found[0]), found[1])
    return client if is_new else None


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
    with direct() as door:
        return store.find_caller(door, digest(token), now)


def delete_expired_tokens(now: datetime) -> int:
    """Removes dead tokens, codes and assertions; how many."""
    with unit_of_work() as tx:
        return grant_store.delete_expired(tx, now)


def _existing(client: Client | None) -> Client:
    if client is None:
        raise NotFound("There is no client with this id.")
    return client


def _check(client: Client) -> None:
    if not client.scopes or not client.scopes <= frozenset(Scope):
        raise Invalid.at("/scopes", "unknown_scope", f"Scopes are {', '.join(Scope)}.")
    if (client.auth_method is AuthMethod.PRIVATE_KEY_JWT) != (client.jwks is not None):
        raise Invalid.at("/jwks", "invalid", "A client that signs has keys, and no other has.")
    if Scope.DECISIONS_CHECK in client.scopes and not client.recipients:
        raise Invalid.at("/recipients", "required", "Who asks for decisions says who receives.")
    if client.kind is ClientKind.SERVICE:
        if client.redirect_uris:
            raise Invalid.at("/redirect_uris", "invalid", "A service has none.")
        return
    if not client.scopes <= CUSTOMER_SCOPES:
        raise Invalid.at("/scopes", "not_for_apps", "A customer cannot allow an app that much.")
    if not client.redirect_uris or not all(map(is_redirect_address, client.redirect_uris)):
        raise Invalid.at(
            "/redirect_uris", "invalid", "One or more https addresses, exact, without a fragment."
        )


def _changed(client: Client, changes: ClientChanges, now: datetime) -> Client:
    disabled_at = client.disabled_at
    if changes.disabled is not None:
        disabled_at = (disabled_at or now) if changes.disabled else None
    return replace(
        client,
        name=client.name if changes.name is None else changes.name,
        scopes=client.scopes if changes.scopes is None else changes.scopes,
        recipients=client.recipients if changes.recipients is None else changes.recipients,
        redirect_uris=(
            client.redirect_uris if changes.redirect_uris is None else changes.redirect_uris
        ),
        jwks=client.jwks if changes.jwks is None else changes.jwks,
        disabled_at=disabled_at,
    )


def _end_access(client_id: str, before: Client, after: Client) -> None:
    """Ends tokens that say what no longer holds. A disabled client's refresh tokens go too; a
    changed one's give what is left of its rights."""
    with unit_of_work() as tx:
        if after.disabled_at is not None and before.disabled_at is None:
            grant_store.delete_all(tx, client_id=client_id)
        elif (before.scopes, before.recipients) != (after.scopes, after.recipients):
            store.delete_client_tokens(tx, client_id)


def _what_changed(before: Client, after: Client) -> str:
    if (before.disabled_at is None) == (after.disabled_at is None):
        return "client_changed"
    return "client_enabled" if after.disabled_at is None else "client_disabled"


def _log(actor: Actor, what: str, now: datetime) -> None:
    entry_id = new_uuid()
    entry = Entry(
        entry_id,
        entry_id,
        False,
        EntryKind.STAFF_ACT,
        now,
        now,
        client_id=actor.id,
        reason=what,
    )
    ledger.append([ledger.bare_entry(entry)])
