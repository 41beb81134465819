"""One check: the answer, its log entry, its signed statement."""

import json
import threading
from datetime import timedelta

import pytest

from consent_service.crypto import signing
from consent_service.decisions import service
from consent_service.storage.direct import Door
from tests.support import small_catalogue
from tests.support.problems import UNKNOWN, assert_needs_scope, fault, without_request

BASE = "/v1/decisions"


@pytest.fixture
def ann(shop):
    return shop.customer("ann@example.org")


def entries(shop, kind="decision"):
    return [row for row in shop.rows("ledger_entries") if row["kind"] == kind]


# --- The answer


def test_an_answer_says_what_it_rests_on(shop, ann):
    done = shop.say(ann, "given")
    answer = shop.check(ann)
    assert answer.pop("decision_id").startswith("dec_")
    assert answer == {
        "outcome": "permit",
        "reason": "consent_given",
        "purpose": "news",
        "channel": "email",
        "data_categories": ["email_address", "name"],
        "record_revision": done["revision"],
        "notice_version": "1",
        "evaluated_at": shop.at(),
        "valid_until": shop.at(seconds=60),
    }


def test_a_denial_is_an_answer(shop, ann):
    answer = shop.check(ann)
    assert (answer["outcome"], answer["reason"]) == ("deny", "no_record")
    assert (answer["record_revision"], answer["notice_version"]) == (None, None)


def test_somebody_unknown_is_denied_like_somebody_who_said_nothing(shop):
    for body in (
        {"customer_id": UNKNOWN},
        {"identifier": {"type": "phone", "value": "+49301234567"}},
    ):
        reply = shop.api.post(BASE, {**body, "purpose": "news"})
        assert (reply.status_code, reply.json["reason"]) == (200, "no_record")


def test_each_rule_answers_over_http(shop):
    ann, ca, child = (
        shop.customer("ann@example.org", "+49301234567"),
        shop.customer(jurisdiction="US-CA"),
        shop.customer(age_band="13_15"),
    )
    india, nowhere = shop.customer(jurisdiction="IN"), shop.customer(jurisdiction=None)
    marked = shop.customer("marked@example.org")
    shop.suppress("marked@example.org")
    gpc = shop.customer(jurisdiction="US-CA")
    shop.signal(gpc)
    answers = [
        (shop.reason(ann, recipient="broker"), "recipient_not_allowed"),
        (shop.reason(ann, recipient="unheard_of"), "recipient_not_allowed"),
        (shop.reason(ann, data_categories=["purchase_history"]), "category_not_allowed"),
        (shop.reason(ann, data_categories=["unheard_of"]), "category_not_allowed"),
        (shop.reason(ann, channel="sms"), "channel_not_allowed"),
        (shop.reason(ann, "offers"), "channel_required"),
        (shop.reason(marked), "suppressed"),
        (shop.reason(marked, "orders", channel="email"), "legal_basis"),
        (shop.reason("nobody@example.org"), "no_record"),
        (shop.reason(child), "guardian_required"),
        (shop.reason(ann, "orders", channel="email"), "legal_basis"),
        (shop.reason(india, "orders", channel="email"), "no_record"),
        (shop.reason(nowhere, "orders", channel="email"), "no_record"),
        (shop.reason(india, "recalls"), "legal_basis"),
        (shop.reason(ann, "printed"), "legal_basis"),
        (shop.reason(india, "printed"), "no_record"),
        (shop.reason(ann), "no_record"),
        (shop.reason(ca), "not_opted_out"),
        (shop.reason(ca, "ads"), "not_opted_out"),
        (shop.reason(gpc, "ads"), "gpc"),
        (shop.reason(gpc), "not_opted_out"),
    ]
    assert [found for found, _ in answers] == [expected for _, expected in answers]


def test_restricted_processing_is_denied_without_a_ground(shop, ann):
    shop.say(ann, "given")
    shop.change_store("UPDATE customer_facts SET restricted = true")
    assert shop.reason(ann) == "restricted"
    assert shop.reason(ann, "orders", channel="email") == "restricted"
    assert shop.reason(ann, "recalls") == "legal_basis"


def test_categories_asked_for_are_those_answered_for(shop, ann):
    answer = shop.check(ann, data_categories=["name"])
    assert answer["data_categories"] == ["name"]


def test_the_recipient_is_the_client_s_first_unless_it_names_another(shop, open_shop, ann):
    other = open_shop("other", recipients=("broker", "mailer"))
    body = {"customer_id": ann, "purpose": "recalls"}
    for client, more, reason in (
        (other, {}, "recipient_not_allowed"),
        (other, {"recipient": "mailer"}, "legal_basis"),
        (other, {"recipient": "warehouse"}, "recipient_not_allowed"),
    ):
        assert client.api.post(BASE, {**body, **more}).json["reason"] == reason


def test_the_catalogue_in_force_is_asked_at_each_check(shop, ann):
    assert shop.reason(ann, "printed") == "legal_basis"
    shop.load(small_catalogue.purpose("printed", channels=["post"]))
    assert shop.reason(ann, "printed") == "no_record"


def test_an_undeliverable_address_is_not_used_and_another_is(shop):
    ann = shop.customer("ann@example.org", "new@example.org", "+49301234567")
    shop.say(ann, "given")
    shop.suppress("ann@example.org", "undeliverable")
    assert shop.reason("ann@example.org") == "suppressed"
    assert shop.reason("new@example.org") == "consent_given"
    assert shop.reason(ann) == "consent_given"
    assert shop.reason("+49301234567") == "consent_given"
    shop.suppress("new@example.org", "undeliverable")
    for named in (ann, "new@example.org", "+49301234567"):
        assert shop.reason(named) == "suppressed"


BAD = [
    ({"purpose": "unheard.of"}, "/purpose", "unknown_purpose"),
    ({"purpose": None}, "/purpose", "required"),
    ({"channel": "pigeon"}, "/channel", "invalid"),
    ({"data_categories": "name"}, "/data_categories", "invalid"),
    ({"data_categories": ["Not A Key"]}, "/data_categories/0", "invalid"),
    ({"recipient": "Not A Key"}, "/recipient", "invalid"),
    ({"context": {"campaign": "spring sale"}}, "/context/campaign", "invalid"),
    ({"context": {"other": "x"}}, "/context/other", "unknown_field"),
    ({"at_least_as_fresh": "ctk_1"}, "/at_least_as_fresh", "invalid_consent_token"),
    ({"customer_id": "cus_1"}, "/customer_id", "invalid"),
    ({"customer_id": None}, "/customer_id", "invalid"),
    ({"identifier": {"type": "email", "value": "a@example.org"}}, "/customer_id", "invalid"),
    ({"as_of": "2026-01-01T00:00:00Z"}, "/as_of", "unknown_field"),
]


def test_what_cannot_be_asked_is_422_at_its_place_and_not_logged(shop, ann):
    for changes, pointer, code in BAD:
        body = {"customer_id": ann, "purpose": "news", **changes}
        body = {name: value for name, value in body.items() if value is not None}
        assert fault(shop.api.post(BASE, body)) == (pointer, code), changes
    assert entries(shop) == []


def test_without_a_catalogue_there_is_no_answer(open_shop):
    shop = open_shop("shop")
    reply = shop.api.post(BASE, {"customer_id": UNKNOWN, "purpose": "news"})
    assert (reply.status_code, reply.json["code"]) == (503, "no_catalogue")


# --- Freshness


def test_an_answer_is_at_least_as_fresh_as_a_token(shop, ann):
    token = shop.say(ann, "given")["consent_token"]
    assert shop.reason(ann, at_least_as_fresh=token) == "consent_given"
    assert shop.reason("ann@example.org", at_least_as_fresh=token) == "consent_given"
    signal = shop.signal(ann)["consent_token"]
    assert shop.reason(ann, at_least_as_fresh=signal) == "consent_given"


def test_a_store_that_is_behind_a_token_answers_nothing(shop, ann):
    token = shop.say(ann, "given")["consent_token"]
    shop.change_store("UPDATE customers SET revision = revision - 1")
    reply = shop.api.post(BASE, {"customer_id": ann, "purpose": "news", "at_least_as_fresh": token})
    assert (reply.status_code, reply.json["code"]) == (503, "stale")
    assert reply.headers["Retry-After"] == "1"
    assert entries(shop) == []
    assert shop.reason(ann) == "consent_given"


def test_a_token_of_another_customer_is_422(shop, ann):
    token = shop.say(shop.customer(), "given")["consent_token"]
    body = {"customer_id": ann, "purpose": "news", "at_least_as_fresh": token}
    assert fault(shop.api.post(BASE, body)) == ("/at_least_as_fresh", "invalid_consent_token")


def test_what_an_answer_rests_on_was_all_true_at_one_moment(shop, ann, monkeypatch):
    """At no time is there a permit: first a mark keeps it away, then the withdrawal. Whoever
    reads the yes before and the marks after both changes would see one."""
    shop.say(ann, "given", captured_at=shop.at(hours=-1))
    mark = shop.suppress("ann@example.org")
    token, changed = shop.token, []

    def change():
        client, headers = shop.app.test_client(), {"Authorization": f"Bearer {token}"}
        withdrawal = shop.event(ann, "withdrawn")
        changed.append(client.post("/v1/consents", json=withdrawal, headers=headers).status_code)
        url = f"/v1/suppressions/{mark['id']}"
        changed.append(client.delete(url, headers=headers).status_code)

    read = Door.rows

    def read_and_change(door, statement, **values):
        found = read(door, statement, **values)
        if "consent_records" in statement.compiled(door.dialect).text and not changed:
            changed.append("begun")
            thread = threading.Thread(target=change)
            thread.start()
            thread.join()
        return found

    monkeypatch.setattr(Door, "rows", read_and_change)
    answer = shop.check(ann)
    assert changed == ["begun", 201, 200]
    assert answer["outcome"] == "deny"
    assert shop.reason(ann) == "withdrawn"


# --- The log


def test_every_answer_has_its_entry(shop, ann):
    shop.say(ann, "given")
    answers = [
        shop.check(ann, context={"campaign": "Spring:1", "touchpoint": "web"}),
        shop.check(ann, recipient="broker"),
        shop.check("nobody@example.org"),
        shop.check(UNKNOWN),
    ]
    listed = shop.api.get("/v1/disclosures").json["items"]
    assert [item["id"] for item in listed] == [answer["decision_id"] for answer in answers]
    for item, answer in zip(listed, answers, strict=True):
        for name in ("outcome", "reason", "purpose", "channel", "data_categories"):
            assert item[name] == answer[name]
        assert (item["kind"], item["client_id"]) == ("decision", "shop")
        assert item["occurred_at"] == item["recorded_at"] == answer["evaluated_at"]
    assert [item["customer_id"] for item in listed] == [ann, ann, None, None]
    assert (listed[0]["touchpoint"], listed[0]["recipient"]) == ("web", "mailer")


def test_a_check_is_logged_each_time_whatever_key_it_carries(shop, ann):
    body, headers = {"customer_id": ann, "purpose": "news"}, {"Idempotency-Key": "k1"}
    first = shop.api.post(BASE, body, headers=headers).json
    shop.say(ann, "given")
    again = shop.api.post(BASE, body, headers=headers).json
    assert (first["reason"], again["reason"]) == ("no_record", "consent_given")
    assert len(entries(shop)) == 2


def test_what_cannot_be_logged_is_not_answered(shop, ann):
    shop.say(ann, "given")
    shop.change_store("ALTER TABLE ledger_entries RENAME TO elsewhere")
    for body in (
        {"customer_id": ann, "purpose": "news"},
        {"identifier": {"type": "email", "value": "nobody@example.org"}, "purpose": "news"},
    ):
        one = shop.api.post(BASE, body)
        many = shop.api.post(BASE + "/batch", {"checks": [body]})
        for reply in (one, many):
            assert (reply.status_code, reply.json["code"]) == (503, "not_logged")
            assert reply.headers["Retry-After"] == "1"
            assert "outcome" not in reply.get_data(as_text=True)
    shop.change_store("ALTER TABLE elsewhere RENAME TO ledger_entries")
    assert entries(shop) == []
    assert shop.reason(ann) == "consent_given"


def test_one_batch_at_a_time(shop, ann, monkeypatch):
    """Another waits, and in the end no longer; single checks do not."""
    monkeypatch.setattr(service._batches, "wait_s", 0.1)
    body = {"customer_id": ann, "purpose": "news"}
    with service._batches.turn():
        late = shop.api.post(BASE + "/batch", {"checks": [body]})
        assert (late.status_code, late.json["code"]) == (503, "unavailable")
        assert late.headers["Retry-After"] == "1"
        assert shop.api.post(BASE, body).status_code == 200
    assert entries(shop, "batch") == []
    assert shop.api.post(BASE + "/batch", {"checks": [body]}).status_code == 200
    assert len(entries(shop, "batch")) == 1


def test_what_cannot_be_logged_is_not_done(shop, ann):
    before = shop.counts()
    shop.change_store("ALTER TABLE ledger_entries RENAME TO elsewhere")
    replies = [
        shop.api.post("/v1/consents", shop.event(ann, "given")),
        shop.api.post("/v1/consents", {"events": [shop.event(ann, "given")]}),
        shop.api.post(
            "/v1/signals",
            {"customer_id": ann, "signal": "gpc", "captured_at": shop.at(), "touchpoint": "web"},
        ),
    ]
    assert [reply.status_code for reply in replies] == [503, 503, 503]
    shop.change_store("ALTER TABLE elsewhere RENAME TO ledger_entries")
    assert shop.counts() == before
    assert shop.revision(ann) == 1


def test_made_up_words_are_not_kept_in_the_clear(shop, ann):
    shop.check(ann, data_categories=["annabel.canary"], context={"touchpoint": "annabel_canary"})
    shop.check("canary@example.org", context={"campaign": "annabel-canary"})
    shop.check(ann, recipient="annabel_canary")
    assert len(entries(shop)) == 3
    assert "canary" not in repr(shop.rows("ledger_entries"))


def test_an_entry_about_nobody_known_holds_nothing_of_them(shop):
    shop.check("nobody@example.org", context={"campaign": "spring"})
    (entry,) = entries(shop)
    assert (entry["known"], entry["payload"], entry["commitment"]) == (False, None, None)
    assert entry["customer_id"] == entry["id"]


# --- The statement


@pytest.fixture
def statement(shop, ann):
    shop.say(ann, "given")
    answer = shop.check(ann)
    reply = shop.api.get(f"{BASE}/{answer['decision_id']}")
    assert (reply.status_code, reply.mimetype) == (200, "application/jose")
    return answer, reply.get_data(as_text=True)


def verified(shop, text):
    return signing.verify(shop.api.get("/oauth/jwks.json").json, text, "consent-decision+jws")


def test_a_statement_says_what_was_answered_to_whom(shop, ann, statement):
    answer, text = statement
    claims = verified(shop, text)
    for name, value in answer.items():
        assert claims.pop(name) == value, name
    assert claims == {
        "iss": "http://127.0.0.1:8000",
        "customer_id": ann,
        "recipient": "mailer",
        "client_id": "shop",
        "catalogue_version": 1,
    }


def test_a_statement_that_was_changed_does_not_verify(shop, statement):
    header, payload, signature = statement[1].split(".")
    keys = shop.api.get("/oauth/jwks.json").json
    for changed in (
        f"{header}.{payload[:-2]}AA.{signature}",
        f"{header}.{payload}.{signature[:10]}AAAA{signature[14:]}",
        f"{header}.{payload}.",
    ):
        with pytest.raises(signing.BadSignature):
            signing.verify(keys, changed, "consent-decision+jws")
    with pytest.raises(signing.BadSignature):
        signing.verify(keys, statement[1], "consent-receipt+jws")
    keys["keys"][0]["x"] = "A" * 43
    with pytest.raises(signing.BadSignature):
        signing.verify(keys, statement[1], "consent-decision+jws")


def test_a_statement_stays_as_it_was_answered(shop, ann, statement):
    answer, text = statement
    shop.clock.advance(timedelta(days=1))
    shop.say(ann, "withdrawn")
    again = shop.api.get(f"{BASE}/{answer['decision_id']}").get_data(as_text=True)
    assert verified(shop, again) == verified(shop, text)


def test_a_statement_about_nobody_known(shop):
    answer = shop.check("nobody@example.org")
    text = shop.api.get(f"{BASE}/{answer['decision_id']}").get_data(as_text=True)
    claims = verified(shop, text)
    assert (claims["customer_id"], claims["reason"]) == (None, "no_record")
    assert "nobody" not in json.dumps(claims)


def test_a_statement_is_for_the_client_that_asked(shop, open_shop, statement):
    other = open_shop("other")
    path = f"{BASE}/{statement[0]['decision_id']}"
    never = other.api.get(f"{BASE}/dec_{'0' * 52}")
    theirs = other.api.get(path)
    assert theirs.status_code == never.status_code == 404
    assert without_request(theirs) == without_request(never)


def test_no_other_id_leads_to_a_statement(shop, ann, statement):
    event_id = shop.history(ann)[0]["event_id"]
    for wrong in (event_id, "dec_" + event_id[4:], "dec_1", ann, statement[0]["decision_id"][:-1]):
        assert shop.api.get(f"{BASE}/{wrong}").status_code == 404


def test_each_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "decisions:check", "POST", BASE, {})
    assert_needs_scope(open_shop, "decisions:check", "POST", BASE + "/batch", {})
    assert_needs_scope(open_shop, "decisions:check", "GET", BASE + "/dec_1")
