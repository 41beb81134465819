"""Checks that race an erasure add nothing about whoever is gone."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from consent_service.decisions import appending
from consent_service.erasures.cleaning import BETWEEN_VACUUMS
from consent_service.erasures.model import PATIENCE
from consent_service.kernel.ids import new_uuid, parse_customer_id
from consent_service.ledger import service as ledger
from consent_service.ledger.model import Answer, Entry, EntryKind
from tests.support.erasing import Eraser


@pytest.fixture
def desk(shop):
    return Eraser(shop)


def an_answer(customer, now):
    """What a check logs that has read the customer."""
    found = parse_customer_id(customer)
    said = Entry(new_uuid(), found, True, EntryKind.DECISION, now, now)
    return Answer(said, said.id, found, **ledger.bare_parts())


def a_batch(now):
    made = new_uuid()
    return Entry(made, made, False, EntryKind.BATCH, now, now)


def entries_about(shop, customer):
    who = parse_customer_id(customer)
    return [row for row in shop.rows("ledger_entries") if row["customer_id"] == who]


def test_an_answer_about_somebody_erased_meanwhile_is_not_logged(shop, desk):
    ann, other = shop.customer(), shop.customer()
    now = shop.clock()
    late, beside = an_answer(ann, now), an_answer(other, now)
    with shop.app.app_context():
        assert appending.append_one(an_answer(ann, now).entry())
    desk.erased(desk.approved(ann, "erasure"))
    before = len(shop.rows("ledger_entries"))
    with shop.app.app_context():
        assert not appending.append_one(late.entry())
        assert not appending.append_all(a_batch(now), [beside, late])
        assert appending.append_all(a_batch(now), [beside])
    assert len(shop.rows("ledger_entries")) == before + 2  # and the batch's own
    assert entries_about(shop, ann) == []


def test_checks_during_an_erasure_leave_nothing(shop, desk):
    people = [shop.customer() for _ in range(6)]
    requests = [desk.approved(who, "erasure") for who in people]
    desk.carry_out()
    done = []
    checks = [{"customer_id": who, "purpose": "news", "recipient": "mailer"} for who in people]
    token = shop.token

    def check(number):
        client, answers = shop.app.test_client(), []
        headers = {"Authorization": f"Bearer {token}"}
        while not done:
            if number % 2:
                sent = client.post("/v1/decisions/batch", json={"checks": checks}, headers=headers)
                answers += [each["reason"] for each in sent.json["decisions"]]
            else:
                sent = client.post("/v1/decisions", json=checks[number], headers=headers)
                answers.append(sent.json["reason"])
        return set(answers)

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(check, number) for number in range(4)]
        try:
            for _ in range(100):
                desk.seal()
                shop.clock.advance(PATIENCE / 3)
                desk.carry_out()
                if all(desk.show(each)["customer_id"] is None for each in requests):
                    time.sleep(0.5)  # and they go on asking
                    break
        finally:
            done.append(True)
        answers = [each.result() for each in asking]
    assert all(found <= {"restricted", "suppressed", "no_record"} for found in answers)
    assert all("no_record" in found for found in answers[1::2])
    for _ in range(3):
        desk.swept(None)
        shop.clock.advance(BETWEEN_VACUUMS)
    assert [who for who in people if entries_about(shop, who)] == []
    assert {desk.state(each) for each in requests} == {"done"}
