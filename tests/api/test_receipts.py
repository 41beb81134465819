import hashlib
from datetime import timedelta

import pytest

from consent_service.crypto import signing
from tests.support import small_catalogue
from tests.support.problems import assert_needs_scope, without_request

JSON = {"Accept": "application/json"}


@pytest.fixture
def ann(shop):
    return shop.customer("ann@example.org")


def path(event_id):
    return f"/v1/receipts/{event_id}"


def test_a_receipt_says_what_was_recorded(shop, ann):
    done = shop.say(
        ann, "given", captured_at=shop.at(minutes=-1), language="ru",
        evidence={"ip": "192.0.2.7"}, agent="agent-7",
    )  # fmt: skip
    reply = shop.api.get(path(done["event_id"]), headers=JSON)
    assert reply.headers["Vary"] == "Accept"
    digests = {
        "en": hashlib.sha256(b"Notice 1").hexdigest(),
        "ru": hashlib.sha256(b"Notice 1 (ru)").hexdigest(),
    }
    assert reply.json == {
        "schema_version": "ISO/IEC TS 27560:2023",
        "record_id": done["event_id"],
        "pii_principal_id": ann,
        "iss": "http://127.0.0.1:8000",
        "catalogue_version": 1,
        "pii_processing": {
            "purpose": "news",
            "purpose_description": "What news is for.",
            "lawful_basis": "consent",
            "channel": "email",
            "language": "ru",
            "privacy_notice": {
                "key": "notice",
                "version": "1",
                "sha256": digests["ru"],
                "sha256_by_language": digests,
            },
            "pii_information": [
                {"pii_type": "email_address", "sensitive_pii_category": False},
                {"pii_type": "name", "sensitive_pii_category": False},
            ],
            "collection_method": "web",
            "retention_period": "P730D",
            "withdrawal_method": "privacy@example.org",
        },
        "parties": [
            {
                "party_role": "controller",
                "party_name": "Ottermoor",
                "party_contact": "privacy@example.org",
            },
            {"party_role": "processor", "party_id": "mailer", "party_country": "DE"},
        ],
        "event": {
            "event_type": "given",
            "event_state": "given",
            "event_time": shop.at(minutes=-1),
            "recorded_time": shop.at(),
            "validity_duration": None,
            "entity_id": "client:shop",
            "touchpoint": "web",
            "by_guardian": False,
        },
    }


def test_a_receipt_is_signed_unless_asked_for_plain(shop, ann):
    done = shop.say(ann, "given")
    for headers in ({}, *({"Accept": kind} for kind in ("*/*", "application/jose", "text/html"))):
        reply = shop.api.get(path(done["event_id"]), headers=headers)
        assert (reply.mimetype, reply.headers["Vary"]) == ("application/jose", "Accept")
    keys, text = shop.api.get("/oauth/jwks.json").json, reply.get_data(as_text=True)
    plain = shop.api.get(path(done["event_id"]), headers=JSON).json
    assert signing.verify(keys, text, "consent-receipt+jws") == plain
    header, payload, signature = text.split(".")
    with pytest.raises(signing.BadSignature):
        signing.verify(keys, f"{header}.{payload[:-2]}AA.{signature}", "consent-receipt+jws")
    with pytest.raises(signing.BadSignature):
        signing.verify(keys, text, "consent-decision+jws")


def test_the_receipt_url_leads_to_the_receipt(shop, ann):
    done = shop.say(ann, "given")
    local = done["receipt_url"].removeprefix("http://127.0.0.1:8000")
    assert shop.api.get(local, headers=JSON).json["record_id"] == done["event_id"]


def test_a_receipt_tells_the_catalogue_as_it_was(shop, ann):
    done = shop.say(ann, "given", "texts")
    before = shop.api.get(path(done["event_id"]), headers=JSON).json
    assert before["event"]["validity_duration"] == "P30D"
    shop.clock.advance(timedelta(days=1))
    shop.load(small_catalogue.purpose("other"))
    assert shop.api.get(path(done["event_id"]), headers=JSON).json == before


def test_a_receipt_of_a_no_names_no_notice(shop, ann):
    done = shop.say(ann, "withdrawn", "offers")
    receipt = shop.api.get(path(done["event_id"]), headers=JSON).json
    assert receipt["pii_processing"]["privacy_notice"] is None
    assert receipt["pii_processing"]["channel"] is None
    assert receipt["event"]["event_type"] == "withdrawn"


def test_a_receipt_holds_no_personal_value(shop, ann):
    done = shop.say(ann, "given", evidence={"ip": "192.0.2.7"}, guardian={"name": "Olga"})
    text = shop.api.get(path(done["event_id"]), headers=JSON).get_data(as_text=True)
    for value in ("ann@", "192.0.2.7", "Olga"):
        assert value not in text


def test_an_unknown_receipt_is_404_as_if_it_had_never_been(shop, ann):
    done = shop.say(ann, "given")["event_id"]
    other = shop.customer()
    decision = shop.check(ann)["decision_id"]
    wrong = ["evt_" + "0" * 52, "evt_1", "x", ann, decision, "evt_" + other[4:] + done[30:],
             "evt_" + decision[4:], done[:-1], done.upper()]  # fmt: skip
    replies = [shop.api.get(path(each)) for each in wrong]
    assert {reply.status_code for reply in replies} == {404}
    assert len({repr(without_request(reply)) for reply in replies}) == 1


def test_the_route_asks_for_its_scope(open_shop):
    assert_needs_scope(open_shop, "consents:read", "GET", path("evt_1"))
