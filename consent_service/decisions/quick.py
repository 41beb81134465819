"""Most bodies of checks, read in a twentieth of the time that their schemas take. What comes of
them is what comes of `CheckBody` and `BatchBody`; a test holds the two together. Whatever is not
plainly right is left to the schema, which says what is wrong."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from consent_service.catalogue.model import Channel
from consent_service.customers.normaliser import NotUsable
from consent_service.customers.quick import Finder, subject_of
from consent_service.decisions.model import CAMPAIGN_PATTERN
from consent_service.decisions.schemas import MAX_CHECKS
from consent_service.web import ownership
from consent_service.web.quick import Key

_Campaign = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=rf"\A(?:{CAMPAIGN_PATTERN})\Z")
]


class _Context(Struct, forbid_unknown_fields=True, omit_defaults=True):
    campaign: _Campaign | UnsetType = UNSET
    touchpoint: Key | UnsetType = UNSET
    lifecycle_stage: Key | UnsetType = UNSET


class _Check(Struct, forbid_unknown_fields=True):
    purpose: Annotated[str, Meta(min_length=1, max_length=64)]
    customer_id: str | UnsetType = UNSET
    identifier: Finder | UnsetType = UNSET
    channel: Channel | UnsetType = UNSET
    data_categories: Annotated[list[Key], Meta(max_length=50)] | UnsetType = UNSET
    recipient: Key | UnsetType = UNSET
    context: _Context | UnsetType = UNSET
    at_least_as_fresh: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET


class _Batch(Struct, forbid_unknown_fields=True):
    checks: Annotated[list[_Check], Meta(min_length=1, max_length=MAX_CHECKS)]


_AS_THEY_ARE = ("purpose", "channel", "data_categories", "recipient", "at_least_as_fresh")


def quick_batch(body: Any) -> dict[str, Any] | None:
    """What `BatchBody` makes of a body, or None. Raises: as `quick_check`."""
    anybody, found = ownership.own_customer() is None, []
    try:
        for said in msgspec.convert(body, _Batch).checks:
            quick = _read(said, anybody)
            if quick is None:
                return None
            found.append(quick)
    except (msgspec.ValidationError, NotUsable):
        return None
    return {"checks": found}


def quick_check(body: Any) -> dict[str, Any] | None:
    """What `CheckBody` makes of a body, or None. Raises: NotFound with a customer's token, for
    anybody else."""
    try:
        return _read(msgspec.convert(body, _Check), anybody=False)
    except (msgspec.ValidationError, NotUsable):
        return None


def _read(said: _Check, anybody: bool) -> dict[str, Any] | None:
    subject = subject_of(said.customer_id, said.identifier, anybody=anybody)
    if subject is None:
        return None
    for name in _AS_THEY_ARE:
        value = getattr(said, name)
        if value is not UNSET:
            subject[name] = value
    if said.context is not UNSET:
        subject["context"] = msgspec.to_builtins(said.context)
    return subject
