"""Whom an audience names, so many rows at a time: packed where all are named alike."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from consent_service.customers.model import HashedIdentifier, IdentifierType, Named
from consent_service.kernel.ids import CustomerId

Subject = CustomerId | Named

_ID, _INNER = 16, 32


class Ids(Struct, frozen=True):
    """Customer ids, of 16 bytes each."""

    packed: bytes

    def __len__(self) -> int:
        return len(self.packed) // _ID

    def subject(self, at: int) -> Subject:
        """One of them."""
        return CustomerId(UUID(bytes=self.packed[at * _ID : (at + 1) * _ID]))


class Hashes(Struct, frozen=True):
    """SHA-256 of identifiers of a type, of 32 bytes each."""

    type: IdentifierType
    packed: bytes

    def __len__(self) -> int:
        return len(self.packed) // _INNER

    def subject(self, at: int) -> Subject:
        """One of them."""
        return HashedIdentifier(self.type, self.packed[at * _INNER : (at + 1) * _INNER])


class Mixed(Struct, frozen=True):
    """However they are named; None for nobody."""

    subjects: Sequence[Subject | None]

    def __len__(self) -> int:
        return len(self.subjects)

    def subject(self, at: int) -> Subject | None:
        """One of them."""
        return self.subjects[at]


Crowd = Ids | Hashes | Mixed
