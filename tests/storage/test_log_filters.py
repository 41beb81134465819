"""Whatever an auditor filters by, they get what a reading of the whole log would give."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from consent_service.kernel.ids import new_uuid
from consent_service.ledger import filter_store, service, store
from consent_service.ledger.model import EntryFilter, EntryKind
from consent_service.ledger.partitions import make_ahead
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.storage.unit_of_work import reading
from tests.support import log

START = datetime(2026, 3, 15, 12, tzinfo=UTC)
USES, CHECKS = frozenset([EntryKind.DISCLOSURE]), frozenset([EntryKind.DECISION])
KINDS = frozenset([*USES, *CHECKS, EntryKind.SCREENING])
LATE = (timedelta(0), timedelta(hours=23), timedelta(days=1), timedelta(days=-1),
        timedelta(days=200), timedelta(days=-3))  # fmt: skip


@pytest.fixture
def entries(app):
    """Six months of entries, some of which occurred at quite another time, in order of id."""
    chance = random.Random(7)
    made = []
    for _ in range(400):
        at = START + timedelta(days=180) * chance.random()
        made.append(
            log.an_entry(
                log.id_of(at),
                chance.choice([*KINDS, EntryKind.CONSENT]),
                at - chance.choice(LATE),
                purpose=chance.choice(["news", "offers", None]),
                recipient=chance.choice(["mailer", "broker", None]),
                touchpoint=chance.choice(["web", None]),
                outcome=chance.choice(["permit", "deny", None]),
            )
        )
    with app.app_context():
        for month in range(3):
            make_ahead(START + timedelta(days=62 * month))
        service.append(made)
        yield sorted(made, key=lambda entry: entry.id)


def wanted_filters():
    kinds = (None, KINDS, USES, CHECKS)
    times = ({}, {"from_": START + timedelta(days=60)}, {"to": START + timedelta(days=70)},
             {"from_": START + timedelta(days=60), "to": START + timedelta(days=70)})  # fmt: skip
    others = ({}, {"purpose": "news"}, {"recipient": "mailer"}, {"touchpoint": "web"},
              {"outcome": "deny"}, {"purpose": "news", "recipient": "broker"})  # fmt: skip
    for of, time, other in itertools.product(kinds, times, others):
        yield EntryFilter(kinds=of, **time, **other)


def fits(entry, wanted):
    return (
        (wanted.kinds is None or entry.kind in wanted.kinds)
        and all(
            getattr(wanted, name) in (None, getattr(entry, name))
            for name in ("purpose", "recipient", "touchpoint", "outcome")
        )
        and (wanted.from_ is None or entry.occurred_at >= wanted.from_)
        and (wanted.to is None or entry.occurred_at < wanted.to)
    )


@pytest.mark.parametrize("few", [1, 1_000])
def test_every_filter_finds_what_a_reading_of_all_would(entries, few, monkeypatch):
    monkeypatch.setattr(filter_store, "_FEW", few)
    for wanted in wanted_filters():
        expected = [entry.id for entry in entries if fits(entry, wanted)]
        with reading() as tx:
            found = [entry.id for entry in store.list_entries(tx, wanted, None, 1_000)]
        assert found == expected, wanted


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "beside",
    [{"purpose": "news"}, {"touchpoint": "web", "outcome": "permit"}, {"kinds": USES}],
)
def test_the_few_of_a_recipient_are_walked_through_and_not_all_else(app, beside):
    """What SQLite does not see by itself."""
    usual = {
        "purpose": "news",
        "touchpoint": "web",
        "outcome": "permit",
        "kind": EntryKind.DISCLOSURE,
    }
    with app.app_context():
        log.append(1_100, recipient="mailer", **usual)
        log.append(3, recipient="seldom", **usual)
        with reading() as tx:
            query = filter_store.filtered(tx, EntryFilter(recipient="seldom", **beside))
            sql = query.order_by(LedgerEntryRow.id).compile(
                tx, compile_kwargs={"render_postcompile": True}
            )
            plan = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all()
    assert "ix_ledger_entries_recipient_id" in str(plan)


@pytest.mark.parametrize("size", [1, 7, 50])
def test_pages_follow_one_another(entries, size):
    wanted = EntryFilter(kinds=KINDS, from_=START + timedelta(days=60), to=START + timedelta(90))
    expected = [entry.id for entry in entries if fits(entry, wanted)]
    found, cursor = [], None
    while True:
        page = service.list_entries(wanted, cursor, size)
        found += [entry.id for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == expected
    assert [row.id for part in service.stream_entries(wanted, None, size) for row in part]


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_times_that_no_id_can_have_are_filters_too(entries, year):
    edge = datetime(year, 1, 1, tzinfo=UTC)
    with reading() as tx:
        after = store.list_entries(tx, EntryFilter(from_=edge), None, 1_000)
        before = store.list_entries(tx, EntryFilter(to=edge), None, 1_000)
    assert (len(after), len(before)) == ((0, 400) if year == 9999 else (400, 0))


@pytest.mark.parametrize("made_up", [UUID(int=0), UUID(int=7), UUID(int=(1 << 128) - 1)])
def test_a_cursor_that_no_page_gave_is_a_place_in_the_log_too(entries, made_up):
    with reading() as tx:
        for wanted in wanted_filters():
            found = store.list_entries(tx, wanted, made_up, 1_000)
            expected = [e.id for e in entries if fits(e, wanted) and e.id > made_up]
            assert [entry.id for entry in found] == expected


def test_an_id_of_now_and_a_time_of_long_ago_are_found(app):
    with app.app_context():
        ids = [new_uuid() for _ in range(3)]
        service.append([log.an_entry(one, at=datetime(2001, 1, 1, tzinfo=UTC)) for one in ids])
        wanted = EntryFilter(to=datetime(2001, 1, 2, tzinfo=UTC))
        assert len(service.list_entries(wanted, None, 10).items) == 3
