"""`Idempotency-Key`: the same key with the same body gives the same result, once.

Source: draft-ietf-httpapi-idempotency-key-header; DESIGN.md section 3. The key is claimed in
a transaction of its own, so that a second request sees it at once; the answer is kept in the
transaction of the change, so that there is never one without the other. A claim without an
answer after `_LEASE` is of a process that died before its commit: it may be taken over.
"""

import functools
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import g

from consent_service.crypto import blind_index
from consent_service.crypto.envelope import Field, Sealed, seal, sealed_under, unseal
from consent_service.kernel.errors import Conflict, Invalid, Unavailable
from consent_service.storage.direct import direct
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web import store
from consent_service.web.api import Reply
from consent_service.web.runtime import keys, now, this_request

View = TypeVar("View", bound=Callable[..., Reply])

KEPT = timedelta(hours=24)
_LEASE = timedelta(seconds=60)


class KeyReused(Invalid):
    """The key was used for something else."""

    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was used with another body."


class InFlight(Conflict):
    """The first request with this key has not ended."""

    code = "idempotency_in_flight"
    detail = "The first request with this Idempotency-Key is still under way. Try again."


def idempotent(view: View) -> View:
    """Makes a write repeatable by key, and one transaction whether or not there is a key."""
    return _idempotent(view, unit_of_work)


def idempotent_by_itself(view: View) -> View:
    """As `idempotent`, of a view whose one service call is a transaction by itself: without a key
    none is begun for it."""
    return _idempotent(view, nullcontext)


def _idempotent(view: View, together: Callable[[], AbstractContextManager[object]]) -> View:
    @functools.wraps(view)
    def once(*args: Any, **kwargs: Any) -> Reply:
        given = this_request().headers.get("Idempotency-Key")
        if given is None:
            with together():
                return view(*args, **kwargs)
        if not 1 <= len(given) <= 255:
            raise Invalid.at("", "invalid_idempotency_key", "A key has 1 to 255 characters.")
        key, fingerprint = _digests(given)
        kept = _claim_or_find(key, fingerprint)
        if kept is not None:
            return kept
        try:
            with unit_of_work(), direct() as door:
                reply = view(*args, **kwargs)
                place = UUID(bytes=key[:16]) if reply.customer is None else reply.customer
                sealed = seal(keys().master, _field(place), _dump(reply))
                store.add_record(door, place, g.client_id, key, sealed, now())
        except Unavailable:
            raise  # it may have been committed: a retry finds the record, or waits the lease out
        except BaseException:
            with unit_of_work() as tx:
                store.delete_claim(tx, g.client_id, key)
            raise
        return reply

    return cast(View, once)


def delete_expired() -> int:
    """Forgets keys past their 24 hours; how many answers went."""
    with unit_of_work() as tx:
        return store.delete_before(tx, now() - KEPT)


def _claim_or_find(key: bytes, fingerprint: bytes) -> Reply | None:
    with direct() as door:
        if store.add_claim(door, g.client_id, key, fingerprint, now()):
            return None
    with unit_of_work() as tx:
        claim = store.find_claim(tx, g.client_id, key)
        if claim is None:
            raise InFlight()
        if claim[0] != fingerprint:
            raise KeyReused()
        kept = store.find_record(tx, g.client_id, key)
        if kept is None:
            expired = now() - claim[1] > _LEASE
            if expired and store.take_over_claim(tx, g.client_id, key, claim[1], now()):
                return None
            raise InFlight()
    return _load(*kept)


def _digests(given: str) -> tuple[bytes, bytes]:
    ring, asking = keys(), this_request()
    asked = f"{asking.method} {asking.full_path}\n".encode() + asking.get_data()
    if_match = asking.headers.get("If-Match", "").encode()
    return (
        blind_index.keyed_digest(ring, "idempotency.key", given.encode()),
        blind_index.keyed_digest(ring, "idempotency.body", if_match + b"\n" + asked),
    )


def _field(place: UUID) -> Field:
    return Field("idempotency.reply", place, place)


def _dump(reply: Reply) -> bytes:
    return json.dumps([reply.status, dict(reply.headers), reply.body]).encode()


def _load(place: UUID, sealed: Sealed) -> Reply:
    plain = unseal(keys().master_by_id(sealed_under(sealed)), _field(place), sealed)
    status, headers, body = json.loads(plain)
    return Reply(body, status, headers)
