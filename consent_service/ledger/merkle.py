"""The Merkle tree: hashes, proofs, and how to check them. No I/O.

Leaves are counted from 0; a range `(lo, hi)` names the leaves from `lo` up to but not with `hi`.
Whoever checks refuses what is degenerate: no tree of no leaves, no hash that is not 32 bytes, no
index past the end. Source: RFC 6962, section 2.1; RFC 9162, section 2.1 (checking).
"""

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Range = tuple[int, int]
Node = Callable[[int, int], bytes]  # (level, index): the root over 2**level leaves, whole


class BadProof(Exception):
    """A proof that proves nothing."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, at least one."""
    level = list(hashes)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [node_hash(left, right) for left, right in pairs] + odd
    return level[0]


def range_root(lo: int, hi: int, node: Node) -> bytes:
    """The root over a range of which `lo` is where such a subtree may start."""
    roots = [node(level, index) for level, index in whole_parts(lo, hi)]
    root = roots.pop()
    while roots:
        root = node_hash(roots.pop(), root)
    return root


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose roots prove that a leaf is in a tree, the leaf's sibling first."""
    found, lo, hi = [], 0, size
    while hi - lo > 1:
        middle = lo + _split(hi - lo)
        if index < middle:
            found.append((middle, hi))
            hi = middle
        else:
            found.append((lo, middle))
            lo = middle
    return found[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges whose roots prove that a tree of `first` leaves became one of `second`."""
    found, lo, hi = [], 0, second
    while hi != first:
        middle = lo + _split(hi - lo)
        if first <= middle:
            found.append((middle, hi))
            hi = middle
        else:
            found.append((lo, middle))
            lo = middle
    if lo:
        found.append((lo, hi))
    return found[::-1]


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Checks that the leaf of this hash is in a tree. Raises: BadProof."""
    _check_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise BadProof("there is no leaf of that index")
    at, last, found = index, size - 1, leaf
    for part in proof:
        if not last:
            raise BadProof("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(part, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, part)
        at, last = at >> 1, last >> 1
    if last:
        raise BadProof("the proof is too short")
    if found != root:
        raise BadProof("the leaf is not in the tree")


def check_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Checks that a tree became another one by adding leaves alone. Raises: BadProof."""
    _check_hashes(first_root, second_root, *proof)
    if not 0 < first <= second:
        raise BadProof("there are no such trees")
    if first == second:
        if proof or first_root != second_root:
            raise BadProof("two trees of the same size are not the same")
        return
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        raise BadProof("the proof is too short")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for part in path[1:]:
        if not last:
            raise BadProof("the proof is too long")
        if at & 1 or at == last:
            before, after = node_hash(part, before), node_hash(part, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, part)
        at, last = at >> 1, last >> 1
    if last:
        raise BadProof("the proof is too short")
    if (before, after) != (first_root, second_root):
        raise BadProof("the trees are not consistent")


class Growing:
    """A tree of which only what is needed to go on is kept: the root of each whole part."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[tuple[int, bytes]] = []  # (level, root), the largest first

    @classmethod
    def of(cls, size: int, parts: Sequence[bytes]) -> "Growing":
        """The tree of a size, from the roots of its whole parts, the largest first."""
        tree = cls()
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        tree._parts = list(zip(levels, parts, strict=True))
        tree.size = size
        return tree

    def add(self, leaf: bytes) -> None:
        """Adds a leaf by its hash."""
        level, root = 0, leaf
        while self._parts and self._parts[-1][0] == level:
            root = node_hash(self._parts.pop()[1], root)
            level += 1
        self._parts.append((level, root))
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        if not self._parts:
            return EMPTY_ROOT
        root = self._parts[-1][1]
        for _, part in reversed(self._parts[:-1]):
            root = node_hash(part, root)
        return root


def _check_hashes(*hashes: bytes) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise BadProof("a hash is not 32 bytes")


def _split(width: int) -> int:
    """The largest power of two that is smaller."""
    return 1 << (width - 1).bit_length() - 1


def whole_parts(lo: int, hi: int) -> list[tuple[int, int]]:
    """The whole subtrees, (level, index), that a range is made of, from the left."""
    parts = []
    while lo < hi:
        level = (hi - lo).bit_length() - 1
        parts.append((level, lo >> level))
        lo += 1 << level
    return parts
