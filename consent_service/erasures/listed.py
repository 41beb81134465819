"""The list of who was erased, for whoever restores a backup: by HMAC(id), under a secret that is
derived from the index key for this alone. It names nobody, and tells nobody without the keyring
whether somebody is on it."""

from collections.abc import Iterator, Sequence, Set
from datetime import datetime
from uuid import UUID

from consent_service.crypto import blind_index
from consent_service.crypto.keyring import Keyring
from consent_service.erasures import list_store as store
from consent_service.erasures.list_store import Listed
from consent_service.kernel.ids import CustomerId
from consent_service.storage.unit_of_work import reading, unit_of_work

_KIND = "erasure.customer"
_PROOF = "erasure.proof"
_AT_ONCE = 1_000


def put(customer_ids: Sequence[CustomerId], now: datetime, keys: Keyring) -> None:
    """Puts every id of somebody on the list, in the caller's unit of work."""
    digests = [blind_index.keyed_probes(keys, _KIND, i.bytes)[0] for i in customer_ids]
    with unit_of_work() as tx:
        store.add(tx, [(found.digest, found.key_id, now) for found in digests])


def proof_place(customer_id: CustomerId, keys: Keyring) -> UUID:
    """Where what proves their consents is kept: HMAC(id), of another secret than the list's."""
    return UUID(bytes=blind_index.keyed_digest(keys, _PROOF, customer_id.bytes)[:16])


def proof_places(customer_id: CustomerId, keys: Keyring) -> list[UUID]:
    """As `proof_place`, under every index key in use."""
    found = blind_index.keyed_probes(keys, _PROOF, customer_id.bytes)
    return [UUID(bytes=each.digest[:16]) for each in found]


def find_erased(
    customer_ids: Sequence[CustomerId], keys: Keyring, digests: Set[bytes] | None = None
) -> set[CustomerId]:
    """Those of these ids that lead to somebody who was erased, by the digests of a list or by the
    store's own."""
    probes = {
        probe.digest: customer_id
        for customer_id in customer_ids
        for probe in blind_index.keyed_probes(keys, _KIND, customer_id.bytes)
    }
    if digests is not None:
        return {probes[digest] for digest in digests & probes.keys()}
    with reading() as tx:
        return {probes[digest] for digest in store.find_present(tx, list(probes))}


def export() -> Iterator[Listed]:
    """The whole list: digest (32 bytes), id of the index key it was made with (4), when."""
    after = b""
    while True:
        with reading() as tx:
            found = store.list_after(tx, after, _AT_ONCE)
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = found[-1][0]


def list_since(since: datetime) -> Iterator[Listed]:
    """Who was put on the list from an instant on, in order of time."""
    after = b""
    while True:
        with reading() as tx:
            found = store.list_since(tx, since, after, _AT_ONCE)
        yield from found
        if len(found) < _AT_ONCE:
            return
        after, _, since = found[-1]


def take_in(listed: Sequence[Listed]) -> None:
    """Adds what was exported elsewhere, or before."""
    if listed:
        with unit_of_work() as tx:
            store.add(tx, listed)
