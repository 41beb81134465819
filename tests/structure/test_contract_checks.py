"""The check that every API test relies on does find what is undocumented."""

import pytest
from flask import Flask, Response

from tests.support.contract import Api, Contract

THING = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}
DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/things/{id}": {
            "get": {
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
                        }
                    },
                    "202": {},
                }
            }
        },
        "/things/one": {"get": {"responses": {"200": {"content": {"text/csv": {}}}}}},
    },
    "components": {"schemas": {"Thing": THING, "Problem": THING}},
}


@pytest.fixture
def get():
    """`get(path, *response)`: what a server answers, seen through the check."""

    def send(path, *made, **more):
        app = Flask("server")
        reply = Response(*made, **more, headers={"X-Request-Id": "1"})
        app.add_url_rule("/<path:rest>", "any", lambda rest: reply)
        return Api(app.test_client(), Contract(DOCUMENT), None).get(path)

    return send


JSON = {"mimetype": "application/json"}


def test_what_is_documented_passes(get):
    assert get("/things/2", '{"at": "2026-03-01T00:00:00Z"}', **JSON).status_code == 200
    assert get("/things/2", "", 202).status_code == 202
    assert get("/things/one", "a,b", mimetype="text/csv").status_code == 200


@pytest.mark.parametrize(
    ("path", "answer", "fault"),
    [
        ("/things/2", ('{"at": 1}', 200), "not of type"),
        ("/things/2", ('{"at": "yesterday"}', 200), "date-time"),
        ("/things/2", ('{"new": 1}', 200), "new"),
        ("/things/2", ("[]", 200), "not of type"),
        ("/things/2", ("{}", 201), "'200', '202'"),
        ("/things/2", ("{}", 500), "knows"),
        ("/things/2", ("{}", 202), "knows of none"),
        ("/things/one", ("{}", 200), "text/csv"),
        ("/nothing", ("{}", 200), "no such operation"),
        ("/nothing", ("{}", 404), "application/json"),
    ],
)
def test_what_is_not_documented_fails(get, path, answer, fault):
    with pytest.raises(AssertionError, match=fault):
        get(path, *answer, **JSON)
