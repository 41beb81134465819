"""A JSON answer beside Flask's own response of the same."""

import pytest
from flask import Flask, Response

from consent_service.web.api import Reply

BODY = b'{"a":"\xc3\xa9"}\n'


def sent(response, method="GET"):
    """Status, headers and body as a server is handed them."""
    said = []
    app = Flask("tried")
    with app.test_request_context(method=method) as context:
        environ = context.request.environ
        body = b"".join(response(environ, lambda *start: said.append(start[:2])))
    ((status, headers),) = said
    return status, sorted(headers), body


def made(status, **headers):
    return Reply({"a": "é"}, status, headers).response()


def flasks(status, **headers):
    return Response(BODY, status, headers, content_type="application/json")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 409])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("headers", [{}, {"Vary": "Accept"}])
def test_a_reply_is_what_flask_makes_of_it(status, method, headers):
    assert sent(made(status, **headers), method) == sent(flasks(status, **headers), method)


def test_what_is_changed_afterwards_is_sent():
    ours, theirs = made(200), flasks(200)
    for response in (ours, theirs):
        response.headers["X-After"] = "1"
        response.set_cookie("a", "b")
        response.status_code = 202
        response.set_data(b"other")
    assert sent(ours) == sent(theirs)
    assert ours.get_data() == b"other"
    assert ours.mimetype == "application/json"


def test_whoever_waits_for_the_end_is_told():
    told, response = [], made(200)
    response.call_on_close(lambda: told.append("over"))
    environ = Flask("tried").test_request_context().request.environ
    body = response(environ, lambda *start: None)
    assert b"".join(body) == BODY
    body.close()
    assert told == ["over"]
