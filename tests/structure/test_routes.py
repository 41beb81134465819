"""A route without a guard fails the build."""

import re

import pytest

from consent_service import openapi
from consent_service.oauth.model import Scope

PUBLIC = {
    ("GET", "/healthz"),
    ("POST", "/v1/widget/look"),
    ("POST", "/v1/widget/choices"),
    ("POST", "/v1/widget/ties"),
    ("GET", "/.well-known/gpc.json"),
    ("GET", "/readyz"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/oauth/jwks.json"),
    ("POST", "/oauth/token"),
    ("POST", "/oauth/revoke"),
    ("POST", "/oauth/introspect"),
    ("GET", "/v1/log/checkpoint"),
    ("GET", "/v1/log/key"),
    ("GET", "/v1/log/tile/{level}/{address}"),
}
PAGES = {  # public, and no part of the API
    ("GET", "/oauth/authorize"),
    ("POST", "/oauth/authorize"),
    ("GET", "/"),
    ("GET", "/account"),
    ("GET", "/account/apps"),
    ("POST", "/account/apps"),
    ("GET", "/assets/{version}/site.css"),
    ("GET", "/assets/{version}/logo"),
    ("GET", "/choices"),
    ("POST", "/choices"),
    ("POST", "/choices/again"),
    ("GET", "/choices/confirm/{token}"),
    ("POST", "/choices/confirm/{token}"),
    ("GET", "/choices/confirmed"),
    ("GET", "/choices/history/{purpose}"),
    ("GET", "/choices/saved/{event}"),
    ("GET", "/choices/saved/{event}/receipt"),
    ("GET", "/data"),
    ("GET", "/data/correct"),
    ("POST", "/data/correct"),
    ("GET", "/data/delete"),
    ("POST", "/data/delete"),
    ("GET", "/data/download"),
    ("POST", "/data/download"),
    ("GET", "/help"),
    ("POST", "/effort"),
    ("GET", "/effort/thanks"),
    ("GET", "/devices/{token}"),
    ("POST", "/devices/{token}"),
    ("GET", "/devices/tied"),
    ("GET", "/widget.js"),
    ("GET", "/preferences/{token}"),
    ("POST", "/preferences/{token}"),
    ("GET", "/privacy"),
    ("GET", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}"),
    ("GET", "/requests"),
    ("POST", "/requests"),
    ("GET", "/requests/{request_id}"),
    ("POST", "/requests/{request_id}"),
    ("POST", "/requests/{request_id}/cancel"),
    ("GET", "/use"),
    ("GET", "/use/{entry}/statement"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/link/{token}"),
    ("POST", "/sign-in/link/{token}"),
    ("GET", "/sign-in/sent"),
    ("GET", "/requests/confirm/{token}"),
    ("POST", "/requests/confirm/{token}"),
    ("GET", "/requests/confirmed"),
    ("GET", "/requests/certificate/{token}"),
    ("POST", "/sign-out"),
    ("POST", "/sign-out/everywhere"),
    ("GET", "/staff"),
    ("GET", "/staff/enrol/{token}"),
    ("POST", "/staff/enrol/{token}"),
    ("GET", "/staff/sign-in"),
    ("POST", "/staff/sign-in"),
    ("POST", "/staff/sign-out"),
    ("POST", "/staff/sign-out/everywhere"),
    ("GET", "/docs"),
    ("GET", "/docs/openapi.yaml"),
    ("GET", "/docs/{name}"),
}

FOR_THE_SIGNED_IN = {  # of the pages, those that a stranger is led away from
    ("POST", "/effort"),
    ("GET", "/effort/thanks"),
    ("GET", "/devices/{token}"),
    ("POST", "/devices/{token}"),
    ("GET", "/devices/tied"),
    ("GET", "/account"),
    ("GET", "/account/apps"),
    ("POST", "/account/apps"),
    ("GET", "/choices"),
    ("POST", "/choices"),
    ("POST", "/choices/again"),
    ("GET", "/choices/history/{purpose}"),
    ("GET", "/choices/saved/{event}"),
    ("GET", "/choices/saved/{event}/receipt"),
    ("GET", "/data"),
    ("GET", "/data/correct"),
    ("POST", "/data/correct"),
    ("GET", "/data/delete"),
    ("POST", "/data/delete"),
    ("GET", "/data/download"),
    ("POST", "/data/download"),
    ("GET", "/requests"),
    ("POST", "/requests"),
    ("GET", "/requests/{request_id}"),
    ("POST", "/requests/{request_id}"),
    ("POST", "/requests/{request_id}/cancel"),
    ("GET", "/use"),
    ("GET", "/use/{entry}/statement"),
    ("POST", "/sign-out/everywhere"),
    ("GET", "/staff"),
    ("POST", "/staff/sign-out/everywhere"),
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


def test_pages_for_the_signed_in_have_their_guard(routes):
    guarded = {route for route, view in routes.items() if hasattr(view, "signed_in")}
    assert guarded == FOR_THE_SIGNED_IN


def test_one_page_alone_takes_forms_from_anywhere(routes):
    anywhere = {route for route, view in routes.items() if hasattr(view, "from_anywhere")}
    assert anywhere == {("POST", "/unsubscribe/{token}")}
