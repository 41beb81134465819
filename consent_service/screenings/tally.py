"""What has come of an audience so far: counts, and the members."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from consent_service.crypto.spool import Spool
from consent_service.decisions.audience import Judged
from consent_service.decisions.model import Outcome, Reason
from consent_service.screenings import members
from consent_service.screenings.forms import Named
from consent_service.screenings.model import Unusable


class Tally:
    """What has come of the rows so far. Members wait in a spool until all of it is logged."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.unusable: Counter[str] = Counter()
        self.permitted = 0
        self.valid_until: datetime | None = None
        self.members = Members()

    def add(self, named: Sequence[Named], judged: Iterator[Judged]) -> list[bool]:
        """Counts a portion; which of its rows are permitted."""
        answers = [None if isinstance(one, Unusable) else next(judged) for one in named]
        self.unusable.update([one.value for one in named if isinstance(one, Unusable)])
        found = [one for one in answers if one is not None]
        self.reasons.update([one.reason.value for one in found])
        for one in found:
            if one.secret is not None:
                self.members.add(one.secret, one.reason)
        good = {one.valid_until for one in found if one.outcome is Outcome.PERMIT}
        permitted = [one is not None and one.outcome is Outcome.PERMIT for one in answers]
        self.permitted += sum(permitted)
        if good:
            self.valid_until = min(good | {self.valid_until or min(good)})
        return permitted


class Members:
    """Those of an audience who are known here, part by part."""

    def __init__(self) -> None:
        self.key = os.urandom(members.KEY_BYTES)
        self.shard_bits: list[int] = []
        self.hashes: list[bytes] = []
        self.count = 0
        self._waiting: list[tuple[bytes, Reason]] = []
        self._spool = Spool()
        self._lengths: list[tuple[int, int, int]] = []

    def add(self, secret: bytes, reason: Reason) -> None:
        """Adds one, or once more."""
        self._waiting.append((secret, reason))
        if len(self._waiting) == members.PART:
            self.end_part()

    def end_part(self) -> None:
        """Packs those who wait."""
        if not self._waiting:
            return
        answers = dict(self._waiting)
        part, self._waiting = len(self.shard_bits), []
        tags = members.tags(self.key, list(answers))
        self.shard_bits.append(members.shard_bits(len(answers)))
        self.count += len(answers)
        for shard, packed in members.pack(list(zip(tags, answers.values(), strict=True))):
            self.hashes.append(members.shard_hash(part, shard, packed))
            self._lengths.append((part, shard, self._spool.write(packed)))

    def shards(self) -> Iterator[tuple[int, int, bytes]]:
        """All that was packed: part, shard, members."""
        self._spool.seek(0)
        for part, shard, length in self._lengths:
            yield part, shard, self._spool.read(length)
