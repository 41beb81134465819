"""Fields of profiles that no purpose needs any more go, and nothing else does."""

from datetime import timedelta

import pytest

from consent_service.catalogue import service as catalogues
from consent_service.kernel.ids import new_customer_id, parse_customer_id
from consent_service.ledger import service as ledger
from consent_service.profile_retention import service
from consent_service.web.runtime import keys
from tests.support import log, small_catalogue
from tests.support.requests import Desk

ON_ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
PROFILE = {"first_name": "Ann", "birthday": "03-01", "note": "tall"}
CATEGORIES = [
    {"key": "name", "profile_fields": ["first_name"]},
    {"key": "age", "profile_fields": ["birthday"]},
]


@pytest.fixture
def load(shop):
    """A purpose of consent that needs the age, and a contract that needs the name."""

    def put():
        text = {"text": small_catalogue.texts("x"), "sensitive": False}
        purposes = (
            small_catalogue.purpose("news", data_categories=["age", "name"], retention_days=100),
            small_catalogue.purpose("orders", data_categories=["name"], legal_basis="contract"),
        )
        return shop.load(*purposes, data_categories=[{**text, **each} for each in CATEGORIES])

    return put


@pytest.fixture
def forget(shop, load):
    """`forget()`: a whole walk; how much went."""
    load()

    def run(walk=None):
        with shop.app.app_context():
            return (walk or service.Round()).forget(shop.clock(), keys())

    return run


def profile(shop, customer):
    return sorted(shop.api.get(f"/v1/customers/{customer}").json["profile"])


def removed(shop):
    with shop.app.app_context():
        return ledger.count_removed()


def test_what_no_purpose_needs_goes_once_and_the_log_says_how_much(shop, forget):
    ann, bob, carl = (shop.customer(profile=PROFILE) for _ in "abc")
    for each in (ann, bob):
        shop.say(each, "given")
    shop.clock.advance(timedelta(days=1))
    shop.say(ann, "withdrawn")
    shop.clock.advance(timedelta(days=99))
    assert forget() == 1  # carl's, who never said anything
    assert profile(shop, carl) == ["first_name", "note"]
    shop.clock.advance(timedelta(days=1))
    before = shop.revision(ann)
    assert forget() == 1
    assert profile(shop, ann) == ["first_name", "note"]
    assert profile(shop, bob) == sorted(PROFILE)
    assert shop.revision(ann) == before + 1
    assert removed(shop) == {"profile_field.birthday": 2}
    (one, other) = [
        r for r in shop.rows("ledger_entries") if r["reason"] == "retention_profile_field"
    ]
    assert {one["known"], one["client_id"], one["entries"]} == {False, None, 1}
    assert one["data_categories"] == other["data_categories"] == "birthday"
    changes = [r for r in shop.rows("ledger_entries") if r["kind"] == "customer"]
    assert [r["reason"] for r in changes].count("changed") == 2
    with shop.app.app_context():
        while log.seal():
            pass
        log.verify()


def test_nobody_is_touched_twice_for_nothing(shop, forget, count_statements):
    without = shop.customer(profile={"note": "tall"})
    shop.customer(profile=PROFILE)
    shop.clock.advance(timedelta(days=101))
    assert forget() == 1
    entries, revision = len(shop.rows("ledger_entries")), shop.revision(without)
    with count_statements() as seen:
        assert forget() == 0
    assert not any(s.lstrip().startswith(("UPDATE", "INSERT")) for s in seen)
    assert not any("customer_keys" in s for s in seen)
    assert (len(shop.rows("ledger_entries")), shop.revision(without)) == (entries, revision)


def test_what_came_to_a_profile_again_stays_as_long_again(shop, forget):
    ann = shop.customer(profile=PROFILE)
    shop.clock.advance(timedelta(days=101))
    assert forget() == 1
    etag = {"If-Match": f'"{shop.revision(ann)}"'}
    body = {"profile": {"birthday": "04-01"}}
    assert shop.api.patch(f"/v1/customers/{ann}", body, headers=etag).status_code == 200
    assert forget() == 0
    shop.clock.advance(timedelta(days=99))
    assert forget() == 0
    shop.clock.advance(timedelta(days=1))
    assert forget() == 1
    assert profile(shop, ann) == ["first_name", "note"]


@ON_ONE_STORE
def test_a_yes_that_comes_between_counts(shop, forget):
    ann = shop.customer(profile=PROFILE)
    shop.clock.advance(timedelta(days=101))
    shop.say(ann, "given")
    assert forget() == 0
    assert profile(shop, ann) == sorted(PROFILE)


@ON_ONE_STORE
def test_what_was_said_until_the_lock_counts(shop, forget):
    ann, bob = shop.customer(profile=PROFILE), shop.customer(profile=PROFILE)
    shop.clock.advance(timedelta(days=101))
    due = [parse_customer_id(each) for each in (ann, bob)] + [new_customer_id()]  # as was read
    shop.say(ann, "given")
    with shop.app.app_context():
        gone = service._remove(due, catalogues.current(), shop.clock(), keys())
    assert gone == {"birthday": 1}
    assert profile(shop, ann) == sorted(PROFILE)


@ON_ONE_STORE
def test_whoever_asked_for_something_or_is_restricted_waits(shop, forget):
    desk = Desk(shop)
    asked, held, restricted = (shop.customer(profile=PROFILE) for _ in "ahr")
    desk.ask(asked, "access")
    desk.act(desk.confirmed(held, "erasure"), "hold", reason="A claim.")
    desk.approved(restricted, "restriction")
    shop.clock.advance(timedelta(days=101))
    assert forget() == 0
    (request,) = desk.listed(customer_id=asked)
    assert desk.act(request, "reject", reason="No.").status_code == 200
    assert forget() == 1
    assert profile(shop, held) == profile(shop, restricted) == sorted(PROFILE)


@ON_ONE_STORE
def test_a_catalogue_removes_nothing_on_its_first_day(shop, forget, load):
    ann = shop.customer(profile=PROFILE)
    shop.clock.advance(timedelta(days=101))
    shop.load()
    assert forget() == 0  # no field has a category
    load()
    shop.clock.advance(timedelta(hours=23))
    assert forget() == 0
    shop.clock.advance(timedelta(hours=1))
    assert forget() == 1
    assert profile(shop, ann) == ["first_name", "note"]


def test_a_walk_goes_on_where_it_was_in_batches(shop, forget, monkeypatch):
    monkeypatch.setattr(service, "_BATCH", 2)
    monkeypatch.setattr(service, "_AT_ONCE", 1)
    for _ in range(5):
        shop.customer(profile=PROFILE)
    shop.clock.advance(timedelta(days=101))
    walk = service.Round()
    assert [forget(walk) for _ in range(4)] == [2, 2, 1, 0]
    assert removed(shop) == {"profile_field.birthday": 5}
    shop.customer(profile=PROFILE, identifiers=[])
    shop.clock.advance(timedelta(minutes=59))
    assert forget(walk) == 0  # it rests


@ON_ONE_STORE
def test_who_is_merged_is_looked_at_anew(shop, forget):
    ann, other = shop.customer(profile={"note": "x"}), shop.customer(profile=PROFILE)
    shop.clock.advance(timedelta(days=50))
    shop.merge(ann, other)
    shop.clock.advance(timedelta(days=99))
    assert forget() == 0
    shop.clock.advance(timedelta(days=1))
    assert forget() == 1
    assert profile(shop, ann) == ["first_name", "note"]


@ON_ONE_STORE
def test_a_catalogue_says_where_a_field_is_wrong(shop):
    def loaded(fields):
        category = {"key": "name", "text": small_catalogue.texts("x"), "sensitive": False}
        document = small_catalogue.document(
            small_catalogue.purpose("news", data_categories=["name"]),
            data_categories=[{**category, "profile_fields": fields}],
        )
        reply = shop.api.put("/v1/catalogue", document)
        return [(e["pointer"], e["code"]) for e in reply.json.get("errors", ())]

    at = "/data_categories/0/profile_fields"
    assert loaded(["first_name"]) == []
    assert loaded(["first_name", "Last Name"])[0][0] == f"{at}/1"
    assert loaded(["a", "a"]) == [(f"{at}/1", "repeated")]
    assert loaded("first_name") == [(at, "wrong_type")]
