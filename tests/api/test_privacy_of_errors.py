"""A canary is planted in every field of every request, one after the other and in all at once,
good and bad. It may come back in a good reply that shows it on purpose, and nowhere else: not in
an error, a log line, a header or an address."""

import io
import json
import logging
from urllib.parse import quote

import pytest
import structlog

from tests.support.problems import UNKNOWN

CANARY = "zq-canary"
EMAIL = f"{CANARY}.person@example.org"
PHONE = "+4930199988877"
SPOTTED = (CANARY, "zq_canary", "zqcanary", "199988877")


@pytest.fixture
def ann(shop):
    return shop.customer("ann@example.org")


@pytest.fixture
def requests(shop, ann):
    """Every request of the main job, good as it stands: name → method, path, body, headers."""
    other = shop.customer()
    done = shop.say(ann, "given")
    mark = shop.suppress("marked@example.org")
    answer = shop.check(ann)
    event = {
        **shop.event(ann, "given"), "channel": "email", "context": {"lifecycle_stage": "new"},
        "evidence": {"ip": "192.0.2.1"}, "agent": "agent-7", "guardian": {"name": "Olga"},
    }  # fmt: skip
    check = {
        "customer_id": ann, "purpose": "news", "channel": "email", "data_categories": ["name"],
        "recipient": "mailer", "context": {"campaign": "c1", "touchpoint": "web",
        "lifecycle_stage": "new"}, "at_least_as_fresh": done["consent_token"],
    }  # fmt: skip
    identifier = {"type": "email", "value": "new@example.org"}
    by_identifier = {"identifier": {"type": "email", "value": "ann@example.org"}}
    person = {
        "identifiers": [{**identifier, "source": "web_shop"}], "profile": {"first_name": "New"},
        "jurisdiction": "DE", "language": "en", "age_band": "adult",
    }  # fmt: skip
    customer = f"/v1/customers/{ann}"
    return {
        "customer": ("POST", "/v1/customers", person, {}),
        "look-up": ("POST", "/v1/customers/lookup", {"identifier": identifier}, {}),
        "show": ("GET", customer, None, {}),
        "change": ("PATCH", customer, person, {"If-Match": '"2"'}),
        "merge": ("POST", customer + "/merge", {"duplicate_id": other}, {}),
        "event": ("POST", "/v1/consents", event, {}),
        "event by identifier": (
            "POST", "/v1/consents", {**event, **by_identifier, "customer_id": None}, {},
        ),
        "events": ("POST", "/v1/consents", {"events": [event]}, {}),
        "consents": ("GET", customer + "/consents?as_of=" + shop.at(), None, {}),
        "history": ("GET", customer + "/consents/events?limit=1&cursor=x", None, {}),
        "signal": (
            "POST", "/v1/signals",
            {"customer_id": ann, "signal": "gpc", "captured_at": shop.at(), "touchpoint": "web"},
            {},
        ),
        "receipt": ("GET", f"/v1/receipts/{done['event_id']}", None, {}),
        "check": ("POST", "/v1/decisions", check, {}),
        "batch": ("POST", "/v1/decisions/batch", {"checks": [check]}, {}),
        "statement": ("GET", f"/v1/decisions/{answer['decision_id']}", None, {}),
        "disclosures": (
            "GET",
            f"/v1/disclosures?customer_id={ann}&recipient=mailer&purpose=news&kind=decision"
            f"&outcome=permit&touchpoint=web&from={shop.at()}&to={shop.at()}&limit=1&cursor=x",
            None, {},
        ),
        "own disclosures": ("GET", customer + "/disclosures?kind=decision", None, {}),
        "suppression": (
            "POST", "/v1/suppressions",
            {"identifier": identifier, "reason": "complained", "channel": "email",
             "happened_at": shop.at(), "source": "web_shop"}, {},
        ),
        "suppressions": ("GET", "/v1/suppressions?reason=complained&open=true&limit=1", None, {}),
        "closing": ("DELETE", f"/v1/suppressions/{mark['id']}", None, {}),
        "token": ("POST", "/oauth/token", None, {}),
    }  # fmt: skip


@pytest.fixture
def told(shop, capfd):
    """Sends, and gives what was told to the caller's side and to the log."""
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)

    def send(method, path, body=None, headers=None, **more):
        more = more if body is None else {"data": json.dumps(body), **more}
        more.setdefault("content_type", "application/json")
        headers = {"Authorization": f"Bearer {shop.token}", **(headers or {})}
        with structlog.testing.capture_logs() as events:
            reply = shop.app.test_client().open(path, method=method, headers=headers, **more)
        spoken = capfd.readouterr()
        log = repr(events) + spoken.out + spoken.err + logged.getvalue()
        return reply, log

    logging.getLogger().addHandler(handler)
    yield send
    logging.getLogger().removeHandler(handler)


def spotted(text):
    return [each for each in SPOTTED if each in text.lower()]


def assert_private(name, reply, log):
    """Nothing of a canary in headers or log; in a body only of a success."""
    assert not spotted(log), f"{name}: logged {log}"
    assert not spotted(str(reply.headers)), f"{name}: {reply.headers}"
    if reply.status_code >= 400:
        assert not spotted(reply.get_data(as_text=True)), f"{name}: {reply.get_data(as_text=True)}"
        assert reply.status_code < 500, name


def with_canary(value, wrong):
    """Each value in it replaced by a canary, one at a time; and then all of them."""
    for place in list(places(value)):
        yield replaced(value, place, wrong)
    everything = value
    for place in list(places(value)):
        everything = replaced(everything, place, wrong)
    yield everything


def places(value, at=()):
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, inner in steps:
            yield from places(inner, (*at, step))
    yield at


def replaced(value, place, by):
    if not place:
        return by
    if not isinstance(value, dict | list):
        return value
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[place[0]] = replaced(copied[place[0]], place[1:], by)
    return copied


CANARIES = [
    CANARY,
    EMAIL,
    PHONE,
    f"{CANARY}\n\x00{CANARY}",
    {CANARY + "@x": CANARY},
    [CANARY],
    CANARY * 5_000,
]


def test_a_body_with_a_canary_in_each_field_is_not_repeated(requests, told):
    answered = set()
    for name, (method, path, body, headers) in requests.items():
        if body is None:
            continue
        sent = {field: value for field, value in body.items() if value is not None}
        for canary in CANARIES:
            for planted in with_canary(sent, canary):
                reply, log = told(method, path, planted, headers)
                assert_private(name, reply, log)
                answered.add(reply.status_code)
    assert answered >= {200, 201, 409, 422}


def test_fields_that_nobody_knows_are_not_repeated(requests, told):
    for name, (method, path, body, headers) in requests.items():
        if body is not None:
            known = {field: value for field, value in body.items() if value is not None}
            reply, log = told(method, path, {**known, EMAIL: EMAIL, PHONE: 1}, headers)
            assert reply.status_code == 422, name
            assert_private(name, reply, log)


def test_a_query_with_a_canary_in_each_parameter_is_not_repeated(requests, told):
    for name, (method, path, _, headers) in requests.items():
        bare, _, query = path.partition("?")
        pairs = [pair.split("=") for pair in query.split("&") if pair]
        for at in range(len(pairs)):
            for canary in (CANARY, EMAIL, CANARY + "\n", CANARY * 100):
                changed = [*pairs]
                changed[at] = [pairs[at][0], quote(canary)]
                asked = bare + "?" + "&".join("=".join(pair) for pair in changed)
                assert_private(name, *told(method, asked, headers=headers))
        if method == "GET":
            asked = f"{bare}?{quote(EMAIL)}={quote(EMAIL)}"
            reply, log = told(method, asked, headers=headers)
            assert_private(name, reply, log)


def test_an_address_with_a_canary_is_not_repeated(requests, told):
    for name, (method, path, body, headers) in requests.items():
        segments = path.partition("?")[0].split("/")
        for at in range(1, len(segments)):
            changed = "/".join([*segments[:at], quote(EMAIL), *segments[at + 1 :]])
            reply, log = told(method, changed, body, headers)
            assert reply.status_code in (404, 405), name
            assert_private(name, reply, log)


def test_a_header_with_a_canary_is_not_repeated(requests, told):
    for name, (method, path, body, headers) in requests.items():
        for header in ("Idempotency-Key", "If-Match", "Accept", "Content-Type", "X-Request-Id",
                       "Content-Encoding", "Accept-Language", "User-Agent", "Cookie"):  # fmt: skip
            planted = {**headers, header: EMAIL}
            more = {"content_type": EMAIL} if header == "Content-Type" else {}
            reply, log = told(method, path, body, planted, **more)
            assert_private(f"{name} {header}", reply, log)


def test_a_credential_with_a_canary_is_not_repeated(requests, told):
    for name, (method, path, body, headers) in requests.items():
        for credential in (f"Bearer {CANARY * 4}", f"Basic {CANARY}", CANARY):
            reply, log = told(method, path, body, {**headers, "Authorization": credential})
            assert reply.status_code == 401 or name == "token"
            assert_private(name, reply, log)


def test_a_body_that_is_no_json_is_not_repeated(requests, told):
    for name, (method, path, body, headers) in requests.items():
        if body is None:
            continue
        for raw in (CANARY, f'{{"{CANARY}": ', f'{{"{CANARY}": NaN}}', f'"{CANARY}"'):
            reply, log = told(method, path, headers=headers, data=raw)
            assert reply.status_code in (400, 422), name
            assert_private(name, reply, log)
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            reply, log = told(method, path, headers=headers, data=CANARY, content_type=kind)
            assert reply.status_code == 415, name
            assert_private(name, reply, log)


def test_a_store_that_fails_repeats_nothing(shop, requests, told):
    for table in ("customers", "consent_records", "ledger_entries", "suppressions"):
        shop.change_store(f"ALTER TABLE {table} RENAME TO {table}_elsewhere")
        for name, (method, path, body, headers) in requests.items():
            if body is None:
                continue
            planted = json.loads(
                json.dumps({k: v for k, v in body.items() if v is not None})
                .replace("new@example.org", EMAIL)
                .replace("Olga", CANARY)
                .replace("192.0.2.1", CANARY)
                .replace("agent-7", CANARY)
            )
            reply, log = told(method, path, planted, headers)
            for text in (log, str(reply.headers)):
                assert not spotted(text), f"{name} without {table}: {text}"
            if reply.status_code >= 400:
                assert not spotted(reply.get_data(as_text=True)), f"{name} without {table}"
                assert "Traceback" not in reply.get_data(as_text=True)
        shop.change_store(f"ALTER TABLE {table}_elsewhere RENAME TO {table}")


def test_nothing_of_a_canary_is_stored_in_the_clear(shop, ann, told):
    """Where it is taken, it is sealed."""
    person = {
        "identifiers": [{"type": "email", "value": EMAIL}, {"type": "phone", "value": PHONE}],
        "profile": {"first_name": CANARY},
    }
    event = shop.event(
        ann, "given", evidence={"note": CANARY}, agent=CANARY, guardian={"name": CANARY}
    )
    check = {"identifier": {"type": "email", "value": EMAIL}, "context": {"campaign": CANARY}}
    for path, body, status in (
        ("/v1/customers", person, 201),
        ("/v1/consents", event, 201),
        ("/v1/decisions", {**check, "purpose": "news"}, 200),
        ("/v1/decisions/batch", {"checks": [{**check, "purpose": CANARY}]}, 200),
        ("/v1/suppressions", {"identifier": check["identifier"], "reason": "erased"}, 201),
    ):
        reply, log = told("POST", path, body, {"Idempotency-Key": CANARY + path})
        assert reply.status_code == status, reply.json
        assert not spotted(log)
    for table in shop.counts():
        assert not spotted(repr(shop.rows(table))), table


def test_the_same_is_said_of_what_never_was(told):
    """And so an error tells nobody apart."""
    for path in (f"/v1/customers/{UNKNOWN}", "/v1/customers/cus_1", "/v1/receipts/evt_1"):
        reply, _ = told("GET", path)
        assert (reply.status_code, reply.json["detail"]) == (
            404, "There is nothing here under that id.",
        )  # fmt: skip
