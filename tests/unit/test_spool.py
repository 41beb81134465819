"""A file that nobody else can read."""

import io
import random
import resource

import pytest

from consent_service.crypto.spool import Spool
from consent_service.kernel.errors import Unavailable


def test_what_was_written_is_read_from_anywhere():
    chance = random.Random(1)  # the same bytes each time
    wanted = chance.randbytes(10_000)
    with Spool() as spool:
        for at in range(0, len(wanted), 777):
            spool.write(wanted[at : at + 777])
        for _ in range(200):
            lo, length = chance.randrange(10_100), chance.randrange(300)
            spool.seek(lo)
            assert spool.read(length) == wanted[lo : lo + length]
        spool.seek(-5, io.SEEK_END)
        assert spool.read() == wanted[-5:]
        assert spool.tell() == len(wanted)


def test_reading_goes_on_after_more_was_written():
    with Spool() as spool:
        spool.write(b"one ")
        assert spool.read(3) == b"one"
        spool.write(b"two")
        assert spool.read() == b" two"


def test_the_disk_holds_nothing_of_it():
    with Spool() as spool:
        spool.write(b"ann@example.org" * 1_000)
        spool._file.seek(0)
        on_disk = spool._file.read()
    assert len(on_disk) == 15_000
    assert b"ann" not in on_disk
    assert len({on_disk[at : at + 15] for at in range(0, 15_000, 15)}) == 1_000


def test_readers_mind_neither_it_nor_each_other():
    with Spool() as spool:
        spool.write(b"one two")
        first, second = spool.reader(), spool.reader()
        assert (first.read(3), second.read(), first.read(), spool.read()) == (
            b"one", b"one two", b" two", b"one two",
        )  # fmt: skip
        first.close()
        assert second.seek(-3, io.SEEK_END) == 4
        assert (second.read(), spool.seek(0)) == (b"two", 0)


def test_that_there_is_no_room_is_told_at_once():
    least, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Spool() as spool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, most))
        try:
            with pytest.raises(Unavailable):
                spool.write(b"x" * 1_001)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (least, most))
