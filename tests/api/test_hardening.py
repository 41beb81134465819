import json

import pytest
import structlog

from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.api import Reply, Routes

WRITE = "/v1/customers"


@pytest.fixture
def token(make_client, token_for):
    return token_for(make_client("website", {"customers:write", "customers:read"}))


@pytest.fixture
def send(client, contract, token):
    """Sends raw bytes to a write route; the reply is held against the document."""

    def post(body, content_type="application/json", **headers):
        reply = client.post(
            WRITE,
            data=body,
            content_type=content_type,
            headers={"Authorization": f"Bearer {token}", **headers},
        )
        contract.check(reply)
        return reply

    return post


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b"[" * 100_000, b'{"a": 1} x'])
def test_a_malformed_body_is_400(send, body):
    reply = send(body)
    assert (reply.status_code, reply.json["code"]) == (400, "malformed")


def test_a_name_that_stands_twice_is_400(send):
    reply = send(b'{"identifiers": [], "identifiers": []}')
    assert (reply.status_code, reply.json["code"]) == (400, "malformed")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_type_is_415(send, content_type):
    reply = send(b"{}", content_type)
    assert (reply.status_code, reply.json["code"]) == (415, "unsupported_media_type")
    assert reply.json["detail"] == "Send a body of application/json, not compressed."


def test_no_body_at_all_is_told_what_to_send(client, token):
    reply = client.post("/v1/customers", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 415
    assert reply.json["detail"].startswith("Send a body of application/json")


def test_a_compressed_body_is_415(send):
    assert send(b"{}", **{"Content-Encoding": "gzip"}).status_code == 415


def test_too_large_a_body_is_413(send):
    reply = send(b'{"profile": "' + b"x" * (2 * 1024 * 1024) + b'"}')
    assert (reply.status_code, reply.json["code"]) == (413, "too_large")


def test_invalid_fields_are_422_and_not_repeated(send):
    reply = send(json.dumps({"anna@example.org": "anna@example.org", "identifiers": "anna"}))
    assert (reply.status_code, reply.json["code"]) == (422, "invalid")
    assert reply.json["errors"]
    assert "anna" not in reply.get_data(as_text=True)


def test_half_a_letter_is_422(send):
    reply = send(b'{"jurisdiction": "\\ud800"}')
    assert reply.status_code == 422
    assert reply.json["errors"][0]["code"] == "invalid_text"


def test_nobody_unknown_gets_as_far_as_the_body(client, contract):
    reply = client.post(WRITE, data=b"{", content_type="text/plain")
    contract.check(reply)
    assert reply.status_code == 401


@pytest.mark.parametrize(
    ("path", "kind"), [("/nothing", "text/html"), ("/v1/nothing", "application/problem+json")]
)
def test_who_reads_pages_gets_a_page_but_never_of_the_api(client, path, kind):
    reply = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (reply.status_code, reply.mimetype) == (404, kind)


@pytest.mark.parametrize("path", ["/v1/nothing", "/nothing", "/v1/customers/", "/%00"])
def test_an_unknown_path_is_a_404_problem(api, path):
    reply = api().get(path)
    assert reply.status_code == 404
    assert reply.mimetype == "application/problem+json"
    assert reply.json["code"] == "not_found"


def test_an_unknown_method_is_a_405_problem_that_names_the_known(api):
    reply = api().delete("/healthz")
    assert (reply.status_code, reply.json["code"]) == (405, "method_not_allowed")
    assert "GET" in reply.headers["Allow"]


def test_a_problem_has_every_member(api):
    reply = api().get("/v1/nothing")
    assert set(reply.json) == {
        "type", "title", "status", "detail", "instance", "code", "request_id", "errors",
    }  # fmt: skip
    assert reply.json["status"] == 404
    assert reply.json["type"] == "urn:consent:problem:not_found"
    assert reply.json["instance"] == f"urn:consent:request:{reply.json['request_id']}"


def test_a_request_id_is_taken_over(api):
    reply = api().get("/v1/nothing", headers={"X-Request-Id": "from-the-caller_1"})
    assert reply.headers["X-Request-Id"] == reply.json["request_id"] == "from-the-caller_1"


@pytest.mark.parametrize("given", [None, "short", "x" * 65, "with blank", "a\tb-c-d-e", "é" * 10])
def test_a_request_id_that_could_do_harm_is_replaced(api, given):
    headers = {} if given is None else {"X-Request-Id": given}
    reply = api().get("/healthz", headers=headers)
    assert reply.headers["X-Request-Id"] != given
    assert len(reply.headers["X-Request-Id"]) == 24


def test_every_reply_carries_the_security_headers(api):
    for reply in (api().get("/healthz"), api().get("/v1/nothing"), api().get("/v1/catalogue")):
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["Cache-Control"] == "no-store"
        assert "max-age" in reply.headers["Strict-Transport-Security"]
        assert reply.headers["Server"] == "consent"


def test_readiness_and_liveness_answer(api):
    assert api().get("/healthz").json == {"health": "ok"}
    assert api().get("/readyz").json == {"health": "ok"}


def test_a_failure_is_a_500_that_tells_nothing(app):
    failing = Routes("failing", "A test's own")

    @failing.route("/failing", "GET")
    def fail() -> Reply:
        raise RuntimeError("anna@example.org")

    app.register_blueprint(failing)
    with structlog.testing.capture_logs() as logged:
        reply = app.test_client().get("/failing")
    assert (reply.status_code, reply.json["code"]) == (500, "internal_error")
    assert reply.mimetype == "application/problem+json"
    assert reply.headers["X-Request-Id"] == reply.json["request_id"]
    told = reply.get_data(as_text=True) + repr(logged)
    assert "Traceback" not in told
    assert "anna" not in told
    (entry,) = [each for each in logged if each["event"] == "web:request:failed"]
    assert entry["error"] == "RuntimeError"
    assert "fail" in entry["where"]


def test_a_store_of_another_release_is_not_ready(app, api):
    with app.app_context(), unit_of_work() as tx:
        tx.exec_driver_sql("DELETE FROM alembic_version")
    reply = api().get("/readyz")
    assert (reply.status_code, reply.json["code"]) == (503, "store_outdated")
    assert reply.headers["Retry-After"] == "1"
