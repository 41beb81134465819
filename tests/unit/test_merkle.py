"""The tree, against the figures of RFC 6962's reference and against what its text defines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.ledger import merkle
from consent_service.ledger.merkle import (
    EMPTY_ROOT,
    BadProof,
    Growing,
    check_consistency,
    check_inclusion,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    range_root,
    root_of,
)

# The eight leaves and the roots over the first n of them that the test data of Certificate
# Transparency's C++ reference and of transparency-dev/merkle are made of.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243",
        "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def mth(hashes):
    """The Merkle tree hash, word for word as RFC 6962 defines it."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(mth(hashes[:k]), mth(hashes[k:]))


def node_of(hashes):
    return lambda level, index: mth(hashes[index << level : (index + 1) << level])


def prove(hashes, ranges):
    return [range_root(lo, hi, node_of(hashes)) for lo, hi in ranges]


def some(size):
    return [leaf_hash(n.to_bytes(2)) for n in range(size)]


def test_the_empty_tree():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Growing().root().hex() == EMPTY_ROOT.hex() == empty


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size):
    assert root_of(HASHES[:size]).hex() == ROOTS[size - 1]
    assert range_root(0, size, node_of(HASHES)).hex() == ROOTS[size - 1]
    growing = Growing()
    for one in HASHES[:size]:
        growing.add(one)
    assert growing.root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [
        (0, 1, []),
        (0, 8, [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]),
        (5, 8, [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    ],
)  # fmt: skip
def test_published_inclusion_proofs(index, size, proof):
    made = prove(HASHES, inclusion_ranges(index, size))
    assert [one.hex() for one in made] == proof
    check_inclusion(HASHES[index], index, size, made, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(
    ("first", "second", "proof"),
    [
        (1, 1, []),
        (1, 8, [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]),
        (6, 8, [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]),
        (2, 5, [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ]),
    ],
)  # fmt: skip
def test_published_consistency_proofs(first, second, proof):
    made = prove(HASHES, consistency_ranges(first, second))
    assert [one.hex() for one in made] == proof
    roots = (bytes.fromhex(ROOTS[n - 1]) for n in (first, second))
    check_consistency(first, second, made, *roots)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_is_proved_and_no_other_is(size):
    hashes = some(size)
    root = mth(hashes)
    for index in range(size):
        proof = prove(hashes, inclusion_ranges(index, size))
        check_inclusion(hashes[index], index, size, proof, root)
        for wrong in {*range(size + 2), -1} - {index}:
            with pytest.raises(BadProof):
                check_inclusion(hashes[index], wrong, size, proof, root)


@pytest.mark.parametrize("second", range(1, 34))
def test_every_growth_is_proved_and_no_other_is(second):
    hashes = some(second)
    for first in range(1, second + 1):
        proof = prove(hashes, consistency_ranges(first, second))
        roots = mth(hashes[:first]), mth(hashes)
        check_consistency(first, second, proof, *roots)
        other = mth([leaf_hash(b"other"), *hashes[1:first]])
        with pytest.raises(BadProof):
            check_consistency(first, second, proof, other, roots[1])


@given(st.data())
def test_a_changed_proof_proves_nothing(data):
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    hashes = some(size)
    root, proof = mth(hashes), prove(hashes, inclusion_ranges(index, size))
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(proof[at]) ^ 1 << bit).to_bytes(32)
    changed = data.draw(
        st.sampled_from(
            [
                [*proof[:at], flipped, *proof[at + 1 :]],
                proof[:-1],
                [*proof, root],
                [proof[0], *proof],
                [*proof[:at], proof[at][:-1], *proof[at + 1 :]],
                [*proof[:at], b"", *proof[at + 1 :]],
            ]
        )
    )
    with pytest.raises(BadProof):
        check_inclusion(hashes[index], index, size, changed, root)


@pytest.mark.parametrize(
    ("first", "second", "proof"),
    [(0, 0, []), (0, 8, []), (0, 8, [HASHES[0]]), (9, 8, []), (-1, 8, []), (4, 8, []), (3, 8, [])],
)
def test_degenerate_consistency_is_refused(first, second, proof):
    root = bytes.fromhex(ROOTS[7])
    for before in (root, EMPTY_ROOT, b""):
        with pytest.raises(BadProof):
            check_consistency(first, second, proof, before, root)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (1, 0)])
def test_degenerate_inclusion_is_refused(index, size):
    for leaf, root in ((EMPTY_ROOT, EMPTY_ROOT), (HASHES[0], HASHES[0]), (b"", b"")):
        with pytest.raises(BadProof):
            check_inclusion(leaf, index, size, [], root)


def test_two_trees_of_one_size_are_one():
    root = bytes.fromhex(ROOTS[7])
    check_consistency(8, 8, [], root, root)
    for proof, other in (([HASHES[0]], root), ([], bytes(32))):
        with pytest.raises(BadProof):
            check_consistency(8, 8, proof, root, other)


def test_hashes_are_of_leaves_or_of_nodes():
    assert merkle.leaf_hash(b"").hex() == ROOTS[0]
    assert node_hash(b"", b"") != leaf_hash(b"")
