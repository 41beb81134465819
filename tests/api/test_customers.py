import threading

import pytest

from tests.support.problems import (
    assert_needs_scope,
    assert_same_as_never_known,
    fault,
    faults,
)

BASE = "/v1/customers"


def identifiers(shop, customer):
    return {
        (each["type"], each["value"])
        for each in shop.api.get(f"{BASE}/{customer}").json["identifiers"]
    }


@pytest.fixture
def patch(shop):
    """`patch(customer, body, revision)`: at the present revision unless told otherwise."""

    def send(customer, body, revision=None):
        wanted = shop.revision(customer) if revision is None else revision
        return shop.api.patch(f"{BASE}/{customer}", body, headers={"If-Match": f'"{wanted}"'})

    return send


# --- Adding


def test_a_customer_is_shown_as_it_was_added(shop):
    body = {
        "identifiers": [
            {"type": "email", "value": "Ann.Example@Example.ORG", "source": "web_shop"},
            {"type": "phone", "value": "+49 30 1234567"},
            {"type": "customer_number", "value": "K-17"},
            {"type": "device", "value": "0123456789abcdef"},
        ],
        "profile": {"first_name": "Ann", "city": "Köln"},
        "jurisdiction": "DE",
        "language": "ru",
        "age_band": "16_17",
    }
    made = shop.api.post(BASE, body)
    assert made.status_code == 201
    reply = shop.api.get(f"{BASE}/{made.json['id']}")
    shown = reply.json
    assert reply.headers["ETag"] == '"1"'
    given = {each["type"]: {"source": None, **each} for each in body["identifiers"]}
    assert {each["type"]: each for each in shown.pop("identifiers")} == given
    assert shown.pop("profile") == {
        "first_name": {"value": "Ann", "source": None},
        "city": {"value": "Köln", "source": None},
    }
    assert shown == {
        "id": made.json["id"],
        "revision": 1,
        "created_at": "2026-03-02T09:30:00.000000Z",
        "jurisdiction": "DE",
        "language": "ru",
        "age_band": "16_17",
        "restricted": False,
        "gpc_since": None,
    }


def test_a_customer_needs_nothing(shop):
    made = shop.api.post(BASE, {})
    shown = shop.api.get(f"{BASE}/{made.json['id']}").json
    assert (shown["identifiers"], shown["profile"], shown["jurisdiction"]) == ([], {}, None)


def test_ids_are_of_no_personal_value(shop):
    ids = [shop.customer("ann@example.org"), shop.customer("bob@example.org")]
    assert len(set(ids)) == 2
    for each in ids:
        assert each.startswith("cus_")
        assert len(each) == 30


def test_an_identifier_that_somebody_has_is_409_and_says_whose(shop):
    ann = shop.customer("ann@example.org", "+49301234567", "K-17")
    before = shop.counts()
    for kind, again in (
        ("email", "ann@example.org"),
        ("email", "ANN@EXAMPLE.ORG"),
        ("email", "ａｎｎ@example.org"),
        ("phone", "+49 30 1234567"),
        ("customer_number", "K-17"),
    ):
        new = {"type": "email", "value": "new@example.org"}
        reply = shop.api.post(BASE, {"identifiers": [new, {"type": kind, "value": again}]})
        assert (reply.status_code, reply.json["code"]) == (409, "identifier_known")
        assert reply.json["customer_id"] == ann
    assert shop.counts() == before
    assert shop.api.post(f"{BASE}/lookup", lookup("new@example.org")).status_code == 404


NOT_TO_BE_ADDED = [
    ({"identifiers": "ann@example.org"}, "/identifiers"),
    ({"identifiers": [{"type": "email"}]}, "/identifiers/0/value"),
    ({"identifiers": [{"type": "fax", "value": "1"}]}, "/identifiers/0/type"),
    ({"identifiers": [{"type": "email", "value": "ann"}]}, "/identifiers/0/value"),
    ({"identifiers": [{"type": "phone", "value": "030 1"}]}, "/identifiers/0/value"),
    ({"identifiers": [{"type": "email", "value": "a@a.org", "x": 1}]}, "/identifiers/0/x"),
    ({"identifiers": [{"type": "email", "value": "a@a.org"}] * 2}, "/identifiers"),
    (
        {"identifiers": [{"type": "customer_number", "value": str(n)} for n in range(21)]},
        "/identifiers",
    ),
    ({"profile": {"First Name": "Ann"}}, "/profile"),
    ({"profile": {"first_name": 7}}, "/profile/first_name"),
    ({"profile": {"first_name": "x" * 501}}, "/profile/first_name"),
    ({"profile": {f"name_{n}": "x" for n in range(41)}}, "/profile"),
    ({"jurisdiction": "de"}, "/jurisdiction"),
    ({"jurisdiction": "DE\n"}, "/jurisdiction"),
    ({"language": "english, please"}, "/language"),
    ({"age_band": "old"}, "/age_band"),
    ({"age_band": None}, "/age_band"),
    ({"unheard_of": 1}, "/unheard_of"),
    ([], ""),
]


def test_what_cannot_be_added_is_422_at_its_place(shop):
    before = shop.counts()
    for body, pointer in NOT_TO_BE_ADDED:
        reply = shop.api.post(BASE, body)
        assert (reply.status_code, reply.json["code"]) == (422, "invalid"), body
        assert pointer in faults(reply)
    assert shop.counts() == before


def test_many_at_once_with_one_address_make_one_customer(shop):
    start, replies, token = threading.Barrier(6), [], shop.token

    def add():
        start.wait()
        replies.append(
            shop.app.test_client().post(
                BASE,
                json={"identifiers": [{"type": "email", "value": "ann@example.org"}]},
                headers={"Authorization": f"Bearer {token}"},
            )
        )

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [reply.json["id"] for reply in replies if reply.status_code == 201]
    known = [reply.json["customer_id"] for reply in replies if reply.status_code == 409]
    assert len(made) == 1
    assert known == made * 5
    assert shop.counts()["customers"] == shop.counts()["identifier_index"] == 1


# --- Looking up


def lookup(value, kind="email"):
    return {"identifier": {"type": kind, "value": value}}


def test_a_customer_is_found_by_each_identifier_however_it_is_written(shop):
    given = ("ann@example.org", "+49301234567", "K-17")
    device = {"type": "device", "value": "0123456789abcdef"}
    ann = shop.customer(*given, device)
    for kind, value in (
        ("email", "ANN@example.org"),
        ("phone", "\u202a+49 (0)30 1234567\u202c"),
        ("customer_number", " K-17 "),
        ("device", "0123456789abcdef"),
    ):
        assert shop.api.post(f"{BASE}/lookup", lookup(value, kind)).json == {"id": ann}


def test_a_value_is_found_under_its_own_type_only(shop):
    shop.customer({"type": "customer_number", "value": "0123456789abcdef"})
    assert shop.api.post(f"{BASE}/lookup", lookup("0123456789abcdef", "device")).status_code == 404


def test_nobody_found_is_404(shop):
    reply = shop.api.post(f"{BASE}/lookup", lookup("nobody@example.org"))
    assert (reply.status_code, reply.json["code"]) == (404, "not_found")


def test_a_look_up_names_no_source(shop):
    body = {"identifier": {"type": "email", "value": "a@example.org", "source": "web_shop"}}
    assert fault(shop.api.post(f"{BASE}/lookup", body)) == ("/identifier/source", "unknown_field")


# --- Changing


def test_what_is_left_out_stays_and_null_removes(shop, patch):
    ann = shop.customer(profile={"first_name": "Ann", "city": "Köln"}, language="en")
    reply = patch(ann, {"profile": {"city": None, "last_name": "E"}, "language": None})
    assert reply.status_code == 200
    assert reply.headers["ETag"] == '"2"'
    assert {name: each["value"] for name, each in reply.json["profile"].items()} == {
        "first_name": "Ann",
        "last_name": "E",
    }
    assert (reply.json["language"], reply.json["jurisdiction"]) == (None, "DE")
    assert reply.json == shop.api.get(f"{BASE}/{ann}").json


def test_identifiers_are_replaced_as_a_whole(shop, patch):
    ann = shop.customer("ann@example.org", "+49301234567")
    reply = patch(ann, {"identifiers": [
        {"type": "phone", "value": "+49 30 1234567"}, {"type": "email", "value": "new@example.org"},
    ]})  # fmt: skip
    assert reply.status_code == 200
    assert identifiers(shop, ann) == {("phone", "+49 30 1234567"), ("email", "new@example.org")}
    assert shop.api.post(f"{BASE}/lookup", lookup("ann@example.org")).status_code == 404
    assert shop.api.post(f"{BASE}/lookup", lookup("new@example.org")).json == {"id": ann}
    other = shop.customer("ann@example.org")
    assert other != ann


def test_an_identifier_may_be_written_otherwise_and_come_from_elsewhere(shop, patch):
    ann = shop.customer("ann@example.org")
    wanted = {"type": "email", "value": "Ann@Example.org", "source": "web_shop"}
    assert patch(ann, {"identifiers": [wanted]}).json["identifiers"] == [wanted]
    assert shop.api.post(f"{BASE}/lookup", lookup("ann@example.org")).json == {"id": ann}


def test_an_identifier_of_another_is_409_and_nothing_changes(shop, patch):
    ann, bob = shop.customer("ann@example.org"), shop.customer("bob@example.org")
    before = shop.api.get(f"{BASE}/{ann}").json
    reply = patch(ann, {
        "profile": {"first_name": "Ann"},
        "identifiers": [{"type": "email", "value": "bob@example.org"}],
    })  # fmt: skip
    assert (reply.status_code, reply.json["customer_id"]) == (409, bob)
    assert shop.api.get(f"{BASE}/{ann}").json == before


def test_a_change_of_what_has_changed_is_412(shop, patch):
    ann = shop.customer()
    assert patch(ann, {"language": "en"}, 1).status_code == 200
    reply = patch(ann, {"language": "ru"}, 1)
    assert (reply.status_code, reply.json["code"]) == (412, "precondition_failed")
    assert shop.api.get(f"{BASE}/{ann}").json["language"] == "en"


def test_every_change_of_the_customer_s_things_is_a_change(shop, patch):
    ann = shop.customer("ann@example.org")
    for change in (
        lambda: shop.say(ann, "given"),
        lambda: shop.signal(ann),
        lambda: shop.suppress("ann@example.org"),
        lambda: patch(ann, {"language": "ru"}),
    ):
        before = shop.revision(ann)
        change()
        assert shop.revision(ann) == before + 1
        assert patch(ann, {"language": "en"}, before).status_code == 412


@pytest.mark.parametrize("body", [{}, {"profile": {}}])
def test_an_empty_change_leaves_the_revision_and_wants_to_know_it(shop, patch, body):
    ann = shop.customer("ann@example.org", profile={"first_name": "Ann"})
    before, rows = shop.api.get(f"{BASE}/{ann}"), shop.counts()
    reply = patch(ann, body, 1)
    assert (reply.status_code, reply.json) == (200, before.json)
    assert reply.headers["ETag"] == before.headers["ETag"] == '"1"'
    assert shop.counts() == rows
    assert patch(ann, body, 2).status_code == 412
    assert shop.api.patch(f"{BASE}/{ann}", body).status_code == 428


def test_another_if_match_than_a_revision_is_refused(shop):
    ann = shop.customer()
    for match in ('W/"1"', "1", "*", '"1", "2"', '"one"', '"99999999999"', '"²"', "zzz", ""):
        reply = shop.api.patch(f"{BASE}/{ann}", {}, headers={"If-Match": match})
        assert fault(reply) == ("", "invalid_if_match"), match
        assert "If-Match" in reply.json["errors"][0]["detail"]


def test_a_change_without_if_match_is_428(shop):
    reply = shop.api.patch(f"{BASE}/{shop.customer()}", {"language": "en"})
    assert (reply.status_code, reply.json["code"]) == (428, "precondition_required")


def test_a_change_that_cannot_be_meant_is_422(shop, patch):
    ann = shop.customer()
    for body, pointer in (
        ({"age_band": "x"}, "/age_band"),
        ({"revision": 7}, "/revision"),
        ({"id": "x"}, "/id"),
        ({"restricted": True}, "/restricted"),
        ({"identifiers": None}, "/identifiers"),
    ):
        assert fault(patch(ann, body))[0] == pointer
    assert shop.revision(ann) == 1


def test_of_two_changes_at_once_one_is_412(shop):
    ann, token = shop.customer(), shop.token
    start, statuses = threading.Barrier(4), []

    def change(language):
        start.wait()
        reply = shop.app.test_client().patch(
            f"{BASE}/{ann}",
            json={"language": language},
            headers={"Authorization": f"Bearer {token}", "If-Match": '"1"'},
        )
        statuses.append(reply.status_code)

    threads = [threading.Thread(target=change, args=(name,)) for name in ("en", "ru", "de", "fr")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412, 412]
    assert shop.revision(ann) == 2


# --- Unknown ids, scopes, what is stored


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_unknown_id_is_404_as_if_it_had_never_existed(shop, method):
    body = None if method == "GET" else {"language": "en"}
    assert_same_as_never_known(shop, method, BASE + "/{}", body, {"If-Match": '"1"'})


def test_each_route_asks_for_its_scope(open_shop):
    for method, path, body, scope in (
        ("POST", BASE, {}, "customers:write"),
        ("POST", f"{BASE}/lookup", lookup("a@example.org"), "customers:read"),
        ("GET", f"{BASE}/cus_1", None, "customers:read"),
        ("PATCH", f"{BASE}/cus_1", {}, "customers:write"),
    ):
        assert_needs_scope(open_shop, scope, method, path, body)


def test_nothing_personal_is_stored_in_the_clear(shop):
    shop.customer(
        "ann@ottermoor.org", "+49301234567", "K-17-secret", profile={"first_name": "Annabel"}
    )
    stored = repr([shop.rows(table) for table in shop.counts()])
    for value in ("ann@", "ottermoor.org", "4930", "K-17", "Annabel", "first_name"):
        assert value not in stored
