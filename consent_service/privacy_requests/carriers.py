"""Who carries out which kind of request, where that is another room's work: handed in by `app.py`.

A kind without a carrier stays approved, and is shown as waiting for one. What this room does
itself (rectification with staff, restriction, objection) needs none.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

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

OWN = frozenset({RequestKind.RECTIFICATION, RequestKind.RESTRICTION, RequestKind.OBJECTION})

_carriers: dict[RequestKind, Carrier] = {}


def hand_in(carriers: Mapping[RequestKind, Carrier]) -> None:
    """Puts these carriers in place of those before. For `app.py`."""
    assert not OWN & carriers.keys()
    _carriers.clear()
    _carriers.update(carriers)


def find(kind: RequestKind) -> Carrier | None:
    """The carrier of a kind."""
    return _carriers.get(kind)


def kinds() -> list[RequestKind]:
    """Those that have a carrier."""
    return sorted(_carriers)


def is_carried(kind: RequestKind) -> bool:
    """Whether a kind is carried out at all."""
    return kind in OWN or kind in _carriers
