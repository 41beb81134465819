"""What clients may do, in words that hold no secret: written down outside the database, and held
against a store that was put back. What is held to it only ever loses rights."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from consent_service.kernel.actors import Actor
from consent_service.kernel.errors import Invalid
from consent_service.kernel.ids import CustomerId
from consent_service.oauth import grant_store, service, standing_store, store
from consent_service.oauth.model import Client, ClientChanges
from consent_service.storage.unit_of_work import reading, unit_of_work


class Standing(Struct, frozen=True):
    """Of a client. `keys`: SHA-256 of its public keys. `secrets`: ids, each with its end."""

    disabled: bool
    scopes: list[str]
    recipients: list[str]
    redirect_uris: list[str]
    keys: str | None
    secrets: dict[str, datetime | None]


def list_standings() -> dict[str, Standing]:
    """Of every client, by id."""
    with reading() as tx:
        clients, secrets = store.list_clients(tx), standing_store.list_secrets(tx)
    theirs: dict[str, dict[str, datetime | None]] = {}
    for client_id, secret_id, end in secrets:
        theirs.setdefault(client_id, {})[secret_id.hex] = end
    return {client.id: _standing(client, theirs.get(client.id, {})) for client in clients}


def hold_to(told: Mapping[str, Standing], actor: Actor, now: datetime) -> list[str]:
    """Takes from clients what they did not have any more when that was told; which."""
    held = []
    with unit_of_work():
        for client_id, have in list_standings().items():
            said = told.get(client_id)
            if said is None or have.keys != said.keys:
                is_less = not have.disabled
                service.disable_client(client_id, actor, now)
            else:
                is_less = _end_secrets(client_id, have, said, now)
                is_less |= _take_rights(client_id, have, said, actor, now)
            held += [client_id] * is_less
    return held


def disable_all(actor: Actor, now: datetime) -> None:
    """Disables every client."""
    with unit_of_work():
        for client_id in list_standings():
            service.disable_client(client_id, actor, now)


def list_ended(since: datetime) -> list[tuple[CustomerId, str, datetime]]:
    """Which grants were ended from an instant on: customer, client, when."""
    with reading() as tx:
        return standing_store.list_ended(tx, since)


def end_again(customer: CustomerId, client_id: str, ended_at: datetime) -> bool:
    """Ends what a customer had allowed a client before an instant; whether it was live."""
    with unit_of_work() as tx:
        grant = grant_store.find_grant(tx, customer, client_id)
        if grant is None or grant.ended_at is not None or grant.allowed_at > ended_at:
            return False
        grant_store.end_grants(tx, ended_at, customer=customer, client_id=client_id)
        grant_store.delete_all(tx, customers=[customer], client_id=client_id)
    return True


def _standing(client: Client, secrets: dict[str, datetime | None]) -> Standing:
    return Standing(
        client.disabled_at is not None,
        sorted(client.scopes),
        list(client.recipients),
        list(client.redirect_uris),
        None if client.jwks is None else hashlib.sha256(client.jwks.encode()).hexdigest(),
        secrets,
    )


def _end_secrets(client_id: str, have: Standing, said: Standing, now: datetime) -> bool:
    """Ends secrets that had ended, or had another end."""
    with unit_of_work() as tx:
        ended = [
            standing_store.end_secret(tx, client_id, secret_id, end)
            for secret_id, end in _ends(have, said, now)
        ]
    return any(ended)


def _ends(have: Standing, said: Standing, now: datetime) -> Iterator[tuple[UUID, datetime]]:
    for secret_id in have.secrets:
        end = said.secrets.get(secret_id, now)
        if end is not None:
            yield UUID(secret_id), end


def _take_rights(
    client_id: str, have: Standing, said: Standing, actor: Actor, now: datetime
) -> bool:
    def left(ours: list[str], theirs: list[str]) -> tuple[str, ...]:
        return tuple(each for each in ours if each in theirs)

    scopes = frozenset(left(have.scopes, said.scopes))
    recipients = left(have.recipients, said.recipients)
    addresses = left(have.redirect_uris, said.redirect_uris)
    stays = len(scopes) + len(recipients) + len(addresses)
    had = len(have.scopes) + len(have.recipients) + len(have.redirect_uris)
    disabled = True if said.disabled and not have.disabled else None
    if stays == had and disabled is None:
        return False
    changes = ClientChanges(scopes=scopes, recipients=recipients, redirect_uris=addresses)
    try:
        service.change_client(client_id, changes, actor, now)
    except Invalid:  # nothing that makes sense is left of it
        disabled = True
    if disabled:
        service.disable_client(client_id, actor, now)
    return True
