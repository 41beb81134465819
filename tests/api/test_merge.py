"""Two customers who are one person: a no on either side wins, and nothing of either is lost."""

import itertools
import threading
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from consent_service.crypto import signing
from consent_service.customers import service as customers
from consent_service.kernel.ids import parse_customer_id
from consent_service.storage.db import normalised_url
from tests.support import log
from tests.support.problems import UNKNOWN, assert_needs_scope, fault, without_request
from tests.support.processes import within


@pytest.fixture
def two(shop):
    return (
        shop.customer("ann@example.org", profile={"first_name": "Ann", "city": "Köln"}),
        shop.customer("ann@example.com", profile={"first_name": "Anna", "phone_hours": "9-5"}),
    )


def path(customer):
    return f"/v1/customers/{customer}/merge"


def shown(shop, customer):
    return shop.api.get(f"/v1/customers/{customer}").json


# --- A no wins


@pytest.mark.parametrize("no", ["refused", "withdrawn", "objected", "revoked"])
def test_a_no_on_either_side_wins_whatever_the_times(shop, no):
    for number, (of, minutes) in enumerate(itertools.product((0, 1), (-9, 9))):
        addresses = f"a{number}@example.org", f"b{number}@example.org"
        two = [shop.customer(address) for address in addresses]
        shop.say(two[1 - of], "given", captured_at=shop.at(hours=-1))
        shop.say(two[of], no, captured_at=shop.at(hours=-1, minutes=minutes))
        shop.merge(*two)
        for named in (*two, *addresses):
            answer = shop.check(named)
            assert (answer["outcome"], answer["reason"]) == ("deny", no), (of, minutes)
        assert shop.states(two[0])["news"] == no


def test_the_person_is_asked_again(shop, two):
    kept, absorbed = two
    shop.say(kept, "withdrawn", captured_at=shop.at(days=-3))
    shop.say(absorbed, "given", captured_at=shop.at(days=-1))
    shop.merge(kept, absorbed)
    late = shop.say(absorbed, "given", captured_at=shop.at(hours=-1))
    assert late["state"] == "withdrawn"
    shop.clock.advance(timedelta(seconds=1))
    assert shop.say(kept, "given")["state"] == "given"
    assert shop.reason(kept) == "consent_given"


def test_a_no_to_all_channels_wins_over_a_yes_to_one(shop, two):
    kept, absorbed = two
    shop.say(kept, "withdrawn", "offers", captured_at=shop.at(days=-3))
    shop.say(absorbed, "given", "offers", channel="sms", captured_at=shop.at(days=-1))
    shop.merge(kept, absorbed)
    for channel in ("email", "sms", "push"):
        assert shop.reason(kept, "offers", channel=channel) == "withdrawn"


def test_a_no_beneath_a_request_wins_too(shop, two):
    kept, absorbed = two
    shop.say(kept, "objected", "printed", captured_at=shop.at(days=-3))
    shop.say(kept, "requested", "printed", captured_at=shop.at(days=-2))
    shop.say(absorbed, "given", "printed", captured_at=shop.at(days=-1))
    shop.merge(kept, absorbed)
    assert shop.reason(kept, "printed") == "objected"


def test_two_yeses_make_the_later_one(shop, two):
    kept, absorbed = two
    shop.say(kept, "given", notice_version="legacy", captured_at=shop.at(days=-3))
    shop.say(absorbed, "given", captured_at=shop.at(days=-1))
    shop.merge(kept, absorbed)
    assert shop.check(kept)["notice_version"] == "1"


def test_a_request_takes_no_yes_away(shop, two):
    kept, absorbed = two
    shop.say(kept, "given", captured_at=shop.at(days=-3))
    shop.say(absorbed, "requested", captured_at=shop.at(days=-1))
    shop.merge(kept, absorbed)
    assert shop.reason(kept) == "consent_given"


def test_what_one_side_alone_said_is_kept(shop, two):
    kept, absorbed = two
    shop.say(kept, "given")
    shop.say(absorbed, "given", "ads")
    shop.say(absorbed, "refused", "printed")
    shop.merge(kept, absorbed)
    assert (shop.reason(kept), shop.reason(kept, "ads")) == ("consent_given", "consent_given")
    assert shop.reason(kept, "printed") == "refused"


def test_the_no_that_is_said_anew_stands_in_the_history(shop, two):
    kept, absorbed = two
    shop.say(kept, "given", captured_at=shop.at(days=-1))
    shop.say(absorbed, "withdrawn", captured_at=shop.at(days=-3), touchpoint="store")
    before = shop.history(kept) + shop.history(absorbed)
    shop.clock.advance(timedelta(hours=1))
    shop.merge(kept, absorbed)
    history = shop.history(kept)
    again = history[-1]
    assert (again["event"], again["happened_at"], again["actor"]) == (
        "withdrawn", shop.at(), "system:consent",
    )  # fmt: skip
    assert (again["touchpoint"], again["channel"]) == ("store", "email")
    assert sorted((e["event"], e["happened_at"]) for e in history[:-1]) == sorted(
        (e["event"], e["happened_at"]) for e in before
    )


def test_where_both_agree_nothing_is_said_anew(shop, two):
    kept, absorbed = two
    for customer in two:
        shop.say(customer, "withdrawn")
        shop.say(customer, "given", "ads")
    shop.merge(kept, absorbed)
    assert len(shop.history(kept)) == 4


# --- Facts, suppressions, signals


@pytest.mark.parametrize("of", ["kept", "absorbed"])
def test_signals_and_restriction_of_either_side_hold(shop, of):
    kept, absorbed = (shop.customer(jurisdiction="US-CA") for _ in range(2))
    marked = kept if of == "kept" else absorbed
    shop.signal(marked, captured_at=shop.at(minutes=-5))
    shop.merge(kept, absorbed)
    assert shop.reason(kept, "ads") == "gpc"
    assert shown(shop, kept)["gpc_since"] == shop.at(minutes=-5)


@pytest.mark.parametrize("of", [0, 1])
def test_a_restriction_of_either_side_holds(shop, two, of):
    shop.say(two[0], "given")
    with shop.app.app_context():
        found = parse_customer_id(two[of])
        customers.change_facts(found, 9, lambda f: replace(f, restricted=True), shop.clock())
    shop.merge(*two)
    assert shop.reason(two[0]) == "restricted"
    assert shown(shop, two[0])["restricted"]


def test_the_stricter_jurisdiction_wins(shop):
    for ours, theirs, merged in (
        ("DE", "US-CA", "DE"),
        ("US-CA", "DE", "DE"),
        ("DE", "IN", "IN"),
        ("IN", "US-CA", "IN"),
        ("DE", "DE", "DE"),
        ("DE", None, None),
        (None, "US-CA", None),
    ):
        kept, absorbed = shop.customer(jurisdiction=ours), shop.customer(jurisdiction=theirs)
        shop.merge(kept, absorbed)
        assert shown(shop, kept)["jurisdiction"] == merged, (ours, theirs)


def test_the_younger_age_counts(shop):
    for ours, theirs, merged in (
        ("adult", "13_15", "13_15"),
        ("under_13", "16_17", "under_13"),
        (None, "16_17", "16_17"),
    ):
        bands = [{} if band is None else {"age_band": band} for band in (ours, theirs)]
        kept, absorbed = (shop.customer(**band) for band in bands)
        shop.merge(kept, absorbed)
        assert shown(shop, kept)["age_band"] == merged, (ours, theirs)


@pytest.mark.parametrize("reason", ["complained", "undeliverable", "deceased"])
def test_suppressions_of_either_side_move_along(shop, reason):
    for of in (0, 1):
        addresses = f"a{of}@example.org", f"b{of}@example.org"
        two = [shop.customer(address) for address in addresses]
        shop.suppress(addresses[of], reason)
        shop.say(two[0], "given", captured_at=shop.at(hours=-1))
        shop.merge(*two)
        assert shop.reason(addresses[of]) == "suppressed"
        other = shop.reason(addresses[1 - of])
        assert other == ("consent_given" if reason == "undeliverable" else "suppressed")
        assert shop.reason(two[0]) == other


def test_a_mark_that_stands_beside_both_is_merged_into_one(shop, two):
    kept, absorbed = two
    shop.suppress("ann@example.org")
    for customer, wanted in ((kept, "new@example.org"), (absorbed, "ann@example.org")):
        shop.api.patch(
            f"/v1/customers/{customer}",
            {"identifiers": [{"type": "email", "value": wanted}]},
            headers={"If-Match": f'"{shop.revision(customer)}"'},
        )
    shop.merge(kept, absorbed)
    assert shop.counts()["customer_suppressions"] == 1
    assert shop.reason(kept, "printed") == "suppressed"


# --- Who they are now


def test_identifiers_move_and_the_profile_is_completed(shop, two):
    kept, absorbed = two
    merged = shop.merge(kept, absorbed)
    found = shown(shop, kept)
    assert merged == {"id": kept, "revision": found["revision"]}
    assert {each["value"] for each in found["identifiers"]} == {
        "ann@example.org",
        "ann@example.com",
    }
    assert {name: each["value"] for name, each in found["profile"].items()} == {
        "first_name": "Ann", "city": "Köln", "phone_hours": "9-5",
    }  # fmt: skip
    for address in ("ann@example.org", "ann@example.com"):
        body = {"identifier": {"type": "email", "value": address}}
        assert shop.api.post("/v1/customers/lookup", body).json == {"id": kept}


def test_nothing_is_left_of_the_absorbed_but_its_name(shop, two):
    kept, absorbed = two
    shop.say(absorbed, "given", evidence={"ip": "192.0.2.7"})
    shop.check(absorbed)
    shop.suppress("ann@example.com")
    shop.api.post("/v1/consents", shop.event(absorbed, "given"), headers={"Idempotency-Key": "k1"})
    shop.merge(kept, absorbed)
    gone = {row["customer_id"] for row in shop.rows("customer_aliases")}
    assert len(gone) == 1
    for table in shop.counts().keys() - {"customer_aliases"}:
        rows = shop.rows(table)
        assert not gone & {row.get("customer_id") for row in rows}, table
    assert len(shop.rows("customer_keys")) == 2


def test_the_revision_goes_past_both(shop, two):
    kept, absorbed = two
    for _ in range(3):
        token = shop.say(absorbed, "refused")["consent_token"]
    merged = shop.merge(kept, absorbed)
    assert merged["revision"] > 4
    assert shop.reason(kept, at_least_as_fresh=token) == "refused"
    after = shop.say(kept, "given", "ads")
    assert after["revision"] == merged["revision"] + 1


def test_the_merge_is_logged(shop, two):
    shop.merge(*two)
    (entry,) = [r for r in shop.rows("ledger_entries") if r["reason"] == "customer_merged"]
    assert (entry["kind"], entry["client_id"], entry["known"]) == ("staff_act", "shop", True)


# --- The absorbed id stays good


@pytest.fixture
def alias(shop, two):
    """What was done with the absorbed id before the merge."""
    kept, absorbed = two
    done = shop.say(absorbed, "given", evidence={"ip": "192.0.2.7"})
    answer = shop.check(absorbed)
    receipt = shop.api.get(f"/v1/receipts/{done['event_id']}").get_data(as_text=True)
    statement = shop.api.get(f"/v1/decisions/{answer['decision_id']}").get_data(as_text=True)
    shop.merge(kept, absorbed)
    return {
        "kept": kept, "absorbed": absorbed, "done": done, "answer": answer,
        "receipt": receipt, "statement": statement,
    }  # fmt: skip


def test_an_alias_is_good_for_reading(shop, alias):
    kept, absorbed = alias["kept"], alias["absorbed"]
    assert shown(shop, absorbed) == shown(shop, kept)
    assert shop.states(absorbed) == shop.states(kept)
    assert [e["event"] for e in shop.history(absorbed)] == ["given"]
    own = shop.api.get(f"/v1/customers/{absorbed}/disclosures").json
    assert own == shop.api.get(f"/v1/customers/{kept}/disclosures").json
    listed = shop.api.get("/v1/disclosures", query_string={"customer_id": absorbed}).json
    assert [item["customer_id"] for item in listed["items"]] == [kept]


def test_an_alias_is_good_for_checks_and_tokens(shop, alias):
    token = alias["done"]["consent_token"]
    for named in (alias["absorbed"], alias["kept"], "ann@example.com"):
        assert shop.reason(named, at_least_as_fresh=token) == "consent_given"


def test_an_alias_is_good_for_events_signals_and_changes(shop, alias):
    kept, absorbed = alias["kept"], alias["absorbed"]
    shop.clock.advance(timedelta(seconds=1))
    assert shop.say(absorbed, "withdrawn")["state"] == "withdrawn"
    assert shop.reason(kept) == "withdrawn"
    shop.signal(absorbed)
    assert shown(shop, kept)["gpc_since"]
    reply = shop.api.patch(
        f"/v1/customers/{absorbed}",
        {"language": "ru"},
        headers={"If-Match": f'"{shop.revision(kept)}"'},
    )
    assert (reply.status_code, reply.json["id"], reply.json["language"]) == (200, kept, "ru")


def test_an_answer_kept_for_a_repeat_is_the_kept_customer_s(shop, alias):
    body = {"customer_id": alias["absorbed"], "signal": "gpc", "captured_at": shop.at(),
            "touchpoint": "web"}  # fmt: skip
    shop.api.post("/v1/signals", body, headers={"Idempotency-Key": "k1"})
    (row,) = shop.rows("idempotency_records")
    (customer,) = shop.rows("customers")
    assert row["customer_id"] == customer["customer_id"]


def test_receipts_and_statements_of_the_alias_stay_good(shop, alias):
    keys = shop.api.get("/oauth/jwks.json").json
    receipt = shop.api.get(f"/v1/receipts/{alias['done']['event_id']}").get_data(as_text=True)
    now, then = (
        signing.verify(keys, text, "consent-receipt+jws") for text in (receipt, alias["receipt"])
    )
    assert now["event"] == then["event"]
    assert now["pii_principal_id"] == alias["kept"]
    url = f"/v1/decisions/{alias['answer']['decision_id']}"
    statement = shop.api.get(url).get_data(as_text=True)
    now, then = (
        signing.verify(keys, text, "consent-decision+jws")
        for text in (statement, alias["statement"])
    )
    assert now == then


def test_an_alias_of_an_alias_leads_to_the_last(shop, alias):
    last = shop.customer()
    shop.merge(last, alias["absorbed"])
    for named in (alias["absorbed"], alias["kept"], last):
        assert shown(shop, named)["id"] == last
        assert shop.reason(named) == "consent_given"


def test_a_merge_into_an_alias_is_into_whom_it_leads_to(shop, alias):
    other = shop.customer()
    assert shop.merge(alias["absorbed"], other)["id"] == alias["kept"]
    assert shown(shop, other)["id"] == alias["kept"]


# --- What cannot be merged


def test_one_customer_is_not_merged(shop, alias):
    for one, other in (
        (alias["kept"], alias["kept"]),
        (alias["kept"], alias["absorbed"]),
        (alias["absorbed"], alias["kept"]),
    ):
        reply = shop.api.post(path(one), {"duplicate_id": other})
        assert (reply.status_code, reply.json["code"]) == (409, "same_customer")


def test_nobody_is_not_merged(shop, two):
    before = shop.counts()
    replies = [
        shop.api.post(path(two[0]), {"duplicate_id": UNKNOWN}),
        shop.api.post(path(UNKNOWN), {"duplicate_id": two[0]}),
        shop.api.post(path("cus_1"), {"duplicate_id": two[0]}),
    ]
    assert {reply.status_code for reply in replies} == {404}
    assert len({repr(without_request(reply)) for reply in replies}) == 1
    assert fault(shop.api.post(path(two[0]), {"duplicate_id": "x"}))[0] == "/duplicate_id"
    assert fault(shop.api.post(path(two[0]), {}))[0] == "/duplicate_id"
    assert shop.counts() == before


def test_a_merge_that_fails_changes_nothing(shop, two):
    kept, absorbed = two
    shop.say(absorbed, "given")
    before, shown_before = shop.counts(), [shown(shop, each) for each in two]
    shop.change_store("ALTER TABLE customer_aliases RENAME TO elsewhere")
    reply = shop.app.test_client().post(
        path(kept),
        json={"duplicate_id": absorbed},
        headers={"Authorization": f"Bearer {shop.token}"},
    )
    assert reply.status_code >= 500
    shop.change_store("ALTER TABLE elsewhere RENAME TO customer_aliases")
    assert shop.counts() == before
    assert [shown(shop, each) for each in two] == shown_before
    shop.merge(kept, absorbed)


def test_crossed_merges_at_once_make_one_customer(shop, two):
    start, statuses, token = threading.Barrier(2), [], shop.token

    def merge(one, other):
        start.wait()
        reply = shop.app.test_client().post(
            path(one),
            json={"duplicate_id": other},
            headers={"Authorization": f"Bearer {token}"},
        )
        statuses.append(reply.status_code)

    threads = [threading.Thread(target=merge, args=pair) for pair in (two, two[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]
    assert shown(shop, two[0])["id"] == shown(shop, two[1])["id"]


def test_a_withdrawal_during_a_merge_is_not_lost(shop, two):
    """It waits for the lock, and finds who the absorbed has become."""
    kept, absorbed = two
    shop.say(absorbed, "given")
    shop.clock.advance(timedelta(seconds=1))
    start, replies, token = threading.Barrier(5), [], shop.token
    withdrawal = shop.event(absorbed, "withdrawn")

    def withdraw():
        start.wait()
        replies.append(
            shop.app.test_client().post(
                "/v1/consents", json=withdrawal, headers={"Authorization": f"Bearer {token}"}
            )
        )

    threads = [threading.Thread(target=withdraw) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait()
    shop.merge(kept, absorbed)
    for thread in threads:
        thread.join()
    assert [reply.status_code for reply in replies] == [201] * 4
    assert shop.reason(kept) == "withdrawn"
    assert len([e for e in shop.history(kept) if e["event"] == "withdrawn"]) == 4


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_what_retention_takes_during_a_merge_does_not_come_back(shop, two, store):
    shop.check(two[1])
    with shop.app.app_context():
        log.seal()
    (gone,) = [row["id"] for row in shop.rows("ledger_entries") if row["kind"] == "decision"]
    engine = create_engine(normalised_url(store))
    with engine.begin() as worker:
        one = {"id": gone}
        worker.execute(text("UPDATE ledger_leaves SET entry_id = NULL WHERE entry_id = :id"), one)
        worker.execute(text("DELETE FROM ledger_entries WHERE id = :id"), one)
        worker.execute(text("INSERT INTO ledger_gone (what, unsaid) VALUES ('decision', 1)"))
        merge = threading.Thread(target=shop.merge, args=two)
        merge.start()
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        within(20, lambda: worker.scalar(waits))
    merge.join()
    engine.dispose()
    assert gone not in {row["id"] for row in shop.rows("ledger_entries")}
    with shop.app.app_context():
        log.seal()
        assert log.verify(after=timedelta(hours=1)).erased == 1


def test_the_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "customers:write", "POST", path("cus_1"), {})
