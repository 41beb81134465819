"""Whom an audience names, so many rows at a time: packed where all are named alike."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from consent_service.crypto.spool import Spool
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


class Crowds:
    """Crowds one after another, to come back to. Those that are packed wait in a spool."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, Crowd]] = []
        self._spool = Spool()

    def add(self, crowd: Crowd) -> None:
        """Adds one at the end."""
        count = len(crowd)
        if not isinstance(crowd, Mixed):
            self._spool.write(crowd.packed)
            crowd = replace(crowd, packed=b"")
        self._kept.append((count, crowd))

    def subjects(self, codes: bytearray, wanted: int) -> Iterator[tuple[int, Subject | None]]:
        """Those of them all in whose place is the wanted code, with the place."""
        first = offset = 0
        for count, kept in self._kept:
            at = codes.find(wanted, first, first + count)
            crowd = kept if at < 0 else self._whole(kept, offset, count)
            while at >= 0:
                yield at, crowd.subject(at - first)
                at = codes.find(wanted, at + 1, first + count)
            first, offset = first + count, offset + count * _width(kept)

    def _whole(self, kept: Crowd, offset: int, count: int) -> Crowd:
        if isinstance(kept, Mixed):
            return kept
        self._spool.seek(offset)
        return replace(kept, packed=self._spool.read(count * _width(kept)))


def _width(crowd: Crowd) -> int:
    if isinstance(crowd, Mixed):
        return 0
    return _ID if isinstance(crowd, Ids) else _INNER
