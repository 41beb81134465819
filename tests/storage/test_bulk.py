"""Many rows by few statements."""

from sqlalchemy import event, func, select

from consent_service.storage.bulk import insert_rows
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.tables import IdempotencyClaimRow

SIZES = [*range(1, 130), 4_000]


def test_however_many_rows_there_are_statements_are_few(app, clock):
    """The driver keeps each that it has seen, and one of a thousand rows takes half a megabyte."""
    seen = set()
    with app.app_context(), unit_of_work() as tx:
        event.listen(tx, "before_cursor_execute", lambda *given: seen.add(given[2]))
        for size in SIZES:
            insert_rows(tx, IdempotencyClaimRow, [_claim(size, at, clock()) for at in range(size)])
        kept = tx.scalar(select(func.count()).select_from(IdempotencyClaimRow))
    assert kept == sum(SIZES)
    assert len({sql for sql in seen if sql.startswith("INSERT")}) <= 12


def _claim(size, at, now):
    key = f"{size}.{at}".encode().rjust(32)
    return {"client_id": "bulk", "key_digest": key, "fingerprint": key, "claimed_at": now}
