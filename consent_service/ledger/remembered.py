"""What a sealer gave leaves to in the last seconds, so that the store need not look for them. No
I/O."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from uuid import UUID

_MOST = 50_000  # more than a hashed list of the store's has room for would be walked each time


class Remembered:
    """Ids of entries that have a leaf, as bytes. Whatever is not among them is looked for: others
    seal too."""

    def __init__(self) -> None:
        self._ids: list[bytes] = []

    def add(self, entry_ids: Iterable[UUID]) -> None:
        """Remembers entries whose leaves are committed."""
        self._ids += [each.int.to_bytes(16) for each in entry_ids]
        self._ids.sort()
        del self._ids[:-_MOST]

    def forget_before(self, since: UUID) -> None:
        """Keeps ids from one on."""
        del self._ids[: bisect_left(self._ids, since.bytes)]

    def since(self, since: UUID) -> Sequence[bytes]:
        """Those from an id on."""
        return self._ids[bisect_left(self._ids, since.bytes) :]
