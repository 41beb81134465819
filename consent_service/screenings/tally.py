"""What has come of an audience so far: counts, and the members."""

import os
from array import array
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from threading import Lock

from consent_service.crypto.spool import Spool
from consent_service.decisions.audience import PERMITTED, REASONS, Piece
from consent_service.decisions.model import Outcome, Reason, outcome_of
from consent_service.screenings import members

_SECRET = 16


class Tally:
    """What has come of the rows so far. Members wait in a spool until all of it is logged."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.unusable: Counter[str] = Counter()
        self.permitted = 0
        self.valid_until: datetime | None = None
        self.members = Members()

    def count(self, piece: Piece) -> bytes:
        """Counts what came of some rows; which of them are permitted, a byte each."""
        counts = {reason.value: piece.codes.count(code) for code, reason in enumerate(REASONS)}
        self.reasons += Counter(counts)
        permitted = bytes(piece.codes.translate(PERMITTED))
        self.permitted += permitted.count(1)
        if piece.valid_until is not None:
            self.valid_until = min(piece.valid_until, self.valid_until or piece.valid_until)
        return permitted


class Members:
    """Those of an audience who are known here, part by part. Any thread may add some."""

    def __init__(self) -> None:
        self.key = os.urandom(members.KEY_BYTES)
        self.shard_bits: list[int] = []
        self.hashes: list[bytes] = []
        self.count = 0
        self._denied, self._permitted = array("Q"), array("Q")
        self._room = members.PART
        self._spool = Spool()
        self._lengths: list[tuple[int, int, int]] = []
        self._one_adds = Lock()

    def add(self, secrets: bytes, reason: Reason) -> None:
        """Adds some, or once more, of whom the same was answered. Of one who was answered in two
        ways in a part, a permit counts."""
        with self._one_adds:
            while secrets:
                some, secrets = secrets[: self._room * _SECRET], secrets[self._room * _SECRET :]
                permitted = outcome_of(reason) is Outcome.PERMIT
                waiting = self._permitted if permitted else self._denied
                waiting.extend(members.answered(self.key, some, reason))
                self._room -= len(some) // _SECRET
                if not self._room:
                    self.end_part()

    def end_part(self) -> None:
        """Packs those who wait."""
        if self._room == members.PART:
            return
        part, found = len(self.shard_bits), self._denied + self._permitted
        self._room, self._denied, self._permitted = members.PART, array("Q"), array("Q")
        bits, shards = members.pack(found)
        self.shard_bits.append(bits)
        for shard, packed in shards:
            self.count += len(packed) // members.WIDTH
            self.hashes.append(members.shard_hash(part, shard, packed))
            self._lengths.append((part, shard, self._spool.write(packed)))

    def shards(self) -> Iterator[tuple[int, int, bytes]]:
        """All that was packed: part, shard, members."""
        self._spool.seek(0)
        for part, shard, length in self._lengths:
            yield part, shard, self._spool.read(length)
