"""Many rows at once come back as they were given, whatever stands in them."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from consent_service.kernel.ids import new_uuid
from consent_service.ledger.tables import LedgerEntryRow, LedgerTileRow
from consent_service.storage.bulk import insert_alike, insert_rows
from consent_service.storage.many import rows_among
from consent_service.storage.unit_of_work import reading, unit_of_work

AT = datetime(2026, 3, 2, 9, 30, 0, 123_456, tzinfo=UTC)


def a_row(**changes):
    return {
        "customer_id": new_uuid(), "id": new_uuid(), "known": True, "kind": "decision",
        "occurred_at": AT, "recorded_at": AT, "purpose": None, "data_categories": "",
        "reason": "Grüße, \\N \t \"x\" \n", "catalogue_version": None, "cites": None,
        "commitment": None, "token": b"\0\xff\\", "payload": b"", "entries": 2**31 - 1,
        "apart": False, **changes,
    }  # fmt: skip


def test_every_type_survives_with_its_extremes(app):
    rows = [
        a_row(),
        a_row(known=False, cites=UUID(int=2**128 - 1), commitment=bytes(range(32)), entries=None),
        a_row(occurred_at=datetime(1969, 7, 20, 20, 17, tzinfo=UTC), entries=-(2**31)),
        a_row(occurred_at=AT.astimezone(timezone(timedelta(hours=-5))), payload=None, entries=0),
        a_row(occurred_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), purpose="p"),
    ]
    with app.app_context():
        with unit_of_work() as tx:
            insert_rows(tx, LedgerEntryRow, rows)
        query = select(*(getattr(LedgerEntryRow, name) for name in rows[0]))
        with reading() as tx:
            ids = [row["customer_id"] for row in rows]
            found = rows_among(tx, query, LedgerEntryRow.customer_id, ids)
            tokens = rows_among(tx, query, LedgerEntryRow.token, [row["token"] for row in rows])
    by_id = {row.id: dict(row._mapping) for row in found}
    assert by_id == {row["id"]: row for row in rows}
    assert len(tokens) == len(rows)


def test_rows_that_are_alike_are_what_each_of_them_is(app):
    rows = [
        a_row(),
        a_row(commitment=bytes(32), payload=None, token=b""),
        a_row(known=False, purpose="p", catalogue_version=7, occurred_at=AT - timedelta(days=9)),
        a_row(commitment=b"x"),
    ]
    own = ("customer_id", "id", "commitment", "token", "payload")
    with app.app_context():
        with unit_of_work() as tx:
            insert_alike(
                tx, LedgerEntryRow, [rows[2], rows[0]], [1, 1, 0, 1],
                {name: [row[name] for row in rows] for name in own},
            )  # fmt: skip
        with reading() as tx:
            query = select(*(getattr(LedgerEntryRow, name) for name in rows[0]))
            found = {row.id: dict(row._mapping) for row in tx.execute(query)}
    assert found == {row["id"]: row for row in rows}


def test_numbers_of_every_width_survive(app):
    rows = [{"level": n, "n": n * 2**55, "hashes": bytes(n)} for n in (0, 1, 63)]
    with app.app_context():
        with unit_of_work() as tx:
            insert_rows(tx, LedgerTileRow, rows)
        with reading() as tx:
            found = tx.execute(select(LedgerTileRow.__table__).order_by(LedgerTileRow.level))
            assert [dict(row._mapping) for row in found] == rows


def test_a_time_that_is_naive_is_refused(app):
    rows = [a_row(), a_row(occurred_at=AT.replace(tzinfo=None))]
    with app.app_context(), pytest.raises(ValueError, match="naive"), unit_of_work() as tx:
        insert_rows(tx, LedgerEntryRow, rows)


def test_all_or_none_are_there(app):
    again = a_row()
    with app.app_context():
        with pytest.raises(DBAPIError), unit_of_work() as tx:
            insert_rows(tx, LedgerEntryRow, [a_row(), again, again])
        with reading() as tx:
            assert not tx.execute(select(LedgerEntryRow.id)).fetchall()
