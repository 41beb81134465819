from datetime import UTC, datetime, timedelta

import pytest

from consent_service.jobs.model import (
    LONGEST_RETRY,
    Schedule,
    after_failure,
    after_success,
    due_from,
    retry_delay,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("due_at", "leased_until", "due"),
    [
        (NOW - HOUR, None, True),
        (NOW, None, True),
        (NOW + MOMENT, None, False),
        (NOW, NOW + MOMENT, False),
        (NOW, NOW, True),
        (NOW - HOUR, NOW - MOMENT, True),
        (NOW + MOMENT, NOW - MOMENT, False),
    ],
)
def test_a_job_is_due_when_its_time_has_come_and_nobody_is_at_it(due_at, leased_until, due):
    assert (due_from(Schedule("sweep", due_at, leased_until)) <= NOW) is due


def test_after_a_success_it_is_due_an_interval_later_and_its_failures_are_forgotten():
    failed = Schedule("sweep", NOW, NOW + HOUR, None, "Unavailable", 7)
    assert after_success(failed, HOUR, NOW) == Schedule("sweep", NOW + HOUR, None, NOW, None, 0)


def test_after_a_failure_it_is_due_soon_and_its_last_success_is_remembered():
    before = Schedule("sweep", NOW, NOW + HOUR, NOW - HOUR, None, 0)
    after = after_failure(before, HOUR, "KeyError", NOW)
    assert after == Schedule("sweep", NOW + timedelta(seconds=2), None, NOW - HOUR, "KeyError", 1)


def test_each_failure_in_a_row_doubles_the_wait():
    waits = [retry_delay(failures, HOUR).total_seconds() for failures in range(1, 6)]
    assert waits == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("failures", [20, 1_000_000])
def test_the_wait_has_an_end(failures):
    assert retry_delay(failures, HOUR) == LONGEST_RETRY


def test_a_frequent_job_is_not_put_off_beyond_its_own_interval():
    assert retry_delay(9, timedelta(seconds=5)) == timedelta(seconds=5)
