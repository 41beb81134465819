"""What happened since a backup was made, done again: erasures by the list of the erased, and all
else by the journal. A yes is not there to be replayed: what is lost of those is a deny."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Channel
from consent_service.consents import service as consents
from consent_service.consents.model import EventKind, NewEvent
from consent_service.crypto.keyring import Keyring
from consent_service.customers import service as customers
from consent_service.customers import unopened
from consent_service.customers.aliases import list_ids
from consent_service.customers.model import IdentifierType
from consent_service.erasures import cleaning, listed
from consent_service.erasures.again import erase_again
from consent_service.erasures.list_store import Listed
from consent_service.kernel.actors import SYSTEM, Actor
from consent_service.kernel.clock import parse_rfc3339
from consent_service.kernel.ids import CustomerId
from consent_service.ledger import service as ledger
from consent_service.ledger.sealer import BATCH, Sealer
from consent_service.oauth import standing
from consent_service.operations import access, store
from consent_service.operations.backing_up import read_erased
from consent_service.operations.following import GPC
from consent_service.operations.journal import Line, digests_of, read_journal
from consent_service.operations.marking import staff_act
from consent_service.operations.model import (
    Incomplete,
    NothingToFinish,
    OldCatalogue,
    Outcome,
    Restore,
)
from consent_service.personal_data import service as personal_data
from consent_service.privacy_requests import restriction
from consent_service.privacy_requests import service as privacy_requests
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.suppressions import service as suppressions
from consent_service.suppressions.model import Reason, Suppression

_OVERLAP = timedelta(minutes=10)
_AT_ONCE = 1_000


class Replayed(Struct, frozen=True):
    """What was done again, how many of each; privacy requests that came in since and are lost, by
    their ids; until when the journal tells all; from which clients and staff rights were taken, and
    whether all were disabled."""

    erased: int
    noes: int = 0
    merges: int = 0
    restrictions: int = 0
    marks: int = 0
    nobody: int = 0
    grants: int = 0
    requests: tuple[str, ...] = ()
    until: datetime | None = None
    held: tuple[str, ...] = ()
    shut: bool = False


def finish(
    erased_files: Sequence[Path],
    journal: Path | None,
    nothing_to_replay: bool,
    access_unchanged: bool,
    base_url: str,
    actor: Actor,
    now: datetime,
    keys: Keyring,
) -> Replayed:
    """Replays what lists and a journal tell, and lets the store answer if that is all, or staff say
    that there is no more. Where nothing tells who of clients and staff still may come in, all are
    disabled, unless staff say that nobody lost a right. May be run again.

    Raises: NothingToFinish, Incomplete, OldCatalogue, BadBackup, MisconfiguredError.
    """
    with reading() as tx:
        restores = store.list_open(tx)
    if not restores:
        raise NothingToFinish()
    since = min(each.made_at for each in restores)
    lines = [] if journal is None else list(read_journal(journal, keys))
    wanted = [line for line in lines if line.at >= since - _OVERLAP]
    for path in erased_files:
        listed.take_in(read_erased(path, keys))
    listed.take_in([_listed(line.about) for line in wanted if line.what == "erased"])
    while Sealer(base_url).run(keys, now) == BATCH:
        pass
    done = Replayed(erase_again(now, keys))
    with unit_of_work():
        done = _replay(wanted, done, now, keys)
        begun, until = (lines[0].at if lines else None), done.until
        is_told = begun is not None and until is not None and begun <= since <= until
        if not is_told and not nothing_to_replay:
            raise Incomplete()
        known = [line for line in lines if line.what == "access" and (is_told or line.at >= since)]
        if known:
            done = replace(done, held=_hold_access(known[-1], actor, now, keys))
        if access_unchanged:
            ledger.append([staff_act("restore_access_unchanged", actor, now)])
        elif not (is_told and known):
            access.shut(actor, now)
            done = replace(done, shut=True)
        _let_answer(Outcome.REPLAYED if is_told else Outcome.NOTHING, actor, now)
    cleaning.rewrite()
    return done


def list_restores() -> list[Restore]:
    """Every time the store was put back."""
    with reading() as tx:
        return store.list_all(tx)


def _hold_access(line: Line, actor: Actor, now: datetime, keys: Keyring) -> tuple[str, ...]:
    held = tuple(access.hold_to(line.about, actor, now, keys))
    if held:
        ledger.append([staff_act("restore_access_held", actor, now)])
    return held


def _let_answer(outcome: Outcome, actor: Actor, now: datetime) -> None:
    with unit_of_work() as tx:
        store.finish(tx, outcome, now)
        ledger.append([staff_act(f"restore_{outcome.value}", actor, now)])


def _replay(lines: Iterable[Line], done: Replayed, now: datetime, keys: Keyring) -> Replayed:
    """In the order of the log, so that whoever was merged is found in whom they are now."""
    lines = list(lines)
    who = _find_all({a for line in lines for a in _named(line.about)}, keys)
    counts = dict.fromkeys(("noes", "merges", "restrictions", "marks", "nobody", "grants"), 0)
    lost: list[str] = []
    until = None
    for line in lines:
        about = line.about
        customer = who.get(about.get("who", ""))
        if line.seen is not None:
            until = line.seen.at
        elif line.what == "catalogue":
            _check_catalogue(about["version"])
        elif line.what == "mark":
            counts["marks"] += suppressions.take_in([_mark(about, line.at)], now)
        elif line.what in ("erased", "access"):
            continue
        elif customer is None:
            counts["nobody"] += 1  # erased since, or came after the backup
        elif line.what == "no":
            _say_no(customer, about, now, keys)
            counts["noes"] += 1
        elif line.what == "restriction":
            counts["restrictions"] += restriction.restrict_again(customer, now, keys)
        elif line.what == "grant_ended":
            at = parse_rfc3339(about["at"])
            counts["grants"] += standing.end_again(customers.resolve(customer), about["client"], at)
        elif line.what == "merge" and about["absorbed"] in who:
            counts["merges"] += _merge(customer, who[about["absorbed"]], now, keys)
        elif line.what == "request" and privacy_requests.is_lost(about["request"]):
            lost.append(f"{about['request']} {about['kind']}")
    return replace(done, **counts, requests=tuple(dict.fromkeys(lost)), until=until)


def _say_no(customer: CustomerId, about: dict[str, Any], now: datetime, keys: Keyring) -> None:
    at, touchpoint = parse_rfc3339(about["at"]), about["touchpoint"]
    if about["event"] == GPC:
        consents.record_gpc(customer, at, touchpoint, SYSTEM, now, keys)
        return
    channel = None if about["channel"] is None else Channel(about["channel"])
    kind = EventKind(about["event"])
    event = NewEvent(customer, about["purpose"], kind, channel, None, None, touchpoint, at)
    consents.record_consent(event, SYSTEM, now, keys)


def _merge(kept: CustomerId, absorbed: CustomerId, now: datetime, keys: Keyring) -> bool:
    if customers.resolve(kept) == customers.resolve(absorbed):
        return False
    personal_data.merge(kept, absorbed, SYSTEM, now, keys)
    return True


def _mark(about: dict[str, Any], at: datetime) -> tuple[bytes, Suppression]:
    return bytes.fromhex(about["digest"]), Suppression(
        UUID(about["id"]),
        Reason(about["reason"]),
        None if about["channel"] is None else Channel(about["channel"]),
        IdentifierType(about["type"]),
        parse_rfc3339(about["happened_at"]),
        at,
        source=about["source"],
    )


def _listed(about: dict[str, Any]) -> Listed:
    digest, key_id = bytes.fromhex(about["digest"]), bytes.fromhex(about["key_id"])
    return digest, key_id, parse_rfc3339(about["at"])


def _check_catalogue(version: int) -> None:
    if catalogues.current().version < version:
        raise OldCatalogue()


def _named(about: dict[str, Any]) -> list[str]:
    return [about[name] for name in ("who", "absorbed") if name in about]


def _find_all(digests: set[str], keys: Keyring) -> dict[str, CustomerId]:
    """Whom digests stand for, of everybody who is here and every id that leads to them."""
    found: dict[str, CustomerId] = {}
    after = None
    while digests and (some := unopened.list_after(after, _AT_ONCE)):
        after = some[-1]
        for ids in list_ids(some).values():
            for each in ids:
                found |= {d: each for d in digests_of(each, keys) if d in digests}
    return found
