"""What is held of privacy requests is exported, erased and merged."""

import threading

import pytest
from msgspec.structs import replace
from sqlalchemy import event

from consent_service.customers import service as customers
from consent_service.kernel.ids import parse_customer_id
from consent_service.personal_data import service as everything
from consent_service.privacy_requests import carriers, personal_data
from consent_service.privacy_requests.carriers import Outcome
from consent_service.privacy_requests.model import RequestKind
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from tests.support.requests import BASE, Desk


@pytest.fixture
def desk(shop):
    return Desk(shop)


@pytest.fixture
def two(shop):
    return shop.customer("ann@example.org"), shop.customer("ann@example.com")


def erase(shop, customer):
    with shop.app.app_context(), unit_of_work() as tx:
        personal_data.erase(tx, [parse_customer_id(customer)])


def export(shop, customer):
    with shop.app.app_context():
        return everything.export(parse_customer_id(customer), keys())["privacy_requests"]


def set_restricted(shop, customer):
    with shop.app.app_context():
        who = parse_customer_id(customer)
        revision = customers.raise_revision(who)
        customers.change_facts(who, revision, lambda f: replace(f, restricted=True), shop.clock())


def test_a_request_is_exported_with_its_steps_and_no_name_of_staff(shop, desk, two):
    request = desk.confirmed(two[0], "rectification", note="It is Anne.")
    desk.act(request, "reject", reason="It is so already.")
    (told,) = export(shop, two[0])
    assert (told["id"], told["note"], told["state"]) == (request, "It is Anne.", "rejected")
    assert [step["step"] for step in told["steps"]] == ["received", "confirmed", "rejected"]
    assert told["steps"][-1]["reason"] == "It is so already."
    assert {step["actor"] for step in told["steps"]} == {"client"}
    assert export(shop, two[1]) == []


def test_an_erasure_leaves_an_erasure_under_way_that_names_nobody(shop, desk, two):
    ann, other = two
    done = desk.approved(ann, "restriction", note="Please.")
    erasure = desk.approved(ann, "erasure", note="Please.")
    undecided = desk.confirmed(ann, "erasure")
    kept = desk.ask(other)
    erase(shop, ann)
    for gone in (done, undecided):
        assert shop.api.get(f"{BASE}/{gone}").status_code == 404
    shown = desk.show(erasure)
    assert (shown["customer_id"], shown["state"], shown["note"]) == (None, "approved", None)
    assert shown["steps"] == []
    assert desk.listed() == [erasure, kept]
    who = parse_customer_id(ann)
    for table in personal_data.TABLES:
        assert who not in [row["customer_id"] for row in shop.rows(table)]
    assert len(shop.rows("privacy_request_links")) == 1  # the other's
    erase(shop, ann)
    assert desk.listed() == [erasure, kept]
    assert desk.act(erasure, "hold", reason="x").json["held"]
    assert desk.act(erasure, "cancel").json["state"] == "cancelled"


def test_a_request_is_shown_as_of_one_moment(shop, desk, two):
    erasure = desk.approved(two[0], "erasure", note="Please.")
    carried_out = threading.Event()

    def erase_meanwhile(connection, cursor, statement, *rest):
        if "FROM privacy_requests" in statement and not carried_out.is_set():
            carried_out.set()
            meanwhile = threading.Thread(target=erase_everything)
            meanwhile.start()
            meanwhile.join()

    def erase_everything():
        with shop.app.app_context():
            everything.erase([parse_customer_id(two[0])], shop.clock())

    with shop.app.app_context():
        engine = db.engine
    event.listen(engine, "after_cursor_execute", erase_meanwhile)
    before = desk.show(erasure)
    event.remove(engine, "after_cursor_execute", erase_meanwhile)
    assert (before["customer_id"], before["note"]) == (two[0], "Please.")
    assert [step["step"] for step in before["steps"]] == ["received", "confirmed", "approved"]
    after = desk.show(erasure)
    assert (after["customer_id"], after["note"], after["steps"]) == (None, None, [])


def test_a_merge_moves_requests_sealed_anew(shop, desk, two):
    kept, absorbed = two
    request = desk.confirmed(absorbed, "rectification", note="It is Anne.")
    desk.act(request, "hold", reason="A claim.")
    mine = desk.ask(kept)
    before = desk.show(request)
    shop.merge(kept, absorbed)
    assert desk.show(request) == {**before, "customer_id": kept}
    assert desk.listed(customer_id=absorbed) == desk.listed(customer_id=kept) == [request, mine]
    assert [told["note"] for told in export(shop, kept)] == ["It is Anne.", None]
    assert [row["request_id"].hex for row in shop.rows("privacy_request_links")] == [
        row["id"].hex for row in shop.rows("privacy_requests") if row["steps"] == 1
    ]
    desk.act(request, "release")
    assert desk.act(request, "approve").json["state"] == "running"


def test_after_a_merge_a_restriction_is_lifted_with_its_request(shop, desk, two):
    for kept, absorbed in (two, (shop.customer(), shop.customer())):
        of = absorbed if kept == two[0] else kept
        request = desk.confirmed(of, "erasure")
        shop.merge(kept, absorbed)
        assert shop.reason(kept) == "restricted"
        desk.act(request, "cancel")
        assert shop.reason(kept) == "no_record"


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("asking", [0, 1])
def test_after_a_merge_another_restriction_of_either_side_is_left(shop, desk, two, side, asking):
    set_restricted(shop, two[side])
    request = desk.confirmed(two[asking], "erasure")
    shop.merge(*two)
    desk.act(request, "cancel")
    assert shop.reason(two[0]) == "restricted"


def test_requests_on_both_sides_hold_together(shop, desk, two):
    one, other = (desk.confirmed(each, "erasure") for each in two)
    shop.merge(*two)
    desk.act(one, "cancel")
    assert shop.reason(two[0]) == "restricted"
    desk.act(other, "cancel")
    assert shop.reason(two[0]) == "no_record"


def test_an_erasure_that_is_under_way_can_be_ended_when_its_person_is_gone(shop, desk, two):
    def carry(request, now, _):
        if request.known:
            with unit_of_work() as tx:
                personal_data.erase(tx, [request.place])
        return Outcome()

    request = desk.approved(two[0], "erasure")
    carriers.hand_in({RequestKind.ERASURE: carry})
    try:
        desk.carry_out()
    finally:
        carriers.hand_in({})
    shown = desk.show(request)
    assert (shown["state"], shown["customer_id"]) == ("done", None)
    entries = [row for row in shop.rows("ledger_entries") if row["kind"] == "privacy_request"]
    assert [row["known"] for row in entries if row["outcome"] == "done"] == [False]
