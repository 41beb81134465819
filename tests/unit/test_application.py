"""Our application beside Flask's own: the same routes and hooks, the same requests, the same
answers and the same calls in the same order."""

import pytest
from flask import (
    Blueprint,
    Flask,
    abort,
    after_this_request,
    appcontext_tearing_down,
    current_app,
    g,
    has_request_context,
    request,
    request_finished,
    request_tearing_down,
    session,
    url_for,
)

from consent_service.web.application import Application


def make(kind, *, hooked=True):
    """An app with everything hooked onto it, or only onto some of its routes; what was called is
    kept with it."""
    app = kind("tried", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    calls = app.extensions["calls"] = []
    rooms = make_rooms(calls)
    if hooked:
        hook_onto(app, calls, "all")
        app.teardown_appcontext(
            lambda error: calls.append(("end of context", type(error).__name__))
        )
        rooms.url_value_preprocessor(count_up)
    app.register_blueprint(rooms)
    bare = Blueprint("bare", "bare")
    add_plain(bare, calls)
    add_odd(bare)
    app.register_blueprint(bare)
    return app


def hook_onto(kept, calls, name):
    @kept.before_request
    def before():
        calls.append((f"before {name}", request.endpoint, dict(request.view_args or {})))
        g.seen = name
        return "kept out" if name in request.args else None

    @kept.after_request
    def after(response):
        calls.append((f"after {name}", g.seen, response.status_code))
        response.headers[f"X-{name}"] = "after"
        return response

    @kept.teardown_request
    def end(error):
        calls.append((f"end of {name}", type(error).__name__))


def count_up(endpoint, values):
    values["number"] = int(values.get("number", 0)) + 1


def make_rooms(calls):
    rooms = Blueprint("rooms", "rooms", url_prefix="/rooms")
    hook_onto(rooms, calls, "rooms")

    @rooms.errorhandler(KeyError)
    def missing(error):
        return "no such key", 410

    @rooms.get("/<int:number>")
    def show_room(number):
        return {"room": number, "there": url_for("rooms.show_room", number=number, _external=True)}

    @rooms.get("/broken")
    def break_room(number=None):
        raise KeyError("x")

    return rooms


def add_plain(bare, calls):
    @bare.route("/plain", methods=["GET", "POST"])
    def plain():
        calls.append(("plain", current_app.name, request.host, request.url))
        return {"method": request.method, "sent": request.get_data(as_text=True)}

    @bare.get("/with/")
    def with_slash():
        return "slash"

    @bare.get("/late")
    def late():
        after_this_request(lambda response: (response.headers.set("X-Late", "1"), response)[1])
        return "late", 202, {"X-Own": "1"}


def add_odd(bare):
    @bare.get("/refused")
    def refuse():
        abort(403)

    @bare.get("/failing")
    def fail():
        raise RuntimeError("not for the caller")

    @bare.get("/nothing")
    def nothing():
        return None

    @bare.get("/session")
    def look_at_session():
        return {"session": dict(session), "has": "x" in session}

    @bare.get("/session/written")
    def write_session():
        session["x"] = 1
        return "never"


ASKED = [
    ("GET", "/plain", {}),
    ("POST", "/plain", {"data": b"sent"}),
    ("GET", "/plain?a=b", {}),
    ("HEAD", "/plain", {}),
    ("OPTIONS", "/plain", {}),
    ("DELETE", "/plain", {}),
    ("GET", "//plain", {}),
    ("GET", "/plain/", {}),
    ("GET", "/with/", {}),
    ("GET", "/with", {}),
    ("GET", "/nowhere", {}),
    ("GET", "/rooms/4", {}),
    ("GET", "/rooms/x", {}),
    ("GET", "/rooms/4?rooms", {}),
    ("GET", "/plain?all", {}),
    ("GET", "/rooms/broken", {}),
    ("OPTIONS", "/rooms/4", {}),
    ("GET", "/late", {}),
    ("GET", "/refused", {}),
    ("GET", "/failing", {}),
    ("GET", "/nothing", {}),
    ("GET", "/session", {}),
    ("GET", "/session/written", {}),
    ("GET", "/plain", {"headers": {"Host": "shop.example.org:8443"}}),
    ("GET", "/plain", {"headers": {"Host": "no host"}}),
    ("GET", "/rooms/4", {"headers": {"Host": "shop.example.org"}}),
    ("GET", "/plain", {"base_url": "https://example.org/under"}),
    ("GET", "/pl%C3%A4in", {}),
    ("GET", "/%70lain", {}),
]


def said_by(app, method, path, options):
    app.extensions["calls"].clear()
    reply = app.test_client().open(path, method=method, **options)
    return reply.status, sorted(reply.headers), reply.data, list(app.extensions["calls"])


@pytest.mark.parametrize("hooked", [True, False])
@pytest.mark.parametrize(("method", "path", "options"), ASKED)
def test_answers_as_flask_does(method, path, options, hooked):
    ours, flasks = make(Application, hooked=hooked), make(Flask, hooked=hooked)
    for _ in range(2):  # the second time what was found is kept
        assert said_by(ours, method, path, options) == said_by(flasks, method, path, options)


def test_a_route_that_is_kept_keeps_nothing_of_a_request():
    app = make(Application)
    first = app.test_client().post("/plain", data=b"one")
    second = app.test_client().post("/plain", data=b"two", headers={"Host": "other.example.org"})
    assert (first.json["sent"], second.json["sent"]) == ("one", "two")
    hosts = [call[2] for call in app.extensions["calls"] if call[0] == "plain"]
    assert hosts == ["localhost", "other.example.org"]


def test_whoever_listens_to_signals_is_told():
    app, told = make(Application), []

    def finished(sender, response):
        told.append(("finished", response.status_code))

    def over(sender, exc):
        told.append("over")

    app.teardown_appcontext_funcs.clear()
    app.teardown_request_funcs.clear()
    with (
        request_finished.connected_to(finished, app),
        request_tearing_down.connected_to(lambda sender, exc: told.append("request over"), app),
        appcontext_tearing_down.connected_to(over, app),
    ):
        app.test_client().get("/plain")
    assert told == [("finished", 200), "request over", "over"]


def test_urls_are_made_outside_a_request_too():
    app = make(Application)
    app.config["SERVER_NAME"] = "example.org"
    with app.app_context():
        assert url_for("bare.plain") == "http://example.org/plain"
    with app.test_request_context("/rooms/3"):
        assert url_for("bare.plain", _external=True) == "http://example.org/plain"
        assert request.view_args == {"number": 3}


def test_a_request_within_a_context_of_the_app_uses_it():
    app = make(Application)
    with app.app_context():
        g.kept = "here"
        with app.test_request_context("/plain"):
            assert g.kept == "here"
        assert not has_request_context()
        assert g.kept == "here"
    with pytest.raises(RuntimeError, match="application context"):
        current_app._get_current_object()


def test_a_request_to_another_app_has_a_context_of_its_own():
    app, other = make(Application), make(Application)
    with app.app_context(), other.test_request_context("/plain"):
        assert current_app._get_current_object() is other


def test_errors_end_the_contexts():
    app = make(Application)
    assert app.test_client().get("/failing").status_code == 500
    assert not has_request_context()
    assert [name for name, *_ in app.extensions["calls"]][-2:] == ["end of all", "end of context"]
