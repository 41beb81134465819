"""What recipients give to a package, and whom it waits for."""

import base64
import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import event

from consent_service.kernel.errors import DomainError
from consent_service.kernel.ids import parse_customer_id
from consent_service.packages import building, personal_data, service
from consent_service.packages.model import MOST_PART, MOST_PARTS
from consent_service.personal_data import service as everything
from consent_service.privacy_requests import personal_data as requests_data
from consent_service.privacy_requests.model import parse_request_id
from consent_service.storage.db import db
from consent_service.storage.unit_of_work import unit_of_work
from consent_service.web.runtime import keys
from tests.support import small_catalogue
from tests.support.packages import Packing
from tests.support.requests import BASE


@pytest.fixture
def packing(shop):
    return Packing(shop)


@pytest.fixture
def asked(shop):
    """Recipients who were asked and have not answered, in place of those whom the app asks."""
    outstanding = set()
    building.hand_in(everything.export, lambda _: outstanding)
    return outstanding


def give(shop, request, name="letters.csv", content=b"a,b\r\n", recipient="mailer"):
    with shop.app.app_context():
        return service.add_part(
            parse_request_id(request), recipient, name, content, shop.clock(), keys()
        )


def erase(shop, customer):
    with shop.app.app_context(), unit_of_work() as tx:
        for room in (requests_data, personal_data):
            room.erase(tx, [parse_customer_id(customer)])


def refusal(*arguments, **more):
    with pytest.raises(DomainError) as caught:
        give(*arguments, **more)
    return caught.value.code


def fetched(packing, request):
    return packing.contents(packing.fetch(request))


def test_what_a_recipient_gave_is_in_the_package(shop, packing):
    ann = shop.customer("ann@example.org")
    shop.check(ann, "orders", channel="email")
    shop.check(ann, "printed", recipient="mailer")
    request = packing.approved(ann)
    give(shop, request, "letters.csv", b"first")
    give(shop, request, "letters.csv", b"second")
    give(shop, request, "scan.pdf", b"%PDF" + bytes(600_000), "warehouse")
    assert packing.make() == 1
    got = fetched(packing, request)
    assert got.files["recipients/mailer/letters.csv"] == b"second"
    assert got.files["recipients/warehouse/scan.pdf"] == b"%PDF" + bytes(600_000)
    assert [(row["recipient"], row["content_type"]) for row in got.json["files"]] == [
        ("mailer", "text/csv"),
        ("warehouse", "application/pdf"),
    ]
    said = {row["recipient"]: row["files"] for row in got.json["recipients"]}
    assert said == {"mailer": 1, "warehouse": 1}
    assert (shop.rows("package_parts"), shop.rows("package_pieces")) == ([], [])


def test_it_says_who_has_given_nothing(shop, packing, asked, clock):
    ann = shop.customer("ann@example.org")
    shop.check(ann, "printed")
    request = packing.approved(ann)
    asked.add("broker")
    assert packing.make() == 0
    asked.clear()
    assert packing.make() == 1
    got = fetched(packing, request)
    assert [(row["recipient"], row["files"]) for row in got.json["recipients"]] == [("mailer", 0)]
    assert "has given nothing" in got.html


def test_it_waits_for_recipients_until_a_day_before_it_is_due(shop, packing, asked, clock):
    request = packing.approved(shop.customer("ann@example.org"))
    asked.add("broker")
    assert packing.make() == 0
    clock.advance(timedelta(days=29, seconds=-1))
    assert packing.make() == 0
    assert packing.state(request) == "running"
    clock.advance(timedelta(seconds=1))
    assert packing.make() == 1
    assert packing.state(request) == "done"
    said = fetched(packing, request).json["recipients"]
    assert [(row["recipient"], row["files"]) for row in said] == [("broker", 0)]


@pytest.mark.parametrize(
    "name",
    ["letters", "letters.html", "letters.svg", "../letters.csv", "a/b.csv", ".csv", "a..csv",
     "a b.csv", "letters.csv\n", "x" * 61 + ".csv", "https:.csv"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_or_runs_is_refused(shop, packing, name):
    assert refusal(shop, packing.approved(shop.customer()), name) == "invalid"


def test_size_and_number_are_bounded(shop, packing):
    request = packing.approved(shop.customer())
    assert refusal(shop, request, content=b"") == "invalid"
    assert refusal(shop, request, content=bytes(MOST_PART + 1)) == "invalid"
    for number in range(MOST_PARTS):
        give(shop, request, f"{number}.txt")
    assert refusal(shop, request, "more.txt") == "package_closed"
    assert refusal(shop, request, "more.txt", recipient="../mailer") == "invalid"
    give(shop, request, "0.txt", b"anew")
    give(shop, request, "more.txt", recipient="warehouse")
    assert len(shop.rows("package_parts")) == MOST_PARTS + 1


def test_nothing_is_added_to_what_is_not_under_way_or_is_made(shop, packing):
    ann = shop.customer()
    assert refusal(shop, packing.confirmed(ann)) == "package_closed"
    assert refusal(shop, packing.approved(ann, "rectification")) == "package_closed"
    assert refusal(shop, packing.ready(ann)) == "package_closed"
    assert refusal(shop, packing.ask("nobody@example.org")) == "not_found"


def test_what_comes_while_it_is_made_is_not_lost(shop, packing, clock, monkeypatch):
    request = packing.approved(shop.customer())
    made = building.write_archive

    def and_meanwhile(*arguments):
        made(*arguments)
        monkeypatch.undo()
        give(shop, request)

    monkeypatch.setattr(building, "write_archive", and_meanwhile)
    assert packing.make() == 0
    clock.advance(timedelta(minutes=3))
    assert packing.make() == 1
    assert "recipients/mailer/letters.csv" in fetched(packing, request).files


def test_a_merge_moves_what_is_not_made_yet_sealed_anew(shop, packing, asked):
    kept, absorbed = shop.customer("ann@example.org"), shop.customer("ann@example.com")
    request = packing.approved(absorbed)
    asked.add("broker")
    packing.make()
    give(shop, request, content=bytes(300_000))
    shop.merge(kept, absorbed)
    asked.clear()
    assert packing.make() == 1
    got = fetched(packing, request)
    assert got.files["recipients/mailer/letters.csv"] == bytes(300_000)
    assert [row["id"] for row in got.json["former_ids"]] == [absorbed]
    assert {row["value"] for row in got.json["identifiers"]} == {
        "ann@example.org",
        "ann@example.com",
    }


def test_a_merge_ends_what_is_ready(shop, packing):
    kept, absorbed = shop.customer("ann@example.org"), shop.customer("ann@example.com")
    request = packing.ready(absorbed)
    shop.merge(kept, absorbed)
    assert packing.fetch(request).json["code"] == "package_gone"
    assert shop.rows("package_pieces") == []


def test_an_erasure_leaves_nothing(shop, packing, asked):
    ann, other = shop.customer(), shop.customer()
    packing.ready(ann)
    asked.add("broker")
    give(shop, packing.approved(ann))
    packing.make()
    theirs = packing.approved(other)
    give(shop, theirs)
    erase(shop, ann)
    for table in personal_data.TABLES:
        assert {row["customer_id"] for row in shop.rows(table)} <= {parse_customer_id(other)}
    asked.clear()
    assert packing.make() == 1
    assert "recipients/mailer/letters.csv" in fetched(packing, theirs).files


def test_an_erasure_meanwhile_leaves_nothing_either(shop, packing, monkeypatch):
    ann = shop.customer()
    packing.approved(ann)
    made = building.write_archive

    def and_meanwhile(*arguments):
        erase(shop, ann)
        made(*arguments)

    monkeypatch.setattr(building, "write_archive", and_meanwhile)
    assert packing.make() == 0
    assert [shop.rows(table) for table in personal_data.TABLES] == [[], [], []]


def test_a_package_is_exported_as_a_fact(shop, packing):
    ann = shop.customer()
    first = packing.ready(ann)
    packing.fetch(first)
    told = packing.package(ann).json["packages"]
    assert [(row["request_id"], row["state"]) for row in told] == [
        (first, "fetched"),
        (told[1]["request_id"], "waiting"),
    ]
    assert json.dumps(told).count("ended_at") == 2
    assert shop.api.get(f"{BASE}/{first}").json["state"] == "done"


# --- Over the API


QUEUE = "/v1/requests-for-me"


@pytest.fixture
def mailer(open_shop):
    return open_shop("mailer", frozenset({"recipients:confirm"}), ("mailer",))


def tasks_of(which):
    return which.api.get(QUEUE).json["items"]


def part(which, task, name="letters.csv", content=b"a,b\r\n", **headers):
    body = {"name": name, "content": base64.b64encode(content).decode()}
    return which.api.post(f"{QUEUE}/{task['id']}/parts", body, headers=headers)


@pytest.fixture
def request_of_ann(shop, packing):
    """An access by somebody of whom the mailer, the warehouse and a partner have data."""
    shop.load(recipients=[
        {**each, "role": "partner" if each["key"] == "broker" else "processor"}
        for each in small_catalogue.document()["recipients"]
    ])  # fmt: skip
    ann = shop.customer("ann@example.org", "+493012345678")
    shop.say(ann, "given")
    shop.say(ann, "given", "ads", channel=None)
    shop.check(ann, "orders", channel="email", recipient="warehouse")
    return packing.approved(ann)


def test_each_holder_is_asked_for_its_part_and_gives_it(shop, packing, mailer, request_of_ann):
    assert packing.make(silent=True) == 0
    told = packing.show(request_of_ann)
    assert [each["recipient"] for each in told["recipients"]] == ["mailer", "warehouse"]
    assert (told["state"], told["waits_for"]) == ("running", "recipients")
    (task,) = tasks_of(mailer)
    assert (task["kind"], task["recipient"]) == ("access", "mailer")
    reply = part(mailer, task, content=bytes(MOST_PART))
    assert (reply.status_code, reply.json["size"]) == (201, MOST_PART)
    for _ in range(2):
        assert part(mailer, task, content=b"final", **{"Idempotency-Key": "k"}).status_code == 201
    packing.answer("mailer")
    assert packing.build() == 0
    packing.answer("warehouse", outcome="not_done", words="legal_claims")
    assert packing.make() == 1
    assert packing.state(request_of_ann) == "done"
    got = fetched(packing, request_of_ann)
    assert got.files["recipients/mailer/letters.csv"] == b"final"
    said = {row["recipient"]: row["files"] for row in got.json["recipients"]}
    assert said == {"mailer": 1, "warehouse": 0}
    assert shop.rows("recipient_tasks")[0]["about"] is None


def test_who_is_silent_is_waited_for_and_then_named(shop, packing, mailer, clock, request_of_ann):
    assert packing.make(silent=True) == 0
    packing.answer("warehouse")
    (task,) = tasks_of(mailer)
    clock.advance(timedelta(days=29, seconds=-1))
    assert packing.make(silent=True) == 0
    assert tasks_of(mailer)[0]["overdue"]
    clock.advance(timedelta(seconds=1))
    assert packing.make(silent=True) == 1
    assert packing.state(request_of_ann) == "done"
    assert {
        each["recipient"]: each["outcome"] for each in packing.show(request_of_ann)["recipients"]
    } == {"mailer": "settled", "warehouse": "done"}
    assert tasks_of(mailer) == []
    assert {row["about"] for row in shop.rows("recipient_tasks")} == {None}
    assert part(mailer, task).json["code"] == "recipient_answered"
    assert "has given nothing" in fetched(packing, request_of_ann).html


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # SQLite has one writer
def test_a_part_that_comes_while_its_customer_is_merged_is_taken(
    shop, packing, mailer, request_of_ann
):
    packing.make(silent=True)
    (task,) = tasks_of(mailer)
    kept, ann = shop.customer("anna@example.org"), packing.show(request_of_ann)["customer_id"]
    merged = threading.Event()

    def merge_meanwhile(connection, cursor, statement, *rest):
        if "FROM privacy_requests" in statement and not merged.is_set():
            merged.set()
            meanwhile = threading.Thread(target=shop.merge, args=(kept, ann))
            meanwhile.start()
            meanwhile.join()

    with shop.app.app_context():
        engine = db.engine
    event.listen(engine, "after_cursor_execute", merge_meanwhile)
    reply = part(mailer, task)
    event.remove(engine, "after_cursor_execute", merge_meanwhile)
    assert (reply.status_code, merged.is_set()) == (201, True)
    assert [row["customer_id"] for row in shop.rows("package_parts")] == [parse_customer_id(kept)]


def test_parts_are_of_ones_own_tasks_and_of_access_alone(shop, packing, mailer, request_of_ann):
    packing.make(silent=True)
    (task,) = tasks_of(mailer)
    other = next(each for each in packing.waiting("warehouse"))
    assert part(mailer, other).status_code == 404
    assert part(mailer, {"id": "tsk_x"}).status_code == 404
    for name, content in (("letters.html", b"x"), ("../a.csv", b"x"), ("a.csv", b"")):
        reply = part(mailer, task, name, content)
        assert (reply.status_code, name in reply.get_data(as_text=True)) == (422, False)
    reply = mailer.api.post(f"{QUEUE}/{task['id']}/parts", {"name": "a.csv", "content": "*"})
    assert reply.status_code == 422
    assert part(mailer, task, content=bytes(12 * 1024 * 1024)).status_code == 413
    packing.answer("mailer")
    assert part(mailer, task).json["code"] == "recipient_answered"
    packing.approved(shop.customer("bob@example.org"), "restriction")
    bob = shop.customer()
    shop.say(bob, "given")
    packing.approved(bob, "restriction")
    assert part(mailer, tasks_of(mailer)[0]).json["code"] == "package_closed"
    assert shop.rows("package_parts") == []
