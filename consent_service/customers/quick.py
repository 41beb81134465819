"""Whom a body is about, read past its schema: see `web.quick`."""

from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from consent_service.customers.model import Identifier, IdentifierType
from consent_service.customers.normaliser import NotUsable, identifier
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, parse_customer_id
from consent_service.web import ownership

# Whom a request names is read twice: to look them up, and with the rest of the body.
_customer = lru_cache(maxsize=16)(parse_customer_id)


class Finder(Struct, forbid_unknown_fields=True):
    """An identifier that finds somebody."""

    type: IdentifierType
    value: Annotated[str, Meta(min_length=1, max_length=320)]


class _Named(Struct):
    purpose: Annotated[str, Meta(min_length=1, max_length=64)]
    customer_id: str | UnsetType = UNSET
    identifier: Finder | UnsetType = UNSET


def named_in(body: Any) -> tuple[CustomerId | Identifier, str] | None:
    """Whom a body names, and for which purpose, where it says so plainly. The rest of it is
    not looked at."""
    try:
        said = msgspec.convert(body, _Named)
        if said.customer_id is not UNSET:
            return _customer(said.customer_id), said.purpose
        if said.identifier is not UNSET:
            return identifier(said.identifier.type, said.identifier.value), said.purpose
    except (msgspec.ValidationError, NotUsable, NotFound):
        return None
    return None


def subject_of(
    customer_id: str | UnsetType, finder: Finder | UnsetType, *, anybody: bool = False
) -> dict[str, Any] | None:
    """What `SubjectBody` makes of the two; None where it is to say what is wrong. `anybody`: the
    request is known to act for no customer in particular. Raises: NotUsable; NotFound with a
    customer's token, for anybody else."""
    if (customer_id is UNSET) == (finder is UNSET):
        return None
    if finder is not UNSET:
        if not anybody:
            ownership.reach_by_identifier()
        return {"identifier": identifier(finder.type, finder.value)}
    assert customer_id is not UNSET
    try:
        customer = (parse_customer_id if anybody else _customer)(customer_id)
    except NotFound:
        return None
    if not anybody:
        ownership.reach(customer)
    return {"customer_id": customer}
