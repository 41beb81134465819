"""Due dates, from the catalogue's days."""

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
    assert extended_due_at(catalogue, "DE", friday) == at("2026-03-11T09:00")
    catalogue = of(10, "extension", extension=5)
    assert extended_due_at(catalogue, "DE", friday) == at("2026-03-13T09:00")


@pytest.mark.parametrize(
    ("code", "kind", "due", "extended"),
    [
        ("DE", "access", "2026-04-01", "2026-05-31"),
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
    assert extended_due_at(sample, code, found) == at(extended)


def test_every_kind_can_be_counted_in_working_days():
    assert set(WorkingDays) == {*REQUEST_KINDS, "extension"}
