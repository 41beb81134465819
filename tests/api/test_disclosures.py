from datetime import timedelta

import pytest

from tests.support.problems import (
    UNKNOWN,
    assert_needs_scope,
    assert_same_as_never_known,
    fault,
    faults,
)

BASE = "/v1/disclosures"


def listed(shop, **query):
    reply = shop.api.get(BASE, query_string=query)
    assert reply.status_code == 200, reply.json
    return reply.json["items"]


@pytest.fixture
def log(shop):
    """Checks of many kinds, a minute between each; their ids by name."""
    ann, bob = shop.customer("ann@example.org"), shop.customer("bob@example.org")
    shop.say(ann, "given")
    ids = {"ann": ann, "bob": bob}
    for name, customer, purpose, more in (
        ("yes", ann, "news", {}),
        ("no", bob, "news", {"context": {"touchpoint": "web"}}),
        ("ads", ann, "ads", {}),
        ("nobody", "nobody@example.org", "news", {"context": {"touchpoint": "store"}}),
    ):
        ids[name] = shop.check(customer, purpose, **more)["decision_id"]
        shop.clock.advance(timedelta(minutes=1))
    return ids


def test_an_item_has_its_clear_columns_and_no_more(shop, log):
    (item,) = listed(shop, customer_id=log["bob"])
    assert item == {
        "id": log["no"],
        "kind": "decision",
        "customer_id": log["bob"],
        "client_id": "shop",
        "purpose": "news",
        "channel": "email",
        "data_categories": ["email_address", "name"],
        "recipient": "mailer",
        "touchpoint": "web",
        "outcome": "deny",
        "reason": "no_record",
        "catalogue_version": 1,
        "occurred_at": "2026-03-02T09:31:00.000000Z",
        "recorded_at": "2026-03-02T09:31:00.000000Z",
        "leaf_index": None,
    }


FILTERS = [
    ({}, ["yes", "no", "ads", "nobody"]),
    ({"customer_id": "ann"}, ["yes", "ads"]),
    ({"customer_id": UNKNOWN}, []),
    ({"purpose": "ads"}, ["ads"]),
    ({"purpose": "unheard.of"}, []),
    ({"recipient": "broker"}, ["ads"]),
    ({"outcome": "permit"}, ["yes"]),
    ({"outcome": "deny", "purpose": "news"}, ["no", "nobody"]),
    ({"touchpoint": "store"}, ["nobody"]),
    ({"kind": "decision"}, ["yes", "no", "ads", "nobody"]),
    ({"kind": "disclosure"}, []),
    ({"kind": "screening"}, []),
    ({"from": "2026-03-02T09:31:00Z"}, ["no", "ads", "nobody"]),
    ({"to": "2026-03-02T09:31:00Z"}, ["yes"]),
    ({"from": "2026-03-02T10:31:00+01:00", "to": "2026-03-02T09:32:00.000001Z"}, ["no", "ads"]),
    ({"from": "2026-03-02T09:32:00Z", "to": "2026-03-02T09:31:00Z"}, []),
]


def test_every_filter_lets_through_what_it_names(shop, log):
    for query, names in FILTERS:
        asked = {**query, "customer_id": log["ann"]} if "ann" in query.values() else query
        found = [item["id"] for item in listed(shop, **asked)]
        assert found == [log[name] for name in names], query


def test_only_uses_and_checks_are_disclosures(shop, log):
    kinds = {row["kind"] for row in shop.rows("ledger_entries")}
    assert kinds == {"decision", "consent", "staff_act", "customer"}
    assert {item["kind"] for item in listed(shop)} == {"decision"}


def test_the_list_is_walked_in_pages(shop, log):
    found, cursor = [], None
    for _ in range(4):
        query = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = shop.api.get(BASE, query_string=query).json
        (item,) = page["items"]
        found.append(item["id"])
        cursor = page["next_cursor"]
    assert cursor is None
    assert found == [log[name] for name in ("yes", "no", "ads", "nobody")]


def test_what_is_added_while_walking_comes_at_the_end(shop, log):
    first = shop.api.get(BASE, query_string={"limit": 3}).json
    added = shop.check(log["ann"])["decision_id"]
    rest = shop.api.get(BASE, query_string={"cursor": first["next_cursor"]}).json
    assert [item["id"] for item in rest["items"]] == [log["nobody"], added]


def test_a_cursor_is_good_for_its_filter_alone(shop, log):
    cursor = shop.api.get(BASE, query_string={"limit": 1}).json["next_cursor"]
    for query in ({"purpose": "news"}, {"customer_id": log["ann"]}, {"kind": "decision"}):
        reply = shop.api.get(BASE, query_string={**query, "cursor": cursor})
        assert fault(reply) == ("/cursor", "invalid_cursor")
    own = f"/v1/customers/{log['ann']}/disclosures"
    assert fault(shop.api.get(own, query_string={"cursor": cursor}))[0] == "/cursor"


def test_what_cannot_be_asked_is_422(shop):
    for query, pointer in (
        ({"limit": 0}, "/limit"),
        ({"limit": 1001}, "/limit"),
        ({"limit": "many"}, "/limit"),
        ({"kind": "consent"}, "/kind"),
        ({"outcome": "maybe"}, "/outcome"),
        ({"customer_id": "x"}, "/customer_id"),
        ({"from": "yesterday"}, "/from"),
        ({"unheard_of": "x"}, "/unheard_of"),
        ({"purpose": "Not A Key"}, "/purpose"),
    ):
        reply = shop.api.get(BASE, query_string=query)
        assert faults(reply) == [pointer], query
    assert shop.api.get(BASE + "?limit=1&limit=2").status_code == 422


def test_a_customer_s_own_list_is_that_of_the_filter(shop, log):
    own = shop.api.get(f"/v1/customers/{log['ann']}/disclosures").json
    assert all(item.pop("text") for item in own["items"])
    assert all(item.pop("screening_id") is None for item in own["items"])
    assert own["items"] == listed(shop, customer_id=log["ann"])
    none = shop.api.get(
        f"/v1/customers/{log['ann']}/disclosures", query_string={"kind": "disclosure"}
    )
    assert none.json == {"items": [], "next_cursor": None}


def test_the_own_list_of_nobody_is_404_as_if_nobody_had_ever_been(shop):
    assert_same_as_never_known(shop, "GET", "/v1/customers/{}/disclosures")


def test_no_personal_value_is_listed(shop, log):
    assert "@" not in str(listed(shop))


def test_each_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "disclosures:read", "GET", BASE)
    assert_needs_scope(open_shop, "disclosures:read", "GET", "/v1/customers/cus_1/disclosures")
