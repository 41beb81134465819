import copy
import hashlib
import json
import threading
from datetime import timedelta

import pytest
import yaml

from consent_service.catalogue import service
from consent_service.kernel.actors import SYSTEM
from consent_service.kernel.clock import rfc3339
from consent_service.kernel.errors import Conflict, NotFound, Unavailable
from consent_service.ledger import service as ledger
from consent_service.ledger.model import EntryFilter, EntryKind
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import unit_of_work
from tests.conftest import SAMPLE

PATH = "/v1/catalogue"
TEXT = SAMPLE.read_text(encoding="utf-8")
_READ = yaml.safe_load(TEXT)


def document():
    return copy.deepcopy(_READ)


def another(name="Another name"):
    made = document()
    made["controller"]["name"] = name
    return made


def nobody(old, new):
    return 0


@pytest.fixture
def officer(api, make_client, token_for):
    made = make_client("officer", {"catalogue:read", "catalogue:write"})
    return api(token_for(made))


def put_yaml(officer, text, media_type="application/yaml", **more):
    return officer.send("PUT", PATH, data=text.encode(), content_type=media_type, **more)


def entries(app):
    with app.app_context():
        wanted = EntryFilter(kinds=frozenset({EntryKind.STAFF_ACT}))
        found = ledger.list_entries(wanted, None, 1_000).items
    return [entry for entry in found if entry.reason == "catalogue_loaded"]


def test_before_the_first_there_is_none(officer):
    for path in (PATH, "/v1/purposes", "/v1/purposes/x", "/v1/notices/x/1"):
        reply = officer.get(path)
        assert (reply.status_code, reply.json["code"]) == (503, "no_catalogue")


@pytest.mark.parametrize("media_type", ["application/yaml", "text/yaml; charset=utf-8"])
def test_yaml_is_loaded(app, officer, clock, media_type):
    reply = put_yaml(officer, TEXT, media_type)
    assert (reply.status_code, reply.json) == (
        200,
        {
            "version": 1,
            "changed": True,
            "difference": [{"pointer": "", "change": "added"}],
            "customers_to_ask_again": 0,
        },
    )
    shown = officer.get(PATH)
    assert shown.headers["ETag"] == '"1"'
    assert shown.json == {
        "version": 1,
        "recorded_from": rfc3339(clock()),
        "document": document(),
    }
    (entry,) = entries(app)
    assert (entry.known, entry.place) == (False, entry.id)
    assert (entry.client_id, entry.catalogue_version) == ("officer", 1)


def test_json_is_loaded_and_what_it_changes_is_told(officer):
    put_yaml(officer, TEXT)
    changed = another("Smiles 😀")
    del changed["purposes"][-1]
    reply = officer.put(PATH, changed)
    assert reply.json["version"] == 2
    assert reply.json["difference"] == [
        {"pointer": "/controller/name", "change": "changed"},
        {"pointer": f"/purposes/{len(changed['purposes'])}", "change": "removed"},
    ]
    assert officer.get(PATH).json["document"] == changed


def test_the_same_document_changes_nothing(app, officer):
    put_yaml(officer, TEXT)
    reply = officer.put(PATH, document())
    assert (reply.json["version"], reply.json["changed"]) == (1, False)
    assert reply.json["difference"] == []
    assert len(entries(app)) == 1


def test_a_dry_run_writes_nothing(app, officer):
    for _ in range(2):
        reply = put_yaml(officer, TEXT, query_string={"dry_run": "true"})
        assert (reply.json["version"], reply.json["changed"]) == (1, True)
    assert officer.get(PATH).status_code == 503
    put_yaml(officer, TEXT)
    dry = officer.put(PATH, another(), query_string={"dry_run": "true"})
    assert dry.json["difference"] == [{"pointer": "/controller/name", "change": "changed"}]
    assert officer.get(PATH).json["version"] == 1
    assert len(entries(app)) == 1


def test_a_load_is_repeatable_by_key(app, officer):
    key = {"Idempotency-Key": "k1"}
    first = put_yaml(officer, TEXT, headers=key)
    officer.put(PATH, another())
    again = put_yaml(officer, TEXT, headers=key)
    assert again.json == first.json
    assert officer.get(PATH).json["version"] == 2


@pytest.mark.parametrize(
    ("text", "media_type", "status"),
    [
        ("a: [", "application/yaml", 400),
        ("", "application/yaml", 400),
        ("{", "application/json", 400),
        ("languages: [en]", "application/json", 400),
        ("{}", "text/plain", 415),
        ("languages: [en]", "application/x-www-form-urlencoded", 415),
        ("{}", "application/yaml", 422),
        ("a: &x [*x]", "application/yaml", 422),
        ("x: " + "y" * 2 * 1024 * 1024, "application/yaml", 413),
    ],
    ids=str,
)
def test_what_is_no_document_is_refused(officer, text, media_type, status):
    assert put_yaml(officer, text, media_type).status_code == status


def test_what_is_not_well_formed_is_named_with_its_line(officer):
    assert put_yaml(officer, "a: 1\nb: [").json["detail"] == "Line 3: not well-formed YAML or JSON."


def test_a_compressed_body_is_refused(officer):
    headers = {"Content-Encoding": "gzip"}
    reply = put_yaml(officer, TEXT, headers=headers)
    assert reply.status_code == 415
    assert "application/json or application/yaml" in reply.json["detail"]


def test_an_unknown_parameter_is_refused(officer):
    assert put_yaml(officer, TEXT, query_string={"dryrun": "true"}).status_code == 422


def test_each_fault_has_its_line(app, officer):
    put_yaml(officer, TEXT)
    text = TEXT.replace("    notice: orders_fulfilment", "    notice: nothing")
    reply = put_yaml(officer, text)
    line = text[: text.index("    notice: nothing")].count("\n") + 1
    (error,) = reply.json["errors"]
    assert (reply.status_code, error["code"]) == (422, "unknown_reference")
    assert error["pointer"].endswith("/notice")
    assert error["detail"].startswith(f"line {line}: notice: ")
    assert "nothing" not in reply.text
    assert len(entries(app)) == 1


def test_a_recorded_notice_stays(officer):
    put_yaml(officer, TEXT)
    changed = document()
    changed["notices"][0]["text"]["en"] += " And more."
    reply = officer.put(PATH, changed)
    assert [(e["pointer"], e["code"]) for e in reply.json["errors"]] == [
        ("/notices/0/text/en", "notice_changed")
    ]
    removed = document()
    del removed["notices"][0]
    reply = officer.put(PATH, removed)
    assert [e["code"] for e in reply.json["errors"]] == ["notice_removed"]


def test_reading_is_not_writing(api, make_client, token_for):
    reader = api(token_for(make_client("reader", {"catalogue:read"})))
    assert put_yaml(reader, TEXT).status_code == 403


def test_purposes_are_listed_and_found(officer):
    put_yaml(officer, TEXT)
    listed = officer.get("/v1/purposes")
    assert listed.json == {"items": document()["purposes"], "next_cursor": None}
    for purpose in document()["purposes"]:
        assert officer.get("/v1/purposes/" + purpose["key"]).json == purpose
    assert officer.get("/v1/purposes/unknown").status_code == 404


def test_a_notice_comes_with_the_hash_of_each_text(officer):
    put_yaml(officer, TEXT)
    for notice in document()["notices"]:
        shown = officer.get(f"/v1/notices/{notice['key']}/{notice['version']}").json
        assert shown["text"] == notice["text"]
        assert shown["sha256"] == {
            language: hashlib.sha256(text.encode()).hexdigest()
            for language, text in notice["text"].items()
        }
    assert officer.get(f"/v1/notices/{notice['key']}/unknown").status_code == 404
    assert officer.get("/v1/notices/unknown/1").status_code == 404


@pytest.fixture
def load(app, clock):
    """Loads a document as a service would."""

    def once(made, count=nobody):
        return service.load_catalogue(json.dumps(made), SYSTEM, clock(), count)

    with app.app_context():
        yield once


def test_the_old_and_the_new_catalogue_are_counted_from(load, clock):
    seen = []

    def count(old, new):
        seen.append((old.version, new.version, new.controller.name))
        return 7

    assert load(document(), count).customers_to_ask_again == 0
    assert load(document(), count).customers_to_ask_again == 0
    assert load(another(), count).customers_to_ask_again == 7
    text = json.dumps(another("Third"))
    assert service.preview_catalogue(text, clock(), count).customers_to_ask_again == 7
    assert seen == [(1, 2, "Another name"), (2, 3, "Third")]


def test_each_past_time_has_its_catalogue(load, clock):
    first = clock()
    load(document())
    second = clock.advance(timedelta(days=1))
    load(another())
    moment = timedelta(microseconds=1)
    assert [service.at(at).version for at in (first, second - moment, second)] == [1, 1, 2]
    with pytest.raises(NotFound):
        service.at(first - moment)
    assert service.by_version(1).controller.name == document()["controller"]["name"]
    assert service.current().controller.name == "Another name"
    with pytest.raises(NotFound):
        service.by_version(3)


def test_a_version_is_read_once(load):
    load(document())
    assert service.current() is service.current()
    assert service.cached(1) is service.current()


def test_what_is_rolled_back_is_not_remembered(load):
    class Undone(Exception):
        pass

    def load_and_fail():
        with unit_of_work():
            load(another())
            assert service.current().controller.name == "Another name"
            assert service.cached(1) is service.current()
            raise Undone

    with pytest.raises(Undone):
        load_and_fail()
    with pytest.raises(Unavailable):
        service.current()
    load(document())
    assert service.current().controller.name == document()["controller"]["name"]


def test_of_two_loads_at_once_one_is_told(app, clock, load):
    load(document())
    start, told = threading.Barrier(2), []

    def count(old, new):
        """Both have read the version in force before either writes, where the store lets them."""
        if db.engine.dialect.name == "postgresql":
            start.wait()
        return 0

    def once(name):
        with app.app_context():
            text = json.dumps(another(name))
            try:
                told.append(service.load_catalogue(text, SYSTEM, clock(), count).version)
            except Conflict as error:
                told.append(error.code)

    threads = [threading.Thread(target=once, args=(name,)) for name in ("One", "Two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if db.engine.dialect.name == "postgresql":
        assert sorted(told, key=str) == [2, "catalogue_loaded_meanwhile"]
    else:
        assert sorted(told) == [2, 3]
