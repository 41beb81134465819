from datetime import timedelta

import pytest

from consent_service.catalogue.jobs import forget_entries
from consent_service.kernel.clock import utc_now
from tests.support import log
from tests.support.problems import UNKNOWN, assert_needs_scope, fault, faults, without_request

BASE = "/v1/disclosures"


@pytest.fixture
def ann(shop):
    """A customer who said yes to news by e-mail."""
    made = shop.customer("ann@example.org")
    shop.say(made, "given")
    return made


@pytest.fixture
def use(shop, ann):
    """The body of a use as the decision that it names permits it."""
    return {
        "decision_id": shop.check(ann)["decision_id"],
        "data_categories": ["email_address"],
        "recipient": "mailer",
        "touchpoint": "web",
        "occurred_at": shop.at(),
    }


def reported(shop, body):
    reply = shop.api.post(BASE, body)
    assert reply.status_code == 201, reply.json
    return reply.json


def listed(shop, **query):
    return shop.api.get(BASE, query_string={"kind": "disclosure", **query}).json["items"]


def test_a_use_is_listed_as_it_happened_and_cites_its_decision(shop, ann, use):
    shop.clock.advance(timedelta(seconds=30))
    done = reported(shop, use)
    assert done == {
        "id": done["id"],
        "outcome": "permit",
        "reason": "consent_given",
        "recorded_at": shop.at(),
    }
    assert done["id"].startswith("dis_")
    assert listed(shop) == [
        {
            "id": done["id"],
            "kind": "disclosure",
            "customer_id": ann,
            "client_id": "shop",
            "purpose": "news",
            "channel": "email",
            "data_categories": ["email_address"],
            "recipient": "mailer",
            "touchpoint": "web",
            "outcome": "permit",
            "reason": "consent_given",
            "catalogue_version": 1,
            "occurred_at": use["occurred_at"],
            "recorded_at": shop.at(),
            "leaf_index": None,
        }
    ]
    decision, disclosure = (
        next(row for row in shop.rows("ledger_entries") if row["kind"] == kind)
        for kind in ("decision", "disclosure")
    )
    assert disclosure["cites"] == decision["id"]
    assert disclosure["customer_id"] == decision["customer_id"]
    assert disclosure["payload"]


BREACHES = [
    ({"occurred_at": {"seconds": 60}}, None),
    ({"occurred_at": {"seconds": 60, "microseconds": 1}}, "breach_expired"),
    ({"occurred_at": {"minutes": -5}}, None),
    ({"occurred_at": {"minutes": -5, "microseconds": -1}}, "breach_too_early"),
    ({"recipient": "broker"}, "breach_recipient"),
    ({"data_categories": ["email_address", "name"]}, None),
    ({"data_categories": ["name", "purchase_history"]}, "breach_categories"),
]


def test_what_the_decision_did_not_permit_is_logged_as_a_breach(shop, ann, use):
    start, found = shop.clock(), []
    shop.clock.advance(timedelta(minutes=2))
    for changes, breach in BREACHES:
        body = {**use, **changes}
        if "occurred_at" in changes:
            body["occurred_at"] = (start + timedelta(**changes["occurred_at"])).isoformat()
        done = reported(shop, body)
        expected = ("permit", "consent_given") if breach is None else ("deny", breach)
        assert (done["outcome"], done["reason"]) == expected, changes
        found += [done["id"]] * (breach is not None)
    assert [item["id"] for item in listed(shop, outcome="deny")] == found


def test_a_use_in_spite_of_a_deny_is_a_breach(shop, ann, use):
    shop.say(ann, "withdrawn", captured_at=shop.at())
    use["decision_id"] = shop.check(ann)["decision_id"]
    assert reported(shop, use)["reason"] == "breach_not_permitted"


def test_a_use_of_data_of_nobody_known_is_a_breach_about_nobody(shop, use):
    use["decision_id"] = shop.check("nobody@example.org")["decision_id"]
    done = reported(shop, use)
    (item,) = listed(shop)
    assert (item["id"], item["customer_id"]) == (done["id"], None)
    assert item["reason"] == "breach_not_permitted"
    assert shop.rows("ledger_entries")[-1]["payload"] is None


def test_who_was_merged_keeps_the_uses(shop, ann, use):
    kept = shop.customer("ann@work.example.org")
    reported(shop, use)
    shop.merge(kept, ann)
    reported(shop, use)
    assert [item["customer_id"] for item in listed(shop, customer_id=ann)] == [kept, kept]


def test_the_customer_sees_the_use(shop, ann, use):
    done = reported(shop, use)
    own = shop.api.get(f"/v1/customers/{ann}/disclosures").json["items"]
    assert [item["kind"] for item in own] == ["decision", "disclosure"]
    assert own[1]["id"] == done["id"]


def test_a_decision_of_nobody_or_of_another_client_is_404(shop, open_shop, ann, use):
    other = shop.customer()
    done = reported(shop, use)["id"]
    given = use["decision_id"]
    wrong = ["dec_" + "0" * 52, "dec_1", "x", ann, done, "dec_" + other[4:] + given[30:]]
    replies = [shop.api.post(BASE, {**use, "decision_id": each}) for each in wrong]
    replies.append(open_shop("other", recipients=["warehouse"]).api.post(BASE, use))
    assert {reply.status_code for reply in replies} == {404}
    assert len({repr(without_request(reply)) for reply in replies}) == 1
    assert len(listed(shop)) == 1


def test_the_recipient_reports_what_another_client_asked_for(shop, open_shop, use):
    sender = open_shop("sender", ["disclosures:write"], [use["recipient"]])
    reply = sender.api.post(BASE, use)
    assert (reply.status_code, reply.json["outcome"]) == (201, "permit")
    assert [item["client_id"] for item in listed(shop)] == ["sender"]


def test_what_cannot_be_meant_is_422_and_not_logged(shop, use):
    for changes, expected in (
        ({"occurred_at": shop.at(minutes=5, seconds=1)}, ("/occurred_at", "in_the_future")),
        ({"touchpoint": "moon"}, ("/touchpoint", "unknown_touchpoint")),
        ({"recipient": "moon"}, ("/recipient", "unknown_recipient")),
        ({"data_categories": ["name", "x"]}, ("/data_categories/1", "unknown_data_category")),
    ):
        assert fault(shop.api.post(BASE, {**use, **changes})) == expected
    for changes, pointer in (
        ({"data_categories": []}, "/data_categories"),
        ({"occurred_at": "today"}, "/occurred_at"),
        ({"recipient": None}, "/recipient"),
        ({"purpose": "news"}, "/purpose"),
        ({"screening_id": "scr_1"}, "/decision_id"),
    ):
        assert faults(shop.api.post(BASE, {**use, **changes})) == [pointer]
    del use["decision_id"]
    assert faults(shop.api.post(BASE, use)) == ["/decision_id"]
    assert listed(shop) == []


def test_a_clock_that_is_a_little_fast_is_borne_with(shop, use):
    reported(shop, {**use, "occurred_at": shop.at(minutes=5)})
    assert [item["occurred_at"] for item in listed(shop)] == [shop.at()]


def test_a_screening_that_is_not_there_is_not_found(shop, use):
    del use["decision_id"]
    for named in ("scr_1", "scr_" + 2 * UNKNOWN.removeprefix("cus_")):
        assert shop.api.post(BASE, {**use, "screening_id": named}).status_code == 404


def test_a_use_that_cannot_be_logged_is_503(shop, use):
    shop.change_store("ALTER TABLE ledger_entries RENAME TO elsewhere")
    assert shop.api.post(BASE, use).status_code == 503


def test_the_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "disclosures:write", "POST", BASE, {})


def test_what_cited_a_decision_outlives_it_and_nothing_new_can_cite_it(app, shop, use):
    done = reported(shop, use)
    with app.app_context():
        log.seal()
        later = utc_now() + timedelta(days=1096)
        assert forget_entries(later) == 1
        assert log.verify(after=timedelta(days=1096)).erased == 1
    assert [item["id"] for item in listed(shop)] == [done["id"]]
    assert shop.api.post(BASE, use).status_code == 404
    assert shop.api.get(f"/v1/decisions/{use['decision_id']}").status_code == 404
