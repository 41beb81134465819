"""Who of staff may do what, in words that hold no secret: as `oauth.standing` of clients."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from consent_service.accounts import staff, staff_store, store
from consent_service.accounts.model import Credentials
from consent_service.crypto import blind_index
from consent_service.crypto.keyring import Keyring
from consent_service.kernel.actors import Actor
from consent_service.storage.unit_of_work import reading, unit_of_work

_KIND = "journal.staff"


class Standing(Struct, frozen=True):
    """Of a member of staff. `password`: a keyed digest of what is kept of it, which tells that it
    is another one and nothing else."""

    disabled: bool
    roles: list[str]
    password: str | None


def list_standings(keys: Keyring) -> dict[str, Standing]:
    """Of all staff, by name."""
    with reading() as tx:
        found = staff_store.list_credentials(tx)
    return {
        one.staff.name: Standing(
            one.staff.disabled_at is not None,
            sorted(one.staff.roles),
            next(iter(_digests(one, keys)), None),
        )
        for one in found
    }


def hold_to(told: Mapping[str, Standing], actor: Actor, now: datetime, keys: Keyring) -> list[str]:
    """Takes from staff what they did not have any more when that was told; who. An older password
    is forgotten: they are let in by `reset_staff`."""
    with unit_of_work() as tx:
        found = staff_store.list_credentials(tx)
        return [
            one.staff.name
            for one in found
            if _hold(one, told.get(one.staff.name), actor, now, keys)
        ]


def disable_all(actor: Actor, now: datetime) -> None:
    """Disables all staff."""
    with unit_of_work() as tx:
        for one in staff_store.list_all(tx):
            staff.disable_staff(one.name, actor, now)


def _hold(
    one: Credentials, said: Standing | None, actor: Actor, now: datetime, keys: Keyring
) -> bool:
    member, was_disabled = one.staff, one.staff.disabled_at is not None
    if said is None or said.disabled:
        if not was_disabled:
            staff.disable_staff(member.name, actor, now)
        return not was_disabled
    kept = frozenset(role for role in member.roles if role in said.roles)
    is_other = one.password_hash is not None and said.password not in _digests(one, keys)
    with unit_of_work() as tx:
        if is_other:
            staff_store.forget_credentials(tx, member.id)
            store.delete_staff_sessions(tx, member.id)
        if kept != member.roles:
            staff_store.set_roles(tx, member.id, kept)
    if was_disabled or not kept:
        staff.disable_staff(member.name, actor, now)
    return is_other or kept != member.roles


def _digests(one: Credentials, keys: Keyring) -> list[str]:
    """Under every index key in use, the newest first."""
    if one.password_hash is None:
        return []
    found = blind_index.keyed_probes(keys, _KIND, one.password_hash.encode())
    return [each.digest.hex() for each in found]
