"""Recording what people said, and telling what holds."""

import json
from datetime import timedelta

import pytest

from consent_service.consents import batches
from consent_service.kernel.clock import rfc3339
from tests.support import small_catalogue
from tests.support.problems import (
    UNKNOWN,
    assert_needs_scope,
    assert_same_as_never_known,
    fault,
    faults,
    without_request,
)

BASE = "/v1/consents"


@pytest.fixture
def ann(shop):
    return shop.customer("ann@example.org")


# --- One event


def test_a_yes_is_recorded_and_holds(shop, ann):
    done = shop.say(ann, "given", captured_at=shop.at(minutes=-3))
    assert (done["state"], done["revision"]) == ("given", 2)
    assert done["event_id"].startswith("evt_")
    assert done["consent_token"].startswith("ctk_")
    assert done["receipt_url"] == f"http://127.0.0.1:8000/v1/receipts/{done['event_id']}"
    assert shop.states(ann)["news"] == "given"
    assert shop.reason(ann) == "consent_given"


def test_an_event_is_found_in_the_history_as_it_was_sent(shop, ann):
    sent = shop.event(
        ann, "given", captured_at="2026-03-02T10:00:00+01:00", context={"lifecycle_stage": "new"},
        evidence={"ip": "192.0.2.1", "more": {"form": [1, 2.5, None, True]}}, agent="agent-7",
    )  # fmt: skip
    done = shop.api.post(BASE, sent).json
    (found,) = shop.history(ann)
    assert found == {
        "event_id": done["event_id"],
        "event": "given",
        "purpose": "news",
        "channel": "email",
        "happened_at": "2026-03-02T09:00:00.000000Z",
        "captured_at": "2026-03-02T09:00:00.000000Z",
        "recorded_at": shop.at(),
        "revision": 2,
        "notice_version": "1",
        "language": "en",
        "touchpoint": "web",
        "lifecycle_stage": "new",
        "actor": "client:shop",
        "by_guardian": False,
        "imported": False,
        "receipt_url": done["receipt_url"],
    }


def test_somebody_is_named_by_an_identifier_as_well(shop, ann):
    assert shop.say("ANN@example.org", "given")["state"] == "given"
    assert shop.states(ann)["news"] == "given"


def test_a_no_counts_at_the_next_check(shop):
    for no in ("refused", "withdrawn", "objected", "revoked"):
        somebody = shop.customer()
        shop.say(somebody, "given", captured_at=shop.at(seconds=-1))
        assert shop.say(somebody, no)["state"] == no
        answer = shop.check(somebody)
        assert (answer["outcome"], answer["reason"]) == ("deny", no)
        assert shop.states(somebody)["news"] == no


def test_renewing_is_saying_yes_again(shop, ann):
    shop.say(ann, "given", notice_version="legacy")
    shop.clock.advance(timedelta(seconds=1))
    assert shop.say(ann, "renewed")["state"] == "given"
    assert shop.check(ann)["notice_version"] == "1"


# --- Channels


def test_a_no_without_a_channel_is_of_all_channels(shop, ann):
    for channel in ("email", "sms", "push"):
        shop.say(ann, "given", "offers", channel=channel)
    shop.clock.advance(timedelta(seconds=1))
    assert shop.say(ann, "withdrawn", "offers")["state"] == "withdrawn"
    assert {state for slot, state in shop.states(ann).items() if slot[0] == "offers"} == {
        "withdrawn"
    }
    for channel in ("email", "sms", "push"):
        assert shop.reason(ann, "offers", channel=channel) == "withdrawn"


def test_a_no_with_a_channel_is_of_that_channel(shop, ann):
    for channel in ("email", "sms"):
        shop.say(ann, "given", "offers", channel=channel)
    shop.clock.advance(timedelta(seconds=1))
    shop.say(ann, "withdrawn", "offers", channel="sms")
    assert shop.reason(ann, "offers", channel="sms") == "withdrawn"
    assert shop.reason(ann, "offers", channel="email") == "consent_given"


def test_a_yes_to_several_channels_names_one(shop, ann):
    reply = shop.api.post(BASE, shop.event(ann, "given", "offers"))
    assert fault(reply) == ("/channel", "channel_required")
    assert shop.history(ann) == []


def test_a_yes_to_the_only_channel_is_recorded_as_of_it(shop, ann):
    shop.say(ann, "given")
    assert [event["channel"] for event in shop.history(ann)] == ["email"]
    shop.say(ann, "given", "ads")
    assert [event["channel"] for event in shop.history(ann)] == ["email", None]


def test_a_no_to_all_channels_is_of_one_that_the_purpose_gets_later(shop, ann):
    before = small_catalogue.purpose("offers", regime=small_catalogue.opt_out("DE"))
    after = {**before, "channels": ["email", "sms"]}
    shop.load(before)
    shop.say(ann, "withdrawn", "offers")
    shop.clock.advance(timedelta(days=1))
    shop.load(after)
    assert shop.reason(ann, "offers", channel="sms") == "withdrawn"
    assert set(shop.states(ann).values()) == {"withdrawn"}
    other = shop.customer()
    assert shop.reason(other, "offers", channel="sms") == "not_opted_out"


def test_a_yes_to_the_only_channel_is_not_of_one_that_the_purpose_gets_later(shop, ann):
    before = small_catalogue.purpose("offers")
    shop.load(before)
    shop.say(ann, "given", "offers")
    shop.clock.advance(timedelta(days=1))
    shop.load({**before, "channels": ["email", "sms"]})
    shop.say(ann, "refused", "offers", channel="sms", captured_at=shop.at(days=-9))
    assert shop.reason(ann, "offers", channel="sms") == "refused"
    assert shop.reason(ann, "offers", channel="email") == "consent_given"


# --- Time and order


def test_a_late_older_yes_does_not_beat_a_newer_no(shop, ann):
    shop.say(ann, "withdrawn", captured_at=shop.at(minutes=-1))
    done = shop.say(ann, "given", captured_at=shop.at(minutes=-2))
    assert (done["state"], done["revision"]) == ("withdrawn", 3)
    assert shop.reason(ann) == "withdrawn"


def test_a_late_older_no_does_not_beat_a_newer_yes(shop, ann):
    shop.say(ann, "given", captured_at=shop.at(minutes=-1))
    assert shop.say(ann, "withdrawn", captured_at=shop.at(minutes=-2))["state"] == "given"
    assert shop.reason(ann) == "consent_given"


@pytest.mark.parametrize("order", [("given", "withdrawn"), ("withdrawn", "given")])
def test_at_the_same_moment_a_no_wins(shop, ann, order):
    for kind in order:
        done = shop.say(ann, kind, captured_at=shop.at(minutes=-1))
    assert done["state"] == "withdrawn"
    assert shop.reason(ann) == "withdrawn"


def test_a_no_dated_ahead_counts_from_its_recording(shop, ann):
    shop.say(ann, "given", captured_at=shop.at(minutes=-1))
    shop.say(ann, "withdrawn", captured_at=shop.at(days=3))
    assert shop.reason(ann) == "withdrawn"
    assert shop.history(ann)[1]["happened_at"] == shop.at()
    shop.clock.advance(timedelta(hours=1))
    assert shop.say(ann, "given")["state"] == "given"
    assert shop.reason(ann) == "consent_given"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-02T09:00:00", "A time has an offset from UTC, such as +02:00, or Z for none."),
        ("2026-03-02Tnine", "Not a valid RFC 3339 time."),
        ("0001-01-01T00:00:00+23:59", "Not a valid RFC 3339 time."),
        ("today", "Not a valid RFC 3339 time."),
    ],
)
def test_a_time_that_is_none_is_told_what_it_lacks(shop, ann, text, told):
    reply = shop.api.post(BASE, shop.event(ann, "given", captured_at=text))
    assert fault(reply) == ("/captured_at", "invalid")
    assert reply.json["errors"][0]["detail"] == told


@pytest.mark.parametrize("kind", ["given", "renewed"])
def test_a_yes_may_be_dated_five_minutes_ahead_and_no_more(shop, ann, kind):
    late = shop.event(ann, kind, captured_at=shop.at(minutes=5, microseconds=1))
    assert fault(shop.api.post(BASE, late)) == ("/captured_at", "in_the_future")
    shop.say(ann, kind, captured_at=shop.at(minutes=5))
    assert shop.history(ann)[0]["happened_at"] == shop.at()
    shop.clock.advance(timedelta(seconds=1))
    assert shop.say(ann, "withdrawn")["state"] == "withdrawn"


def test_a_yes_ends_with_its_days(shop, ann):
    purpose = small_catalogue.purpose("news", validity_days=30)
    shop.load(purpose)
    shop.say(ann, "given")
    shop.clock.advance(timedelta(days=30, seconds=-5))
    answer = shop.check(ann)
    assert (answer["reason"], answer["valid_until"]) == ("consent_given", shop.at(seconds=5))
    shop.clock.advance(timedelta(seconds=5))
    assert shop.reason(ann) == "expired"
    assert shop.states(ann)["news"] == "expired"


def test_a_material_change_asks_again(shop, ann):
    shop.say(ann, "given")
    shop.clock.advance(timedelta(days=91))
    assert shop.reason(ann) == "notice_outdated"
    assert shop.states(ann)["news"] == "notice_outdated"
    shop.say(ann, "given", notice_version="2")
    assert shop.reason(ann) == "consent_given"


# --- Double opt-in


def test_a_yes_that_is_to_be_confirmed_is_requested(shop, ann):
    done = shop.say(ann, "given", "texts")
    assert done["state"] == "requested"
    assert shop.reason(ann, "texts") == "requested"
    assert shop.states(ann)["texts"] == "requested"
    assert [event["event"] for event in shop.history(ann)] == ["requested"]


def test_a_yes_after_a_no_is_requested_again(shop, ann):
    shop.say(ann, "withdrawn", "texts")
    shop.clock.advance(timedelta(seconds=1))
    assert shop.say(ann, "given", "texts")["state"] == "requested"
    assert shop.reason(ann, "texts") == "requested"


def test_a_request_does_not_take_a_no_away_where_silence_is_a_yes(shop, ann):
    for kind in ("objected", "withdrawn"):
        shop.say(ann, kind, "printed")
        shop.clock.advance(timedelta(seconds=1))
        shop.say(ann, "requested", "printed")
        assert shop.states(ann)["printed"] == "requested"
        assert shop.reason(ann, "printed", channel="post") == kind
        shop.clock.advance(timedelta(seconds=1))
    assert shop.say(ann, "given", "printed")["state"] == "given"
    assert shop.reason(ann, "printed") == "legal_basis"


def test_a_request_takes_no_yes_away(shop, ann):
    shop.say(ann, "given")
    shop.clock.advance(timedelta(seconds=1))
    assert shop.say(ann, "requested")["state"] == "given"
    assert shop.reason(ann) == "consent_given"


# --- Guardians


def test_a_child_needs_a_guardian(shop):
    child = shop.customer(age_band="13_15")
    assert shop.reason(child) == "guardian_required"
    shop.say(child, "given")
    assert shop.reason(child) == "guardian_required"
    shop.clock.advance(timedelta(seconds=1))
    shop.say(child, "given", guardian={"name": "Olga", "relation": "mother"})
    assert shop.reason(child) == "consent_given"
    assert shop.history(child)[1]["by_guardian"]
    shop.clock.advance(timedelta(seconds=1))
    shop.say(child, "withdrawn")
    assert shop.reason(child) == "guardian_required"


def test_a_guardian_may_say_no(shop):
    child = shop.customer(age_band="under_13")
    shop.say(child, "refused", guardian={"name": "Olga"})
    assert shop.reason(child) == "refused"


def test_a_purpose_without_an_age_needs_no_guardian(shop):
    assert shop.reason(shop.customer(age_band="under_13"), "printed") == "legal_basis"


# --- Devices


def test_a_device_that_nobody_has_is_a_new_customer(shop):
    device = "dev-0123456789abcdef"
    first = shop.say(device, "given")
    assert (first["state"], first["revision"]) == ("given", 2)
    assert shop.reason(device) == "consent_given"
    shop.clock.advance(timedelta(seconds=1))
    assert shop.say(device, "withdrawn")["state"] == "withdrawn"
    assert shop.counts()["customers"] == 1
    found = shop.api.post(
        "/v1/customers/lookup", {"identifier": {"type": "device", "value": device}}
    )
    assert len(shop.history(found.json["id"])) == 2


def test_one_new_device_in_many_events_is_one_customer(shop):
    events = [shop.event("dev-0123456789abcdef", kind, "ads") for kind in ("given", "withdrawn")]
    events.append(shop.event("dev-ffffffffffffffff", "given", "ads"))
    events[1]["identifier"]["value"] = "ｄev-0123456789abcdef"
    assert shop.api.post(BASE, {"events": events}).status_code == 201
    assert shop.counts()["customers"] == 2


def test_a_refused_event_leaves_no_device_behind(shop):
    reply = shop.api.post(BASE, shop.event("dev-0123456789abcdef", "given", "unheard.of"))
    assert reply.status_code == 422
    assert shop.counts()["customers"] == 0


# --- Many at once


def test_many_are_recorded_in_their_order(shop, ann):
    bob = shop.customer()
    events = [
        shop.event(ann, "given"),
        shop.event(bob, "refused"),
        shop.event(ann, "withdrawn"),
        shop.event("ann@example.org", "given", "ads"),
    ]
    results = shop.api.post(BASE, {"events": events}).json["results"]
    assert [each["state"] for each in results] == ["given", "refused", "withdrawn", "given"]
    assert [each["revision"] for each in results] == [2, 2, 3, 4]
    assert (shop.revision(ann), shop.revision(bob)) == (4, 2)
    assert shop.states(ann)["news"] == "withdrawn"
    assert shop.reason(ann, "ads") == "consent_given"


def test_a_thousand_at_once_and_no_more(shop):
    people = [shop.customer() for _ in range(3)]
    events = [
        shop.event(
            people[n % 3], ("given", "withdrawn")[n % 2], captured_at=shop.at(seconds=n - 1000)
        )
        for n in range(1_000)
    ]
    before = shop.counts()
    reply = shop.api.post(BASE, {"events": [*events, events[0]]})
    assert fault(reply)[0] == "/events"
    assert shop.counts() == before
    reply = shop.api.post(BASE, {"events": events})
    assert (reply.status_code, len(reply.json["results"])) == (201, 1_000)
    after = shop.counts()
    assert after["consent_events"] == 1_000
    assert after["ledger_entries"] - before["ledger_entries"] == 1_000
    last = [max(n for n in range(1_000) if n % 3 == at) for at in range(3)]
    assert [shop.states(each)["news"] for each in people] == [
        ("given", "withdrawn")[n % 2] for n in last
    ]
    assert [shop.revision(each) for each in people] == [335, 334, 334]


def test_one_bad_event_in_the_middle_writes_nothing(shop, ann):
    nobody = {"identifier": {"type": "email", "value": "nobody@example.org"}, "customer_id": None}
    good = [shop.event(ann, "given", captured_at=shop.at(seconds=-n)) for n in range(1_000)]
    before = shop.counts()
    for bad, status, pointer in (
        ({"notice_version": "9"}, 422, "/events/500/notice_version"),
        ({"purpose": "unheard.of"}, 422, "/events/500/purpose"),
        ({"captured_at": "2031-01-01T00:00:00Z"}, 422, "/events/500/captured_at"),
        ({"event": "perhaps"}, 422, "/events/500/event"),
        ({"customer_id": UNKNOWN}, 404, None),
        (nobody, 404, None),
    ):
        events = [*good]
        events[500] = {n: v for n, v in {**good[500], **bad}.items() if v is not None}
        reply = shop.api.post(BASE, {"events": events}, headers={"Idempotency-Key": "bulk"})
        assert reply.status_code == status
        assert faults(reply) == ([] if pointer is None else [pointer])
        assert shop.counts() == before
    assert shop.revision(ann) == 1
    assert shop.reason(ann) == "no_record"


def test_many_is_not_mixed_with_one(shop, ann):
    one = shop.event(ann, "given")
    assert shop.api.post(BASE, {**one, "events": [one]}).status_code == 422
    assert fault(shop.api.post(BASE, {"events": []}))[0] == "/events"
    assert shop.history(ann) == []


# --- What held


def test_any_past_moment_is_told_as_it_was_known_then(shop, ann):
    moments = [shop.at()]
    for kind, captured in (
        ("given", timedelta(0)),
        ("withdrawn", timedelta(0)),
        ("given", timedelta(0)),
        ("refused", timedelta(hours=-30)),
    ):
        shop.clock.advance(timedelta(hours=1))
        shop.say(ann, kind, captured_at=rfc3339(shop.clock() + captured))
        moments.append(shop.at())
    shop.clock.advance(timedelta(hours=1))
    known = [shop.states(ann, as_of=moment)["news"] for moment in moments]
    assert known == ["no_record", "given", "withdrawn", "given", "given"]
    just_before = rfc3339(shop.clock() - timedelta(hours=3, microseconds=1))
    assert shop.states(ann, as_of=just_before)["news"] == "given"
    assert shop.states(ann, as_of=shop.at()) == shop.states(ann)


def test_a_past_moment_is_judged_by_its_own_catalogue_and_jurisdiction(shop, ann):
    url = f"/v1/customers/{ann}"
    before = shop.at()
    shop.clock.advance(timedelta(hours=1))
    shop.load(small_catalogue.purpose("other"))
    shop.api.patch(url, {"jurisdiction": "US-CA"}, headers={"If-Match": '"1"'})
    assert list(shop.states(ann)) == ["other"]
    assert "news" in shop.states(ann, as_of=before)
    shop.load()

    def regime(**query):
        found = shop.api.get(url + "/consents", query_string=query).json["items"]
        return next(item["regime"] for item in found if item["purpose"] == "news")

    assert (regime(), regime(as_of=before)) == ("opt_out", "opt_in")


def test_what_held_at_one_instant_of_many_events_is_the_last(shop, ann):
    events = [shop.event(ann, kind, captured_at=shop.at(seconds=-9 + n))
              for n, kind in enumerate(("given", "refused", "given", "withdrawn"))]  # fmt: skip
    shop.api.post(BASE, {"events": events})
    assert shop.states(ann, as_of=shop.at())["news"] == "withdrawn"


def test_a_clock_that_went_back_hides_nothing(shop, ann):
    shop.say(ann, "given")
    shop.clock.advance(timedelta(minutes=-1))
    assert shop.states(ann)["news"] == "given"
    assert shop.say(ann, "withdrawn", captured_at=shop.at(minutes=2))["state"] == "given"
    shop.clock.advance(timedelta(minutes=2))
    shop.say(ann, "withdrawn")
    assert shop.states(ann)["news"] == "withdrawn"


def test_a_moment_that_cannot_be_asked_for(shop, ann):
    for as_of, status in (
        ("2026-03-02T09:30:00.000001Z", 422),
        ("2020-01-01T00:00:00Z", 404),
        ("yesterday", 422),
        ("2026-03-02", 422),
        ("2026-03-02T09:30:00", 422),
    ):
        reply = shop.api.get(f"/v1/customers/{ann}/consents", query_string={"as_of": as_of})
        assert reply.status_code == status, as_of
        if status == 422:
            assert faults(reply) == ["/as_of"]


def test_what_holds_tells_regime_basis_expiry_and_event(shop, ann):
    shop.load(small_catalogue.purpose("news", validity_days=30))
    done = shop.say(ann, "given")
    (item,) = shop.api.get(f"/v1/customers/{ann}/consents").json["items"]
    assert item == {
        "purpose": "news",
        "channel": "email",
        "state": "given",
        "legal_basis": "consent",
        "regime": "opt_in",
        "happened_at": shop.at(),
        "notice_version": "1",
        "expires_at": shop.at(days=30),
        "event_id": done["event_id"],
    }


# --- The history


def test_the_history_is_walked_in_pages(shop, ann):
    for n in range(5):
        shop.say(ann, "refused", captured_at=shop.at(seconds=-n))
    url, found, cursor = f"/v1/customers/{ann}/consents/events", [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = shop.api.get(url, query_string=query).json
        assert len(page["items"]) <= 2
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [event["revision"] for event in found] == [2, 3, 4, 5, 6]
    assert found == shop.history(ann)


def test_a_cursor_of_another_list_is_422(shop, ann):
    for _ in range(2):
        shop.say(ann, "refused")
    other = shop.customer()
    cursor = shop.api.get(f"/v1/customers/{ann}/consents/events", query_string={"limit": 1}).json[
        "next_cursor"
    ]
    for customer, given in ((other, cursor), (ann, cursor[:-2]), (ann, "x"), (ann, "é")):
        reply = shop.api.get(
            f"/v1/customers/{customer}/consents/events", query_string={"cursor": given}
        )
        assert fault(reply) == ("/cursor", "invalid_cursor")


# --- What cannot be recorded

BAD = [
    ({"purpose": "unheard.of"}, "/purpose", "unknown_purpose"),
    ({"purpose": "Not A Key"}, "/purpose", "invalid"),
    ({"event": "perhaps"}, "/event", "invalid"),
    ({"channel": "sms"}, "/channel", "channel_not_declared"),
    ({"channel": "pigeon"}, "/channel", "invalid"),
    ({"notice_version": None}, "/notice_version", "required"),
    ({"notice_version": "9"}, "/notice_version", "unknown_notice"),
    ({"notice_version": "2"}, "/notice_version", "notice_not_in_use"),
    ({"language": None}, "/language", "required"),
    ({"language": "fr"}, "/language", "unknown_language"),
    ({"touchpoint": "moon"}, "/touchpoint", "unknown_touchpoint"),
    ({"captured_at": None}, "/captured_at", "required"),
    ({"captured_at": "2026-03-02T09:30:00"}, "/captured_at", "invalid"),
    ({"captured_at": "2026-13-02T09:30:00Z"}, "/captured_at", "invalid"),
    ({"captured_at": "0001-01-01T00:00:00+14:00"}, "/captured_at", "invalid"),
    ({"captured_at": 1_700_000_000}, "/captured_at", "invalid"),
    ({"context": {"campaign": "x"}}, "/context/campaign", "unknown_field"),
    ({"evidence": {"x": "y" * 4_000}}, "/evidence", "invalid"),
    ({"evidence": []}, "/evidence", "invalid"),
    ({"guardian": "Olga"}, "/guardian", "invalid"),
    ({"agent": ""}, "/agent", "invalid"),
    ({"identifier": {"type": "email", "value": "a@example.org"}}, "/customer_id", "invalid"),
    ({"customer_id": None}, "/customer_id", "invalid"),
    ({"customer_id": "cus_1"}, "/customer_id", "invalid"),
    ({"customer_id": None, "identifier": {"type": "email", "value": "ann"}},
     "/identifier/value", "invalid"),
    ({"imported": True}, "/imported", "unknown_field"),
    ({"confirmed": True}, "/confirmed", "unknown_field"),
]  # fmt: skip


def test_what_cannot_be_meant_is_422_at_its_place_and_writes_nothing(shop, ann):
    before = shop.counts()
    for changes, pointer, code in BAD:
        body = {**shop.event(ann, "given"), **changes}
        body = {name: value for name, value in body.items() if value is not None}
        assert fault(shop.api.post(BASE, body)) == (pointer, code), changes
    assert shop.counts() == before


def test_evidence_may_be_deep_and_not_too_deep(shop, ann):
    """Sent as text: what makes JSON in Python gives up before what reads it."""
    body = json.dumps(shop.event(ann, "given", evidence={"x": "?"}))
    for depth, status in [(19, 201), (20, 422), *((n, 422) for n in range(860, 960, 10))]:
        reply = shop.app.test_client().post(
            BASE,
            data=body.replace('"?"', "[" * depth + "]" * depth),
            content_type="application/json",
            headers={"Authorization": f"Bearer {shop.token}"},
        )
        assert reply.status_code in (status, 400 if depth > 100 else status), depth


def test_an_unknown_somebody_is_404(shop, ann):
    unknown = shop.api.post(BASE, shop.event(UNKNOWN, "given"))
    nobody = shop.api.post(BASE, shop.event("nobody@example.org", "given"))
    assert unknown.status_code == nobody.status_code == 404
    assert without_request(unknown) == without_request(nobody)


def test_the_lists_of_nobody_are_404_as_if_nobody_had_ever_been(shop):
    assert_same_as_never_known(shop, "GET", "/v1/customers/{}/consents")
    assert_same_as_never_known(shop, "GET", "/v1/customers/{}/consents/events")


def test_each_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "consents:write", "POST", BASE, {})
    for path in ("consents", "consents/events"):
        assert_needs_scope(open_shop, "consents:read", "GET", f"/v1/customers/cus_1/{path}")


def test_without_a_catalogue_nothing_is_recorded(open_shop):
    shop = open_shop("shop")
    ann = shop.customer()
    reply = shop.api.post(BASE, shop.event(ann, "given"))
    assert (reply.status_code, reply.json["code"]) == (503, "no_catalogue")


def test_what_proves_a_consent_is_sealed(shop, ann):
    shop.say(
        ann, "given", evidence={"ip": "192.0.2.77", "where": "Canaryville"},
        agent="agent-canary", guardian={"name": "Olga Canary"},
    )  # fmt: skip
    stored = repr([shop.rows(table) for table in shop.counts()])
    for value in ("192.0.2.77", "anaryville", "agent-canary", "Olga"):
        assert value not in stored
    shown = repr(shop.history(ann))
    assert "192.0.2.77" not in shown


def test_many_events_one_request_at_a_time(shop, ann, monkeypatch):
    """Another waits, and in the end no longer, with nothing held for it; single events do not."""
    monkeypatch.setattr(batches._batches, "wait_s", 0.1)
    many = {"events": [shop.event(ann, "given")]}
    with batches._batches.turn():
        for headers in ({}, {"Idempotency-Key": "k1"}):
            late = shop.api.post(BASE, many, headers=headers)
            assert (late.status_code, late.json["code"]) == (503, "unavailable")
        assert shop.revision(ann) == 1
        assert shop.api.post(BASE, shop.event(ann, "given")).status_code == 201
    assert shop.api.post(BASE, many, headers={"Idempotency-Key": "k1"}).status_code == 201
    assert shop.revision(ann) == 3
