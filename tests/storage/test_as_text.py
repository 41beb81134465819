from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import base32, base32_all
from consent_service.ledger import service
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.storage.as_text import instant_text, uuid_text
from consent_service.storage.unit_of_work import reading
from tests.support import log


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        datetime(2026, 3, 2, 23, 59, 59, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 0, 0, 100_000, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_the_store_writes_out_what_python_would(app, at):
    with app.app_context():
        entry = log.an_entry(at=at)
        service.append([entry])
        asked = (uuid_text(LedgerEntryRow.id), instant_text(LedgerEntryRow.occurred_at))
        with reading() as tx:
            made, occurred = tx.execute(select(*asked)).one()
    assert base32_all([made]) == [base32(entry.id.int)]
    assert occurred == rfc3339(at)
