"""A worker that is killed at any commit of an erasure: what is left is carried on, once."""

import os
import signal
from datetime import timedelta

import pytest
from sqlalchemy import event

from consent_service.erasures.cleaning import BETWEEN_VACUUMS
from consent_service.kernel.ids import parse_customer_id
from consent_service.recipients import service as recipients
from consent_service.recipients.model import TaskOutcome
from consent_service.storage.db import db
from tests.support.erasing import Eraser

MOST = 60  # commits; an erasure takes fewer


@pytest.fixture
def desk(shop):
    return Eraser(shop)


def carry_out_all(desk):
    """The worker's part, from the approval to the certificate, and the recipient's."""
    desk.swept(None)
    with desk.shop.app.app_context():
        for task in recipients.list_for(["mailer"], None, 100).items:
            recipients.confirm(task.id, ["mailer"], TaskOutcome.DONE, None, desk.shop.clock())
    desk.carry_out()


def killed_at(desk, number):
    """Does it in a process that is killed at so many commits; whether it came to that."""
    with desk.shop.app.app_context():
        db.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            _die_at(desk, number)
            carry_out_all(desk)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def _die_at(desk, number):
    seen = []

    def count(_):
        seen.append(1)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    with desk.shop.app.app_context():
        event.listen(db.engine, "commit", count)


@pytest.mark.long
def test_killed_at_any_commit_it_ends_right_and_once(shop, desk):
    for number in range(1, MOST):
        ann = shop.customer("ann@example.org", "+493012345678")
        shop.say(ann, "given")
        request = desk.approved(ann, "erasure")
        died = killed_at(desk, number)
        shop.clock.advance(BETWEEN_VACUUMS)
        carry_out_all(desk)
        if desk.state(request) != "done":  # the vacuum had just been
            shop.clock.advance(BETWEEN_VACUUMS)
            carry_out_all(desk)
        assert desk.state(request) == "done", number
        _check(shop, desk, request, ann)
        shop.clock.advance(timedelta(days=1))
        if not died:
            break
    assert 10 < number < MOST - 1


def _check(shop, desk, request, ann):
    said = desk.certificate(request)
    assert (said["complete"], said["identifiers_suppressed"]) == (True, 2)
    assert [each["recipient"] for each in said["recipients"]] == ["mailer"]
    erasures = [row for row in shop.rows("erasures") if row["certificate"] is not None]
    assert len(erasures) == len(shop.rows("erasures")) == len(shop.rows("recipient_tasks"))
    told = [row["entries"] for row in shop.rows("ledger_entries") if row["entries"] is not None]
    assert sum(told) == sum(row["entries"] for row in erasures)
    who = parse_customer_id(ann)
    for table in shop.counts():
        assert [row for row in shop.rows(table) if who in row.values()] == [], table
    steps = [row["kind"] for row in shop.rows("privacy_request_steps")]
    assert steps.count("done") == len(erasures)
    assert shop.reason(ann) == "no_record"
    assert shop.reason("ann@example.org") == "suppressed"
