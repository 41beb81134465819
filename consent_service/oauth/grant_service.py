"""What customers allow apps, and the codes and tokens that come of it.

Whoever makes tokens locks the client's row, then the grant's, then redeems; whoever ends them
takes the same way, so that nothing made meanwhile is left over.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from consent_service.kernel.errors import Invalid, NotFound
from consent_service.kernel.ids import CustomerId, new_uuid
from consent_service.oauth import grant_store, store
from consent_service.oauth.grant_log import ALLOWED, ENDED, log_grant
from consent_service.oauth.grant_model import (
    CODE_LIFETIME,
    GRANT_LIFETIME,
    SIBLING_WITHIN,
    AuthorizationCode,
    CustomerGrant,
    RefreshToken,
    TokenFacts,
    Tokens,
    fits,
)
from consent_service.oauth.model import (
    ACCESS_TOKEN_LIFETIME,
    Caller,
    Client,
    Scope,
    digest,
    new_secret,
)
from consent_service.storage.unit_of_work import reading, unit_of_work


def allow(
    client_id: str,
    customer: CustomerId,
    redirect_uri: str,
    scopes: frozenset[str],
    code_challenge: str,
    lock_customer: Callable[[CustomerId], object],
    now: datetime,
) -> str:
    """Keeps what a customer allowed a client, on top of what still holds; a code, once, for a
    minute. Raises: NotFound when either is gone."""
    code = new_secret()
    with unit_of_work() as tx:
        client = store.find_client(tx, client_id, lock=True)
        if client is None or client.disabled_at is not None or not scopes <= client.scopes:
            raise NotFound()
        lock_customer(customer)
        before = grant_store.find_grant(tx, customer, client_id)
        still = before.scopes if before is not None and before.is_live(now) else frozenset()
        grant = CustomerGrant(customer, client_id, scopes | still, now, now + GRANT_LIFETIME)
        grant_store.put_grant(tx, grant)
        made = AuthorizationCode(
            new_uuid(),
            client_id,
            customer,
            redirect_uri,
            scopes,
            code_challenge,
            now,
            now + CODE_LIFETIME,
        )
        grant_store.add_code(tx, digest(code), made)
        log_grant(customer, client_id, ALLOWED, now)
    return code


def redeem_code(
    code: str, client_id: str, redirect_uri: str, verifier: str, now: datetime
) -> Tokens | None:
    """The tokens of a code, once. A code that was redeemed before ends the tokens it made.
    Source: RFC 6749, section 4.1.2; RFC 7636; RFC 9700, section 2.1.1."""
    sha256 = digest(code)
    with reading() as tx:
        seen = grant_store.find_code(tx, sha256)
    if seen is None or seen.client_id != client_id:
        return None
    if seen.redeemed_at is not None:
        _end_family(client_id, seen.family)
        return None
    if redirect_uri != seen.redirect_uri or not fits(verifier, seen.code_challenge):
        return None
    with unit_of_work() as tx:
        client = _live_client(client_id)
        grant = grant_store.use_grant(tx, seen.customer_id, client_id, now)
        if client is None or grant is None or redirect_uri not in client.redirect_uris:
            return None
        if grant_store.redeem_code(tx, sha256, client_id, now) is None:
            return None
        scopes = seen.scopes & grant.scopes & client.scopes
        return _mint(client, grant, seen.family, None, scopes, scopes, grant.expires_at, now)


def refresh(token: str, client_id: str, wanted: frozenset[str], now: datetime) -> Tokens | None:
    """New tokens for a refresh token, once; once more within 10 seconds for a lost answer, in
    the place of the first ones. Later use ends the family. Of requests at the same time one
    wins, and the others do no harm. Raises: Invalid for a scope it does not have."""
    sha256 = digest(token)
    with reading() as tx:
        seen = grant_store.find_refresh_token(tx, sha256)
    if seen is None or seen.client_id != client_id or seen.expires_at <= now:
        return None
    if not wanted <= seen.scopes:
        raise Invalid()
    if seen.replaced_at is not None and seen.replaced_at <= now - SIBLING_WITHIN:
        _end_family(client_id, seen.family)
        return None
    with unit_of_work() as tx:
        client = _live_client(client_id)
        grant = grant_store.use_grant(tx, seen.customer_id, client_id, now)
        if client is None or grant is None or not _replace(seen, now):
            return None
        scopes = seen.scopes & grant.scopes & client.scopes
        return _mint(
            client,
            grant,
            seen.family,
            sha256,
            scopes,
            scopes & (wanted or scopes),
            seen.expires_at,
            now,
        )


def find_facts(token: str, now: datetime) -> TokenFacts | None:
    """What is known of a live access or refresh token."""
    sha256 = digest(token)
    with reading() as tx:
        found = store.find_token(tx, sha256, now)
        kept = None if found is not None else grant_store.find_refresh_token(tx, sha256)
    if kept is None or kept.replaced_at is not None or kept.expires_at <= now:
        return found
    return TokenFacts(
        kept.client_id,
        kept.customer_id,
        kept.scopes,
        kept.issued_at,
        kept.expires_at,
        kept.family,
        is_refresh=True,
    )


def may_inspect(client: Client, facts: TokenFacts) -> bool:
    """Whether a client may know about a token: its own, or any with clients:manage."""
    return facts.client_id == client.id or Scope.CLIENTS_MANAGE.value in client.scopes


def revoke(token: str, client_id: str) -> None:
    """Ends an access token; for a refresh token the whole family. Source: RFC 7009."""
    sha256 = digest(token)
    with unit_of_work() as tx:
        store.find_client(tx, client_id, lock=True)
        kept = grant_store.find_refresh_token(tx, sha256)
        if kept is not None and kept.client_id == client_id:
            grant_store.delete_family(tx, kept.family)
        store.delete_token(tx, sha256, client_id)


def list_grants(customer: CustomerId) -> list[tuple[CustomerGrant, Client | None]]:
    """What a customer allowed, ended or not, with the client, which may be gone."""
    with reading() as tx:
        clients = {client.id: client for client in store.list_clients(tx)}
        found = grant_store.list_grants(tx, customer)
    return [(grant, clients.get(grant.client_id)) for grant in found]


def end_grant(customer: CustomerId, client_id: str, now: datetime) -> None:
    """Ends what a customer allowed a client, and its tokens. Raises: NotFound for nothing."""
    with unit_of_work() as tx:
        if not grant_store.end_grants(tx, now, customer=customer, client_id=client_id):
            raise NotFound()
        grant_store.delete_all(tx, customers=[customer], client_id=client_id)
        log_grant(customer, client_id, ENDED, now)


def _live_client(client_id: str) -> Client | None:
    with unit_of_work() as tx:
        client = store.find_client(tx, client_id, lock=True)
    return None if client is None or client.disabled_at is not None else client


def _replace(seen: RefreshToken, now: datetime) -> bool:
    with unit_of_work() as tx:
        if seen.replaced_at is None:
            replaced = grant_store.replace_refresh_token(tx, seen.sha256, seen.client_id, now)
            return replaced is not None
        if grant_store.take_sibling(tx, seen.sha256, seen.client_id, now) is None:
            return False
        lost = grant_store.supersede_child(tx, seen.sha256, now)
        grant_store.delete_family(tx, seen.family, but_refresh=lost)
        return lost


def _mint(
    client: Client,
    grant: CustomerGrant,
    family: UUID,
    parent: bytes | None,
    kept: frozenset[str],
    given: frozenset[str],
    ends_at: datetime,
    now: datetime,
) -> Tokens | None:
    """An access token with the scopes `given` and a refresh token with those `kept`."""
    if not given:
        return None
    access, fresh = new_secret(), new_secret()
    expires_at = min(now + ACCESS_TOKEN_LIFETIME, ends_at)
    caller = Caller(client.id, given, client.recipients, grant.customer_id)
    token = RefreshToken(
        digest(fresh), family, parent, client.id, grant.customer_id, kept, now, ends_at
    )
    with unit_of_work() as tx:
        store.add_token(tx, digest(access), caller, now, expires_at, family)
        grant_store.add_refresh_token(tx, token)
        store.touch(tx, client.id, now)
    return Tokens(access, fresh, given, int((expires_at - now).total_seconds()))


def _end_family(client_id: str, family: UUID) -> None:
    with unit_of_work() as tx:
        store.find_client(tx, client_id, lock=True)
        grant_store.delete_family(tx, family)
