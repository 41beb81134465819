"""For whom alone the present request may act. A token got for a customer reaches that customer:
the guard binds the request to them, and whatever reads a customer from a path, query or body
says so here. Anybody else is not found, like an id that never was.
"""

from collections.abc import Mapping
from typing import Any

from flask import g, has_request_context

from consent_service.kernel.errors import FieldError, Invalid, NotFound
from consent_service.kernel.ids import CustomerId
from consent_service.web.runtime import kept

_OWN = "own_customer"
_REACHED = "own_customer_reached"


def bind(customer: CustomerId) -> None:
    """From now on this request is about that customer or about nobody."""
    setattr(g, _OWN, customer)
    setattr(g, _REACHED, False)


def own_customer() -> CustomerId | None:
    """For whom alone this request acts; None when it is nobody's in particular."""
    if not has_request_context():
        return None
    found: CustomerId | None = kept().get(_OWN)
    return found


def reach(customer: CustomerId) -> None:
    """Says whom the request is about. Raises: NotFound when it may not be."""
    own = own_customer()
    if own is None:
        return
    if customer != own:
        raise NotFound()
    setattr(g, _REACHED, True)


def reach_by_identifier() -> None:
    """Says that the request names somebody by an identifier. Raises: NotFound when it is one
    customer's: whether anybody has an identifier is not theirs to learn."""
    if own_customer() is not None:
        raise NotFound()


def was_reached() -> bool:
    """Whether the request said whom it is about."""
    return bool(g.get(_REACHED))


def refuse_fields(given: Mapping[str, Any], not_theirs: frozenset[str]) -> None:
    """Raises: Invalid for fields that a customer's token may not write."""
    if own_customer() is None:
        return
    found = sorted(not_theirs & given.keys())
    if found:
        why = "A customer's token may not write this field."
        raise Invalid(errors=tuple(FieldError(f"/{name}", "not_writable", why) for name in found))
