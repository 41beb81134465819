"""Due dates, from the catalogue's days and months."""

from datetime import UTC, datetime

import pytest

from consent_service.catalogue.deadlines import WorkingDays, due_at, extended_due_at
from consent_service.catalogue.document import build, parse
from consent_service.catalogue.model import REQUEST_KINDS, Jurisdiction
from tests.conftest import SAMPLE
from tests.support.builders import make_catalogue

KINDS = dict.fromkeys(REQUEST_KINDS, 30)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def sample():
    return build(parse(SAMPLE.read_text(encoding="utf-8")).document, 1, at("2026-01-01"))


def of(days, *working, extension=0, code="DE"):
    found = Jurisdiction(
        code, frozenset(), KINDS | {"access": days}, extension, "", frozenset(working)
    )
    return make_catalogue(jurisdictions={code: found})


def extended(catalogue, received, due):
    return extended_due_at(catalogue, "DE", "access", received, due)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-31T10:30", "2026-03-02T10:30"),  # a short month
        ("2028-01-31T10:30", "2028-03-01T10:30"),  # a leap year
        ("2026-12-31T23:59", "2027-01-30T23:59"),
        ("2026-04-30T00:00", "2026-05-30T00:00"),
    ],
)
def test_calendar_days_go_over_the_ends_of_months(received, due):
    assert due_at(of(30), "DE", "access", at(received)) == at(due)


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [
        ("2026-03-02T09:00", 1, "2026-03-03T09:00"),  # Monday
        ("2026-03-06T09:00", 1, "2026-03-09T09:00"),  # Friday
        ("2026-03-07T09:00", 1, "2026-03-09T09:00"),  # Saturday
        ("2026-03-08T09:00", 1, "2026-03-09T09:00"),  # Sunday
        ("2026-03-02T09:00", 10, "2026-03-16T09:00"),
        ("2026-03-08T09:00", 10, "2026-03-20T09:00"),
        ("2026-12-30T09:00", 3, "2027-01-04T09:00"),  # 1 January counts: no holidays here
    ],
)
def test_working_days_leave_out_the_end_of_the_week(received, days, due):
    assert due_at(of(days, "access"), "DE", "access", at(received)) == at(due)


def test_only_what_is_named_is_counted_in_working_days():
    catalogue = of(10, "access", extension=5)
    friday = at("2026-03-06T09:00")
    assert due_at(catalogue, "DE", "access", friday) == at("2026-03-20T09:00")
    assert due_at(catalogue, "DE", "erasure", friday) == at("2026-04-05T09:00")
    assert extended(catalogue, friday, friday) == at("2026-03-11T09:00")
    catalogue = of(10, "extension", extension=5)
    assert extended(catalogue, friday, friday) == at("2026-03-13T09:00")


def in_months(months, *, extension=0, extension_days=0):
    found = Jurisdiction(
        "DE", frozenset(), {}, extension_days, "", frozenset(),
        dict.fromkeys(REQUEST_KINDS, months), extension,
    )  # fmt: skip
    return make_catalogue(jurisdictions={"DE": found})


@pytest.mark.parametrize(
    ("received", "months", "due"),
    [
        ("2026-01-31T10:30", 1, "2026-02-28T10:30"),
        ("2028-01-31T10:30", 1, "2028-02-29T10:30"),
        ("2028-01-30T10:30", 1, "2028-02-29T10:30"),
        ("2026-01-28T10:30", 1, "2026-02-28T10:30"),
        ("2026-02-28T23:59", 1, "2026-03-28T23:59"),  # the same day, not the last one
        ("2028-02-29T00:00", 12, "2029-02-28T00:00"),
        ("2026-03-31T09:00", 1, "2026-04-30T09:00"),
        ("2026-11-30T09:00", 1, "2026-12-30T09:00"),
        ("2026-12-31T09:00", 1, "2027-01-31T09:00"),
        ("2026-12-31T09:00", 2, "2027-02-28T09:00"),
        ("2026-05-02T09:00", 1, "2026-06-02T09:00"),
    ],
)
def test_a_month_ends_on_the_same_day_or_on_the_last_one(received, months, due):
    assert due_at(in_months(months), "DE", "access", at(received)) == at(due)


@pytest.mark.parametrize(
    ("received", "due", "later"),
    [
        ("2026-01-31", "2026-02-28", "2026-04-30"),  # not 28 April: from the receipt
        ("2027-11-30", "2027-12-30", "2028-02-29"),
        ("2026-03-02", "2026-04-02", "2026-06-02"),
    ],
)
def test_months_more_are_counted_from_the_receipt(received, due, later):
    catalogue = in_months(1, extension=2)
    assert due_at(catalogue, "DE", "access", at(received)) == at(due)
    assert extended(catalogue, at(received), at(due)) == at(later)


def test_days_and_months_go_together():
    received, due = at("2026-01-31"), at("2026-02-28")
    assert extended(in_months(1, extension_days=10), received, due) == at("2026-03-10")
    assert extended(in_months(1), received, due) == due
    days = Jurisdiction("DE", frozenset(), dict(KINDS), 0, "", extension_months=1)
    assert extended(make_catalogue(jurisdictions={"DE": days}), received, due) == at("2026-03-28")


def test_an_extension_never_takes_time_away():
    """The date was given by another law, before the person moved."""
    assert extended(in_months(1, extension=1), at("2026-01-31"), at("2026-05-01")) == at(
        "2026-05-01"
    )


@pytest.mark.parametrize(
    ("code", "kind", "due", "extended"),
    [
        ("DE", "access", "2026-04-02", "2026-06-02"),
        ("GB", "erasure", "2026-04-02", "2026-06-02"),
        ("US-CA", "erasure", "2026-04-16", "2026-05-31"),
        ("US-CA", "objection", "2026-03-23", "2026-05-07"),
        ("US-NY", "access", "2026-04-16", "2026-05-31"),
        ("RU", "access", "2026-03-16", "2026-03-23"),
        ("RU", "restriction", "2026-03-03", "2026-03-10"),
        ("CN", "access", "2026-03-17", "2026-03-17"),
        ("JP", "access", "2026-03-16", "2026-03-16"),  # not declared: the earliest of all
        (None, "access", "2026-03-16", "2026-03-16"),
        (None, "restriction", "2026-03-03", "2026-03-03"),
    ],
)
def test_the_sample_says_when(sample, code, kind, due, extended):
    found = due_at(sample, code, kind, at("2026-03-02"))
    assert found == at(due)
    assert extended_due_at(sample, code, kind, at("2026-03-02"), found) == at(extended)


def test_every_kind_can_be_counted_in_working_days():
    assert set(WorkingDays) == {*REQUEST_KINDS, "extension"}
