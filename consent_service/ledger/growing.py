"""The tree grows: hashes of leaves are added to its tiles, and from level to level."""

from collections.abc import Sequence
from functools import partial

from consent_service.ledger import tree_store
from consent_service.ledger.merkle import HASH_BYTES, range_root, root_of
from consent_service.ledger.tiles import WIDTH, node_in, split
from consent_service.storage.direct import Door, direct


def grow(size: int, hashes: Sequence[bytes]) -> bytes:
    """Adds hashes of leaves to the tree of a size, in the caller's unit of work; its root then."""
    with direct() as door:
        tiles = _Tiles(door)
        after, level, added = size + len(hashes), 0, list(hashes)
        while added:
            added, size, level = _grow_level(tiles, level, size, added), size // WIDTH, level + 1
        return range_root(0, after, partial(node_in, tiles.get))


class _Tiles:
    """Tiles on the tree's edge, each of which is read once at most."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._known: dict[tuple[int, int], bytes] = {}

    def get(self, level: int, n: int) -> bytes:
        """The hashes of a tile."""
        found = self._known.get((level, n))
        if found is None:
            found = self._known[level, n] = tree_store.read_tile(self._door, level, n)
        return found

    def put(self, level: int, n: int, before: bytes, hashes: bytes) -> None:
        """Keeps a tile that was grown from what it was before."""
        self._known[level, n] = hashes
        tree_store.put_tile(self._door, level, n, before, hashes)


def _grow_level(tiles: _Tiles, level: int, size: int, hashes: list[bytes]) -> list[bytes]:
    """Adds hashes to the tiles of a level that has so many; what thereby becomes whole is for the
    next one."""
    n, whole = size // WIDTH, []
    before = tiles.get(level, n) if size % WIDTH else b""
    while hashes:
        room = WIDTH - len(before) // HASH_BYTES
        tile = before + b"".join(hashes[:room])
        tiles.put(level, n, before, tile)
        del hashes[:room]
        if len(tile) == WIDTH * HASH_BYTES:
            whole.append(root_of(split(tile)))
        n, before = n + 1, b""
    return whole
