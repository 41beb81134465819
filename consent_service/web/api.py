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
from contextlib import nullcontext
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar, cast

import flask_smorest
import msgspec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response
from flask_smorest import Blueprint
from marshmallow import Schema
from msgspec import Struct
from werkzeug.datastructures import Headers
from werkzeug.routing import BaseConverter

from consent_service.kernel.ids import CustomerId
from consent_service.storage.direct import direct
from consent_service.web import problems
from consent_service.web.contracts import Problem
from consent_service.web.documenting import document, documenting
from consent_service.web.runtime import this_request
from consent_service.web.strict_json import StrictParser, read_json, refuse_parameters

View = TypeVar("View", bound=Callable[..., Any])
Quick = Callable[[Any], dict[str, Any] | None]

MEBIBYTE = 1024 * 1024
_encode = msgspec.json.encode
_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


class Reply(Struct, frozen=True):
    """A JSON answer. `customer` says whose it is, so that a stored copy is erased with them."""

    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = {}
    customer: CustomerId | None = None

    def response(self) -> Response:
        """As a Flask response."""
        response = _Whole(_encode(self.body) + b"\n", self.status)
        if self.headers:
            response.headers.update(self.headers)
        return response


class _Whole(Response):
    """A JSON response that is all there, and is handed to the server so: a list, not an iterator to
    be asked for its next part and closed. What Flask keeps its headers in is made when somebody
    asks for it."""

    direct_passthrough = False

    def __init__(self, body: bytes, status: int) -> None:
        self.status = status
        self.response: list[bytes] = [body]
        self._on_close: list[Callable[[], Any]] = []

    @cached_property
    def headers(self) -> Headers:  # type: ignore[override]  # an attribute of werkzeug's
        return Headers(self._own_headers())

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """As the WSGI server takes it."""
        if environ["REQUEST_METHOD"] == "HEAD" or self.status_code == 204 or self._on_close:
            return super().__call__(environ, start_response)
        asked_for = "headers" in self.__dict__
        said = self.headers.to_wsgi_list() if asked_for else self._own_headers()
        start_response(self.status, said)
        return self.response

    def _own_headers(self) -> list[tuple[str, str]]:
        size = sum(map(len, self.response))
        return [("Content-Type", "application/json"), ("Content-Length", str(size))]


class Routes(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A room's API routes."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, "consent_service." + name, description=description)
        self._undocumented: list[Callable[[], None]] = []

    def route(
        self,
        rule: str,
        method: str,
        *,
        max_body: int = 2 * MEBIBYTE,
        one_door: bool = False,
        **options: Any,
    ) -> Callable[[View], View]:
        """Registers the view under one method. Its scope, if any, goes into the document. With
        `one_door`, all that goes to the store directly goes through the same connection."""

        def register(view: View) -> View:
            asks_nothing = rule.startswith("/v1/") and not hasattr(view, "parameters")

            @functools.wraps(view)
            def bounded(*args: Any, **kwargs: Any) -> Response:
                request = this_request()
                request.max_content_length = max_body
                if asks_nothing and request.query_string:
                    refuse_parameters(request)
                with direct() if one_door else nullcontext():
                    made = view(*args, **kwargs)
                if isinstance(made, Reply):
                    return made.response()
                assert isinstance(made, Response)
                return made

            documented: Any = bounded
            scope = getattr(view, "scope", None)
            statuses = [400, 413, 422, 503] if method in _WITH_BODY else [422, 503]
            if scope is not None:
                statuses += [401, 403, 429]
                documented = self.document(security=[{"oauth2": [scope]}])(documented)
            if getattr(view, "customers", None) == "own":
                statuses.append(404)  # a customer's token: anybody else is nobody
            for status in statuses:
                documented = self.problem(status)(documented)
            super(Routes, self).route(rule, methods=[method], **options)(documented)
            return view

        return register

    def body(self, schema: type[Schema], quick: Quick | None = None) -> Callable[[View], View]:
        """The JSON body, checked and handed over as a dict, the first argument. `quick` makes the
        same of most bodies in a twentieth of the time, and None of all others, which the schema
        then reads, or says what is wrong with them."""

        def wrap(view: View) -> View:
            read: View = self.arguments(schema(), location="json")(view)  # made once, not each time
            typed: View = self.problem(415)(read)
            return typed if quick is None else _quickly(view, typed, quick)

        return wrap

    def query(self, schema: type[Schema]) -> Callable[[View], View]:
        """The query parameters, checked and handed over as a dict."""

        def wrap(view: View) -> View:
            made: View = self.arguments(schema(), location="query")(view)
            made.parameters = schema  # type: ignore[attr-defined]  # what `route` looks for
            return made

        return wrap

    def reply(
        self,
        status: int,
        schema: type[Schema] | dict[str, Any] | None = None,
        description: str = "",
        media_type: str | None = None,
    ) -> Callable[[View], View]:
        """Documents an answer; the tests hold answers against it."""
        return documenting(
            self.alt_response,
            status,
            schema=schema,
            description=description or "Done",
            **({"content_type": media_type} if media_type else {}),
        )

    def document(self, **parts: Any) -> Callable[[View], View]:
        """Adds to a view's place in the document."""
        return documenting(self.doc, **parts)

    def problem(self, status: int) -> Callable[[View], View]:
        """Documents a problem answer."""
        return documenting(
            self.alt_response,
            status,
            schema=Problem,
            description=problems.TITLES[status],
            content_type=problems.MEDIA_TYPE,
            success=False,
        )

    def register_views_in_doc(self, *args: Any, **kwargs: Any) -> None:
        """Documents the views, each of which has only been noted so far."""
        while self._undocumented:
            self._undocumented.pop(0)()
        super().register_views_in_doc(*args, **kwargs)

    def _store_endpoint_docs(self, endpoint: str, view: Any, *args: Any, **options: Any) -> None:
        def note() -> None:
            document(view)
            super(Routes, self)._store_endpoint_docs(endpoint, view, *args, **options)

        self._undocumented.append(note)


def _quickly(view: View, typed: View, quick: Quick) -> View:
    @functools.wraps(typed)
    def either(*args: Any, **kwargs: Any) -> Any:
        body = quick(read_json(this_request()))
        return typed(*args, **kwargs) if body is None else view(body, *args, **kwargs)

    return cast(View, either)


class Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest has no types
    """The API, whose errors are problems and whose document is ours to serve."""

    ERROR_SCHEMA = Problem
    DEFAULT_ERROR_RESPONSE_NAME = None  # each route documents its own

    def __init__(self, app: Flask, **kwargs: Any) -> None:
        self._undocumented: list[Routes] = []
        self._documenting = Lock()
        super().__init__(app, **kwargs)

    def register_blueprint(self, routes: Routes) -> None:
        """Registers a room's routes. They are documented when the document is asked for, which
        takes longer than all else of making an app."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][routes.name] = self
        self._app.register_blueprint(routes)
        self._undocumented.append(routes)

    def document(self) -> dict[str, Any]:
        """The OpenAPI document of the routes registered so far."""
        with self._documenting:
            while self._undocumented:
                routes = self._undocumented.pop(0)
                routes.register_views_in_doc(
                    self, self._app, self.spec, name=routes.name, parameters=None
                )
                self.spec.tag({"name": routes.name, "description": routes.description})
            made: dict[str, Any] = self.spec.to_dict()
        return made

    def _register_error_handlers(self) -> None:
        """Errors are `web.problems`' business, for the API and the pages apart."""

    def _register_responses(self) -> None:
        """None is shared."""


class IdConverter(BaseConverter):
    """A segment that is an id, and so none of the words that stand in its place elsewhere."""

    regex = r"(?!(?:lookup|batch)(?:/|$))[^/]+"


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
    app.url_map.converters["id"] = IdConverter
    return Api(
        app, spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=schema_name)}
    )
