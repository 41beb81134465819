"""The log about one person, row by row, and what a page shows of it."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from consent_service.catalogue import service as catalogues
from consent_service.crypto.envelope import SealingKey
from consent_service.decisions.model import Outcome
from consent_service.disclosures import about
from consent_service.disclosures.model import KINDS
from consent_service.disclosures.texts import text_of
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import CustomerId, encode
from consent_service.kernel.paging import MAX_PAGE
from consent_service.ledger import proofs
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Entry, EntryFilter
from consent_service.packages.shape import details_of
from consent_service.web.texts import Language

_PREFIXES = {"decision": "dec", "disclosure": "dis", "screening": "scr"}


class Use(Struct, frozen=True):
    """What happened once or often: a sentence, when first and last, and how often."""

    text: str
    first: datetime
    last: datetime
    times: int


class Uses(Struct):
    """Of the log what a page shows: each thing that happened once, with how often; when each
    recipient last could use something; the newest rows, at most `MOST`."""

    MOST: ClassVar[int] = 100

    kinds: dict[str, Use]
    last_used_at: dict[str, str]
    newest: deque[dict[str, Any]]


def log_rows(
    customer: CustomerId,
    language: Language,
    life: SealingKey,
    uses: Uses,
    tick: Callable[[], None],
) -> Iterator[dict[str, Any]]:
    """Every entry about a person and every audience they were in, oldest first; `uses` is filled
    meanwhile. Raises: SealBroken, Unavailable."""
    for entries in about.stream_about(EntryFilter(customer), None, MAX_PAGE):
        tick()
        leaves = proofs.find_indexes(entries)
        for entry in entries:
            row = _row(entry, leaves.get(entry.id), language, life)
            if entry.kind in KINDS:
                _note(entry, row, uses)
            yield row


def _row(
    entry: Entry, leaf_index: int | None, language: Language, life: SealingKey
) -> dict[str, Any]:
    """Who asked is told where that is a client: in other entries it may be a member of staff."""
    shown = entry.kind in KINDS
    payload = ledger.open_payload(entry, life) if entry.known else {}
    return {
        "id": encode(_PREFIXES.get(entry.kind.value, "log"), entry.place, entry.id),
        "kind": entry.kind.value,
        "occurred_at": rfc3339(entry.occurred_at),
        "recorded_at": rfc3339(entry.recorded_at),
        "client_id": entry.client_id if shown else None,
        "purpose": entry.purpose,
        "channel": entry.channel,
        "data_categories": entry.data_categories,
        "recipient": entry.recipient,
        "touchpoint": entry.touchpoint,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "catalogue_version": entry.catalogue_version,
        "leaf_index": leaf_index,
        "details": details_of(entry.kind.value, payload),
        "text": _text(entry, language) if shown else None,
    }


def _text(entry: Entry, language: Language) -> str:
    version = entry.catalogue_version
    catalogue = catalogues.current() if version is None else catalogues.by_version(version)
    return text_of(entry, catalogue, language)


def _note(entry: Entry, row: dict[str, Any], uses: Uses) -> None:
    text, at = row["text"], entry.occurred_at
    before = uses.kinds.get(text, Use(text, at, at, 0))
    first, last = min(before.first, at), max(before.last, at)
    uses.kinds[text] = Use(text, first, last, before.times + 1)
    uses.newest.append(row)
    if entry.recipient is not None and entry.outcome == Outcome.PERMIT:
        said = uses.last_used_at.get(entry.recipient, "")
        uses.last_used_at[entry.recipient] = max(said, row["occurred_at"])
