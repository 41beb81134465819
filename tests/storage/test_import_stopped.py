"""An import that is killed, and imports that run into each other, on both stores."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter

import pytest
from sqlalchemy import func, select

from consent_service import imports as sample
from consent_service.catalogue.model import Channel
from consent_service.consents.tables import ConsentEventRow, ConsentRecordRow
from consent_service.customers.tables import CustomerRow, IdentifierIndexRow
from consent_service.imports import service
from consent_service.imports.model import ImportOptions
from consent_service.kernel.actors import SYSTEM
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.storage.unit_of_work import reading
from consent_service.suppressions.tables import CustomerSuppressionRow, SuppressionRow
from consent_service.web.runtime import keys

TABLES = (
    CustomerRow,
    IdentifierIndexRow,
    ConsentEventRow,
    ConsentRecordRow,
    SuppressionRow,
    CustomerSuppressionRow,
)
OPTIONS = ImportOptions("marketing.newsletter", Channel.EMAIL, "import")

KILLED = """
import os, signal, threading
from datetime import datetime
from consent_service.app import create_app
from consent_service.catalogue.model import Channel
from consent_service.config import load_settings
from consent_service import imports
from consent_service.imports import service
from consent_service.imports.model import ImportOptions
from consent_service.kernel.actors import SYSTEM
from consent_service.web.runtime import keys

done = []

def progress(rows):
    done.append(rows)
    if len(done) == 2:  # the next batch is under way when the signal comes
        threading.Timer(0.03, os.kill, (os.getpid(), signal.SIGKILL)).start()

with create_app(load_settings()).app_context():
    now = datetime.fromisoformat(os.environ["NOW"])
    options = ImportOptions("marketing.newsletter", Channel.EMAIL, "import")
    service.import_mailchimp(imports.sample_path(), options, SYSTEM, now, keys(), progress)
"""


@pytest.fixture(autouse=True)
def here(app, sample_catalogue):
    with app.app_context():
        yield


def counts():
    with reading() as tx:
        logged = select(LedgerEntryRow.kind, LedgerEntryRow.reason, func.count())
        grouped = logged.group_by(LedgerEntryRow.kind, LedgerEntryRow.reason)
        return {
            table.__tablename__: tx.scalar(select(func.count()).select_from(table))
            for table in TABLES
        } | {f"{kind}.{reason}": count for kind, reason, count in tx.execute(grouped)}


def run(clock):
    return service.import_mailchimp(
        sample.sample_path(), OPTIONS, SYSTEM, clock(), keys(), lambda _: None
    )


def is_whole(found):
    """One customer, index entry and record each, whoever wrote them."""
    assert found["customers"] == 2928
    assert found["consent_events"] == 2398 + 420
    assert (found["consent.given"], found["consent.withdrawn"]) == (2398, 420)
    assert "customer.created" not in found  # what brought them is logged
    assert found["staff_act.suppression_recorded"] == 146 + 130
    assert found["suppressions"] == found["customer_suppressions"] == 146 + 130
    return True


def test_a_killed_import_is_completed_by_the_next(settings, clock):
    environment = {
        **os.environ,
        "CONSENT_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONSENT_KEYRING": settings.keyring.get_secret_value(),
        "NOW": clock().isoformat(),
    }
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env=environment, check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    midway = counts()
    assert 500 <= midway["customers"] < 2928
    found = run(clock)
    assert 0 < found.customers_created == 2928 - midway["customers"]
    whole = counts()
    assert is_whole(whole)
    assert run(clock).unchanged == 2949
    assert counts() == whole


def test_two_imports_at_once_are_one(app, clock):
    found, failures = [], []

    def bring_in():
        try:
            with app.app_context():
                found.append(run(clock))
        except BaseException as failure:
            failures.append(failure)

    both = [threading.Thread(target=bring_in) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert failures == []
    together = Counter()
    for summary in found:
        together.update(summary.events)
        together.update(summary.suppressions)
        together["customers"] += summary.customers_created
    assert together == {
        "customers": 2928,
        "given": 2398,
        "withdrawn": 420,
        "complained": 146,
        "undeliverable": 130,
    }
    assert is_whole(counts())
