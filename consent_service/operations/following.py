"""What the journal is told of: every no, restriction, merge, mark and erasure, in the order in
which the log has them; grants that were ended, and who may come in when that has changed. A yes is
not: what is lost of those is a deny."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from consent_service.consents.model import EventKind
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.erasures import listed
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import NotFound
from consent_service.kernel.ids import CustomerId, encode
from consent_service.ledger import feed, renaming
from consent_service.ledger.model import Entry, EntryKind
from consent_service.ledger.sealer import LONGEST_TRANSACTION
from consent_service.oauth import standing
from consent_service.operations import access
from consent_service.operations.journal import Journal, Seen, digest_of
from consent_service.suppressions import service as suppressions

GPC = "gpc"
_BATCH = 1_000
_BEHIND = LONGEST_TRANSACTION + timedelta(minutes=1)
_RECENT = timedelta(seconds=10)
_SWEEP = timedelta(minutes=1)
_NOES = {kind.value for kind in EventKind if kind.is_no} | {GPC}

Found = tuple[str, dict[str, Any]]


class PutBack(Exception):
    """The log is shorter than the journal knows it: the store was put back by other tools."""


class Follower:
    """Goes on with a journal from where it is. What is not in the log is found by its time: of the
    last seconds at each look, and each minute of as long as a transaction may last. `_told` is
    what was written of that."""

    def __init__(self, journal: Journal, base_url: str, now: datetime) -> None:
        self._journal, self._base_url = journal, base_url
        self._told: dict[bytes, datetime] = {}
        self._begun, self._sweep_at = now, now
        self._access: tuple[date, dict[str, Any]] | None = None

    def follow(self, now: datetime, keys: Keyring) -> int:
        """Writes down what is new, a batch; how much. Raises: PutBack."""
        names = renaming.list_names(self._base_url)
        seen = self._journal.seen
        size = feed.find_size()
        start, since = size, self._begun
        if seen is not None:
            since, start = seen.at, seen.leaf
            if seen.origin != names[0]:
                start = renaming.find_start()
            elif size < seen.leaf:
                raise PutBack()
        stretch = feed.list_changes(start, _BATCH)
        is_sweep = self._sweep_at <= now
        since -= _BEHIND if is_sweep else _RECENT
        changed = is_sweep or any(_is_of_access(entry) for _, entry in stretch.entries)
        found = list(self._access_now(now, keys)) if changed else []
        found += [each for _, entry in stretch.entries for each in _of_entry(entry, keys)]
        found += [*self._marks(since), *self._erasures(since), *self._grants(since, keys)]
        if found or stretch.more or seen is None or seen.at + _RECENT <= now:
            self._journal.append(found, Seen(names[0], stretch.until, now), now, keys)
        if is_sweep:
            self._sweep_at = now + _SWEEP
            self._forget(now - 2 * _BEHIND)
        return len(found)

    def _marks(self, since: datetime) -> Iterator[Found]:
        for digest, mark in suppressions.list_placed(since):
            if self._is_new(mark.id.bytes, mark.recorded_from):
                yield (
                    "mark",
                    {
                        "digest": digest.hex(),
                        "id": mark.id.hex,
                        "reason": mark.reason.value,
                        "channel": mark.channel,
                        "type": mark.identifier_type.value,
                        "happened_at": rfc3339(mark.happened_at),
                        "source": mark.source,
                    },
                )

    def _erasures(self, since: datetime) -> Iterator[Found]:
        for digest, key_id, at in listed.list_since(since):
            if self._is_new(digest, at):
                yield (
                    "erased",
                    {"digest": digest.hex(), "key_id": key_id.hex(), "at": rfc3339(at)},
                )

    def _grants(self, since: datetime, keys: Keyring) -> Iterator[Found]:
        for customer, client_id, at in standing.list_ended(since):
            if self._is_new(customer.bytes + client_id.encode() + rfc3339(at).encode(), at):
                about = {"who": digest_of(customer, keys), "at": rfc3339(at)}
                yield "grant_ended", {**about, "client": client_id}

    def _access_now(self, now: datetime, keys: Keyring) -> Iterator[Found]:
        """Who may come in, if that is not what was told last today."""
        told = (now.date(), access.take(keys))
        if told != self._access:
            self._access = told
            yield "access", told[1]

    def _is_new(self, name: bytes, at: datetime) -> bool:
        if name in self._told:
            return False
        self._told[name] = at
        return True

    def _forget(self, before: datetime) -> None:
        self._told = {name: at for name, at in self._told.items() if at >= before}


def _is_of_access(entry: Entry) -> bool:
    changed = (entry.reason or "").startswith(("client_", "staff_"))
    return entry.kind is EntryKind.STAFF_ACT and changed


def _of_entry(entry: Entry, keys: Keyring) -> Iterator[Found]:
    if entry.kind is EntryKind.STAFF_ACT and entry.reason == "catalogue_loaded":
        yield "catalogue", {"version": entry.catalogue_version}
    if not entry.known:
        return
    who = CustomerId(entry.place)
    about = {"who": digest_of(who, keys), "at": rfc3339(entry.occurred_at)}
    if entry.kind is EntryKind.CONSENT and entry.reason in _NOES:
        said = {"purpose": entry.purpose, "channel": entry.channel, "event": entry.reason}
        yield "no", {**about, **said, "touchpoint": entry.touchpoint}
    elif entry.kind is EntryKind.STAFF_ACT and entry.reason == "customer_merged" and entry.cites:
        yield "merge", {**about, "absorbed": digest_of(CustomerId(entry.cites), keys)}
    elif entry.kind is EntryKind.PRIVACY_REQUEST:
        request = "" if entry.cites is None else encode("req", entry.cites)
        yield "request", {**about, "request": request, "kind": entry.reason}
        with suppress(NotFound):
            if customers.get_record(who).facts.restricted:
                yield "restriction", about
