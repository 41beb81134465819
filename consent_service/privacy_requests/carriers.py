"""What other rooms do for requests: handed in by `app.py`.

Who carries out which kind: a kind without a carrier stays approved, and is shown as waiting for
one. What this room does itself (rectification with staff, restriction, objection) needs none.
And who tells recipients of what was done, so that a request ends when they have confirmed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.keyring import Keyring
from consent_service.privacy_requests.model import Request, RequestKind


class Outcome(Struct, frozen=True):
    """What came of carrying out. `left` are stable words for what could not be done, such as
    keys of recipients, never a personal value; without any it is done."""

    left: tuple[str, ...] = ()


Carrier = Callable[[Request, datetime, Keyring], Outcome | None]
"""Carries a running request on; None as long as it is not at its end. It is called again until
then, and again after a worker died in it: what it did already it must find done."""

CarrierOfMany = Callable[[Sequence[Request], datetime, Keyring], Mapping[UUID, Outcome]]
"""As a carrier, of many requests at once: what came of those that are at their end, by id."""


Wait = Callable[[UUID], str | None]
"""What a request under way waits for that is nobody's turn here, if for anything, by its id."""


class Recipients(Protocol):
    """Those to whom a customer's data went."""

    def tell(self, request: Request, now: datetime, keys: Keyring) -> bool:
        """Tells them what was done, in the caller's unit of work; whether there is anybody who
        is to confirm it. Telling twice is once."""

    def tell_end(self, request: Request, now: datetime, keys: Keyring) -> None:
        """Tells those who were told of a restriction that it has ended with this request, in the
        caller's unit of work."""

    def find_outcomes(self, request_ids: Collection[UUID]) -> Mapping[UUID, Outcome]:
        """Of the requests that somebody was told of and all have answered, what came of it."""

    def are_waited_for(self, request_id: UUID) -> bool:
        """Whether somebody who was told of a request has not answered."""

    def list_progress(self, request_id: UUID, now: datetime) -> list[dict[str, Any]]:
        """How far each of them is, as it is shown."""


OWN = frozenset({RequestKind.RECTIFICATION, RequestKind.RESTRICTION, RequestKind.OBJECTION})

_carriers: dict[RequestKind, CarrierOfMany] = {}
_waits: dict[RequestKind, Wait] = {}
_recipients: list[Recipients] = []


def hand_in(
    carriers: Mapping[RequestKind, Carrier],
    of_many: Mapping[RequestKind, CarrierOfMany] = {},
    waits: Mapping[RequestKind, Wait] = {},
) -> None:
    """Puts these carriers in place of those before. For `app.py`."""
    assert not OWN & (carriers.keys() | of_many.keys())
    _carriers.clear()
    _carriers.update({kind: _one_by_one(carrier) for kind, carrier in carriers.items()})
    _carriers.update(of_many)
    _waits.clear()
    _waits.update(waits)


def hand_in_recipients(recipients: Recipients) -> None:
    """Puts who speaks with recipients in place. For `app.py`."""
    _recipients[:] = [recipients]


def recipients() -> Recipients:
    """Who speaks with recipients."""
    return _recipients[0]


def find(kind: RequestKind) -> CarrierOfMany:
    """The carrier of a kind that is carried out."""
    return _of_own if kind in OWN else _carriers[kind]


def kinds() -> list[RequestKind]:
    """Those that are carried out."""
    return sorted(OWN | _carriers.keys())


def find_wait(request: Request) -> str | None:
    """What the carrier of a request under way waits for, where that is not its own turn."""
    wait = _waits.get(request.kind)
    return None if wait is None else wait(request.id)


def is_carried(kind: RequestKind) -> bool:
    """Whether a kind is carried out at all."""
    return kind in OWN or kind in _carriers


def _one_by_one(carrier: Carrier) -> CarrierOfMany:
    def carry(requests: Sequence[Request], now: datetime, keys: Keyring) -> dict[UUID, Outcome]:
        found = {request.id: carrier(request, now, keys) for request in requests}
        return {request_id: done for request_id, done in found.items() if done is not None}

    return carry


def _of_own(requests: Sequence[Request], now: datetime, keys: Keyring) -> Mapping[UUID, Outcome]:
    """Here the work is done; what may be missing is a recipient's answer."""
    return recipients().find_outcomes([request.id for request in requests])
