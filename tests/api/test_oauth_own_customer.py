"""A token that was got for a customer reaches that customer only, on every route there is."""

import re
from datetime import timedelta

import pytest
from flask import Response
from sqlalchemy import select

from consent_service.customers.model import IdentifierType
from consent_service.customers.normaliser import identifier
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.ids import customer_id_text, encode, new_customer_id, new_uuid
from consent_service.ledger.tables import LedgerEntryRow
from consent_service.oauth import store
from consent_service.oauth.guard import Customers, require_scope
from consent_service.oauth.model import CUSTOMER_SCOPES, Caller, Scope, digest, new_secret
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support.oauth import add_customer

WHEN = "2026-03-01T09:00:00Z"
EMAIL = {"type": "email", "value": "other@example.org"}
EVENT = {"purpose": "news", "event": "withdrawn", "touchpoint": "web", "captured_at": WHEN}
SIGNAL = {"signal": "gpc", "touchpoint": "web", "captured_at": WHEN}
CHECK = {"purpose": "news"}


def with_somebody(body, who):
    return [{**body, "customer_id": who}, {**body, "identifier": EMAIL}]


# For each route that takes a customer in a body: bodies that name `who`.
BODIES = {
    ("POST", "/v1/consents"): lambda who: [
        *with_somebody(EVENT, who),
        *({"events": [one]} for one in with_somebody(EVENT, who)),
    ],
    ("POST", "/v1/privacy-requests"): lambda who: with_somebody({"kind": "erasure"}, who),
    ("POST", "/v1/signals"): lambda who: with_somebody(SIGNAL, who),
    ("POST", "/v1/decisions"): lambda who: with_somebody(CHECK, who),
    ("POST", "/v1/decisions/batch"): lambda who: [
        {"checks": [one]} for one in with_somebody(CHECK, who)
    ],
    ("PATCH", "/v1/customers/{customer_id}"): lambda who: [{"language": "de"}],
}
OPEN = {
    ("GET", "/v1/catalogue"),
    ("GET", "/v1/purposes"),
    ("GET", "/v1/purposes/{key}"),
    ("GET", "/v1/notices/{key}/{version}"),
}


@pytest.fixture
def own(app, clock):
    return add_customer(app, clock)


@pytest.fixture
def other(app, clock):
    return add_customer(app, clock, [identifier(IdentifierType.EMAIL, EMAIL["value"])])


@pytest.fixture
def token(app, clock, own):
    """A customer's token with more scopes than any app may have."""
    made = new_secret()
    with app.app_context(), unit_of_work() as tx:
        caller = Caller("loyalty", frozenset(Scope), ("email_service",), own)
        store.add_token(tx, digest(made), caller, clock(), clock() + timedelta(hours=1))
    return made


@pytest.fixture
def routes(app):
    """{(method, path): the view} of every route with a scope."""
    return {
        (method, re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)): view
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        for view in [app.view_functions[rule.endpoint]]
        if hasattr(view, "scope")
    }


def paths_about(who, path):
    """The path with every kind of id that carries `who`."""
    ids = {
        "customer_id": customer_id_text(who),
        "event_id": encode("evt", who, new_uuid()),
        "decision_id": encode("dec", who, new_uuid()),
        "client_id": "loyalty",
        "request_id": encode("req", new_uuid()),
    }
    return re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], path)


def told(reply):
    body = dict(reply.json or {})
    for name in ("request_id", "instance"):
        body.pop(name, None)
    return reply.status_code, body


def test_every_other_customer_is_nobody_on_every_route(api, token, other, routes):
    checked = set()
    for (method, path), view in routes.items():
        if view.customers is not Customers.OWN:
            continue
        bodies = BODIES[method, path] if method in ("POST", "PATCH", "PUT") else lambda _: [None]
        nobody = new_customer_id()
        answers = [
            told(api(token).send(method, paths_about(who, path), body, headers=headers))
            for who in (other, nobody)
            for headers in [{"If-Match": '"1"'} if method == "PATCH" else {}]
            for body in bodies(customer_id_text(who))
        ]
        assert {status for status, _ in answers} == {404}, (method, path)
        assert all(answer == answers[0] for answer in answers), (method, path)
        checked.add((method, path))
    assert BODIES.keys() <= checked
    assert len(checked) >= 13


def test_every_other_route_is_closed_to_a_customers_token(app, api, token, routes):
    closed = [route for route, view in routes.items() if view.customers is Customers.REFUSED]
    for method, path in closed:
        reply = api(token).send(method, re.sub(r"\{\w+\}", "0", path))
        assert (reply.status_code, reply.json["code"]) == (403, "forbidden"), (method, path)
    assert ("POST", "/v1/customers") in closed
    assert ("POST", "/v1/customers/lookup") in closed
    assert ("POST", "/v1/customers/{customer_id}/merge") in closed


def test_only_what_is_about_nobody_is_open(routes):
    assert {route for route, view in routes.items() if view.customers is Customers.OPEN} == OPEN


def test_the_own_customer_is_reached(api, token, own, sample_catalogue, clock):
    me = customer_id_text(own)
    here = f"/v1/customers/{me}"
    mine = api(token)
    for path in ("", "/consents", "/consents/events", "/disclosures", "/sources", "/grants"):
        assert mine.get(here + path).status_code == 200, path
    changed = mine.patch(here, {"language": "de"}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    purpose = mine.get("/v1/purposes").json["items"][0]["key"]
    event = {**EVENT, "purpose": purpose, "captured_at": rfc3339(clock()), "customer_id": me}
    recorded = mine.post("/v1/consents", event)
    assert recorded.status_code == 201, recorded.json
    receipt = recorded.json["receipt_url"].partition("/v1/")[2]
    headers = {"Accept": "application/json"}
    assert mine.get("/v1/" + receipt, headers=headers).json["pii_principal_id"] == me
    events = mine.get(here + "/consents/events").json["items"]
    assert {item["actor"].partition(":")[0] for item in events} == {"customer"}
    assert mine.post("/v1/signals", {**SIGNAL, "customer_id": me}).status_code == 201
    decision = mine.post("/v1/decisions", {"purpose": purpose, "customer_id": me})
    assert decision.status_code == 200
    statement = mine.get(f"/v1/decisions/{decision.json['decision_id']}")
    assert statement.status_code == 200


def test_no_leaf_names_the_customer_who_acted(app, api, token, own, sample_catalogue, clock):
    me = customer_id_text(own)
    purpose = api(token).get("/v1/purposes").json["items"][0]["key"]
    about = {"customer_id": me, "captured_at": rfc3339(clock())}
    for path, body in (
        ("/v1/consents", {**EVENT, **about, "purpose": purpose}),
        ("/v1/signals", {**SIGNAL, **about}),
        ("/v1/privacy-requests", {"customer_id": me, "kind": "access"}),
    ):
        assert api(token).post(path, body).status_code in (201, 202)
    with app.app_context(), reading() as tx:
        rows = tx.execute(select(LedgerEntryRow.__table__)).all()
    assert len(rows) >= 2
    clear = [{**row._mapping, "customer_id": None} for row in rows]
    assert own.hex not in repr(clear).replace("-", "")


def test_a_receipt_or_a_decision_about_another_is_nobodys(
    api, token, other, make_client, token_for, sample_catalogue, clock
):
    """There are such things, and the decision was even given to the same client."""
    scopes = ["consents:write", "consents:read", "catalogue:read", "decisions:check"]
    service = api(token_for(make_client("loyalty", scopes, ["email_service"])))
    purpose = service.get("/v1/purposes").json["items"][0]["key"]
    about = {"purpose": purpose, "customer_id": customer_id_text(other)}
    event = {**EVENT, **about, "captured_at": rfc3339(clock())}
    receipt = service.post("/v1/consents", event).json["receipt_url"].partition("/v1/")[2]
    decision = service.post("/v1/decisions", about).json["decision_id"]
    for path in (f"/v1/{receipt}", f"/v1/decisions/{decision}"):
        headers = {"Accept": "application/json"} if "receipts" in path else {}
        assert service.get(path, headers=headers).status_code == 200
        assert api(token).get(path, headers=headers).status_code == 404


def test_a_view_that_forgets_to_ask_whose_it_is_answers_nobody(app, token, make_client, token_for):
    open_wide = require_scope("consents:read", customers=Customers.OWN)(lambda: Response("all"))
    app.add_url_rule("/v1/forgotten", view_func=open_wide, endpoint="forgotten")
    service = token_for(make_client("website", ["consents:read"]))
    answers = [
        app.test_client().get("/v1/forgotten", headers={"Authorization": f"Bearer {one}"})
        for one in (token, service)
    ]
    assert [answer.status_code for answer in answers] == [404, 200]


@pytest.mark.parametrize(
    ("name", "value"),
    [("identifiers", []), ("identifiers", [EMAIL]), ("jurisdiction", "US"), ("age_band", "adult")],
)
def test_an_app_does_not_change_what_finds_a_person_nor_the_rules_for_them(
    api, token, own, name, value
):
    path = f"/v1/customers/{customer_id_text(own)}"
    reply = api(token).patch(path, {name: value}, headers={"If-Match": '"1"'})
    assert reply.status_code == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "a-1"},
        {"guardian": {"name": "x"}},
        {"event": "revoked"},
        {"event": "requested"},
    ],
)
def test_an_app_speaks_for_the_customer_and_for_nobody_else(api, token, own, changes):
    body = {**EVENT, "customer_id": customer_id_text(own), **changes}
    reply = api(token).post("/v1/consents", body)
    assert reply.status_code == 422
    assert reply.json["errors"][0]["code"] == "not_writable"


def test_mine_and_anothers_in_one_body_is_nobody(api, token, own, other):
    events = [{**EVENT, "customer_id": customer_id_text(who)} for who in (own, other)]
    assert api(token).post("/v1/consents", {"events": events}).status_code == 404


def test_an_own_identifier_tells_as_little_as_anothers(app, clock, api, token):
    for value in ("other@example.org", "nobody@example.org"):
        body = {**CHECK, "identifier": {"type": "email", "value": value}}
        assert api(token).post("/v1/decisions", body).status_code == 404


def test_a_services_token_reaches_everybody(api, make_client, token_for, own, other):
    service = api(token_for(make_client("website", ["customers:read"])))
    for who in (own, other):
        assert service.get(f"/v1/customers/{customer_id_text(who)}").status_code == 200


def test_what_a_customer_can_allow_is_about_themselves():
    assert set(Scope) > CUSTOMER_SCOPES
    assert not CUSTOMER_SCOPES & {
        "clients:manage", "catalogue:write", "suppressions:write",
        "requests:decide", "webhooks:manage", "changes:read", "reports:read",
    }  # fmt: skip
