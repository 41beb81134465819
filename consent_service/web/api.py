"""How a room declares its routes: one blueprint class whose decorators document what they do.

    api = Routes("consents", "Consents: events, records, receipts")

    @api.route("/v1/consents", "POST")
    @require_scope("consents:write")
    @api.body(ConsentsBody)
    @api.reply(201, ConsentReply)
    def record(body: dict[str, Any]) -> Reply: ...

`route` outermost, then the scope, so that nobody unknown gets as far as the body.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response, jsonify, request
from flask_smorest import Blueprint
from marshmallow import Schema

from consent_service.kernel.ids import CustomerId
from consent_service.web import problems
from consent_service.web.contracts import Problem
from consent_service.web.strict_json import StrictParser

View = TypeVar("View", bound=Callable[..., Any])

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON answer. `customer` says whose it is, so that a stored copy is erased with them."""

    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    customer: CustomerId | None = None

    def response(self) -> Response:
        """As a Flask response."""
        response = jsonify(self.body)
        response.status_code = self.status
        response.headers.update(self.headers)
        return response


class Routes(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A room's API routes."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, "consent_service." + name, description=description)

    def route(
        self, rule: str, method: str, *, max_body: int = 2 * MEBIBYTE, **options: Any
    ) -> Callable[[View], View]:
        """Registers the view under one method. Its scope, if any, goes into the document."""

        def register(view: View) -> View:
            @functools.wraps(view)
            def bounded(*args: Any, **kwargs: Any) -> Response:
                request.max_content_length = max_body
                made = view(*args, **kwargs)
                if isinstance(made, Reply):
                    return made.response()
                assert isinstance(made, Response)
                return made

            documented: Any = bounded
            scope = getattr(view, "scope", None)
            statuses = [400, 413, 422, 503]
            if scope is not None:
                statuses += [401, 403]
                documented = self.doc(security=[{"oauth2": [scope]}])(documented)
            for status in statuses:
                documented = self.problem(status)(documented)
            super(Routes, self).route(rule, methods=[method], **options)(documented)
            return view

        return register

    def body(self, schema: type[Schema]) -> Callable[[View], View]:
        """The JSON body, checked and handed over as a dict, the first argument."""

        def wrap(view: View) -> View:
            read: View = self.arguments(schema, location="json")(view)
            typed: View = self.problem(415)(read)
            return typed

        return wrap

    def query(self, schema: type[Schema]) -> Callable[[View], View]:
        """The query parameters, checked and handed over as a dict."""
        made: Callable[[View], View] = self.arguments(schema, location="query")
        return made

    def reply(
        self,
        status: int,
        schema: type[Schema] | dict[str, Any] | None = None,
        description: str = "",
        media_type: str | None = None,
    ) -> Callable[[View], View]:
        """Documents an answer; the tests hold answers against it."""
        made: Callable[[View], View] = self.alt_response(
            status,
            schema=schema,
            description=description or "Done",
            **({"content_type": media_type} if media_type else {}),
        )
        return made

    def document(self, **parts: Any) -> Callable[[View], View]:
        """Adds to a view's place in the document."""
        made: Callable[[View], View] = self.doc(**parts)
        return made

    def problem(self, status: int) -> Callable[[View], View]:
        """Documents a problem answer."""
        made: Callable[[View], View] = self.alt_response(
            status,
            schema=Problem,
            description=problems.TITLES[status],
            content_type=problems.MEDIA_TYPE,
            success=False,
        )
        return made


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest has no types
    """The API, whose errors are problems and whose document is ours to serve."""

    ERROR_SCHEMA = Problem
    DEFAULT_ERROR_RESPONSE_NAME = None  # each route documents its own

    def _register_error_handlers(self) -> None:
        """Errors are `web.problems`' business, for the API and the pages apart."""

    def _register_responses(self) -> None:
        """None is shared."""


def schema_name(schema: Any) -> str:
    """The name of a schema in the document: its class's."""
    return str(getattr(schema, "__name__", type(schema).__name__))


def make_api(app: Flask, description: str, version: str) -> Api:
    """The API of an app, ready to register rooms' routes."""
    app.config.update(
        API_TITLE="Consent and privacy management",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={"info": {"description": description}},
    )
    return Api(
        app, spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=schema_name)}
    )
