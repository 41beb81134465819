"""SQL of what is past its time of consents, in a range of customers."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from consent_service.consents.tables import ConsentEventRow, ConsentRecordRow

Cutoffs = Mapping[str, datetime]


def delete_ended(tx: Connection, after: UUID, until: UUID, cutoffs: Cutoffs) -> int:
    """Removes records that ended before the cutoff of their purpose; how many."""
    row = ConsentRecordRow
    past = _past(row.purpose, row.recorded_to, cutoffs)
    within = (row.customer_id > after) & (row.customer_id <= until)
    return tx.execute(delete(row).where(within, row.recorded_to.is_not(None), past)).rowcount


def delete_superseded(tx: Connection, after: UUID, until: UUID, cutoffs: Cutoffs) -> int:
    """Removes events from before the cutoff of their purpose that no record rests on, and that
    can never matter to one again: a later one says the same; how many."""
    row, later = ConsentEventRow, aliased(ConsentEventRow)
    same = (row.customer_id, row.purpose, row.channel, row.kind, row.imported)
    theirs = (later.customer_id, later.purpose, later.channel, later.kind, later.imported)
    superseded = exists().where(
        *(one == other for one, other in zip(same, theirs, strict=True)),
        later.happened_at > row.happened_at,
    )
    past = _unused(after, until, cutoffs)
    return tx.execute(delete(row).where(past, superseded)).rowcount


def delete_proofs(tx: Connection, after: UUID, until: UUID, cutoffs: Cutoffs) -> int:
    """Removes what proves events from before the cutoff that no record rests on; of how many."""
    row = ConsentEventRow
    past = _unused(after, until, cutoffs)
    return tx.execute(update(row).where(past, row.proof.is_not(None)).values(proof=None)).rowcount


def _unused(after: UUID, until: UUID, cutoffs: Cutoffs) -> ColumnElement[bool]:
    row, record = ConsentEventRow, ConsentRecordRow
    rests = exists().where(record.customer_id == row.customer_id, record.event_id == row.id)
    within = (row.customer_id > after) & (row.customer_id <= until)
    return and_(within, _past(row.purpose, row.recorded_at, cutoffs), ~rests)


def _past(
    purpose: InstrumentedAttribute[str],
    column: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    cutoffs: Cutoffs,
) -> ColumnElement[bool]:
    """By the purpose's cutoff; by the earliest where it is in no catalogue any more."""
    known = [(purpose == key) & (column < cutoff) for key, cutoff in cutoffs.items()]
    gone = purpose.not_in(sorted(cutoffs)) & (column < min(cutoffs.values()))
    return or_(*known, gone)
