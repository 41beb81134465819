"""What a sealer gave leaves to in the last seconds, so that the store need not look for them. No
I/O."""

from bisect import bisect_left
from collections.abc import Iterable
from struct import iter_unpack
from uuid import UUID

_MOST = 200_000  # ids of 50 bytes or so
_BYTES = 16  # of an id
_BLOCK = 256 * _BYTES


class Remembered:
    """Ids of entries that have a leaf, as bytes. Whatever is not among them is looked for: others
    seal too."""

    def __init__(self) -> None:
        self._ids: list[bytes] = []

    def add(self, ids: Iterable[bytes]) -> None:
        """Remembers entries whose leaves are committed."""
        self._ids += ids
        self._ids.sort()
        del self._ids[:-_MOST]

    def forget_before(self, since: UUID) -> None:
        """Keeps ids from one on."""
        del self._ids[: bisect_left(self._ids, since.bytes)]

    def without(self, packed: bytes) -> list[bytes]:
        """Those of some ids, one after another in order, that are not remembered. Up to the first
        that came late they are the same, mostly, and are compared many at a time."""
        known = self._ids[bisect_left(self._ids, packed[:_BYTES]) :] if packed else []
        theirs, same = b"".join(known), 0
        while packed[same : same + _BLOCK] == theirs[same : same + _BLOCK] != b"":
            same += _BLOCK
        others = set(unpacked(packed[same:]))
        return sorted(others.difference(known[same // _BYTES :]))


def unpacked(packed: bytes) -> list[bytes]:
    """Ids that stand one after another."""
    return [each for (each,) in iter_unpack("16s", packed)]
