"""Parameters of an address: what a route does not know it refuses, wherever it is."""

import re

from consent_service import openapi


def without_a_known_parameter(path, method, operation):
    """Whether the query is all that can be wrong with a request to it."""
    named = [each for each in operation.get("parameters", ()) if each.get("in") == "query"]
    return path.startswith("/v1/") and (method == "get" or not named)


def test_a_parameter_that_a_route_does_not_know_is_refused(shop):
    client, headers = shop.app.test_client(), {"Authorization": f"Bearer {shop.token}"}
    asked = [
        (method, re.sub(r"\{\w+\}", "1", path))
        for path, methods in openapi.document()["paths"].items()
        for method, operation in methods.items()
        if method != "parameters" and without_a_known_parameter(path, method, operation)
    ]
    assert len(asked) > 60
    taken = {}
    for method, path in asked:
        reply = client.open(f"{path}?dry_run_of=1", method=method.upper(), headers=headers)
        faults = [(each["pointer"], each["code"]) for each in reply.json.get("errors", ())]
        if reply.status_code != 422 or ("/dry_run_of", "unknown_field") not in faults:
            taken[method, path] = reply.status_code, faults
    assert taken == {}


def test_an_empty_query_is_none(shop):
    for query in ("?", "?&"):
        assert shop.api.get(f"/v1/catalogue{query}").status_code == 200


def test_health_is_told_whatever_stands_behind_it(shop):
    assert shop.app.test_client().get("/healthz?at=1").status_code == 200
