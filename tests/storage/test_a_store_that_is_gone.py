import socket
import threading

import pytest
import structlog
from sqlalchemy import text

from consent_service.app import create_app
from consent_service.cli.worker import work_until
from consent_service.kernel.errors import Unavailable
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import reading, unit_of_work
from tests.support.stores import settings_for


@pytest.fixture
def refused():
    """A port on which nobody answers, and nobody else begins to."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request, keyring, tmp_path, refused):
    urls = {
        "sqlite": f"sqlite:///{tmp_path}/no/such/directory/store.sqlite3",
        "postgresql": f"postgresql://consent@127.0.0.1:{refused}/consent",
    }
    made = create_app(settings_for(urls[request.param], keyring))
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("door", [reading, unit_of_work])
def test_both_doors_say_unavailable(app, door):
    with app.app_context(), pytest.raises(Unavailable), door() as tx:
        tx.execute(text("SELECT 1"))


def test_all_threads_of_a_worker_together_say_it_once(app):
    stop = threading.Event()
    with app.app_context(), structlog.testing.capture_logs() as logged:
        threading.Timer(1.5, stop.set).start()
        work_until(stop)
    said = [each["event"] for each in logged if each["event"].startswith("worker:")]
    assert said == ["worker:store:unavailable"]


def test_readiness_is_a_503_problem(app, contract):
    reply = app.test_client().get("/readyz")
    contract.check(reply)
    assert (reply.status_code, reply.json["code"]) == (503, "unavailable")
    assert reply.headers["Retry-After"] == "1"


def test_a_token_that_cannot_be_looked_up_opens_nothing(app, contract):
    headers = {"Authorization": "Bearer " + "a" * 43}
    reply = app.test_client().get("/v1/catalogue", headers=headers)
    contract.check(reply)
    assert reply.status_code == 503


def test_liveness_needs_no_store(app):
    assert app.test_client().get("/healthz").status_code == 200


def test_a_page_says_so_and_is_a_page(app):
    reply = app.test_client().get("/sign-in/link/x", base_url="https://consent.example.org")
    assert (reply.status_code, reply.mimetype) == (503, "text/html")
    assert reply.headers["Retry-After"] == "1"
    assert "does not work just now" in reply.text


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_a_widget_is_told_so(app, method):
    body = {"purpose": "news", "language": "en"}
    headers = {"Origin": "https://shop.example.org"}
    reply = app.test_client().open("/v1/widget/look", method=method, json=body, headers=headers)
    assert reply.status_code == 503
    assert reply.headers["X-Request-Id"]


def test_one_click_that_was_not_recorded_is_no_success(app):
    reply = app.test_client().post("/unsubscribe/x", data={"List-Unsubscribe": "One-Click"})
    assert reply.status_code == 503
