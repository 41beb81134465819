"""Proofs of consent of somebody who was erased, opened by two officers."""

import threading
from datetime import timedelta
from functools import partial

import pytest

from consent_service.accounts import staff
from consent_service.accounts.model import Role, Staff
from consent_service.consents.keeping import forget_proofs
from consent_service.crypto.keyring import KeyUse
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.ids import new_uuid, parse_customer_id
from consent_service.oauth.model import Scope
from consent_service.privacy_requests.model import parse_request_id
from consent_service.proof_openings import service
from consent_service.proof_openings.model import (
    KEPT_AFTER,
    Basis,
    NotAnOfficer,
    NotWhoAsked,
    OpeningState,
    ProofGone,
    SameOfficer,
    State,
    Whose,
    opening_id_text,
    state_at,
)
from consent_service.proof_openings.service import NoProof
from tests.support.clock import START
from tests.support.erasing import Eraser
from tests.support.log import verify
from tests.support.officers import Officers

BASE = "/v1/approvals"
ON_ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
REASON = "The authority asks, file 17/26 Canaryfile"


def member(name, *roles):
    return Staff(new_uuid(), name, frozenset(roles or [Role.OFFICER]), True, START, None, None)


OLGA, OTTO, OSKAR = member("olga"), member("otto"), member("oskar")
ADAM = member("adam", Role.ADMIN, Role.AGENT, Role.AUDITOR)


@pytest.fixture
def desk(shop):
    return Eraser(shop)


@pytest.fixture
def erased(shop, desk):
    """(request, id): somebody who said yes and then no, and was erased."""
    ann = shop.customer("ann@example.org")
    shop.say(ann, "given", evidence={"form": "f-1\x1b[2J"})
    shop.say(ann, "withdrawn")
    request = desk.approved(ann, "erasure")
    assert desk.run(request) == "done"
    return request, ann


class Cabinet:
    """Openings, without the passwords."""

    def __init__(self, shop, ring, request):
        self._shop, self._ring, self._request = shop, ring, request

    def ask(self, who=OLGA, whose=None, ring=None):
        whose = whose or Whose(parse_request_id(self._request))
        with self._shop.app.app_context():
            now, ring = self._shop.clock(), ring or self._ring
            return service.ask_for_opening(whose, Basis.LEGAL_OBLIGATION, REASON, who, now, ring).id

    def approve(self, opening, who=OTTO):
        with self._shop.app.app_context():
            return service.approve_opening(opening, who, self._shop.clock()).state

    def reject(self, opening, who=OTTO):
        with self._shop.app.app_context():
            return service.reject_opening(opening, who, self._shop.clock()).state

    def fetch(self, opening, who=OLGA):
        with self._shop.app.app_context():
            return service.fetch_proof(opening, who, self._shop.clock(), self._ring)

    def state(self, opening):
        with self._shop.app.app_context():
            return state_at(service.get_opening(opening), self._shop.clock())

    def reason(self, opening):
        with self._shop.app.app_context():
            return service.find_reason(service.get_opening(opening), self._ring)


@pytest.fixture
def cabinet(shop, keyring, erased):
    return Cabinet(shop, keyring, erased[0])


def code_of(reply):
    return reply.status_code, reply.json["code"]


def logged(shop):
    return [
        (row["kind"], row["reason"], row["client_id"], row["known"])
        for row in sorted(shop.rows("ledger_entries"), key=lambda row: row["id"])
        if (row["reason"] or "").startswith("proof_")
    ]


def test_two_officers_open_what_is_kept_once(shop, desk, erased):
    officers = Officers(shop)
    officers.add("olga")
    officers.add("otto")

    def act(what, who, **body):
        return shop.api.post(BASE + what, {"officer": officers.body(who), **body})

    asked = {"act": "open_kept_proof", "legal_basis": "legal_claims", "reason": REASON}
    made = act("", "olga", request_id=erased[0], **asked).json
    assert (made["state"], made["reason"], made["request_id"]) == ("waiting", REASON, erased[0])
    one = f"/{made['id']}"
    assert code_of(act(f"{one}/approve", "olga")) == (403, "same_officer")
    approved = act(f"{one}/approve", "otto").json
    assert (approved["asked_by"], approved["decided_by"]) == ("olga", "otto")
    opened = act(f"{one}/proof", "olga").json
    given, withdrawn = opened["events"]
    assert (given["event"], withdrawn["event"]) == ("given", "withdrawn")
    assert given["proof"] == {"evidence": {"form": "f-1\x1b[2J"}}
    assert given["notice"]["text"]
    assert withdrawn["notice"] is None
    readable, shown = opened["readable"], given["notice"]["sha256"]
    for said in ("opened by olga, approved by otto", REASON, "given: news by email", shown):
        assert said in readable
    assert "\x1b" not in readable
    assert code_of(act(f"{one}/proof", "olga")) == (409, "opening_state")
    (listed,) = shop.api.get(BASE).json["items"]
    assert (listed["state"], listed["reason"]) == ("fetched", None)
    assert shop.api.get(BASE + one).json["reason"] == REASON
    assert "Canaryfile" not in repr(shop.rows("proof_openings"))


@ON_ONE_STORE
def test_an_officer_is_password_and_fresh_code(shop, cabinet, erased, open_shop):
    officers = Officers(shop)
    officers.add("otto")
    path = f"{BASE}/{opening_id_text(cabinet.ask())}"
    refused = (403, "not_recognised")
    for wrong in ({"password": "four green kettles"}, {"code": "000000"}):
        body = {"officer": officers.body("otto", **wrong)}
        assert code_of(shop.api.post(f"{path}/approve", body)) == refused
    body = {"officer": officers.body("otto")}
    reader = open_shop("reader", frozenset({Scope.REQUESTS_READ}))
    assert code_of(reader.api.post(f"{path}/approve", body)) == (403, "insufficient_scope")
    assert shop.api.post(f"{path}/approve", body).status_code == 200
    assert code_of(shop.api.post(f"{path}/proof", body)) == refused
    with shop.app.app_context():
        staff.disable_staff("otto", SYSTEM, shop.clock())
    assert code_of(shop.api.post(f"{path}/proof", {"officer": officers.body("otto")})) == refused
    wrong = {"officer": officers.body("otto", password="no")}
    answers = [shop.api.post(f"{path}/approve", wrong).status_code for _ in range(8)]
    assert answers[-1] == 429


@ON_ONE_STORE
def test_what_is_asked_for_names_one_person_and_why(shop, erased):
    officer = {"name": "olga", "password": "x", "code": "1"}
    body = {
        "act": "open_kept_proof",
        "request_id": erased[0],
        "legal_basis": "legal_claims",
        "reason": REASON,
        "officer": officer,
    }
    assert code_of(shop.api.post(BASE, body)) == (403, "not_recognised")
    for wrong in (
        {"request_id": "req_x"},
        {"customer_id": erased[1]},
        {"legal_basis": "curiosity"},
        {"reason": ""},
        {"act": "open_all"},
    ):
        assert shop.api.post(BASE, {**body, **wrong}).status_code == 422
    del body["request_id"]
    assert shop.api.post(BASE, body).status_code == 422


def test_every_act_is_in_the_log_about_nobody(shop, desk, cabinet):
    one, other = cabinet.ask(), cabinet.ask()
    cabinet.approve(one)
    cabinet.fetch(one)
    cabinet.reject(other, OLGA)
    assert logged(shop) == [
        ("staff_act", "proof_opening_asked", "olga", False),
        ("staff_act", "proof_opening_asked", "olga", False),
        ("staff_act", "proof_opening_approved", "otto", False),
        ("disclosure", "proof_opening_opened", "olga", False),
        ("staff_act", "proof_opening_rejected", "olga", False),
    ]
    (use,) = shop.api.get("/v1/disclosures", query_string={"kind": "disclosure"}).json["items"]
    assert (use["customer_id"], use["client_id"]) == (None, "olga")
    csv = shop.api.get("/v1/disclosures", headers={"Accept": "text/csv"})
    assert "proof_opening_opened" in csv.get_data(as_text=True)
    desk.seal()
    with shop.app.app_context():
        verify()


@ON_ONE_STORE
def test_the_id_of_a_receipt_finds_it_too_also_after_a_rotation(shop, cabinet, erased, keyring):
    newer = keyring.with_new(KeyUse.INDEX, shop.clock())
    opening = cabinet.ask(whose=Whose(None, parse_customer_id(erased[1])), ring=newer)
    cabinet.approve(opening)
    assert len(cabinet.fetch(opening).events) == 2
    place = parse_customer_id(erased[1])
    for table in ("proof_openings", "kept_proofs"):
        assert not any(place in row.values() for row in shop.rows(table))


@ON_ONE_STORE
def test_nothing_is_kept_of_anybody_else(shop, desk, cabinet):
    bob = shop.customer()
    shop.say(bob, "given")
    with pytest.raises(NoProof):
        cabinet.ask(whose=Whose(None, parse_customer_id(bob)))
    with pytest.raises(NoProof):
        cabinet.ask(whose=Whose(parse_request_id(desk.ask(bob, "erasure"))))
    assert logged(shop) == []


@ON_ONE_STORE
def test_who_may_do_what(cabinet):
    with pytest.raises(NotAnOfficer):
        cabinet.ask(ADAM)
    opening = cabinet.ask()
    for act in (cabinet.approve, cabinet.reject, cabinet.fetch):
        with pytest.raises(NotAnOfficer):
            act(opening, ADAM)
    with pytest.raises(SameOfficer):
        cabinet.approve(opening, OLGA)
    with pytest.raises(OpeningState):
        cabinet.fetch(opening)
    assert cabinet.approve(opening) is State.APPROVED
    with pytest.raises(NotWhoAsked):
        cabinet.fetch(opening, OTTO)
    for act in (cabinet.approve, cabinet.reject):
        with pytest.raises(OpeningState):
            act(opening, OSKAR)
    rejected = cabinet.ask()
    assert cabinet.reject(rejected) is State.REJECTED
    for act in (cabinet.approve, cabinet.fetch):
        with pytest.raises(OpeningState):
            act(rejected, OLGA if act == cabinet.fetch else OSKAR)


@ON_ONE_STORE
def test_what_is_not_approved_or_fetched_in_time_expires(shop, cabinet):
    late, lost = cabinet.ask(), cabinet.ask()
    cabinet.approve(lost)
    shop.clock.advance(timedelta(hours=24))
    with pytest.raises(OpeningState):
        cabinet.approve(late)
    with pytest.raises(OpeningState):
        cabinet.fetch(lost)
    assert cabinet.state(late) is cabinet.state(lost) is State.EXPIRED


@ON_ONE_STORE
@pytest.mark.parametrize("swept", [False, True])
def test_what_retention_destroys_meanwhile_is_gone(shop, cabinet, swept):
    until = shop.rows("kept_proofs")[0]["until"]
    shop.clock.advance(until - shop.clock() - timedelta(hours=1))
    waiting, approved = cabinet.ask(), cabinet.ask()
    cabinet.approve(approved)
    shop.clock.advance(timedelta(hours=1))
    if swept:
        with shop.app.app_context():
            forget_proofs(shop.clock())
    with pytest.raises(ProofGone):
        cabinet.approve(waiting)
    with pytest.raises(ProofGone):
        cabinet.fetch(approved)
    with pytest.raises(NoProof):
        cabinet.ask()
    assert (cabinet.reason(waiting) is None) == swept
    assert cabinet.reject(waiting) is State.REJECTED


@ON_ONE_STORE
def test_openings_are_forgotten_a_month_after_their_proof(shop, cabinet):
    cabinet.ask()
    with shop.app.app_context():
        shop.clock.advance(KEPT_AFTER + timedelta(days=2))
        assert service.delete_past(shop.clock()) == 0
        shop.clock.advance(timedelta(days=4_000))
        forget_proofs(shop.clock())
        assert service.delete_past(shop.clock()) == 1
    assert shop.rows("proof_openings") == []


@ON_ONE_STORE
def test_a_proof_that_cannot_be_opened_is_not_used_up(shop, cabinet):
    opening = cabinet.ask()
    cabinet.approve(opening)
    shop.change_store("UPDATE customer_keys SET kind = 'life' WHERE kind = 'proof'")
    with pytest.raises(ProofGone):
        cabinet.fetch(opening)
    shop.change_store("UPDATE customer_keys SET kind = 'proof' WHERE kind = 'life'")
    assert cabinet.fetch(opening).events


def together(*acts):
    """What came of acts at the same moment, each in a thread: `done`, or `refused`."""
    came, go = [], threading.Barrier(len(acts))

    def run(act):
        go.wait()
        try:
            act()
        except OpeningState:
            came.append("refused")
        else:
            came.append("done")

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(came)


def test_of_many_at_once_one_approves_and_one_fetch_is_answered(shop, cabinet):
    opening = cabinet.ask()
    approvals = [partial(cabinet.approve, opening, who) for who in (OTTO, OSKAR, OTTO)]
    assert together(*approvals) == ["done", "refused", "refused"]
    fetch = partial(cabinet.fetch, opening)
    assert together(fetch, fetch, fetch) == ["done", "refused", "refused"]
    acts = [reason for _, reason, _, _ in logged(shop)]
    assert acts.count("proof_opening_approved") == acts.count("proof_opening_opened") == 1
