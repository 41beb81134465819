"""Ten thousand approved erasures, carried out as the worker does, beside the bare work: the same
rows deleted by the driver, as many people at once, and nothing else."""

import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg

from consent_service.app import create_app
from consent_service.catalogue import service as catalogues
from consent_service.catalogue.model import Channel
from consent_service.crypto import keyring
from consent_service.customers import store as customers
from consent_service.erasures import cleaning
from consent_service.erasures.model import SWEEP_AFTER
from consent_service.imports import service as imports
from consent_service.imports.model import ImportOptions
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import utc_now
from consent_service.kernel.ids import new_uuid
from consent_service.privacy_requests import jobs
from consent_service.privacy_requests import store as requests
from consent_service.privacy_requests.model import Request, RequestKind, RequestState
from consent_service.recipients import service as recipients
from consent_service.recipients.model import TaskOutcome
from consent_service.storage.db import Base, db
from consent_service.storage.unit_of_work import reading, unit_of_work
from consent_service.web.runtime import keys
from tests.bench import report
from tests.bench.imports import copies_of_sample, sample_catalogue
from tests.bench.measure import compared, timed
from tests.support import log, postgres, stores
from tests.support.clock import FrozenClock

COUNT, AT_ONCE, COPIES = 10_000, 100, 8
TITLE = "Erasures on PostgreSQL"
TEXT = f"""
{COUNT:,} people of the sample list whose erasure is approved, from there to the certificate: the
worker's rounds, the sealing between them and the vacuum; answers of the one recipient are not
counted. The bare work deletes the rows of as many other people by id, {AT_ONCE} at once.
"""
_OPTIONS = ImportOptions("marketing.newsletter", Channel.EMAIL, "import")


def run():
    """Measures and writes the section."""
    with (
        postgres.server(durable=True) as url,
        closing(stores.PostgresStores(url)) as made,
        made.fresh() as store,
    ):
        clock = FrozenClock(utc_now())
        app = create_app(stores.settings_for(store, keyring.generate(clock())), clock)
        with app.app_context():
            _fill(clock)
            with reading() as tx:
                people = customers.list_customers(tx, None, 2 * COUNT)
            assert len(people) == 2 * COUNT
            bare = timed(lambda: _delete(store, people[COUNT:]), COUNT)
            ours = _erase(people[:COUNT], clock)
            db.engine.dispose()
    lines = compared([(bare, ours)], "bare deletes", "erasures", "people/s", "≥ 50")
    report.write("erasures", TITLE, TEXT, lines, "postgresql")


def _fill(clock):
    catalogues.load_catalogue(sample_catalogue().read_text(), SYSTEM, clock(), lambda *_: 0)
    clock.advance(timedelta(seconds=1))
    with tempfile.TemporaryDirectory(prefix="consent-bench-") as place:
        export = Path(place) / "list.zip"
        copies_of_sample(export, COPIES)
        imports.import_mailchimp(export, _OPTIONS, SYSTEM, clock(), keys(), lambda _: None)
    log.seal()


def _delete(store, people):
    tables = [n for n, t in Base.metadata.tables.items() if "customer_id" in t.columns]
    with psycopg.connect(store) as connection:
        for at in range(0, len(people), AT_ONCE):
            some = people[at : at + AT_ONCE]
            for name in tables:
                connection.execute(f"DELETE FROM {name} WHERE customer_id = ANY(%s)", (some,))  # noqa: S608  # names of our own
            connection.commit()


def _erase(people, clock):
    """Erasures a second, all told."""
    now, until = clock(), clock() + timedelta(days=30)
    kind, state = RequestKind.ERASURE, RequestState.APPROVED
    with unit_of_work() as tx:
        approved = [Request(new_uuid(), who, True, kind, state, now, until) for who in people]
        requests.add_requests(tx, approved)
    seconds = _until(lambda: not _left(people), clock)
    clock.advance(SWEEP_AFTER)
    seconds += _until(lambda: _swept() == COUNT, clock)
    seconds += COUNT / timed(lambda: cleaning.clean(clock()), COUNT)
    _answer(clock)
    seconds += _until(lambda: _count("privacy_requests", "state = 'done'") == COUNT, clock)
    return COUNT / seconds


def _until(holds, clock):
    """Rounds of the worker until something holds; the seconds they took."""
    seconds = 0.0
    while not holds():
        seconds += 1 / timed(lambda: (jobs.carry_out(clock()), log.seal()), 1)
    return seconds


def _left(people):
    with reading() as tx:
        return customers.find_customers(tx, people[-1:]) or customers.find_customers(tx, people[:1])


def _swept():
    return _count("erasures", "swept_at IS NOT NULL")


def _count(table, where):
    with reading() as tx:
        return tx.exec_driver_sql(f"SELECT count(*) FROM {table} WHERE {where}").scalar()  # noqa: S608  # names of our own


def _answer(clock):
    while waiting := recipients.list_for(["email_service"], None, 500).items:
        for task in waiting:
            recipients.confirm(task.id, ["email_service"], TaskOutcome.DONE, None, clock())
