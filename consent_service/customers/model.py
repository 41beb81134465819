"""A customer as values. No I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from consent_service.crypto.envelope import Sealed
from consent_service.kernel.errors import Conflict
from consent_service.kernel.ids import CustomerId, customer_id_text

T = TypeVar("T")


class IdentifierType(StrEnum):
    """What can find a customer."""

    CUSTOMER_NUMBER = "customer_number"
    EMAIL = "email"
    PHONE = "phone"
    DEVICE = "device"


class AgeBand(StrEnum):
    """How old a person is, as roughly as the rules need it."""

    UNDER_13 = "under_13"
    FROM_13 = "13_15"
    FROM_16 = "16_17"
    ADULT = "adult"

    @property
    def youngest(self) -> int:
        """The youngest age, in years, that the band allows for."""
        return {"under_13": 0, "13_15": 13, "16_17": 16, "adult": 18}[self.value]


class Identifier(Struct, frozen=True):
    """An identifier in the clear, never stored like this. `value` is normalised, `given` is
    what was sent. Its repr shows neither."""

    type: IdentifierType
    value: str
    given: str
    source: str | None = None

    def __repr__(self) -> str:
        return f"Identifier({self.type}, redacted)"


class HashedIdentifier(Struct, frozen=True):
    """An identifier as ad platforms hand it over: `inner` is the SHA-256 (32 bytes) of the
    normalised value."""

    type: IdentifierType
    inner: bytes

    def __repr__(self) -> str:
        return f"HashedIdentifier({self.type}, redacted)"


Named = Identifier | HashedIdentifier


class ProfileValue(Struct, frozen=True):
    """One field of a profile and the data source it came from."""

    value: str
    source: str | None

    def __repr__(self) -> str:
        return "ProfileValue(redacted)"


class NewCustomer(Struct, frozen=True):
    """What is known of somebody who is not here yet."""

    identifiers: tuple[Identifier, ...]
    profile: Mapping[str, ProfileValue]
    jurisdiction: str | None = None
    language: str | None = None
    age_band: AgeBand | None = None


class Particulars(Struct, frozen=True):
    """What finds a customer and what is known of them, in the clear, or a part of it."""

    identifiers: Sequence[Identifier]
    profile: Mapping[str, ProfileValue]

    def __repr__(self) -> str:
        return "Particulars(redacted)"


class StoredIdentifier(Struct, frozen=True):
    """An identifier as it is kept: sealed, with its blind index."""

    id: UUID
    customer_id: CustomerId
    type: IdentifierType
    sealed: Sealed
    source: str | None
    digest: bytes
    index_key_id: bytes
    added_at: datetime


class Facts(Struct, frozen=True, gc=False):
    """What decisions read of a customer, kept by recorded-from and recorded-to."""

    jurisdiction: str | None
    age_band: AgeBand | None
    restricted: bool
    gpc_since: datetime | None


class CustomerRecord(Struct, frozen=True):
    """A customer as stored."""

    id: CustomerId
    revision: int
    created_at: datetime
    language: str | None
    profile: Sealed
    facts: Facts
    audience_secret: bytes


class Life(Struct, frozen=True):
    """What says how long a profile is needed. `since`: from when on it is as it is. `trimmed_for`:
    see `customers.tables`."""

    id: CustomerId
    since: datetime
    trimmed_for: bytes | None
    jurisdiction: str | None
    restricted: bool


class Customer(Struct, frozen=True):
    """A customer, opened for somebody who may read it."""

    id: CustomerId
    revision: int
    created_at: datetime
    language: str | None
    facts: Facts
    identifiers: tuple[Identifier, ...]
    profile: Mapping[str, ProfileValue]


class Changes(Struct, frozen=True):
    """A change to a customer. None leaves a thing as it is; in `profile`, a None value removes
    the field; `cleared` names facts to be unset."""

    identifiers: tuple[Identifier, ...] | None = None
    profile: Mapping[str, ProfileValue | None] | None = None
    jurisdiction: str | None = None
    language: str | None = None
    age_band: AgeBand | None = None
    cleared: frozenset[str] = frozenset()


class IdentifierKnown(Conflict):
    """An identifier belongs to somebody already."""

    code = "identifier_known"
    detail = "An identifier belongs to a customer already; `customer_id` says to which."

    @classmethod
    def of(cls, customer_id: CustomerId) -> "IdentifierKnown":
        """The conflict, naming the customer who has it."""
        return cls(extra={"customer_id": customer_id_text(customer_id)})


def merged_profile(
    have: Mapping[str, ProfileValue], changes: Mapping[str, ProfileValue | None]
) -> dict[str, ProfileValue]:
    """A profile with changes in it; None takes a field away."""
    merged = {**have, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def changed(name: str, given: T | None, cleared: frozenset[str], before: T | None) -> T | None:
    """A field as it is after a change that clears it, gives it, or leaves it."""
    return None if name in cleared else given if given is not None else before
