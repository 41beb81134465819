import threading
from datetime import timedelta

import pytest

from consent_service.customers import service as customers
from consent_service.customers.model import IdentifierType, NewCustomer
from consent_service.customers.normaliser import identifier
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.suppressions import service as suppressions
from consent_service.suppressions.model import Reason
from tests.support.problems import assert_needs_scope, fault, faults, without_request

BASE = "/v1/suppressions"


@pytest.fixture
def ann(shop):
    return shop.customer("ann@example.org")


def listed(shop, **query):
    return shop.api.get(BASE, query_string=query).json["items"]


def close(shop, mark):
    reply = shop.api.delete(f"{BASE}/{mark['id']}")
    assert reply.status_code == 200, reply.json
    return reply.json


def body(**changes):
    found = {"identifier": {"type": "email", "value": "ann@example.org"}, "reason": "complained"}
    return {n: value for n, value in {**found, **changes}.items() if value is not None}


# --- Marking


def test_a_mark_counts_at_the_next_check(shop, ann):
    shop.say(ann, "given")
    shop.clock.advance(timedelta(seconds=1))
    reply = shop.api.post(BASE, body(source="web_shop", happened_at=shop.at(seconds=-1)))
    assert reply.status_code == 201
    assert reply.json == {
        "id": reply.json["id"],
        "identifier_type": "email",
        "reason": "complained",
        "channel": None,
        "source": "web_shop",
        "happened_at": shop.at(seconds=-1),
        "recorded_at": shop.at(),
        "closed_at": None,
    }
    assert shop.reason(ann) == "suppressed"
    assert shop.revision(ann) == 3


@pytest.mark.parametrize("reason", ["complained", "opted_out", "erased", "deceased"])
def test_a_mark_waits_for_whoever_gets_the_identifier(shop, reason):
    shop.suppress("new@example.org", reason)
    assert shop.reason("new@example.org") == "suppressed"
    new = shop.customer("new@example.org")
    shop.say(new, "given", captured_at=shop.at(hours=-1))
    assert shop.reason(new) == "suppressed"
    later = shop.customer("other@example.org")
    shop.api.patch(
        f"/v1/customers/{later}",
        {"identifiers": [{"type": "email", "value": "other@example.org"}]},
        headers={"If-Match": '"1"'},
    )
    assert shop.reason(later, "printed") == "legal_basis"


def test_a_mark_comes_with_an_identifier_that_is_added_later(shop, ann):
    shop.say(ann, "given", captured_at=shop.at(hours=-1))
    shop.suppress("+49301234567")
    assert shop.reason(ann) == "consent_given"
    shop.api.patch(
        f"/v1/customers/{ann}",
        {"identifiers": [{"type": "phone", "value": "+49 30 1234567"}]},
        headers={"If-Match": f'"{shop.revision(ann)}"'},
    )
    assert shop.reason(ann) == "suppressed"


def test_a_mark_stays_when_its_identifier_goes_and_comes_back(shop, ann):
    shop.suppress("ann@example.org")
    url = f"/v1/customers/{ann}"
    for wanted in ([], ["ann@example.org"], [], ["ANN@example.org", "other@example.org"]):
        reply = shop.api.patch(
            url,
            {"identifiers": [{"type": "email", "value": each} for each in wanted]},
            headers={"If-Match": f'"{shop.revision(ann)}"'},
        )
        assert reply.status_code == 200, reply.json
        assert shop.reason(ann) == "suppressed"


def test_an_address_that_comes_back_is_still_undeliverable(shop, ann):
    shop.say(ann, "given")
    shop.suppress("ann@example.org", "undeliverable")
    url = f"/v1/customers/{ann}"
    for wanted in (["new@example.org"], ["new@example.org", "ann@example.org"]):
        shop.api.patch(
            url,
            {"identifiers": [{"type": "email", "value": each} for each in wanted]},
            headers={"If-Match": f'"{shop.revision(ann)}"'},
        )
        assert shop.reason(ann) == "consent_given"
        assert shop.reason("ann@example.org") == "suppressed"
        assert shop.reason("new@example.org") == "consent_given"


def test_saying_the_same_again_makes_nothing_new(shop, ann):
    first = shop.api.post(BASE, body(happened_at=shop.at()))
    before = shop.counts()
    for again in (body(happened_at=shop.at()), body(happened_at=shop.at(days=-3))):
        reply = shop.api.post(BASE, again)
        assert (reply.status_code, reply.json) == (200, first.json)
    assert shop.counts() == before
    newer = shop.api.post(BASE, body(happened_at=shop.at(days=3)))
    assert newer.json["happened_at"] == shop.at()


def test_only_a_newer_yes_of_the_person_lifts_a_complaint(shop, ann):
    shop.suppress("ann@example.org")
    shop.say(ann, "given", captured_at=shop.at(minutes=-1))
    assert shop.reason(ann) == "suppressed"
    shop.clock.advance(timedelta(minutes=1))
    shop.say(ann, "given")
    assert shop.reason(ann) == "consent_given"
    assert shop.reason(ann, "printed") == "suppressed"
    shop.clock.advance(timedelta(minutes=1))
    shop.suppress("ann@example.org")
    assert shop.reason(ann) == "suppressed"


def test_a_yes_does_not_revive_the_dead(shop, ann):
    shop.suppress("ann@example.org", "deceased")
    shop.clock.advance(timedelta(minutes=1))
    shop.say(ann, "given")
    assert shop.reason(ann) == "suppressed"
    assert shop.reason(ann, "orders", channel="email") == "suppressed"
    assert shop.reason(ann, "recalls") == "legal_basis"


def test_an_address_is_undeliverable_on_the_channel_that_is_named(shop):
    ann = shop.customer("ann@example.org", "+49301234567")
    for channel in ("sms", "email"):
        shop.say(ann, "given", "offers", channel=channel)
    shop.suppress("+49301234567", "undeliverable", channel="sms")
    assert shop.reason(ann, "offers", channel="sms") == "suppressed"
    assert shop.reason(ann, "offers", channel="email") == "consent_given"


@pytest.mark.parametrize("first", ["customer", "mark"])
def test_a_mark_and_a_new_customer_at_once_find_each_other(shop, first):
    """Whichever is not committed yet when the other begins: the other waits for it. Somebody is
    here already, so that nothing that is done but once makes them wait."""
    shop.customer("somebody.else@example.org")
    app, now = shop.app, shop.clock()
    keys = app.extensions["consent"].keyring.current()
    email = identifier(IdentifierType.EMAIL, "ann@example.org")
    steps = {
        "customer": lambda: customers.create_customer(NewCustomer((email,), {}), now, keys),
        "mark": lambda: suppressions.record_suppressions(
            [(email, Reason.COMPLAINED, None, now)], None, now, keys
        ),
    }
    second = steps["mark" if first == "customer" else "customer"]
    begun, done = threading.Event(), []

    def other():
        with app.app_context():
            begun.set()
            done.append(second())

    thread = threading.Thread(target=other)
    with app.app_context(), unit_of_work():
        steps[first]()
        thread.start()
        begun.wait()
        thread.join(0.3)
        assert done == []
    thread.join()
    assert len(done) == 1
    assert shop.counts()["customer_suppressions"] == 1
    assert shop.reason("ann@example.org", "printed") == "suppressed"


# --- Listing


def test_marks_are_listed_by_reason_and_whether_they_are_open(shop):
    marks = [
        shop.suppress(f"p{n}@example.org", reason)
        for n, reason in enumerate(["complained", "erased", "complained", "undeliverable"])
    ]
    closed = close(shop, marks[2])
    assert listed(shop) == [marks[0], marks[1], marks[3]]
    assert listed(shop, open="true") == listed(shop)
    assert listed(shop, open="false") == [marks[0], marks[1], closed, marks[3]]
    assert listed(shop, reason="complained") == [marks[0]]
    assert listed(shop, reason="complained", open="false") == [marks[0], closed]
    assert listed(shop, reason="deceased") == []


def test_marks_are_listed_in_pages(shop):
    marks = [shop.suppress(f"p{n}@example.org") for n in range(5)]
    found, cursor = [], None
    while cursor or not found:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = shop.api.get(BASE, query_string=query).json
        found, cursor = found + page["items"], page["next_cursor"]
    assert found == marks
    cursor = shop.api.get(BASE, query_string={"limit": 2}).json["next_cursor"]
    reply = shop.api.get(BASE, query_string={"cursor": cursor, "reason": "complained"})
    assert fault(reply) == ("/cursor", "invalid_cursor")


def test_what_cannot_be_listed_is_422(shop):
    for query, pointer in (
        ({"reason": "bored"}, "/reason"),
        ({"open": "maybe"}, "/open"),
        ({"identifier": "ann"}, "/identifier"),
    ):
        assert faults(shop.api.get(BASE, query_string=query)) == [pointer]


# --- Closing


def test_closing_ends_a_mark_and_keeps_its_row(shop, ann):
    shop.say(ann, "given", captured_at=shop.at(hours=-1))
    mark = shop.suppress("ann@example.org")
    shop.clock.advance(timedelta(hours=1))
    closed = close(shop, mark)
    assert closed == {**mark, "closed_at": shop.at()}
    assert shop.reason(ann) == "consent_given"
    shop.clock.advance(timedelta(hours=1))
    assert close(shop, mark) == closed
    assert shop.counts()["suppressions"] == shop.counts()["customer_suppressions"] == 1


def test_closing_is_a_staff_act_in_the_log_once(shop, ann):
    mark = shop.suppress("ann@example.org")
    close(shop, mark)
    close(shop, mark)
    acts = [row for row in shop.rows("ledger_entries") if row["reason"] == "suppression_closed"]
    assert [(row["client_id"], row["known"]) for row in acts] == [("shop", True)]


def test_a_closing_of_what_nobody_has_names_nobody(shop):
    close(shop, shop.suppress("nobody@example.org"))
    acts = [row for row in shop.rows("ledger_entries") if "suppression" in row["reason"]]
    assert [(row["reason"], row["known"], row["cites"]) for row in acts] == [
        ("suppression_recorded", False, None),
        ("suppression_closed", False, None),
    ]


def test_a_closed_mark_does_not_come_with_the_identifier(shop):
    close(shop, shop.suppress("new@example.org"))
    new = shop.customer("new@example.org")
    assert shop.reason(new, "printed") == "legal_basis"


def test_a_newer_complaint_after_a_closing_counts(shop, ann):
    close(shop, shop.suppress("ann@example.org"))
    shop.clock.advance(timedelta(hours=1))
    shop.suppress("ann@example.org")
    assert shop.reason(ann, "printed") == "suppressed"


def test_an_unknown_mark_is_404_as_if_it_had_never_been(shop, ann):
    wrong = ("sup_" + "0" * 26, "sup_1", "x", ann, "sup_" + ann[4:])
    replies = [shop.api.delete(f"{BASE}/{each}") for each in wrong]
    assert {reply.status_code for reply in replies} == {404}
    assert len({repr(without_request(reply)) for reply in replies}) == 1


# --- What cannot be marked, who may, what is stored


def test_what_cannot_be_meant_is_422_and_writes_nothing(shop):
    before = shop.counts()
    for changes, pointer, code in (
        ({"reason": "bored"}, "/reason", "invalid"),
        ({"reason": None}, "/reason", "required"),
        ({"identifier": None}, "/identifier", "required"),
        ({"identifier": {"type": "email", "value": "ann"}}, "/identifier/value", "invalid"),
        ({"channel": "pigeon"}, "/channel", "invalid"),
        ({"happened_at": "today"}, "/happened_at", "invalid"),
        ({"source": "Not A Key"}, "/source", "invalid"),
        ({"customer_id": "cus_1"}, "/customer_id", "unknown_field"),
    ):
        assert fault(shop.api.post(BASE, body(**changes))) == (pointer, code)
    assert shop.counts() == before


def test_each_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "suppressions:write", "POST", BASE, {})
    assert_needs_scope(open_shop, "suppressions:read", "GET", BASE)
    assert_needs_scope(open_shop, "suppressions:write", "DELETE", BASE + "/sup_1")


def test_a_mark_names_nobody(shop):
    shop.suppress("ann@ottermoor.org")
    shop.customer("ann@ottermoor.org")
    stored = repr((shop.rows("suppressions"), shop.rows("customer_suppressions"), listed(shop)))
    assert "ottermoor" not in stored
