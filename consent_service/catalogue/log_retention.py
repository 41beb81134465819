"""How long entries of the log are kept: as the document says, by kind, or else as stands here.
No I/O."""

from collections.abc import Iterable, Mapping

from consent_service.ledger.model import EntryKind

SHORTEST = 30  # days: longer than any answer is good for, and any repeated request is remembered

KINDS = tuple(kind for kind in EntryKind if kind is not EntryKind.BATCH)  # of which it may say

_THREE_YEARS, _FIVE_YEARS, _TEN_YEARS = 1_095, 1_825, 3_650
_DAYS = {
    EntryKind.CONSENT: _TEN_YEARS,
    EntryKind.DECISION: _THREE_YEARS,
    EntryKind.SCREENING: _THREE_YEARS,
    EntryKind.DISCLOSURE: _FIVE_YEARS,
    EntryKind.ERASURE: _TEN_YEARS,
    EntryKind.STAFF_ACT: _TEN_YEARS,
    EntryKind.PRIVACY_REQUEST: _TEN_YEARS,
    EntryKind.CUSTOMER: _TEN_YEARS,
}


def log_retention(said: Mapping[str, int], proof_days: Iterable[int]) -> dict[EntryKind, int]:
    """Whole days, for every kind. Without a word on it, consents are kept as long as the longest
    of `proof_days`, how long purposes keep what proves them. A batch is kept as long as the
    decisions in it."""
    ours = {**_DAYS, EntryKind.CONSENT: max(_TEN_YEARS, *proof_days, 0)}
    kept: dict[EntryKind, int] = {kind: said.get(kind.value, ours[kind]) for kind in KINDS}
    return {**kept, EntryKind.BATCH: kept[EntryKind.DECISION]}
