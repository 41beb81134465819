"""Flask, less what it does for each request that none of ours has a use for. ADR 35 has what each
of these took."""

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from flask import Flask, Request, Response, request_finished, request_started
from flask.ctx import AppContext, RequestContext
from flask.globals import _cv_app, _cv_request, request_ctx
from flask.sessions import NullSession
from flask.signals import appcontext_tearing_down, request_tearing_down
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host

_this_context: Callable[[], RequestContext] = request_ctx._get_current_object  # type: ignore[attr-defined]  # a proxy's


class Application(Flask):
    """As Flask in all that can be seen."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.routes: dict[tuple[str, str], Any] = {}
        self._hooks: dict[str, _Hooks] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is: none of ours is a coroutine, and to look takes as long as to
        route a request."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's; what follows from the host alone is found once for each host."""
        if request is None:
            return super().create_url_adapter(None)
        environ = request.environ
        scheme, server = (
            environ["wsgi.url_scheme"],
            (environ["SERVER_NAME"], environ["SERVER_PORT"]),
        )
        request.host = _host(scheme, environ.get("HTTP_HOST"), server)
        return MapAdapter(
            self.url_map,
            request.host,
            environ.get("SCRIPT_NAME") or "/",
            self.url_map.default_subdomain,
            scheme,
            request.path,
            request.method,
            environ.get("QUERY_STRING", ""),
        )

    def app_context(self) -> AppContext:
        """As Flask's."""
        return _AppContext(self)

    def request_context(self, environ: dict[str, Any]) -> RequestContext:
        """As Flask's."""
        return _RequestContext(self, environ)

    def full_dispatch_request(self) -> Response:
        """As Flask's: what is hooked onto a route is looked up once, since nothing can be after
        the first request. Whatever is no plain request to a route goes Flask's own way."""
        context = _this_context()
        asked, rule = context.request, context.request.url_rule
        if rule is None or asked.method == "OPTIONS" or _anybody_listens():
            return super().full_dispatch_request()
        self._got_first_request = True
        hooks = self._hooks.get(rule.endpoint) or self._found_hooks(rule.endpoint, asked)
        try:
            answer: Any = self.preprocess_request() if hooks.for_values else _first(hooks.before)
            if answer is None:
                assert asked.view_args is not None
                answer = self.view_functions[rule.endpoint](**asked.view_args)
        except Exception as error:
            answer = self.handle_user_exception(error)
        response = answer if isinstance(answer, Response) else self.make_response(answer)
        if hooks.after or context._after_request_functions:
            return self.process_response(response)
        return response

    def do_teardown_request(self, *error: Any) -> None:
        """Nothing, where nobody asked for any."""
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(*error)

    def do_teardown_appcontext(self, *error: Any) -> None:
        """Nothing, where nobody asked for any."""
        if self.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
            super().do_teardown_appcontext(*error)

    def _found_hooks(self, endpoint: str, asked: Request) -> "_Hooks":
        names = (None, *reversed(asked.blueprints))
        found = self._hooks[endpoint] = _Hooks(
            tuple(hook for name in names for hook in self.before_request_funcs.get(name, ())),
            any(self.after_request_funcs.get(name) for name in names),
            any(self.url_value_preprocessors.get(name) for name in names),
        )
        return found


class _Hooks(NamedTuple):
    """What is hooked onto an endpoint: what comes before the view, whether anything comes after it,
    and whether anything looks at what stands in the path."""

    before: tuple[Callable[[], Any], ...]
    after: bool
    for_values: bool


def _first(hooks: tuple[Callable[[], Any], ...]) -> Any:
    """What the first of these answers that answers anything."""
    for hook in hooks:
        answer = hook()
        if answer is not None:
            return answer
    return None


def _anybody_listens() -> bool:
    return bool(request_started.receivers or request_finished.receivers)


class _AppContext(AppContext):
    """As Flask's; an adapter for URLs is made when somebody asks for it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.g = app.app_ctx_globals_class()
        self._cv_tokens = []

    @cached_property
    def url_adapter(self) -> MapAdapter | None:  # type: ignore[override]  # an attribute of Flask's
        return self.app.create_url_adapter(None)


class _RequestContext(RequestContext):
    """As Flask's. A path that is a route as it stands is found by itself, there are only so many of
    them, and an adapter for URLs is made when somebody asks for it."""

    app: Application

    def __init__(
        self, app: Application, environ: dict[str, Any], request: Any = None, session: Any = None
    ) -> None:
        if request is None:
            request = app.request_class(environ)
            request.json_module = app.json
        self.app, self.request = app, request
        self.flashes = None
        self._session = session
        self._after_request_functions = []
        self._cv_tokens = []

    @cached_property
    def url_adapter(self) -> MapAdapter:  # type: ignore[override]  # an attribute of Flask's
        made = self.app.create_url_adapter(self.request)
        assert made is not None
        return made

    def push(self) -> None:
        """As Flask's."""
        around = _cv_app.get(None)
        own = None
        if around is None or around.app is not self.app:
            own = self.app.app_context()
            own.push()
        self._cv_tokens.append((_cv_request.set(self), own))
        if self._session is None:
            self._session = _NOBODYS
        self.match_request()

    def match_request(self) -> None:
        """As Flask's."""
        asked = self.request
        rule = self.app.routes.get((asked.method, asked.path))
        if rule is not None:
            asked.url_rule, asked.view_args = rule, {}
            return
        super().match_request()
        rule = asked.url_rule
        if rule is not None and not asked.view_args and rule.rule == asked.path:
            self.app.routes[asked.method, asked.path] = rule


_NOBODYS = NullSession()  # none of ours uses Flask's sessions


@lru_cache(maxsize=64)
def _host(scheme: str, said: str | None, server: tuple[str, str]) -> str:
    """The host and port that a request names; empty when they are none."""
    environ = {"wsgi.url_scheme": scheme, "SERVER_NAME": server[0], "SERVER_PORT": server[1]}
    return get_host(environ if said is None else environ | {"HTTP_HOST": said})
