"""Tiles: their addresses, and the tree that is read from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.ledger.merkle import leaf_hash, range_root, root_of
from consent_service.ledger.tiles import WIDTH, address_of, node_in, read_address, split, width_at


@pytest.mark.parametrize(
    ("n", "width", "address"),
    [
        (0, 256, "000"),
        (7, 8, "007.p/8"),
        (999, 255, "999.p/255"),
        (1_000, 256, "x001/000"),
        (1_234_067, 256, "x001/x234/067"),
    ],
)
def test_addresses(n, width, address):
    assert address_of(n, width) == address
    assert read_address(address) == (n, width)


@given(st.integers(0, 10**17), st.integers(1, 256))
def test_every_address_is_read_back(n, width):
    assert read_address(address_of(n, width)) == (n, width)


@pytest.mark.parametrize(
    "address",
    ["", "0", "0000", "x001", "001/002", "x000/001", "000.p/0", "000.p/256", "000.p/01", "000.p/",
     "000.p/-1", "٠٠٠", "000\n", "-01", "x001/067/", "x001/" * 6 + "001", "000.p/1.p/2"],
)  # fmt: skip
def test_what_is_no_address(address):
    assert read_address(address) is None


def test_the_tiles_of_the_specification_s_example():
    size = 70_000
    assert [width_at(0, n, size) for n in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [width_at(1, n, size) for n in (0, 1, 2)] == [256, 17, 0]
    assert [width_at(2, n, size) for n in (0, 1)] == [1, 0]
    assert (width_at(0, 0, 256), width_at(1, 0, 256)) == (256, 1)


@pytest.fixture(scope="module")
def tree():
    """A tree of 70,000 leaves in tiles."""
    level, hashes = 0, [leaf_hash(n.to_bytes(3)) for n in range(70_000)]
    leaves, tiles = hashes, {}
    while hashes:
        for n in range(-(-len(hashes) // WIDTH)):
            tiles[level, n] = b"".join(hashes[n * WIDTH : (n + 1) * WIDTH])
        whole = [
            root_of(split(t)) for (at, _), t in tiles.items() if at == level and len(t) == 8192
        ]
        level, hashes = level + 1, whole
    return leaves, tiles


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_roots_come_from_the_tiles(tree, size):
    leaves, tiles = tree

    def node(level, index):
        return node_in(lambda at, n: tiles[at, n], level, index)

    assert range_root(0, size, node) == root_of(leaves[:size])
