"""Budgets: who may do how much of what in a while. Beyond it: 429 with `Retry-After`.

Counters are rows, so that a budget holds over all workers. A worker takes a large budget in
portions and spends a portion by itself: one write to the store for many requests, never more
than the budget in all. Whoever is counted stands in a row only as a keyed digest.
"""

import ipaddress
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Lock

from flask import request

from consent_service.crypto import blind_index
from consent_service.kernel.errors import Invalid, TooMany
from consent_service.storage.unit_of_work import reading, turn_to_write, unit_of_work
from consent_service.web import throttle_store as store
from consent_service.web.runtime import keys, now, runtime, this_app

_NAME = "consent.throttle"
_MINUTE = timedelta(minutes=1)
_PORTIONS = 50
_QUOTAS_KEPT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Budget:
    """`limit` a `window`, for each of those it is counted for."""

    name: str
    limit: int
    window: timedelta


class ClientBudget(StrEnum):
    """What a client's requests are counted as. A withdrawal has a budget of its own, so that
    no other use of the service can keep a person's no from being recorded."""

    READS = "reads"
    WRITES = "writes"
    DECISIONS = "decisions"
    WITHDRAWALS = "withdrawals"
    TOKENS = "tokens"


@dataclass(slots=True)
class Throttle:
    """What this process holds: portions taken and not yet spent, and the quotas read last."""

    lock: Lock = field(default_factory=Lock)
    portions: dict[tuple[str, str], tuple[datetime, int]] = field(default_factory=dict)
    quotas: dict[tuple[str, str], int] = field(default_factory=dict)
    quotas_until: datetime | None = None


def install(extensions: dict[str, object]) -> None:
    """Puts an app's throttle where it is found."""
    extensions[_NAME] = Throttle()


def admit(budget: Budget, subject: str, moment: datetime | None = None) -> None:
    """Counts one try of `subject`, now or at the moment that the caller has looked up. Raises:
    TooMany. Not inside a unit of work: what is counted must stay counted."""
    moment = moment or now()
    seconds = int(budget.window.total_seconds())
    start = datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)
    counted = (budget.name, subject)
    if _spend(counted, start):
        return
    digest = blind_index.keyed_digest(keys(), "throttle", "\0".join(counted).encode())
    end = start + budget.window
    portion = max(1, budget.limit // _PORTIONS)
    with reading() as tx, turn_to_write():
        for amount in sorted({portion, 1}, reverse=True):
            if store.take(tx, digest, start, end, amount, budget.limit):
                _keep(counted, start, amount - 1)
                return
    raise TooMany(math.ceil((end - moment).total_seconds()))


def admit_address(budget: Budget) -> None:
    """Counts one try from the caller's address. Raises: TooMany."""
    admit(budget, caller_address())


def admit_client(client_id: str, budget: ClientBudget, moment: datetime | None = None) -> None:
    """Counts one request of a client, as `admit`. Decisions have no quota unless the client was
    given one. Raises: TooMany."""
    moment = moment or now()
    limit = _quota(client_id, budget, moment)
    if limit is not None:
        admit(Budget("client." + budget, limit, _MINUTE), client_id, moment)


def caller_address() -> str:
    """Where the request comes from; of IPv6 the network, which is what one caller has."""
    given = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return given
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def set_quota(client_id: str, budget: ClientBudget, per_minute: int | None) -> None:
    """Gives a client a quota of its own, or with None that of everybody. Other processes take
    it up within five seconds. Raises: Invalid."""
    if per_minute is not None and not 1 <= per_minute <= 1_000_000_000:
        raise Invalid.at("/per_minute", "out_of_range", "1 to 1,000,000,000 requests a minute.")
    with unit_of_work() as tx:
        store.set_quota(tx, client_id, budget.value, per_minute)
    _throttle().quotas_until = None


def list_quotas() -> dict[tuple[str, str], int]:
    """Every quota that was set: client, budget → requests a minute."""
    with reading() as tx:
        return store.list_quotas(tx)


def delete_expired(moment: datetime) -> int:
    """Forgets windows that are over; how many counters went."""
    with unit_of_work() as tx:
        return store.delete_expired(tx, moment)


def _quota(client_id: str, budget: ClientBudget, moment: datetime) -> int | None:
    throttle = _throttle()
    if throttle.quotas_until is None or throttle.quotas_until <= moment:
        throttle.quotas = list_quotas()
        throttle.quotas_until = moment + _QUOTAS_KEPT
    own = throttle.quotas.get((client_id, str(budget)))
    if own is not None or budget is ClientBudget.DECISIONS:
        return own
    usual = runtime().settings.client_requests_per_minute
    return usual * 10 if budget is ClientBudget.WITHDRAWALS else usual


def _spend(counted: tuple[str, str], start: datetime) -> bool:
    throttle = _throttle()
    with throttle.lock:
        kept = throttle.portions.get(counted)
        if kept is None or kept[0] != start or not kept[1]:
            return False
        throttle.portions[counted] = (start, kept[1] - 1)
        return True


def _keep(counted: tuple[str, str], start: datetime, left: int) -> None:
    throttle = _throttle()
    if not left:
        return
    with throttle.lock:
        if len(throttle.portions) > 1_000:
            throttle.portions.clear()  # unspent portions are lost, which is the safe side
        had = throttle.portions.get(counted)
        more = had[1] if had is not None and had[0] == start else 0
        throttle.portions[counted] = (start, left + more)


def _throttle() -> Throttle:
    found: Throttle = this_app().extensions[_NAME]
    return found
