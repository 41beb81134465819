"""What is told of an entry, what is sent of it, and when it is tried again."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from consent_service.consents.model import EventKind
from consent_service.kernel.ids import customer_id_text, new_customer_id, new_uuid
from consent_service.ledger.model import ANSWERS, CHANGES, Entry, EntryKind
from consent_service.privacy_requests.model import StepKind, request_id_text
from consent_service.webhooks import envelope
from consent_service.webhooks.events import IN_FEED, TYPES, event_of, is_wanted, kinds_of, type_of
from consent_service.webhooks.model import GIVEN_UP_AFTER, Delivery, judge, pause, retry_at

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def an_entry(kind, place=None, **parts):
    made = new_uuid()
    return Entry(made, place or made, place is not None, kind, NOW, NOW, **parts)


def a_delivery():
    made = new_uuid()
    return Delivery(made, made, made, made, "consent.given", 7, NOW, NOW, NOW + GIVEN_UP_AFTER)


def test_the_types_are_those_that_consents_and_requests_have():
    named = {name for name in TYPES if name.startswith("consent.")}
    assert named == {f"consent.{kind.value}" for kind in EventKind} | {"consent.gpc"}
    steps = {name for name in IN_FEED if name.startswith("privacy_request.")}
    assert steps == {f"privacy_request.{step.value}" for step in StepKind}


def test_every_kind_of_the_log_is_an_answer_or_a_change():
    assert set(EntryKind) == ANSWERS | CHANGES
    assert kinds_of(IN_FEED) == CHANGES


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_answers_are_not_told(kind):
    assert type_of(an_entry(kind)) is None


def test_nobody_is_told_of_other_acts_of_staff():
    assert event_of(an_entry(EntryKind.STAFF_ACT, reason="client_created")) is None


def test_an_event_tells_ids_and_nothing_else():
    who, cited = new_customer_id(), new_uuid()
    step = an_entry(
        EntryKind.PRIVACY_REQUEST,
        who,
        outcome="approved",
        reason="erasure",
        revision=4,
        cites=cited,
        client_id="officer",
    )
    told = event_of(step)
    assert told.type == "privacy_request.approved"
    assert told.said == {
        "customer_id": customer_id_text(who),
        "revision": 4,
        "occurred_at": "2026-05-04T12:00:00.000000Z",
        "recorded_at": "2026-05-04T12:00:00.000000Z",
        "request_id": request_id_text(cited),
    }


def test_whom_an_erasure_was_of_is_told_only_by_who_still_knows():
    who, entry = new_customer_id(), an_entry(EntryKind.ERASURE)
    assert "customer_id" not in event_of(entry).said
    assert event_of(entry, who).said["customer_id"] == customer_id_text(who)


def test_a_family_is_all_of_its_types():
    assert is_wanted("consent.given", {"consent.*"})
    assert is_wanted("consent.given", {"catalogue.*", "consent.given"})
    assert not is_wanted("consent.given", {"consent.withdrawn", "customer.*"})
    assert not is_wanted("privacy_request.for_recipient", {"customer.*"})


def test_the_signature_is_that_of_standard_webhooks():
    """The example of the libraries that its authors publish."""
    headers = envelope.headers_of(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_every_live_secret_signs():
    secrets = [envelope.new_secret(), envelope.new_secret()]
    signed = envelope.headers_of("evt_1", 5, b"body", secrets)["webhook-signature"]
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    assert [len(key) for key in keys] == [32, 32]
    macs = [hmac.new(key, b"evt_1.5.body", hashlib.sha256).digest() for key in keys]
    assert signed == " ".join("v1," + base64.b64encode(mac).decode() for mac in macs)


def test_the_envelope_is_of_cloudevents():
    told = event_of(an_entry(EntryKind.CONSENT, UUID(int=5), reason="given", purpose="news"))
    body = envelope.body_of(told, "https://consent.example.org")
    assert envelope.body_of(told, "https://consent.example.org") == body
    sent = json.loads(body)
    assert sent.pop("data") == told.said
    assert sent == {
        "specversion": "1.0",
        "id": told.id,
        "source": "https://consent.example.org",
        "type": "consent.given",
        "time": "2026-05-04T12:00:00.000000Z",
        "datacontenttype": "application/json",
        "subject": told.said["customer_id"],
    }


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_tries_become_rare_and_end_after_75_hours(chance):
    delivery, at, tries, waits = a_delivery(), NOW, 1, []
    while at < delivery.give_up_at:
        after = retry_at(delivery, tries, at, chance)
        waits.append(after - at)
        at, tries = after, tries + 1
    assert at == NOW + timedelta(hours=75)
    assert waits[0] == timedelta(seconds=5) * (0.8 + 0.4 * chance)
    assert waits[:6] == sorted(waits[:6])
    assert max(waits) <= timedelta(hours=4.8)
    assert 20 <= tries <= 35


def test_a_webhook_that_fails_is_left_alone_for_a_minute_at_most():
    assert [pause(n).total_seconds() for n in (1, 2, 3, 7, 500)] == [1, 2, 4, 60, 60]


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_every_2xx_is_taken(status):
    assert judge(status).error is None


@pytest.mark.parametrize(
    "status", [100, 301, 302, 307, 308, 400, 401, 404, 410, 429, 500, 503, 999]
)
def test_all_else_is_not(status):
    assert judge(status).error is not None
    assert judge(status).is_gone == (status == 410)
