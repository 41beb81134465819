"""How a tree is cut into tiles, and their addresses. No I/O.

Tile `n` of level `l` holds up to 256 hashes, each the root over 256**l whole leaves.
Source: C2SP tlog-tiles.
"""

import re
from collections.abc import Callable

from consent_service.ledger.merkle import HASH_BYTES, root_of

WIDTH = 256
_BITS = 8
_INDEX = re.compile(r"(?:x\d{3}/)*\d{3}", re.ASCII)
_PARTIAL = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_MOST_PLACES = 6

Tile = Callable[[int, int], bytes]  # (level, n): its hashes, one after another


def width_at(level: int, n: int, size: int) -> int:
    """How many hashes a tile has in a tree; 0 where there is none."""
    return max(0, min(WIDTH, (size >> _BITS * level) - n * WIDTH))


def read_address(text: str) -> tuple[int, int] | None:
    """Tile and width in an address such as `x001/067` or `067.p/8`; None for what is none."""
    index, partial, width = text.partition(".p/")
    if not _INDEX.fullmatch(index) or index.count("/") >= _MOST_PLACES:
        return None
    if index.startswith("x000/"):
        return None
    n = int(index.replace("x", "").replace("/", ""))
    if not partial:
        return n, WIDTH
    if not _PARTIAL.fullmatch(width) or int(width) >= WIDTH:
        return None
    return n, int(width)


def address_of(n: int, width: int = WIDTH) -> str:
    """The last part of a tile's address."""
    digits = str(n)
    digits = digits.zfill(-len(digits) % 3 + len(digits))
    places = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    index = "/".join(["x" + place for place in places[:-1]] + places[-1:])
    return index if width == WIDTH else f"{index}.p/{width}"


def node_in(tile: Tile, level: int, index: int) -> bytes:
    """The root over 2**level whole leaves, from the tiles."""
    inner = level % _BITS
    count, start = 1 << inner, index << inner
    hashes = tile(level // _BITS, start // WIDTH)
    at = start % WIDTH * HASH_BYTES
    return root_of(split(hashes[at : at + count * HASH_BYTES]))


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile, one by one."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
