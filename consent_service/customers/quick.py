"""Whom a body is about, read past its schema: see `web.quick`."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from consent_service.customers.model import IdentifierType
from consent_service.customers.normaliser import identifier
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import parse_customer_id
from consent_service.web import ownership


class Finder(Struct, forbid_unknown_fields=True):
    """An identifier that finds somebody."""

    type: IdentifierType
    value: Annotated[str, Meta(min_length=1, max_length=320)]


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
        customer = parse_customer_id(customer_id)
    except NotFound:
        return None
    if not anybody:
        ownership.reach(customer)
    return {"customer_id": customer}
