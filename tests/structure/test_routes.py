"""A route without a guard fails the build."""

import re

import pytest

from consent_service import openapi
from consent_service.oauth.model import Scope

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/oauth/jwks.json"),
    ("POST", "/oauth/token"),
}
PAGES = {  # public, and no part of the API
    ("GET", "/docs"),
    ("GET", "/docs/openapi.yaml"),
    ("GET", "/docs/{name}"),
}


@pytest.fixture(scope="module")
def app():
    return openapi.unconnected_app()


@pytest.fixture(scope="module")
def routes(app):
    """{(method, path as the document writes it): the view}."""
    return {
        (method, re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)): app.view_functions[
            rule.endpoint
        ]
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


@pytest.fixture(scope="module")
def operations():
    """{(method, path): operation} of the document."""
    return {
        (method.upper(), path): operation
        for path, methods in openapi.document()["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    }


def test_every_route_has_a_scope_or_is_public(routes):
    unguarded = {route for route, view in routes.items() if not hasattr(view, "scope")}
    assert unguarded == PUBLIC | PAGES


def test_every_scope_asked_for_exists(routes):
    asked = {view.scope for view in routes.values() if hasattr(view, "scope")}
    assert asked <= set(Scope)


def test_every_guarded_route_refuses_a_stranger_first_of_all(app, routes):
    client = app.test_client()
    answers = {
        (method, path): client.open(
            re.sub(r"\{\w+\}", "1", path), method=method, data=b"{", content_type="text/plain"
        ).status_code
        for method, path in routes.keys() - PUBLIC - PAGES
    }
    assert {route for route, status in answers.items() if status != 401} == set()


def test_routes_are_those_of_the_document(routes, operations):
    assert routes.keys() - PAGES == operations.keys()


def test_the_document_names_the_scope_of_each_route(routes, operations):
    for route in routes.keys() - PUBLIC - PAGES:
        assert operations[route]["security"] == [{"oauth2": [routes[route].scope]}], route
    for route in PUBLIC:
        assert {"oauth2": []} not in operations[route].get("security", []), route


def test_every_operation_says_what_it_does(operations):
    assert [route for route, operation in operations.items() if not operation.get("summary")] == []
