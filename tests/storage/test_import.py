"""The sample audience, and exports with a twist, brought in on both stores."""

import csv
import io
import zipfile
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from consent_service import imports as sample
from consent_service.catalogue.model import Channel
from consent_service.consents import service as consents
from consent_service.consents.model import EventKind, NewEvent
from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType, NewCustomer
from consent_service.customers.normaliser import identifier
from consent_service.decisions import service as decisions
from consent_service.decisions.model import Check, Question
from consent_service.imports import service
from consent_service.imports.model import ImportOptions
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.errors import Invalid
from consent_service.storage.db import Base
from consent_service.storage.unit_of_work import reading
from consent_service.suppressions import service as suppressions
from consent_service.suppressions.model import Reason
from consent_service.web.runtime import keys

NEWSLETTER = "marketing.newsletter"
COLUMNS = {
    "subscribed": [
        *("Email Address", "First Name", "Phone Number", "OPTIN_TIME", "OPTIN_IP"),
        *("CONFIRM_TIME", "CC", "REGION", "LAST_CHANGED"),
    ],
    "unsubscribed": ["Email Address", "UNSUB_TIME", "UNSUB_REASON", "LAST_CHANGED"],
    "cleaned": ["Email Address", "CLEAN_TIME", "LAST_CHANGED"],
}
ANN = "ann@example.org"
IN_2024 = datetime(2024, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def here(app, sample_catalogue):
    with app.app_context():
        yield


@pytest.fixture
def run(clock):
    def bring_in(path, **options):
        chosen = ImportOptions(NEWSLETTER, Channel.EMAIL, "import", **options)
        return service.import_mailchimp(path, chosen, SYSTEM, clock(), keys(), lambda _: None)

    return bring_in


@pytest.fixture
def export(tmp_path):
    """`export(subscribed=[{…}], …)`: an export with these rows, in the order of the lists."""

    def make(**lists):
        path = tmp_path / f"export{len(list(tmp_path.iterdir()))}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for kind, rows in lists.items():
                text = io.StringIO()
                writer = csv.DictWriter(text, COLUMNS[kind], restval="")
                writer.writeheader()
                for row in rows:
                    writer.writerow({"LAST_CHANGED": "2025-01-01 00:00:00", **row})
                archive.writestr(f"{kind}_members.csv", text.getvalue())
        return path

    return make


def everything():
    """Every row of every table."""
    with reading() as tx:
        return {
            table.name: sorted(map(repr, tx.execute(select(table))))
            for table in Base.metadata.sorted_tables
        }


def answer(clock, email=ANN):
    check = Check(
        Question(NEWSLETTER, Channel.EMAIL, None, "email_service"),
        None,
        identifier(IdentifierType.EMAIL, email),
        {},
    )
    verdict = decisions.check(check, "campaigns", clock(), keys()).verdict
    return verdict.outcome.value, verdict.reason.value


def subscribed(at, **more):
    return {"Email Address": ANN, "CONFIRM_TIME": at, **more}


def unsubscribed(at, **more):
    return {"Email Address": ANN, "UNSUB_TIME": at, **more}


def test_the_sample_comes_in_whole(run):
    found = run(sample.sample_path(), notice_version="legacy")
    assert found.read == {"subscribed": 2401, "unsubscribed": 420, "cleaned": 130}
    assert found.refused == {"no_usable_address": 2}
    assert found.unchanged == 1
    assert found.events == {"given": 2398, "withdrawn": 420}
    assert found.suppressions["undeliverable"] == 130
    assert found.customers_created == 2398 + 420 - 20 + 130


def test_a_second_run_changes_nothing_not_even_the_log(run, clock):
    run(sample.sample_path())
    before = everything()
    again = run(sample.sample_path())
    assert (again.customers_created, again.events, again.suppressions) == (0, {}, {})
    assert again.unchanged == 2949
    assert everything() == before


def test_a_dry_run_counts_the_same_and_writes_nothing(run):
    before = everything()
    dry = run(sample.sample_path(), dry_run=True)
    assert everything() == before
    real = run(sample.sample_path())
    for part in ("read", "refused", "unchanged", "customers_created", "customers_completed"):
        assert getattr(dry, part) == getattr(real, part), part
    assert (dry.events, dry.suppressions) == (real.events, real.suppressions)


@pytest.mark.parametrize("order", [("subscribed", "unsubscribed"), ("unsubscribed", "subscribed")])
@pytest.mark.parametrize(
    ("yes", "no", "expected"),
    [
        ("2024-01-01 00:00:00", "2024-06-01 00:00:00", ("deny", "withdrawn")),
        ("2024-06-01 00:00:00", "2024-01-01 00:00:00", ("permit", "consent_given")),
        ("2024-06-01 00:00:00", "2024-06-01 00:00:00", ("deny", "withdrawn")),
    ],
    ids=["no later", "yes later", "tie"],
)
def test_the_later_word_counts_and_a_tie_is_a_no(run, export, clock, order, yes, no, expected):
    rows = {"subscribed": [subscribed(yes)], "unsubscribed": [unsubscribed(no)]}
    for kind in order:
        run(export(**{kind: rows[kind]}))
    assert answer(clock) == expected


def test_an_older_yes_revives_nobody_who_said_no_here(run, export, clock):
    new = NewCustomer((identifier(IdentifierType.EMAIL, ANN),), {}, "DE")
    ann = customers.create_customer(new, clock(), keys())
    no = NewEvent(
        ann,
        NEWSLETTER,
        EventKind.WITHDRAWN,
        None,
        None,
        None,
        "web",
        datetime(2024, 1, 2, tzinfo=UTC),
    )
    consents.record_consent(no, SYSTEM, clock(), keys())
    run(export(subscribed=[subscribed("2023-05-05 00:00:00")]))
    assert answer(clock) == ("deny", "withdrawn")


def test_no_import_beats_an_objection(run, export, clock):
    new = NewCustomer((identifier(IdentifierType.EMAIL, ANN),), {}, "DE")
    ann = customers.create_customer(new, clock(), keys())
    no = NewEvent(
        ann,
        NEWSLETTER,
        EventKind.OBJECTED,
        None,
        None,
        None,
        "web",
        datetime(2024, 1, 2, tzinfo=UTC),
    )
    consents.record_consent(no, SYSTEM, clock(), keys())
    run(export(subscribed=[subscribed("2025-05-05 00:00:00")]))
    assert answer(clock) == ("deny", "objected")


@pytest.mark.parametrize("why", ["ABUSE", "SPAM"])
def test_who_complained_is_suppressed_whatever_an_import_says_later(run, export, clock, why):
    run(export(unsubscribed=[unsubscribed("2024-01-01 00:00:00", UNSUB_REASON=why)]))
    run(export(subscribed=[subscribed("2025-01-01 00:00:00")]))
    assert answer(clock) == ("deny", "suppressed")


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_import_brings_nobody_back_who_was_erased(run, export, clock, dry_run):
    email = identifier(IdentifierType.EMAIL, ANN)
    mark = (email, Reason.ERASED, None, clock())
    suppressions.record_suppressions([mark], None, clock(), keys())
    rows = [subscribed("2025-01-01 00:00:00"), unsubscribed("2025-02-01 00:00:00")]
    found = run(export(subscribed=rows[:1], unsubscribed=rows[1:]), dry_run=dry_run)
    assert (found.refused, found.customers_created) == ({"erased": 2}, 0)
    assert answer(clock) == ("deny", "suppressed")
    customers.create_customer(NewCustomer((email,), {}), clock(), keys())  # back by themself
    assert run(export(subscribed=rows[:1]), dry_run=dry_run).refused == {}
    assert answer(clock) == ("deny", "suppressed")  # and the import is still no yes of theirs


def test_who_merely_left_is_not_suppressed(run, export, clock):
    left = "NORMAL: I never signed up for this mailing list"
    run(export(unsubscribed=[unsubscribed("2024-01-01 00:00:00", UNSUB_REASON=left)]))
    assert answer(clock) == ("deny", "withdrawn")


def test_a_cleaned_address_is_undeliverable(run, export, clock):
    run(export(cleaned=[{"Email Address": ANN, "CLEAN_TIME": "2024-01-01 00:00:00"}]))
    assert answer(clock) == ("deny", "suppressed")


def test_what_cannot_be_meant_is_refused_by_line_without_a_value(run, export, tmp_path):
    rows = [
        subscribed("2024-01-01 00:00:00"),
        subscribed("2099-01-01 00:00:00"),
        subscribed("yesterday"),
        {**subscribed("2024-01-01 00:00:00"), "Email Address": "=cmd|'/c calc'!A0"},
    ]
    listed = tmp_path / "refused.csv"
    found = run(export(subscribed=rows), refused_to=listed)
    assert found.refused == {"in_the_future": 1, "time_unreadable": 1, "no_usable_address": 1}
    listing = listed.read_text(encoding="utf-8")
    assert [row[1] for row in csv.reader(io.StringIO(listing))] == ["line", "3", "4", "5"]
    assert "example.org" not in listing
    assert "calc" not in listing
    assert listed.stat().st_mode & 0o077 == 0


def test_a_notice_that_was_not_in_use_is_refused(run, export):
    found = run(export(subscribed=[subscribed("2024-01-01 00:00:00")]), notice_version="2026-10")
    assert found.refused == {"notice_not_in_use": 1}
    assert found.events == {}


def test_region_and_phone_are_read_with_the_country(run, export, clock):
    row = subscribed("2024-01-01 00:00:00", CC="US", REGION="CA", **{"Phone Number": "2135550123"})
    run(export(subscribed=[row]))
    ann = customers.get_by_identifier(identifier(IdentifierType.PHONE, "+12135550123"), keys())
    found = customers.get_customer(ann, keys())
    assert found.facts.jurisdiction == "US-CA"
    assert {i.source for i in found.identifiers} == {"list_import"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"not a zip"),
        lambda path: path.write_bytes(path.read_bytes()[:-200]),
        lambda path: path.write_bytes(b""),
    ],
    ids=["no zip", "truncated", "empty"],
)
def test_a_damaged_export_changes_nothing(run, export, damage):
    path = export(subscribed=[subscribed("2024-01-01 00:00:00")])
    damage(path)
    before = everything()
    with pytest.raises(Invalid):
        run(path)
    assert everything() == before


def test_paths_in_an_archive_lead_nowhere(run, tmp_path):
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../subscribed_x.csv", "Email Address,CONFIRM_TIME,OPTIN_TIME\n")
    with pytest.raises(Invalid):
        run(path)
    assert [found.name for found in tmp_path.iterdir()] == ["hostile.zip"]
