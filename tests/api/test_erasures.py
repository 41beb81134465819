"""An erasure, from its approval to the certificate."""

from datetime import timedelta

import pytest

from consent_service.accounts.jobs import key_of
from consent_service.consents.keeping import forget_proofs
from consent_service.customers import key_store
from consent_service.erasures import listed
from consent_service.erasures.cleaning import BETWEEN_VACUUMS
from consent_service.erasures.model import SWEEP_AFTER
from consent_service.kernel.ids import parse_customer_id
from consent_service.mail import service as mail
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from tests.support import small_catalogue
from tests.support.erasing import Eraser
from tests.support.log import verify
from tests.support.pages import links_in
from tests.support.requests import BASE
from tests.support.shop import as_identifier


@pytest.fixture
def desk(shop):
    return Eraser(shop)


@pytest.fixture
def ann(shop):
    """Somebody with a row in every room."""
    who = shop.customer("ann@example.org", "+493012345678", "K-1", profile={"name": "Ann"})
    shop.say(who, "given", evidence={"form": "f-1"})
    shop.check(who)
    return who


def rows_about(shop, customer):
    """How many rows each table has with an id of a customer in any column."""
    wanted = parse_customer_id(customer)
    found = {}
    for name in shop.counts():
        some = [row for row in shop.rows(name) if wanted in row.values()]
        if some:
            found[name] = len(some)
    return found


def test_an_erasure_ends_with_its_certificate(shop, desk, ann):
    request = desk.approved(ann, "erasure")
    before = len(shop.rows("ledger_entries"))
    desk.erased(request)
    assert (desk.state(request), desk.show(request)["customer_id"]) == ("running", None)
    assert desk.run(request) == "done"
    said = desk.certificate(request)
    assert (said["request"], said["complete"], said["left"]) == (request, True, [])
    assert said["identifiers_suppressed"] == 3
    assert 0 < said["log_entries_removed"] < before
    assert [(r["recipient"], r["outcome"]) for r in said["recipients"]] == [("mailer", "done")]
    text = str(said)
    for personal in (ann, "ann@example.org", "493012345678", "K-1"):
        assert personal not in text
    assert desk.listed() == [request]
    assert desk.show(request)["due_at"]


def test_nothing_is_left_of_whoever_was_erased(shop, desk, ann):
    shop.suppress("ann@example.org", "undeliverable")
    desk.sign_in(ann)
    desk.token_of(ann)
    desk.shop.api.post(
        BASE, {"customer_id": ann, "kind": "access"}, headers={"Idempotency-Key": "k"}
    )
    desk.work()
    request = desk.approved(ann, "erasure")
    assert len(rows_about(shop, ann)) > 10
    assert desk.run(request) == "done"
    assert rows_about(shop, ann) == {}
    assert shop.rows("recipient_tasks")[0]["about"] is None
    assert shop.rows("erasures")[0]["who"] is None


def test_checks_and_all_else_answer_as_of_nobody(shop, desk, ann):
    told = shop.check(ann)
    request = desk.approved(ann, "erasure")
    assert shop.reason(ann) == "restricted"
    desk.run(request)
    assert shop.reason(ann) == "no_record"
    assert shop.reason("ann@example.org") == shop.reason("+493012345678") == "suppressed"
    assert shop.reason("ann@example.org", "recalls") == "no_record"
    assert shop.api.get(f"/v1/customers/{ann}").status_code == 404
    assert shop.api.get(f"/v1/decisions/{told['decision_id']}").status_code == 404
    look_up = {"identifier": as_identifier("ann@example.org")}
    assert shop.api.post("/v1/customers/lookup", look_up).status_code == 404


def test_a_newer_yes_given_by_the_person_counts_again(shop, desk, ann):
    desk.run(desk.approved(ann, "erasure"))
    again = shop.customer("ann@example.org")
    assert again != ann
    assert shop.reason(again) == "suppressed"
    shop.clock.advance(timedelta(days=1))
    shop.say(again, "given")
    assert shop.reason(again) == "consent_given"


def test_the_log_says_how_many_entries_went_and_stays_whole(shop, desk, ann):
    request = desk.approved(ann, "erasure")
    desk.run(request)
    desk.seal()
    (entry,) = [row for row in shop.rows("ledger_entries") if row["kind"] == "erasure"]
    assert entry["entries"] == desk.certificate(request)["log_entries_removed"]
    assert not entry["known"]
    leaf = [row for row in shop.rows("ledger_leaves") if row["entry_id"] == entry["id"]]
    assert f'"entries":{entry["entries"]},'.encode() in leaf[0]["leaf"]
    with shop.app.app_context():
        assert verify().erased == entry["entries"]


def test_who_was_merged_goes_too(shop, desk, ann):
    other = shop.customer("anna@example.org")
    shop.merge(ann, other)
    request = desk.approved(other, "erasure")
    desk.carry_out()
    (task,) = [t for t in (desk.erased(request), *desk.waiting()) if t]
    assert task["customer_ids"] == [ann, other]
    desk.run(request)
    assert rows_about(shop, ann) == rows_about(shop, other) == {}
    assert shop.reason(other) == shop.reason(ann) == "no_record"
    assert shop.reason("anna@example.org") == "suppressed"
    with shop.app.app_context():
        ids = [parse_customer_id(each) for each in (ann, other, shop.customer())]
        assert listed.find_erased(ids, keys()) == set(ids[:2])
        assert len(list(listed.export())) == 2


def test_an_identifier_that_comes_while_it_runs_is_suppressed_too(shop, desk, ann):
    request = desk.approved(ann, "erasure")
    desk.carry_out()
    late = shop.customer("late@example.org")
    shop.merge(ann, late)
    desk.seal()
    desk.carry_out()
    assert desk.show(request)["customer_id"] == ann
    assert desk.run(request) == "done"
    assert shop.reason("late@example.org") == "suppressed"
    assert rows_about(shop, ann) == rows_about(shop, late) == {}


def test_it_waits_until_all_their_entries_are_sealed(shop, desk, ann):
    request = desk.approved(ann, "erasure")
    desk.carry_out()
    desk.carry_out()
    assert desk.show(request)["customer_id"] == ann
    desk.seal()
    desk.carry_out()
    assert desk.show(request)["customer_id"] is None


def test_what_comes_in_after_the_rows_are_gone_goes_too(shop, desk, ann):
    request = desk.approved(ann, "erasure")
    desk.erased(request)
    desk.sign_in(ann)
    shop.clock.advance(SWEEP_AFTER)
    desk.carry_out()
    assert shop.rows("erasures")[0]["swept_at"] is None
    desk.carry_out()
    assert shop.rows("erasures")[0]["swept_at"] is not None
    assert rows_about(shop, ann) == {}


def test_in_the_days_of_grace_it_can_be_cancelled(shop, desk, ann):
    shop.load(erasure_grace_days=3)
    kept, gone = desk.approved(ann, "erasure"), desk.approved(shop.customer(), "erasure")
    desk.erased(kept)
    assert [desk.show(each)["waits_for"] for each in (kept, gone)] == ["grace", "grace"]
    assert desk.act(kept, "cancel").json["state"] == "cancelled"
    assert shop.reason(ann) == "consent_given"
    shop.clock.advance(timedelta(days=3))
    assert desk.run(gone) == "done"
    assert shop.api.get(f"/v1/customers/{ann}").status_code == 200


def test_what_is_held_is_not_erased(shop, desk, ann):
    request = desk.ask(ann, "erasure")
    desk.act(request, "hold", reason="A claim.")
    desk.act(request, "approve", identity="document")
    assert desk.run(request) == "approved"
    assert shop.api.get(f"/v1/customers/{ann}").status_code == 200
    desk.act(request, "release")
    assert desk.run(request) == "done"


def test_what_proves_consents_is_kept_for_as_long_as_the_catalogue_says(shop, desk, ann):
    request = desk.approved(ann, "erasure")
    desk.run(request)
    days = small_catalogue.document()["purposes"][0]["proof_retention_days"]
    assert days > 0
    (proof,) = shop.rows("kept_proofs")
    (key,) = shop.rows("customer_keys")
    assert key["customer_id"] == proof["place"]
    assert (key["kind"], proof["until"]) == (
        "proof", shop.clock() - SWEEP_AFTER + timedelta(days=days),
    )  # fmt: skip
    assert b"f-1" not in proof["proof"]
    with shop.app.app_context():
        assert forget_proofs(proof["until"] - timedelta(seconds=1)) == 0
        assert forget_proofs(proof["until"]) == 1
    assert shop.rows("kept_proofs") == shop.rows("customer_keys") == []


def test_where_nothing_is_to_be_kept_nothing_is(shop, desk):
    shop.load(small_catalogue.purpose("news", proof_retention_days=0))
    who = shop.customer()
    shop.say(who, "given")
    request = desk.approved(who, "erasure")
    desk.run(request)
    assert shop.rows("kept_proofs") == shop.rows("customer_keys") == []
    assert desk.certificate(request)["proof_kept_until"] is None


def test_the_person_gets_a_letter_that_leads_to_the_certificate(shop, desk, ann, browser):
    request = desk.approved(ann, "erasure")
    desk.erased(request)
    with shop.app.app_context():
        letters = mail.list_newest(key_of, 100)
    (letter,) = [each for waiting, each in letters if waiting.kind == "erasure_done"]
    assert letter.to == "ann@example.org"
    (link,) = [path for path in links_in(letter.text) if "certificate" in path]
    assert b"have not answered yet" in browser.get(link).get_data()
    desk.run(request)
    signed = shop.api.get(f"{BASE}/{request}/certificate").get_data()
    assert signed in browser.get(link).get_data()
    assert browser.get(link + "x").status_code == 404


def test_the_certificate_is_one_and_is_there_at_the_end(shop, desk, ann):
    request, other = desk.approved(ann, "erasure"), desk.ask(shop.customer(), "access")
    soon = shop.api.get(f"{BASE}/{request}/certificate")
    assert (soon.status_code, soon.json["code"]) == (409, "no_certificate_yet")
    desk.swept(request)
    reply = shop.api.get(f"{BASE}/{request}/certificate")
    assert (reply.status_code, reply.json["code"]) == (409, "no_certificate_yet")
    desk.run(request)
    one = shop.api.get(f"{BASE}/{request}/certificate").get_data()
    desk.run(request)
    assert shop.api.get(f"{BASE}/{request}/certificate").get_data() == one
    assert shop.api.get(f"{BASE}/{other}/certificate").status_code == 404


def test_two_erasures_of_one_person_both_end(shop, desk, ann):
    one, two = desk.approved(ann, "erasure"), desk.approved(ann, "erasure")
    desk.run(one)
    shop.clock.advance(BETWEEN_VACUUMS)
    desk.run(two)
    assert [desk.state(each) for each in (one, two)] == ["done", "done"]


def test_one_that_cannot_be_carried_out_holds_no_other_back(shop, desk, ann):
    broken = shop.customer()
    stuck, request = desk.approved(broken, "erasure"), desk.approved(ann, "erasure")
    with shop.app.app_context(), unit_of_work() as tx:
        key_store.delete_keys(tx, [parse_customer_id(broken)])
    assert desk.run(request) == "done"
    assert desk.listed(state="approved") == [stuck]
